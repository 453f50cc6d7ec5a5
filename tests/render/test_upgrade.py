"""The phases of an upgrade: their states, in which order they run, and what a failure stops."""

import copy
import fnmatch
import itertools
from typing import ClassVar

import harness
import pytest
import yaml
from cases import CASES

PHASES = {
    "ready": ["octavia.check", "octavia.upgrade.ready"],
    "pre": ["octavia.upgrade.upgrade.pre"],
    "stopped": ["octavia.upgrade.service_stopped"],
    "packages": ["octavia.upgrade.pkg_latest"],
    "configuration": [
        *("octavia.upgrade.render_config", "octavia.config*", "octavia.*.units"),
        *("octavia.api.server", "octavia.client.clouds"),
    ],
    "schema": ["octavia.upgrade.offline_sync", "octavia.db.offline_sync"],
    "running": ["octavia.upgrade.service_running", "octavia.api.apache", "octavia.db"],
    "post": ["octavia.upgrade.upgrade.post"],
    "told": ["octavia.upgrade.upgrade"],
}
#: These need not wait for the phases before: the first only refuses a change of the heartbeat key,
#: the second follows from a change of the state before, the last one tells in any case.
EXCEPTIONS = {"octavia_heartbeat_key", "octavia_upgrade_told"}
#: The phases by themselves.
ALONE = (
    *("pre", "ready", "post", "upgrade.pre", "upgrade.post", "upgrade", "verify"),
    *("service_stopped", "pkg_latest", "pkgs_latest", "render_config"),
    *("offline_sync", "service_running"),
)
UPSTREAM = [
    *("octavia-housekeeping", "octavia-health-manager", "octavia-api", "octavia-driver-agent"),
    "octavia-worker",
]


def pillar(name, system="debian12", **roles):
    """The pillar of a case, with some keys of its roles changed."""
    changed = copy.deepcopy(CASES[name].pillar(system))
    for role, keys in roles.items():
        changed["octavia"].setdefault(role, {}).update(keys)
    return changed


MINIONS = {}


@pytest.fixture(scope="module", autouse=True)
def _ended():
    """Minions are made once for all tests."""
    yield
    while MINIONS:
        MINIONS.popitem()[1].highstate.destroy()


def low(sls, node="all roles", **grains):
    """The states of a phase on one of the nodes, or with a pillar; no requisite leads nowhere."""
    key = f"{node}{grains}"
    if key not in MINIONS:
        case, system, roles = NODES[node] if isinstance(node, str) else (None, "debian12", {})
        given = pillar(case, system, **roles) if case else node
        MINIONS[key] = harness.Minion(system, given, **grains)
    chunks = MINIONS[key].low(sls)
    assert harness.unresolved(chunks) == []
    return chunks


def executed(chunks):
    """The states in the order in which they run: before each one all that it needs."""
    done, known = [], {chunk["__id__"]: chunk for chunk in chunks}

    def run(chunk):
        if chunk["__id__"] in done:
            return
        needed = harness.needs(chunk, chunks)
        for name, other in known.items():
            if name in needed:
                run(other)
        done.append(chunk["__id__"])

    for chunk in chunks:
        run(chunk)
    return [known[name] for name in done]


def phase(chunk):
    """The number of the phase that a state belongs to."""
    (found,) = (
        number
        for number, names in enumerate(PHASES.values())
        if any(fnmatch.fnmatch(chunk["__sls__"], name) for name in names)
    )
    return found


def funs(chunks, *modules):
    """Functions of the formula's own state modules, and what they are about."""
    return [
        (chunk["fun"], chunk["name"])
        for chunk in chunks
        if chunk["state"] in (modules or ("octavia_upgrade", "octavia_control"))
    ]


def up(chunks):
    """Which units are looked at, one after the other."""
    return [chunk["units"] for chunk in chunks if chunk["fun"] == "up"]


