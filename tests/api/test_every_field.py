"""Every field of every resource on a real Octavia: created, changed, unset, refused, removed."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from typing import Any

import octavia_desired as desired
import octavia_execute
import octavia_fields as kinds
import octavia_findings as findings
import octavia_session
import pytest
from octavia_resources import RESOURCES

from tests.api import every_field as every
from tests.api.conftest import SUBNET
from tests.api.every_field import FIRST, SECOND, STAGES, IdOf, Thing
from tests.api.test_execute import declared as tree

NEWEST = 99
NOBODY = "d" * 32
#: The lists of a declaration, those first whose objects nothing else needs, with their resources.
BOTTOM_UP = {
    "rules": "l7rule",
    "l7policies": "l7policy",
    "listeners": "listener",
    "members": "member",
    "pools": "pool",
}
#: Declared in the tree of the test of defaults, or without a meaning there.
DECIDED = ("name", "redirect_http_code", "tls_versions", "alpn_protocols")


@pytest.fixture
def admin(connected):
    """A client of an administrator in this test's project."""
    return connected("admin")


@pytest.fixture
def minor(admin):
    """The minor version of the server's API."""
    return admin.api_version()[1]


@pytest.fixture
def networks():
    """Ids of networks and the like that the server has not seen yet; it takes any."""
    return [str(uuid.uuid4()) for _ in range(6)]


def known(client, value):
    """A declaration with ids in the place of what stands for them."""
    if isinstance(value, IdOf):
        return octavia_session.Session(client).find(value.resource, value.name)["id"]
    if isinstance(value, dict):
        return {key: known(client, item) for key, item in value.items()}
    if isinstance(value, list):
        return [known(client, item) for item in value]
    return value


def applied(client, declared):
    """Makes the server what is declared: all of that was planned, and nothing is left to do."""
    session = octavia_session.Session(client)
    predicted = session.plan(declared)
    assert findings.errors(predicted.findings) == []
    _, result = session.apply(declared, timeout=300)
    assert [str(unit.error) for unit in result.failed] == []
    assert result.changes == predicted.changes
    for reading in (session, octavia_session.Session(client)):
        again = reading.plan(declared)
        assert (again.changes, findings.errors(again.findings)) == ({}, [])
    return result


def differences(client, result: octavia_execute.Result) -> list[tuple[Any, ...]]:
    """What a run changed: resource, field, old and new value of each."""
    found = [
        (label.split()[0], name, change["old"], change["new"])
        for changes in result.changes.values()
        for label, fields in changes.get("updated", {}).items()
        for name, change in fields.items()
    ]
    return comparable(client, found)


def comparable(client, changes) -> list[tuple[Any, ...]]:
    """Changes in the form that compares: names of other objects as ids, values normalised."""
    found = (_comparable(client, *change) for change in changes)
    return sorted(found, key=lambda change: json.dumps(change, sort_keys=True))


def _comparable(client, resource, name, old, new):
    item = every.table(resource)[name]
    other = dict(desired.REFERENCES.get(resource, {}).values()).get(name)
    values = [
        known(client, IdOf(other, value))
        if other and value and not kinds.UUID.fullmatch(value)
        else value
        for value in (old, new)
    ]
    return (resource, name, *(item.normalise(value) for value in values))


def lived(client, things: dict[str, list[Thing]], minor: int) -> None:
    """Takes objects through all their stages."""
    roots = [thing for items in things.values() for thing in items]
    for stage in STAGES:
        declared = {
            key: [thing.declared(stage, minor) for thing in items] for key, items in things.items()
        }
        result = applied(client, known(client, declared))
        if stage == FIRST:
            made = [thing.resource for root in roots for thing in root.all()]
            assert kinds_of(result, "created") == Counter(made) - Counter(quota=1)
        else:
            wanted = [change for root in roots for change in root.changes(stage, minor)]
            assert differences(client, result) == comparable(client, wanted)


def kinds_of(result: octavia_execute.Result, what: str) -> Counter[str]:
    """How many objects of each resource were created, or deleted."""
    labels = [label for change in result.changes.values() for label in change.get(what, ())]
    return Counter(label.split()[0] for label in labels)


# -- are these all fields? ------------------------------------------------------------------------


def everything() -> list[Thing]:
    """All objects of the tests below."""
    top = [*every.balancers("x", [str(number) for number in range(6)], "x")]
    top += [thing for items in every.operators("x", "x").values() for thing in items]
    return [thing for root in top for thing in root.all()]


def covered() -> tuple[set[Any], set[Any], set[Any]]:
    """The fields that are created with a value that is no default, changed, and unset."""
    created, updated, unset = set(), set(), set()
    for thing in everything():
        for name, value in thing.fields(FIRST).items():
            item = every.table(thing.resource)[every.field_of(thing, name)]
            if not kinds.same(item, item.default, value):
                created.add((thing.resource, item.name))
        updated |= {change[:2] for change in thing.changes(SECOND, NEWEST)}
        updated |= {(thing.resource, every.field_of(thing, name)) for name in thing.last}
        unset |= {(thing.resource, every.field_of(thing, name)) for name in thing.unset}
    return created, updated, unset


