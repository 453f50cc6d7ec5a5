"""What options demand of each other: nothing is said where all is well, or nothing can be known.

The mistakes themselves, each with its finding, are in test_octavia_map_bad_input.
"""

import octavia_conf_rules as rules
import octavia_schema as schema
import pytest
from given import GOOD, PARAMETERS, built, changed

OPTIONS = PARAMETERS["options"]
HEALTH = "manager:health_manager"

FINE = {
    "IPv6 without brackets": {
        f"{HEALTH}:bind_ip": "fd00::1",
        f"{HEALTH}:controller_ip_port_list": ["fd00::1:5555", "fd00::2:5555"],
    },
    "receivers of both families": {
        f"{HEALTH}:controller_ip_port_list": ["10.0.0.1:5555", "fd00::1:5555"]
    },
    "receivers by name": {f"{HEALTH}:controller_ip_port_list": ["hm1.example.org:5555"]},
    "a wildcard with receivers": {
        f"{HEALTH}:bind_ip": "0.0.0.0",
        f"{HEALTH}:controller_ip_port_list": ["10.0.0.1:5555"],
    },
    "a wildcard of both families": {
        f"{HEALTH}:bind_ip": "::",
        f"{HEALTH}:controller_ip_port_list": ["10.0.0.1:5555"],
    },
    "nobody to send heartbeats": {
        f"{HEALTH}:controller_ip_port_list": [],
        "manager:controller_worker:amphora_driver": "amphora_noop_driver",
    },
    "five controllers": {
        f"{HEALTH}:controller_ip_port_list": [f"10.0.0.{number}:5555" for number in range(1, 6)]
    },
    "a threshold": {f"{HEALTH}:failover_threshold": 2},
    "no threshold": {f"{HEALTH}:failover_threshold": None},
    "a jobboard": {
        "manager:task_flow": {
            "jobboard_enabled": True,
            "jobboard_backend_hosts": ["10.0.0.6"],
            "persistence_connection": "mysql+pymysql://o:p@h/p",
        }
    },
    "no jobboard": {"manager:task_flow": {"jobboard_backend_hosts": []}},
    "amphorae apart": {
        "manager:controller_worker:loadbalancer_topology": "ACTIVE_STANDBY",
        "manager:nova": {"enable_anti_affinity": True, "anti_affinity_policy": "anti-affinity"},
    },
    "a provider of others": {
        "api:api_settings": {
            "enabled_provider_drivers": {"a10": "x"},
            "default_provider_driver": "a10",
        }
    },
    "OVN with its agent": {
        "api:api_settings": {"enabled_provider_drivers": {"amphora": "x", "ovn": "y"}},
        "api:driver_agent": {"enabled_provider_agents": ["ovn"]},
    },
    "versions of TLS": {
        "api:api_settings": {
            "minimum_tls_version": "TLSv1.2",
            "default_listener_tls_versions": ["TLSv1.3"],
        }
    },
    "certificates": {
        "manager:certificates:cert_validity_time": 86400,
        "manager:house_keeping": {"cert_expiry_buffer": 3600},
    },
    "debug of a release that knows all secrets": {"api:debug": True},
    "logs with targets": {
        "manager:amphora_agent": {
            "disable_local_log_storage": True,
            "admin_log_targets": ["10.0.0.9:514"],
            "tenant_log_targets": ["10.0.0.9:514"],
        }
    },
    "a key for what memcached keeps": {
        "api:identity:memcache_security_strategy": "ENCRYPT",
        "api:identity:memcache_secret_key": "key-secret",
    },
}


@pytest.mark.parametrize("name", FINE)
def test_nothing_is_said_where_all_is_well(name):
    assert built(changed(GOOD, FINE[name])).found == []


@pytest.mark.parametrize("path", [f"{HEALTH}:bind_ip", f"{HEALTH}:no_such_option"])
def test_no_rule_adds_to_a_mistake(path):
    """Of an option that is wrong, or a section that was not read, nothing follows."""
    changes = {path: "nonsense", f"{HEALTH}:heartbeat_interval": 100}
    told = [item["path"] for item in built(changed(GOOD, changes)).found]
    assert told[0] == f"octavia:{path}"
    assert f"octavia:{HEALTH}:controller_ip_port_list" not in told


@pytest.mark.parametrize(
    ("release", "strange"),
    [
        ("xena", ["certificates", "ca_private_key_passphrase"]),
        ("zed", []),
        ("2025.1", ["task_flow", "persistence_connection"]),
        ("2025.2", []),
    ],
)
def test_secrets_that_a_release_would_log(release, strange):
    """Data of the release decides; its first version counts."""
    passphrase = {} if release == "2025.2" else {"ca_private_key_passphrase": "ca-secret"}
    changes = {
        **{f"{role}:version": release for role in ("api", "manager")},
        "api:debug": True,
        "manager:certificates": {"ca_certificate": "/ca", "ca_private_key": "/k", **passphrase},
        "manager:task_flow": {"persistence_connection": "mysql+pymysql://o:p@h/p"},
    }
    told = [item["reason"] for item in built(changed(GOOD, changes)).found]
    told = [reason for reason in told if "log all options" in reason]
    if not strange:
        shown = [item for item in told if "ca_private_key_passphrase" in item]
        assert shown == []
        return
    section, option = strange
    assert f"[{section}] {option}" in told[0]


def test_each_rule_reads_options_that_there_are():
    for rule in rules.RULES:
        for label in rule.reads:
            section, _, option = label.partition("/")
            assert schema.history(OPTIONS, section, option), label


def test_drivers_have_spans_of_releases_that_there_are():
    for spans in rules.DRIVERS.values():
        for first, last in spans.values():
            assert {first, last or first} <= set(schema.releases(OPTIONS))
