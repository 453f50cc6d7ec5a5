"""What becomes of the outputs that Octavia's own check before upgrades was measured to give."""

import octavia_status as status
import pytest

# 19.0.0 with a configuration that sets nothing.
SQLITE = """\
+---------------------------------------------------------------------+
| Upgrade Check Results                                               |
+---------------------------------------------------------------------+
| Check: AmphoraV2 Check                                              |
| Result: Warning                                                     |
| Details: Persistence database is using sqlite backend. Verification |
|   required if persistence_connecton URL has been set                |
|   properly.                                                         |
+---------------------------------------------------------------------+
| Check: Policy File JSON to YAML Migration                           |
| Result: Success                                                     |
| Details: None                                                       |
+---------------------------------------------------------------------+
"""
SQLITE_DETAILS = (
    "Persistence database is using sqlite backend. Verification required if persistence_connecton "
    "URL has been set properly."
)
PASSED = """\
+---------------------------------------------+
| Upgrade Check Results                       |
+---------------------------------------------+
| Check: AmphoraV2 Check                      |
| Result: Success                             |
| Details: AmphoraV2 provider is not enabled. |
+---------------------------------------------+
| Check: Policy File JSON to YAML Migration   |
| Result: Success                             |
| Details: None                               |
+---------------------------------------------+
"""
# 11.0.0, as Debian 12 has it: code 1, as for warnings.
NOT_INITIALIZED = """\
Error:
Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/oslo_upgradecheck/upgradecheck.py", line 185, in run
    return conf.command.action_fn()
           ^^^^^^^^^^^^^^^^^^^^^^^^
  File "/usr/lib/python3/dist-packages/oslo_config/cfg.py", line 2565, in find_file
    raise NotInitializedError()
oslo_config.cfg.NotInitializedError: call expression on parser has not been invoked

"""
# 13.0.0 and others: one error within another, and a warning of Python's behind them.
NO_OPTION = """\
Error:
Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/oslo_config/cfg.py", line 2181, in __getattr__
    return self._get(name)
KeyError: 'oslo_policy'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/oslo_upgradecheck/common_checks.py", line 40, in check
    if conf.find_file(conf.oslo_policy.policy_file):
oslo_config.cfg.NoSuchOptError: no such option oslo_policy in group [DEFAULT]

EventletDeprecationWarning: eventlet is deprecated
"""
USAGE = """\
usage: octavia-status [-h] [--config-file PATH] {upgrade} ...
octavia-status: error: unrecognized arguments: --config-file
"""


def of(output, code, jobboard=True):
    found = status.read(output, code, jobboard)
    assert set(found) == {"state", "why", "checks"}
    return found


def changed(text, old, new):
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize("noise", ["", "a warning of a library | with a line\n"])
def test_all_is_well(noise):
    found = of(noise + PASSED + noise, 0)
    assert (found["state"], found["why"]) == ("passed", "")
    assert found["checks"] == [
        {
            "check": "AmphoraV2 Check",
            "result": "Success",
            "details": "AmphoraV2 provider is not enabled.",
            "relevant": True,
        },
        {
            "check": "Policy File JSON to YAML Migration",
            "result": "Success",
            "details": "",
            "relevant": True,
        },
    ]


def test_the_persistence_connection_with_a_jobboard():
    found = of(SQLITE, 1, jobboard=True)
    assert found["state"] == "warnings"
    assert found["why"] == f"AmphoraV2 Check: {SQLITE_DETAILS}"
    assert found["checks"][0]["relevant"] is True


def test_the_persistence_connection_without_a_jobboard():
    found = of(SQLITE, 1, jobboard=False)
    assert (found["state"], found["why"]) == ("passed", "")
    assert found["checks"][0]["details"] == SQLITE_DETAILS
    assert found["checks"][0]["result"] == "Warning"
    assert [check["relevant"] for check in found["checks"]] == [False, True]


@pytest.mark.parametrize(("jobboard", "state"), [(True, "failed"), (False, "passed")])
def test_persistence_that_cannot_be_reached(jobboard, state):
    details = "Failed to connect to persistence backend for AmphoraV2 provider."
    output = changed(PASSED, "AmphoraV2 provider is not enabled.", details)
    output = output.replace("Result: Success", "Result: Failure", 1)
    assert of(output, 2, jobboard)["state"] == state


@pytest.mark.parametrize(
    ("check", "details"),
    [
        ("AmphoraV2 Check", "The amphora provider is told to be gone."),
        ("Another Check", "The jobboard and its persistence are told to be gone."),
    ],
)
def test_only_the_jobboard_is_left_out_without_one(check, details):
    output = changed(SQLITE, "AmphoraV2 Check", check)
    lines = [line for line in output.splitlines() if not line.startswith("|   ")]
    output = "\n".join(f"| Details: {details} |" if "sqlite" in line else line for line in lines)
    found = of(output, 1, jobboard=False)
    assert (found["state"], found["why"]) == ("warnings", f"{check}: {details}")


def test_another_warning_counts_without_a_jobboard():
    output = changed(SQLITE, "Result: Success", "Result: Warning")
    output = output.replace("Details: None", "Details: Your policy file is JSON-formatted.")
    found = of(output, 1, jobboard=False)
    assert found["state"] == "warnings"
    assert found["why"] == (
        "Policy File JSON to YAML Migration: Your policy file is JSON-formatted."
    )


def test_a_failure_is_more_than_a_warning():
    found = of(changed(SQLITE, "Result: Success", "Result: Failure"), 2)
    assert found["state"] == "failed"
    assert "Policy File JSON to YAML Migration: Failure" in found["why"]


def test_a_placeholder():
    output = (
        "+-----------------------+\n| Upgrade Check Results |\n+-----------------------+\n"
        "| Check: Sample Check   |\n| Result: Success       |\n| Details: Sample       |\n"
        "+-----------------------+\n"
    )
    assert of(output, 0)["state"] == "passed"


@pytest.mark.parametrize(
    ("output", "code", "why"),
    [
        (NOT_INITIALIZED, 1, "NotInitializedError: call expression on parser has not been invoked"),
        (NOT_INITIALIZED, 255, "NotInitializedError"),
        (NO_OPTION, 255, "NoSuchOptError: no such option oslo_policy in group [DEFAULT]"),
        (USAGE, 2, "unrecognized arguments"),
        ("", 0, "nothing"),
        ("", 127, "127"),
        (" \n", 1, "nothing"),
        # A table that was never filled, and results without an end that fits them.
        ("| Upgrade Check Results |\n", 0, "ended with 0"),
        (PASSED, 255, "ended with 255"),
        (PASSED, -9, "ended with -9"),
        (PASSED, None, "did not end in time"),
        ("", None, "did not end in time"),
        (NOT_INITIALIZED, None, "did not end in time"),
    ],
)
def test_no_results_are_never_good_ones(output, code, why):
    for jobboard in (True, False):
        found = of(output, code, jobboard)
        assert found["state"] == "unavailable"
        assert why in found["why"]
        assert found["checks"] == []


@pytest.mark.parametrize(("code", "state"), [(1, "warnings"), (2, "failed")])
def test_a_code_that_the_results_do_not_explain(code, state):
    found = of(PASSED, code, jobboard=False)
    assert found["state"] == state
    assert found["why"]


def test_a_result_that_is_not_known():
    assert of(changed(PASSED, "Result: Success", "Result: Perhaps"), 0)["state"] == "failed"
