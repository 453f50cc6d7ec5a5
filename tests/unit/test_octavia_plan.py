"""Plans: as few writes as possible, in an order that works, and nothing lost."""

import copy
import itertools

import octavia_l7 as l7
import octavia_operations as operations
import octavia_plan as planning
import pytest
from given_trees import OTHER_SUBNET, SUBNET, empty, plan, standing, web
from server_model import PROJECT, Server


def did(found):
    """The operations of a plan without findings, as words."""
    assert found.findings == []
    return [f"{step.action} {step.label}" for step in found.operations]


def changed(change, snapshot=None, **options):
    """The plan after a change of the worked example, which is then seen to converge."""
    snapshot = snapshot or standing(web())
    declared = web()
    change(declared)
    found = plan(declared, snapshot, **options)
    applied = copy.deepcopy(snapshot)
    Server(applied).run(found)
    assert plan(declared, applied, **options).operations == []
    return found


def live(snapshot, resource, name):
    """The one object of a name."""
    (found,) = snapshot.by_name(resource, name)
    return found


# -- how many writes ------------------------------------------------------------------------------


def test_what_stands_needs_no_write():
    assert did(plan(web(), standing(web()))) == []
    assert plan(web(), standing(web())).changes == {}


def test_many_load_balancers_that_stand_need_no_write():
    trees = [web(name=f"lb{number}") for number in range(30)]
    assert planning.plan({"loadbalancers": trees}, standing(*trees)).writes == 0


def test_a_new_load_balancer_is_one_request():
    found = plan(web(), empty())
    assert [(step.action, step.resource) for step in found.operations] == [
        ("create", "loadbalancer")
    ]
    body = found.operations[0].body
    assert [pool["name"] for pool in body["pools"]] == ["app", "api"]
    assert body["pools"][0]["healthmonitor"]["type"] == "HTTP"
    assert body["listeners"][0]["default_pool"] == {"name": "app"}
    policy = body["listeners"][0]["l7policies"][0]
    assert (policy["redirect_pool"], policy["rules"][0]["value"]) == ({"name": "api"}, "/api")
    assert "position" not in policy
    assert len(found.changes["loadbalancer:web"]["created"]) == 13


STEPS = [
    "create loadbalancer web",
    "create pool app",
    "batch members of pool app",
    "create pool api",
    "create member 10.0.0.1:8080 of pool api",
    "create healthmonitor of pool app",
    "create listener http",
    "create l7policy api of listener http",
    "create l7policy no of listener http",
    "create l7rule PATH STARTS_WITH /api of l7policy api of listener http",
    "create l7rule PATH STARTS_WITH /private of l7policy no of listener http",
]


@pytest.mark.parametrize(
    ("minor", "declared", "option", "steps"),
    [
        (26, {}, None, STEPS),
        (27, {}, None, STEPS[:1]),
        (30, {"tree": False}, None, STEPS),
        (30, {}, False, STEPS),
        (26, {}, True, STEPS[:1]),
        (26, {"tree": True}, False, STEPS[:1]),
    ],
)
def test_a_tree_is_made_in_one_call_or_step_by_step(minor, declared, option, steps):
    assert did(plan(web(**declared), empty(minor), tree=option)) == steps


@pytest.mark.parametrize(("minor", "one"), [(28, False), (30, True)])
def test_networks_of_listeners_are_in_trees_only_where_the_server_takes_them(minor, one):
    declared = web()
    declared["listeners"][0]["allowed_cidrs"] = ["10.0.0.0/8"]
    assert (plan(declared, empty(minor)).writes == 1) is one


def test_steps_refer_to_what_earlier_steps_make():
    found = plan(web(tree=False), empty())
    made = set()
    for step in found.operations:
        for value in (step.id, step.parent, step.locks, *step.body.values()):
            if isinstance(value, planning.Ref) and step.action != "create":
                assert value.key in made
        made.update(step.creates)
    assert all(step.locks == found.operations[0].locks for step in found.operations)


