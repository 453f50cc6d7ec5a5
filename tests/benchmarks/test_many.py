"""
Ten times as many load balancers: requests grow by pools only, and CPU time with their number. In
the matrix only, since the server takes minutes to make them.
"""

from __future__ import annotations

import time

import octavia_client
import octavia_plan
import octavia_session
import pytest

from tests.benchmarks.test_requests import declared

FEW, MANY = 30, 300
REPEATED = 3


@pytest.fixture(scope="module")
def entry_of(server):
    """Makes the entry of a cloud in a project."""

    def make(project):
        auth = {
            "auth_url": f"{server.url}/identity/v3",
            "username": "member",
            "password": "secret",
            "project_name": project,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }
        return {"auth": auth, "region_name": "RegionOne", "identity_api_version": 3}

    return make


def _costs(entry, wanted, log):
    """CPU seconds of reading and planning, the least of some, and the requests of one time."""
    seconds = []
    for _ in range(REPEATED):
        session = octavia_session.Session(octavia_client.Client(octavia_client.connect(auth=entry)))
        log.clear()
        begin = time.process_time()
        plan = session.plan(wanted)
        seconds.append(time.process_time() - begin)
        assert plan.operations == []
    return min(seconds), len(log.octavia)


def test_requests_and_cpu_grow_as_they_must(entry_of, server, capsys):
    costs = {}
    for count in (FEW, MANY):
        entry = entry_of(f"many-{count}")
        wanted = {"loadbalancers": [declared(f"lb{number:03}") for number in range(count)]}
        session = octavia_session.Session(octavia_client.Client(octavia_client.connect(auth=entry)))
        _, result = session.apply(wanted, octavia_plan.Options(tree=True), timeout=1800)
        assert not result.failed
        costs[count] = _costs(entry, wanted, server.log())
    per_lb = {count: seconds / count for count, (seconds, _) in costs.items()}
    ratio = per_lb[MANY] / per_lb[FEW]
    with capsys.disabled():
        print(
            f"\nno change: {FEW}: {costs[FEW][1]} requests, {MANY}: {costs[MANY][1]} requests;"
            f" CPU a load balancer {1000 * per_lb[FEW]:.1f} ms and {1000 * per_lb[MANY]:.1f} ms,"
            f" ratio {ratio:.2f}"
        )
    assert costs[MANY][1] - costs[FEW][1] == MANY - FEW
    assert ratio <= 1.2
