"""One pillar for many releases: what options become whose name or form is another in a release."""

import octavia_translations as translations
import pytest
from given import GOOD, PARAMETERS, at, built, changed, conf

OPTIONS = PARAMETERS["options"]
FIRST, SECOND = "url-safe-32-characters-as-wanted", "another-32-characters-as-wanted="
THREADS = {"health_update_threads": 10, "stats_update_threads": "20"}
RABBIT = {"ssl": True, "ssl_ca_file": "/ca", "ssl_cert_file": "/c", "ssl_key_file": "/k"}

# What the pillar has under `manager`, in the newest form; a release; what its file has.
TRANSLATIONS = [
    # The API's own section came in Pike.
    ("api_settings", {"bind_host": "::1"}, "ocata", {"DEFAULT/bind_host": "::1"}),
    ("api_settings", {"pagination_max_limit": 5}, "ocata", {"DEFAULT/pagination_max_limit": "5"}),
    (
        "api_settings",
        {"api_base_uri": "http://x.example.org"},
        "ocata",
        {"DEFAULT/api_base_uri": None},
    ),
    (
        "identity",
        {"www_authenticate_uri": "http://k.example.org"},
        "pike",
        {
            "keystone_authtoken/auth_uri": "http://k.example.org",
            "keystone_authtoken/www_authenticate_uri": None,
        },
    ),
    # A list of drivers was one driver.
    (
        "controller_worker",
        {"statistics_drivers": ["stats_db", "stats_logger"]},
        "ussuri",
        {"health_manager/stats_update_driver": "stats_db"},
    ),
    (
        "controller_worker",
        {"statistics_drivers": ["stats_db", "stats_logger"]},
        "victoria",
        {"controller_worker/statistics_drivers": "stats_db,stats_logger"},
    ),
    (
        "controller_worker",
        {"statistics_drivers": ["stats_db"]},
        "ocata",
        {"health_manager/stats_update_driver": None, "controller_worker/statistics_drivers": None},
    ),
    (
        "health_manager",
        {"stats_update_driver": "stats_logger"},
        "2026.2",
        {"controller_worker/statistics_drivers": "stats_logger"},
    ),
    (
        "haproxy_amphora",
        {"active_connection_retry_interval": 3},
        "xena",
        {"haproxy_amphora/active_connection_rety_interval": "3"},
    ),
    (
        "haproxy_amphora",
        {"active_connection_retry_interval": 3},
        "pike",
        {"haproxy_amphora/active_connection_rety_interval": None},
    ),
    # Two numbers of threads were one.
    ("health_manager", THREADS, "ocata", {"health_manager/status_update_threads": "20"}),
    (
        "health_manager",
        {"health_update_threads": 7},
        "pike",
        {"health_manager/status_update_threads": "7"},
    ),
    (
        "health_manager",
        THREADS,
        "queens",
        {
            "health_manager/health_update_threads": "10",
            "health_manager/stats_update_threads": "20",
            "health_manager/status_update_threads": None,
        },
    ),
    # Neutron by keystoneauth.
    (
        "neutron",
        {
            "endpoint_override": "http://n.example.org",
            "valid_interfaces": ["public"],
            "cafile": "/ca",
        },
        "2023.1",
        {
            "neutron/endpoint": "http://n.example.org",
            "neutron/endpoint_type": "publicURL",
            "neutron/ca_certificates_file": "/ca",
        },
    ),
    (
        "neutron",
        {"endpoint_override": "http://n.example.org", "valid_interfaces": "public,internal"},
        "2023.2",
        {
            "neutron/endpoint_override": "http://n.example.org",
            "neutron/valid_interfaces": "public,internal",
            "neutron/endpoint_type": None,
        },
    ),
    (
        "neutron",
        {"valid_interfaces": "public,internal"},
        "zed",
        {"neutron/endpoint_type": "publicURL"},
    ),
    # A passphrase that can be changed is a list.
    (
        "certificates",
        {"server_certs_key_passphrase": [FIRST]},
        "zed",
        {"certificates/server_certs_key_passphrase": FIRST},
    ),
    (
        "certificates",
        {"server_certs_key_passphrase": [FIRST, SECOND]},
        "2025.1",
        {"certificates/server_certs_key_passphrase": FIRST},
    ),
    (
        "certificates",
        {"server_certs_key_passphrase": [FIRST, SECOND]},
        "2025.2",
        {"certificates/server_certs_key_passphrase": f"{FIRST},{SECOND}"},
    ),
    (
        "certificates",
        {"server_certs_key_passphrase": FIRST},
        "2025.2",
        {"certificates/server_certs_key_passphrase": FIRST},
    ),
    # Libraries.
    ("database", {"connection_recycle_time": 9}, "pike", {"database/idle_timeout": "9"}),
    (
        "message_queue",
        RABBIT,
        "ocata",
        {
            "oslo_messaging_rabbit/rabbit_use_ssl": "true",
            "oslo_messaging_rabbit/kombu_ssl_ca_certs": "/ca",
            "oslo_messaging_rabbit/kombu_ssl_certfile": "/c",
            "oslo_messaging_rabbit/kombu_ssl_keyfile": "/k",
        },
    ),
    (
        "message_queue",
        RABBIT,
        "pike",
        {f"oslo_messaging_rabbit/{name}": str(value).lower() for name, value in RABBIT.items()},
    ),
    (
        "oslo_messaging_rabbit",
        {"rpc_conn_pool_size": 9, "conn_pool_ttl": 8, "conn_pool_min_size": 7},
        "2024.2",
        {
            "DEFAULT/rpc_conn_pool_size": "9",
            "DEFAULT/conn_pool_ttl": "8",
            "DEFAULT/conn_pool_min_size": "7",
        },
    ),
    (
        "oslo_messaging_rabbit",
        {"rabbit_quorum_max_memory_bytes": 9},
        "zed",
        {"oslo_messaging_rabbit/rabbit_quroum_max_memory_bytes": "9"},
    ),
    (
        "DEFAULT",
        {"rpc_thread_pool_size": 9},
        "stein",
        {"DEFAULT/executor_thread_pool_size": "9"},
    ),
    (
        "cache",
        {"backend": "dogpile.cache.redis", "username": "u", "password": "p"},
        "2025.2",
        {"cache/redis_username": "u", "cache/redis_password": "p"},
    ),
    (
        "cache",
        {"username": "u", "password": "p", "socket_timeout": 2},
        "2025.2",
        {
            "cache/memcache_username": "u",
            "cache/memcache_password": "p",
            "cache/memcache_socket_timeout": "2",
        },
    ),
    (
        "cache",
        {"hashclient_dead_timeout": 5, "hashclient_retry_timeout": 3},
        "2025.2",
        {"cache/dead_timeout": "5", "cache/hashclient_retry_delay": "3"},
    ),
    (
        "cache",
        {"redis_username": "u", "redis_password": "p"},
        "2026.2",
        {"cache/username": "u", "cache/password": "p"},
    ),
]