def test_one_weight_is_one_write():
    found = changed(lambda lb: lb["pools"][0]["members"][1].update(weight=7))
    (step,) = found.operations
    assert (step.action, step.resource, step.body) == ("update", "member", {"weight": 7})
    assert found.changes == {
        "loadbalancer:web": {
            "updated": {"member 10.0.0.2:8080 of pool app": {"weight": {"old": 1, "new": 7}}}
        }
    }


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        (lambda lb: lb.update(description="x"), ["update loadbalancer web"]),
        (lambda lb: lb.update(tags=["x"]), ["update loadbalancer web"]),
        (lambda lb: lb["listeners"][0].update(connection_limit=5), ["update listener http"]),
        (lambda lb: lb["listeners"][0].update(name="new"), ["update listener new"]),
        (lambda lb: lb["listeners"][0].update(default_pool="api"), ["update listener http"]),
        (lambda lb: lb["pools"][0].update(lb_algorithm="SOURCE_IP"), ["update pool app"]),
        (
            lambda lb: lb["pools"][0]["healthmonitor"].update(delay=9),
            ["update healthmonitor of pool app"],
        ),
        (lambda lb: lb["pools"][0].update(members=[]), []),
        (lambda lb: lb["listeners"][0]["l7policies"].pop(), []),
        # A pool that is not declared may stay, and who uses it still finds it.
        (lambda lb: lb["pools"].pop(), []),
    ],
)
def test_a_change_is_one_write(change, steps):
    snapshot = standing(web())
    declared = web()
    change(declared)
    assert did(plan(declared, snapshot)) == steps


def test_a_new_pool_and_listener_come_with_all_below_them():
    def change(lb):
        more = web()
        lb["pools"].append({**more["pools"][0], "name": "new"})
        policies = more["listeners"][0]["l7policies"]
        lb["listeners"].append({"protocol": "HTTP", "protocol_port": 81, "l7policies": policies})

    assert [f"{step.action} {step.resource}" for step in changed(change).operations] == [
        *("create pool", "batch member", "create healthmonitor", "create listener"),
        *("create l7policy", "create l7policy", "create l7rule", "create l7rule"),
    ]


# -- members --------------------------------------------------------------------------------------


def members(found):
    """The body of the one batch of a plan."""
    (step,) = found.operations
    assert (step.action, step.resource) == ("batch", "member")
    return step.body


def test_two_members_are_one_batch_that_names_only_them():
    def change(lb):
        lb["pools"][0]["members"][0]["weight"] = 7
        lb["pools"][0]["members"].append({"address": "10.0.0.9", "protocol_port": 8080})

    body = members(changed(change))
    assert body["additive_only"] is True
    assert [item["address"] for item in body["members"]] == ["10.0.0.1", "10.0.0.9"]


def test_an_old_server_gets_all_members_in_a_batch():
    found = plan_of_two_weights(10)
    body = members(found)
    assert body["additive_only"] is False
    assert len(body["members"]) == 3


def plan_of_two_weights(minor):
    """The plan for two new weights at a version of the API."""
    snapshot = standing(web(), minor=minor)
    declared = web()
    for member in declared["pools"][0]["members"][:2]:
        member["weight"] = 7
    return plan(declared, snapshot)


def test_a_batch_keeps_what_others_set():
    snapshot = standing(web())
    pool = live(snapshot, "pool", "app")["id"]
    for member in snapshot.children["member", pool].values():
        member.update(weight=99, backup=True, name="theirs", tags=["t"], monitor_port=1)
    declared = web()
    for member in declared["pools"][0]["members"][:2]:
        member["weight"] = 7
    declared["pools"][0]["members"][2]["absent"] = True
    Server(snapshot).run(plan(declared, snapshot))
    kept = snapshot.below("member", pool)
    assert [(item["weight"], item["backup"], item["name"], item["tags"]) for item in kept] == [
        (7, True, "theirs", ["t"])
    ] * 2
    assert [item["monitor_port"] for item in kept] == [1, 1]


def test_a_batch_names_an_address_as_the_server_spells_it():
    snapshot = standing(web())
    pool = live(snapshot, "pool", "app")["id"]
    for member in snapshot.below("member", pool):
        member["address"] = "2001:DB8:0::" + member["address"][-1]
    declared = web()
    for number, member in enumerate(declared["pools"][0]["members"], 1):
        member.update(address=f"2001:db8::{number}", weight=7)
    body = members(plan(declared, snapshot))
    assert [item["address"] for item in body["members"]] == [f"2001:DB8:0::{n}" for n in (1, 2, 3)]