JOBBOARD = {
    "jobboard_enabled": True,
    "persistence_connection": "mysql+pymysql://octavia:s3cr3t@127.0.0.1/persistence",
}
NODES = {
    "all roles": ("aio", "debian12", {}),
    "rolling": ("aio", "debian13", {"upgrade": {"mode": "rolling"}}),
    "manager": ("manager_single", "debian12", {}),
    "primary": ("api_single", "debian12", {}),
    "secondary": ("api_single", "debian12", {"api": {"role": "secondary"}}),
    "cluster": ("api_cluster", "debian13", {}),
    "jobboard": ("api_single", "debian13", {"api": {"task_flow": JOBBOARD}}),
    "apache": ("part_apache", "ubuntu2404", {}),
    "apache alone": ("part_apache", "ubuntu2404", {"manager": {"enabled": False}}),
    "secondary apache": ("part_apache", "redhat9", {"api": {"role": "secondary"}}),
    "supplied unit": ("api_single", "redhat9", {"api": {"version": "yoga"}}),
    "files of TLS": ("part_database_tls", "debian13", {}),
    "policies": ("part_policy_scoped", "debian13", {}),
    "ovn": ("part_ovn", "debian13", {}),
    "logs": ("part_logging", "debian13", {}),
    "health check": ("part_healthcheck", "debian13", {}),
    "audit": ("part_audit", "debian13", {}),
    "client": (
        *("aio", "debian12"),
        {"api": {"enabled": False}, "manager": {"enabled": False}},
    ),
}


@pytest.fixture(scope="module", name="whole", params=NODES)
def _whole(request):
    return low("octavia.upgrade.upgrade", request.param)


class TestWhole:
    """``octavia.upgrade.upgrade``."""

    def test_a_failure_of_a_phase_stops_all_states_of_all_later_ones(self, whole):
        loose = {}
        for chunk in whole:
            needed = harness.needs(chunk, whole)
            before = {
                other["__id__"] for other in whole if phase(other) < phase(chunk)
            } - EXCEPTIONS
            if before - needed and chunk["__id__"] not in EXCEPTIONS:
                loose[chunk["__id__"]] = before - needed
        assert loose == {}

    def test_the_exceptions_do_nothing_that_a_failure_should_stop(self, whole):
        known = {chunk["__id__"]: chunk for chunk in whole}
        found = {name: known[name] for name in EXCEPTIONS if name in known}
        key = found.get("octavia_heartbeat_key", {"fun": "heartbeat_key_kept"})
        assert key["fun"] == "heartbeat_key_kept"
        if "octavia_config_file" in known and "octavia_heartbeat_key" in known:
            needed = harness.needs(known["octavia_config_file"], whole)
            assert "octavia_heartbeat_key" in needed
        reload = found.get("octavia_upgrade_stopped_site_reload")
        if reload:
            assert reload["onchanges"] == [{"octavia_config": "octavia_upgrade_stopped_site"}]
        assert found["octavia_upgrade_told"]["fun"] == "told"

    def test_phases_run_one_after_the_other_and_the_last_tells(self, whole):
        numbers = [phase(chunk) for chunk in executed(whole)]
        assert numbers == sorted(numbers)
        assert executed(whole)[-1]["fun"] == "told"
        assert whole[0]["upgrade"] is True

    def test_each_phase_announces_itself(self, whole):
        told = [chunk["text"] for chunk in executed(whole) if chunk["fun"] == "show_notification"]
        assert [text.split(":")[0] for text in told] == [
            f"octavia.upgrade.{name}"
            for name in (
                *("upgrade.pre", "service_stopped", "pkg_latest", "render_config"),
                *("offline_sync", "service_running", "upgrade.post"),
            )
        ]

    def test_services_come_back_in_the_reverse_order(self, whole):
        done = executed(whole)
        stopped = [
            chunk["name"]
            for chunk in done
            if chunk["fun"] == "stopped" and chunk["__sls__"].endswith("service_stopped")
        ]
        assert stopped == [name for name in UPSTREAM if name in stopped]
        started = [
            chunk["name"]
            for chunk in done
            if (chunk["fun"], chunk["__sls__"]) == ("running", "octavia.upgrade.service_running")
        ]
        assert started == stopped[::-1]
        looked_at = [unit for (unit,) in up(done[:-3]) if unit.startswith("octavia")]
        assert looked_at == started

    def test_the_next_service_is_stopped_only_when_the_one_before_is(self, whole):
        known = [
            chunk
            for chunk in executed(whole)
            if chunk["__sls__"] == "octavia.upgrade.service_stopped" and "require" in chunk
        ]
        for one, other in itertools.pairwise(known):
            assert one["__id__"] in harness.needs(other, whole)

    def test_the_next_service_waits_until_the_one_before_truly_serves(self, whole):
        known = [chunk for chunk in executed(whole) if chunk["fun"] in ("running", "up")]
        for one, other in itertools.pairwise(known):
            assert one["__id__"] in harness.needs(other, whole)


