"""What is wrong with a declaration is told before anything is written, all of it at once."""

import copy

import octavia_plan as planning
import pytest
from given_trees import OTHER_SUBNET, SUBNET, empty, plan, standing, web

LISTENER = {"protocol": "HTTP", "protocol_port": 80}
POOL = {"name": "app", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}
MONITOR = {"type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 3}
MEMBER = {"address": "10.0.0.1", "protocol_port": 80}
POLICY = {"name": "p", "action": "REJECT"}
RULE = {"type": "PATH", "compare_type": "EQUAL_TO", "value": "/x"}


def lb(**more):
    """A load balancer of little."""
    return {"name": "web", "vip_subnet_id": SUBNET, **more}


def listener(**more):
    """A load balancer with a listener."""
    return lb(listeners=[{**LISTENER, **more}])


def pool(**more):
    """A load balancer with a pool."""
    return lb(pools=[{**POOL, **more}])


def policy(**more):
    """A load balancer with a policy."""
    return lb(pools=[POOL], listeners=[{**LISTENER, "l7policies": [{**POLICY, **more}]}])


def rule(**more):
    """A load balancer with a rule."""
    return policy(rules=[{**RULE, **more}])


def told(declared, snapshot=None, **options):
    """The findings of a plan that may not write."""
    found = plan(declared, snapshot or empty(), **options)
    assert found.refused
    assert found.operations == []
    return {item["path"].removeprefix("loadbalancers:"): item for item in found.findings}


@pytest.mark.parametrize(
    ("declared", "path", "reason", "remedy"),
    [
        (lb(listners=[]), "web:listners", "unknown", "Did you mean listeners"),
        (listener(protocl="x"), "web:listeners:1:protocl", "unknown", "Did you mean protocol"),
        (pool(members=[{**MEMBER, "wieght": 1}]), "web:pools:app:members:1:wieght", "un", "weight"),
        (lb(id="x"), "web:id", "told by the server", "Remove"),
        (lb(provisioning_status="ACTIVE"), "web:provisioning_status", "told by", "Remove"),
        (lb(description=None), "web:description", "is null", "unset"),
        (lb(listeners={}), "web:listeners", "must be a list", "list"),
        (lb(listeners=["http"]), "web:listeners:1", "must be a mapping", "mapping"),
        (pool(healthmonitor="HTTP"), "web:pools:app:healthmonitor", "must be a mapping", "mapping"),
        ({"name": "web"}, "web", "no place for its VIP", "vip_subnet_id"),
        ({"vip_subnet_id": SUBNET}, "1:name", "missing", "name"),
        (lb(listeners=[{"protocol": "TCP"}]), "web:listeners:1:protocol_port", "missing", "port"),
        (lb(pools=[{"name": "p", "protocol": "TCP"}]), "web:pools:p:lb_algorithm", "miss", "lb_"),
        (pool(members=[MEMBER, MEMBER]), "web:pools:app:members:2", "twice", "Keep one"),
        (
            *(pool(members=[{**MEMBER, "address": "::1"}, {**MEMBER, "address": "0::1"}]),),
            *("web:pools:app:members:2", "twice", "Keep one"),
        ),
        (lb(pools=[POOL, POOL]), "web:pools:app", "twice", "Keep one"),
        (
            lb(listeners=[LISTENER, {**LISTENER, "protocol": "TCP"}]),
            "web:listeners:2",
            "twice",
            "K",
        ),
        (listener(default_pool="app"), "web:listeners:1:default_pool", "neither", "Declare"),
        (listener(default_pool=7), "web:listeners:1:default_pool", "must be a name", "name"),
        (listener(default_pool_id=SUBNET), "web:listeners:1:default_pool", "neither", "Declare"),
        (lb(flavor="big"), "web:flavor", "neither", "Declare"),
        (
            lb(
                pools=[{**POOL, "protocol": "UDP"}], listeners=[{**LISTENER, "default_pool": "app"}]
            ),
            *("web:listeners:1:default_pool", "UDP pool, which a HTTP", "HTTP, PROXY, PROXYV2"),
        ),
        (
            pool(protocol="UDP", healthmonitor={**MONITOR, "type": "PING"}),
            *("web:pools:app:healthmonitor:type", "cannot check a UDP pool", "UDP-CONNECT"),
        ),
        (
            pool(healthmonitor={**MONITOR, "type": "UDP-CONNECT"}),
            *("web:pools:app:healthmonitor:type", "cannot check a HTTP pool", "TLS-HELLO"),
        ),
        (
            pool(healthmonitor={**MONITOR, "type": "TCP", "url_path": "/"}),
            *("web:pools:app:healthmonitor:url_path", "type TCP", "HTTP"),
        ),
        (
            pool(healthmonitor={**MONITOR, "domain_name": "example.org"}),
            *("web:pools:app:healthmonitor:domain_name", "http_version 1.1", "http_version"),
        ),
        (
            pool(session_persistence={"type": "SOURCE_IP", "cookie_name": "x"}),
            *("web:pools:app:session_persistence", "cookie_name", "Remove"),
        ),
        (
            pool(session_persistence={"type": "APP_COOKIE"}),
            *("web:pools:app:session_persistence", "needs a cookie_name", "Declare"),
        ),
        (
            pool(protocol="UDP", session_persistence={"type": "HTTP_COOKIE"}),
            *("web:pools:app:session_persistence", "UDP pool", "SOURCE_IP"),
        ),
        (listener(protocol="TERMINATED_HTTPS"), "web:listeners:1:protocol", "certificate", "tls"),
        (
            listener(default_tls_container_ref="http://key.example.org/1"),
            *("web:listeners:1:default_tls_container_ref", "protocol HTTP", "TERMINATED_HTTPS"),
        ),
        (
            listener(client_authentication="MANDATORY"),
            *("web:listeners:1:client_authentication", "CA", "client_ca_tls_container_ref"),
        ),
        (
            listener(insert_headers={"X-Forwarded-Fro": "true"}),
            *("web:listeners:1:insert_headers", "X-Forwarded-Fro", "X-Forwarded-For"),
        ),
        (
            listener(insert_headers={"X-SSL-Client-CN": "true"}),
            *("web:listeners:1:insert_headers", "X-SSL-Client-CN", "Known"),
        ),
        (
            listener(protocol="TCP", insert_headers={"X-Forwarded-For": "true"}),
            *("web:listeners:1:insert_headers", "protocol TCP", "HTTP"),
        ),
        (
            {**listener(allowed_cidrs=["2001:db8::/32"]), "vip_address": "10.0.0.1"},
            *("web:listeners:1:allowed_cidrs", "family", "VIP"),
        ),
        (
            {**listener(allowed_cidrs=["10.0.0.0/8"]), "vip_sg_ids": [SUBNET]},
            *("web:listeners:1:allowed_cidrs", "vip_sg_ids", "one of the two"),
        ),
        (lb(additional_vips=[{"subnet_id": SUBNET}]), "web:additional_vips", "twice", "one entry"),
        (policy(action="REDIRECT_TO_URL"), "web:listeners:1:l7policies:p:action", "needs", "Decl"),
        (
            policy(redirect_url="http://example.org"),
            *("web:listeners:1:l7policies:p:redirect_url", "action REJECT", "Remove"),
        ),
        (
            policy(redirect_http_code=301),
            *("web:listeners:1:l7policies:p:redirect_http_code", "REJECT", "Remove"),
        ),
        (
            listener(protocol="TCP", l7policies=[POLICY]),
            *("web:listeners:1:l7policies:p:action", "TCP listener", "HTTP"),
        ),
        (
            listener(l7policies=[{**POLICY, "position": 2}, {**POLICY, "name": "q"}]),
            *("web:listeners:1:l7policies:p:position", "place in the list, 1", "order"),
        ),
        (rule(key="x"), "web:listeners:1:l7policies:p:rules:1:key", "type PATH", "Remove"),
        (rule(type="COOKIE"), "web:listeners:1:l7policies:p:rules:1:key", "missing", "Declare"),
        (
            rule(type="FILE_TYPE", compare_type="CONTAINS"),
            *("web:listeners:1:l7policies:p:rules:1:compare_type", "CONTAINS", "REGEX"),
        ),
        (
            rule(compare_type="REGEX", value="("),
            *("web:listeners:1:l7policies:p:rules:1:value", "regular expression", "Correct"),
        ),
        (
            rule(type="SSL_VERIFY_RESULT", value="x"),
            *("web:listeners:1:l7policies:p:rules:1:value", "number", "'0'"),
        ),
        (policy(rules=[RULE] * 51), "web:listeners:1:l7policies:p:rules", "more than 50", "Split"),
        (lb(unset=["vip_address"]), "web:unset", "cannot be unset", "Remove"),
        (lb(unset=["colour"]), "web:unset", "not a field", "Remove"),
        (lb(unset=["tags"], tags=[]), "web:unset", "at once", "Keep one"),
        (listener(unset=["tls_ciphers"]), "web:listeners:1:unset", "operator", "Declare"),
        (lb(purge=["everything"]), "web:purge", "may be purged", "listeners, pools"),
        (lb(on_immutable="replace"), "web:on_immutable", "not a value", "fail or recreate"),
        (lb(adopt="web"), "web:adopt", "UUID", "id"),
        (lb(tree="yes"), "web:tree", "not a value", "true or false"),
        (listener(cascade=True), "web:listeners:1:cascade", "unknown", "Known are"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_remedy(declared, path, reason, remedy):
    found = told(declared)
    assert path in found, list(found)
    assert reason in found[path]["reason"]
    assert remedy in found[path]["remedy"]


@pytest.mark.parametrize(
    ("declared", "minor", "path", "needs", "release"),
    [
        (lb(tags=["x"]), 2, "web:tags", "2.5", "stein"),
        (listener(allowed_cidrs=["10.0.0.0/8"]), 10, "web:listeners:1:allowed_cidrs", "2.12", "tr"),
        (listener(protocol="SCTP"), 22, "web:listeners:1:protocol", "2.23", "victoria"),
        (listener(hsts_max_age=1), 26, "web:listeners:1:hsts_max_age", "2.27", "2023.2"),
        (pool(lb_algorithm="SOURCE_IP_PORT"), 12, "web:pools:app:lb_algorithm", "2.13", "train"),
        (
            *(pool(members=[{**MEMBER, "request_sriov": True}]), 28),
            *("web:pools:app:members:1:request_sriov", "2.30", "2025.1"),
        ),
    ],
)
def test_what_the_server_is_too_old_for_names_both_versions(declared, minor, path, needs, release):
    found = told(declared, empty(minor))[path]
    assert f"version {needs} of the API, the server has 2.{minor}" in found["reason"]
    assert release in found["remedy"]


@pytest.mark.parametrize(
    ("declared", "path"),
    [
        (lb(provider="ovn", flavor_id=SUBNET), "web:flavor_id"),
        ({**listener(), "provider": "ovn"}, "web:listeners:1:protocol"),
        ({**pool(protocol="TCP"), "provider": "ovn"}, "web:pools:app:lb_algorithm"),
        (
            {**pool(lb_algorithm="SOURCE_IP_PORT"), "provider": "octavia"},
            "web:pools:app:lb_algorithm",
        ),
        ({**policy(), "provider": "ovn"}, "web:listeners:1:l7policies:p"),
    ],
)
def test_what_a_provider_refuses(declared, path):
    assert (
        "refused by" in told(declared)[path]["reason"]
        or "cannot be had" in told(declared)[path]["reason"]
    )


def test_what_a_provider_does_nothing_about_is_a_warning():
    member = {**MEMBER, "weight": 5}
    declared = pool(protocol="TCP", lb_algorithm="SOURCE_IP_PORT", members=[member])
    found = plan({**declared, "provider": "ovn"}, empty())
    assert [item["level"] for item in found.findings] == ["warning"]
    assert "weight" in found.findings[0]["path"]
    assert found.writes == 1


def test_all_mistakes_of_all_objects_are_told_and_nothing_is_written():
    first = {**listener(protocol_port=0, connection_limit="x"), "name": "one"}
    second = {**pool(members=[{**MEMBER, "weight": 999}]), "name": "two"}
    good = lb(name="three")
    found = planning.plan({"loadbalancers": [good, first, second], "flavours": []}, empty())
    assert {item["path"] for item in found.findings} == {
        "flavours",
        "loadbalancers:one:listeners:1:protocol_port",
        "loadbalancers:one:listeners:1:connection_limit",
        "loadbalancers:two:pools:app:members:1:weight",
    }
    assert (found.refused, found.operations) == (True, [])


def test_paths_begin_where_the_caller_says():
    found = plan(lb(nam="x"), empty(), base="octavia:client:resources:cloud:")
    assert found.findings[0]["path"] == "octavia:client:resources:cloud:loadbalancers:web:nam"


def test_what_is_not_a_mapping_is_told():
    assert planning.plan([], empty()).findings[0]["reason"] == "must be a mapping of lists"


def test_an_immutable_difference_names_the_fields_and_stops_only_its_load_balancer():
    snapshot = standing(web(), web(name="other"))
    moved, changed = web(vip_subnet_id=OTHER_SUBNET), web(name="other", description="x")
    moved["pools"][0]["protocol"] = "PROXY"
    found = planning.plan({"loadbalancers": [moved, changed]}, snapshot)
    assert {item["path"] for item in found.findings} == {
        "loadbalancers:web:vip_subnet_id",
        "loadbalancers:web:pools:app:protocol",
    }
    assert all("on_immutable: recreate" in item["remedy"] for item in found.findings)
    assert [unit.name for unit in found.units if unit.operations] == ["other"]


def test_names_that_are_not_unique_are_told_with_all_ids():
    snapshot = standing(web())
    (known,) = snapshot.objects["loadbalancer"].values()
    snapshot.add("loadbalancer", {**known, "id": OTHER_SUBNET})
    found = plan(web(description="x"), snapshot)
    assert known["id"] in found.findings[0]["reason"]
    assert OTHER_SUBNET in found.findings[0]["reason"]
    assert found.operations == []
    chosen = plan(web(description="x", adopt=known["id"]), snapshot)
    assert (chosen.findings, chosen.writes) == ([], 1)


def test_a_name_of_another_project_is_another_load_balancer():
    snapshot = standing(web())
    (known,) = snapshot.objects["loadbalancer"].values()
    snapshot.add("loadbalancer", {**known, "id": OTHER_SUBNET, "project_id": "theirs"})
    assert plan(web(), snapshot).findings == []
    assert plan(web(), snapshot).operations == []


def test_an_adopted_id_that_is_not_there_is_told():
    found = plan(web(adopt=OTHER_SUBNET), standing(web()))
    assert found.findings[0]["path"] == "loadbalancers:web:adopt"
    assert found.operations == []


@pytest.mark.parametrize(("description", "level"), [("x", "error"), ("", "warning")])
def test_a_load_balancer_in_error_is_told_with_what_to_do(description, level):
    snapshot = standing(web())
    (known,) = snapshot.objects["loadbalancer"].values()
    known["provisioning_status"] = "ERROR"
    found = plan(web(description=description), snapshot)
    assert [item["level"] for item in found.findings] == [level]
    assert "loadbalancer_failover" in found.findings[0]["remedy"]
    assert found.operations == []


def test_children_that_a_tree_left_behind_are_told():
    snapshot = standing(web(), minor=26)
    for known in snapshot.objects["listener"].values():
        known["provisioning_status"] = "PENDING_CREATE"
    found = plan(web(), snapshot)
    assert "listener http is PENDING_CREATE for ever" in found.findings[0]["reason"]
    assert "tree: false" in found.findings[0]["remedy"]


def test_a_pool_that_is_in_use_does_not_go():
    declared = web(purge=["pools"])
    declared["pools"] = declared["pools"][:1]
    del declared["listeners"]
    found = plan(declared, standing(web()))
    assert "pool api would go, but l7policy api" in found.findings[0]["reason"]
    assert found.operations == []


def test_members_that_were_not_read_cannot_be_planned():
    snapshot = standing(web())
    pools = {item["id"] for item in snapshot.objects["pool"].values()}
    policies = set(snapshot.objects["l7policy"])
    snapshot.children.clear()
    assert planning.what_to_read({"loadbalancers": [web()]}, snapshot) == (pools, policies)
    with pytest.raises(planning.NotRead):
        plan(web(), snapshot)


def test_only_what_is_declared_is_read():
    snapshot = standing(web())
    snapshot.children.clear()
    declared = web()
    for item in declared["pools"]:
        del item["members"]
    del declared["listeners"][0]["l7policies"]
    assert planning.what_to_read({"loadbalancers": [declared]}, snapshot) == (set(), set())
    assert plan(declared, snapshot).operations == []


def test_a_pool_without_members_need_not_be_read():
    declared = web()
    for item in declared["pools"]:
        item["members"] = []
    snapshot = standing(declared)
    snapshot.children.clear()
    pools, _ = planning.what_to_read({"loadbalancers": [declared]}, snapshot)
    assert pools == set()


def test_what_is_made_anew_is_read_whole():
    snapshot = standing(web())
    snapshot.children.clear()
    declared = copy.deepcopy(web(vip_subnet_id=OTHER_SUBNET, on_immutable="recreate"))
    del declared["pools"], declared["listeners"]
    pools, policies = planning.what_to_read({"loadbalancers": [declared]}, snapshot)
    assert (len(pools), len(policies)) == (2, 2)


@pytest.mark.parametrize(("limit", "told_of"), [(5, True), (6, False), (-1, False), (None, False)])
def test_a_quota_that_will_not_suffice_is_told(limit, told_of):
    snapshot = standing(web())
    snapshot.quota = {"member": limit}
    more = [{"address": f"10.0.1.{host}", "protocol_port": 80} for host in (1, 2)]
    found = plan({"name": "web", "pools": [{"name": "app", "members": more}]}, snapshot)
    assert [item["path"] for item in found.findings] == ["quota:member"] * told_of
    assert found.refused is told_of
    assert bool(found.operations) is not told_of