def test_an_unset_in_a_batch_is_no_null():
    snapshot = standing(web())
    pool = live(snapshot, "pool", "app")["id"]
    for member in snapshot.below("member", pool):
        member.update(weight=9, monitor_port=1, name="x")
    declared = web()
    for member in declared["pools"][0]["members"]:
        member["unset"] = ["weight", "monitor_port", "name"]
    body = members(plan(declared, snapshot))
    assert [item["weight"] for item in body["members"]] == [1, 1, 1]
    assert [item["name"] for item in body["members"]] == ["", "", ""]
    assert all("monitor_port" not in item for item in body["members"])


def test_members_are_written_singly_where_batches_are_not_wanted():
    def change(lb):
        for member in lb["pools"][0]["members"]:
            member["weight"] = 7

    found = changed(change, batch=False)
    assert [step.action for step in found.operations] == ["update"] * 3


def test_members_that_nobody_declares_stay_unless_they_are_purged():
    def fewer(lb):
        lb["pools"][0]["members"] = lb["pools"][0]["members"][:1]

    assert did(changed(fewer)) == []

    def purge(lb):
        fewer(lb)
        lb["purge"] = ["members"]

    body = members(changed(purge))
    assert body["additive_only"] is False
    assert [item["address"] for item in body["members"]] == ["10.0.0.1"]


def test_one_member_less_is_one_delete():
    def one_less(lb):
        lb["pools"][0]["members"].pop()
        lb["purge"] = ["members"]

    assert did(changed(one_less)) == ["delete member 10.0.0.3:8080 of pool app"]


def test_a_kind_that_is_not_declared_is_not_purged():
    def bare(lb):
        lb["purge"] = ["members", "listeners", "pools", "l7policies", "rules"]
        del lb["listeners"]
        del lb["pools"]

    assert did(changed(bare)) == []


# -- policies and rules ---------------------------------------------------------------------------


def fewest(current, wanted):
    """The number of moves and insertions that cannot be undercut."""
    here = [item for item in wanted if item in current]
    for size in range(len(here), -1, -1):
        for kept in itertools.combinations(here, size):
            if list(kept) == [item for item in current if item in kept]:
                return len(wanted) - size
    return 0


@pytest.mark.parametrize("count", range(5))
def test_policies_move_as_little_as_possible(count):
    items = "abcd"[:count]
    for current in itertools.permutations(items):
        for size in range(count + 1):
            for wanted in itertools.permutations([*items[:-1], "x", "y"], size):
                moves = l7.placements(current, wanted)
                assert len(moves) == fewest(current, wanted)
                line = list(current)
                for item, position in moves.items():
                    if item in line:
                        line.remove(item)
                    assert 1 <= position <= len(line) + 1
                    line.insert(position - 1, item)
                assert [item for item in line if item in wanted] == list(wanted)
                others = [item for item in current if item not in wanted]
                assert [item for item in line if item in others] == others


def test_a_moved_policy_is_one_write_with_its_position():
    found = changed(lambda lb: lb["listeners"][0]["l7policies"].reverse())
    (step,) = found.operations
    assert (step.action, step.resource, list(step.body)) == ("update", "l7policy", ["position"])


def test_a_policy_is_inserted_at_its_place():
    new = {"name": "first", "action": "REJECT"}
    found = changed(lambda lb: lb["listeners"][0]["l7policies"].insert(0, new))
    (step,) = found.operations
    assert (step.action, step.body["position"]) == ("create", 1)


@pytest.mark.parametrize(("position", "written"), [(1, [1]), (2, []), (50, [])])
def test_one_policy_may_name_its_position(position, written):
    policy = {"name": "no", "position": position}
    declared = {"name": "web", "listeners": [{"name": "http", "l7policies": [policy]}]}
    found = plan(declared, standing(web()))
    assert [step.body["position"] for step in found.operations] == written


def test_a_rule_that_says_something_else_is_a_new_one():
    def change(lb):
        lb["listeners"][0]["l7policies"][0]["rules"][0]["value"] = "/v2"

    assert [step.action for step in changed(change).operations] == ["create"]