def test_all_roles_cold():
    chunks = executed(low("octavia.upgrade.upgrade"))
    assert funs(chunks) == [
        ("ready", "octavia_upgrade_ready"),
        ("drained", "octavia_upgrade_drained"),
        *(("stopped", name) for name in UPSTREAM),
        ("packages_latest", "octavia_upgrade_packages"),
        ("db_backed_up", "octavia_db_backup"),
        ("db_synced", "octavia_db"),
        ("db_ready", "octavia_upgrade_schema"),
        *(
            state
            for name in reversed(UPSTREAM)
            for state in (("running", name), ("up", f"octavia_upgrade_up_{name}"))
        ),
        ("up", "octavia_upgrade_back"),
        ("undrained", "octavia_upgrade_undrained"),
        ("told", "octavia_upgrade_told"),
    ]


@pytest.mark.parametrize(("mode", "idle"), [("cold", True), ("rolling", False)])
def test_only_in_a_cold_upgrade_the_worker_waits_for_all(mode, idle):
    chunks = executed(low("octavia.upgrade.upgrade", {"cold": "all roles"}.get(mode, mode)))
    stopped = [chunk for chunk in chunks if chunk["fun"] == "stopped"]
    assert stopped[-1]["name"] == "octavia-worker"
    assert stopped[-1]["when_idle"] is idle
    assert not any("when_idle" in chunk for chunk in stopped[:-1])
    # In a rolling one it is stopped while the other services still serve.
    first = [chunk["name"] for chunk in stopped if chunk["__sls__"].endswith("upgrade.pre")]
    assert first == ([] if idle else ["octavia-worker"])


def test_who_is_drained_before_the_worker_ends():
    chunks = low("octavia.upgrade.upgrade.pre", "rolling")
    worker = next(chunk for chunk in chunks if chunk["fun"] == "stopped")
    assert "octavia_upgrade_drained" in harness.needs(worker, chunks)


def test_what_upgraded_services_are_asked_for():
    chunks = {chunk["__id__"]: chunk for chunk in low("octavia.upgrade.upgrade")}
    for name in UPSTREAM:
        keys = chunks[f"octavia_upgrade_up_{name}"].keys()
        assert ("api_url" in keys) is (name == "octavia-api")
        assert ("heartbeat_port" in keys) is (name == "octavia-health-manager")
        assert ("consumes" in keys) is (name == "octavia-worker")
        reads = chunks[f"octavia_upgrade_running_{name}"]["reads"]
        assert reads[0] == "/etc/octavia/octavia.conf"
    back = chunks["octavia_upgrade_back"]
    assert (back["consumes"], back["heartbeat_port"]) == (True, 5555)
    assert back["api_url"] == "http://127.0.0.1:9876/"
    packages = chunks["octavia_upgrade_packages"]
    assert packages["pkgs"][0] == "octavia-common"
    assert set(packages["units"]) == set(UPSTREAM)
    assert chunks["octavia_db_backup"]["upgrade"] is True
    assert chunks["octavia_db"]["upgrade"] is True
    assert chunks["octavia_db_backup"]["pkgs"] == ["mariadb-client"]


class TestDatabase:
    """Nothing is migrated without a backup, and nobody migrates but who may."""

    @pytest.mark.parametrize("sls", ["octavia.upgrade.offline_sync", "octavia.db", "octavia"])
    @pytest.mark.parametrize("node", ["all roles", "jobboard"])
    def test_a_backup_that_fails_forbids_it(self, sls, node):
        chunks = low(sls, node)
        synced = [chunk for chunk in chunks if chunk["fun"] == "db_synced"]
        assert len(synced) == (2 if node == "jobboard" else 1)
        for chunk in synced:
            assert "octavia_db_backup" in harness.needs(chunk, chunks)

    @pytest.mark.parametrize("node", ["manager", "secondary"])
    def test_others_look_that_it_is_done(self, node):
        chunks = low("octavia.upgrade.upgrade", node)
        found = {chunk["fun"] for chunk in chunks}
        assert not found & {"db_backed_up", "db_synced"}
        assert "db_ready" in found
        (told,) = (chunk for chunk in chunks if chunk["__id__"] == "octavia_upgrade_offline_sync")
        assert told["text"].endswith("not on this node")

    def test_only_an_upgrade_refuses_who_is_connected(self):
        for sls, upgrade in (("octavia", None), ("octavia.upgrade.offline_sync", True)):
            chunks = {chunk["__id__"]: chunk for chunk in low(sls)}
            for name in ("octavia_check", "octavia_db_backup", "octavia_db"):
                assert chunks[name].get("upgrade") is upgrade


