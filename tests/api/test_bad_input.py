"""What states say, and leave alone, where a real Octavia cannot become what is declared."""

from __future__ import annotations

import octavia_session
import pytest

from tests.api import test_states
from tests.api.conftest import SUBNET, loadbalancer
from tests.api.test_execute import declared

run = test_states.run
MEMBER = {"address": "10.0.0.9", "protocol_port": 80}
VIP = "192.0.2.77"


@pytest.fixture
def refused(minion, clouds_yaml, log):
    """Applies a state that must fail without a write, as a dry run and truly; gives its comment."""

    def apply(function, **arguments):
        cloud = {"cloud_name": "member", "config_file": str(clouds_yaml)}
        sls = test_states.state(function, **cloud, **arguments)
        log.clear()
        predicted, done = minion.apply(sls, test=True)["it"], minion.apply(sls)["it"]
        assert (predicted["result"], done["result"]) == (False, False), (predicted, done)
        assert done["changes"] == predicted["changes"] == {}
        assert log.writes == []
        return done["comment"]

    return apply


def test_one_in_error_is_told_with_what_can_be_done(
    client,
    server,
    refused,
    run,
):
    lb = client.create("loadbalancer", loadbalancer("web", provider="noop_driver"))
    server.report(loadbalancers=[{"id": lb["id"], "provisioning_status": "ERROR"}])
    comment = refused("loadbalancer_present", name="web", description="new")
    assert "is in ERROR" in comment
    assert "loadbalancer_failover" in comment
    unchanged = run("loadbalancer_present", name="web", vip_subnet_id=SUBNET)
    assert "is in ERROR" in " ".join(unchanged["warnings"])


def test_one_that_stays_pending_is_told_when_the_time_is_over(client, minion, clouds_yaml, log):
    client.create("loadbalancer", loadbalancer("web", provider="noop_driver"))
    cloud = {"cloud_name": "member", "config_file": str(clouds_yaml)}
    sls = test_states.state(
        "loadbalancer_present", **cloud, name="web", description="new", wait_timeout=1
    )
    log.clear()
    done = minion.apply(sls)["it"]
    assert (done["result"], done["changes"]) == (False, {})
    assert "PENDING_CREATE for more than 1 s" in done["comment"]
    assert log.writes == []


def test_members_that_are_declared_twice_are_told_with_both_places(refused):
    twice = declared("web", members=[MEMBER, {**MEMBER, "weight": 2}])
    comment = refused("loadbalancer_present", **twice)
    assert "10.0.0.9 80" in comment
    assert "declared twice" in comment
    assert "members:1" in comment
    assert "members:2" in comment


def test_several_of_a_name_are_told_with_their_ids_and_one_can_be_adopted(client, refused, run):
    ids = [client.create("loadbalancer", loadbalancer("web"))["id"] for _ in range(2)]
    client.wait(ids, 300)
    comment = refused("loadbalancer_present", name="web", description="ours")
    assert all(identity in comment for identity in ids)
    assert "adopt" in comment
    run("loadbalancer_present", name="web", description="ours", adopt=ids[1])
    described = {item["id"]: item["description"] for item in client.list_all("loadbalancer")}
    assert described == {ids[0]: "", ids[1]: "ours"}


def test_an_immutable_field_is_told_and_recreated_with_the_vip_where_allowed(
    client, connected, project, refused, run
):
    admin = connected("admin")
    data = {"flavor_data": '{"loadbalancer_topology": "SINGLE"}', "provider_name": "amphora"}
    profile = admin.create("flavorprofile", {"name": project, **data})
    flavor = admin.create("flavor", {"name": project, "flavor_profile_id": profile["id"]})
    web = declared("web", vip_address=VIP)
    run("loadbalancer_present", **web)
    (old,) = client.list_all("loadbalancer")
    comment = refused("loadbalancer_present", name="web", flavor=project)
    assert "flavor_id" in comment
    assert "cannot be changed" in comment
    run("loadbalancer_present", name="web", flavor=project, on_immutable="recreate")
    (new,) = client.list_all("loadbalancer")
    assert (new["id"] != old["id"], new["flavor_id"]) == (True, flavor["id"])
    assert (new["vip_address"], new["vip_subnet_id"]) == (VIP, SUBNET)
    # What was not declared beside it is made anew with it.
    assert len(client.tree(new["id"])["pools"][0]["members"]) == len(web["pools"][0]["members"])


def test_a_quota_that_is_met_is_told_as_such(client, connected, minion, clouds_yaml):
    connected("admin").update("quota", client.project_id, {"loadbalancer": 1})
    cloud = {"cloud_name": "member", "config_file": str(clouds_yaml)}
    wanted = [loadbalancer(name) for name in ("a", "b")]
    sls = test_states.state("loadbalancers_managed", **cloud, name="all", loadbalancers=wanted)
    done = minion.apply(sls)["it"]
    assert done["result"] is False
    assert len(done["changes"]) == 1, "the one that fits is made"
    assert "uota" in done["comment"]
    assert len(client.list_all("loadbalancer")) == 1


def test_a_quota_that_is_known_not_to_suffice_is_told_before_the_first_write(
    connected, project, log
):
    admin = connected("admin")
    admin.update("quota", admin.project_id, {"loadbalancer": 1})
    wanted = {
        "quotas": [{"project_id": admin.project_id, "pool": 5}],
        "loadbalancers": [loadbalancer(name) for name in ("a", "b")],
    }
    log.clear()
    plan = octavia_session.Session(admin).plan(wanted)
    told = [f"{item['path']} {item['reason']}" for item in plan.findings]
    assert any("quota:loadbalancer" in text and "2 are to be added" in text for text in told), told
    assert (plan.refused, plan.operations, log.writes) == (True, [], [])
