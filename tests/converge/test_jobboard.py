"""The jobboard: flows are jobs in Redis, and what they have done is in the database."""

from __future__ import annotations

import re

from tests.nodes.processes import wait_until

from . import suites

SQL = ["mariadb", "octavia_persistence", "--batch", "--skip-column-names", "--execute"]
REDIS = "REDISCLI_AUTH=change-me-jobboard redis-cli --no-auth-warning"


def _count(node, table: str) -> int:
    return int(node.run([*SQL, f"SELECT COUNT(*) FROM {table}"], check=True).stdout)


def test_redis_wants_the_pillar_s_password(node):
    assert "NOAUTH" in node.run(["redis-cli", "ping"]).stdout
    assert "PONG" in node.run(["sh", "-c", f"{REDIS} ping"]).stdout


def test_a_load_balancer_is_made_by_jobs(node):
    before = _count(node, "flowdetails")
    tree = suites.load_balancer(node, "by-jobs")
    assert tree.count("ACTIVE") == suites.objects("ACTIVE"), tree
    # A flow for each of its four objects, kept after its end.
    assert _count(node, "flowdetails") >= before + suites.objects("ACTIVE")
    states = node.run([*SQL, "SELECT DISTINCT state FROM flowdetails"], check=True).stdout.split()
    assert "SUCCESS" in states
    keys = node.run(["sh", "-c", f"{REDIS} --raw keys '*octavia_jobs*'"], check=True).stdout
    assert keys.strip()


def _has_lasting_client(node) -> bool:
    """Whether a connection has stood for more seconds than Octavia waits between two looks."""
    said = node.run(["sh", "-c", f"{REDIS} client list"]).stdout
    return any(int(age) >= 5 for age in re.findall(r" age=(\d+) ", said))


def test_after_redis_was_down_flows_go_on_as_jobs(node):
    """The worker's process ends when it cannot look for jobs, and its parent makes a new one."""
    node.run(["systemctl", "stop", "redis-server"], check=True)
    try:
        failed = node.run(["sh", "-c", f"{REDIS} ping"])
        assert "PONG" not in failed.stdout
    finally:
        node.run(["systemctl", "start", "redis-server"], check=True)
    # A request that the ending process has taken would be lost.
    assert wait_until(lambda: _has_lasting_client(node), 120)
    tree = suites.load_balancer(node, "after-redis-was-down")
    assert tree.count("ACTIVE") == suites.objects("ACTIVE"), tree


def test_the_tables_are_those_that_taskflow_wants(node):
    columns = node.run([*SQL, "DESCRIBE atomdetails"], check=True).stdout
    types = dict(line.split("\t")[:2] for line in columns.splitlines())
    # 64 KiB would not do for what a flow may keep.
    assert types["results"] in ("longtext", "mediumtext")