@pytest.mark.parametrize(
    ("section", "given", "release", "written"),
    TRANSLATIONS,
    ids=[f"{next(iter(given))}-{release}" for _, given, release, _ in TRANSLATIONS],
)
def test_what_the_file_has(section, given, release, written):
    changes = {f"manager:{section}:{name}": value for name, value in given.items()}
    file = conf(changed(at(release, ("manager",)), changes))
    for label, text in written.items():
        where, _, option = label.partition("/")
        assert file.get(where, {}).get(option) == text


@pytest.mark.parametrize(
    ("given", "note"),
    [
        ({"manager:neutron": {"valid_interfaces": ["public"]}}, "valid_interfaces of the pillar"),
        (
            {"manager:certificates:server_certs_key_passphrase": [FIRST]},
            "the first item of the pillar's list",
        ),
        ({"manager:database:idle_timeout": 9}, "idle_timeout of the pillar"),
    ],
)
def test_a_comment_says_what_was_translated(given, note):
    build = built(changed(GOOD, given))
    notes = [one["note"] for options in build.sections.values() for one in options.values()]
    assert note in notes
    assert FIRST not in "".join(notes)


@pytest.mark.parametrize("value", ["many", [1], -1.5])
def test_a_wrong_number_of_threads_is_told_under_its_own_path(value):
    pillar = changed(
        at("ocata", ("manager",)), {"manager:health_manager:stats_update_threads": value}
    )
    (found,) = [item for item in built(pillar).found if item["level"] == "error"]
    assert found["path"] == "octavia:manager:health_manager:stats_update_threads"


class TestSecurity:
    """Options that are not left out in silence."""

    @pytest.mark.parametrize(
        ("name", "release", "value", "refused"),
        [
            ("networking/denylist_vip_networks", "zed", ["10.0.0.0/8"], True),
            ("networking/denylist_vip_networks", "zed", [], False),
            ("networking/denylist_vip_networks", "zed", None, False),
            ("oslo_policy/enforce_scope", "pike", True, True),
            ("oslo_policy/enforce_scope", "pike", "true", True),
            ("oslo_policy/enforce_scope", "pike", "no", False),
            ("oslo_policy/enforce_scope", "2026.2", True, False),
            ("oslo_policy/enforce_scope", "2026.2", "off", True),
            ("oslo_policy/enforce_new_defaults", "train", True, True),
            ("oslo_messaging_rabbit/ssl_enforce_hostname_verification", "2025.2", True, True),
            ("oslo_messaging_rabbit/ssl_enforce_hostname_verification", "2025.2", False, False),
            ("house_keeping/spare_amphora_pool_size", "zed", 3, False),
        ],
    )
    def test_refused_where_the_release_would_do_otherwise(self, name, release, value, refused):
        label = tuple(name.split("/"))
        assert translations.refuses(OPTIONS, release, label, value) is refused

    def test_all_of_them_are_options(self):
        for section, option in {*translations.SECURITY, *translations.ALWAYS_ON}:
            assert option in OPTIONS["sections"][section]


def test_whatever_takes_the_place_of_an_option_is_one_that_is_gone_or_not_yet_there():
    for label in OPTIONS["instead"]:
        section, _, option = label.partition("/")
        eras = OPTIONS["sections"][section][option]
        assert "to" in eras[-1] or eras[0]["from"] != "ocata", label
    assert translations.instead(OPTIONS, ("nova", "endpoint")) == ""
