"""The load balancer by which an upgraded API is tried."""

import copy
import ipaddress
from typing import ClassVar

import octavia_desired as desired
import octavia_idle as idle
import octavia_resources as resources
import octavia_trial as trial
import pytest

TREE = trial.tree("trial-node", "amphora", "7a2f7a3c-0c5c-4b8e-8f0e-0d6c5a6c3f11")


def leaves(value, path=()):
    """All single values by their path."""
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {
            leaf: one for key, below in items for leaf, one in leaves(below, (*path, key)).items()
        }
    return {path: value}


class TestTree:
    """One of each kind of object, and changes of them."""

    @pytest.mark.parametrize("minor", sorted(resources.RELEASES))
    @pytest.mark.parametrize("tree", [TREE, trial.changed(TREE)])
    def test_each_api_takes_it(self, minor, tree):
        declared, found = desired.read({"loadbalancers": [tree]}, minor)
        assert found == []
        assert len(declared["loadbalancer"]) == 1

    def test_what_it_is_made_of(self):
        assert (TREE["name"], TREE["provider"]) == ("trial-node", "amphora")
        assert TREE["vip_subnet_id"].startswith("7a2f7a3c")
        pool, listener = TREE["pools"][0], TREE["listeners"][0]
        assert listener["default_pool"] == pool["name"]
        assert all((pool["members"], pool["healthmonitor"], listener["l7policies"][0]["rules"]))

    def test_nobody_has_these_addresses(self):
        documentation = ipaddress.ip_network("192.0.2.0/24")
        assert all(ipaddress.ip_address(address) in documentation for address in trial.MEMBERS)

    def test_something_changes_on_each_level_and_nothing_else(self):
        before = copy.deepcopy(TREE)
        after = trial.changed(TREE)
        assert before == TREE
        old, new = leaves(TREE), leaves(after)
        pool, listener = ("pools", 0), ("listeners", 0)
        assert {path for path in old if new.get(path) != old[path]} == {
            ("description",),
            (*pool, "members", 0, "weight"),
            (*pool, "healthmonitor", "delay"),
        }
        added = {path[:4] for path in new.keys() - old.keys()}
        assert added == {
            (*pool, "members", 1),
            (*listener, "connection_limit"),
            (*listener, "l7policies", 0),
        }

    def test_each_node_has_its_own(self):
        names = {trial.NAME.format(node=node) for node in ("ctl01", "ctl02")}
        assert len(names) == 2


def status(**changes):
    """An answer of ``/status``; some objects are in another state."""

    def one(kind, **below):
        state = changes.get(kind, "ACTIVE")
        return {"id": f"id-{kind}", "name": kind, "provisioning_status": state, **below}

    pool = one("pool", members=[one("member")], health_monitor=one("monitor"))
    policy = one("policy", rules=[{**one("rule"), "name": None}])
    listener = one("listener", l7policies=[policy], pools=[pool])
    top = one("lb", listeners=[listener], pools=[pool])
    return {"statuses": {"loadbalancer": top}}


class TestUnsettled:
    """Which objects of a tree are not ACTIVE."""

    def test_none(self):
        assert trial.unsettled(status()) == ""
        assert trial.unsettled(status()["statuses"]) == ""

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"lb": "PENDING_UPDATE"}, ["loadbalancer lb is PENDING_UPDATE"]),
            ({"listener": "ERROR"}, ["listeners listener is ERROR"]),
            ({"rule": "ERROR"}, ["rules id-rule is ERROR"]),
            ({"monitor": "ERROR"}, ["health_monitor monitor is ERROR"]),
            ({"lb": "ERROR", "policy": "ERROR"}, ["loadbalancer lb is", "l7policies policy is"]),
            ({"member": "PENDING_CREATE"}, ["members member is PENDING_CREATE"]),
        ],
    )
    def test_wherever_they_are(self, changes, said):
        told = trial.unsettled(status(**changes))
        assert [part for part in said if part not in told] == []

    def test_objects_without_a_state(self):
        bare = {"loadbalancer": {"id": "x", "provisioning_status": "ACTIVE", "listeners": None}}
        assert trial.unsettled(bare) == ""


class TestPending:
    """Load balancers of the API as rows of the database."""

    BALANCER: ClassVar = {"id": "x", "name": "web", "created_at": "2026-11-20T11:00:00"}

    @pytest.mark.parametrize("state", ["ACTIVE", "ERROR", "DELETED"])
    def test_one_that_is_not(self, state):
        assert trial.pending_row({**self.BALANCER, "provisioning_status": state}) is None

    @pytest.mark.parametrize(("updated", "age"), [(None, 3600), ("2026-11-20T11:59:00", 60)])
    def test_one_that_is(self, updated, age):
        state = {"updated_at": updated, "provisioning_status": "PENDING_UPDATE"}
        row = trial.pending_row({**self.BALANCER, **state})
        found = idle.judge([row], "2026-11-20T12:00:00+00:00", 10**6)
        assert [item["age"] for item in found["waiting"]] == [age]
        assert idle.describe(found["waiting"]).startswith("loadbalancer web (x) PENDING_UPDATE for")
