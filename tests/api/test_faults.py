"""The client in front of a real Octavia, with something that breaks in between."""

from __future__ import annotations

import threading
import time
from email.utils import formatdate

import octavia_client
import octavia_errors as errors
import octavia_execute
import octavia_plan
import octavia_recovery
import pytest
from octavia_resources import RESOURCES

from tests.api.conftest import loadbalancer, tree

LOADBALANCERS = "/v2/lbaas/loadbalancers"
IMMUTABLE = {"faultstring": "Load Balancer x is immutable and cannot be updated."}
PENDING = {"faultstring": "Invalid state PENDING_UPDATE of loadbalancer resource x"}

#: What can become of a write: who knows whether the server did the work?
BREAKS = {
    "500 before": {"status": 500},
    "500 after": {"status": 500, "forward": True},
    "502 before": {"status": 502},
    "502 after": {"status": 502, "forward": True},
    "503 before": {"status": 503},
    "503 after": {"status": 503, "forward": True},
    "dropped": {"drop": True},
    "answer lost": {"drop": True, "forward": True},
    "429": {"status": 429, "headers": {"Retry-After": "0"}},
}


@pytest.fixture(params=BREAKS)
def breaks(request):
    """How the first request of a kind breaks."""
    return BREAKS[request.param]


def names(client):
    """The names of the project's load balancers."""
    return sorted(item["name"] for item in client.list_all("loadbalancer"))


@pytest.fixture
def standing(client):
    """A load balancer with one of everything, ACTIVE."""
    lb = client.create("loadbalancer", tree("standing"))
    client.wait_active(lb["id"], 300)
    return lb


# -- creating -------------------------------------------------------------------------------------


def test_a_tree_is_there_once_and_known_whole_whatever_breaks(client, broken, proxy, breaks):
    fault = proxy.inject("POST", LOADBALANCERS, **breaks)
    made = broken.create("loadbalancer", tree("web"))
    assert fault.hits == 1
    assert names(client) == ["web"]
    pool = made["pools"][0]
    assert len(pool["members"]) == 2
    assert pool["healthmonitor"]["type"] == "HTTP"
    assert made["listeners"][0]["l7policies"][0]["rules"][0]["value"] == "/api"
    broken.wait_active(made["id"], 300)


