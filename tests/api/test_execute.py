"""Plans carried out on a real Octavia, and snapshots of it."""

from __future__ import annotations

import json
import stat

import octavia_client
import octavia_errors as errors
import octavia_execute
import octavia_operations as operations
import octavia_plan
import octavia_snapshots
import pytest

from tests.api.conftest import SUBNET

MEMBERS = [{"address": f"10.0.0.{n}", "protocol_port": 80} for n in (1, 2, 3)]


def declared(name, members=MEMBERS, **more):
    """A load balancer as a pillar declares it."""
    pool = {"name": "web", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "members": members}
    monitor = {"type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 2}
    rule = {"type": "PATH", "compare_type": "STARTS_WITH", "value": "/private"}
    policy = {"name": "no", "action": "REJECT", "rules": [rule]}
    listener = {
        "name": "http",
        "protocol": "HTTP",
        "protocol_port": 80,
        "default_pool": "web",
        "l7policies": [policy],
    }
    return {
        "name": name,
        "vip_subnet_id": SUBNET,
        "pools": [{**pool, "healthmonitor": monitor}],
        "listeners": [listener],
        **more,
    }


def planned(client, wanted, snapshot=None, parents=None, **options):
    """The plan for what is declared, and the snapshot that it was made from."""
    snapshot = snapshot or client.snapshot(parents)
    chosen = octavia_plan.Options(**options)
    client.read_children(
        snapshot, *octavia_plan.what_to_read(wanted, snapshot, chosen), parents=parents
    )
    plan = octavia_plan.plan(wanted, snapshot, chosen)
    assert [item for item in plan.findings if item["level"] == "error"] == []
    return plan, snapshot


def applied(client, wanted, **options):
    """What became of the plan for what is declared, and the snapshot."""
    plan, snapshot = planned(client, wanted, **options)
    return octavia_execute.execute(plan, client, snapshot, timeout=300), snapshot


def many(count, **more):
    """Several load balancers."""
    return {"loadbalancers": [declared(f"lb{number}", **more) for number in range(count)]}


def test_trees_are_created_by_one_write_each_and_polls_do_not_grow_with_them(client, log):
    told = []
    wanted = many(4)
    plan, snapshot = planned(client, wanted)
    result = octavia_execute.execute(plan, client, snapshot, told.append, timeout=300)
    assert result.failed == []
    assert log.kinds["POST /v2/lbaas/loadbalancers"] == len(log.writes) == result.writes == 4
    assert result.changes == plan.changes
    assert told[-1].done == told[-1].of == 4
    assert told[-1].pending == ()
    assert planned(client, wanted, snapshot)[0].operations == []
    assert planned(client, wanted)[0].operations == []


def test_a_run_without_changes_reads_five_lists_and_the_members_once(client, log, tmp_path):
    wanted = many(2)
    assert applied(client, wanted)[0].failed == []
    log.clear()
    plan, _ = planned(client, wanted)
    assert plan.operations == []
    assert log.writes == []
    kinds = log.kinds
    assert sum(count for kind, count in kinds.items() if "ID" not in kind) == 5 + ("GET /" in kinds)
    assert kinds["GET /v2/lbaas/pools/ID/members"] == 2
    assert kinds["GET /v2/lbaas/l7policies/ID/rules"] == 2


def aged(client, tmp_path, wanted):
    """A record of parents that have been left alone for long enough to be trusted."""

    def record():
        parents = octavia_client.Parents(tmp_path, client.cloud.endpoint, client.project_id)
        planned(client, wanted, parents=parents)
        (path,) = tmp_path.glob("*.json")
        return path if len(json.loads(path.read_text())["parents"]) == 4 else None

    for _ in range(40):
        path = record()
        if path:
            return path
        client.rest(0.2)
    raise AssertionError("the parents were never old enough")


def test_children_of_unchanged_parents_are_remembered(client, log, tmp_path):
    wanted = many(2)
    _, snapshot = applied(client, wanted)
    path = aged(client, tmp_path, wanted)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    log.clear()
    again = octavia_client.Client(client.cloud)
    parents = octavia_client.Parents(tmp_path, client.cloud.endpoint, client.project_id)
    plan, _ = planned(again, wanted, parents=parents)
    assert plan.operations == []
    assert len(log.octavia) == 5
    lb = snapshot.by_name("loadbalancer", "lb1")[0]
    pool = snapshot.below("pool", lb["id"])[0]
    member = client.list_all("member", pool["id"])[0]
    client.update("member", member["id"], {"weight": 9}, pool["id"], lb["id"])
    client.wait_active(lb["id"], 300)
    log.clear()
    parents = octavia_client.Parents(tmp_path, client.cloud.endpoint, client.project_id)
    wanted["loadbalancers"][1]["pools"][0]["members"] = [{**m, "weight": 1} for m in MEMBERS]
    plan, _ = planned(again, wanted, parents=parents)
    assert log.kinds["GET /v2/lbaas/pools/ID/members"] == 1
    assert [operation.resource for operation in plan.operations] == ["member"]


def test_a_record_of_something_else_is_not_believed(client, tmp_path):
    wanted = many(1)
    applied(client, wanted)
    parents = octavia_client.Parents(tmp_path, client.cloud.endpoint, client.project_id)
    planned(client, wanted, parents=parents)
    (path,) = tmp_path.glob("*.json")
    for text in ("", "[]", "{", '{"format": 1, "endpoint": "elsewhere", "parents": {}}'):
        path.write_text(text)
        parents = octavia_client.Parents(tmp_path, client.cloud.endpoint, client.project_id)
        assert parents.api_version is None
        assert planned(client, wanted, parents=parents)[0].operations == []


def test_the_snapshot_stays_true_through_every_kind_of_change(client):
    wanted = {"loadbalancers": [declared("lb")]}
    _, snapshot = applied(client, wanted)
    lb = wanted["loadbalancers"][0]
    lb["description"] = "changed"
    lb["purge"] = ["listeners", "pools", "members", "l7policies", "rules"]
    lb["pools"].append({"name": "spare", "protocol": "HTTP", "lb_algorithm": "SOURCE_IP"})
    lb["pools"][0]["members"] = [*MEMBERS[1:], {"address": "10.0.0.9", "protocol_port": 80}]
    lb["pools"][0]["healthmonitor"]["delay"] = 7
    lb["listeners"][0]["connection_limit"] = 100
    first = {"name": "first", "action": "REDIRECT_TO_URL", "redirect_url": "http://example.org"}
    lb["listeners"][0]["l7policies"].insert(0, first)
    plan, _ = planned(client, wanted, snapshot)
    assert len(plan.operations) >= 5
    result = octavia_execute.execute(plan, client, snapshot, timeout=300)
    assert result.failed == []
    assert planned(client, wanted, snapshot)[0].operations == []
    fresh = client.snapshot()
    assert planned(client, wanted, fresh)[0].operations == []
    lb_id = result.units["loadbalancer:lb"].id
    assert strip(snapshot.tree(lb_id)) == strip(fresh.tree(lb_id))
    lb["pools"].pop()
    lb["listeners"][0]["l7policies"].pop(0)
    plan, _ = planned(client, wanted, snapshot)
    assert octavia_execute.execute(plan, client, snapshot, timeout=300).failed == []
    fresh = client.snapshot()
    assert planned(client, wanted, fresh)[0].operations == []
    client.read_children(
        snapshot,
        [pool["id"] for pool in snapshot.below("pool", lb_id)],
        [policy["id"] for policy in fresh.objects["l7policy"].values()],
    )
    assert strip(snapshot.tree(lb_id)) == strip(fresh.tree(lb_id))


def strip(value):
    """A tree without what changes by itself, and without the ids that only repeat its form."""
    dull = ("updated_at", "operating_status", "created_at", "healthmonitor_id", "loadbalancers")
    if isinstance(value, dict):
        return {k: strip(v) for k, v in value.items() if k not in (*dull, "pools_links")}
    if isinstance(value, list):
        return sorted((strip(item) for item in value), key=json.dumps)
    return value


def test_load_balancers_are_deleted_and_forgotten(client, log):
    _, snapshot = applied(client, many(2))
    log.clear()
    gone = {"loadbalancers": [{"name": f"lb{n}", "absent": True} for n in range(2)]}
    plan, _ = planned(client, gone, snapshot)
    result = octavia_execute.execute(plan, client, snapshot, timeout=300)
    assert result.failed == []
    assert [request.method for request in log.writes] == ["DELETE", "DELETE"]
    assert all("cascade=true" in request.query for request in log.writes)
    assert client.list_all("loadbalancer") == client.list_all("pool") == []
    assert snapshot.objects["loadbalancer"] == snapshot.objects["pool"] == {}


def test_operators_objects_come_before_what_uses_them(connected, project):
    admin = connected("admin")
    wanted = {
        "flavorprofiles": [
            {
                "name": project,
                "provider_name": "amphora",
                "flavor_data": {"loadbalancer_topology": "SINGLE"},
            }
        ],
        "flavors": [{"name": project, "flavor_profile": project}],
        "loadbalancers": [declared("lb", flavor=project)],
    }
    snapshot = admin.snapshot(more=["flavor", "flavorprofile", "provider", "quota"])
    assert "amphora" in snapshot.providers
    plan, _ = planned(admin, wanted, snapshot)
    result = octavia_execute.execute(plan, admin, snapshot, timeout=300)
    assert result.failed == []
    flavor = admin.list_all("flavor", name=project)[0]
    assert admin.list_all("loadbalancer", name="lb", flavor_id=flavor["id"])
    assert planned(admin, wanted, snapshot)[0].operations == []


def test_one_that_fails_stops_alone_and_what_needs_it_is_not_tried(connected, project):
    member = connected()
    snapshot = member.snapshot(more=["flavor"])
    wanted = {
        "flavors": [{"name": project, "flavor_profile_id": SUBNET}],
        "loadbalancers": [declared("needs", flavor=project), declared("fine")],
    }
    plan, _ = planned(member, wanted, snapshot)
    result = octavia_execute.execute(plan, member, snapshot, timeout=300)
    needs, fine = result.units["loadbalancer:needs"], result.units["loadbalancer:fine"]
    assert isinstance(result.units[f"flavor:{project}"].error, errors.Forbidden)
    assert isinstance(needs.error, errors.Blocked)
    assert needs.done == []
    assert fine.error is None
    assert set(result.changes) == {"loadbalancer:fine"}
    assert [item["name"] for item in member.list_all("loadbalancer")] == ["fine"]


def test_a_unit_stops_at_its_first_error_and_tells_what_it_did(client, proxy, broken):
    _, snapshot = applied(client, many(1))
    wanted = many(1)
    lb = wanted["loadbalancers"][0]
    lb["description"] = "done"
    lb["pools"][0]["lb_algorithm"] = "SOURCE_IP"
    lb["listeners"][0]["connection_limit"] = 5
    text = {"faultstring": "Validation failure: no", "faultcode": "Client"}
    proxy.inject("PUT", "/v2/lbaas/pools/", status=400, body=text)
    plan, _ = planned(broken, wanted, snapshot)
    result = octavia_execute.execute(plan, broken, snapshot, timeout=300)
    (unit,) = result.failed
    assert isinstance(unit.error, errors.Invalid)
    assert unit.failed.resource == "pool"
    assert [operation.resource for operation in unit.done] == ["loadbalancer"]
    assert unit.changes == {
        "updated": {unit.done[0].label: {"description": {"old": "", "new": "done"}}}
    }
    assert client.list_all("listener")[0]["connection_limit"] == -1
    second = octavia_execute.execute(planned(client, wanted)[0], client, snapshot, timeout=300)
    assert second.failed == []
    assert planned(client, wanted)[0].operations == []


def test_one_that_goes_into_error_is_told_with_what_it_changed(client, server):
    wanted = {"loadbalancers": [declared("lb", provider="noop_driver"), declared("fine")]}
    plan, snapshot = planned(client, wanted)
    reported = []

    def report(progress):
        lb = snapshot.by_name("loadbalancer", "lb")
        if lb and not reported:
            reported.append(lb[0]["id"])
            error = {"id": lb[0]["id"], "provisioning_status": "ERROR"}
            server.report(loadbalancers=[error])

    result = octavia_execute.execute(plan, client, snapshot, report, timeout=300)
    (unit,) = result.failed
    assert isinstance(unit.error, errors.InError)
    assert unit.id == reported[0]
    assert unit.done == [unit.failed]
    assert "loadbalancer lb" in unit.changes["created"]


def test_one_that_stays_pending_ends_with_the_time(client):
    plan, snapshot = planned(client, {"loadbalancers": [declared("lb", provider="noop_driver")]})
    result = octavia_execute.execute(plan, client, snapshot, timeout=1)
    assert isinstance(result.failed[0].error, errors.Locked)
    assert "PENDING_CREATE" in str(result.failed[0].error)


def test_without_a_wait_at_the_end_the_answer_suffices(client, log):
    plan, snapshot = planned(client, {"loadbalancers": [declared("lb", provider="noop_driver")]})
    log.clear()
    result = octavia_execute.execute(plan, client, snapshot, wait=False)
    assert result.failed == []
    assert [request.method for request in log.octavia] == ["POST"]


def test_few_in_flight_are_enough_for_many(client):
    plan, snapshot = planned(client, many(3))
    result = octavia_execute.execute(plan, client, snapshot, in_flight=1, timeout=300)
    assert result.failed == []
    assert len(client.list_all("loadbalancer")) == 3


def test_who_waits_for_whom_in_a_circle_is_told(client):
    first = operations.Unit("a", "flavor", "a", after=["b"])
    second = operations.Unit("b", "flavor", "b", after=["a"])
    for unit in (first, second):
        unit.operations = [operations.Operation("create", "flavor", body={"name": "x"})]
    plan = operations.Plan(units=[first, second])
    result = octavia_execute.execute(plan, client, octavia_snapshots.Snapshot())
    assert [type(unit.error) for unit in result.failed] == [errors.Blocked, errors.Blocked]


def test_a_mistake_in_a_plan_does_not_hang(client):
    unit = operations.Unit("a", "flavor", "a")
    unit.operations = [operations.Operation("delete", "flavor", operations.Ref("nobody"))]
    with pytest.raises(KeyError):
        octavia_execute.execute(operations.Plan(units=[unit]), client, octavia_snapshots.Snapshot())
