"""States and functions through Salt's own loader, against a real Octavia."""

from __future__ import annotations

import copy

import pytest

from tests.api.conftest import SUBNET
from tests.api.test_client import VERSIONS
from tests.api.test_execute import declared

OLD_IMAGE = "11111111-2222-3333-4444-555555555555"
NEW_IMAGE = "99999999-2222-3333-4444-555555555555"
MEMBER = {"address": "10.0.0.9", "protocol_port": 80}


def state(function, **arguments):
    """The content of an SLS with one state."""
    return {"it": {f"octaviav2.{function}": [{key: arguments[key]} for key in arguments]}}


@pytest.fixture
def run(minion, clouds_yaml):
    """Applies one state in this test's project: first as a dry run, then truly, then once more."""

    def apply(function, cloud_name="member", **arguments):
        cloud = {"cloud_name": cloud_name, "config_file": str(clouds_yaml)}
        sls = state(function, **cloud, **arguments)
        predicted = minion.apply(sls, test=True)["it"]
        done = minion.apply(sls)["it"]
        assert done["result"], done["comment"]
        assert predicted["changes"] == done["changes"]
        assert predicted["result"] is (None if done["changes"] else True)
        again = minion.apply(sls)["it"]
        assert (again["result"], again["changes"]) == (True, {}), again
        return done

    return apply


def call(minion, function, entry, *args, user="member", **kwargs):
    return minion.call(f"octaviav2.{function}", *args, auth=entry(user), **kwargs)


def test_a_load_balancer_with_everything_below_it(run, log):
    done = run("loadbalancer_present", **declared("web"))
    assert done["changes"]["loadbalancer:web"]["created"][0] == "loadbalancer web"
    assert [request.kind for request in log.writes] == ["POST /v2/lbaas/loadbalancers"]


def test_one_field_is_one_write_and_changes_hold_old_and_new(run, log):
    run("loadbalancer_present", **declared("web"))
    log.clear()
    done = run("member_present", loadbalancer="web", pool="web", name="10.0.0.1:80", weight=7)
    changed = {"member 10.0.0.1:80 of pool web": {"weight": {"old": 1, "new": 7}}}
    assert done["changes"] == {"loadbalancer:web": {"updated": changed}}
    assert len(log.writes) == 1


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("listener_present", {"name": "tls", "protocol": "TCP", "protocol_port": 443}),
        ("pool_present", {"name": "p2", "protocol": "TCP", "lb_algorithm": "SOURCE_IP"}),
        ("member_present", {"name": "new", "pool": "web", **MEMBER}),
        ("healthmonitor_present", {"name": "of web", "pool": "web", "delay": 9}),
        ("healthmonitor_absent", {"name": "of web", "pool": "web"}),
        (
            "l7policy_present",
            {
                "name": "go",
                "listener": "http",
                "action": "REDIRECT_TO_POOL",
                "redirect_pool": "web",
            },
        ),
        (
            "l7rule_present",
            {
                "name": "a rule",
                "listener": "http",
                "l7policy": "no",
                "type": "HOST_NAME",
                "compare_type": "EQUAL_TO",
                "value": "a.example.org",
            },
        ),
        (
            "l7rule_absent",
            {
                "name": "a rule",
                "listener": "http",
                "l7policy": "no",
                "type": "PATH",
                "compare_type": "STARTS_WITH",
                "value": "/private",
            },
        ),
        ("l7policy_absent", {"name": "no", "listener": "http"}),
        ("member_absent", {"name": "10.0.0.2:80", "pool": "web"}),
        ("listener_absent", {"name": "http"}),
        ("members_managed", {"name": "all", "pool": "web", "members": [MEMBER]}),
        ("l7policies_managed", {"name": "all", "listener": "http", "l7policies": []}),
        ("l7rules_managed", {"name": "all", "listener": "http", "l7policy": "no", "rules": []}),
        ("loadbalancer_absent", {"name": "web"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_kind_of_object_by_itself(run, function, arguments):
    run("loadbalancer_present", **declared("web"))
    where = {} if function.startswith("loadbalancer") else {"loadbalancer": "web"}
    assert run(function, **where, **arguments)["changes"]


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("member_absent", {"name": "10.0.0.2:80", "loadbalancer": "none", "pool": "web"}),
        ("loadbalancer_absent", {"name": "none"}),
        ("quota_absent", {"name": "f" * 32, "cloud_name": "admin"}),
        ("flavor_absent", {"name": "none", "cloud_name": "admin"}),
    ],
)
def test_what_is_not_there_is_absent(run, function, arguments):
    assert run(function, **arguments)["changes"] == {}


