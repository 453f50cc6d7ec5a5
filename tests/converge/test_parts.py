"""The sample pillar of every feature on a real node: its files are written, Octavia reads them."""

from __future__ import annotations

import copy
import json
from typing import Any

import given
import yaml
from parts import PARTS

from . import suites
from .report import describe

CONFIG = "/etc/octavia/octavia.conf"
RELEASES = [release["name"] for release in given.PARAMETERS["releases"]]
CALL = ["salt-call", "--local", "--out=json"]


def _pillars(release: str) -> dict[str, str]:
    """The pillars of the features that a Debian of this release can have, by name."""
    found = {}
    for name, part in PARTS.items():
        is_there = RELEASES.index(part.since) <= RELEASES.index(release)
        if is_there and any(system.startswith("debian") for system in part.systems):
            octavia = copy.deepcopy(part.octavia)
            for role in {"api", "manager"} & set(octavia):
                octavia[role]["version"] = release
            found[name] = yaml.safe_dump({"octavia": octavia})
    return found


def _unchecked(octavia: dict[str, Any]) -> set[str]:
    """What the pillar has for drivers of others, which are not installed."""
    return {
        f"{CONFIG} [{section}] {option}"
        for role in octavia.values()
        for section, options in role.get("config", {}).items()
        for option in options
    }


def _ask(node, *function: str):
    return json.loads(node.run([*CALL, *function], check=True).stdout)["local"]


def test_octavia_reads_what_each_feature_makes(node, suite, capsys):
    pillars = _pillars(_ask(node, "octavia_config.map")["release"])
    assert len(pillars) > 15
    # These have other heartbeat keys, which nothing changes while it runs.
    node.run(["systemctl", "stop", "octavia-health-manager"])
    try:
        for place, (name, pillar) in enumerate(pillars.items(), 1):
            node.set_pillar({"octavia.sls": pillar})
            run = suites.apply(node, "octavia.config")
            assert not run.failed, f"{name}: {describe(run.failed)}"
            assert "octavia_config_file" in {state["__id__"] for state in run.changed}, name
            assert not suites.must_apply(node, "octavia.config").changed, name
            unread = {item["path"] for item in _ask(node, "octavia_config.load_check", CONFIG)}
            assert unread == _unchecked(PARTS[name].octavia), name
            with capsys.disabled():
                print(f"\n{place} of {len(pillars)}: {name}, {len(run.states)} states", end="")
    finally:
        node.set_pillar(suite.pillar_files)
        suites.must_apply(node, "octavia")
