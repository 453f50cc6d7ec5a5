"""What a node needs beside octavia.conf: policies, OVN, logs, files of TLS, Apache."""

import pytest
from given import GOOD, PARAMETERS, built, changed, conf

API = {"api": GOOD["api"]}
REDHAT = {"os": "RedHat", "os_family": "RedHat"}
SSL = {"cert_file": "/cert", "key_file": "/key"}


def api(release="zed", **keys):
    """GOOD's API of a release with some keys changed."""
    changes = {f"api:{name.replace('__', ':')}": value for name, value in keys.items()}
    return changed(API, {"api:version": release, **changes})


def errors(pillar, **grains):
    """The paths of all errors."""
    return [item["path"] for item in built(pillar, **grains).found if item["level"] == "error"]


class TestPolicy:
    """Rules of a set, the pillar's own over them, and where they are written."""

    @pytest.mark.parametrize("name", sorted(PARAMETERS["policies"]))
    def test_a_published_set(self, name):
        build = built(api("2025.1", policy={"set": name}))
        assert build.node.policies == PARAMETERS["policies"][name]["rules"]
        assert build.result()["policy"] == {"file": "/etc/octavia/policy.yaml", "wanted": True}
        written = build.sections["oslo_policy"]
        assert written["policy_file"]["text"] == ["/etc/octavia/policy.yaml"]
        assert ("enforce_new_defaults" in written) is name.startswith("keystone")

    def test_own_rules_come_over_those_of_the_set(self):
        own = {"load-balancer:write": "role:admin", "new": "!"}
        rules = built(api(policy={"set": "admin_or_owner", "rules": own})).node.policies
        assert rules["load-balancer:write"] == "role:admin"
        assert rules["new"] == "!"
        assert rules["load-balancer:read"] == "rule:admin_or_owner"

    def test_without_policies_the_packages_are_in_force(self):
        build = built(api(policy={"enforce_new_defaults": True}))
        assert build.result()["policy"] == {"file": "/etc/octavia/policy.yaml", "wanted": False}
        assert set(build.sections["oslo_policy"]) == {"enforce_new_defaults"}

    def test_another_file(self):
        build = built(api(policy={"rules": {"a": "!"}, "policy_file": "/etc/octavia/own.yaml"}))
        assert build.result()["policy"]["file"] == "/etc/octavia/own.yaml"
        assert "/etc/octavia/own.yaml" in build.result()["units"]["octavia-api"]["reads"]

    @pytest.mark.parametrize(
        ("release", "policy", "path"),
        [
            ("zed", {"set": "admin_or_ownr"}, "api:policy:set"),
            ("zed", {"set": ["admin_or_owner"]}, "api:policy:set"),
            ("train", {"set": "keystone_default_roles"}, "api:policy:set"),
            ("zed", {"rules": {"a": True}}, "api:policy:rules:a"),
            ("zed", {"rules": {"a": ["role:admin"]}}, "api:policy:rules:a"),
            ("zed", {"rules": ["a"]}, "api:policy:rules"),
            ("zed", {"sets": "admin_or_owner"}, "api:policy:sets"),
        ],
    )
    def test_mistakes(self, release, policy, path):
        assert f"octavia:{path}" in errors(api(release, policy=policy))

    @pytest.mark.parametrize("key", ["policy", "ovn", "healthcheck"])
    def test_only_the_api_has_them(self, key):
        value = {"ovn_nb_connection": "tcp:a:1", "ovn_sb_connection": "tcp:a:1"}
        given = value if key == "ovn" else {}
        assert f"octavia:manager:{key}" in errors(changed(GOOD, {f"manager:{key}": given}))


OVN = {"ovn_nb_connection": ["tcp:10.0.0.5:6641"], "ovn_sb_connection": "tcp:10.0.0.5:6642"}
OVN_TLS = {
    f"ovn_{database}_{file}": f"/{database}/{file}"
    for database in ("nb", "sb")
    for file in ("private_key", "certificate", "ca_cert")
}


