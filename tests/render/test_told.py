"""What octavia_config tells of options and releases, through Salt's own loader."""

import harness
import pytest
from cases import CASES
from salt.exceptions import CommandExecutionError


@pytest.fixture(scope="module", name="minion")
def _minion():
    with harness.Minion("debian12", CASES["aio"].pillar("debian12")) as minion:
        yield minion


@pytest.mark.parametrize(
    ("release", "there"),
    [("", "retry"), ("zed", "retry"), (2023.1, "retry"), ("xena", "rety"), ("x", "rety")],
)
def test_an_option_in_the_release_of_the_pillar_or_another(minion, release, there):
    told = minion.call["octavia_config.explain"]("active_connection_retry_interval", release)
    assert [one["section"] for one in told] == ["haproxy_amphora"]
    assert told[0]["in_release"] == f"[haproxy_amphora] active_connection_{there}_interval"


def test_from_one_release_to_another_by_any_name(minion):
    told = minion.call["octavia_config.diff"](2024.1, "dalmatian")
    assert told == minion.call["octavia_config.diff"]("2024.1", "2024.2")
    assert "[haproxy_amphora] use_upstart" in told["removed"]


@pytest.mark.parametrize(
    ("function", "arguments", "said"),
    [
        ("explain", ("hearbeat_key",), r"did you mean \[health_manager\] heartbeat_key"),
        ("explain", ("bind_ip", "zedd"), "'zedd' is no release"),
        ("diff", ("zed", "11"), "'11' is no release of OpenStack that the formula knows: ocata"),
    ],
)
def test_what_is_unknown_is_told(minion, function, arguments, said):
    with pytest.raises(CommandExecutionError, match=said):
        minion.call[f"octavia_config.{function}"](*arguments)


def test_it_needs_no_pillar():
    with harness.Minion("debian12", {}) as minion:
        (told,) = minion.call["octavia_config.explain"]("heartbeat_key")
        assert "in_release" not in told
