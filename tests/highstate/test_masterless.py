"""Highstates without a master, as docs/reclass.rst has them: each node has the whole model."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml

from tests.converge import suites
from tests.converge.report import Run, of_answer
from tests.nodes import Node

from . import inventory
from .course import Course
from .deployment import FIRST, MODEL, OTHERS, Deployment

TOP = "/srv/salt/top.sls"
# Salt 3006 ignores master_tops where there is no master.
NEEDS_TOP = ("3006",)
WARNING = "set octavia:api:role to secondary"


@pytest.fixture(scope="module")
def deployment(salt: str) -> Iterator[Deployment]:
    """The nodes, each with Salt and reclass set up in the words of the manual."""
    _, config, _, top = inventory.said("Masterless")
    with Deployment(f"masterless-{salt}", salt) as made:
        for name, node in made.nodes.items():
            made.install_reclass(node)
            node.put("/etc/salt/minion.d/octavia.conf", f"{config}id: {name}\n")
            if salt in NEEDS_TOP:
                node.put(TOP, top)
        yield made


@pytest.fixture(scope="module")
def highstate(deployment: Deployment):
    """Runs a highstate on a node of the model."""
    return lambda name: _highstate(deployment.nodes[name])


def _highstate(node: Node) -> Run:
    started = time.monotonic()
    said = node.salt_call("state.highstate")
    return of_answer(said.data, str(said.data), said.stderr, time.monotonic() - started)


class TestCourse(Course):
    """Without a master."""


def test_two_nodes_that_are_primary_at_the_same_time(deployment):
    """Each would make the schema of a new database; one does, the other waits for it."""
    second = OTHERS[0]
    name = f"nodes/{second}.yml"
    model = yaml.safe_load(inventory.files()[name])
    model["parameters"]["_param"]["openstack_node_role"] = "primary"
    deployment.nodes[second].put(f"{MODEL}/{name}", yaml.safe_dump(model), 0o600)
    deployment.cloud.sql("DROP DATABASE octavia", "mysql")
    suites.must_apply(deployment.cloud.node, "sandbox.mariadb")
    nodes = [deployment.nodes[one] for one in (FIRST, second)]
    with ThreadPoolExecutor() as pool:
        rets = list(pool.map(_synced, nodes))
    assert [ret["result"] for ret in rets] == [True, True], rets
    # The one that comes late altogether finds the schema at head, and has nothing to tell.
    told = [text for ret in rets for text in ret.get("warnings", []) if WARNING in text]
    assert len(told) < len(nodes), rets
    for node in nodes:
        assert node.salt_call("octavia_db.state").data["state"] == "at head"


def _synced(node: Node) -> dict[str, Any]:
    said = node.salt_call("state.single", "octavia_control.db_synced", "name=alone")
    (ret,) = said.data.values()
    return ret