def test_with_purge_a_rule_is_rewritten():
    def change(lb):
        rule = {"type": "HEADER", "key": "X", "compare_type": "EQUAL_TO", "value": "1"}
        lb["listeners"][0]["l7policies"][0]["rules"] = [rule]
        lb["purge"] = ["rules"]

    (step,) = changed(change).operations
    assert step.action == "update"
    assert step.body == {"type": "HEADER", "key": "X", "compare_type": "EQUAL_TO", "value": "1"}


def test_a_new_action_clears_the_old_target():
    def change(lb):
        policy = lb["listeners"][0]["l7policies"][0]
        del policy["redirect_pool"]
        policy.update(action="REDIRECT_TO_URL", redirect_url="http://example.org/")

    (step,) = changed(change).operations
    assert sorted(step.body) == ["action", "redirect_url"]


# -- unset, absent, adopt -------------------------------------------------------------------------


def test_what_is_not_declared_is_left_alone():
    declared = {"name": "web", "listeners": [{"protocol": "HTTP", "protocol_port": 80}]}
    assert did(plan(declared, standing(web(description="x", tags=["y"])))) == []


def test_an_unset_writes_the_reset_once():
    snapshot = standing(web(description="x", admin_state_up=False, tags=["a"]))
    declared = web(unset=["description", "admin_state_up", "tags"])
    found = plan(declared, snapshot)
    assert found.operations[0].body == {"description": None, "admin_state_up": True, "tags": []}
    Server(snapshot).run(found)
    assert plan(declared, snapshot).operations == []


def test_an_unset_reference_detaches():
    def change(lb):
        del lb["listeners"][0]["default_pool"]
        lb["listeners"][0]["unset"] = ["default_pool"]

    (step,) = changed(change).operations
    assert step.body == {"default_pool_id": None}


def test_an_unset_heeds_the_defaults_of_the_cloud():
    declared = web()
    declared["listeners"][0]["unset"] = ["timeout_client_data"]
    snapshot = standing(web())
    assert plan(declared, snapshot).operations == []
    theirs = {"listener": {"timeout_client_data": 60000}}
    (step,) = plan(declared, snapshot, defaults=theirs).operations
    assert step.body == {"timeout_client_data": None}


@pytest.mark.parametrize(("cascade", "action"), [(True, "cascade_delete"), (False, "delete")])
def test_an_absent_load_balancer_goes(cascade, action):
    found = plan({"name": "web", "absent": True, "cascade": cascade}, standing(web()))
    assert did(found) == [f"{action} loadbalancer web"]
    assert plan({"name": "web", "absent": True}, empty()).operations == []


def test_absent_children_go_after_those_who_use_them():
    def change(lb):
        lb["listeners"][0]["default_pool"] = "api"
        lb["pools"][0] = {"name": "app", "absent": True}
        lb["listeners"][0]["l7policies"][1]["absent"] = True

    assert did(changed(change)) == [
        "update listener http",
        "delete l7policy no of listener http",
        "delete pool app",
    ]


def test_a_pool_goes_once_its_policy_does_something_else():
    def change(lb):
        lb["purge"] = ["pools"]
        lb["pools"].pop()
        policy = lb["listeners"][0]["l7policies"][0]
        del policy["redirect_pool"]
        policy["action"] = "REJECT"

    assert did(changed(change)) == ["update l7policy api of listener http", "delete pool api"]


def test_an_absent_health_monitor_goes():
    def change(lb):
        lb["pools"][0]["healthmonitor"] = {"absent": True}

    assert did(changed(change)) == ["delete healthmonitor of pool app"]


def test_an_adopted_object_is_renamed():
    snapshot = standing(web())
    lb, pool = live(snapshot, "loadbalancer", "web")["id"], live(snapshot, "pool", "app")["id"]
    declared = {"name": "new", "adopt": lb, "pools": [{"adopt": pool, "name": "renamed"}]}
    found = plan(declared, snapshot)
    assert [step.body for step in found.operations] == [{"name": "new"}, {"name": "renamed"}]


# -- what cannot be changed -----------------------------------------------------------------------


