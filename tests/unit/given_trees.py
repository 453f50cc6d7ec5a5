"""Declared load balancers for tests: one worked example, and generated ones."""

import copy

import octavia_plan as planning
from hypothesis import strategies as st
from server_model import PROJECT, Server

SUBNET = "11111111-1111-4111-8111-111111111111"
OTHER_SUBNET = "22222222-2222-4222-8222-222222222222"


def web(**more):
    """A load balancer with one of everything."""
    rule = {"type": "PATH", "compare_type": "STARTS_WITH", "value": "/api"}
    members = [{"address": f"10.0.0.{host}", "protocol_port": 8080} for host in (1, 2, 3)]
    monitor = {"type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 3}
    pools = [
        {"name": "app", "members": members, "healthmonitor": monitor},
        {"name": "api", "members": copy.deepcopy(members[:1])},
    ]
    policies = [
        {"name": "api", "action": "REDIRECT_TO_POOL", "redirect_pool": "api", "rules": [rule]},
        {"name": "no", "action": "REJECT", "rules": [{**rule, "value": "/private"}]},
    ]
    listener = {"name": "http", "protocol": "HTTP", "protocol_port": 80, "default_pool": "app"}
    return {
        "name": "web",
        "vip_subnet_id": SUBNET,
        "pools": [{"protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", **pool} for pool in pools],
        "listeners": [{**listener, "l7policies": policies}],
        **copy.deepcopy(more),
    }


def empty(minor=30, **more):
    """A server without objects."""
    return planning.Snapshot((2, minor), PROJECT, **more)


def standing(*balancers, minor=30):
    """A server on which load balancers were made."""
    snapshot = empty(minor)
    plan = planning.plan({"loadbalancers": list(balancers)}, snapshot)
    assert plan.findings == []
    Server(snapshot).run(plan)
    return snapshot


def plan(balancer, snapshot, **options):
    """The plan for one load balancer."""
    return planning.plan({"loadbalancers": [balancer]}, snapshot, planning.Options(**options))


NAMES = ("a", "b", "c", "d")
FLAGS = st.booleans()


def some(fields):
    """A mapping with any of some fields."""
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def unique(draw, items, key, most=4):
    """A list of mappings that differ in what tells them apart, in any order."""
    return draw(st.lists(items, max_size=most, unique_by=lambda item: item[key]))


COMMON = {"admin_state_up": FLAGS, "tags": st.lists(st.sampled_from(NAMES), max_size=3)}
MEMBER_FIELDS = {
    **COMMON,
    "weight": st.integers(0, 256),
    "backup": FLAGS,
    "name": st.sampled_from(NAMES),
    "monitor_port": st.integers(1, 65535),
    "monitor_address": st.sampled_from(["10.9.9.9", "2001:DB8::0:1"]),
}
HOSTS = st.sampled_from(["10.0.0.1", "10.0.0.2", "2001:DB8:0::1", "2001:db8::2"])
MEMBERS = st.builds(
    lambda host, more: {"address": host, "protocol_port": 80, **more}, HOSTS, some(MEMBER_FIELDS)
)
MONITORS = st.builds(
    lambda base, more: {**base, **more},
    st.fixed_dictionaries(
        {
            "type": st.just("HTTP"),
            "delay": st.integers(3, 9),
            "timeout": st.just(3),
            "max_retries": st.just(2),
        }
    ),
    some(
        {**COMMON, "url_path": st.sampled_from(["/", "/up"]), "expected_codes": st.just("200-204")}
    ),
)
POOLS = st.builds(
    lambda base, more: {**base, **more},
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(NAMES),
            "protocol": st.just("HTTP"),
            "lb_algorithm": st.sampled_from(["ROUND_ROBIN", "SOURCE_IP"]),
        }
    ),
    some(
        {
            **COMMON,
            "session_persistence": st.just({"type": "HTTP_COOKIE"}),
            "members": unique(MEMBERS, "address"),
            "healthmonitor": MONITORS,
        }
    ),
)
RULES = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["PATH", "HOST_NAME"]),
        "compare_type": st.just("EQUAL_TO"),
        "value": st.sampled_from(["/x", "/y"]),
    },
    optional={"invert": FLAGS, **COMMON},
)
POLICIES = st.fixed_dictionaries(
    {"name": st.sampled_from(NAMES), "action": st.just("REJECT")},
    optional={**COMMON, "rules": st.lists(RULES, max_size=3)},
)
LISTENERS = st.fixed_dictionaries(
    {"protocol": st.just("HTTP"), "protocol_port": st.sampled_from([80, 81, 82])},
    optional={
        **COMMON,
        "connection_limit": st.integers(-1, 100),
        "allowed_cidrs": st.lists(st.sampled_from(["10.1.2.3/8", "10.0.0.0/8", "192.0.2.0/24"])),
        "insert_headers": st.just({"X-Forwarded-For": True}),
        "l7policies": unique(POLICIES, "name"),
    },
)
PURGES = st.lists(
    st.sampled_from(["listeners", "pools", "members", "l7policies", "rules"]), unique=True
)


@st.composite
def trees(draw):
    """A load balancer; listeners and policies use pools that are declared."""
    pools = draw(unique(POOLS, "name", 3))
    listeners = draw(unique(LISTENERS, "protocol_port", 3))
    names = [pool["name"] for pool in pools]
    for listener in listeners if names else ():
        if draw(FLAGS):
            listener["default_pool"] = draw(st.sampled_from(names))
        for policy in listener.get("l7policies", ()):
            if draw(FLAGS):
                policy["action"] = "REDIRECT_TO_POOL"
                policy["redirect_pool"] = draw(st.sampled_from(names))
    more = draw(some({"description": st.sampled_from(["", "x"]), "purge": PURGES}))
    return {"name": "lb", "vip_subnet_id": SUBNET, "pools": pools, "listeners": listeners, **more}
