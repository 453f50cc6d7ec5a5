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

from tests.benchmarks.test_requests import declared, each, managed, show, unchanged

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


@pytest.fixture(scope="module")
def fleets(entry_of):
    """The entry and the declarations of few and of many load balancers, which are there."""
    made = {}
    for count in (FEW, MANY):
        entry = entry_of(f"many-{count}")
        wanted = [declared(f"lb{number:03}") for number in range(count)]
        session = octavia_session.Session(octavia_client.Client(octavia_client.connect(auth=entry)))
        options = octavia_plan.Options(tree=True)
        _, result = session.apply({"loadbalancers": wanted}, options, timeout=1800)
        assert not result.failed
        made[count] = (entry, wanted)
    return made


def test_requests_and_cpu_grow_as_they_must(fleets, server, capsys):
    costs = {
        count: _costs(entry, {"loadbalancers": wanted}, server.log())
        for count, (entry, wanted) in fleets.items()
    }
    per_lb = {count: seconds / count for count, (seconds, _) in costs.items()}
    ratio = per_lb[MANY] / per_lb[FEW]
    show(
        capsys,
        f"no change: {FEW}: {costs[FEW][1]} requests, {MANY}: {costs[MANY][1]} requests;"
        f" CPU a load balancer {1000 * per_lb[FEW]:.1f} ms and {1000 * per_lb[MANY]:.1f} ms,"
        f" ratio {ratio:.2f}",
    )
    assert costs[MANY][1] - costs[FEW][1] == MANY - FEW
    assert ratio <= 1.2


def test_one_state_a_load_balancer_asks_no_more_than_one_for_all(
    fleets, one_minion, server, capsys
):
    entry, wanted = fleets[MANY]
    requests = unchanged(one_minion, server.log(), each(entry, wanted))
    together = unchanged(one_minion, server.log(), managed(entry, wanted))
    text = f"no change, {MANY} states: {len(requests)} requests, one: {len(together)}"
    show(capsys, text)
    assert len(requests) == len(together)
