"""The pillars ``octavia:monitoring`` and ``octavia:_support``, and what the map makes of them."""

import octavia_monitoring as monitoring
import pytest
from given import GOOD, PARAMETERS, REMOVED, built, changed

DEFAULTS = PARAMETERS["defaults"]["monitoring"]


def facts(**changes):
    """What the map tells other formulas of a node, its pillar changed at some paths."""
    return built(changed(GOOD, {key.replace("__", ":"): value for key, value in changes.items()}))


def settings(given):
    """The settings in force."""
    return monitoring.settings(given, DEFAULTS)


@pytest.mark.parametrize("given", [None, {}, DEFAULTS, dict.fromkeys(monitoring.KEYS)])
def test_the_defaults_are_in_force(given):
    assert (monitoring.check(given), settings(given)) == ([], DEFAULTS)


@pytest.mark.parametrize("given", ["x", [], {"error_log_rate": "x"}, {"pending_seconds": -1}, 5])
def test_what_is_wrong_is_told_once_and_not_in_force(given):
    (found,) = monitoring.check(given)
    assert (found["level"], found["path"].split(":")[:2]) == ("error", ["octavia", "monitoring"])
    assert settings(given) == DEFAULTS


def test_what_is_right_beside_it_is_in_force():
    given = {"error_log_rate": "1.5", "pending_seconds": "soon", "x": 1}
    assert [item["path"] for item in monitoring.check(given)] == [
        "octavia:monitoring:pending_seconds",
        "octavia:monitoring:x",
    ]
    assert settings(given) == {**DEFAULTS, "error_log_rate": 1.5}


@pytest.mark.parametrize(
    "given", [None, {}, *({tool: {"enabled": True}} for tool in monitoring.TOOLS), {"heka": {}}]
)
def test_the_tools_that_have_a_file(given):
    assert monitoring.check_support(given) == []


@pytest.mark.parametrize(
    ("given", "level", "path", "value"),
    [
        ("prometheus", "error", "octavia:_support", "prometheus"),
        ({"prometheus": "yes"}, "error", "octavia:_support:prometheus", "yes"),
        ({"heka": {"enabled": 1}}, "error", "octavia:_support:heka:enabled", "1"),
        ({"sensuu": {"enabled": True}}, "warning", "octavia:_support:sensuu", ""),
        ({5: 5}, "warning", "octavia:_support:5", ""),
    ],
)
def test_what_is_wrong_with_support(given, level, path, value):
    (found,) = monitoring.check_support(given)
    assert (found["level"], found["path"], found["value"]) == (level, path, value)
    assert found["reason"] and found["remedy"]


def test_the_nearest_tool_is_named():
    (found,) = monitoring.check_support({"sensuu": {}})
    assert found["remedy"].startswith("Did you mean sensu? Known tools are ")


def test_a_bad_pillar_keeps_the_roles_and_loses_the_addresses():
    wrong = facts(api__bind__port=99999).result()
    assert (wrong["roles"], wrong["monitoring"]["roles"]) == ([], ["api", "manager", "client"])
    assert list(wrong["monitoring"]["units"]) == list(PARAMETERS["defaults"]["units"])
    for key in ("api", "heartbeat", "logs", "config"):
        assert not wrong["monitoring"][key]


def test_a_release_without_a_driver_agent():
    told = facts(api__version="rocky", manager__version="rocky").result()["monitoring"]
    assert "octavia-driver-agent" not in told["units"]


def test_a_client_alone_has_nothing_to_watch():
    told = facts(api=REMOVED, manager=REMOVED).result()["monitoring"]
    assert told["roles"] == ["client"]
    for key in ("units", "api", "heartbeat", "logs", "config", "apache"):
        assert not told[key]
