"""A cluster of brokers: one may be missing."""

from __future__ import annotations

from . import suites


def test_every_broker_stands_in_the_transport_url(node):
    url = next(
        line for line in node.get("/etc/octavia/octavia.conf").splitlines() if "rabbit:" in line
    )
    assert all(f"@{broker}:5672" in url for broker in suites.BROKERS)


def test_with_one_broker_stopped_a_load_balancer_becomes_active(node, suite):
    suite.nodes["broker1"].run(["systemctl", "stop", "rabbitmq-server"], check=True)
    tree = suites.load_balancer(node, "one-broker-less")
    assert tree.count("ACTIVE") == suites.objects("ACTIVE"), tree
