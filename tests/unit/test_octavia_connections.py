"""Connections of a role: protected ones, the bus of notifications, the cache and the jobboard."""

from urllib.parse import urlsplit

import pytest
from given import GOOD, built, changed, conf

PEM = "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n"
FILES = {"ca_file": "/ca", "cert_file": "/cert", "key_file": "/key"}
#: GOOD without its second role, which would have to say the same.
API = {"api": GOOD["api"]}
BOARD = {"host": "10.0.0.9"}


def api(release="zed", **keys):
    """GOOD's API of a release with some keys changed."""
    changes = {f"api:{name.replace('__', ':')}": value for name, value in keys.items()}
    return changed(API, {"api:version": release, **changes})


def errors(pillar, **grains):
    """Path and reason of each error."""
    found = built(pillar, **grains).found
    return [(item["path"], item["reason"]) for item in found if item["level"] == "error"]


class TestDatabase:
    """TLS to the database."""

    @pytest.mark.parametrize(
        ("block", "query"),
        [
            ({"ssl": {"enabled": True, "ca_file": "/ca"}}, "ssl_ca=/ca"),
            ({"ssl": {"enabled": True, "cacert_file": "/ca"}}, "ssl_ca=/ca"),
            ({"ssl": {"ca_file": "/ca"}}, "ssl_ca=/ca"),
            ({"ssl": True}, "ssl_ca=/etc/ssl/certs/ca-certificates.crt"),
            ({"ssl": {"enabled": False, "ca_file": "/ca"}}, ""),
            ({"ssl": False}, ""),
            (
                {"ssl": {"ca_file": "/ca", "check_hostname": False}},
                "ssl_ca=/ca&ssl_check_hostname=false",
            ),
            ({"x509": FILES}, "ssl_ca=/ca&ssl_cert=/cert&ssl_key=/key"),
            (
                {"ssl": {"ca_file": "/other"}, "x509": {"enabled": True, **FILES}},
                "ssl_ca=/ca&ssl_cert=/cert&ssl_key=/key",
            ),
            (
                {"x509": {"cacert": PEM, "cert": PEM, "key": PEM}},
                "&".join(
                    f"ssl_{key}=/etc/octavia/ssl/mysql/{name}.pem"
                    for key, name in (
                        ("ca", "ca-cert"),
                        ("cert", "client-cert"),
                        ("key", "client-key"),
                    )
                ),
            ),
        ],
    )
    def test_of_mysql(self, block, query):
        url = conf(api(database={**GOOD["api"]["database"], **block}))["database"]["connection"]
        assert urlsplit(url).query == query

    def test_of_postgresql(self):
        database = {**GOOD["api"]["database"], "engine": "postgresql"}
        url = conf(api(database={**database, "x509": FILES}))["database"]["connection"]
        assert url.startswith("postgresql://octavia:db-secret@10.0.0.2:5432/octavia?")
        wanted = "sslmode=verify-full&sslrootcert=/ca&sslcert=/cert&sslkey=/key"
        assert urlsplit(url).query == wanted
        loose = {**database, "ssl": {"ca_file": "/ca", "check_hostname": False}}
        url = conf(api(database=loose))["database"]["connection"]
        assert urlsplit(url).query == "sslmode=verify-ca&sslrootcert=/ca"

    def test_the_ca_of_the_system_is_that_of_its_family(self):
        pillar = api(database__ssl=True)
        url = conf(pillar, os="RedHat", os_family="RedHat")["database"]["connection"]
        assert urlsplit(url).query == "ssl_ca=/etc/pki/tls/certs/ca-bundle.crt"

    @pytest.mark.parametrize(
        ("block", "path", "reason"),
        [
            ({"cert_file": "/c"}, "x509:cert_file", "is of no use without key_file"),
            ({"key": PEM}, "x509:key", "is of no use without cert"),
            ({"cert": "/a/path", "key": PEM}, "x509:cert", "is no certificate or key in PEM form"),
            ({"ca": "/c"}, "x509:ca", "is an unknown key"),
            ("yes", "x509", "is not a mapping of names to values"),
        ],
    )
    def test_mistakes(self, block, path, reason):
        assert errors(api(database__x509=block)) == [(f"octavia:api:database:{path}", reason)]

    def test_a_key_in_the_pillar_is_never_shown(self):
        key = "-----BEGIN PRIVATE KEY-----\nMIIsecret\n-----END PRIVATE KEY-----\n"
        build = built(api(database__x509={"cert": 5, "key": key}))
        assert "MIIsecret" not in str(build.found) + str(build.result())
        build = built(api(database__x509={"cert": PEM, "key": "MIIsecret"}))
        assert build.found
        assert "MIIsecret" not in str(build.found) + str(build.result())
        build = built(api(database__x509={"cert": PEM, "key": key}))
        assert "MIIsecret" not in str(build.found) + str(build.result())
        assert build.node.content("/etc/octavia/ssl/mysql/client-key.pem") == key

    def test_two_roles_cannot_have_different_content_in_one_file(self):
        other = PEM.replace("abc", "xyz")
        both = changed(
            GOOD,
            {"api:database:ssl": {"cacert": PEM}, "manager:database:ssl": {"cacert": other}},
        )
        ((path, reason),) = errors(both)
        assert path == "octavia:manager:database:ssl:cacert"
        assert "contradicts octavia:api:database:ssl:cacert" in reason