def test_a_child_needs_its_load_balancer(minion, clouds_yaml):
    sls = state(
        "pool_present",
        name="p",
        loadbalancer="none",
        protocol="TCP",
        lb_algorithm="SOURCE_IP",
        cloud_name="member",
        config_file=str(clouds_yaml),
    )
    done = minion.apply(sls)["it"]
    assert done["result"] is False
    assert "loadbalancer_present" in done["comment"]


def test_flavors_zones_and_quotas(run, project):
    admin = {"cloud_name": "admin"}
    data = {"loadbalancer_topology": "SINGLE"}
    names = {"profile": f"p-{project}", "flavor": f"f-{project}", "zone": f"z-{project}"}
    profile = {"name": names["profile"], "provider_name": "amphora", "flavor_data": data}
    assert run("flavorprofile_present", **profile, **admin)["changes"]
    flavor = {"name": names["flavor"], "flavor_profile": names["profile"]}
    assert run("flavor_present", **flavor, **admin)["changes"]
    changed = run("flavor_present", **flavor, description="one amphora", **admin)["changes"]
    (fields,) = changed[f"flavor:{names['flavor']}"]["updated"].values()
    assert fields["description"]["new"] == "one amphora"
    zone_profile = {
        "name": f"zp-{project}",
        "provider_name": "amphora",
        "availability_zone_data": {"compute_zone": "nova"},
    }
    assert run("availabilityzoneprofile_present", **zone_profile, **admin)["changes"]
    zone = {"name": names["zone"], "availability_zone_profile": f"zp-{project}"}
    assert run("availabilityzone_present", **zone, **admin)["changes"]
    quota = run("quota_present", name="a" * 32, loadbalancer=7, **admin)["changes"]
    assert quota[f"quota:{'a' * 32}"]["updated"][f"quota {'a' * 32}"]["loadbalancer"]["new"] == 7
    for function, name in (
        ("quota_absent", "a" * 32),
        ("availabilityzone_absent", names["zone"]),
        ("availabilityzoneprofile_absent", f"zp-{project}"),
        ("flavor_absent", names["flavor"]),
        ("flavorprofile_absent", names["profile"]),
    ):
        assert run(function, name=name, **admin)["changes"], function


def test_all_states_of_a_run_share_one_reading(minion, clouds_yaml, log, run):
    names = [f"lb{number}" for number in range(3)]
    run("loadbalancers_managed", name="all", loadbalancers=[declared(name) for name in names])
    log.clear()
    common = [{"cloud_name": "member"}, {"config_file": str(clouds_yaml)}]
    states = {
        name: {
            "octaviav2.loadbalancer_present": [
                *({key: value} for key, value in declared(name).items()),
                *common,
            ]
        }
        for name in names
    }
    done = minion.apply(states)
    assert all(item["result"] and not item["changes"] for item in done.values()), done
    kinds = log.kinds
    assert kinds["GET /v2/lbaas/pools/ID/members"] == len(names)
    lists = [kind for kind in kinds if kind.endswith("s") and "/ID/" not in kind]
    assert {kinds[kind] for kind in lists} == {1}, kinds


def test_a_declaration_with_mistakes_changes_nothing(minion, clouds_yaml, log):
    wrong = declared("web", vip_adress="192.0.2.1", members=[{**MEMBER, "weight": 999}, MEMBER])
    sls = state("loadbalancer_present", cloud_name="member", config_file=str(clouds_yaml), **wrong)
    done = minion.apply(sls)["it"]
    assert done["result"] is False
    for words in ("vip_adress", "vip_address", "weight = 999", "Nothing was changed"):
        assert words in done["comment"]
    assert log.writes == []


