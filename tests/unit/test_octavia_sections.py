"""From the pillar to octavia.conf: what the users' keys become in each release."""

import octavia_schema as schema
import pytest
from given import GOOD, PARAMETERS, RELEASES, at, built, changed, conf
from oslo_reader import read_file

OPTIONS = PARAMETERS["options"]
URL = "http://127.0.0.1:35357/v3"
ACCOUNT = {
    "auth_type": "password",
    "auth_url": URL,
    "username": "octavia",
    "password": "password",
    "project_name": "service",
    "user_domain_name": "Default",
    "project_domain_name": "Default",
}
# The users' sample of the api role, as each end of the history has it.
API = {
    "ocata": {
        "DEFAULT": {
            "auth_strategy": "keystone",
            "bind_host": "127.0.0.1",
            "bind_port": "9876",
            "transport_url": "rabbit://openstack:password@127.0.0.1:5672//openstack",
        },
        "database": {"connection": "mysql+pymysql://octavia:password@127.0.0.1:3306/octavia"},
        "oslo_messaging": {"topic": "octavia_prov"},
        "keystone_authtoken": {**ACCOUNT, "auth_uri": URL, "region_name": "RegionOne"},
        "service_auth": ACCOUNT,
        "certificates": {"endpoint_type": "internalURL", "region_name": "RegionOne"},
        "controller_worker": {
            "amphora_driver": "amphora_haproxy_rest_driver",
            "compute_driver": "compute_nova_driver",
            "network_driver": "allowed_address_pairs_driver",
        },
        "nova": {"endpoint_type": "internalURL", "region_name": "RegionOne"},
        "neutron": {"endpoint_type": "internalURL", "region_name": "RegionOne"},
        "glance": {"endpoint_type": "internalURL", "region_name": "RegionOne"},
    },
    "2026.2": {
        "DEFAULT": {
            "graceful_shutdown_timeout": "900",
            "transport_url": "rabbit://openstack:password@127.0.0.1:5672//openstack",
        },
        "api_settings": {
            "auth_strategy": "keystone",
            "bind_host": "127.0.0.1",
            "bind_port": "9876",
        },
        "database": {"connection": "mysql+pymysql://octavia:password@127.0.0.1:3306/octavia"},
        "oslo_messaging": {"topic": "octavia_prov"},
        "keystone_authtoken": {
            **ACCOUNT,
            "www_authenticate_uri": URL,
            "region_name": "RegionOne",
            "interface": "internal",
        },
        "service_auth": {
            **ACCOUNT,
            "region_name": "RegionOne",
            "valid_interfaces": "internal",
        },
        "certificates": {"endpoint_type": "internalURL", "region_name": "RegionOne"},
        "controller_worker": {
            "amphora_driver": "amphora_haproxy_rest_driver",
            "compute_driver": "compute_nova_driver",
            "network_driver": "allowed_address_pairs_driver",
        },
        "task_flow": {"jobboard_enabled": "false"},
        "nova": {"endpoint_type": "internalURL", "region_name": "RegionOne"},
        "neutron": {**ACCOUNT, "region_name": "RegionOne", "valid_interfaces": "internal"},
        "glance": {"endpoint_type": "internalURL", "region_name": "RegionOne"},
        "cinder": {"endpoint_type": "internalURL", "region_name": "RegionOne"},
        "barbican": {"barbican_endpoint_type": "internal", "barbican_region_name": "RegionOne"},
    },
}
# What the users' sample of the manager role says itself, the same in every release.
MANAGER = {
    "certificates": {
        "ca_private_key": "/etc/octavia/certs/private/cakey.pem",
        "ca_certificate": "/etc/octavia/certs/ca_01.pem",
        "cert_generator": "local_cert_generator",
    },
    "controller_worker": {
        "amp_flavor_id": "967972bb-ab54-4679-9f53-bf81d5e28154",
        "amp_image_tag": "amphora",
        "amp_ssh_key_name": "octavia_ssh_key",
        "loadbalancer_topology": "SINGLE",
        "client_ca": "/etc/octavia/certs/ca_01.pem",
    },
    "haproxy_amphora": {
        "client_cert": "/etc/octavia/certs/client_all.pem",
        "server_ca": "/etc/octavia/certs/ca_01.pem",
    },
    "health_manager": {
        "bind_ip": "192.168.0.12",
        "heartbeat_key": "insecure",
        "controller_ip_port_list": "192.168.0.12:5555",
    },
}
KEYSTONE = {"auth_url": URL, "username": "octavia", "password": "password"}