class TestOvn:
    """The OVN provider and its file."""

    @pytest.mark.parametrize(
        ("grains", "path"),
        [
            ({}, "/etc/octavia/octavia.conf.d/ovn.conf"),
            (REDHAT, "/etc/octavia/conf.d/common/ovn.conf"),
        ],
    )
    def test_its_own_file_and_what_octavia_must_know(self, grains, path):
        build = built(api("2025.1", ovn={**OVN, "ovsdb_probe_interval": 0}), **grains)
        result = build.result()
        assert result["ovn"] == {"file": path, "wanted": True}
        assert build.node.ovn_lines() == [
            "ovn_nb_connection = tcp:10.0.0.5:6641",
            "ovn_sb_connection = tcp:10.0.0.5:6642",
            "ovsdb_probe_interval = 0",
        ]
        for unit in ("octavia-api", "octavia-driver-agent"):
            assert path in result["units"][unit]["reads"]
        assert "python3-ovn-octavia-provider" in result["packages"]["api"]
        assert build.sections["driver_agent"]["enabled_provider_agents"]["text"] == ["ovn"]
        drivers = build.sections["api_settings"]["enabled_provider_drivers"]["value"]
        assert set(drivers) == {"amphora", "octavia", "ovn"}
        assert "ovn" not in build.sections

    def test_tls(self):
        ovn = {**OVN, "ovn_nb_connection": "ssl:10.0.0.5:6641"}
        assert errors(api(ovn=ovn)) == ["octavia:api:ovn:ovn_nb_connection"]
        build = built(api(ovn={**ovn, **OVN_TLS}))
        assert set(OVN_TLS.values()) <= set(build.result()["units"]["octavia-api"]["reads"])

    @pytest.mark.parametrize(
        ("release", "ovn", "path"),
        [
            ("zed", {"ovn_nb_connection": "tcp:a:1"}, "api:ovn:ovn_sb_connection"),
            ("zed", {**OVN, "ovn_nb_connection": "10.0.0.5"}, "api:ovn:ovn_nb_connection"),
            ("zed", {**OVN, "ovn_nb_conection": "tcp:a:1"}, "api:ovn:ovn_nb_conection"),
            (
                "zed",
                {**OVN, "ovsdb_connection_timeout": "long"},
                "api:ovn:ovsdb_connection_timeout",
            ),
            ("stein", OVN, "api:ovn"),
        ],
    )
    def test_mistakes(self, release, ovn, path):
        assert f"octavia:{path}" in errors(api(release, ovn=ovn))


class TestLogging:
    """Where logs go, in which form, and how long they stay."""

    def test_levels_over_those_of_the_release(self):
        levels = conf(api(logging={"levels": {"octavia": "debug", "amqp": "ERROR"}}))["DEFAULT"]
        written = dict(item.split("=") for item in levels["default_log_levels"].split(","))
        assert (written["octavia"], written["amqp"]) == ("DEBUG", "ERROR")
        assert written["sqlalchemy"] == "WARN"

    def test_json_and_journal(self):
        build = built(api(logging={"json": True, "journal": True}))
        assert build.sections["DEFAULT"]["use_json"]["text"] == ["true"]
        assert build.sections["DEFAULT"]["use_journal"]["text"] == ["true"]
        assert "python3-systemd" in build.result()["packages"]["api"]

    def test_daemons_without_log_files(self):
        units = built(changed(GOOD, {"manager:logging": {"file": False}})).result()["units"]
        given = {name: unit["service"].get("Environment") for name, unit in units.items()}
        assert given.pop("octavia-api") is None
        assert set(given.values()) == {"USE_LOGFILE=no"}
        found = built(api(logging={"file": False}), **REDHAT).found
        assert "octavia:api:logging:file" in [item["path"] for item in found]

    def test_rotation(self):
        pillar = api(logging={"rotate": {"keep": 3, "size": "1G"}})
        assert built(pillar).result()["logrotate"] == {
            "path": "/etc/logrotate.d/octavia-common",
            "every": "daily",
            "keep": 3,
            "compress": True,
            "size": "1G",
        }
        assert built(pillar, **REDHAT).result()["logrotate"]["path"].endswith("openstack-octavia")
        assert built(API).result()["logrotate"] == {}

    @pytest.mark.parametrize(
        ("logging", "path"),
        [
            ({"levels": {"octavia": "LOUD"}}, "levels"),
            ({"rotate": {"every": "yearly"}}, "rotate:every"),
            ({"rotate": {"keep": "some"}}, "rotate:keep"),
            ({"rotate": {"days": 3}}, "rotate:days"),
            ({"json": "maybe"}, "json"),
        ],
    )
    def test_mistakes(self, logging, path):
        assert errors(api(logging=logging)) == [f"octavia:api:logging:{path}"]

    def test_both_roles_log_alike(self):
        both = {"api:logging": {"file": True}, "manager:logging": {"file": False}}
        assert errors(changed(GOOD, both)) == ["octavia:manager:logging:file"]


