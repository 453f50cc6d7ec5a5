"""The client against a real Octavia that works."""

from __future__ import annotations

import threading

import octavia_client
import octavia_errors as errors
import pytest

from tests.api.conftest import SUBNET, loadbalancer, tree
from tests.api.light import Server

VERSIONS = {"2026.2": (2, 30), "2024.1": (2, 28)}


def created(client, name="web", body=None):
    """A load balancer that is ACTIVE."""
    answer = client.create("loadbalancer", body or loadbalancer(name))
    client.wait_active(answer["id"], 300)
    return answer


# -- the way in -----------------------------------------------------------------------------------


def test_a_cloud_of_clouds_yaml_costs_one_token_and_no_discovery_of_octavia(clouds_yaml, log):
    cloud = octavia_client.connect("member", config_file=str(clouds_yaml))
    assert octavia_client.Client(cloud).list_all("loadbalancer") == []
    paths = [(request.method, request.path) for request in log.requests]
    assert paths == [
        ("GET", "/identity/v3"),
        ("POST", "/identity/v3/auth/tokens"),
        ("GET", "/v2/lbaas/loadbalancers"),
    ]


def test_auth_may_be_the_inner_mapping_alone(entry, log):
    cloud = octavia_client.connect(auth=entry()["auth"])
    assert octavia_client.Client(cloud).list_all("loadbalancer") == []


def test_an_api_without_authentication_is_reached_by_its_endpoint(server):
    auth = {"auth_type": "none", "auth": {"endpoint": f"{server.url}/open/v2.0"}}
    client = octavia_client.Client(octavia_client.connect(auth=auth))
    made = created(client, "open")
    assert client.get("loadbalancer", made["id"])["name"] == "open"
    assert client.project_id == ""
    client.delete("loadbalancer", made["id"], cascade=True)


def test_an_unknown_cloud_is_named(clouds_yaml):
    with pytest.raises(errors.UnknownCloud, match="'elsewhere'"):
        octavia_client.connect("elsewhere", config_file=str(clouds_yaml))


def test_an_entry_that_lacks_something_is_told(entry):
    broken = entry()
    del broken["auth"]["auth_url"]
    with pytest.raises(errors.UnknownCloud, match="auth_url"):
        octavia_client.connect(auth=broken)


def test_a_wrong_password_is_an_error_of_its_own_and_is_not_told(entry):
    with pytest.raises(errors.Auth) as caught:
        octavia_client.connect(auth=entry(auth={"password": "wrong-one"}))
    assert "wrong-one" not in str(caught.value)


def test_a_region_without_the_service_is_named(entry):
    with pytest.raises(errors.NoEndpoint, match="Nowhere"):
        octavia_client.connect(auth=entry(region_name="Nowhere"))


def test_a_keystone_that_is_not_there_is_told(entry):
    with pytest.raises(errors.NoAnswer):
        octavia_client.connect(auth=entry(auth={"auth_url": "http://127.0.0.1:1/v3"}))


def test_a_token_that_has_expired_is_replaced(client, log):
    session = client.cloud.session
    headers = {"X-Subject-Token": session.get_token()}
    session.request(
        f"{session.auth.auth_url}/auth/tokens", "DELETE", headers=headers, authenticated=True
    )
    assert client.list_all("loadbalancer") == []
    assert [request.status for request in log.octavia] == [401, 200]


# -- rights ---------------------------------------------------------------------------------------


def test_a_reader_reads_and_does_not_write(connected):
    reader = connected("reader")
    assert reader.list_all("loadbalancer") == []
    with pytest.raises(errors.Forbidden) as caught:
        reader.create("loadbalancer", loadbalancer("web"))
    assert caught.value.code == 403
    assert caught.value.request_id.startswith("req-")
    assert caught.value.operation == "create loadbalancer web"


def test_who_has_no_role_sees_nothing(connected):
    with pytest.raises(errors.Forbidden):
        connected("nobody").list_all("loadbalancer")


def test_a_member_does_not_see_another_project(client, connected):
    made = created(client)
    other = connected(auth={"project_name": "somebody-else"})
    assert other.list_all("loadbalancer") == []
    with pytest.raises(errors.Forbidden):
        other.get("loadbalancer", made["id"])
    admin = connected("admin", auth={"project_name": "somebody-else"})
    assert made["id"] in [item["id"] for item in admin.list_all("loadbalancer")]
    assert admin.list_all("loadbalancer", project_id=admin.project_id) == []


# -- lists ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_pages(tmp_path_factory, release):
    """A server whose pages have two objects at most, whatever a client asks for."""
    made = Server(tmp_path_factory.mktemp("small"), 2, release)
    yield made
    made.close()


