"""The map: what the SLS learn about a node."""

import fnmatch
import itertools
import json
from typing import Any, ClassVar

import pytest
from given import GOOD, SECRETS, at, built, changed

#: What all services of a controller read, in GOOD, which has one CA.
CERTIFICATES = [
    "/etc/octavia/certs/ca_01.pem",
    "/etc/octavia/certs/private/cakey.pem",
    "/etc/octavia/certs/client_all.pem",
]


def known(pillar, **grains):
    """The map of a pillar in which nothing is wrong."""
    result = built(pillar, **grains).result()
    assert result["valid"], result["findings"]
    return result


class TestRoles:
    """Which roles a node has, and what belongs to them."""

    @pytest.mark.parametrize("roles", [["api"], ["manager"], ["client"], ["api", "manager"]])
    def test_a_node_has_the_roles_that_its_pillar_names(self, roles):
        result = known({role: GOOD[role] for role in roles})
        assert result["roles"] == roles
        assert list(result["packages"]) == roles
        servers = [role for role in roles if role != "client"]
        assert list(result["units_of"]) == servers
        assert result["units"].keys() == {unit for role in servers for unit in UNITS[role]}
        assert bool(result["api_url"]) is ("api" in roles)
        assert bool(result["heartbeat"]) is ("manager" in roles)
        assert bool(result["ssh"]) is ("manager" in roles)
        assert bool(result["clouds_file"]) is ("client" in roles)

    def test_roles_come_in_the_order_in_which_they_are_set_up(self):
        turned = {role: GOOD[role] for role in ("client", "manager", "api")}
        assert known(turned)["roles"] == ["api", "manager", "client"]

    def test_a_client_alone_needs_no_version(self):
        result = known({"client": {"enabled": True}})
        assert (result["release"], result["units"], result["clouds_file"]) == ("", {}, "")
        assert result["packages"] == {
            "client": ["python3-octaviaclient", "python3-openstackclient"]
        }
        assert not result["syncs_db"]

    def test_a_node_whose_roles_are_all_switched_off_has_nothing_to_do(self):
        off = {f"{role}:enabled": False for role in ("api", "manager", "client")}
        result = known(changed(GOOD, off))
        assert (result["roles"], result["units"], result["packages"]) == ([], {}, {})

    @pytest.mark.parametrize("role", ["api", "manager", "client"])
    def test_only_a_role_that_is_there_can_be_switched_off(self, role):
        assert known(changed(GOOD, {f"{role}:enabled": False}))["roles_off"] == [role]
        assert known({role: GOOD[role]})["roles_off"] == []

    @pytest.mark.parametrize(
        ("role", "syncs"), [("primary", True), (None, True), ("secondary", False)]
    )
    def test_the_primary_syncs_the_database(self, role, syncs):
        assert known(changed(GOOD, {"api:role": role}))["syncs_db"] is syncs

    def test_controllers_alone_do_not_sync_the_database(self):
        assert known({"manager": GOOD["manager"]})["syncs_db"] is False

    @pytest.mark.parametrize(("grain", "flag"), [(True, True), (False, False)])
    def test_noservices_comes_from_the_grain(self, grain, flag):
        result = known(GOOD, noservices=grain)
        assert result["noservices"] is flag
        assert result["roles"] == ["api", "manager", "client"]
        assert known(GOOD)["noservices"] is False

    def test_the_map_holds_no_secret(self):
        shown = json.dumps(known(GOOD))
        assert [secret for secret in SECRETS if secret in shown] == []

    def test_it_travels_as_plain_data(self):
        result = known(GOOD)
        assert json.loads(json.dumps(result)) == result


UNITS = {
    "api": ["octavia-driver-agent", "octavia-api"],
    "manager": ["octavia-worker", "octavia-health-manager", "octavia-housekeeping"],
}