class TestUsersSamples:
    """The samples that users have had since 2017, only `version` changed."""

    @pytest.mark.parametrize("release", API)
    def test_the_api_has_just_these_options(self, release):
        assert conf(at(release, ("api",))) == API[release]

    @pytest.mark.parametrize("release", schema.releases(OPTIONS))
    def test_the_manager_has_these_options(self, release):
        written = conf(at(release, ("manager",)))
        for section, options in MANAGER.items():
            assert options.items() <= written[section].items()

    @pytest.mark.parametrize("release", schema.releases(OPTIONS))
    def test_every_release_has_every_option_that_is_written(self, release):
        view = schema.view(OPTIONS, release)
        for section, options in conf(at(release)).items():
            assert options.keys() <= view[section].keys()

    @pytest.mark.parametrize("release", RELEASES)
    def test_both_roles_on_one_node_have_the_options_of_each(self, release):
        both = conf(at(release))
        for role in ("api", "manager"):
            for section, options in conf(at(release, (role,))).items():
                assert options.items() <= both[section].items()

    def test_a_role_that_is_switched_off_adds_nothing(self):
        pillar = changed(at("zed"), {"manager:enabled": False})
        assert conf(pillar) == conf(at("zed", ("api",)))

    def test_sections_stand_in_the_order_of_the_schema(self):
        written = list(conf(at("2026.2")))
        known = list(schema.view(OPTIONS, "2026.2"))
        assert written == sorted(written, key=known.index)