def test_pages_are_followed_with_filters_and_fields(small_pages, connected):
    client = connected("admin", url=small_pages.url)
    for number in range(5):
        tags = ["odd" if number % 2 else "even"]
        client.create(
            "loadbalancer", loadbalancer(f"lb{number}", provider="noop_driver", tags=tags)
        )
    log = small_pages.log()
    found = client.list_all("loadbalancer", tags="even", fields=["id", "name"])
    assert sorted(item["name"] for item in found) == ["lb0", "lb2", "lb4"]
    assert set(found[0]) == {"id", "name"}
    assert all("tags=even" in request.query for request in log.octavia)
    assert all("limit=1000" in request.query for request in log.octavia)
    assert len(log.octavia) == 2
    assert len(client.list_all("loadbalancer", tags="odd")) == 2
    assert len(client.list_all("loadbalancer")) == 5


def test_zones_cannot_be_paged_and_this_is_told(small_pages, connected):
    client = connected("admin", url=small_pages.url)
    profile = client.create(
        "availabilityzoneprofile",
        {"name": "p", "provider_name": "noop_driver", "availability_zone_data": "{}"},
    )
    for name in ("az1", "az2"):
        client.create(
            "availabilityzone",
            {"name": name, "availability_zone_profile_id": profile["id"]},
        )
    with pytest.raises(errors.Truncated, match="pagination_max_limit"):
        client.list_all("availabilityzone")
    assert client.get("availabilityzone", "az2")["name"] == "az2"


def test_filters_that_lists_do_not_show_are_checked_by_the_ids_above(client):
    first, second = created(client, "a", tree("a")), created(client, "b", tree("b"))
    found = client.list_all("listener", loadbalancer_id=second["id"])
    assert [item["loadbalancers"][0]["id"] for item in found] == [second["id"]]
    pool = client.list_all("pool", loadbalancer_id=first["id"])[0]
    assert len(client.list_all("healthmonitor", pool_id=pool["id"])) == 1
    assert len(client.list_all("member", pool["id"])) == 2


def test_the_version_is_asked_once_and_without_a_token(client, log, release):
    assert client.api_version() == VERSIONS[release]
    assert client.api_version() == VERSIONS[release]
    assert [request.path for request in log.octavia] == ["/"]


# -- writes ---------------------------------------------------------------------------------------


def test_a_tree_is_created_by_one_call_and_read_back_in_the_same_form(client, log):
    made = created(client, body=tree("web"))
    assert log.kinds["POST /v2/lbaas/loadbalancers"] == len(log.writes) == 1
    read = client.tree(made["id"])
    assert read["listeners"][0]["l7policies"][0]["rules"][0]["value"] == "/api"
    assert {item["address"] for item in read["pools"][0]["members"]} == {"10.0.0.1", "10.0.0.2"}
    assert read["pools"][0]["healthmonitor"]["type"] == "HTTP"
    for path in (("listeners", 0, "id"), ("pools", 0, "id"), ("pools", 0, "healthmonitor", "id")):
        ours, theirs = read, made
        for step in path:
            ours, theirs = ours[step], theirs[step]
        assert ours == theirs


def test_a_locked_load_balancer_is_waited_for(client, log):
    lb = client.create("loadbalancer", loadbalancer("web"))
    body = {"loadbalancer_id": lb["id"], "protocol": "HTTP", "protocol_port": 80}
    made = client.create("listener", body, lock=lb["id"])
    assert made["protocol_port"] == 80
    assert 409 in [request.status for request in log.octavia]
    assert client.counters.repeated >= 1


def test_without_a_lock_to_wait_for_it_is_told(client):
    lb = client.create("loadbalancer", loadbalancer("web"))
    body = {"loadbalancer_id": lb["id"], "protocol": "HTTP", "protocol_port": 80}
    with pytest.raises(errors.Locked) as caught:
        client.create("listener", body)
    assert caught.value.code == 409


def test_many_writers_of_one_load_balancer_all_get_through(client):
    lb = created(client)
    ports = range(81, 87)

    def add(port):
        body = {"loadbalancer_id": lb["id"], "protocol": "HTTP", "protocol_port": port}
        return lambda: client.create("listener", body, lock=lb["id"])

    client.parallel([add(port) for port in ports])
    client.wait_active(lb["id"], 300)
    found = client.list_all("listener", loadbalancer_id=lb["id"])
    assert sorted(item["protocol_port"] for item in found) == list(ports)