@pytest.mark.parametrize(
    ("cloud", "words"),
    [
        ("nobody", "list loadbalancers: Policy does not allow"),
        ("unheard-of", "the cloud 'unheard-of' cannot be used"),
        ("reader", "create loadbalancer web: Policy does not allow"),
    ],
)
def test_a_cloud_that_does_not_serve_is_told(minion, clouds_yaml, cloud, words):
    arguments = {"cloud_name": cloud, "config_file": str(clouds_yaml), **declared("web")}
    done = minion.apply(state("loadbalancer_present", **arguments))["it"]
    assert done["result"] is False
    assert words in done["comment"]
    assert "secret" not in done["comment"]


def test_wrong_credentials(minion, entry):
    auth = entry(auth={"password": "wrong-one"})
    done = minion.apply(state("loadbalancer_present", auth=auth, **declared("web")))["it"]
    assert done["result"] is False
    assert "wrong-one" not in done["comment"]


def test_export_gives_what_the_pillar_takes(minion, entry, run, clouds_yaml):
    run("loadbalancer_present", **declared("web"))
    exported = call(minion, "loadbalancer_export", entry)
    wanted = copy.deepcopy(exported)
    minion.pillar_data({"octavia": {"client": {"resources": {"member": exported}}}})
    sls = state("resources_managed", cloud_name="member", config_file=str(clouds_yaml))
    predicted = minion.apply(sls, test=True)["it"]
    assert (predicted["result"], predicted["changes"]) == (True, {}), predicted
    assert exported == wanted


def test_resources_of_the_pillar(minion, clouds_yaml, run):
    resources = {"loadbalancers": [declared("a"), declared("b")]}
    minion.pillar_data({"octavia": {"client": {"resources": {"member": resources}}}})
    done = run("resources_managed")
    assert set(done["changes"]) == {"loadbalancer:a", "loadbalancer:b"}


def test_active(minion, entry, run, clouds_yaml):
    run("loadbalancer_present", **declared("web"))
    assert run("loadbalancer_active", name="web")["comment"] == "web is ACTIVE."
    sls = state("loadbalancer_active", name="none", auth=entry())
    assert minion.apply(sls)["it"]["result"] is False


def test_amphorae_are_moved_to_the_current_image_in_bounds(minion, entry, server):
    admin = entry("admin")
    for name in ("one", "two"):
        sls = state("loadbalancer_present", auth=admin, name=name, vip_subnet_id=SUBNET)
        assert minion.apply(sls)["it"]["result"]
    amphorae = call(minion, "amphora_list", entry, user="admin")["amphorae"]
    balancers = call(minion, "loadbalancer_list", entry, user="admin")["loadbalancers"]
    mine = {lb["id"] for lb in balancers if lb["name"] in ("one", "two")}
    old = [item for item in amphorae if item["loadbalancer_id"] in mine]
    assert len(old) == 2
    server.set_images(dict.fromkeys((item["id"] for item in amphorae), NEW_IMAGE))
    server.set_images(dict.fromkeys((item["id"] for item in old), OLD_IMAGE))
    sls = state("amphorae_current", auth=admin, image_id=NEW_IMAGE)
    predicted = minion.apply(sls, test=True)["it"]
    assert set(predicted["changes"]) == {item["id"] for item in old}
    done = minion.apply(sls)["it"]
    assert done["result"], done["comment"]
    assert done["changes"] == predicted["changes"]
    now = call(minion, "amphora_list", entry, user="admin")["amphorae"]
    ids = {item["id"] for item in now if item["loadbalancer_id"] in mine}
    assert len(ids) == 2 and not ids & {item["id"] for item in old}


def test_a_fleet_is_moved_up_to_the_first_error(minion, entry, server, proxy, log):
    admin, names = entry("admin", url=proxy.url), ("first", "second", "third")
    for name in names:
        sls = state("loadbalancer_present", auth=entry("admin"), name=name, vip_subnet_id=SUBNET)
        assert minion.apply(sls)["it"]["result"]
    amphorae = call(minion, "amphora_list", entry, user="admin")["amphorae"]
    balancers = call(minion, "loadbalancer_list", entry, user="admin")["loadbalancers"]
    mine = {lb["id"] for lb in balancers if lb["name"] in names}
    old = [item["id"] for item in amphorae if item["loadbalancer_id"] in mine]
    server.set_images(dict.fromkeys((item["id"] for item in amphorae), NEW_IMAGE))
    server.set_images(dict.fromkeys(old, OLD_IMAGE))
    path = "/v2/octavia/amphorae/.*/failover"
    refused = proxy.inject("PUT", path, first=2, times=99, status=403)
    log.clear()
    done = minion.apply(state("amphorae_current", auth=admin, image_id=NEW_IMAGE))["it"]
    assert done["result"] is False
    assert refused.hits == 1
    assert "Nothing more was begun. 1 of 3 amphorae were replaced." in done["comment"]
    assert set(done["changes"]) < set(old) and len(done["changes"]) == 1
    assert len(log.writes) == 1
    proxy.heal()
    rest = minion.apply(state("amphorae_current", auth=admin, image_id=NEW_IMAGE))["it"]
    assert rest["result"], rest["comment"]
    assert set(old) - set(done["changes"]) <= set(rest["changes"])