def test_a_load_balancer_made_anew_keeps_its_vip_and_what_nobody_declared():
    snapshot = standing(web(description="theirs", vip_address="192.0.2.77"))
    declared = {"name": "web", "provider": "amphora", "on_immutable": "recreate"}
    found = plan(declared, snapshot)
    assert [step.action for step in found.operations] == ["cascade_delete", "create"]
    body = found.operations[1].body
    assert (body["vip_address"], body["vip_subnet_id"]) == ("192.0.2.77", SUBNET)
    assert body["description"] == "theirs"
    before = planning.export(snapshot, live(snapshot, "loadbalancer", "web")["id"])
    Server(snapshot).run(found)
    after = planning.export(snapshot, live(snapshot, "loadbalancer", "web")["id"])
    assert {**before, "provider": "amphora"} == after
    assert plan(declared, snapshot).operations == []


def test_a_vip_that_moves_takes_no_address_along():
    snapshot = standing(web(vip_address="192.0.2.77"))
    declared = web(vip_subnet_id=OTHER_SUBNET, on_immutable="recreate")
    body = plan(declared, snapshot).operations[1].body
    assert (body["vip_subnet_id"], body.get("vip_address")) == (OTHER_SUBNET, None)


def test_a_pool_made_anew_takes_the_place_of_the_old_one_everywhere():
    snapshot = standing(web())
    declared = {
        "name": "web",
        "pools": [{"name": "app", "protocol": "PROXY", "on_immutable": "recreate"}],
    }
    found = plan(declared, snapshot)
    assert did(found) == [
        "create pool app",
        "batch members of pool app",
        "create healthmonitor of pool app",
        "update listener http",
        "delete pool app",
    ]
    Server(snapshot).run(found)
    assert (
        live(snapshot, "listener", "http")["default_pool_id"] == live(snapshot, "pool", "app")["id"]
    )
    assert len(snapshot.below("member", live(snapshot, "pool", "app")["id"])) == 3
    assert plan(declared, snapshot).operations == []


def test_a_listener_made_anew_keeps_its_policies():
    def change(lb):
        lb["listeners"] = [{"name": "http", "protocol_port": 8080, "on_immutable": "recreate"}]

    found = changed(change)
    assert did(found)[:2] == ["delete listener http", "create listener http"]
    assert sum(step.resource == "l7policy" for step in found.operations) == 2
    assert sum(step.resource == "l7rule" for step in found.operations) == 2


def test_a_member_made_anew_is_not_in_a_batch():
    def change(lb):
        lb["on_immutable"] = "recreate"
        lb["pools"][0]["members"][0]["subnet_id"] = SUBNET

    assert [step.action for step in changed(change).operations] == ["delete", "create"]


def test_a_health_monitor_made_anew_drops_what_its_type_refuses():
    def change(lb):
        lb["pools"][0]["healthmonitor"] = {"type": "TCP", "on_immutable": "recreate"}

    snapshot = standing(web())
    (monitor,) = snapshot.objects["healthmonitor"].values()
    monitor.update(url_path="/up", delay=8)
    found = changed(change, snapshot)
    assert [step.action for step in found.operations] == ["delete", "create"]
    body = dict(found.operations[1].body)
    del body["pool_id"]
    assert body == {"type": "TCP", "delay": 8, "timeout": 3, "max_retries": 3}


# -- order and waiting ----------------------------------------------------------------------------


def test_a_locked_load_balancer_is_waited_for():
    snapshot = standing(web())
    live(snapshot, "loadbalancer", "web")["provisioning_status"] = "PENDING_UPDATE"
    found = plan(web(description="x"), snapshot)
    assert [step.action for step in found.operations] == ["wait", "update"]
    assert found.writes == 1
    assert plan(web(), snapshot).operations == []


def test_one_that_is_being_deleted_is_waited_for_and_made_again():
    snapshot = standing(web())
    live(snapshot, "loadbalancer", "web")["provisioning_status"] = "PENDING_DELETE"
    assert [step.action for step in plan(web(), snapshot).operations] == ["wait", "create"]


def test_security_groups_come_after_the_networks_that_they_replace():
    declared = web()
    declared["listeners"][0]["allowed_cidrs"] = ["10.0.0.0/8"]
    snapshot = standing(declared)
    declared["listeners"][0]["allowed_cidrs"] = []
    found = plan({**declared, "vip_sg_ids": [SUBNET]}, snapshot)
    assert [step.resource for step in found.operations] == ["listener", "loadbalancer"]


