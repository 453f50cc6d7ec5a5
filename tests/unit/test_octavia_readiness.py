"""Whether a node is ready for an upgrade: what was seen, judged."""

import octavia_duties as duties
import octavia_explain as explain
import octavia_findings as findings
import octavia_idle as idle
import octavia_readiness as readiness
import pytest
from given import PARAMETERS
from hypothesis import given
from hypothesis import strategies as st

RELEASES = PARAMETERS["releases"]
NAMES = [release["name"] for release in RELEASES]
HEADS = {release["name"]: release["head"] for release in RELEASES}


def only(items):
    """State and text of the one item that there is."""
    (item,) = items
    assert set(item) == {"what", "state", "text"}
    assert item["state"] in readiness.RANKS
    return item["state"], item["text"]


class TestItems:
    """Items as text, and which of them stop."""

    def test_what_stops_comes_first(self):
        items = [readiness.item(state, state, "one\ntwo") for state in reversed(readiness.RANKS)]
        assert readiness.describe(items).splitlines() == [
            *("stop: stop: one", "  two", "warning: warning: one", "  two"),
            *("not checked: not checked: one", "  two", "ok: ok: one", "  two"),
        ]
        assert readiness.stops(items) == [items[3]]

    def test_equals_stay_in_their_order(self):
        items = [readiness.item(name, readiness.OK, "") for name in "zab"]
        assert readiness.describe(items) == "ok: z: \nok: a: \nok: b: "


class TestPillar:
    """Findings of its check."""

    def test_valid(self):
        assert only(readiness.pillar([], "zed")) == ("ok", "it is valid for zed")
        assert only(readiness.pillar([], "")) == ("ok", "it is valid")

    def test_all_findings_at_once(self):
        warning = findings.warning("octavia:a", None, "is odd", "Mend it")
        error = findings.error("octavia:b", None, "is wrong", "Mend it")
        assert only(readiness.pillar([warning], "zed"))[0] == "warning"
        state, text = only(readiness.pillar([warning, error], "zed"))
        assert state == "stop"
        assert "octavia:a" in text
        assert "octavia:b" in text


class TestSequence:
    """One release after the other, and never back."""

    @pytest.mark.parametrize(
        ("old", "new", "skip", "mode", "state", "said"),
        [
            ("", "zed", False, "cold", "stop", "no Octavia is installed here"),
            ("zed", "zed", False, "cold", "ok", "zed is installed already"),
            ("zed", "zed", False, "rolling", "ok", "zed is installed already"),
            ("yoga", "zed", False, "cold", "ok", "yoga to zed, which migrates the database"),
            ("wallaby", "xena", False, "cold", "ok", "leaves the database as it is"),
            ("wallaby", "xena", False, "rolling", "ok", "leaves the database as it is"),
            ("yoga", "zed", False, "rolling", "stop", "Set octavia:upgrade:mode to cold"),
            ("yoga", "2023.1", False, "cold", "stop", "skips zed. Upstream supports one"),
            ("yoga", "2023.1", False, "cold", "stop", "set version to zed first"),
            ("zed", "2025.1", False, "cold", "stop", "skips 2023.1, 2023.2, 2024.1, 2024.2"),
            ("zed", "2025.1", True, "cold", "warning", "are skipped since octavia:upgrade"),
            ("zed", "2025.1", True, "rolling", "stop", "no service of zed may run"),
            ("2025.1", "2026.2", True, "rolling", "warning", "leaves the database as it is"),
            ("2025.1", "2026.2", False, "rolling", "stop", "skips 2025.2, 2026.1"),
            ("2025.1", "zed", False, "cold", "stop", "newer than zed: set version to 2025.1"),
            ("2025.1", "zed", True, "cold", "stop", "docs/upgrade.rst"),
        ],
    )
    def test_steps(self, old, new, skip, mode, state, said):
        found, text = only(readiness.sequence(RELEASES, old, new, skip, mode))
        assert (found, said in text) == (state, True), text

    @given(st.sampled_from(NAMES), st.sampled_from(NAMES), st.booleans())
    def test_rolling_never_allows_more_than_cold(self, old, new, skip):
        cold, rolling = (
            only(readiness.sequence(RELEASES, old, new, skip, mode))[0]
            for mode in ("cold", "rolling")
        )
        assert rolling in (cold, "stop")
        back = NAMES.index(new) < NAMES.index(old)
        assert cold == "stop" if back else (cold != "stop") is (skip or adjacent(old, new))
        if rolling != "stop":
            assert HEADS[old] == HEADS[new]