def children(lb):
    """What can be created below a load balancer: resource, body, parent."""
    pool, listener = lb["pools"][0], lb["listeners"][0]
    policy = listener["l7policies"][0]
    algorithm = {"protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}
    checks = {"type": "TCP", "delay": 5, "timeout": 3, "max_retries": 2}
    return [
        ("listener", {"loadbalancer_id": lb["id"], "protocol": "HTTP", "protocol_port": 81}, ""),
        ("pool", {"loadbalancer_id": lb["id"], "name": "second", **algorithm}, ""),
        ("member", {"address": "10.0.3.3", "protocol_port": 80}, pool["id"]),
        ("l7policy", {"listener_id": listener["id"], "name": "no", "action": "REJECT"}, ""),
        (
            "l7rule",
            {"type": "PATH", "compare_type": "EQUAL_TO", "value": "/second"},
            policy["id"],
        ),
        ("healthmonitor", {**checks, "pool_id": ""}, ""),
    ]


@pytest.mark.parametrize("how", ["answer lost", "500 after", "dropped"])
def test_every_child_is_there_once_whatever_breaks(client, broken, proxy, standing, how):
    second = ""
    for resource, body, parent in children(standing):
        if "pool_id" in body:
            body["pool_id"] = second
        before = {item["id"] for item in client.list_all(resource, parent)}
        path = f"/v2/{RESOURCES[resource].path.format(parent=parent)}$"
        fault = proxy.inject("POST", path, **BREAKS[how])
        made = broken.create(resource, body, parent, standing["id"])
        assert fault.hits == 1
        after = {item["id"] for item in client.list_all(resource, parent)}
        assert after - before == {made["id"]}, resource
        client.wait_active(standing["id"], 300)
        second = made["id"] if resource == "pool" else second


def test_another_one_of_the_same_name_is_not_taken_for_the_result(client, broken, proxy):
    old = client.create("loadbalancer", loadbalancer("web", description="old"))
    proxy.inject("POST", LOADBALANCERS, drop=True)
    made = broken.create("loadbalancer", loadbalancer("web", description="new"))
    assert made["id"] != old["id"]
    assert names(client) == ["web", "web"]


def test_an_older_twin_is_not_taken_for_the_result(client, broken, proxy, monkeypatch):
    monkeypatch.setattr(octavia_recovery, "MARGIN", 0.0)
    old = client.create("loadbalancer", loadbalancer("web"))
    client.wait_active(old["id"], 300)
    # The clock of an answer has whole seconds.
    client.rest(1.5)
    proxy.inject("POST", LOADBALANCERS, drop=True)
    assert broken.create("loadbalancer", loadbalancer("web"))["id"] != old["id"]


def test_two_that_could_be_the_result_are_named(client, broken, proxy):
    ids = {client.create("loadbalancer", loadbalancer("web"))["id"] for _ in range(2)}
    proxy.inject("POST", LOADBALANCERS, drop=True)
    with pytest.raises(errors.Ambiguous) as caught:
        broken.create("loadbalancer", loadbalancer("web"))
    assert set(caught.value.ids) == ids


def test_a_slow_answer_is_found_by_its_result(client, connected, proxy):
    hasty = connected(url=proxy.url, limits={"answer": 1.0})
    proxy.inject("POST", LOADBALANCERS, forward=True, hold=30)
    made = hasty.create("loadbalancer", tree("web"))
    assert names(client) == ["web"]
    assert made["pools"][0]["members"]


def test_what_may_still_be_at_work_is_not_sent_again(client, connected, proxy):
    hasty = connected(url=proxy.url, limits={"answer": 1.0})
    proxy.inject("POST", LOADBALANCERS, hold=30, drop=True)
    with pytest.raises(errors.TooSlow):
        hasty.create("loadbalancer", loadbalancer("web"))
    assert names(client) == []


def test_a_server_that_stays_broken_is_told_with_its_request_id(client, broken, proxy):
    more = {"headers": {"x-openstack-request-id": "req-1"}, "body": {"faultstring": "Oh."}}
    fault = proxy.inject("POST", LOADBALANCERS, times=99, status=503, **more)
    with pytest.raises(errors.Busy) as caught:
        broken.create("loadbalancer", loadbalancer("web"))
    assert fault.hits == broken.limits.attempts
    assert caught.value.request_id == "req-1"
    assert "Oh" in str(caught.value)
    assert names(client) == []


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_server_that_asks_for_patience_gets_it(client, broken, proxy, form):
    after = "1" if form == "seconds" else formatdate(time.time() + 3, usegmt=True)
    proxy.inject("POST", LOADBALANCERS, status=429, headers={"Retry-After": after})
    begin = time.monotonic()
    broken.create("loadbalancer", loadbalancer("web"))
    assert time.monotonic() - begin >= 1
    assert broken.counters.repeated == 1
    assert names(client) == ["web"]


def test_a_server_that_asks_for_too_much_patience_is_told(broken, proxy):
    proxy.inject("GET", LOADBALANCERS, status=429, headers={"Retry-After": "3600"})
    with pytest.raises(errors.TooMany) as caught:
        broken.list_all("loadbalancer")
    assert caught.value.retry_after == 3600


# -- changing and deleting ------------------------------------------------------------------------


def test_a_change_is_made_whatever_breaks(client, broken, proxy, breaks):
    lb = client.create("loadbalancer", loadbalancer("web"))
    client.wait_active(lb["id"], 300)
    fault = proxy.inject("PUT", f"{LOADBALANCERS}/", **breaks)
    answer = broken.update("loadbalancer", lb["id"], {"description": "new"}, lock=lb["id"])
    assert fault.hits == 1
    assert answer["description"] == "new"
    assert client.get("loadbalancer", lb["id"])["description"] == "new"
    client.wait_active(lb["id"], 300)


def test_a_change_that_came_through_is_not_sent_again(client, broken, proxy, log):
    lb = client.create("loadbalancer", loadbalancer("web"))
    client.wait_active(lb["id"], 300)
    proxy.inject("PUT", f"{LOADBALANCERS}/", **BREAKS["answer lost"])
    log.clear()
    broken.update("loadbalancer", lb["id"], {"description": "new"}, lock=lb["id"])
    assert [request.method for request in log.writes] == ["PUT"]


@pytest.mark.parametrize("how", ["answer lost", "502 before", "429"])
def test_members_are_set_whatever_breaks(client, broken, proxy, standing, how):
    pool = standing["pools"][0]["id"]
    fault = proxy.inject("PUT", f"/v2/lbaas/pools/{pool}/members", **BREAKS[how])
    members = [{"address": "10.0.7.7", "protocol_port": 80}]
    broken.batch(pool, members, lock=standing["id"])
    client.wait_active(standing["id"], 300)
    assert fault.hits == 1
    assert [item["address"] for item in client.list_all("member", pool)] == ["10.0.7.7"]


def test_a_load_balancer_is_gone_whatever_breaks(client, broken, proxy, breaks):
    lb = client.create("loadbalancer", loadbalancer("web"))
    client.wait_active(lb["id"], 300)
    fault = proxy.inject("DELETE", LOADBALANCERS, **breaks)
    broken.delete("loadbalancer", lb["id"], cascade=True, lock=lb["id"])
    assert fault.hits == 1
    assert broken.wait([lb["id"]], 300) == {lb["id"]: "DELETED"}


def test_a_failover_is_started_once(connected, client, proxy, log):
    lb = client.create("loadbalancer", loadbalancer("web"))
    client.wait_active(lb["id"], 300)
    admin = connected("admin", url=proxy.url)
    proxy.inject("PUT", f"{LOADBALANCERS}/", **BREAKS["answer lost"])
    log.clear()
    admin.act("loadbalancer", lb["id"], "failover", lock=lb["id"])
    assert [r.status for r in log.writes] in ([202], [202, 409])


# -- reading --------------------------------------------------------------------------------------


def test_a_list_is_read_whatever_breaks(broken, proxy, breaks):
    fault = proxy.inject("GET", LOADBALANCERS, times=2, **breaks)
    assert broken.list_all("loadbalancer") == []
    assert fault.hits == 2


def test_a_slow_list_is_asked_for_again(connected, proxy):
    hasty = connected(url=proxy.url, limits={"answer": 1.0})
    proxy.inject("GET", LOADBALANCERS, hold=30)
    assert hasty.list_all("loadbalancer") == []


def test_a_server_that_never_answers_is_told(connected, proxy):
    hasty = connected(url=proxy.url, limits={"answer": 0.3, "attempts": 2})
    proxy.inject("GET", LOADBALANCERS, times=99, hold=30)
    with pytest.raises(errors.TooSlow):
        hasty.list_all("loadbalancer")


def test_a_marker_that_vanishes_starts_the_list_anew(connected, client, proxy):
    for number in range(3):
        client.create("loadbalancer", loadbalancer(f"lb{number}", provider="noop_driver"))
    paging = connected(url=proxy.url, limits={"page": 2})
    text = {"faultstring": "Supplied pagination marker 'x' is not valid."}
    fault = proxy.inject("GET", rf"{LOADBALANCERS}.*marker=", status=400, body=text)
    assert len(paging.list_all("loadbalancer")) == 3
    assert fault.hits == 1


# -- locks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [IMMUTABLE, PENDING])
def test_a_lock_that_is_gone_again_is_tried_again(client, broken, proxy, text):
    lb = client.create("loadbalancer", loadbalancer("web"))
    client.wait_active(lb["id"], 300)
    fault = proxy.inject("PUT", f"{LOADBALANCERS}/", times=3, status=409, body=text)
    broken.update("loadbalancer", lb["id"], {"description": "new"}, lock=lb["id"])
    assert fault.hits == 3


def test_a_lock_that_stays_is_told_when_the_time_is_over(client, connected, proxy):
    lb = client.create("loadbalancer", loadbalancer("web", provider="noop_driver"))
    hasty = connected(url=proxy.url, limits={"lock": 1.0})
    body = {"loadbalancer_id": lb["id"], "protocol": "HTTP", "protocol_port": 80}
    with pytest.raises(errors.Locked, match="PENDING_CREATE"):
        hasty.create("listener", body, lock=lb["id"])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Another member on this pool is already using ip x on protocol_port 1", errors.Duplicate),
        ("This listener already has a default pool", errors.Duplicate),
        ("A flavor of x already exists.", errors.Duplicate),
        ("Pool x is in use by L7 policy y", errors.InUse),
        ("The VIP IP address is already in use: x", errors.InUse),
        ("Too many rules on L7 policy x", errors.Invalid),
    ],
)
def test_other_conflicts_are_not_tried_again(broken, proxy, text, kind):
    fault = proxy.inject("POST", "/v2/lbaas/", times=9, status=409, body={"faultstring": text})
    with pytest.raises(kind) as caught:
        broken.create("pool", {"protocol": "HTTP"}, lock="any")
    assert fault.hits == 1
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"faultstring": "one\ntwo."}, "one two"),
        ({"code": 502, "title": "Bad", "description": "told"}, "told"),
        (
            {"error": {"code": 502, "message": "told by keystone", "title": "Bad"}},
            "told by keystone",
        ),
        ("<html><h1>502</h1> Bad Gateway</html>", "502 Bad Gateway"),
    ],
)
def test_the_text_of_an_answer_is_found_in_every_shape(connected, proxy, body, text):
    hasty = connected(url=proxy.url, limits={"attempts": 1})
    proxy.inject("GET", LOADBALANCERS, status=502, body=body)
    with pytest.raises(errors.ServerFault) as caught:
        hasty.list_all("loadbalancer")
    assert caught.value.reason == text