class TestApache:
    """Apache in place of a server for tests."""

    @pytest.mark.parametrize(
        ("grains", "release", "service", "script"),
        [
            ({"os": "Ubuntu"}, "2024.1", "apache2", "/usr/bin/octavia-wsgi"),
            (REDHAT, "2024.1", "httpd", "/usr/bin/octavia-wsgi"),
            (REDHAT, "2026.1", "httpd", "/usr/lib/python3.9/site-packages/octavia/wsgi/api.py"),
        ],
    )
    def test_where_the_packages_have_no_server_of_their_own(self, grains, release, service, script):
        bind = {"address": "10.0.0.1", "server": "apache", "processes": 4, **SSL}
        result = built(api(release, bind=bind), **grains).result()
        apache = result["apache"]
        assert (apache["service"], apache["script"]) == (service, script)
        assert (apache["socket"], apache["sizes"]) == ("10.0.0.1:9876", {"processes": 4})
        assert apache["cert_file"] == "/cert"
        assert "octavia-api" not in result["units"]
        assert "octavia-api" in result["held_units"]["api"]
        assert {"/cert", "/key"} <= set(result["api_reads"])
        assert set(apache["packages"]) <= set(result["packages"]["api"])
        assert result["api_url"] == "https://10.0.0.1:9876/"

    def test_where_it_cannot_be_had(self):
        assert errors(api(bind__server="apache")) == ["octavia:api:bind:server"]
        assert errors(api("ocata", bind__server="apache"), **REDHAT) == ["octavia:api:bind:server"]
        assert errors(api(bind__server="nginx")) == ["octavia:api:bind:server"]

    def test_tls_without_it_is_refused_where_octavia_serves_itself(self):
        pillar = api(bind={"address": "10.0.0.1", **SSL})
        assert len(errors(pillar, os="Ubuntu")) == 2
        assert errors(pillar) == []


def test_health_checks():
    written = conf(api("2025.1", healthcheck={"backends": ["octavia_db_check"]}))
    assert written["api_settings"]["healthcheck_enabled"] == "true"
    assert written["healthcheck"] == {"backends": "octavia_db_check"}
    assert conf(api(healthcheck=False))["api_settings"]["healthcheck_enabled"] == "false"
    found = built(api("train", healthcheck={"enabled": True})).found
    assert "octavia:api:healthcheck:enabled" in [item["path"] for item in found]


@pytest.mark.parametrize("family", sorted(PARAMETERS["osfamilies"]))
def test_every_family_has_all_names(family):
    keys = {key: set(value) for key, value in PARAMETERS["osfamilies"].items()}
    own = {"apache", "packages_since", "supplied_units"}
    assert keys[family] - own == keys["Debian"] - own
    packages = PARAMETERS["osfamilies"][family]["extra_packages"]
    assert set(packages) == set(PARAMETERS["osfamilies"]["Debian"]["extra_packages"])
