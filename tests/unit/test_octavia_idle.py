"""What Octavia is at work on: which objects are waited for, which are told, and how."""

import octavia_idle as idle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = "2026-11-20T12:00:00"
CHECKED = settings(max_examples=300, deadline=None, derandomize=True)


def balancer(name, since="2026-11-20 11:59:00", status="PENDING_UPDATE"):
    """The row of a load balancer."""
    return {
        "kind": "loadbalancer",
        "id": f"id-{name}",
        "name": name,
        "status": status,
        "loadbalancer_id": f"id-{name}",
        "loadbalancer_status": status,
        "since": since,
    }


def child(name, above, kind="pool"):
    """The row of an object below a load balancer of this status."""
    row = {**balancer(name), "kind": kind, "loadbalancer_id": "id-above"}
    return {**row, "loadbalancer_status": above}


def ids(found):
    """The ids by group."""
    return {group: [item["id"] for item in items] for group, items in found.items()}


class TestJudge:
    """What is waited for is the lock of a tree that somebody works on."""

    def test_nothing_is_pending(self):
        assert idle.judge([], NOW, 60) == {"waiting": [], "stuck": [], "left": []}

    @pytest.mark.parametrize(
        ("since", "group", "age"),
        [
            ("2026-11-20 12:00:00", "waiting", 0),
            ("2026-11-20 11:00:01", "waiting", 3599),
            ("2026-11-20 11:00:00", "stuck", 3600),
            ("2026-11-18 12:00:00", "stuck", 172800),
            ("2026-11-20T11:00:00+00:00", "stuck", 3600),
            ("2026-11-20T13:00:00+02:00", "stuck", 3600),
            ("2026-11-20T11:00:00Z", "stuck", 3600),
            ("2026-11-20T10:59:59.500000", "stuck", 3600),
            # The clocks of two databases differ.
            ("2026-11-20 12:00:05", "waiting", 0),
            (None, "waiting", None),
            ("", "waiting", None),
        ],
    )
    def test_a_load_balancer_by_its_age(self, since, group, age):
        found = idle.judge([balancer("a", since)], NOW, 3600)
        assert [item["age"] for item in found.pop(group)] == [age]
        assert set(map(len, found.values())) == {0}

    @pytest.mark.parametrize("now", ["2026-11-20 12:00:00", "2026-11-20T12:00:00.000000+00:00"])
    def test_the_time_in_the_forms_of_databases_and_of_the_api(self, now):
        found = idle.judge([balancer("a", "2026-11-20T11:59:00")], now, 3600)
        assert found["waiting"][0]["age"] == 60

    @pytest.mark.parametrize("kind", ["listener", "pool", "member", "amphora"])
    @pytest.mark.parametrize(
        ("above", "left"),
        [
            ("PENDING_UPDATE", False),
            ("PENDING_DELETE", False),
            ("ACTIVE", True),
            ("ERROR", True),
            (None, True),
        ],
    )
    def test_others_count_only_where_their_load_balancer_does_not(self, kind, above, left):
        found = ids(idle.judge([child("b", above, kind)], NOW, 60))
        assert found == {"waiting": [], "stuck": [], "left": ["id-b"] if left else []}

    def test_the_oldest_comes_first(self):
        rows = [
            balancer("unknown", None),
            balancer("young", "2026-11-20 11:59:59"),
            balancer("old", "2026-11-20 11:30:00"),
            balancer("also old", "2026-11-20 11:30:00"),
        ]
        found = ids(idle.judge(rows, NOW, 3600))["waiting"]
        assert found == ["id-also old", "id-old", "id-young", "id-unknown"]


ROWS = st.lists(
    st.builds(
        dict,
        kind=st.sampled_from(["loadbalancer", "listener", "pool", "member", "amphora"]),
        id=st.uuids().map(str),
        name=st.one_of(st.none(), st.text(max_size=5)),
        status=st.sampled_from(["PENDING_CREATE", "PENDING_UPDATE", "PENDING_DELETE", "BOOTING"]),
        loadbalancer_status=st.sampled_from([None, "ACTIVE", "ERROR", "PENDING_UPDATE"]),
        since=st.one_of(st.none(), st.datetimes().map(str)),
    ),
    max_size=8,
    unique_by=lambda row: row["id"],
)


@CHECKED
@given(rows=ROWS, limit=st.integers(1, 10**6))
def test_each_load_balancer_is_in_one_group_and_no_child_is_waited_for(rows, limit):
    found = idle.judge(rows, NOW, limit)
    told = [item["id"] for items in found.values() for item in items]
    assert len(told) == len(set(told))
    balancers = sorted(row["id"] for row in rows if row["kind"] == "loadbalancer")
    assert sorted(item["id"] for key in ("waiting", "stuck") for item in found[key]) == balancers
    assert all(item["kind"] != "loadbalancer" for item in found["left"])
    locked = [row["id"] for row in rows if row["loadbalancer_status"] == "PENDING_UPDATE"]
    assert not {item["id"] for item in found["left"]} & set(locked)
    assert all(item["age"] is None or item["age"] < limit for item in found["waiting"])
    assert all(item["age"] >= limit for item in found["stuck"])
    for items in found.values():
        ages = [item["age"] or 0 for item in items]
        assert ages == sorted(ages, reverse=True)
        assert isinstance(idle.describe(items), str)


@CHECKED
@given(rows=ROWS, limit=st.integers(1, 10**6))
def test_what_is_stuck_stays_so_as_time_goes_on(rows, limit):
    now, later = (ids(idle.judge(rows, time, limit)) for time in (NOW, "2026-11-21T12:00:00"))
    assert set(now["stuck"]) <= set(later["stuck"])
    assert now["left"] == later["left"] or set(now["left"]) == set(later["left"])


class TestWords:
    """Objects and spans in words."""

    def test_an_object(self):
        found = idle.judge([balancer("web", "2026-11-20 11:30:00")], NOW, 3600)
        assert idle.describe(found["waiting"]) == (
            "loadbalancer web (id-web) PENDING_UPDATE for 30 min"
        )
        nameless = idle.judge([balancer("", None)], NOW, 3600)
        assert idle.describe(nameless["waiting"]) == "loadbalancer (id-) PENDING_UPDATE"

    @pytest.mark.parametrize(("count", "ending"), [(10, "for 1 min"), (11, "; and 1 more")])
    def test_many_are_counted(self, count, ending):
        rows = [balancer(f"{number:02}", "2026-11-20 11:58:00") for number in range(count)]
        told = idle.describe(idle.judge(rows, NOW, 3600)["waiting"])
        assert told.count("loadbalancer") == 10
        assert told.endswith(ending.replace("1 min", "2 min"))

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (0, "0 s"),
            (119.9, "119 s"),
            (120, "2 min"),
            (7199, "119 min"),
            (7200, "2 h 0 min"),
            (11100, "3 h 5 min"),
            (172799, "47 h 59 min"),
            (172800, "2 d 0 h"),
            (187200, "2 d 4 h"),
        ],
    )
    def test_a_span(self, seconds, text):
        assert idle.duration(seconds) == text

    def test_what_nobody_works_on_is_told_with_the_way_out(self):
        assert idle.told_stuck([]) == ""
        stuck = idle.judge([balancer("web", "2026-11-18 12:00:00")], NOW, 3600)["stuck"]
        told = idle.told_stuck(stuck)
        assert "loadbalancer web (id-web) PENDING_UPDATE for 2 d 0 h" in told
        assert "provisioning_status to ERROR" in told
        assert "docs/upgrade.rst" in told
