"""The tables of the API's resources, and the kinds of values in them."""

import octavia_fields as kinds
import octavia_resources as resources
import pytest

FIELDS = [
    (resource.name, item)
    for resource in resources.RESOURCES.values()
    for item in resource.fields.values()
]


def field(resource, name):
    """One field."""
    return resources.RESOURCES[resource].fields[name]


@pytest.mark.parametrize(("resource", "item"), FIELDS, ids=[f"{r}-{f.name}" for r, f in FIELDS])
def test_a_field_makes_sense(resource, item):
    table = resources.RESOURCES[resource]
    assert item.name not in table.readonly
    assert item.create or item.update
    assert item.create or resource == "quota"
    assert not item.tree or item.create
    assert 0 <= item.since <= 30
    if item.default is not None:
        assert item.problem(item.default) == "" or item.default in ([], {}, "")
    # Whatever the server answers compares, a null as well.
    item.normalise(None)


def test_every_resource_of_the_api_is_there():
    assert sorted(resources.RESOURCES) == sorted(
        "loadbalancer listener pool member healthmonitor l7policy l7rule quota flavor flavorprofile"
        " availabilityzone availabilityzoneprofile amphora provider".split()
    )


@pytest.mark.parametrize(
    ("resource", "names"),
    [
        (
            "loadbalancer",
            "name description admin_state_up tags vip_qos_policy_id vip_sg_ids",
        ),
        ("member", "name admin_state_up weight monitor_address monitor_port tags backup"),
        ("l7rule", "type compare_type value key invert admin_state_up tags"),
        ("flavor", "name description enabled"),
        ("availabilityzone", "description enabled"),
    ],
)
def test_what_can_be_updated(resource, names):
    fields = resources.RESOURCES[resource].fields
    assert {name for name, item in fields.items() if item.update} == set(names.split())


@pytest.mark.parametrize(
    ("resource", "names"),
    [
        ("listener", ("protocol", "protocol_port")),
        ("pool", ("protocol",)),
        ("member", ("address", "protocol_port", "subnet_id", "request_sriov")),
        ("healthmonitor", ("type",)),
        ("l7policy", ()),
        ("flavor", ("flavor_profile_id",)),
    ],
)
def test_what_cannot_be_changed(resource, names):
    assert resources.RESOURCES[resource].immutable == names


@pytest.mark.parametrize(
    ("resource", "name", "since"),
    [
        ("loadbalancer", "tags", 5),
        ("loadbalancer", "additional_vips", 26),
        ("loadbalancer", "vip_sg_ids", 29),
        ("listener", "allowed_cidrs", 12),
        ("listener", "alpn_protocols", 20),
        ("listener", "hsts_max_age", 27),
        ("pool", "tls_versions", 18),
        ("pool", "alpn_protocols", 24),
        ("member", "request_sriov", 30),
        ("healthmonitor", "domain_name", 10),
        ("l7policy", "redirect_http_code", 9),
        ("quota", "l7rule", 19),
    ],
)
def test_since_when_a_field_is_there(resource, name, since):
    assert field(resource, name).since == since


@pytest.mark.parametrize(
    ("resource", "name", "value", "part"),
    [
        ("listener", "protocol_port", 0, "between 1 and 65535"),
        ("listener", "protocol_port", 65536, "between 1 and 65535"),
        ("listener", "protocol_port", True, "whole number, not a boolean"),
        ("listener", "protocol_port", "80", "whole number, not a text"),
        ("listener", "connection_limit", -2, "below -1"),
        ("listener", "protocol", "HTP", "one of TCP, HTTP"),
        ("listener", "allowed_cidrs", ["10.0.0.0/33"], "10.0.0.0/33"),
        ("listener", "allowed_cidrs", "10.0.0.0/8", "list of networks"),
        ("listener", "tls_versions", [], "empty list"),
        ("listener", "tls_versions", ["TLSv9"], "one of"),
        ("listener", "insert_headers", {"X-Forwarded-For": 1}, "X-Forwarded-For"),
        ("listener", "name", "n" * 256, "255 are allowed"),
        ("listener", "admin_state_up", "yes", "true or false"),
        ("listener", "admin_state_up", None, "is null"),
        ("listener", "timeout_client_data", 2_073_600_001, "between"),
        ("member", "weight", 257, "between 0 and 256"),
        ("member", "address", "10.0.0.256", "not an IPv4"),
        ("member", "address", 10, "not an IPv4"),
        ("member", "subnet_id", "app-subnet", "UUID"),
        ("healthmonitor", "max_retries", 11, "between 1 and 10"),
        ("healthmonitor", "http_version", 2.0, "one of 1.0, 1.1"),
        ("healthmonitor", "expected_codes", "2xx", "status code"),
        ("healthmonitor", "url_path", "up", "slash"),
        ("healthmonitor", "domain_name", "-", "domain name"),
        ("pool", "session_persistence", {"type": "COOKIE"}, "needs a type"),
        ("pool", "session_persistence", {"kind": "SOURCE_IP"}, "'kind'"),
        ("loadbalancer", "additional_vips", [{"ip_address": "10.0.0.1"}], "subnet_id"),
        ("loadbalancer", "tags", ["a", 1], "not a text"),
        ("l7policy", "redirect_url", "example.org", "URL"),
        ("l7policy", "redirect_http_code", 300, "one of 301"),
        ("l7rule", "value", "a\nb", "one line"),
        ("l7rule", "value", 1, "a text, not a number"),
        ("flavorprofile", "flavor_data", "{", "not JSON"),
        ("flavorprofile", "flavor_data", "[]", "mapping"),
        ("flavorprofile", "flavor_data", {"a": "b" * 5000}, "4096"),
    ],
)
def test_a_wrong_value_is_told(resource, name, value, part):
    assert part in field(resource, name).problem(value)