class TestAlone:
    """Each phase by itself, in any pipeline."""

    @pytest.mark.parametrize("node", NODES)
    @pytest.mark.parametrize("name", ALONE)
    def test_the_check_is_the_first(self, name, node):
        chunks = low(f"octavia.upgrade.{name}", node)
        assert executed(chunks)[0]["__id__"] == chunks[0]["__id__"] == "octavia_check"
        # The packages may be older than the pillar.
        assert chunks[0]["upgrade"] is True
        for chunk in chunks[1:]:
            if chunk["fun"] != "told" and "onchanges" not in chunk:
                assert "octavia_check" in harness.needs(chunk, chunks)

    def test_two_names_for_one_phase(self):
        one, other = (
            [(chunk["__id__"], chunk["fun"], chunk.get("require")) for chunk in low(sls)]
            for sls in ("octavia.upgrade.pkg_latest", "octavia.upgrade.pkgs_latest")
        )
        assert one == other

    @pytest.mark.parametrize(
        ("node", "lent"), [("manager", True), ("secondary", True), ("all roles", False)]
    )
    def test_before_anything_is_touched(self, node, lent):
        done = funs(executed(low("octavia.upgrade.pre", node)))
        clouds = ("clouds_lent", "/etc/openstack/clouds.yaml")
        # Where the role client keeps the file there is none to lend.
        assert (clouds in done) is lent
        assert ("ready", "octavia_upgrade_ready") in done

    def test_when_the_cloud_is_done(self):
        chunks = low("octavia.upgrade.post")
        assert {fun for fun, _ in funs(chunks)} == {
            *("clouds_returned", "undrained", "backups_removed"),
        }

    def test_the_configuration_alone_touches_no_service(self):
        chunks = low("octavia.upgrade.render_config")
        touching = {("octavia_control", "running"), ("service", "dead"), ("module", "run")}
        assert not touching & {(chunk["state"], chunk["fun"]) for chunk in chunks}
        names = {chunk["name"] for chunk in chunks if chunk["state"] == "file"}
        drop_in = "/etc/systemd/system/octavia-worker.service.d/salt-formula-octavia.conf"
        assert {"/etc/octavia/octavia.conf", drop_in, "/etc/openstack/clouds.yaml"} <= names

    def test_it_is_what_a_usual_run_writes(self):
        """But for what comes with certificates, keys and Apache."""
        for node in ("all roles", "ovn", "policies", "logs", "files of TLS", "supplied unit"):
            one, other = (
                {
                    (chunk["fun"], chunk["name"], str(chunk.get("context")))
                    for chunk in low(sls, node)
                    if chunk["state"] == "file" and "ssh" not in chunk["__id__"]
                }
                for sls in ("octavia.upgrade.render_config", "octavia")
            )
            assert one == other


class TestNoservices:
    """Nothing that concerns services, the database or the network."""

    QUIET: ClassVar = {
        *("octavia_config.valid", "octavia_config.withdrawn", "octavia_upgrade.ready"),
        *("octavia_upgrade.packages_latest", "octavia_upgrade.told", "file.managed"),
        *("file.symlink", "test.show_notification"),
    }

    @pytest.mark.parametrize("node", NODES)
    @pytest.mark.parametrize("name", ALONE)
    def test_what_is_left(self, name, node):
        chunks = low(f"octavia.upgrade.{name}", node, noservices=True)
        assert {f"{chunk['state']}.{chunk['fun']}" for chunk in chunks} <= self.QUIET

    def test_files_and_packages_are(self):
        chunks = low("octavia.upgrade.upgrade", noservices=True)
        assert {"octavia_config_file", "octavia_upgrade_packages", "octavia_upgrade_told"} <= {
            chunk["__id__"] for chunk in chunks
        }
        numbers = [phase(chunk) for chunk in executed(chunks)]
        assert numbers == sorted(numbers)


