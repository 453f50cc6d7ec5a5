"""
Three controllers, a Salt master, a cloud, each a node of its own: orchestrated upgrades while a
tenant works. Cold from Zed to 2025.1, which migrates; rolling from 2025.1 to 2026.2, which does
not.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
import yaml

from tests.converge import suites
from tests.converge.master import Master
from tests.converge.report import describe
from tests.nodes import Node

from . import comparison, phases
from .controller import UNITS
from .tenant import working

COUNT = 20
CLOUDS = "/etc/openstack/clouds.yaml"
SLS = "octavia.orchestrate.upgrade"
SETTINGS = {**phases.UPGRADE, "allow_skip": True, "drain_seconds": 5}


@pytest.fixture(scope="module")
def master(cluster, salt):
    """The master, which has the pillar of the controllers."""
    node = Node(f"{cluster.prefix}-master", "debian12", salt, layers=[], owner=os.getpid())
    with node:
        node.run(["salt-call", "--local", "saltutil.sync_all"], check=True)
        for controller in cluster.controllers:
            controller.set_pillar(api=phases.DECIDED, upgrade=SETTINGS)
        _publish(node, cluster)
        yield Master(node, {each.name: each.node for each in cluster.controllers})


@pytest.fixture(scope="module")
def before(cluster, master):
    """What there is before the upgrades."""
    states = master.orchestrate("octavia.orchestrate.deploy", {})
    assert all(state["result"] for state in states), _told(states)
    done = [state["__id__"] for state in states if state["changes"]]
    assert done == ["octavia_deploy_primary", "octavia_deploy_api", "octavia_deploy_manager"]
    for controller in cluster.controllers:
        run = suites.must_apply(controller.node, "octavia")
        assert not run.changed, describe(run.changed)
    return cluster.balancers(COUNT)


def _publish(node, cluster, **more: Any) -> None:
    """Gives the master the pillars of the controllers, and the first of them something more."""
    files: dict[str, Any] = {}
    top = {}
    for controller in cluster.controllers:
        names = []
        for name, content in controller.pillar.items():
            stem = name.removesuffix(".sls")
            names.append(f"{controller.name}.{stem}")
            text = content if isinstance(content, str) else json.dumps(content)
            # The first file reads the second by its name.
            text = text.replace("'bench.sls'", f"'{controller.name}/bench.sls'")
            files[f"{controller.name}/{name}"] = text
        if controller is cluster.first and more:
            files["more.sls"] = json.dumps(more)
            names.append("more")
        top[controller.name] = names
    node.set_pillar({**files, "top.sls": yaml.safe_dump({"base": top})})


def _hop(master, cluster, platform: str) -> None:
    for controller in cluster.controllers:
        controller.hop(platform)
    _publish(master.node, cluster)
    master.refresh_pillar()


def _orchestrate(master, cluster, test: bool = False, **given: Any) -> list[dict[str, Any]]:
    names = [controller.name for controller in cluster.controllers]
    pillar = {"octavia": {"orchestrate": {"controllers": names, **given}}}
    return master.orchestrate(SLS, pillar, test)


def _told(states: list[dict[str, Any]]) -> str:
    """The states of an orchestration, and of the minions those that failed."""
    lines = []
    for state in states:
        lines.append(f"{state['__id__']}: {state['result']} {state['comment']}")
        for minion, answer in (state["changes"].get("ret") or {}).items():
            ran = answer.values() if isinstance(answer, dict) else [answer]
            failed = [one for one in ran if not isinstance(one, dict) or one.get("result") is False]
            lines += [f"{minion}: {one}" for one in failed]
    return "\n".join(lines)


def _stand(cluster, release: str) -> None:
    """All controllers run the release, an ordinary run finds nothing to do."""
    for controller in cluster.controllers:
        assert controller.active() == list(UNITS) == controller.enabled(), controller.name
        suites.must_apply(controller.node, "octavia")
        run = suites.must_apply(controller.node, "octavia")
        assert not run.changed, describe(run.changed)
        assert controller.node.salt_call("octavia_control.node").data["packages"] == [release]


def _count(what: str, answer: dict[str, Any]) -> None:
    phases.count(
        f"{what}: requests asked {answer['asked']}, accepted {answer['accepted']}, refused "
        f"{answer['refused']}, lost {len(answer['lost'])}; seconds without API "
        f"{answer['seconds_without_api']}"
    )


def test_without_the_sources_of_the_new_release_it_stops_and_tells_how_the_nodes_stand(
    master, cluster, before
):
    for controller in cluster.controllers:
        controller.settings["version"] = "2025.1"
        controller.set_pillar(upgrade={**SETTINGS, "allow_skip": False})
    _publish(master.node, cluster)
    master.refresh_pillar()
    states = _orchestrate(master, cluster)
    results = {state["__id__"]: state for state in states}
    assert results["octavia_upgrade_pre"]["result"] is False
    assert "requisite" in results["octavia_upgrade_stopped"]["comment"]
    stand = results["octavia_upgrade_how_the_nodes_stand"]
    assert stand["result"] is True, _told(states)
    for controller in cluster.controllers:
        assert "octavia-worker" in str(stand["changes"]) and controller.name in str(
            stand["changes"]
        )
        assert controller.active() == list(UNITS)
        controller.set_pillar(upgrade=SETTINGS)


def test_a_clouds_yaml_is_lent_by_the_mine_for_the_time_of_an_upgrade(master, cluster):
    borrower = cluster.controllers[-1]
    content = yaml.safe_load(borrower.node.get(CLOUDS))
    # The role client keeps the file by itself.
    borrower.set_pillar(client={"enabled": False})
    _publish(
        master.node,
        cluster,
        keystone={"client": {"os_client_config": {"enabled": True, "content": content}}},
    )
    master.refresh_pillar()
    what = ["keystone_os_client_config", "keystone:client:os_client_config:content"]
    mine = [cluster.first.name, "mine.send", *what, "mine_function=pillar.get"]
    borrower.node.run(["mv", CLOUDS, f"{CLOUDS}.own"], check=True)
    state = "octavia_upgrade_clouds_lent"

    def pre() -> tuple[dict[str, Any], dict[str, Any]]:
        said = master.salt(borrower.name, "state.apply", "octavia.upgrade.pre", timeout=300)
        (lent,) = [one for one in said[borrower.name].values() if one["__id__"] == state]
        return said, lent

    try:
        master.salt(*mine)
        _, lent = pre()
        assert lent["result"] is False and "unmask: true" in lent["comment"], lent
        master.salt(*mine, "unmask=True")
        for changes in (True, False):
            said, lent = pre()
            assert (lent["result"], bool(lent["changes"])) == (True, changes), lent
            assert not [secret for secret in cluster.secrets if secret in json.dumps(said)]
        assert yaml.safe_load(borrower.node.get(CLOUDS)) == content
        mode = borrower.node.run(["stat", "--format=%a %U", CLOUDS], check=True).stdout
        assert mode.strip() == "600 root"
        master.salt(borrower.name, "state.apply", "octavia.upgrade.post", timeout=300)
        assert borrower.node.run(["test", "-e", CLOUDS]).returncode == 1
    finally:
        borrower.node.run(["mv", f"{CLOUDS}.own", CLOUDS], check=True)
        borrower.set_pillar(client={})
    master.salt(borrower.name, "state.apply", "octavia.upgrade.post", timeout=300)
    assert yaml.safe_load(borrower.node.get(CLOUDS)) == content


def test_a_rolling_upgrade_with_a_migration_is_refused(master, cluster):
    _hop(master, cluster, "debian13")
    states = _orchestrate(master, cluster, mode="rolling")
    results = {state["__id__"]: state for state in states}
    assert results["octavia_upgrade_pre"]["result"] is False
    assert "cannot be rolling" in str(results["octavia_upgrade_pre"])
    for controller in cluster.controllers:
        assert controller.active() == list(UNITS)


def test_foretold_nothing_is_touched(master, cluster):
    states = _orchestrate(master, cluster, test=True)
    assert not [state for state in states if state["result"] is False], _told(states)
    for controller in cluster.controllers:
        assert controller.active() == list(UNITS)
        assert controller.versions()["octavia-common"].startswith("11.")


def test_cold(master, cluster, before):
    urls = [controller.url for controller in cluster.controllers]
    with working(cluster.cloud, urls) as answer:
        states = _orchestrate(master, cluster)
        assert all(state["result"] for state in states if "stand" not in state["__id__"]), _told(
            states
        )
    _count("Zed to 2025.1, three controllers, cold", answer)
    assert answer["lost"] == []
    phases.compare("Zed to 2025.1, three controllers, cold", before, _own(cluster))
    _stand(cluster, "2025.1")
    assert cluster.updatable()["loadbalancers"] == COUNT


def _own(cluster) -> comparison.Snapshot:
    """What there is, once all of it is ACTIVE, without what a tenant has made meanwhile."""
    found = cluster.must_be_active()
    left = [item["name"] for item in found["loadbalancers"].values()]
    assert not [name for name in left if name.startswith(("tenant-", "salt-formula-"))], left
    return found


def test_the_rest_of_the_nodes_is_upgraded_and_booted(master, cluster):
    for controller in cluster.controllers:
        controller.rest()
    master.start_minions()
    cluster.must_be_active()


def test_rolling(master, cluster):
    for controller in cluster.controllers:
        controller.set_pillar(api=phases.DECIDED_NEWEST)
    _hop(master, cluster, "testing")
    before = cluster.must_be_active()
    urls = [controller.url for controller in cluster.controllers]
    what = "2025.1 to 2026.2, three controllers, rolling"
    with working(cluster.cloud, urls) as answer:
        states = _orchestrate(master, cluster, mode="rolling")
        assert all(state["result"] for state in states if "stand" not in state["__id__"]), _told(
            states
        )
    _count(what, answer)
    assert answer["lost"] == []
    assert answer["seconds_without_api"] == 0
    phases.compare(what, before, _own(cluster))
    _stand(cluster, "2026.2")
    assert cluster.updatable()["loadbalancers"] == COUNT