# -- the login, the wait, a whole run -------------------------------------------------------------


def test_a_keystone_in_trouble_is_told(entry, proxy):
    proxy.inject("POST", "/identity/v3/auth/tokens", status=503)
    with pytest.raises(errors.Busy):
        octavia_client.connect(auth=entry(url=proxy.url))


def test_a_wait_survives_trouble_that_passes(client, broken, proxy):
    made = [client.create("loadbalancer", loadbalancer(name))["id"] for name in ("a", "b")]
    proxy.inject("GET", LOADBALANCERS, times=3, status=503)
    assert broken.wait(made, 300) == dict.fromkeys(made, "ACTIVE")


def test_a_wait_ends_with_trouble_that_stays(client, broken, proxy):
    made = [client.create("loadbalancer", loadbalancer(name))["id"] for name in ("a", "b")]
    proxy.inject("GET", LOADBALANCERS, times=999, drop=True)
    with pytest.raises(errors.NoAnswer):
        broken.wait(made, 60)


def test_a_close_ends_all_pauses(broken, proxy):
    proxy.inject("GET", LOADBALANCERS, times=2, status=429, headers={"Retry-After": "50"})
    threading.Timer(0.3, broken.close).start()
    begin = time.monotonic()
    assert broken.list_all("loadbalancer") == []
    assert time.monotonic() - begin < 20


