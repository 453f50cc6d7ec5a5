"""What is told of options and of the way from one release to another."""

import octavia_explain
import octavia_schema as schema
import pytest
from given import PARAMETERS

OPTIONS = PARAMETERS["options"]


@pytest.mark.parametrize(
    "written",
    [
        *("heartbeat_key", "health_manager.heartbeat_key", "health_manager/heartbeat_key"),
        *("[health_manager] heartbeat_key", " [health_manager]heartbeat_key "),
        "octavia:manager:health_manager:heartbeat_key",
    ],
)
def test_an_option_by_any_way_to_write_it(written):
    (told,) = octavia_explain.explain(OPTIONS, written, "zed")
    assert (told["section"], told["option"]) == ("health_manager", "heartbeat_key")
    assert told["secret"]
    assert told["eras"] == [
        {"from": "ocata", "to": "rocky", "type": "string"},
        {"from": "stein", "to": "2026.2", "type": "string", "mutable": True},
    ]
    assert told["in_release"] == "[health_manager] heartbeat_key"
    assert "removed_in" not in told


def test_every_section_that_has_it():
    sections = [told["section"] for told in octavia_explain.explain(OPTIONS, "bind_host")]
    assert sections == ["DEFAULT", "api_settings", "haproxy_amphora"]


@pytest.mark.parametrize(
    ("written", "release", "there"),
    [
        ("api_settings.bind_host", "ocata", "[DEFAULT] bind_host"),
        ("neutron.valid_interfaces", "zed", "[neutron] endpoint_type"),
        ("DEFAULT.bind_host", "zed", "[api_settings] bind_host"),
        (
            "controller_worker.amp_image_id",
            "zed",
            (
                "[controller_worker] amp_image_id was removed in victoria. "
                "[controller_worker] amp_image_tag takes its place"
            ),
        ),
    ],
)
def test_what_it_is_in_a_release(written, release, there):
    (told,) = octavia_explain.explain(OPTIONS, written, release)
    assert told["in_release"] == there


def test_what_became_of_an_option_that_is_gone():
    (told,) = octavia_explain.explain(OPTIONS, "spare_amphora_pool_size")
    assert (told["removed_in"], told["eras"][-1]["to"]) == ("xena", "wallaby")
    assert told["eras"][-1]["deprecated"].startswith("Spares Pool support")
    assert told["instead"] == "There is no pool of spare amphorae any more"
    (told,) = octavia_explain.explain(OPTIONS, "active_connection_rety_interval")
    assert told["renamed_to"] == ["[haproxy_amphora] active_connection_retry_interval"]


def test_an_option_of_a_later_version():
    (told,) = octavia_explain.explain(OPTIONS, "db_commit_retry_max")
    first, second = told["eras"]
    assert first["point_release"] == "not in the first version, in 13.0.1 at last"
    assert (first["to"], second["from"]) == ("2023.2", "2024.1")
    assert "point_release" not in second


@pytest.mark.parametrize(
    ("written", "near"),
    [
        ("heartbeat_kye", "[health_manager] heartbeat_key"),
        ("health_manager.heartbeat_kye", "[health_manager] heartbeat_key"),
        ("qqqq", None),
        ("", None),
        ("a b c", None),
    ],
)
def test_an_unknown_option_is_told_with_those_like_it(written, near):
    with pytest.raises(octavia_explain.UnknownOption) as caught:
        octavia_explain.explain(OPTIONS, written)
    assert (near in caught.value.near) if near else (caught.value.near == [])
    assert caught.value.written == written


def test_from_one_release_to_the_next():
    told = octavia_explain.diff(OPTIONS, "2024.1", "2024.2")
    assert "[task_flow] jobboard_redis_sentinel_username" in told["added"]
    assert told["removed"]["[haproxy_amphora] use_upstart"].startswith("The amphora finds it")
    assert set(told["deprecated"]) >= {"[oslo_policy] enforce_scope", "[DEFAULT] watch_log_file"}
    assert told["defaults"]["[oslo_policy] enforce_scope"] == [False, True]
    assert told["types"] == {"[vault] timeout": ["integer", "float"]}


def test_a_rename_is_neither_added_nor_removed():
    told = octavia_explain.diff(OPTIONS, "xena", "yoga")
    old = "[haproxy_amphora] active_connection_rety_interval"
    new = "[haproxy_amphora] active_connection_retry_interval"
    assert told["renamed"] == {old: new}
    assert new not in told["added"]
    assert old not in told["removed"]
    assert "[amphora_agent] agent_tls_protocol" in told["limits"]


def test_types_and_limits():
    told = octavia_explain.diff(OPTIONS, "2025.1", "2025.2")
    assert told["types"] == {"[certificates] server_certs_key_passphrase": ["string", "list"]}
    assert list(told["limits"]) == ["[certificates] server_certs_key_passphrase"]


@pytest.mark.parametrize("place", range(len(schema.releases(OPTIONS)) - 1))
def test_the_way_back_is_the_way_there_turned_round(place):
    names = schema.releases(OPTIONS)[place : place + 2]
    there, back = octavia_explain.diff(OPTIONS, *names), octavia_explain.diff(OPTIONS, *names[::-1])
    gone = {*there["removed"], *there["renamed"]}
    assert {*back["added"], *back["renamed"].values()} >= set(there["removed"])
    assert gone.isdisjoint(there["added"])
    renamed = {*there["renamed"].values(), *back["renamed"].values()}
    for kind in ("defaults", "types"):
        for name in (there[kind].keys() & back[kind].keys()) - renamed:
            assert there[kind][name] == back[kind][name][::-1]


def test_nothing_changes_on_the_spot_and_an_unknown_release_is_told():
    assert not any(octavia_explain.diff(OPTIONS, "zed", "zed").values())
    with pytest.raises(schema.UnknownRelease):
        octavia_explain.diff(OPTIONS, "zed", "zedd")
