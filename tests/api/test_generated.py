"""
Generated trees on a real Octavia: what is planned is what is done, and then nothing is left to do.

Each example is a load balancer, so they are few, and other ones in each run. Of one that fails
hypothesis prints the tree and how to run it again.
"""

from __future__ import annotations

import importlib
import itertools
import sys
from pathlib import Path

import octavia_findings as findings
import octavia_session
from hypothesis import HealthCheck, Phase, assume, given, settings

# The generators and the model of a server are those of the planner's own tests.
sys.path.append(str(Path(__file__).resolve().parents[1] / "unit"))
given_trees = importlib.import_module("given_trees")
server_model = importlib.import_module("server_model")

FEW = settings(
    max_examples=6,
    deadline=None,
    derandomize=False,
    database=None,
    print_blob=True,
    # To make an example smaller takes as many load balancers again.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
#: Writes that take one tree to the other.
FEWEST, MOST = 2, 10
NUMBERS = itertools.count()


def writes_between(before, after, minor):
    """How many writes the planner's own tests see from tree to tree; none where it cannot be."""
    snapshot = given_trees.empty(minor)
    first = given_trees.plan(before, snapshot)
    if findings.errors(first.findings):
        return 0
    server_model.Server(snapshot).run(first)
    second = given_trees.plan(after, snapshot)
    return 0 if findings.errors(second.findings) else second.writes


def becomes(client, tree):
    """Makes the server a tree: first planned, then done, then looked at with fresh eyes."""
    declared = {"loadbalancers": [tree]}
    session = octavia_session.Session(client)
    predicted = session.plan(declared)
    assert findings.errors(predicted.findings) == []
    plan, result = session.apply(declared, timeout=300)
    assert [str(unit.error) for unit in result.failed] == []
    assert result.changes == plan.changes == predicted.changes
    assert result.writes == predicted.writes
    nothing_is_left(session, declared)
    nothing_is_left(octavia_session.Session(client), declared)


def nothing_is_left(session, declared):
    """Asserts that a plan has no operations."""
    plan = session.plan(declared)
    assert (plan.changes, plan.operations) == ({}, [])
    assert findings.errors(plan.findings) == []


@FEW
@given(given_trees.trees(), given_trees.trees())
def test_any_tree_becomes_any_other_as_planned_and_is_exported_as_it_is(client, before, after):
    minor = client.api_version()[1]
    assume(FEWEST <= writes_between(before, after, minor) <= MOST)
    name = f"lb{next(NUMBERS)}"
    becomes(client, {**before, "name": name})
    becomes(client, {**after, "name": name})
    exported = octavia_session.Session(client).export(name)
    nothing_is_left(octavia_session.Session(client), {"loadbalancers": [exported]})
    whole = {**exported, "purge": ["listeners", "pools", "members", "l7policies", "rules"]}
    nothing_is_left(octavia_session.Session(client), {"loadbalancers": [whole]})