class TestRoles:
    """Nodes that do not have all roles."""

    def stopped(self, node):
        """What is stopped, and what is looked at in the end."""
        chunks = executed(low("octavia.upgrade.upgrade", node))
        return [name for fun, name in funs(chunks) if fun == "stopped"], chunks

    def test_manager(self):
        names, chunks = self.stopped("manager")
        assert names == ["octavia-housekeeping", "octavia-health-manager", "octavia-worker"]
        assert not {"drained", "undrained"} & {chunk["fun"] for chunk in chunks}
        assert "api_url" not in str(chunks)

    def test_secondary(self):
        names, chunks = self.stopped("secondary")
        assert names == ["octavia-api", "octavia-driver-agent"]
        assert {"drained", "undrained"} <= {chunk["fun"] for chunk in chunks}
        assert not any("consumes" in chunk and chunk["consumes"] for chunk in chunks)

    def test_client(self):
        names, chunks = self.stopped("client")
        assert names == []
        assert [fun for fun, _ in funs(chunks)] == ["ready", "packages_latest", "told"]
        packages = next(chunk for chunk in chunks if chunk["fun"] == "packages_latest")
        assert packages["pkgs"] == ["python3-octaviaclient", "python3-openstackclient"]
        assert packages["units"] == []

    def test_client_whose_clouds_are_kept_elsewhere(self):
        only = {"octavia": {"client": {"enabled": True}}}
        for name in ALONE:
            chunks = low(f"octavia.upgrade.{name}", only)
            assert chunks[0]["__id__"] == "octavia_check"

    def test_a_node_without_any_role(self):
        off = {"octavia": {"api": {"enabled": False}}}
        for name in ALONE:
            found = {chunk["fun"] for chunk in low(f"octavia.upgrade.{name}", off)}
            assert found <= {"valid", "ready", "told", "show_notification"}


class TestApache:
    """Apache in the API's place."""

    @pytest.mark.parametrize(
        ("node", "service", "before", "after"),
        [
            ("apache", "apache2", "octavia-health-manager", "octavia-driver-agent"),
            ("apache alone", "apache2", None, "octavia-driver-agent"),
            ("secondary apache", "httpd", "octavia-health-manager", "octavia-driver-agent"),
        ],
    )
    def test_the_site_goes_in_the_place_of_the_api_and_apache_stays(
        self, node, service, before, after
    ):
        chunks = executed(low("octavia.upgrade.service_stopped", node))
        known = {chunk["__id__"]: chunk for chunk in chunks}
        order = list(known)
        site = known["octavia_upgrade_stopped_site"]
        assert (site["state"], site["fun"]) == ("octavia_upgrade", "site_stopped")
        assert site["name"].endswith("octavia-api.conf")
        assert site["service"] == service
        assert site["api_url"].endswith(":9876/")
        place = order.index("octavia_upgrade_stopped_site")
        if before:
            assert order[place - 1] == f"octavia_upgrade_stopped_{before}"
        if after:
            assert order[place + 1] == f"octavia_upgrade_stopped_{after}"
            needed = harness.needs(known[f"octavia_upgrade_stopped_{after}"], chunks)
            assert "octavia_upgrade_stopped_site" in needed
        assert not [chunk for chunk in chunks if chunk["name"] == service]
        assert "octavia_upgrade_stopped_octavia-api" not in known

    def test_the_site_is_known_as_the_formula_s_own(self, tmp_path):
        """Only such a file is taken away."""
        low("octavia.upgrade.service_stopped", "apache")
        minion = MINIONS["apache{}"]
        site = tmp_path / "site"
        site.write_text(minion.template("salt://octavia/files/octavia-api-apache.conf"))
        state = minion.highstate.state.states["octavia_config.withdrawn"]
        assert state(str(site))["changes"] == {"file": {"old": str(site), "new": None}}

    def test_it_comes_back_in_its_place_with_the_new_schema(self):
        chunks = executed(low("octavia.upgrade.service_running", "apache"))
        assert up(chunks) == [
            *(["octavia-worker"], ["octavia-driver-agent"], ["apache2"]),
            *(["octavia-health-manager"], ["octavia-housekeeping"]),
        ]
        known = {chunk["__id__"]: chunk for chunk in chunks}
        assert known["octavia_upgrade_up_apache"]["api_url"] == "https://10.0.0.1:9876/"
        for name in ("apache_site", "packaged_server", "apache_service"):
            needed = harness.needs(known[f"octavia_api_{name}"], chunks)
            assert "octavia_upgrade_schema" in needed
        assert known["octavia_db"]["upgrade"] is True
        assert known["octavia_db_backup"]["upgrade"] is True

    def test_the_api_alone(self):
        done = executed(low("octavia.upgrade.upgrade", "apache alone"))
        (back,) = (chunk for chunk in done if chunk["__id__"] == "octavia_upgrade_back")
        assert back["units"][-1] == "apache2"
        assert back["api_url"].startswith("https://")
        assert done[-2]["fun"] == "undrained"