class TestUnits:
    """The units, their settings and the files they read."""

    @pytest.mark.parametrize(
        ("release", "there"), [("ocata", False), ("rocky", False), ("stein", True), ("zed", True)]
    )
    def test_the_driver_agent_came_in_stein(self, release, there):
        result = known(at(release, ("api",)))
        assert ("octavia-driver-agent" in result["units"]) is there
        assert ("octavia-driver-agent" in result["packages"]["api"]) is there

    @pytest.mark.parametrize(
        ("release", "supplied", "packaged"),
        [
            ("rocky", False, False),
            ("stein", True, False),
            ("yoga", True, False),
            ("zed", False, True),
        ],
    )
    def test_the_formula_supplies_the_driver_agent_until_the_packages_do(
        self, release, supplied, packaged
    ):
        result = known(at(release, ("api",)), os="RedHat", os_family="RedHat")
        agent = result["units"].get("octavia-driver-agent", {"supplied": {}})
        assert bool(agent["supplied"]) is supplied
        assert ("openstack-octavia-driver-agent" in result["packages"]["api"]) is packaged
        assert ("octavia-driver-agent" in result["held_units"]["api"]) is packaged
        assert (agent != {"supplied": {}}) is (supplied or packaged)

    def test_a_worker_may_end_its_flows(self):
        units = known(GOOD)["units"]
        assert units["octavia-worker"]["service"]["TimeoutStopSec"] == 960
        assert units["octavia-driver-agent"]["service"]["TimeoutStopSec"] == 5
        assert all(unit["service"]["RuntimeDirectoryPreserve"] == "yes" for unit in units.values())

    def test_settings_of_the_pillar_win_one_by_one(self):
        settings = {"TimeoutStopSec": 30, "LimitNOFILE": 65535, "NoNewPrivileges": True}
        units = known(changed(GOOD, {"services": {"octavia-worker": settings}}))["units"]
        assert units["octavia-worker"]["service"] == {
            "RuntimeDirectoryPreserve": "yes",
            "TimeoutStopSec": "30",
            "LimitNOFILE": "65535",
            "NoNewPrivileges": "yes",
        }

    @pytest.mark.parametrize(
        ("changes", "reads"),
        [
            ({}, []),
            (
                {"api:bind:cert_file": "/api.pem", "api:bind:key_file": "/api.key"},
                ["/api.pem", "/api.key"],
            ),
            ({"api:audit": {"enabled": True}}, ["/etc/octavia/octavia_api_audit_map.conf"]),
            ({"api:audit": {"map_file": "/map"}}, ["/map"]),
            ({"api:audit": {"enabled": False}}, []),
        ],
    )
    def test_the_api_reads_more_than_its_configuration(self, changes, reads):
        units = known(changed(GOOD, changes))["units"]
        uwsgi = ["/etc/octavia/octavia-api-bind.ini", "/etc/default/octavia-api"]
        assert units["octavia-api"]["reads"] == uwsgi + reads
        assert units["octavia-worker"]["reads"] == CERTIFICATES

    def test_without_uwsgi_it_reads_nothing_of_it(self):
        assert known(GOOD, os="Ubuntu")["units"]["octavia-api"]["reads"] == []


class TestAddresses:
    """Where the API listens, and where it is looked for."""

    @pytest.mark.parametrize(
        ("changes", "socket", "url"),
        [
            ({}, "10.0.0.1:9876", "http://10.0.0.1:9876/"),
            ({"api:bind": {}}, "127.0.0.1:9876", "http://127.0.0.1:9876/"),
            ({"api:bind:address": "0.0.0.0"}, "0.0.0.0:9876", "http://127.0.0.1:9876/"),
            ({"api:bind:address": "::"}, "[::]:9876", "http://[::1]:9876/"),
            (
                {"api:bind:address": "fd00::1", "api:bind:port": "8443"},
                "[fd00::1]:8443",
                "http://[fd00::1]:8443/",
            ),
            (
                {"api:bind:cert_file": "/api.pem", "api:bind:key_file": "/api.key"},
                "10.0.0.1:9876",
                "https://10.0.0.1:9876/",
            ),
            (
                {"api:bind": {}, "api:api_settings": {"bind_host": "10.0.0.8", "bind_port": 1234}},
                "10.0.0.8:1234",
                "http://10.0.0.8:1234/",
            ),
            ({"api:bind": {"bind_port": None}}, "127.0.0.1:9876", "http://127.0.0.1:9876/"),
        ],
    )
    def test_the_api_listens_where_the_pillar_says(self, changes, socket, url):
        result = known(changed(GOOD, changes))
        assert (result["uwsgi"]["socket"], result["api_url"]) == (socket, url)

    @pytest.mark.parametrize("release", ["ocata", "pike", "rocky", "stein", "2026.2"])
    def test_it_does_so_in_every_release(self, release):
        pillar = changed(at(release, ("api",)), {"api:bind": {"address": "fd00::1", "port": 1234}})
        assert known(pillar)["api_url"] == "http://[fd00::1]:1234/"

    def test_size_of_the_api(self):
        assert known(GOOD)["uwsgi"]["sizes"] == {}
        sized = changed(GOOD, {"api:bind:processes": "4", "api:bind:threads": 2})
        assert known(sized)["uwsgi"]["sizes"] == {"processes": 4, "threads": 2}

    @pytest.mark.parametrize(
        ("health_manager", "address", "port"),
        [
            ({"bind_ip": "fd00::1", "bind_port": 5556}, "fd00::1", 5556),
            ({"bind_port": None}, "127.0.0.1", 5555),
            ({}, "127.0.0.1", 5555),
        ],
    )
    def test_the_health_manager(self, health_manager, address, port):
        result = known(changed(GOOD, {"manager:health_manager": health_manager}))
        assert result["heartbeat"] == {"address": address, "port": port}