# A change of the pillar, a release, and what becomes of it: None where the file lacks the option.
CHANGES = [
    # Where the API listens moved out of [DEFAULT] in Pike.
    ({"api:bind:address": "::1"}, "ocata", "DEFAULT", {"bind_host": "::1"}),
    ({"api:bind:address": "::1"}, "queens", "api_settings", {"bind_host": "::1"}),
    ({"api:bind:port": 8443}, "2026.2", "api_settings", {"bind_port": "8443"}),
    # An option of the section that a composite stands for passes verbatim, and wins.
    ({"api:bind:pagination_max_limit": 50}, "zed", "api_settings", {"pagination_max_limit": "50"}),
    ({"api:database:max_pool_size": 7}, "zed", "database", {"max_pool_size": "7"}),
    (
        {"api:database:connection": "postgresql://u:p@h/n"},
        "zed",
        "database",
        {"connection": "postgresql://u:p@h/n"},
    ),
    ({"api:database": {"connection": "sqlite://"}}, "zed", "database", {"connection": "sqlite://"}),
    (
        {"api:database": {"connection": "sqlite://", "host": "h"}},
        "zed",
        "database",
        {"connection": "sqlite://"},
    ),
    (
        {"api:message_queue": {"transport_url": "rabbit://u:p%40@h:1//v"}},
        "2025.1",
        "DEFAULT",
        {"transport_url": "rabbit://u:p%40@h:1//v"},
    ),
    ({"api:message_queue:ssl": True}, "zed", "oslo_messaging_rabbit", {"ssl": "true"}),
    (
        {"api:identity:service_token_roles_required": True},
        "2023.2",
        "keystone_authtoken",
        {"service_token_roles_required": "true"},
    ),
    (
        {"api:identity": {"auth_url": "http://k/v3", "host": "k"}},
        "zed",
        "keystone_authtoken",
        {"auth_url": "http://k/v3", "username": None},
    ),
    # An option is written under the name that the release has for it.
    ({"api:database:idle_timeout": 60}, "ocata", "database", {"idle_timeout": "60"}),
    ({"api:database:idle_timeout": 60}, "zed", "database", {"connection_recycle_time": "60"}),
    (
        {"api:database:connection_recycle_time": 60},
        "ocata",
        "database",
        {"idle_timeout": "60", "connection_recycle_time": None},
    ),
    # Keystone: scheme, interface, region and CA file for all that speaks to it.
    (
        {"api:identity:protocol": "https", "api:identity:port": 443},
        "zed",
        "keystone_authtoken",
        {
            "auth_url": "https://127.0.0.1:443/v3",
            "www_authenticate_uri": "https://127.0.0.1:443/v3",
        },
    ),
    (
        {"api:identity:endpoint_type": "publicURL"},
        "queens",
        "keystone_authtoken",
        {"interface": None, "auth_uri": None, "www_authenticate_uri": URL},
    ),
    (
        {"api:identity:endpoint_type": "publicURL"},
        "zed",
        "keystone_authtoken",
        {"interface": "public"},
    ),
    ({"api:identity:endpoint_type": "admin"}, "zed", "neutron", {"endpoint_type": "adminURL"}),
    (
        {"api:identity:endpoint_type": "admin"},
        "2023.2",
        "neutron",
        {"valid_interfaces": "admin", "endpoint_type": None},
    ),
    ({"api:identity:endpoint_type": "admin"}, "2026.2", "nova", {"endpoint_type": "adminURL"}),
    (
        {"api:identity:cacert_file": "/ca.pem"},
        "zed",
        "neutron",
        {"ca_certificates_file": "/ca.pem", "cafile": None},
    ),
    (
        {"api:identity:cacert_file": "/ca.pem"},
        "2025.1",
        "neutron",
        {"cafile": "/ca.pem", "ca_certificates_file": None},
    ),
    ({"api:identity:cacert_file": "/ca.pem"}, "queens", "service_auth", {"cafile": "/ca.pem"}),
    ({"api:identity:tenant": "lb"}, "zed", "service_auth", {"project_name": "lb"}),
    ({"api:identity:tenant": 7}, "zed", "service_auth", {"project_name": "7"}),
    (
        {"api:identity:user_domain_name": "lb"},
        "train",
        "service_auth",
        {"user_domain_name": "lb", "project_domain_name": "Default"},
    ),
    # By its id, as the formula of 2018 had it; a name counts more.
    (
        {"api:identity:domain": "default"},
        "queens",
        "service_auth",
        {
            "user_domain_id": "default",
            "project_domain_id": "default",
            "user_domain_name": None,
            "project_domain_name": None,
        },
    ),
    (
        {"api:identity:domain": "default", "api:identity:user_domain_name": "lb"},
        "2026.2",
        "neutron",
        {
            "user_domain_id": None,
            "user_domain_name": "lb",
            "project_domain_id": "default",
            "project_domain_name": None,
        },
    ),
    # Neutron has an account of its own from 2023.2 on.
    ({}, "2023.1", "neutron", {"auth_url": None, "username": None, "password": None}),
    ({}, "2023.2", "neutron", KEYSTONE),
    ({}, "zed", "service_auth", KEYSTONE),
    # What other keys become.
    (
        {"api:cache": {"members": [{"host": "10.0.0.5"}, {"host": "fd00::5", "port": 11212}]}},
        "zed",
        "keystone_authtoken",
        {"memcached_servers": "10.0.0.5:11211,[fd00::5]:11212"},
    ),
    (
        {"api:cache": {"members": [{"host": "10.0.0.5", "port": None}]}},
        "zed",
        "keystone_authtoken",
        {"memcached_servers": "10.0.0.5:11211"},
    ),
    ({"api:debug": True}, "ocata", "DEFAULT", {"debug": "true"}),
    ({"api:debug": None}, "zed", "DEFAULT", {"debug": None}),
    ({"api:logging": {"use_syslog": True}}, "zed", "DEFAULT", {"use_syslog": "true"}),
    ({"api:notification": True}, "zed", "oslo_messaging_notifications", {"driver": "messagingv2"}),
    ({"api:notification": False}, "zed", "oslo_messaging_notifications", {"driver": None}),
    (
        {"api:notification": {"enabled": "no"}},
        "zed",
        "oslo_messaging_notifications",
        {"driver": None},
    ),
    (
        {"api:notification": {"driver": ["log"], "topics": ["a", "b"]}},
        "zed",
        "oslo_messaging_notifications",
        {"driver": "log", "topics": "a,b"},
    ),
    (
        {"api:cors": {"allowed_origin": "https://dashboard.example.org"}},
        "zed",
        "cors",
        {"allowed_origin": "https://dashboard.example.org"},
    ),
    ({"api:audit": {"enabled": True}}, "zed", "audit", {"enabled": "true"}),
    ({"api:audit": {"enabled": "off"}}, "zed", "audit", {"enabled": "false"}),
    (
        {"api:audit": {"map_file": "/etc/octavia/map"}},
        "stein",
        "audit",
        {"enabled": "true", "audit_map_file": "/etc/octavia/map"},
    ),
    ({"api:api_v1_enabled": False}, "queens", "api_settings", {"api_v1_enabled": "false"}),
    ({"api:api_v2_enabled": True}, "2026.2", "api_settings", {"api_v2_enabled": None}),
    # Any section of the release, its options under their own names.
    (
        {"api:api_settings": {"enabled_provider_drivers": {"amphora": "The driver", "ovn": "OVN"}}},
        "2025.1",
        "api_settings",
        {"enabled_provider_drivers": "amphora:The driver,ovn:OVN"},
    ),
    ({"api:quotas": {"default_load_balancer_quota": 5}}, "zed", "quotas", None),
    ({"api:api_settings": {"auth_strategy": "noauth"}}, "zed", "api_settings", None),
    (
        {"api:DEFAULT": {"octavia_plugins": "lb$plugin"}},
        "zed",
        "DEFAULT",
        {"octavia_plugins": "lb$$plugin"},
    ),
]