@pytest.mark.parametrize(
    ("resource", "name", "value", "wire"),
    [
        ("listener", "allowed_cidrs", ["192.168.1.77/24", "192.168.1.0/24"], ["192.168.1.0/24"]),
        ("listener", "insert_headers", {"X-Real-IP": True}, {"X-Real-IP": "true"}),
        ("member", "address", "2001:DB8::0:1", "2001:db8::1"),
        ("healthmonitor", "expected_codes", 200, "200"),
        ("healthmonitor", "http_version", 1.1, 1.1),
        ("loadbalancer", "tags", ["b", "a", "b"], ["b", "a"]),
        ("flavorprofile", "flavor_data", {"b": 1, "a": 2}, '{"a": 2, "b": 1}'),
        ("flavorprofile", "flavor_data", '{"b":1}', '{"b":1}'),
    ],
)
def test_a_right_value_is_written_as_the_api_takes_it(resource, name, value, wire):
    item = field(resource, name)
    assert item.problem(value) == ""
    assert item.wire(value) == wire


@pytest.mark.parametrize(
    ("resource", "name", "declared", "answered"),
    [
        ("loadbalancer", "tags", ["b", "a"], ["a", "b"]),
        ("loadbalancer", "provider", "octavia", "amphora"),
        ("loadbalancer", "description", "", None),
        (
            "loadbalancer",
            "additional_vips",
            [{"subnet_id": "x"}],
            [{"subnet_id": "x", "port_id": "p"}],
        ),
        ("listener", "allowed_cidrs", [], None),
        ("listener", "allowed_cidrs", ["10.0.0.1/8"], ["10.0.0.0/8"]),
        ("listener", "sni_container_refs", ["b", "a"], ["a", "b"]),
        ("listener", "insert_headers", {}, None),
        ("listener", "hsts_preload", False, None),
        ("member", "address", "2001:DB8:0::1", "2001:db8::1"),
        ("healthmonitor", "http_version", 1.0, 1),
        ("healthmonitor", "expected_codes", "200, 201", "200,201"),
        (
            *("pool", "session_persistence", {"type": "SOURCE_IP"}),
            {"type": "SOURCE_IP", "cookie_name": None, "persistence_timeout": None},
        ),
        ("flavorprofile", "flavor_data", '{"a": 1, "b": 2}', '{"b":2,"a":1}'),
    ],
)
def test_what_means_the_same_is_the_same(resource, name, declared, answered):
    assert kinds.same(field(resource, name), declared, answered)


@pytest.mark.parametrize(
    ("resource", "name", "declared", "answered"),
    [
        ("loadbalancer", "tags", [], ["a"]),
        ("loadbalancer", "additional_vips", [{"subnet_id": "x"}], []),
        ("listener", "connection_limit", 5, -1),
        ("pool", "session_persistence", {"type": "SOURCE_IP"}, None),
        ("healthmonitor", "http_version", 1.0, None),
    ],
)
def test_what_differs_is_told_apart(resource, name, declared, answered):
    assert not kinds.same(field(resource, name), declared, answered)


@pytest.mark.parametrize(("minor", "name"), [(0, "queens"), (12, "train"), (29, "2025.1")])
def test_the_release_that_brought_a_version(minor, name):
    assert resources.release(minor) == name


def test_an_unset_never_switches_an_object_off():
    for _, item in FIELDS:
        if item.name in ("admin_state_up", "enabled"):
            assert item.reset is True