class TestSystems:
    """Names that depend on the operating system."""

    @pytest.mark.parametrize(
        ("grains", "package", "uwsgi"),
        [
            ({"os": "Debian", "os_family": "Debian"}, "octavia-common", True),
            ({"os": "Raspbian", "os_family": "Debian"}, "octavia-common", True),
            ({"os": "Ubuntu", "os_family": "Debian"}, "octavia-common", False),
            ({"os": "Rocky", "os_family": "RedHat"}, "openstack-octavia-common", False),
        ],
    )
    def test_the_nearest_description_counts(self, grains, package, uwsgi):
        result = known(GOOD, **grains)
        assert result["release_package"] == package
        assert bool(result["uwsgi"]) is uwsgi


class TestServer:
    """Settings of the server that runs the API, where the packages have it run by another."""

    TLS: ClassVar = {"api:bind:cert_file": "/api.pem", "api:bind:key_file": "/api.key"}

    def test_a_size_without_uwsgi_is_told_and_left_out(self):
        sized = changed(GOOD, {"api:bind:processes": 4, "api:bind:threads": 2})
        build = built(sized, os="Ubuntu")
        assert [(item["level"], item["path"], item["value"]) for item in build.found] == [
            ("warning", "octavia:api:bind:processes", "4"),
            ("warning", "octavia:api:bind:threads", "2"),
        ]
        assert build.result()["valid"]

    @pytest.mark.parametrize("keys", [["cert_file", "key_file"], ["cert_file"], ["key_file"]])
    def test_tls_without_uwsgi_is_refused(self, keys):
        tls = {path: value for path, value in self.TLS.items() if path.split(":")[2] in keys}
        build = built(changed(GOOD, tls), os="Ubuntu")
        assert [(item["level"], item["path"]) for item in build.found] == [
            ("error", f"octavia:api:bind:{key}") for key in keys
        ]

    def test_with_uwsgi_both_are_right(self):
        assert built(changed(GOOD, self.TLS)).found == []
        empty = dict.fromkeys(self.TLS)
        assert known(changed(GOOD, empty))["api_url"] == "http://10.0.0.1:9876/"

    def test_a_role_that_is_switched_off_is_not_looked_at(self):
        assert built(changed(GOOD, {**self.TLS, "api:enabled": False}), os="Ubuntu").found == []


class TestSsh:
    """The private key by which an operator reaches the amphorae."""

    def test_defaults(self):
        assert known(GOOD)["ssh"] == {
            "private_key_file": "/etc/octavia/.ssh/octavia_ssh_key",
            "directory": "/etc/octavia/.ssh",
            "user": "octavia",
            "group": "octavia",
        }

    def test_other_places_and_owners(self):
        given = {"private_key_file": "/etc/octavia/keys/id", "user": "root", "group": "adm"}
        result = known(changed(GOOD, {"manager:ssh": {**given, "private_key": "ssh-secret"}}))
        assert result["ssh"] == {**given, "directory": "/etc/octavia/keys"}

    @pytest.mark.parametrize("path", ["/etc/id", "/etc/octavia/id", "/root/.ssh/id", "/id"])
    def test_a_directory_of_others_is_left_alone(self, path):
        ssh = {"private_key_file": path, "private_key": "ssh-secret"}
        assert known(changed(GOOD, {"manager:ssh": ssh}))["ssh"]["directory"] == ""

    @pytest.mark.parametrize("ssh", [None, {}, {"user": "octavia"}, {"private_key": None}])
    def test_without_a_key_nothing_is_written(self, ssh):
        assert known(changed(GOOD, {"manager:ssh": ssh}))["ssh"] == {}


