"""
What a run over many load balancers asks of the server: requests are counted at the server, in a run
of Salt itself against a real Octavia. The numbers are printed; asserted are counts only.
"""

from __future__ import annotations

import copy
import time

import pytest

from tests.api.conftest import SUBNET
from tests.nodes.processes import wait_until

COUNT = 30
# The poller asks again after 0.3 s at the earliest.
POLLS_PER_SECOND = 4


def declared(name, weight=1):
    """A load balancer with a listener, a pool, three members and a health monitor."""
    members = [{"address": f"10.0.0.{n}", "protocol_port": 80} for n in (1, 2, 3)]
    members[0]["weight"] = weight
    pool = {"name": "web", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "members": members}
    monitor = {"type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 2}
    listener = {"name": "http", "protocol": "HTTP", "protocol_port": 80, "default_pool": "web"}
    return {
        "name": name,
        "vip_subnet_id": SUBNET,
        "pools": [{**pool, "healthmonitor": monitor}],
        "listeners": [listener],
    }


@pytest.fixture(scope="module")
def cloud(server):
    """The entry of a cloud in a project of this file's own."""
    auth = {
        "auth_url": f"{server.url}/identity/v3",
        "username": "member",
        "password": "secret",
        "project_name": "benchmark",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    return {"auth": auth, "region_name": "RegionOne", "identity_api_version": 3}


@pytest.fixture(scope="module")
def fleet(one_minion, server, cloud):
    """The declarations of all load balancers, what their first run returned, and its requests."""
    wanted = [declared(f"lb{number:03}") for number in range(COUNT)]
    log, begin = server.log(), time.monotonic()
    done = one_minion.apply(managed(cloud, wanted))["fleet"]
    assert done["result"], done["comment"]
    return wanted, log.octavia, time.monotonic() - begin


def managed(cloud, wanted, **more):
    """The content of an SLS with one state for all load balancers."""
    arguments = {"auth": cloud, "loadbalancers": wanted, **more}
    return {"fleet": {"octaviav2.loadbalancers_managed": [{k: v} for k, v in arguments.items()]}}


def unchanged(minion, log, states):
    """The requests of a run that must not change anything."""
    log.clear()
    done = minion.apply(states)
    assert all(one["result"] and not one["changes"] for one in done.values()), done
    assert log.writes == []
    return log.octavia


def each(cloud, wanted):
    """The content of an SLS with one state for each load balancer."""
    return {
        lb["name"]: {
            "octaviav2.loadbalancer_present": [{"auth": cloud}, *({k: v} for k, v in lb.items())]
        }
        for lb in wanted
    }


def show(capsys, text):
    """Prints a figure beside what pytest prints."""
    with capsys.disabled():
        print(f"\n{text}")


def test_create(fleet, capsys):
    _, requests, seconds = fleet
    writes = [request for request in requests if request.method != "GET"]
    reads = len(requests) - len(writes)
    show(capsys, f"create {COUNT}: {len(writes)} writes, {reads} reads in {seconds:.0f} s")
    assert [request.kind for request in writes] == ["POST /v2/lbaas/loadbalancers"] * COUNT
    assert reads <= 6 + seconds * POLLS_PER_SECOND


def test_no_change_cold(fleet, one_minion, cloud, server, capsys):
    wanted, *_ = fleet
    requests = unchanged(one_minion, server.log(), managed(cloud, wanted))
    show(capsys, f"no change, {COUNT}, cold: {len(requests)} requests")
    assert len(requests) <= 5 + COUNT


def test_no_change_with_the_parent_cache(fleet, one_minion, cloud, server, capsys):
    wanted, *_ = fleet
    states = managed(cloud, wanted, cache="parents")

    def cheap():
        requests = unchanged(one_minion, server.log(), states)
        return requests if len(requests) <= 5 else None

    # Parents that have just changed are not believed yet, so the first runs read all.
    requests = wait_until(cheap, 60)
    assert requests
    show(capsys, f"no change, {COUNT}, parent cache: {len(requests)} requests")


def test_one_state_a_load_balancer(fleet, one_minion, cloud, server, capsys):
    wanted, *_ = fleet
    requests = unchanged(one_minion, server.log(), each(cloud, wanted))
    together = unchanged(one_minion, server.log(), managed(cloud, wanted))
    show(capsys, f"no change, {COUNT} states: {len(requests)} requests, one: {len(together)}")
    assert len(requests) == len(together)


def test_one_weight_in_each_pool(fleet, one_minion, cloud, server, capsys):
    wanted, *_ = fleet
    changed = copy.deepcopy(wanted)
    for lb in changed:
        lb["pools"][0]["members"][0]["weight"] = 9
    log = server.log()
    done = one_minion.apply(managed(cloud, changed))["fleet"]
    assert done["result"], done["comment"]
    show(capsys, f"one weight in each of {COUNT} pools: {len(log.writes)} writes")
    kinds = {request.kind for request in log.writes}
    assert kinds == {"PUT /v2/lbaas/pools/ID/members/ID"}
    assert len(log.writes) == COUNT