def adjacent(old, new):
    """Whether nothing lies between two releases."""
    return NAMES.index(new) - NAMES.index(old) in (0, 1)


class TestPackageSources:
    """Whether they have the release to come."""

    @pytest.mark.parametrize(
        ("version", "release", "state", "said"),
        [
            ("11.0.0-2", "zed", "ok", "they offer octavia-common 11.0.0-2, zed"),
            ("10.0.0-1", "yoga", "warning", "octavia-common 10.0.0-1, yoga, and the pillar"),
            ("", "", "warning", "octavia-common nothing newer"),
        ],
    )
    def test_offers(self, version, release, state, said):
        offer = {"name": "octavia-common", "version": version, "release": release}
        found, text = only(readiness.offered(offer, "zed"))
        assert (found, said in text) == (state, True), text
        assert state == "ok" or "point them to zed" in text


class TestOptions:
    """What becomes of the octavia.conf in force."""

    DIFF = explain.diff(PARAMETERS["options"], "victoria", "2023.1")

    def told(self, written, coming=None):
        """State and lines."""
        state, text = only(readiness.options(written, coming or {}, self.DIFF))
        return state, [line for line in text.splitlines() if "its default changes" not in line]

    def test_those_that_are_set(self):
        state, lines = self.told(
            [
                ("house_keeping", "spare_amphora_pool_size"),
                ("haproxy_amphora", "active_connection_rety_interval"),
                ("controller_worker", "user_data_config_drive"),
                ("health_manager", "heartbeat_key"),
            ]
        )
        assert state == "warning"
        gone, renamed, deprecated = lines
        assert gone.startswith("[house_keeping] spare_amphora_pool_size is gone. There is no pool")
        assert renamed.endswith("is [haproxy_amphora] active_connection_retry_interval now")
        assert "user_data_config_drive is deprecated: User_data nova option" in deprecated

    def test_one_that_nothing_takes_the_place_of(self):
        diff = {"removed": {"[a] b": ""}, "renamed": {}, "deprecated": {}, "defaults": {}}
        assert only(readiness.options([("a", "b")], {}, diff)) == ("warning", "[a] b is gone.")

    def test_defaults_count_where_nothing_is_set_then(self):
        diff = {"removed": {}, "renamed": {}, "deprecated": {}, "defaults": {"[a] b": [1, 2]}}
        assert only(readiness.options([], {"a": {"c": 1}}, diff)) == (
            "warning",
            "[a] b is not set, and its default changes from 1 to 2",
        )
        assert only(readiness.options([], {"a": {"b": 1}}, diff))[0] == "ok"

    def test_nothing_of_it(self):
        same = explain.diff(PARAMETERS["options"], "zed", "zed")
        found = readiness.options([("health_manager", "heartbeat_key")], {}, same)
        assert only(found) == ("ok", "none that is set is removed, renamed or deprecated")


HOPS = {
    "zed": [
        {"id": name, "text": f"Do {name}", "why": "", "blocking": blocking, "when": when, **more}
        for name, blocking, when, more in (
            ("hard", True, "before", {"check": "no_amphorae"}),
            ("soft", False, "before", {"check": "no_amphorae"}),
            ("later", True, "after", {"check": "no_amphorae"}),
            ("unseen", True, "before", {}),
        )
    ]
}


class TestDuties:
    """What an operator has to do."""

    def judged(self, amphorae, done=()):
        """State and text."""
        return only(readiness.duty(duties.judge(HOPS, ["zed"], {"amphorae": amphorae}, done)))

    def test_a_blocking_one_that_is_not_done_stops(self):
        state, text = self.judged(3)
        assert state == "stop"
        assert text.endswith("name in octavia:upgrade:done what is done: hard")

    def test_what_is_done_or_open_does_not(self):
        assert self.judged(3, ["hard"])[0] == "warning"
        assert self.judged(0)[0] == "warning"
        assert self.judged(0, ["unseen"])[0] == "ok"
        assert only(readiness.duty([])) == ("ok", "none on this way")