class TestPersistence:
    """The jobboard's database."""

    @pytest.mark.parametrize(
        ("release", "enabled", "url", "wanted"),
        [
            ("2025.1", True, "mysql+pymysql://o:p@h/persistence", True),
            ("2025.1", "yes", "mysql+pymysql://o:p@h/persistence", True),
            ("2025.1", False, "mysql+pymysql://o:p@h/persistence", False),
            ("2025.1", None, "mysql+pymysql://o:p@h/persistence", False),
            ("2025.1", True, None, False),
            ("train", True, "mysql+pymysql://o:p@h/persistence", False),
        ],
    )
    def test_it_is_migrated_where_a_jobboard_uses_it(self, release, enabled, url, wanted):
        board = {"jobboard_enabled": enabled, "persistence_connection": url}
        pillar = changed(at(release, ("api",)), {"api:task_flow": board})
        assert known(pillar)["persistence"] is wanted
        assert known(at(release, ("api",)))["persistence"] is False


#: Upstream's order, by role.
STOPPED = {
    "octavia-housekeeping": "manager",
    "octavia-health-manager": "manager",
    "octavia-api": "api",
    "octavia-driver-agent": "api",
    "octavia-worker": "manager",
}
HEALTH: dict[str, Any] = {
    "enabled": True,
    "backends": ["octavia_db_check", "disable_by_file"],
    "disable_by_file_path": "/var/lib/octavia/out",
}