# -- on the master --------------------------------------------------------------------------------

EVERYWHERE = "I@octavia:api:enabled:true or I@octavia:manager:enabled:true"
THREE = ["ctl01", "ctl02", "ctl03"]


def orchestrated(sls, primaries=("ctl01",), **given):
    """
    The steps of an orchestration; what the run is told is all that a master knows, and who answers
    of the minions that would make the schema.
    """
    told = {"octavia": {"orchestrate": given}} if given else {}

    def answer(target, function, tgt_type):
        assert target.endswith("and not I@octavia:api:role:secondary")
        assert (function, tgt_type) == ("test.ping", "compound")
        return {minion: {"ret": True} for minion in primaries}

    with harness.Minion("debian12", told) as minion:
        minion.call["saltutil.cmd"] = answer
        chunks = minion.low(f"octavia.orchestrate.{sls}")
    assert harness.unresolved(chunks) == []
    return chunks


def steps(chunks):
    """SLS and target of each step."""
    assert all(chunk["tgt_type"] == "compound" for chunk in chunks)
    return [(chunk["sls"], chunk["tgt"]) for chunk in chunks if chunk["fun"] == "state"]


def in_a_row(chunks):
    """Whether each step requires the one before."""
    needed = [chunk.get("require") for chunk in chunks]
    return needed == [None, *([{"salt": chunk["__id__"]}] for chunk in chunks[:-1])]