def test_unmanaged_children_are_told():
    declared = web(pools=web()["pools"][:1], listeners=[])
    (unit,) = plan(declared, standing(web())).units
    assert unit.unmanaged == ["pool api", "listener http"]


# -- flavors, zones, quotas -----------------------------------------------------------------------

CLOUD = {
    "flavorprofiles": [
        {
            "name": "fp",
            "provider_name": "amphora",
            "flavor_data": {"loadbalancer_topology": "SINGLE"},
        }
    ],
    "flavors": [{"name": "f", "flavor_profile": "fp", "description": "x"}],
    "availabilityzoneprofiles": [
        {
            "name": "zp",
            "provider_name": "amphora",
            "availability_zone_data": {"compute_zone": "nova"},
        }
    ],
    "availabilityzones": [{"name": "z", "availability_zone_profile": "zp"}],
    "quotas": [{"project_id": PROJECT, "loadbalancer": 5}],
    "loadbalancers": [{**web(), "flavor": "f", "availability_zone": "z"}],
}


def cloud(**more):
    """A server on which the whole example stands, and its declaration."""
    snapshot = empty()
    Server(snapshot).run(planning.plan(CLOUD, snapshot))
    return snapshot, {**copy.deepcopy(CLOUD), **more}


def test_all_resources_are_made_in_the_order_of_their_needs():
    snapshot = empty()
    found = planning.plan(CLOUD, snapshot)
    assert found.findings == []
    after = {unit.key: unit.after for unit in found.units}
    assert after["flavor:f"] == ["flavorprofile:fp"]
    assert after["availabilityzone:z"] == ["availabilityzoneprofile:zp"]
    assert after["loadbalancer:web"] == ["flavor:f", "availabilityzone:z"]
    Server(snapshot).run(found)
    again = planning.plan(CLOUD, snapshot)
    assert (again.findings, again.operations) == ([], [])
    assert live(snapshot, "loadbalancer", "web")["flavor_id"] in snapshot.objects["flavor"]


def test_all_resources_go_in_the_opposite_order():
    snapshot, declared = cloud()
    for items in declared.values():
        items[:] = [
            {
                **{name: item[name] for name in ("name", "project_id") if name in item},
                "absent": True,
            }
            for item in items
        ]
    found = planning.plan(declared, snapshot)
    assert found.findings == []
    assert found.writes == 6
    after = {unit.key: unit.after for unit in found.units}
    assert after["flavorprofile:fp"] == ["flavor:f"]
    assert after["flavor:f"] == ["loadbalancer:web"]
    Server(snapshot).run(found)
    assert planning.plan(declared, snapshot).operations == []


def test_a_flavor_in_use_does_not_go():
    snapshot, _ = cloud()
    found = planning.plan({"flavors": [{"name": "f", "absent": True}]}, snapshot)
    assert "in use by web" in found.findings[0]["reason"]
    assert found.operations == []


def test_a_profile_in_use_is_not_changed():
    snapshot, declared = cloud()
    declared["flavorprofiles"][0]["flavor_data"] = {"loadbalancer_topology": "ACTIVE_STANDBY"}
    found = planning.plan(declared, snapshot)
    assert "while it is in use by f" in found.findings[0]["reason"]
    declared["flavorprofiles"][0]["flavor_data"] = '{ "loadbalancer_topology": "SINGLE" }'
    assert planning.plan(declared, snapshot).operations == []


def test_single_objects_are_updated_with_what_differs():
    snapshot, declared = cloud()
    declared["flavors"][0]["enabled"] = False
    declared["availabilityzones"][0]["description"] = "y"
    declared["quotas"][0].update(loadbalancer=7, pool=-1)
    found = planning.plan(declared, snapshot)
    assert [step.body for step in found.operations] == [
        {"enabled": False},
        {"description": "y"},
        {"loadbalancer": 7, "pool": -1},
    ]
    assert found.changes["quota:" + PROJECT] == {
        "updated": {
            f"quota {PROJECT}": {
                "loadbalancer": {"old": 5, "new": 7},
                "pool": {"old": None, "new": -1},
            }
        }
    }


def test_a_quota_is_that_of_the_own_project():
    found = planning.plan({"quotas": [{"listener": 3}]}, empty())
    (step,) = found.operations
    assert (step.action, step.id, step.body) == ("update", PROJECT, {"listener": 3})


