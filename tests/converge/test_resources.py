"""Load balancers of the pillar, on a node with Keystone and an Octavia from packages."""

from __future__ import annotations

import copy

import yaml

from . import suites
from .report import describe

STATE = "octavia_client_resources_octavia"
SUBNET = "22222222-3333-4444-5555-666666666666"
TREE = {
    "name": "declared",
    "vip_subnet_id": SUBNET,
    "tags": ["web", "salt"],
    "pools": [
        {
            "name": "web",
            "protocol": "HTTP",
            "lb_algorithm": "ROUND_ROBIN",
            "session_persistence": {"type": "SOURCE_IP"},
            "members": [
                {"address": "10.0.0.5", "protocol_port": 80},
                {"address": "10.0.0.6", "protocol_port": 80, "weight": 2, "backup": True},
            ],
            "healthmonitor": {"type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 2},
        }
    ],
    "listeners": [
        {
            "name": "http",
            "protocol": "HTTP",
            "protocol_port": 80,
            "default_pool": "web",
            "insert_headers": {"X-Forwarded-For": True},
            "l7policies": [
                {
                    "name": "no-admin",
                    "action": "REJECT",
                    "rules": [
                        {"type": "PATH", "compare_type": "STARTS_WITH", "value": "/admin"},
                    ],
                }
            ],
        }
    ],
}
FLEET = {
    "flavorprofiles": [
        {
            "name": "single",
            "provider_name": "amphora",
            "flavor_data": {"loadbalancer_topology": "SINGLE"},
        }
    ],
    "flavors": [{"name": "single", "flavor_profile": "single"}],
    "loadbalancers": [TREE, {**copy.deepcopy(TREE), "name": "with-a-flavor", "flavor": "single"}],
}


def _declare(node, suite, resources):
    change = {"octavia": {"client": {"resources": {"octavia": resources}}}}
    node.set_pillar({"octavia.sls": suite.pillar, "resources.sls": yaml.safe_dump(change)})


def _applied(node):
    """Predicts, applies, and applies once more; what was changed."""
    predicted = suites.must_apply(node, "octavia.client", "test=True").by_id[STATE]
    done = suites.must_apply(node, "octavia.client").by_id[STATE]
    assert done["changes"] == predicted["changes"]
    again = suites.must_apply(node, "octavia.client")
    assert not again.changed, describe(again.changed)
    return done["changes"]


def _call(node, function, *args):
    return node.salt_call(f"octaviav2.{function}", *args, "cloud_name=octavia").data


def test_declared_load_balancers_are_made_changed_exported_and_removed(node, suite):
    _declare(node, suite, FLEET)
    made = _applied(node)
    assert len(made["loadbalancer:declared"]["created"]) == 8
    assert "flavor:single" in made and "loadbalancer:with-a-flavor" in made
    assert _call(node, "loadbalancer_wait", "declared") == {"declared": "ACTIVE"}

    changed = copy.deepcopy(FLEET)
    changed["loadbalancers"][0]["pools"][0]["members"][0]["weight"] = 7
    _declare(node, suite, changed)
    member = {"member 10.0.0.5:80 of pool web": {"weight": {"old": 1, "new": 7}}}
    assert _applied(node) == {"loadbalancer:declared": {"updated": member}}

    _declare(node, suite, _call(node, "loadbalancer_export", "declared"))
    predicted = suites.must_apply(node, "octavia.client", "test=True")
    assert not predicted.changed, describe(predicted.changed)

    gone = [{"name": name, "absent": True} for name in ("declared", "with-a-flavor")]
    _declare(node, suite, {"loadbalancers": gone})
    assert set(_applied(node)) == {"loadbalancer:declared", "loadbalancer:with-a-flavor"}
    node.set_pillar({"octavia.sls": suite.pillar})


def test_mistakes_in_a_declaration_stop_the_run_before_anything_is_asked(node, suite):
    wrong = copy.deepcopy(TREE)
    wrong["listeners"][0]["protocl"] = "HTTP"
    wrong["pools"][0]["members"][0]["protocol_port"] = 99999
    _declare(node, suite, {"loadbalancers": [wrong]})
    try:
        run = suites.apply(node, "octavia")
        comment = run.by_id["octavia_check"]["comment"]
        path = "octavia:client:resources:octavia:loadbalancers:declared"
        assert f"{path}:listeners:http:protocl: " in comment
        assert f"{path}:pools:web:members:1:protocol_port = 99999" in comment
        assert not run.changed
    finally:
        node.set_pillar({"octavia.sls": suite.pillar})