@pytest.mark.parametrize(
    ("changes", "release", "section", "options"),
    CHANGES,
    ids=[f"{next(iter(changes), 'sample')}-{release}" for changes, release, *_ in CHANGES],
)
def test_what_a_key_becomes(changes, release, section, options):
    pillar = changed(at(release, ("api",)), changes)
    build = built(pillar)
    assert [item for item in build.found if item["level"] == "error"] == []
    written = conf(pillar).get(section, {})
    if options is None:
        (options,) = (value for path, value in changes.items())
        options = {name: str(value) for name, value in options.items()}
    assert {name: written.get(name) for name in options} == options


class TestController:
    """What only the controllers have."""

    def test_the_bundle_of_certificate_and_key_wins(self):
        given = {"client_cert": "/c.pem", "client_cert_key": "/c.key"}
        written = conf(changed(GOOD, {"manager:haproxy_amphora": given}))["haproxy_amphora"]
        assert written == {"client_cert": "/c.pem"}
        given["client_cert_all"] = "/all.pem"
        written = conf(changed(GOOD, {"manager:haproxy_amphora": given}))["haproxy_amphora"]
        assert written == {"client_cert": "/all.pem"}

    def test_the_ca_of_the_client_may_be_another(self):
        assert conf(GOOD)["controller_worker"]["client_ca"] == "/etc/octavia/certs/ca_01.pem"
        named = changed(GOOD, {"manager:controller_worker:client_ca": "/client_ca.pem"})
        assert conf(named)["controller_worker"]["client_ca"] == "/client_ca.pem"

    @pytest.mark.parametrize(
        ("health_manager", "receivers"),
        [
            ({"bind_ip": "10.0.0.7"}, "10.0.0.7:5555"),
            ({"bind_ip": "10.0.0.7", "bind_port": 5556}, "10.0.0.7:5556"),
            # The amphora takes what follows the last colon for the port, and wants no brackets.
            ({"bind_ip": "fd00::7"}, "fd00::7:5555"),
            (
                {"bind_ip": "10.0.0.7", "controller_ip_port_list": ["10.0.0.7:5555", "h:5555"]},
                "10.0.0.7:5555,h:5555",
            ),
            ({"bind_ip": None}, None),
            ({}, None),
        ],
    )
    def test_where_amphorae_send_their_heartbeats(self, health_manager, receivers):
        written = conf(changed(GOOD, {"manager:health_manager": health_manager}))
        options = written.get("health_manager", {})
        assert options.get("controller_ip_port_list") == receivers

    def test_drivers_of_either_role_serve_both(self):
        drivers = {"amphora_driver": "amphora_noop_driver"}
        written = conf(changed(GOOD, {"api:controller_worker": drivers}))["controller_worker"]
        assert written["amphora_driver"] == "amphora_noop_driver"
        assert written["compute_driver"] == "compute_nova_driver"
        named = {"manager:controller_worker:amphora_driver": "amphora_noop_driver"}
        assert conf(changed(GOOD, named))["controller_worker"]["amphora_driver"] == (
            "amphora_noop_driver"
        )