def test_members_are_set_by_one_call(client, log):
    lb = created(client, body=tree("web"))
    pool = lb["pools"][0]["id"]
    members = [{"address": f"10.0.1.{n}", "protocol_port": 80, "weight": n} for n in (1, 2, 3)]
    client.batch(pool, members, lock=lb["id"])
    client.wait_active(lb["id"], 300)
    found = {item["address"]: item["weight"] for item in client.list_all("member", pool)}
    assert found == {"10.0.1.1": 1, "10.0.1.2": 2, "10.0.1.3": 3}
    client.batch(pool, members[:1], additive_only=True, lock=lb["id"])
    client.wait_active(lb["id"], 300)
    assert len(client.list_all("member", pool)) == 3


def test_every_kind_of_object_is_created_changed_and_deleted(client):
    lb = created(client)
    lock = {"lock": lb["id"]}
    listener = client.create(
        "listener", {"loadbalancer_id": lb["id"], "protocol": "HTTP", "protocol_port": 80}, **lock
    )
    pool = client.create(
        "pool",
        {"loadbalancer_id": lb["id"], "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"},
        **lock,
    )
    member = client.create(
        "member", {"address": "10.0.0.1", "protocol_port": 80}, pool["id"], **lock
    )
    monitor = client.create(
        "healthmonitor",
        {"pool_id": pool["id"], "type": "TCP", "delay": 5, "timeout": 3, "max_retries": 2},
        **lock,
    )
    policy = client.create("l7policy", {"listener_id": listener["id"], "action": "REJECT"}, **lock)
    rule = client.create(
        "l7rule",
        {"type": "PATH", "compare_type": "EQUAL_TO", "value": "/a"},
        policy["id"],
        **lock,
    )
    changes = [
        ("listener", listener, {"connection_limit": 5}, ""),
        ("pool", pool, {"lb_algorithm": "SOURCE_IP"}, ""),
        ("member", member, {"weight": 7}, pool["id"]),
        ("healthmonitor", monitor, {"delay": 9}, ""),
        ("l7policy", policy, {"description": "x"}, ""),
        ("l7rule", rule, {"value": "/b"}, policy["id"]),
        ("loadbalancer", lb, {"description": "y"}, ""),
    ]
    for resource, item, body, parent in changes:
        client.update(resource, item["id"], body, parent, **lock)
        read = client.get(resource, item["id"], parent)
        assert {name: read[name] for name in body} == body
    for resource, item, _, parent in (changes[5], changes[4], changes[3], changes[2]):
        client.delete(resource, item["id"], parent, **lock)
        client.wait_active(lb["id"], 300)
        with pytest.raises(errors.NotFound):
            client.get(resource, item["id"], parent)
    client.delete("loadbalancer", lb["id"], cascade=True, **lock)
    assert client.wait([lb["id"]], 300) == {lb["id"]: "DELETED"}
    client.delete("loadbalancer", lb["id"], cascade=True)


def test_operators_objects(connected, project):
    admin = connected("admin")
    profile = admin.create(
        "flavorprofile",
        {
            "name": project,
            "provider_name": "amphora",
            "flavor_data": '{"loadbalancer_topology": "SINGLE"}',
        },
    )
    flavor = admin.create("flavor", {"name": project, "flavor_profile_id": profile["id"]})
    admin.update("flavor", flavor["id"], {"description": "small"})
    assert admin.get("flavor", flavor["id"])["description"] == "small"
    with pytest.raises(errors.InUse):
        admin.update("flavorprofile", profile["id"], {"provider_name": "octavia"})
    with pytest.raises(errors.Duplicate):
        admin.create("flavor", {"name": project, "flavor_profile_id": profile["id"]})
    admin.delete("flavor", flavor["id"])
    admin.delete("flavorprofile", profile["id"])
    admin.update("quota", admin.project_id, {"pool": 3})
    assert admin.list_all("quota", project_id=admin.project_id)[0]["pool"] == 3
    admin.delete("quota", admin.project_id)
    assert [item["name"] for item in admin.list_all("provider")] == [
        *("amphora", "octavia", "noop_driver"),
    ]


# -- what is refused ------------------------------------------------------------------------------


