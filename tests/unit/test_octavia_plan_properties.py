"""What holds for plans of any tree: they do what they say, once, and lose nothing."""

import copy

import octavia_plan as planning
from given_trees import empty, plan, trees
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from server_model import Server

MINORS = st.sampled_from([26, 28, 30])
CHECKED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def stands(balancer, snapshot, **options):
    """Plans, applies, and asserts that nothing is left to do."""
    first = plan(balancer, snapshot, **options)
    assume(not first.findings)
    Server(snapshot).run(first)
    again = plan(balancer, snapshot, **options)
    assert again.findings == []
    assert again.operations == []
    return first


def only(snapshot):
    """The id of the only load balancer."""
    (found,) = snapshot.objects["loadbalancer"]
    return found


@CHECKED
@given(trees(), MINORS)
def test_a_new_tree_is_made_and_then_left_alone(tree, minor):
    stands(tree, empty(minor))


@CHECKED
@given(trees(), trees(), MINORS, st.booleans())
def test_any_tree_becomes_any_other(before, after, minor, batch):
    snapshot = empty(minor)
    stands(before, snapshot)
    stands(after, snapshot, batch=batch)


@CHECKED
@given(trees(), trees())
def test_trees_become_others_even_where_fields_are_immutable(before, after):
    snapshot = empty()
    stands(before, snapshot)
    for pool in after["pools"]:
        pool["protocol"] = "PROXY"
    for listener in after["listeners"]:
        listener["name"] = f"l{listener['protocol_port']}"
    stands({**after, "on_immutable": "recreate"}, snapshot)


@CHECKED
@given(trees(), MINORS)
def test_what_is_exported_is_what_stands(tree, minor):
    snapshot = empty(minor)
    stands(tree, snapshot)
    exported = planning.export(snapshot, only(snapshot))
    again = plan(exported, snapshot)
    assert (again.findings, again.operations) == ([], [])
    elsewhere = empty(minor)
    stands(exported, elsewhere)
    assert planning.export(elsewhere, only(elsewhere)) == exported


@CHECKED
@given(trees(), trees())
def test_a_plan_neither_changes_what_it_reads_nor_depends_on_how_often_it_is_made(before, after):
    snapshot = empty()
    stands(before, snapshot)
    objects, children = copy.deepcopy((snapshot.objects, snapshot.children))
    declared = copy.deepcopy(after)
    assert plan(after, snapshot) == plan(after, snapshot)
    assert (objects, children, declared) == (snapshot.objects, snapshot.children, after)


@CHECKED
@given(trees(), trees())
def test_members_that_nobody_declared_stay_as_they_are(before, after):
    snapshot = empty()
    stands(before, snapshot)
    after["purge"] = [kind for kind in after.get("purge", ()) if kind not in ("members", "pools")]
    declared = {
        (pool["name"], member["address"].lower())
        for pool in after["pools"]
        for member in pool.get("members", ())
    }
    kept = members(snapshot)
    stands(after, snapshot)
    now = members(snapshot)
    for key, member in kept.items():
        if (key[0], key[1].lower()) not in declared and not _spelt_otherwise(key, declared):
            assert now[key] == member


def _spelt_otherwise(key, declared):
    return any(name == key[0] and "::" in key[1] and "::" in address for name, address in declared)


def members(snapshot):
    """All members by the name of their pool and their address."""
    pools = snapshot.objects.get("pool", {})
    return {
        (pools[parent]["name"], member["address"]): member
        for (resource, parent), items in snapshot.children.items()
        if resource == "member"
        for member in items.values()
    }
