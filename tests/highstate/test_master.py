"""Highstates through a master that has reclass: the nodes have nothing but a minion."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import yaml

from tests.converge.errors import ConvergeError
from tests.converge.master import HOME, Master
from tests.converge.report import of_answer
from tests.nodes import Node
from tests.upgrade.cloud import PLATFORM

from . import inventory
from .course import Course
from .deployment import FIRST, MODEL, OTHERS, Deployment

SECONDS = 1200


@pytest.fixture(scope="module")
def deployment(salt: str) -> Iterator[Deployment]:
    """The nodes, which need nothing but a master."""
    with Deployment(f"highstate-{salt}", salt) as made:
        yield made


@pytest.fixture(scope="module")
def master(deployment: Deployment, salt: str) -> Iterator[Master]:
    """The master, set up in the words of the manual."""
    config, own_node = inventory.said("With a master")
    name = f"{deployment.prefix}-master"
    with Node(name, PLATFORM, salt, layers=[], owner=os.getpid()) as node:
        deployment.install_reclass(node)
        node.put(f"{HOME}/master/master.d/reclass.conf", config)
        node.run(["sh", "-ec", own_node], check=True)
        yield Master(node, deployment.nodes)


@pytest.fixture(scope="module")
def highstate(master: Master):
    """Runs a highstate on a node of the model."""

    def run(name: str):
        said = master.salt(name, "state.highstate", timeout=SECONDS)
        return of_answer(said.get(name), str(said), "", 0.0)

    return run


class TestCourse(Course):
    """Through a master."""


def test_a_model_with_two_primaries_is_refused(master):
    name = f"nodes/{OTHERS[0]}.yml"
    right = inventory.files()[name]
    wrong = yaml.safe_load(right)
    wrong["parameters"]["_param"]["openstack_node_role"] = "primary"
    deploy = "octavia.orchestrate.deploy"
    try:
        master.node.put(f"{MODEL}/{name}", yaml.safe_dump(wrong), 0o600)
        master.refresh_pillar()
        with pytest.raises(ConvergeError, match=f"make the schema.*{FIRST}, {OTHERS[0]}"):
            master.orchestrate(deploy, {})
    finally:
        master.node.put(f"{MODEL}/{name}", right, 0o600)
        master.refresh_pillar()
    states = master.orchestrate(deploy, {})
    assert all(state["result"] for state in states), states
    assert not [state for state in states if state["changes"]], states