@pytest.mark.parametrize(
    ("answer", "state"),
    [("passed", "ok"), ("warnings", "warning"), ("failed", "stop"), ("unavailable", "not checked")],
)
def test_octavias_own_check(answer, state):
    checks = [{"check": "Persistence", "result": "Success", "details": ""}]
    found = readiness.upgrade_check({"state": answer, "checks": checks, "why": ""})
    assert only(found)[0] == state
    assert only(found)[1].splitlines()[0] == answer
    assert "Persistence: Success" in only(found)[1]
    told = readiness.upgrade_check({"state": "anything", "checks": [], "why": "it ended early"})
    assert only(told) == ("not checked", "it ended early")


@pytest.mark.parametrize(("free", "state"), [(1024, "ok"), (1023, "stop")])
def test_room(free, state):
    found, text = only(
        readiness.space("/var", free * readiness.MB, 1024 * readiness.MB, "make room")
    )
    assert found == state
    assert text.startswith(f"{free} MB are free, 1024 MB are needed")
    assert text.endswith(": make room") is (state == "stop")


class TestDatabase:
    """Whether it can be reached, and whose its schema is."""

    @pytest.mark.parametrize(
        ("state", "installed", "judged", "said"),
        [
            ("at head", "yoga", "ok", "at revision abc, at head for yoga"),
            ("behind", "zed", "ok", "behind for zed"),
            ("behind", "yoga", "stop", "Set version to yoga and apply octavia first"),
            ("unknown", "yoga", "stop", "which yoga does not know: a newer release made it"),
            ("no migrations", "yoga", "not checked", "the packages hold no migrations"),
            ("unreadable", "yoga", "stop", "cannot be read (unreachable): no route. Check the"),
        ],
    )
    def test_states(self, state, installed, judged, said):
        found = {"state": state, "revisions": ["abc"], "heads": ["def"]}
        if state == "unreadable":
            found.update(revisions=[], error="unreachable", text="no route")
        judgement, text = only(readiness.database(found, installed, "zed", HEADS["zed"]))
        assert (judgement, said in text) == (judged, True), text

    def test_an_empty_one(self):
        found = {"state": "empty", "revisions": [], "heads": ["def"]}
        assert "revision none, empty" in only(readiness.database(found, "zed", "zed"))[1]

    def test_another_node_of_this_upgrade_was_first(self):
        found = {"state": "unknown", "revisions": [HEADS["zed"]], "heads": [HEADS["yoga"]]}
        state, text = only(readiness.database(found, "yoga", "zed", HEADS["zed"]))
        assert (state, "another node has brought it" in text) == ("ok", True)
        more = {**found, "revisions": [HEADS["zed"], "abc"]}
        assert only(readiness.database(more, "yoga", "zed", HEADS["zed"]))[0] == "stop"

    @pytest.mark.parametrize(("state", "judged"), [("at head", "ok"), ("behind", "stop")])
    def test_the_schema_afterwards(self, state, judged):
        found = {"state": state, "revisions": ["abc"], "heads": ["def"]}
        assert only(readiness.schema(found))[0] == judged
        text = only(readiness.schema({**found, "state": "unreadable", "text": "no route"}))[1]
        assert text == "unreadable: it is at abc, the packages want def. no route"


def row(name, since, status="PENDING_UPDATE", kind="loadbalancer", above="PENDING_UPDATE"):
    """A row as the database gives it."""
    found = {"kind": kind, "id": name, "name": "", "status": status, "since": since}
    return {**found, "loadbalancer_status": above}


class TestWork:
    """What is PENDING."""

    def judged(self, *rows):
        """The items."""
        return readiness.work(idle.judge(rows, "2026-11-20 12:00:00", 3600))

    def test_none(self):
        assert only(self.judged()) == ("ok", "none")

    def test_work_goes_on_what_is_stuck_or_left_is_told(self):
        items = self.judged(
            row("busy", "2026-11-20 11:59:00"),
            row("old", "2026-11-20 10:59:00"),
            row("alone", "2026-11-20 10:59:00", kind="pool", above="ACTIVE"),
        )
        assert [item["state"] for item in items] == ["warning", "warning", "ok"]
        assert ["old" in items[0]["text"], "alone" in items[1]["text"]] == [True, True]
        assert "busy" in items[2]["text"]

    def test_a_database_that_does_not_tell_is_no_success(self):
        state, text = only(readiness.work({"error": "unreachable", "text": "no route"}))
        assert (state, "unreachable" in text, "no route" in text) == ("not checked", True, True)


