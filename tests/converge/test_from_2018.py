"""The pillar of a cluster that models of 2018 have, on a node: only its release is another."""

from __future__ import annotations

import pytest

from . import suites

SAMPLE = suites.REPOSITORY / "tests" / "render" / "samples" / "api_cluster.sls"
BROKERS = ("127.0.0.1", "127.0.1.1", "127.0.2.1")
CONFIG = "/etc/octavia/octavia.conf"
# What stands in for the three brokers: one that listens on all of their addresses.
BROKER = {"sandbox": {"services": ["rabbitmq"], "listen": "0.0.0.0"}}


@pytest.fixture(name="cluster")
def _cluster(node, suite):
    """The node with that pillar applied; its own comes back."""
    release = node.salt_call("octavia_config.map").data["release"]
    text = SAMPLE.read_text(encoding="utf-8").replace("version: ocata", f"version: '{release}'")
    node.set_pillar({**suite.pillar_files, "octavia.sls": text, "broker.sls": BROKER})
    try:
        suites.must_apply(node, "sandbox")
        yield suites.must_apply(node, "octavia")
    finally:
        node.set_pillar(suite.pillar_files)
        suites.must_apply(node, "sandbox")
        suites.must_apply(node, "octavia")


def test_it_converges_with_the_release_of_the_node(node, cluster):
    assert "octavia_config_file" in {state["__id__"] for state in cluster.changed}
    lines = node.get(CONFIG).splitlines()
    (url,) = (line for line in lines if line.startswith("transport_url"))
    brokers = ",".join(f"openstack:password@{broker}:5672" for broker in BROKERS)
    assert url == f"transport_url = rabbit://{brokers}//openstack"
    assert node.salt_call("octavia_config.load_check", CONFIG).data == []
    assert not suites.must_apply(node, "octavia").changed
    # The API hands the work to a broker; there is no worker on this node.
    tree = suites.load_balancer(node, "from-2018", "PENDING_CREATE")
    assert tree.count("PENDING_CREATE") == suites.objects("PENDING_CREATE"), tree