def test_a_run_with_trouble_everywhere_makes_each_load_balancer_once(client, broken, proxy):
    wanted = {"loadbalancers": []}
    for number in range(3):
        body = {"name": f"lb{number}", "vip_subnet_id": loadbalancer("x")["vip_subnet_id"]}
        pool = {"name": "web", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}
        members = [{"address": "10.0.0.1", "protocol_port": 80}]
        wanted["loadbalancers"].append({**body, "pools": [{**pool, "members": members}]})
    proxy.inject("POST", LOADBALANCERS, **BREAKS["answer lost"])
    proxy.inject("POST", LOADBALANCERS, first=2, **BREAKS["502 before"])
    proxy.inject("POST", LOADBALANCERS, first=3, **BREAKS["500 after"])
    proxy.inject("GET", LOADBALANCERS, first=3, times=2, **BREAKS["503 before"])
    snapshot = broken.snapshot()
    result = octavia_execute.execute(
        octavia_plan.plan(wanted, snapshot), broken, snapshot, timeout=300
    )
    assert result.failed == []
    assert names(client) == ["lb0", "lb1", "lb2"]
    fresh = client.snapshot()
    client.read_children(fresh, *octavia_plan.what_to_read(wanted, fresh))
    assert octavia_plan.plan(wanted, fresh).operations == []