def test_answers_have_a_class_each(client, connected):
    lb = created(client, body=tree("web"))
    listener, pool = lb["listeners"][0], lb["pools"][0]
    free = {"lock": lb["id"]}
    listening = {"loadbalancer_id": lb["id"], "protocol": "HTTP", "protocol_port": 80}
    with pytest.raises(errors.Duplicate):
        client.create("listener", listening, **free)
    with pytest.raises(errors.Duplicate):
        client.create("member", {"address": "10.0.0.1", "protocol_port": 80}, pool["id"], **free)
    monitor = {"type": "TCP", "delay": 5, "timeout": 3, "max_retries": 2, "pool_id": pool["id"]}
    with pytest.raises(errors.Duplicate):
        client.create("healthmonitor", monitor, **free)
    with pytest.raises(errors.InUse):
        client.delete("pool", pool["id"], **free)
    with pytest.raises(errors.InUse):
        client.delete("loadbalancer", lb["id"], **free)
    with pytest.raises(errors.NotFound):
        client.get("listener", SUBNET)
    with pytest.raises(errors.Unsupported) as unsupported:
        client.update("listener", listener["id"], {"colour": "red"}, **free)
    assert unsupported.value.fields == ("colour",)
    with pytest.raises(errors.Immutable) as immutable:
        client.update("listener", listener["id"], {"protocol_port": 81}, **free)
    assert immutable.value.fields == ("protocol_port",)
    with pytest.raises(errors.Invalid) as invalid:
        client.create("listener", {**listening, "protocol_port": 0}, **free)
    assert invalid.value.fields == ("protocol_port",)
    unsupported_by_provider = {
        "loadbalancer_id": lb["id"],
        "protocol": "HTTP",
        "lb_algorithm": "SOURCE_IP_PORT",
    }
    with pytest.raises(errors.Unsupported):
        client.create("pool", unsupported_by_provider, **free)
    admin = connected("admin")
    admin.update("quota", client.project_id, {"loadbalancer": 1})
    with pytest.raises(errors.QuotaExceeded):
        client.create("loadbalancer", loadbalancer("second"))


# -- waiting --------------------------------------------------------------------------------------


def test_one_question_serves_all_that_wait(client, log):
    made = [client.create("loadbalancer", loadbalancer(f"lb{n}"))["id"] for n in range(6)]
    log.clear()
    told = []
    statuses = client.wait(made, 60, told.append)
    assert statuses == dict.fromkeys(made, "ACTIVE")
    assert set(log.kinds) <= {"GET /v2/lbaas/loadbalancers", "GET /v2/lbaas/loadbalancers/ID"}
    lists = [request for request in log.octavia if request.path.endswith("loadbalancers")]
    assert lists
    assert all("project_id=" in request.query for request in lists)
    assert all("provisioning_status" in request.query for request in lists)
    assert told


def test_one_in_error_ends_the_wait_and_names_what_is_broken(client, server):
    body = tree("web")
    body["provider"] = "noop_driver"
    lb = client.create("loadbalancer", body)
    error = {"provisioning_status": "ERROR", "operating_status": "ERROR"}
    pool = lb["pools"][0]["id"]
    threading.Timer(
        0.5,
        server.report,
        kwargs={
            "loadbalancers": [{"id": lb["id"], **error}],
            "pools": [{"id": pool, **error}],
        },
    ).start()
    with pytest.raises(errors.InError) as caught:
        client.wait_active(lb["id"], 30)
    assert caught.value.children == (f"pool web ({pool})",)


def test_a_write_below_a_broken_one_does_not_wait(client, server):
    lb = client.create("loadbalancer", loadbalancer("web", provider="noop_driver"))
    server.report(loadbalancers=[{"id": lb["id"], "provisioning_status": "ERROR"}])
    body = {"loadbalancer_id": lb["id"], "protocol": "HTTP", "protocol_port": 80}
    with pytest.raises(errors.InError):
        client.create("listener", body, lock=lb["id"])
    client.delete("loadbalancer", lb["id"], cascade=True, lock=lb["id"])


def test_a_write_below_a_broken_pool_does_not_wait(client, server):
    body = tree("web")
    body["provider"] = "noop_driver"
    lb = client.create("loadbalancer", body)
    pool = lb["pools"][0]["id"]
    server.report(
        loadbalancers=[{"id": lb["id"], "provisioning_status": "ACTIVE"}],
        pools=[{"id": pool, "provisioning_status": "ERROR"}],
    )
    with pytest.raises(errors.InError) as caught:
        client.create("member", {"address": "10.0.9.9", "protocol_port": 80}, pool, lock=lb["id"])
    assert caught.value.children == (f"pool ({pool})",)


def test_one_that_stays_pending_is_told_when_the_time_is_over(client):
    lb = client.create("loadbalancer", loadbalancer("web", provider="noop_driver"))
    with pytest.raises(errors.Locked, match="PENDING_CREATE"):
        client.wait_active(lb["id"], 1)


def test_counters_tell_what_the_server_saw(client, log):
    lb = created(client, body=tree("web"))
    client.list_all("member", lb["pools"][0]["id"])
    assert client.counters.total == len(log.octavia)
    assert client.counters.writes == len(log.writes) == 1
    assert client.counters.requests["GET", "lbaas/pools/{id}/members"] == 1
    assert client.counters.waited > 0