class TestMessageQueue:
    """TLS to the brokers, and the bus of notifications."""

    def test_files_and_port(self):
        written = conf(api(message_queue__x509=FILES))
        assert ":5671/" in written["DEFAULT"]["transport_url"]
        assert written["oslo_messaging_rabbit"] == {
            "ssl": "true",
            "ssl_ca_file": "/ca",
            "ssl_cert_file": "/cert",
            "ssl_key_file": "/key",
        }

    def test_a_port_of_the_pillar_stays(self):
        written = conf(api(message_queue__ssl=True, message_queue__port=5672))
        assert ":5672/" in written["DEFAULT"]["transport_url"]

    def test_the_oldest_release_has_other_names(self):
        written = conf(api("ocata", message_queue__x509=FILES))["oslo_messaging_rabbit"]
        assert set(written) == {
            *("rabbit_use_ssl", "kombu_ssl_ca_certs", "kombu_ssl_certfile", "kombu_ssl_keyfile")
        }

    def test_options_of_the_section_stand_beside(self):
        written = conf(
            api("2025.1", message_queue__ssl=True, message_queue__rabbit_quorum_queue=True)
        )
        assert written["oslo_messaging_rabbit"]["rabbit_quorum_queue"] == "true"

    def test_notifications_have_a_bus_of_their_own(self):
        transport = {
            "members": [{"host": "n1"}, {"host": "n2", "port": 7}],
            "user": "notify",
            "password": "notify-secret",
            "virtual_host": "/n",
        }
        written = conf(api(notification={"transport": transport}))["oslo_messaging_notifications"]
        assert written == {
            "driver": "messagingv2",
            "transport_url": "rabbit://notify:notify-secret@n1:5672,notify:notify-secret@n2:7//n",
        }
        protected = conf(api(notification={"transport": transport}, message_queue__ssl=True))
        assert "@n1:5671," in protected["oslo_messaging_notifications"]["transport_url"]

    def test_a_bus_without_an_account_is_refused(self):
        found = errors(api(notification={"transport": {"host": "n1", "user": "a/b"}}))
        assert [path.rpartition(":")[2] for path, _ in found] == ["password", "user"]


def test_tokens_in_the_cache_are_encrypted():
    cache = {"members": [{"host": "m1"}], "security": {"secret_key": "cache-secret"}}
    written = conf(api(cache=cache))["keystone_authtoken"]
    assert written["memcache_security_strategy"] == "ENCRYPT"
    assert written["memcache_secret_key"] == "cache-secret"
    found = errors(api(cache={"members": [{"host": "m1"}], "security": {"strategy": "ROT13"}}))
    assert [path for path, _ in found] == [
        "octavia:api:cache:security:strategy",
        "octavia:api:cache:security:secret_key",
    ]


