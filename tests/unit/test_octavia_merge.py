"""Two who set one option: who wins, what is a contradiction, and what is told."""

import octavia_findings as findings
import pytest
from given import GOOD, REMOVED, at, built, changed, conf


@pytest.mark.parametrize(
    ("option", "one", "other"),
    [
        ("DEFAULT:debug", False, "false"),
        ("DEFAULT:debug", "yes", True),
        ("DEFAULT:debug", 1, "on"),
        ("health_manager:heartbeat_interval", 15, "15"),
        ("health_manager:controller_ip_port_list", ["a:1", "b:2"], "a:1, b:2"),
        ("api_settings:enabled_provider_drivers", {"amphora": "x", "o": "y"}, "o:y,amphora:x"),
        ("driver_agent:max_process_warning_percent", 0.5, "0.50"),
        ("oslo_messaging_notifications:driver", ["log"], "log"),
        ("DEFAULT:log_file", None, None),
    ],
)
def test_the_same_value_in_another_form_is_no_contradiction(option, one, other):
    build = built(changed(GOOD, {f"api:{option}": one, f"manager:{option}": other}))
    assert findings.errors(build.found) == []


@pytest.mark.parametrize(
    ("one", "other"), [(True, "false"), (True, None), ("no", "maybe"), (1, 0), (True, [True])]
)
def test_other_values_are_told_with_both_paths(one, other):
    build = built(changed(GOOD, {"api:debug": one, "manager:debug": other}))
    told = [item for item in build.found if item["reason"].startswith("contradicts")]
    assert [item["path"] for item in told] == ["octavia:manager:debug"]
    assert "octavia:api:debug" in told[0]["reason"]


def test_two_keys_of_a_role_with_one_value_say_nothing():
    build = built(changed(GOOD, {"api:debug": True, "api:DEFAULT": {"debug": "yes"}}))
    assert findings.errors(build.found) == []
    assert build.sections["DEFAULT"]["debug"]["text"] == ["true"]


def test_a_composite_key_of_which_something_is_left_is_not_told():
    """`region` stands for many options; one of them may be another."""
    build = built(changed(GOOD, {"api:nova": {"region_name": "Elsewhere"}, "manager": REMOVED}))
    assert build.found == []
    assert build.sections["nova"]["region_name"]["text"] == ["Elsewhere"]


def test_identity_by_its_url_serves_all_who_speak_to_keystone():
    account = {"auth_url": "https://k.example.org/v3", "user": "octavia", "password": "id-secret"}
    file = conf(changed(at("2026.2", ("api",)), {"api:identity": account}))
    for section in ("keystone_authtoken", "service_auth", "neutron"):
        assert file[section]["auth_url"] == "https://k.example.org/v3"
        assert file[section]["username"] == "octavia"
    assert file["keystone_authtoken"]["www_authenticate_uri"] == "https://k.example.org/v3"


def test_the_first_api_is_off_where_there_is_one():
    assert conf(at("queens", ("api",)))["api_settings"]["api_v1_enabled"] == "false"
    wanted = changed(at("queens", ("api",)), {"api:api_v1_enabled": True})
    assert conf(wanted)["api_settings"]["api_v1_enabled"] == "true"
    assert "api_v1_enabled" not in conf(at("train", ("api",)))["api_settings"]
