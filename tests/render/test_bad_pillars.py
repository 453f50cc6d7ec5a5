"""A pillar with mistakes: the check is the only state, and it says all of them."""

import json

import harness
import pytest
from salt.exceptions import CommandExecutionError

ENTRIES = ("octavia", "octavia.api", "octavia.manager", "octavia.client")
ACCOUNT = "host: 10.0.0.2, user: octavia, password: s3cr3t"
API = f"""
    enabled: true
    version: zed
    database: {{name: octavia, {ACCOUNT}}}
    identity: {{{ACCOUNT}}}
    message_queue: {{{ACCOUNT}}}
"""
# The text of the pillar -> what the check says, one line each.
BAD = {
    "nothing": (
        "other: {}",
        ["error: octavia: is missing or empty: the pillar of this node says nothing about Octa"],
    ),
    "empty": ("octavia:", ["error: octavia: is missing or empty"]),
    "a word": ("octavia: s3cr3t", ["error: octavia: is missing or empty"]),
    "a role without anything": (
        "octavia: {manager: {enabled: true, version: zed}}",
        [
            "error: octavia:manager:controller_worker:amp_flavor_id: is not set; without it no",
            "error: octavia:manager:database: is missing, the role cannot work without it. Set oct",
            "error: octavia:manager:identity: is missing, the role cannot work without it. Set oct",
            "error: octavia:manager:message_queue: is missing, the role cannot work without it. S",
            "warning: octavia:manager:controller_worker:amp_boot_network_list: is not set, nor",
            "warning: octavia:manager:controller_worker:amp_secgroup_list: is not set, nor in",
            "warning: octavia:manager:health_manager:controller_ip_port_list: names no controller",
            "warning: octavia:manager:health_manager:heartbeat_key: is not set: nobody could tell",
        ],
    ),
    "an unknown release": (
        f"octavia:\n  api:{API}".replace("zed", "zedd"),
        ["error: octavia:api:version = zedd: is no release of OpenStack that the formula knows."],
    ),
    "an unknown key and a port": (
        f"octavia:\n  clinet: {{enabled: true}}\n  api:{API}    bind: {{port: 99999}}",
        [
            "error: octavia:api:bind:port = 99999: must be at most 65535, not 99999.",
            "error: octavia:clinet: is an unknown key. Did you mean client?",
        ],
    ),
    "names that are no text": (
        f"octavia:\n  5: x\n  api:{API}    api_settings: {{7: x, bind_port: 1, true: y}}",
        [
            "error: octavia:5: is an unknown key.",
            "error: octavia:api:api_settings:7: no release has an option [api_settings] 7.",
            "error: octavia:api:api_settings:True: no release has an option [api_settings] True.",
        ],
    ),
    "secrets of the wrong kind": (
        f"octavia:\n  api:{API}".replace("password: s3cr3t", "password: [s3cr3t]"),
        [
            "error: octavia:api:database:password = (hidden): must be text, not a list.",
            "error: octavia:api:identity:password = (hidden): must be text, not a list.",
            "error: octavia:api:message_queue:password = (hidden): must be text, not a list.",
        ],
    ),
}


@pytest.fixture(scope="module", params=BAD, name="bad")
def _bad(request):
    """Each pillar in turn: the minion that has it, and what it is to be told."""
    text, lines = BAD[request.param]
    pillar = harness.pillar(text, "debian12", "bad")
    with harness.Minion("debian12", pillar) as minion:
        yield minion, lines


@pytest.mark.parametrize("sls", ENTRIES)
def test_the_check_is_the_only_state(bad, sls):
    minion, _ = bad
    chunks = minion.low(sls)
    assert [chunk["__id__"] for chunk in chunks] == ["octavia_check"]
    assert "s3cr3t" not in json.dumps(chunks)


def test_it_says_everything_and_fails(bad):
    minion, lines = bad
    (check,) = minion.low("octavia")
    answer = minion.run(check)
    assert (answer["result"], answer["changes"]) == (False, {})
    said = answer["comment"].splitlines()
    assert len(said) == len(lines) + 1
    for line, expected in zip(said, [*lines, "Nothing was changed."], strict=True):
        assert line.startswith(expected)
    assert "s3cr3t" not in json.dumps(answer)


def test_nothing_is_written_from_it(bad):
    minion, lines = bad
    with pytest.raises(CommandExecutionError) as caught:
        minion.call["octavia_config.sections"]()
    assert str(caught.value).startswith(lines[0])
    assert "s3cr3t" not in str(caught.value)
    with pytest.raises(harness.RenderError):
        minion.template("salt://octavia/files/octavia.conf")


def test_an_unknown_system():
    pillar = harness.pillar(f"octavia:\n  api:{API}", "debian12", "bad")
    with harness.Minion("debian12", pillar, os="Plan 9", os_family="Plan 9") as minion:
        (check,) = minion.low("octavia")
        said = minion.run(check)["comment"]
    assert said.startswith("error: grains:os = Plan 9: is no operating system that the formula")


def test_warnings_change_nothing_but_what_is_said():
    pillar = harness.pillar(f"octavia:\n  api:{API}    api_v1_enabled: true", "debian12", "bad")
    with harness.Minion("debian12", pillar) as minion:
        (found,) = minion.call["octavia_config.validate"]()
        assert (found["level"], found["path"]) == ("warning", "octavia:api:api_v1_enabled")
        assert len(minion.low("octavia")) > 1