class TestJobboard:
    """The jobboard, its backends and its database."""

    def board(self, release, **keys):
        """What [task_flow] has for a jobboard."""
        return conf(api(release, jobboard={**BOARD, **keys}))["task_flow"]

    def test_redis(self):
        assert self.board("2025.1", user="u", password="board-secret", database=3, ssl=FILES) == {
            "jobboard_enabled": "true",
            "jobboard_backend_driver": "redis_taskflow_driver",
            "jobboard_backend_hosts": "10.0.0.9",
            "jobboard_backend_port": "6379",
            "jobboard_backend_username": "u",
            "jobboard_backend_password": "board-secret",
            "jobboard_redis_backend_db": "3",
            "jobboard_redis_backend_ssl_options": (
                "ssl:true,ssl_ca_certs:/ca,ssl_certfile:/cert,ssl_keyfile:/key"
            ),
        }

    def test_sentinels(self):
        written = self.board(
            "2025.1",
            host=None,
            members=[{"host": "s1"}, {"host": "s2"}],
            sentinel={"name": "octavia", "password": "sentinel-secret", "ssl": {"ca_file": "/ca"}},
        )
        assert written["jobboard_backend_hosts"] == "s1,s2"
        assert written["jobboard_backend_port"] == "26379"
        assert written["jobboard_redis_sentinel"] == "octavia"
        assert written["jobboard_redis_sentinel_password"] == "sentinel-secret"
        options = "ssl:true,ssl_ca_certs:/ca"
        assert written["jobboard_redis_sentinel_ssl_options"] == options

    def test_etcd_and_zookeeper(self):
        written = self.board("2025.1", engine="etcd", ssl=FILES)
        assert written["jobboard_backend_port"] == "2379"
        options = "use_ssl:true,ca_cert:/ca,cert_cert:/cert,cert_key:/key"
        assert written["jobboard_etcd_ssl_options"] == options
        pair = {"cert_file": "/cert", "key_file": "/key"}
        written = self.board("zed", engine="zookeeper", ssl=pair)
        assert written["jobboard_backend_port"] == "2181"
        options = "use_ssl:true,certfile:/cert,keyfile:/key"
        assert written["jobboard_zookeeper_ssl_options"] == options

    def test_its_database(self):
        persistence = {"host": "db", "name": "jobs", "user": "j", "password": "jobs-secret"}
        written = self.board("zed", persistence={**persistence, "ssl": {"ca_file": "/ca"}})
        url = "mysql+pymysql://j:jobs-secret@db:3306/jobs?ssl_ca=/ca"
        assert written["persistence_connection"] == url
        # The API would write this URL to its log.
        levels = conf(api("zed", jobboard={**BOARD, "persistence": persistence}))["DEFAULT"]
        assert "octavia.api.app=WARNING" in levels["default_log_levels"]
        build = built(api("zed", jobboard={**BOARD, "persistence": persistence}))
        assert build.result()["persistence"] is True

    def test_off(self):
        assert conf(api(jobboard=False))["task_flow"] == {"jobboard_enabled": "false"}
        assert conf(api(jobboard={"enabled": False}))["task_flow"] == {"jobboard_enabled": "false"}

    @pytest.mark.parametrize(
        ("release", "board", "path"),
        [
            ("zed", {}, "host|members"),
            ("zed", {**BOARD, "engine": "etcd"}, "engine"),
            ("zed", {**BOARD, "engine": "mongo"}, "engine"),
            ("zed", {"members": [{"host": "a", "port": 1}, {"host": "b", "port": 2}]}, "members"),
            ("zed", {**BOARD, "engine": "zookeeper", "ssl": FILES}, "ssl"),
            ("zed", {**BOARD, "engine": "zookeeper", "sentinel": {"name": "x"}}, "sentinel"),
            ("zed", {**BOARD, "sentinel": {}}, "sentinel:name"),
            ("zed", {**BOARD, "persistence": {"host": "db"}}, "persistence:name"),
            ("zed", {**BOARD, "expiration": "soon"}, "expiration"),
            ("zed", {**BOARD, "hosts": ["a"]}, "hosts"),
        ],
    )
    def test_mistakes(self, release, board, path):
        found = errors(api(release, jobboard=board))
        assert f"octavia:api:jobboard:{path}" in [where for where, _ in found]

    def test_what_a_release_lacks_is_told(self):
        found = built(api("zed", jobboard={**BOARD, "user": "u"})).found
        assert "octavia:api:jobboard:user" in [item["path"] for item in found]
        found = built(api("train", jobboard=BOARD)).found
        assert {item["path"] for item in found} >= {"octavia:api:jobboard"}

    @pytest.mark.parametrize(
        ("engine", "package"),
        [("redis", "python3-redis"), ("etcd", "python3-etcd3gw"), ("zookeeper", "python3-kazoo")],
    )
    def test_its_package(self, engine, package):
        build = built(api("2025.1", jobboard={**BOARD, "engine": engine}))
        assert package in build.result()["packages"]["api"]


@pytest.mark.parametrize(
    ("grains", "engine", "package"),
    [
        ({}, "mysql", "python3-pymysql"),
        ({}, "postgresql", "python3-psycopg2"),
        ({"os": "Ubuntu"}, "mysql", "python3-pymysql"),
        ({"os": "RedHat", "os_family": "RedHat"}, "mysql", "python3-PyMySQL"),
    ],
)
def test_the_driver_of_the_database_is_a_package(grains, engine, package):
    result = built(api(database__engine=engine), **grains).result()
    assert package in result["packages"]["api"]