class TestUpgrade:
    """What the phases of an upgrade need to know."""

    @pytest.mark.parametrize(
        "roles",
        [roles for count in range(4) for roles in itertools.combinations(GOOD, count)],
    )
    def test_services_are_stopped_in_upstreams_order(self, roles):
        off = {f"{role}:enabled": False for role in GOOD if role not in roles}
        result = known(changed(GOOD, off))
        assert result["stop_order"] == [name for name, role in STOPPED.items() if role in roles]
        assert set(result["stop_order"]) == set(result["units"])

    @pytest.mark.parametrize("release", ["ocata", "rocky"])
    def test_what_the_release_does_not_have_is_not_stopped(self, release):
        wanted = [name for name in STOPPED if name != "octavia-driver-agent"]
        assert known(at(release))["stop_order"] == wanted

    @pytest.mark.parametrize("roles", [("api",), ("api", "manager")])
    def test_apache_is_nobody_s_unit(self, roles):
        pillar = {role: GOOD[role] for role in roles}
        result = known(changed(pillar, {"api:bind:server": "apache"}), os="Ubuntu")
        wanted = [name for name, role in STOPPED.items() if role in roles and name != "octavia-api"]
        assert result["stop_order"] == wanted

    def test_a_pillar_with_a_mistake_stops_nothing(self):
        result = built(changed(GOOD, {"api:version": "x"})).result()
        assert (result["stop_order"], result["release_packages"]) == ([], [])
        assert (result["drain"], result["dump_packages"]) == ({}, [])

    @pytest.mark.parametrize(
        ("roles", "packages"),
        [
            (
                ("api",),
                [
                    *("octavia-common", "octavia-api", "octavia-driver-agent"),
                    *("python3-pymysql", "uwsgi-plugin-python3"),
                ],
            ),
            (
                ("manager",),
                [
                    *("octavia-common", "octavia-worker", "octavia-health-manager"),
                    *("octavia-housekeeping", "python3-pymysql"),
                ],
            ),
            (("client",), ["python3-octaviaclient", "python3-openstackclient"]),
        ],
    )
    def test_packages_of_a_release(self, roles, packages):
        assert known({role: GOOD[role] for role in roles})["release_packages"] == packages

    def test_packages_of_a_release_each_once(self):
        result = known(GOOD)
        wanted = {name for packages in result["packages"].values() for name in packages}
        assert set(result["release_packages"]) == {"octavia-common", *wanted}
        assert len(set(result["release_packages"])) == len(result["release_packages"])
        redhat = known(GOOD, os="Rocky", os_family="RedHat")["release_packages"]
        assert redhat[0] == "openstack-octavia-common"

    @pytest.mark.parametrize("os", ["Debian", "Rocky"])
    def test_none_of_them_carries_tenants_traffic(self, os):
        result = known(GOOD, os=os, os_family={"Rocky": "RedHat"}.get(os, os))
        plane = result["data_plane"]
        assert {"haproxy", "keepalived"} <= set(plane)
        names = result["release_packages"]
        assert not [name for name in names for one in plane if fnmatch.fnmatch(name, one)]

    @pytest.mark.parametrize(
        ("health", "file"),
        [
            (HEALTH, "/var/lib/octavia/out"),
            ({**HEALTH, "backends": ["disable_by_file"]}, "/var/lib/octavia/out"),
            ({**HEALTH, "enabled": False}, ""),
            ({**HEALTH, "backends": ["octavia_db_check"]}, ""),
            ({**HEALTH, "backends": None}, ""),
            ({**HEALTH, "disable_by_file_path": None}, ""),
            (False, ""),
            (True, ""),
        ],
    )
    def test_what_takes_the_api_out_of_the_balancer(self, health, file):
        pillar = changed(at("2025.1", ("api",)), {"api:healthcheck": health})
        drain = known(pillar)["drain"]
        assert drain.get("file", "") == file
        assert bool(drain) is bool(file)

    @pytest.mark.parametrize(
        ("changes", "url"),
        [
            ({}, "http://10.0.0.1:9876/healthcheck"),
            ({"api:bind:address": "0.0.0.0"}, "http://127.0.0.1:9876/healthcheck"),
            (
                {"api:bind:cert_file": "/c", "api:bind:key_file": "/k"},
                "https://10.0.0.1:9876/healthcheck",
            ),
        ],
    )
    def test_where_that_shows(self, changes, url):
        pillar = changed(GOOD, {"api:version": "2025.1", "manager:version": "2025.1", **changes})
        assert known(changed(pillar, {"api:healthcheck": HEALTH}))["drain"]["url"] == url
        elsewhere = {"api:healthcheck": {**HEALTH, "path": "/alive"}}
        moved = url.replace("healthcheck", "alive")
        assert known(changed(pillar, elsewhere))["drain"]["url"] == moved

    def test_only_the_api_can_be_taken_out(self):
        assert known({"manager": GOOD["manager"]})["drain"] == {}
        assert known(at("train", ("api",)))["drain"] == {}

    @pytest.mark.parametrize(
        ("connection", "debian", "redhat"),
        [
            ("mysql+pymysql://o:p@h/n", ["mariadb-client"], ["mariadb"]),
            ("mysql://o:p@h/n", ["mariadb-client"], ["mariadb"]),
            ("postgresql://o:p@h/n", ["postgresql-client"], ["postgresql"]),
            ("postgresql+psycopg2://o:p@h/n", ["postgresql-client"], ["postgresql"]),
            ("sqlite:////n", [], []),
        ],
    )
    def test_what_saves_the_database(self, connection, debian, redhat):
        api = {key: value for key, value in GOOD["api"].items() if key != "database"}
        pillar = {"api": {**api, "database": {"connection": connection}}}
        assert known(pillar)["dump_packages"] == debian
        assert known(pillar, os="Rocky", os_family="RedHat")["dump_packages"] == redhat
        assert known({"client": GOOD["client"]})["dump_packages"] == []

    @pytest.mark.parametrize(("engine", "package"), [("mysql", "mariadb"), ("postgresql", "post")])
    def test_by_the_engine_of_the_pillar(self, engine, package):
        api = changed({"api": GOOD["api"]}, {"api:database:engine": engine})
        (found,) = known(api)["dump_packages"]
        assert found.startswith(package)

    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            ({}, "/etc/openstack/clouds.yaml"),
            ({"client:clouds": None}, "/etc/openstack/clouds.yaml"),
            ({"client:clouds_file": "/root/clouds.yaml"}, "/root/clouds.yaml"),
            ({"client:enabled": False}, "/etc/openstack/clouds.yaml"),
        ],
    )
    def test_where_clouds_are_lent_to(self, changes, path):
        assert known(changed(GOOD, changes))["upgrade_clouds_file"] == path