class TestOrchestrated:
    """All nodes, by a master."""

    @pytest.mark.parametrize(
        ("controllers", "target"),
        [
            (None, EVERYWHERE),
            ([], EVERYWHERE),
            ("G@role:ctl", "G@role:ctl"),
            (THREE, "L@ctl01,ctl02,ctl03"),
        ],
    )
    def test_cold(self, controllers, target):
        *chunks, told = orchestrated("upgrade", controllers=controllers, batch=2)
        apis = f"( {target} ) and I@octavia:api:enabled:true"
        assert steps(chunks) == [
            ("octavia.upgrade.pre", target),
            ("octavia.upgrade.upgrade.pre", target),
            ("octavia.upgrade.service_stopped", apis),
            ("octavia.upgrade.service_stopped", target),
            ("octavia.upgrade.pkg_latest", target),
            ("octavia.upgrade.render_config", target),
            ("octavia.upgrade.offline_sync", target),
            ("octavia.upgrade.service_running", target),
            ("octavia.upgrade.upgrade.post", target),
            ("octavia.upgrade.verify", target),
        ]
        assert in_a_row(chunks)
        one_by_one = {chunk["sls"] for chunk in chunks if "batch" in chunk}
        assert one_by_one == {"octavia.upgrade.offline_sync", "octavia.upgrade.verify"}
        assert {chunk["batch"] for chunk in chunks if "batch" in chunk} == {1}
        assert told["tgt"] == target
        self.told(chunks, told)

    def told(self, chunks, told):
        """How the nodes stand is asked when any step has failed."""
        assert (told["state"], told["fun"]) == ("salt", "function")
        assert told["name"] == "octavia_control.node"
        assert told["onfail_any"] == [{"salt": chunk["__id__"]} for chunk in chunks]
        assert {chunk["pillar"]["octavia"]["upgrade"]["mode"] for chunk in chunks}
        assert "require" not in told

    def test_nobody_need_say_anything(self):
        assert steps(orchestrated("upgrade")) == steps(orchestrated("upgrade", mode="cold"))

    @pytest.mark.parametrize(
        ("batch", "groups"),
        [
            (1, ["ctl01", "ctl02", "ctl03"]),
            (2, ["ctl01,ctl02", "ctl03"]),
            (5, ["ctl01,ctl02,ctl03"]),
        ],
    )
    def test_rolling(self, batch, groups):
        given = {} if batch == 1 else {"batch": batch}
        *chunks, told = orchestrated("upgrade", mode="rolling", controllers=THREE, **given)
        assert steps(chunks) == [
            ("octavia.upgrade.pre", "L@ctl01,ctl02,ctl03"),
            *(
                (f"octavia.upgrade.{sls}", f"L@{group}")
                for group in groups
                for sls in ("upgrade", "verify")
            ),
        ]
        assert in_a_row(chunks)
        self.told(chunks, told)

    @pytest.mark.parametrize("mode", ["cold", "rolling"])
    def test_the_nodes_are_told_the_mode(self, mode):
        *chunks, _ = orchestrated("upgrade", mode=mode, controllers=THREE)
        wanted = {"octavia": {"upgrade": {"mode": mode}}}
        assert all(chunk["pillar"] == wanted for chunk in chunks)

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"mode": "warm"}, "octavia:orchestrate:mode = warm: write cold or rolling"),
            ({"mode": "Rolling", "controllers": THREE}, "mode = Rolling"),
            ({"mode": "rolling"}, "octavia:orchestrate:controllers must be a list of minion ids"),
            ({"mode": "rolling", "controllers": "ctl*"}, "must be a list of minion ids"),
            *(
                ({"batch": batch, "mode": "rolling", "controllers": THREE}, f"batch = {batch}")
                for batch in (0, -1, "2", 1.5, True)
            ),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, given, said):
        with pytest.raises(harness.RenderError, match=said):
            orchestrated("upgrade", **given)

    def test_its_steps_are_there_and_each_node_can_do_them(self):
        for mode in ("cold", "rolling"):
            *chunks, told = orchestrated("upgrade", mode=mode, controllers=THREE)
            for sls in {chunk["sls"] for chunk in chunks}:
                assert low(sls)
            assert all(told["name"] in minion.call for minion in MINIONS.values())

    def test_the_first_deployment(self):
        chunks = orchestrated("deploy")
        apis, managers = "I@octavia:api:enabled:true", "I@octavia:manager:enabled:true"
        assert steps(chunks) == [
            ("octavia.api", f"( {apis} ) and not I@octavia:api:role:secondary"),
            ("octavia.api", apis),
            ("octavia.manager", managers),
        ]
        assert in_a_row(chunks)
        assert not [chunk for chunk in chunks if "pillar" in chunk or "batch" in chunk]

    def test_the_first_deployment_of_some(self):
        chunks = orchestrated("deploy", apis="api*", managers="", clients="cli*")
        assert steps(chunks) == [
            ("octavia.api", "( api* ) and not I@octavia:api:role:secondary"),
            ("octavia.api", "api*"),
            ("octavia.client", "cli*"),
        ]
        assert in_a_row(chunks)
        assert steps(orchestrated("deploy", apis="", managers="", clients="c")) == [
            ("octavia.client", "c")
        ]

    def test_several_nodes_that_would_make_the_schema_are_refused(self):
        said = "make the schema of the database: ctl01, ctl03. Set octavia:api:role to secondary"
        with pytest.raises(harness.RenderError, match=said):
            orchestrated("deploy", primaries=("ctl03", "ctl01"))
        # Where none does, the step itself says that it finds no minion.
        assert orchestrated("deploy", primaries=())[0]["__id__"] == "octavia_deploy_primary"


def test_pipelines_read_where_octavia_comes_in():
    with harness.Minion("debian12", {}) as minion:
        found = yaml.safe_load(minion.template("salt://octavia/meta/salt.yml"))
    ordered = {"applications": {"octavia": {"priority": 1180}}}
    assert found == {"orchestration": {"upgrade": ordered}}