class TestFunctions:
    """The execution module, with the calls of the formula that came before this one."""

    def test_the_five_for_load_balancers(self, minion, entry):
        made = call(minion, "loadbalancer_create", entry, name="web", vip_subnet_id=SUBNET)
        identity = made["loadbalancer"]["id"]
        assert call(minion, "loadbalancer_wait", entry, "web") == {"web": "ACTIVE"}
        assert [lb["id"] for lb in call(minion, "loadbalancer_list", entry)["loadbalancers"]] == [
            identity
        ]
        details = call(minion, "loadbalancer_get_details", entry, "web")["loadbalancer"]
        assert (details["id"], details["name"]) == (identity, "web")
        changed = call(minion, "loadbalancer_update", entry, "web", description="ours")
        assert changed["loadbalancer"]["description"] == "ours"
        assert call(minion, "loadbalancer_delete", entry, identity) is True
        assert call(minion, "loadbalancer_wait", entry, identity) == {identity: "DELETED"}

    def test_a_name_that_is_not_single_is_told_with_the_ids(self, minion, entry):
        ids = [
            call(minion, "loadbalancer_create", entry, name="web", vip_subnet_id=SUBNET)[
                "loadbalancer"
            ]["id"]
            for _ in range(2)
        ]
        with pytest.raises(Exception, match="2 loadbalancers are named web") as caught:
            call(minion, "loadbalancer_get_details", entry, "web")
        assert all(identity in str(caught.value) for identity in ids)

    def test_children_by_the_name_of_their_parent(self, minion, entry, run):
        run("loadbalancer_present", **declared("web"))
        members = call(minion, "member_list", entry, pool="web")["members"]
        assert len(members) == 3
        one = call(minion, "member_get_details", entry, "10.0.0.2:80", pool="web")["member"]
        assert one["address"] == "10.0.0.2"
        rules = call(minion, "l7rule_list", entry, l7policy="no")["rules"]
        assert [rule["value"] for rule in rules] == ["/private"]
        made = call(minion, "member_create", entry, pool="web", **MEMBER)["member"]
        assert made["address"] == MEMBER["address"]
        call(minion, "loadbalancer_wait", entry, "web")
        assert call(minion, "member_sync", entry, "web", [MEMBER]) is True
        call(minion, "loadbalancer_wait", entry, "web")
        members = call(minion, "member_list", entry, pool="web")["members"]
        assert [member["address"] for member in members] == [MEMBER["address"]]

    def test_what_only_reads(self, minion, entry, run, release):
        run("loadbalancer_present", **declared("web"))
        newest = ".".join(str(number) for number in VERSIONS[release])
        assert call(minion, "versions", entry)["newest"] == newest
        tree = call(minion, "loadbalancer_tree", entry, "web")["loadbalancer"]
        assert len(tree["pools"][0]["members"]) == 3
        status = call(minion, "loadbalancer_status", entry, "web")["statuses"]["loadbalancer"]
        assert status["provisioning_status"] == "ACTIVE"
        assert "bytes_in" in call(minion, "loadbalancer_stats", entry, "web")["stats"]
        assert "bytes_in" in call(minion, "listener_stats", entry, "http")["stats"]
        assert "loadbalancer" in call(minion, "quota_defaults", entry, user="admin")["quota"]
        providers = call(minion, "provider_list", entry)["providers"]
        assert "amphora" in {provider["name"] for provider in providers}
        found = call(minion, "provider_capabilities", entry, "amphora", user="admin")
        assert "loadbalancer_topology" in str(found["flavor_capabilities"])
        assert found["availability_zone_capabilities"]

    def test_plan_tells_what_apply_does(self, minion, entry):
        wanted = {"loadbalancers": [declared("web")]}
        planned = call(minion, "plan", entry, wanted)
        done = call(minion, "apply", entry, wanted)
        assert planned["changes"] == done["changes"] != {}
        assert planned["writes"] == done["writes"] == 1
        assert call(minion, "plan", entry, wanted)["changes"] == {}

    def test_amphorae(self, minion, entry):
        """Of an administrator: looked at, told to configure themselves, replaced, deleted."""
        call(minion, "apply", entry, {"loadbalancers": [declared("web")]})
        balancer = call(minion, "loadbalancer_get_details", entry, "web")["loadbalancer"]["id"]
        admin = {"user": "admin"}
        listed = call(minion, "amphora_list", entry, loadbalancer_id=balancer, **admin)
        (amphora,) = listed["amphorae"]
        details = call(minion, "amphora_get_details", entry, amphora["id"], **admin)["amphora"]
        assert details == amphora
        # No amphora of the noop driver has ever told of traffic.
        with pytest.raises(Exception, match=r"Amphora stats for .* not found"):
            call(minion, "amphora_stats", entry, amphora["id"], **admin)
        assert call(minion, "amphora_failover", entry, amphora["id"], **admin) is True
        assert call(minion, "loadbalancer_wait", entry, "web") == {"web": "ACTIVE"}
        listed = call(minion, "amphora_list", entry, loadbalancer_id=balancer, **admin)
        (new,) = (item for item in listed["amphorae"] if item["status"] == "ALLOCATED")
        assert new["id"] != amphora["id"]
        assert call(minion, "amphora_configure", entry, new["id"], **admin) is True
        with pytest.raises(Exception, match="deletes only amphorae that are in ERROR"):
            call(minion, "amphora_delete", entry, new["id"], **admin)

    def test_an_amphora_in_use_stays_and_one_that_is_gone_is_absent(self, minion, entry, log):
        call(minion, "apply", entry, {"loadbalancers": [declared("web")]})
        balancer = call(minion, "loadbalancer_get_details", entry, "web")["loadbalancer"]["id"]
        admin = entry("admin")
        listed = call(minion, "amphora_list", entry, loadbalancer_id=balancer, user="admin")
        (amphora,) = listed["amphorae"]
        log.clear()
        predicted = minion.apply(state("amphora_absent", auth=admin, name=amphora["id"]), test=True)
        kept = minion.apply(state("amphora_absent", auth=admin, name=amphora["id"]))["it"]
        assert (kept["result"], kept["changes"]) == (False, {})
        assert predicted["it"] | {"duration": 0, "start_time": 0} == kept | {
            "duration": 0,
            "start_time": 0,
        }
        assert "is ALLOCATED" in kept["comment"]
        assert log.writes == []
        call(minion, "amphora_failover", entry, amphora["id"], user="admin")
        call(minion, "loadbalancer_wait", entry, "web")
        log.clear()
        gone = minion.apply(state("amphora_absent", auth=admin, name=amphora["id"]))["it"]
        assert (gone["result"], gone["changes"], log.writes) == (True, {}, [])

    def test_a_quota_goes_back_to_the_defaults(self, minion, entry, client):
        admin = {"user": "admin"}
        call(minion, "quota_update", entry, client.project_id, loadbalancer=3, **admin)
        found = call(minion, "quota_get_details", entry, client.project_id, **admin)["quota"]
        assert found["loadbalancer"] == 3
        assert call(minion, "quota_reset", entry, client.project_id, **admin) is True
        found = call(minion, "quota_get_details", entry, client.project_id, **admin)["quota"]
        defaults = call(minion, "quota_defaults", entry, **admin)["quota"]
        assert found["loadbalancer"] == defaults["loadbalancer"] != 3

    def test_failover(self, minion, entry):
        call(minion, "apply", entry, {"loadbalancers": [declared("web")]})
        assert call(minion, "loadbalancer_failover", entry, "web", user="admin") is True
        assert call(minion, "loadbalancer_wait", entry, "web") == {"web": "ACTIVE"}
