"""The phases of an upgrade as tests run them, and what they print of it in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.converge import suites
from tests.converge.report import Run, describe

from .bench import SUBNET
from .comparison import Snapshot, added_fields, differences
from .controller import Controller

PHASES = "octavia.upgrade"
#: The phases of one node in their order.
ORDER = (
    "upgrade.pre",
    "service_stopped",
    "pkg_latest",
    "render_config",
    "offline_sync",
    "service_running",
    "upgrade.post",
)
DRAIN = "/var/lib/octavia/out-of-service"
#: What the pillar of a controller says before its first upgrade.
API: dict[str, Any] = {
    "healthcheck": {
        "enabled": True,
        "backends": ["octavia_db_check", "disable_by_file"],
        "disable_by_file_path": DRAIN,
    }
}
UPGRADE: dict[str, Any] = {
    "drain_seconds": 1,
    "verify": {"provider": "amphora", "vip_subnet_id": SUBNET},
}
#: What an operator decides for the duties on the way to 2025.1, and to 2026.2.
DECIDED: dict[str, Any] = {
    **API,
    "policy": {"set": "advanced_rbac"},
    "oslo_policy": {"enforce_scope": False, "enforce_new_defaults": False},
    "keystone_authtoken": {"service_token_roles_required": True},
}
#: The same for 2026.2, which has lost one of these options.
DECIDED_NEWEST: dict[str, Any] = {**DECIDED, "oslo_policy": {"enforce_new_defaults": False}}
#: What is counted, by who counts it; printed when the tests have ended.
COUNTED: list[str] = []


def count(text: str) -> None:
    """Keeps a line for the end."""
    COUNTED.append(text)


def changes(run: Run) -> dict[str, Any]:
    """What each state of a run has changed, or would."""
    return {state["__id__"]: state["changes"] for state in run.states if state["changes"]}


def foretold(controller: Controller, sls: str) -> Run:
    """
    Applies a phase with ``test=True``, then in truth, then once more.

    :param controller: where
    :param sls: the phase
    :return: the true run, whose changes were just those that had been foretold
    """
    before = suites.must_apply(controller.node, sls, "test=True")
    done = suites.must_apply(controller.node, sls)
    told, true = changes(before), changes(done)
    for name, change in told.items():
        # Salt's own state tells of a new file otherwise before and after.
        if "newfile" in change and true.get(name, {}).get("diff") == "New file":
            true[name] = change
    assert told == true, _differing(told, true)
    again = suites.must_apply(controller.node, sls)
    assert not again.changed, describe(again.changed)
    return done


def _differing(told: Mapping[str, Any], true: Mapping[str, Any]) -> str:
    return "\n".join(
        f"{name}: foretold {told.get(name)}, done {true.get(name)}"
        for name in sorted({*told, *true})
        if told.get(name) != true.get(name)
    )


def refused(controller: Controller, sls: str, state: str) -> str:
    """
    Applies states of which one must fail, and nothing may change.

    :param controller: where
    :param sls: the states
    :param state: the one that must fail
    :return: its comment
    """
    run = suites.apply(controller.node, sls)
    assert run.by_id[state]["result"] is False, describe(run.states)
    assert not changes(run), describe(run.changed)
    return run.by_id[state]["comment"]


def compare(what: str, before: Snapshot, after: Snapshot) -> None:
    """
    All load balancers are there with everything that they had.

    :param what: the upgrade, for the table of what was counted
    :param before: what was there
    :param after: what is there
    """
    found = differences(before, after)
    balancers = [len(each["loadbalancers"]) for each in (before, after)]
    objects = [sum(len(items) for items in each.values()) for each in (before, after)]
    fields = sum(len(item) for items in before.values() for item in items.values())
    count(
        f"{what}: load balancers {balancers[0]} before, {balancers[1]} after; objects {objects[0]} "
        f"and {objects[1]}; {len(found)} of {fields} fields differ; new in the API: "
        f"{len(added_fields(before, after))}"
    )
    assert not found, "\n".join(found)
    assert balancers[0] == balancers[1] > 0