def test_an_absent_quota_is_reset_once():
    snapshot, _ = cloud()
    declared = {"quotas": [{"project_id": PROJECT, "absent": True}]}
    assert planning.plan(declared, snapshot).operations[0].action == "delete"
    snapshot.add("quota", {"project_id": PROJECT, "loadbalancer": None})
    assert planning.plan(declared, snapshot).operations == []


@pytest.mark.parametrize("resource", ["flavor", "flavorprofile", "availabilityzone", "quota"])
def test_single_objects_are_exported(resource):
    snapshot, _ = cloud()
    plural = {"quota": "quotas", "availabilityzone": "availabilityzones"}.get(
        resource, resource + "s"
    )
    (identity,) = snapshot.objects[resource]
    exported = planning.export_object(snapshot, resource, identity)
    assert exported == CLOUD[plural][0]


# -- small parts ----------------------------------------------------------------------------------


def test_export_names_what_has_no_name_by_its_id():
    snapshot = standing(web())
    pool = live(snapshot, "pool", "app")
    snapshot.add("pool", {**pool, "name": ""})
    exported = planning.export(snapshot, live(snapshot, "loadbalancer", "web")["id"])
    assert exported["pools"][-1]["adopt"] == pool["id"]
    assert exported["listeners"][0]["default_pool_id"] == pool["id"]
    again = plan(exported, snapshot)
    assert (again.findings, again.operations) == ([], [])


def test_export_leaves_out_what_the_server_leaves_empty():
    snapshot = standing(web())
    for pool in snapshot.objects["pool"].values():
        pool.update(tls_versions=[], tls_ciphers="", session_persistence=None)
    lb = live(snapshot, "loadbalancer", "web")
    lb["vip_network_id"] = OTHER_SUBNET
    exported = planning.export(snapshot, lb["id"])
    assert {name for pool in exported["pools"] for name in pool} == {
        *("name", "protocol", "lb_algorithm", "members", "healthmonitor")
    }
    assert set(exported) == {"name", "vip_subnet_id", "vip_address", "pools", "listeners"}


def test_references_are_resolved_wherever_they_stand():
    body = {"a": planning.Ref("x"), "b": [{"c": planning.Ref("x")}], "d": "x"}
    assert planning.resolve(body, {"x": "1"}) == {"a": "1", "b": [{"c": "1"}], "d": "x"}
    with pytest.raises(KeyError):
        planning.resolve(planning.Ref("y"), {})


@pytest.mark.parametrize("wrapped", [True, False])
def test_an_answer_tells_the_id(wrapped):
    (step,) = plan(web(), empty()).operations
    answer = {"id": "1", "name": "web"}
    learned = planning.learn(step, {"loadbalancer": answer} if wrapped else answer)
    assert learned == {"loadbalancers:web": "1"}
    update = planning.Operation("update", "pool", "2")
    assert planning.learn(update, {"pool": {"id": "2"}}) == {}


def test_changes_of_several_operations_are_one():
    one = operations.updated("pool a", {"x": (1, planning.Ref("y"))})
    two = {"created": ["b"], "updated": {"pool a": {"z": {"old": 1, "new": 2}}}}
    assert planning.merged([one, two, {"deleted": []}, {}]) == {
        "created": ["b"],
        "updated": {"pool a": {"x": {"old": 1, "new": "(new)"}, "z": {"old": 1, "new": 2}}},
    }


def test_a_snapshot_tells_a_whole_tree():
    snapshot = standing(web())
    tree = snapshot.tree(live(snapshot, "loadbalancer", "web")["id"])
    assert [policy["name"] for policy in tree["listeners"][0]["l7policies"]] == ["api", "no"]
    assert len(tree["listeners"][0]["l7policies"][0]["rules"]) == 1
    app = next(pool for pool in tree["pools"] if pool["name"] == "app")
    assert (len(app["members"]), app["healthmonitor"]["type"]) == (3, "HTTP")


def test_a_snapshot_forgets_a_whole_tree():
    snapshot = standing(web())
    snapshot.remove_tree(live(snapshot, "loadbalancer", "web")["id"])
    assert not any(snapshot.objects.values())
    assert snapshot.children == {}
    assert plan(web(), snapshot).writes == 1