def test_no_field_of_the_tables_is_forgotten():
    created, updated, unset = covered()
    fields = [
        (resource, item) for resource, table in RESOURCES.items() for item in table.fields.values()
    ]
    wanted = {
        "created": ({(r, item.name) for r, item in fields if item.create}, created),
        "updated": ({(r, item.name) for r, item in fields if item.update}, updated),
        "unset": (
            {(r, item.name) for r, item in fields if every.can_be_unset(r, item.name)},
            unset,
        ),
    }
    forgotten = {
        what: fields - shown - set(every.LEFT_OUT) for what, (fields, shown) in wanted.items()
    }
    assert forgotten == {"created": set(), "updated": set(), "unset": set()}
    assert not set(every.LEFT_OUT) & (created | updated | unset), "left out, and shown"


# -- their lives ----------------------------------------------------------------------------------


@pytest.fixture
def shared(admin, project, minor):
    """What load balancers refer to, of which names are shared by all projects."""
    prefix = f"{project}-shared"
    sriov = {"allow_member_sriov": True} if minor >= 30 else {}
    amphora = {"name": f"{prefix}-profile", "provider_name": "amphora"}
    declared = {
        "flavorprofiles": [
            {**amphora, "flavor_data": {"loadbalancer_topology": "SINGLE", **sriov}}
        ],
        "flavors": [{"name": f"{prefix}-flavor", "flavor_profile": amphora["name"]}],
        "availabilityzoneprofiles": [{**amphora, "availability_zone_data": {}}],
        "availabilityzones": [
            {"name": f"{prefix}-zone", "availability_zone_profile": amphora["name"]}
        ],
    }
    applied(admin, declared)
    return prefix


def test_every_field_of_load_balancers_and_what_is_below_them(admin, shared, networks, minor):
    trees = {"loadbalancers": every.balancers(shared, networks, admin.project_id)}
    lived(admin, trees, minor)


def test_every_field_of_what_operators_declare(admin, project, minor):
    things = every.operators(project, NOBODY)
    lived(admin, things, minor)


def test_what_is_newer_than_the_server_is_told_with_its_version(
    admin, shared, networks, minor, log
):
    things = every.balancers(shared, networks, admin.project_id)
    newer = {
        (item.name, item.since)
        for root in things
        for thing in root.all()
        for item in (
            every.table(thing.resource)[every.field_of(thing, key)] for key in thing.fields(FIRST)
        )
        if item.since > minor
    }
    log.clear()
    wanted = {"loadbalancers": [thing.declared(FIRST, NEWEST) for thing in things]}
    plan = octavia_session.Session(admin).plan(wanted)
    told = {
        item["path"].rpartition(":")[2]: item["reason"] for item in findings.errors(plan.findings)
    }
    assert set(told) == {name for name, _ in newer}
    for name, since in newer:
        assert f"needs version 2.{since} of the API, the server has 2.{minor}" in told[name]
    assert (plan.refused, bool(plan.operations)) == (bool(newer), not newer)
    assert log.writes == []


# -- their ends -----------------------------------------------------------------------------------


def without(declared: Any, key: str, absent: bool) -> Any:
    """A declaration without the objects of a list, or with all of them absent."""
    if isinstance(declared, list):
        return [without(item, key, absent) for item in declared]
    if not isinstance(declared, dict):
        return declared
    result = {name: without(item, key, absent) for name, item in declared.items()}
    if key in result:
        result[key] = [{**item, "absent": True} for item in result[key]] if absent else []
    return result


def count(declared: Any, key: str) -> int:
    """How many objects stand in all lists of a name."""
    if isinstance(declared, list):
        return sum(count(item, key) for item in declared)
    if not isinstance(declared, dict):
        return 0
    return len(declared.get(key, ())) + sum(count(item, key) for item in declared.values())


def test_all_fields_are_written_step_by_step_too_and_purges_remove_one_kind_each(
    admin, shared, networks, minor
):
    balancers = every.balancers(shared, networks, admin.project_id)
    declared = {"loadbalancers": [thing.declared(FIRST, minor) for thing in balancers]}
    for lb in declared["loadbalancers"]:
        lb["tree"] = False
        lb.pop("purge", None)
    assert len(applied(admin, declared).units) == len(balancers)
    for key, resource in BOTTOM_UP.items():
        gone = without(declared, key, absent=False)
        undeclared = octavia_session.Session(admin).plan(gone)
        for lb in gone["loadbalancers"]:
            lb["purge"] = [key]
        assert undeclared.operations == [], "not declared is not absent"
        result = applied(admin, gone)
        assert kinds_of(result, "deleted") == {resource: count(declared, key)}
        declared = gone
    shared_too = {
        "loadbalancers": [{"name": "lb-one"}, {"name": "port"}],
        "flavors": [{"name": f"{shared}-flavor"}],
        "flavorprofiles": [{"name": f"{shared}-profile"}],
        "availabilityzones": [{"name": f"{shared}-zone"}],
        "availabilityzoneprofiles": [{"name": f"{shared}-profile"}],
    }
    result = applied(
        admin,
        {key: [{**item, "absent": True} for item in items] for key, items in shared_too.items()},
    )
    assert sum(kinds_of(result, "deleted").values()) == 6