class TestUnchecked:
    """`config`: sections of drivers that Octavia's own schema does not have."""

    def test_values_are_written_as_their_kind_suggests(self):
        given = {"enabled": True, "hosts": ["a", "b"], "port": 1, "map": {"k": "v"}, "word": "$x"}
        written = conf(changed(GOOD, {"api:config": {"vendor": {**given, "none": None}}}))["vendor"]
        wanted = {"enabled": "true", "hosts": "a,b", "port": "1", "map": "k:v", "word": "$$x"}
        assert written == wanted

    def test_an_unknown_option_of_a_known_section(self):
        pillar = changed(GOOD, {"manager:config": {"health_manager": {"vendor_key": "x"}}})
        build = built(pillar)
        assert build.found == []
        setting = build.sections["health_manager"]["vendor_key"]
        assert setting["text"] == ["x"]
        assert setting["note"] == "not checked: unknown to this release of Octavia"

    def test_added_sections_come_last(self):
        pillar = changed(GOOD, {"api:config": {"a_vendor": {"x": "y"}}})
        assert list(conf(pillar))[-1] == "a_vendor"


@pytest.mark.parametrize("release", RELEASES)
def test_oslo_config_reads_every_option_of_a_full_pillar(release, tmp_path):
    more = {
        "api:audit": {"enabled": True},
        "api:cors": {"allowed_origin": "https://dashboard.example.org"},
        "api:notification": True,
        "api:debug": True,
        "api:cache": {"members": [{"host": "fd00::1"}]},
        "manager:health_manager:bind_ip": "fd00::2",
        "api:database:password": "p$a's s\"#é%",
        "manager:database:password": "p$a's s\"#é%",
    }
    build = built(changed(at(release), more))
    lines = []
    for section, options in build.sections.items():
        lines.append(f"[{section}]")
        for name, setting in options.items():
            lines += [f"{name} = {text}" for text in setting["text"]]
    path = tmp_path / "octavia.conf"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    view = schema.view(OPTIONS, release)
    eras = {
        section: {name: view[section][name] for name in options}
        for section, options in build.sections.items()
    }
    read = read_file(str(path), eras)
    assert read["keystone_authtoken"]["memcached_servers"] == ["[fd00::1]:11211"]
    assert read["health_manager"]["bind_ip"] == "fd00::2"
    assert read["DEFAULT"]["debug"] is True
    for section, options in build.sections.items():
        for name, setting in options.items():
            value = setting["value"]
            wanted = [value] if eras[section][name]["type"] == "list" else value
            assert read[section][name] in (value, wanted), (section, name)