class TestFleet:
    """Heartbeats and agents of the amphorae."""

    @pytest.mark.parametrize(
        ("ages", "states", "said"),
        [
            ([], ["ok"], "there is no amphora in use"),
            ([3, 60], ["ok"], "of 2 amphorae, the oldest 60 s ago"),
            ([3, 61], ["warning"], "1 of 2 amphorae are late: a1 (61 s)"),
            ([None, 3], ["warning", "ok"], "1 of 2 amphorae have never been heard of: a0."),
            ([None, 90], ["warning", "warning"], "1 of 2 amphorae are late: a1 (90 s)"),
            ([None] * 12, ["warning"], "a9 and 2 more"),
        ],
    )
    def test_heartbeats(self, ages, states, said):
        rows = [{"amphora": f"a{number}", "age": age} for number, age in enumerate(ages)]
        found = readiness.heartbeats(rows, 60)
        assert [item["state"] for item in found] == states
        assert said in readiness.describe(found)

    @pytest.mark.parametrize(("age", "stops"), [(None, 0), (3, 0), (90, 1)])
    def test_only_an_amphora_that_was_heard_before_can_be_dead(self, age, stops):
        found = readiness.heartbeats([{"amphora": "a", "age": age}], 60)
        assert len(readiness.late(found)) == stops
        assert len(readiness.stops(readiness.late_stops(found))) == stops

    @pytest.mark.parametrize(
        ("versions", "states", "said"),
        [
            (None, ["not checked"], "the database or the certificates"),
            ({}, ["ok"], "there is no amphora in use"),
            ({"a": "1.0", "b": "0.5"}, ["ok"], "2 of 2 answer, API 0.5, 1.0"),
            ({"a": "1.0", "b": None}, ["ok", "not checked"], "1 of 2 answer, API 1.0"),
            ({"a": None}, ["not checked"], "no answer from a"),
            (dict.fromkeys(map(str, range(12))), ["not checked"], " and 2 more"),
        ],
    )
    def test_agents(self, versions, states, said):
        items = readiness.agents(versions)
        assert [item["state"] for item in items] == states
        assert any(said in item["text"] for item in items)


def test_certificates():
    late = findings.warning("octavia:pki", None, "ends soon", "Renew it")
    wrong = findings.error("octavia:pki", None, "is wrong", "Mend it")
    judged = [only(readiness.certificates(found))[0] for found in ([], [late], [late, wrong])]
    assert judged == ["ok", "warning", "stop"]


def test_services_run_and_will_after_a_reboot():
    good = {"name": "octavia-api", "state": "active (running)", "active": True, "enabled": True}
    dead = {**good, "name": "octavia-worker", "state": "failed (Result: timeout)", "active": False}
    assert only(readiness.running([good]))[0] == "ok"
    state, text = only(readiness.running([good, dead, {**good, "enabled": False}]))
    assert state == "stop"
    assert text.startswith("octavia-worker is failed (Result: timeout); octavia-api is active")
    assert "(running), not enabled. Run octavia.upgrade.service_running" in text


def test_release():
    package = {"name": "octavia-common", "version": "11.0.0-2", "release": "zed"}
    assert only(readiness.release(package, "zed"))[0] == "ok"
    state, text = only(readiness.release(package, "2025.1"))
    assert state == "stop"
    assert "octavia-common 11.0.0-2 is of zed, and the pillar says 2025.1" in text
    assert "octavia.upgrade.upgrade" in text
    state, text = only(readiness.release({**package, "release": ""}, "2025.1"))
    assert (state, "no known release" in text) == ("stop", True)


def test_probes():
    probes = {"API": {"up": True, "why": "200"}, "worker": {"up": False, "why": "no consumers"}}
    assert readiness.probed(probes) == [
        {"what": "API", "state": "ok", "text": "200"},
        {"what": "worker", "state": "stop", "text": "no consumers"},
    ]


@pytest.mark.parametrize(
    ("would", "state", "said"),
    [
        ({"changes": {"a": {}}, "removed": [], "data_plane": []}, "ok", "1 would change"),
        ({"changes": {}, "removed": ["b"], "data_plane": []}, "ok", "these would go: b"),
        ({"changes": {}, "removed": [], "data_plane": ["qemu"]}, "stop", "qemu"),
        ({"error": "apt finds no way"}, "stop", "no way"),
        ({"unknown": "no package manager"}, "not checked", "no package manager"),
    ],
)
def test_what_packages_would_do(would, state, said):
    (found,) = readiness.packages(would)
    assert (found["state"], said in found["text"]) == (state, True)