def test_each_kind_of_object_is_deleted_where_it_is_absent(client):
    declared = {"loadbalancers": [tree("web")]}
    monitored = applied(client, declared) and declared["loadbalancers"][0]["pools"][0]
    monitored["healthmonitor"]["absent"] = True
    assert kinds_of(applied(client, declared), "deleted") == {"healthmonitor": 1}
    for key, resource in BOTTOM_UP.items():
        number = count(declared, key)
        result = applied(client, without(declared, key, absent=True))
        assert kinds_of(result, "deleted") == {resource: number}
        assert client.list_all(resource) == [] if resource not in ("member", "l7rule") else True
        declared = without(declared, key, absent=False)
    result = applied(client, {"loadbalancers": [{"name": "web", "absent": True}]})
    assert kinds_of(result, "deleted") == {"loadbalancer": 1}
    assert client.list_all("loadbalancer") == []


# -- policies -------------------------------------------------------------------------------------

ACTIONS = (
    {"action": "REJECT"},
    {"action": "REDIRECT_TO_URL", "redirect_url": "http://example.org/", "redirect_http_code": 307},
    {
        "action": "REDIRECT_PREFIX",
        "redirect_prefix": "http://example.org",
        "redirect_http_code": 301,
    },
    {"action": "REDIRECT_TO_POOL", "redirect_pool": "web"},
)


def redirecting(*policies: dict[str, Any]) -> dict[str, Any]:
    """A load balancer with policies."""
    listener = {"protocol": "HTTP", "protocol_port": 80, "l7policies": list(policies)}
    pool = {"name": "web", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}
    lb = {"name": "lb", "vip_subnet_id": SUBNET, "pools": [pool], "listeners": [listener]}
    return {"loadbalancers": [lb]}


def test_every_action_of_a_policy_becomes_every_other(client):
    for shift in (0, 1, 3, 2):
        policies = [
            {"name": str(place), **ACTIONS[(place + shift) % len(ACTIONS)]}
            for place in range(len(ACTIONS))
        ]
        applied(client, redirecting(*policies))


def test_a_policy_keeps_what_a_change_of_its_target_does_not_name(client):
    policy = {"name": "go", **ACTIONS[1]}
    applied(client, redirecting(policy))
    del policy["redirect_http_code"]
    result = applied(client, redirecting({**policy, "redirect_url": "http://other.example.org/"}))
    (unit,) = result.changes.values()
    assert [set(fields) for fields in unit["updated"].values()] == [{"redirect_url"}]
    assert client.list_all("l7policy")[0]["redirect_http_code"] == 307


def test_a_policy_is_put_in_its_place(client):
    names = ["a", "b", "c", "d"]
    policies = {name: {"name": name, "action": "REJECT"} for name in names}

    def order():
        found = sorted(client.list_all("l7policy"), key=lambda item: item["position"])
        return [item["name"] for item in found]

    applied(client, redirecting(*policies.values()))
    result = applied(client, redirecting(*(policies[name] for name in "bcda")))
    assert order() == list("bcda")
    assert result.writes == 1
    applied(client, redirecting({**policies["d"], "position": 1}))
    assert order() == list("dbca")
    applied(client, redirecting({"name": "new", "action": "REJECT", "position": 2}))
    assert order() == ["d", "new", "b", "c", "a"]


# -- defaults -------------------------------------------------------------------------------------


def test_what_is_not_declared_has_the_default_of_the_tables(client):
    applied(client, {"loadbalancers": [tree("web")]})
    lb = client.list_all("loadbalancer")[0]
    found = client.tree(lb["id"])
    pool, listener = found["pools"][0], found["listeners"][0]
    policy = listener["l7policies"][0]
    objects = {
        "loadbalancer": lb,
        "pool": pool,
        "member": pool["members"][0],
        "healthmonitor": pool["healthmonitor"],
        "listener": listener,
        "l7policy": policy,
        "l7rule": policy["rules"][0],
    }
    wrong = [
        (resource, item.name, item.default, live[item.name])
        for resource, live in objects.items()
        for item in RESOURCES[resource].fields.values()
        if item.default is not None and item.name in live and item.name not in DECIDED
        if not kinds.same(item, item.default, live[item.name])
    ]
    assert wrong == []
