"""
The states of an upgrade and what they ask for, by Salt's own loader, on a node that does what it is
told. Real nodes are upgraded in tests/upgrade.
"""

import copy
import inspect
import os
import stat
from pathlib import Path

import harness
import octavia_idle as idle
import octavia_migrations as migrations
import pytest
import yaml
from cases import CASES
from salt.exceptions import CommandExecutionError

SECRET = "a-password-of-this-test-only"
CLOUDS = {"clouds": {"octavia": {"auth": {"username": "octavia", "password": SECRET}}}}
UNITS = [
    *("octavia-housekeeping", "octavia-health-manager", "octavia-api", "octavia-driver-agent"),
    "octavia-worker",
]
RUNNING, DEAD, STOPPED = "active (running)", "inactive (dead)", "stopped"
OLD, NEW = "11.0.0-2", "16.0.0-2+deb13u1"
ZED, EPOXY = "0995c26fc506", "fabf4983846b"
NOW = "2026-11-20T12:00:00"
SECURITY = "Debian:13.8/stable [all]"


def balancer(name, since="2026-11-20T11:59:00"):
    """A load balancer that is PENDING."""
    status = dict.fromkeys(("status", "loadbalancer_status"), "PENDING_UPDATE")
    return {"kind": "loadbalancer", "id": f"id-{name}", "name": name, "since": since, **status}


class Node:
    """
    What lies around the states: units, packages, the database, the balancer before the API.

    :param minion: the minion
    :param folder: where files are
    """

    def __init__(self, minion, folder):
        self.call, self.states = minion.call, minion.highstate.state.states
        self.known = copy.deepcopy(minion.call["octavia_config.map"]())
        self.known["upgrade"].update(drain_seconds=0)
        self.known["upgrade"]["backup"]["path"] = str(folder / "backups")
        self.units = {name: self._unit(name) for name in UNITS}
        self.done, self.busy, self.unreadable, self.kills, self.sticks = [], [], {}, set(), set()
        self.installed = {"octavia-common": OLD, "octavia-api": OLD, "haproxy": "2.6"}
        self.sources = {"octavia-common": NEW, "octavia-api": NEW}
        self.depends, self.pulls, self.removes, self.preferences = [], [], set(), ""
        self.problem, self.left_held, self.unfinished = "", [], ""
        self.serves, self.heeds = False, True
        self.mine, self.health = {}, "200"
        self.schema = {"state": migrations.BEHIND, "revisions": [ZED], "heads": [EPOXY]}
        self.others, self.saves, self.sync = [], {"path": "/backup.sql.gz"}, 0
        self.rival = []
        self.items, self.trials, self.backups = [], [], []

    @staticmethod
    def _unit(name):
        runs = {"exists": True, "active": True, "state": RUNNING, "enabled": True, "since": 1}
        return {"name": name, **runs, "restarts": 0, "result": "success", "status": "0"}

    # -- the execution functions by name ----------------------------------------------------------

    def functions(self):
        """All that the states call."""
        own = {
            "octavia_config.map": lambda *_: self.known,
            "octavia_config.hidden": lambda text: text.replace(SECRET, "***"),
            "octavia_control.units": lambda *names: {
                name: dict(self.units[name]) for name in names
            },
            "octavia_control.stop": self._stop,
            "octavia_control.answers": lambda _: {"up": self.serves},
            "service.reload": self._reload,
            "octavia_control.pending": self._pending,
            "octavia_control.wait_idle": self._wait_idle,
            "octavia_control.held": lambda *names: [n for n in names if n in self.left_held],
            "octavia_control.hold": lambda *_: self.done.append("hold"),
            "octavia_control.release_hold": self._release,
            "octavia_control.finish_dpkg": lambda: self.unfinished,
            "octavia_control.package": lambda *_: self._package(),
            "octavia_db.state": lambda *_: copy.deepcopy(self.schema),
            "octavia_db.sessions": self._sessions,
            "octavia_db.sync": self._sync,
            "octavia_db.backup": self._backup,
            "octavia_db.backups": lambda *_: self.backups,
            "octavia_control.verify": self._verify,
            "octavia_control.node": lambda *_: self._told(),
            "octavia_upgrade.readiness": lambda *_: self.items,
            "service.enable": lambda name: self._enable(name, True),
            "service.disable": lambda name: self._enable(name, False),
            "cmd.run_all": self._apt,
            "pkg.refresh_db": lambda: self.done.append("refresh"),
            "pkg.latest_version": self._latest,
            "pkg.version": lambda name: self.installed.get(name, ""),
            "pkg.list_pkgs": lambda **_: dict(self.installed),
            "mine.get": self._lent,
        }
        for name in ("offered", "along", "simulate", "install", "lend_clouds", "borrowed"):
            own[f"octavia_upgrade.{name}"] = self.real(f"octavia_upgrade.{name}", own)
        for name in ("drain", "drain_rest", "undrain", "drained"):
            own[f"octavia_control.{name}"] = self.real(f"octavia_control.{name}", own)
        return {**{name: self.call[name] for name in ("octavia_config.releases",)}, **own}

    def real(self, name, functions):
        """A function of the formula among those of this node."""
        function = inspect.unwrap(self.call[name].func)
        around = {"octavia_config.releases": self.call["octavia_config.releases"]}
        names = function.__globals__

        def call(*args, **kwargs):
            names["__salt__"] = {**around, **functions}
            names["POLL_SECONDS"], names["_tell"] = 0.01, lambda _: None
            names["_http_status"] = lambda _: 0 if self.health == "none" else int(self.health)
            return function(*args, **kwargs)

        return call

    def real_state(self, name, test):
        """A state function of another module, as states call it."""
        state = self.states[name].func
        inspect.unwrap(state).__globals__["__opts__"] = {"test": test}
        return state

    # -- services ---------------------------------------------------------------------------------

    def _enable(self, name, enabled):
        self.done.append(("enable" if enabled else "disable", name))
        self.units[name]["enabled"] = enabled

    def _stop(self, name, timeout, *_):
        self.done.append(("stop", name, timeout))
        unit = self.units[name]
        if name in self.sticks:
            unit.update(state="deactivating (stop-sigterm)")
        else:
            result = "timeout" if name in self.kills else "success"
            state = "failed (failed)" if name in self.kills else DEAD
            unit.update(active=False, state=state, result=result)
        return {**unit, "killed": name in self.kills}

    def _reload(self, name):
        self.done.append(("reload", name))
        self.serves = self.serves and not self.heeds

    def _pending(self, **_):
        if self.unreadable:
            return self.unreadable
        return idle.judge(self.busy, NOW, self.known["upgrade"]["stuck_after"])

    def _wait_idle(self, **_):
        found = self._pending()
        quiet = "error" not in found and not found["waiting"]
        return {"idle": quiet, "seconds": 900, **found}

    # -- packages ---------------------------------------------------------------------------------

    def _release(self, *names):
        self.done.append("release")
        self.left_held = [name for name in self.left_held if name not in names]

    def _latest(self, name, refresh):
        assert refresh is False
        newest = self.sources.get(name, "")
        return "" if newest == self.installed.get(name) else newest

    def _package(self):
        version = self.installed.get("octavia-common", "")
        name = {OLD: "zed", NEW: "2025.1"}.get(version, "")
        return {"name": "octavia-common", "version": version, "installed": True, "release": name}

    def _changes(self, names):
        for name in [*names, *self.pulls]:
            if name in self.sources and self.sources[name] != self.installed.get(name):
                yield name, self.installed.get(name, ""), self.sources[name]

    def _apt(self, command, **given):
        assert given["env"]["LC_ALL"] == "C"
        if command[0] == "apt-cache":
            if self.problem == "cache":
                return {"retcode": 100, "stdout": "", "stderr": "E: No packages found"}
            lines = "".join(f"{name}\n  Depends: libc6\n" for name in self.depends)
            return {"retcode": 0, "stdout": lines, "stderr": ""}
        names = command[command.index("install") + 1 :]
        (option,) = (word for word in command if word.startswith("Dir::Etc::Preferences="))
        self.preferences = Path(option.partition("=")[2]).read_text()
        if "--simulate" not in command:
            return self._install(names, command, given["env"])
        if self.problem == "apt":
            said = "E: Unable to locate package octavia-api"
            return {"retcode": 100, "stdout": "Reading package lists...", "stderr": said}
        lines = [
            f"Inst {name}{f' [{old}]' if old else ''} ({new} {SECURITY})"
            for name, old, new in self._changes(names)
        ]
        lines += [
            f"Remv {name} [{self.installed[name]}]"
            for name in self.removes
            if name in self.installed
        ]
        return {"retcode": 0, "stdout": "\n".join(lines), "stderr": ""}

    def _install(self, names, command, environment):
        assert "DPkg::Options::=--force-confold" in command
        assert environment["DEBIAN_FRONTEND"] == "noninteractive"
        self.done.append("install")
        changes = [(name, new) for name, _, new in self._changes(names)]
        if self.problem == "dpkg":
            self.installed.update(changes[:1])
            said = f"dpkg: error processing octavia-api {SECRET}"
            return {"retcode": 100, "stdout": "", "stderr": said}
        self.installed.update(changes[: 1 if self.problem == "behind" else None])
        for name in self.removes:
            self.installed.pop(name, None)
        return {"retcode": 0, "stdout": "", "stderr": ""}

    # -- clouds.yaml, database, verification ------------------------------------------------------

    def _lent(self, target, function, kind):
        assert (target, function) == (
            "I@keystone:client:os_client_config:enabled:true",
            "keystone_os_client_config",
        )
        assert kind == "compound"
        return self.mine

    def _backup(self, revision, *_):
        self.done.append(("backup", revision))
        if "error" in self.saves:
            raise CommandExecutionError(self.saves["error"])
        return self.saves

    def _sync(self, schema, *_):
        self.done.append(("sync", schema))
        if not self.sync:
            self.schema.update(state=migrations.AT_HEAD, revisions=self.schema["heads"])
        return {"retcode": self.sync, "output": "alembic says so"}

    def _sessions(self, *_):
        """Who is connected; a node that migrates at the same time gets one revision further."""
        if not self.rival:
            return self.others
        self.schema["revisions"] = [self.rival.pop(0)]
        if self.schema["revisions"] == self.schema["heads"]:
            self.schema["state"] = migrations.AT_HEAD
        return ["ctl02 (1)"]

    def _verify(self, api, *_):
        self.trials.append(api)
        return self.items

    def _told(self):
        services = {UNITS[0]: DEAD}
        known = {"version": "2025.1", "packages": ["2025.1"], "services": services}
        return {**known, "schema": "at head, new", "drained": True}


@pytest.fixture(scope="module", name="minion")
def _minion():
    with harness.Minion("debian13", CASES["part_healthcheck"].pillar("debian13")) as made:
        yield made


@pytest.fixture(name="node")
def _node(minion, tmp_path):
    return Node(minion, tmp_path)


@pytest.fixture(name="run")
def _run(minion, node):
    """Calls a state function."""

    def run(function, name="x", test=False, **arguments):
        module = "octavia_control" if function.startswith("db_") else "octavia_upgrade"
        state = minion.highstate.state.states[f"{module}.{function}"].func
        installed = {"result": not node.problem, "changes": {}, "comment": "pkg says so"}
        around = {
            "__salt__": node.functions(),
            "__opts__": {"test": test},
            "__states__": {
                "pkg.installed": lambda **given: {**given, **installed},
                "octavia_config.withdrawn": node.real_state("octavia_config.withdrawn", test),
            },
        }
        inspect.unwrap(state).__globals__.update(around)
        ret = state(name, **arguments)
        assert set(ret) >= {"name", "changes", "result", "comment"}
        assert SECRET not in repr(ret)
        return ret

    return run


def foretold(run, function, *args, **given):
    """Runs a state with ``test=True``, then truly, then once more: nothing is left to do."""
    would = run(function, *args, test=True, **given)
    did = run(function, *args, **given)
    assert (would["result"], did["result"]) == (None, True)
    assert would["changes"] == did["changes"] != {}
    again = run(function, *args, **given)
    assert (again["result"], again["changes"]) == (True, {})
    assert run(function, *args, test=True, **given)["result"] is True
    return did


class TestStopped:
    """Services are stopped in order, the worker never in the middle of its work."""

    @pytest.mark.parametrize("name", UNITS)
    def test_foretold_done_and_done_once(self, run, node, name):
        done = foretold(run, "stopped", name)
        assert done["changes"] == {
            "state": {"old": RUNNING, "new": STOPPED},
            "enabled": {"old": True, "new": False},
        }
        assert [step[0] for step in node.done] == ["disable", "stop"]

    def test_it_may_be_started_at_boot_all_the_same(self, run, node):
        done = foretold(run, "stopped", "octavia-api", enable=True)
        assert set(done["changes"]) == {"state"}
        assert node.units["octavia-api"]["enabled"]

    @pytest.mark.parametrize("state", [DEAD, "failed (Result: exit-code)"])
    def test_one_that_does_not_run_is_not_started_at_boot(self, run, node, state):
        node.units["octavia-api"].update(active=False, state=state)
        assert set(foretold(run, "stopped", "octavia-api")["changes"]) == {"enabled"}
        assert node.done == [("disable", "octavia-api")]

    def test_one_that_systemd_starts_again_and_again(self, run, node):
        node.units["octavia-api"].update(active=False, state="activating (auto-restart)")
        assert "state" in foretold(run, "stopped", "octavia-api")["changes"]

    def test_one_that_is_not_there(self, run, node):
        unit = {"exists": False, "active": False, "state": DEAD, "enabled": False}
        node.units["octavia-api"].update(unit)
        ret = run("stopped", "octavia-api")
        assert (ret["result"], ret["changes"], node.done) == (True, {}, [])

    def test_a_worker_waits_until_nothing_is_pending(self, run, node):
        foretold(run, "stopped", "octavia-worker", when_idle=True)
        assert ("stop", "octavia-worker", 960 + 60) in node.done

    def test_a_worker_with_work_goes_on(self, run, node):
        node.busy = [balancer("web")]
        would = run("stopped", "octavia-worker", test=True, when_idle=True)
        assert "loadbalancer web (id-web) PENDING_UPDATE for 60 s" in would["comment"]
        ret = run("stopped", "octavia-worker", when_idle=True)
        assert (ret["result"], ret["changes"], node.done) == (False, {}, [])
        assert node.units["octavia-worker"]["state"] == RUNNING
        assert "After 900 s" in ret["comment"]
        assert "loadbalancer web (id-web) PENDING_UPDATE for 60 s" in ret["comment"]
        assert "octavia-worker goes on and was not touched" in ret["comment"]
        assert "are the APIs of all nodes stopped?" in ret["comment"]
        assert "run this again" in ret["comment"]
        node.busy = []
        assert run("stopped", "octavia-worker", when_idle=True)["result"] is True

    def test_a_database_that_cannot_be_read_is_no_proof_of_idleness(self, run, node):
        node.unreadable = {"error": "unreachable", "text": "no route"}
        ret = run("stopped", "octavia-worker", when_idle=True)
        assert (ret["result"], ret["changes"], node.done) == (False, {}, [])
        assert "unreachable" in ret["comment"]
        assert "no route" in ret["comment"]

    def test_in_a_rolling_upgrade_it_ends_its_own_flows_whatever_others_do(self, run, node):
        node.busy = [balancer("web")]
        assert run("stopped", "octavia-worker")["result"] is True

    def test_what_nobody_works_on_is_told_and_not_waited_for(self, run, node):
        node.busy = [balancer("lost", "2026-11-18T12:00:00")]
        ret = run("stopped", "octavia-worker", when_idle=True)
        assert ret["result"] is True
        (told,) = ret["warnings"]
        assert "lost" in told
        assert "docs/upgrade.rst" in told

    def test_a_worker_that_systemd_killed_is_a_failure(self, run, node):
        node.kills, node.busy = {"octavia-worker"}, [balancer("cut")]
        ret = run("stopped", "octavia-worker")
        assert ret["result"] is False
        assert ret["changes"]["state"] == {"old": RUNNING, "new": STOPPED}
        assert "octavia-worker was killed (timeout)" in ret["comment"]
        assert "cut (id-cut)" in ret["comment"]
        assert "octavia:services:octavia-worker" in ret["comment"]

    def test_others_have_nothing_to_lose_by_it(self, run, node):
        node.kills = {"octavia-driver-agent"}
        assert run("stopped", "octavia-driver-agent")["result"] is True

    def test_one_that_does_not_stop(self, run, node):
        node.sticks = {"octavia-api"}
        ret = run("stopped", "octavia-api")
        assert (ret["result"], ret["changes"]["state"]["new"]) == (
            False,
            "deactivating (stop-sigterm)",
        )
        assert "octavia-api does not stop" in ret["comment"]

    @pytest.mark.parametrize(
        ("given", "seconds"),
        [
            ("30", 90),
            (None, 150),
            ("16min", 7260),
            ("infinity", 7260),
            # For systemd that is no end as well.
            ("0", 7260),
        ],
    )
    def test_it_is_waited_for_longer_than_systemd_does(self, run, node, given, seconds):
        settings = node.known["units"]["octavia-worker"]["service"]
        settings.pop("TimeoutStopSec")
        settings.update({"TimeoutStopSec": given} if given else {})
        run("stopped", "octavia-worker")
        assert node.done[-1] == ("stop", "octavia-worker", seconds)

    def test_what_cannot_be_told_is_a_failure_and_no_traceback(self, run, node):
        node.units = {}

        def silent(*_):
            raise CommandExecutionError("systemd does not answer")

        node.functions = lambda: {"octavia_control.units": silent}
        ret = run("stopped", "octavia-api")
        assert (ret["result"], ret["comment"]) == (False, "systemd does not answer")


PACKAGES = {"pkgs": ["octavia-common", "octavia-api"], "units": ["octavia-api"]}


class TestSite:
    """Apache, which serves the API and others."""

    URL = "http://127.0.0.1:9876/"

    @pytest.fixture(name="site")
    def _site(self, minion, node, tmp_path):
        path = tmp_path / "octavia-api.conf"
        path.write_text("# Written by Salt: the site of the API.\n")
        node.serves = True
        return path

    def stop(self, run, site, test=False):
        """Calls the state."""
        return run("site_stopped", str(site), test=test, service="apache2", api_url=self.URL)

    def test_the_site_goes_and_apache_is_reloaded(self, run, node, site):
        would, did = (self.stop(run, site, test) for test in (True, False))
        assert (would["result"], did["result"]) == (None, True)
        assert would["changes"] == did["changes"]
        assert set(did["changes"]) == {"file", "API"}
        assert did["comment"] == f"{site} was removed. apache2 was reloaded."
        assert (site.exists(), node.done) == (False, [("reload", "apache2")])
        for test in (True, False):
            assert self.stop(run, site, test)["changes"] == {}

    def test_a_run_that_was_killed_before_the_reload(self, run, node, site):
        site.unlink()
        assert set(self.stop(run, site)["changes"]) == {"API"}
        assert node.done == [("reload", "apache2")]

    def test_an_api_that_is_served_by_another_site(self, run, node, site, monkeypatch):
        node.heeds = False
        monkeypatch.setattr("time.monotonic", iter(range(0, 10**6, 30)).__next__)
        ret = self.stop(run, site)
        assert ret["result"] is False
        assert ret["changes"]["API"]["new"] == "served still"
        assert self.URL in ret["comment"]

    @pytest.mark.parametrize("test", [True, False])
    def test_somebody_elses_site_stays_and_is_told(self, run, node, site, test):
        site.write_text("<VirtualHost *:9876>\n")
        ret = self.stop(run, site, test)
        assert (ret["result"], ret["changes"], node.done) == (False, {}, [])
        assert "by hand" in ret["comment"]
        assert site.exists()


class TestPackages:
    """The latest version, and nothing else."""

    @pytest.fixture(autouse=True)
    def _stopped(self, node):
        for unit in node.units.values():
            unit.update(active=False, state=DEAD)

    def refused(self, run, node, *said, test=(True, False)):
        """Nothing is changed, and the comment says why."""
        before = dict(node.installed)
        for flag in test:
            ret = run("packages_latest", test=flag, **PACKAGES)
            assert (ret["result"], ret["changes"]) == (False, {})
            assert [part for part in said if part not in ret["comment"]] == []
        assert (node.installed, "install" in node.done) == (before, False)

    def test_foretold_done_and_done_once(self, run, node):
        node.pulls, node.sources["python3-new"] = ["python3-new"], "1"
        node.installed["python3-old"] = "1"
        node.removes = {"python3-old"}
        done = foretold(run, "packages_latest", **PACKAGES)
        assert done["changes"] == {
            "octavia-api": {"old": OLD, "new": NEW},
            "octavia-common": {"old": OLD, "new": NEW},
            "python3-new": {"old": "", "new": "1"},
            "python3-old": {"old": "1", "new": ""},
        }
        assert "These go: python3-old." in done["comment"]

    def test_starts_are_held_back_meanwhile(self, run, node):
        run("packages_latest", **PACKAGES)
        place = node.done.index("install")
        assert node.done[place - 1 : place + 2] == ["hold", "install", "release"]

    @pytest.mark.parametrize("test", [True, False])
    def test_apt_is_told_to_leave_the_data_plane_as_it_is(self, run, node, test):
        run("packages_latest", test=test, **PACKAGES)
        first = node.preferences.splitlines()[0]
        assert first.startswith("Package: ")
        assert {"haproxy", "keepalived", "qemu*"} <= set(first.split())
        assert "Pin-Priority: -1" in node.preferences

    def test_a_dry_run_asks_no_source_anew_and_holds_nothing(self, run, node):
        run("packages_latest", test=True, **PACKAGES)
        assert node.done == []

    @pytest.mark.parametrize(("version", "has"), [(OLD + "+deb12u1", "zed"), ("99.0-1", "no rel")])
    def test_another_release_in_the_sources(self, run, node, version, has):
        node.sources = dict.fromkeys(node.sources, version)
        self.refused(run, node, "The pillar says 2025.1", version, has, "Point them to 2025.1")

    def test_nothing_new_in_the_sources(self, run, node):
        node.sources = {}
        self.refused(run, node, "The pillar says 2025.1", f"octavia-common {OLD}, zed")

    def test_no_octavia_in_the_sources(self, run, node):
        node.sources, node.installed = {}, {}
        self.refused(run, node, "octavia-common of no version", "Nothing was changed.")

    @pytest.mark.parametrize("way", ["changed", "removed"])
    def test_a_package_of_the_data_plane(self, run, node, way):
        if way == "changed":
            node.pulls, node.sources["haproxy"] = ["haproxy"], "3.0"
        else:
            node.removes = {"haproxy"}
        self.refused(run, node, "data plane would be touched: haproxy", "Nothing was changed")

    def test_one_that_only_comes_does_not_matter(self, run, node):
        node.pulls, node.sources["keepalived"] = ["keepalived"], "1"
        assert "keepalived" in foretold(run, "packages_latest", **PACKAGES)["changes"]

    def test_what_they_need_goes_along_where_it_is_there(self, run, node):
        node.installed.update({"python3-taskflow": "5.0", "libssl3": "3.0", "haproxy": "2.6"})
        newer = {"python3-taskflow": "5.12", "python3-fresh": "1", "libssl3": "3.5"}
        node.sources.update(newer, haproxy="3.0")
        node.depends = ["octavia-api", *newer, "haproxy", "python3-nowhere"]
        changes = foretold(run, "packages_latest", **PACKAGES)["changes"]
        assert set(changes) == {*PACKAGES["pkgs"], "python3-taskflow"}

    def test_services_that_still_run(self, run, node):
        node.units["octavia-api"].update(active=True, state=RUNNING)
        said = ("These still run: octavia-api", "octavia.upgrade.service_stopped")
        self.refused(run, node, *said, test=[False])
        assert run("packages_latest", test=True, **PACKAGES)["result"] is None

    @pytest.mark.parametrize(
        ("problem", "said"),
        [
            ("apt", ["apt finds no way", "Unable to locate package octavia-api"]),
            ("cache", ["apt does not know these packages", "No packages found"]),
        ],
    )
    def test_a_way_that_apt_does_not_find(self, run, node, problem, said):
        node.problem = problem
        self.refused(run, node, *said)

    def test_what_an_earlier_run_has_left_is_cleaned_up(self, run, node):
        node.left_held = ["octavia-api"]
        done = foretold(run, "packages_latest", **PACKAGES)
        assert done["changes"]["octavia-api.service"]["new"] == "released"
        node.left_held = ["octavia-api"]
        assert set(foretold(run, "packages_latest", **PACKAGES)["changes"]) == {
            "octavia-api.service"
        }

    def test_a_dpkg_that_cannot_end_its_work(self, run, node):
        node.unfinished = "dpkg: error"
        self.refused(run, node, "dpkg was interrupted", "dpkg: error", test=[False])
        assert node.done == ["hold", "release"]

    @pytest.mark.parametrize(
        ("problem", "said"),
        [
            ("dpkg", "dpkg: error processing octavia-api ***"),
            ("behind", "still behind: octavia-api"),
        ],
    )
    def test_a_failure_tells_what_has_changed_all_the_same(self, run, node, problem, said):
        node.problem = problem
        ret = run("packages_latest", **PACKAGES)
        assert (ret["result"], set(ret["changes"])) == (False, {"octavia-common"})
        assert said in ret["comment"]
        assert node.done[-1] == "release"
        node.problem = ""
        assert set(run("packages_latest", **PACKAGES)["changes"]) == {"octavia-api"}

    def test_a_client_has_no_release_and_no_units(self, run, node):
        node.known["release"] = ""
        node.sources = {"python3-octaviaclient": "2"}
        done = foretold(run, "packages_latest", pkgs=["python3-octaviaclient"], units=[])
        assert done["changes"] == {"python3-octaviaclient": {"old": "", "new": "2"}}
        assert "hold" not in node.done

    def test_without_apt(self, run, monkeypatch):
        monkeypatch.setattr("shutil.which", lambda _: None)
        ret = run("packages_latest", **PACKAGES)
        assert (ret["result"], ret["changes"]) == (False, {})
        assert "there is no apt-get here" in ret["comment"]
        assert "octavia.upgrade.render_config" in ret["comment"]


class TestClouds:
    """A clouds.yaml for the time of the upgrade."""

    @pytest.fixture(name="path")
    def _path(self, tmp_path):
        return tmp_path / "openstack" / "clouds.yaml"

    def test_lent_and_returned(self, run, node, path):
        node.mine = {"ctl02": {"clouds": {}}, "ctl01": CLOUDS}
        done = foretold(run, "clouds_lent", str(path))
        assert done["changes"] == {str(path): {"old": None, "new": "lent by ctl01"}}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert yaml.safe_load(path.read_text()) == CLOUDS
        assert run("clouds_lent", str(path))["comment"] == "There is a clouds.yaml already."
        foretold(run, "clouds_returned", str(path))
        assert not path.exists()

    def test_killed_while_it_was_written(self, run, node, path):
        node.mine = {"ctl01": CLOUDS}
        path.parent.mkdir()
        left = path.with_name("clouds.yaml.part")
        left.write_text("half of")
        foretold(run, "clouds_lent", str(path))
        assert yaml.safe_load(path.read_text()) == CLOUDS
        assert list(path.parent.iterdir()) == [path]

    def test_a_dry_run_writes_nothing(self, run, node, path):
        node.mine = {"ctl01": CLOUDS}
        assert run("clouds_lent", str(path), test=True)["result"] is None
        assert not path.parent.exists()

    @pytest.mark.parametrize("name", ["clouds.yaml", "clouds.yml"])
    def test_one_that_is_there_is_never_touched(self, run, node, path, name):
        node.mine = {"ctl01": CLOUDS}
        path.parent.mkdir()
        own = path.with_name(name)
        own.write_text("clouds: {own: {}}\n")
        for function in ("clouds_lent", "clouds_returned"):
            for test in (True, False):
                ret = run(function, str(path), test=test)
                assert (ret["result"], ret["changes"]) == (True, {})
        assert own.read_text() == "clouds: {own: {}}\n"
        assert list(path.parent.iterdir()) == [own]

    def test_one_that_comes_in_between_is_not_overwritten(self, run, node, path, monkeypatch):
        node.mine = {"ctl01": CLOUDS}
        path.parent.mkdir()
        path.write_text("own")
        monkeypatch.setattr("os.path.exists", lambda _: False)
        ret = run("clouds_lent", str(path))
        assert (ret["result"], path.read_text()) == (False, "own")

    def test_one_that_an_operator_has_made_his_own_stays(self, run, node, path):
        node.mine = {"ctl01": CLOUDS}
        run("clouds_lent", str(path))
        path.write_text("# Mine.\n" + path.read_text())
        ret = run("clouds_returned", str(path))
        assert (ret["changes"], path.exists()) == ({}, True)

    def test_nobody_lends_one(self, run, path):
        for test in (True, False):
            ret = run("clouds_lent", str(path), test=test)
            assert (ret["result"], ret["changes"]) == (True, {})
            assert "none in the mine: the API is not asked" in ret["comment"]
        assert not path.parent.exists()

    @pytest.mark.parametrize(
        "content", [SECRET, [SECRET], {"clouds": SECRET}, {"cloud": {"a": SECRET}}, None, {}]
    )
    def test_a_mine_with_something_else_in_it(self, run, node, path, content):
        node.mine = {"ctl01": content}
        for test in (True, False):
            ret = run("clouds_lent", str(path), test=test)
            assert (ret["result"], ret["changes"]) == (False, {})
            assert "keystone_os_client_config of ctl01 in the mine" in ret["comment"]
            assert "write the file by hand" in ret["comment"]
        assert not path.exists()

    def test_a_mine_in_which_salt_has_hidden_the_values(self, run, node, path):
        hidden = {"auth": {"username": "**********", "password": "**********"}}
        node.mine = {"ctl01": {"clouds": {"octavia": hidden}}}
        for test in (True, False):
            ret = run("clouds_lent", str(path), test=test)
            assert (ret["result"], ret["changes"]) == (False, {})
            assert "unmask: true" in ret["comment"]
        assert not path.exists()


class TestDrained:
    """The API's place behind the balancer."""

    @pytest.fixture(name="file")
    def _file(self, node, tmp_path):
        path = tmp_path / "octavia" / "out"
        node.known["drain"] = {"file": str(path), "url": "http://127.0.0.1:9876/healthcheck"}
        node.health = "503"
        return path

    def test_out_and_in_again(self, run, node, file):
        done = foretold(run, "drained")
        assert done["changes"] == {str(file): {"old": None, "new": "out of service"}}
        assert file.exists()
        assert stat.S_IMODE(file.stat().st_mode) == 0o644
        node.health = "200"
        foretold(run, "undrained")
        assert not file.exists()

    def test_somebody_elses_file_stays(self, run, file):
        file.parent.mkdir()
        file.write_text("Maintenance until noon\n")
        for test in (True, False):
            ret = run("drained", test=test)
            assert (ret["result"], ret["changes"]) == (True, {})
            ret = run("undrained", test=test)
            assert (ret["result"], ret["changes"]) == (True, {})
            assert "somebody else" in ret["warnings"][0]
            assert str(file) in ret["comment"]
        assert file.read_text() == "Maintenance until noon\n"

    def test_an_api_that_does_not_look_at_the_file(self, run, node, file, monkeypatch):
        node.health = "200"
        monkeypatch.setattr("time.monotonic", iter(range(0, 10**6, 30)).__next__)
        ret = run("drained")
        assert (ret["result"], set(ret["changes"])) == (False, {str(file)})
        assert "still answers 200" in ret["comment"]
        assert "Apply octavia" in ret["comment"]

    def test_the_rest_of_the_time_of_a_run_that_was_killed(self, run, node, file, monkeypatch):
        run("drained")
        node.known["upgrade"]["drain_seconds"] = 30
        assert "30 s more" not in run("drained", test=True)["comment"]
        looked = []

        def clock():
            looked.append(1)
            return len(looked) * 10.0

        monkeypatch.setattr("time.monotonic", clock)
        ret = run("drained")
        assert (ret["result"], ret["changes"]) == (True, {})
        assert "30 s more, which have been waited for" in ret["comment"]
        assert len(looked) > 3
        stamp = file.stat().st_mtime - 31
        os.utime(file, (stamp, stamp))
        assert "more" not in run("drained")["comment"]

    def test_an_api_that_is_down_already(self, run, node, file):
        node.health = "none"
        assert run("drained")["result"] is True
        assert file.exists()

    def test_an_api_that_is_not_healthy_afterwards(self, run, file, monkeypatch):
        run("drained")
        monkeypatch.setattr("time.monotonic", iter(range(0, 10**6, 30)).__next__)
        ret = run("undrained")
        assert (ret["result"], set(ret["changes"])) == (False, {str(file)})
        assert "answers 503" in ret["comment"]

    @pytest.mark.parametrize("function", ["drained", "undrained"])
    def test_without_a_health_check_nothing_is_done(self, run, node, function):
        node.known["drain"] = {}
        for test in (True, False):
            ret = run(function, test=test)
            assert (ret["result"], ret["changes"]) == (True, {})
            assert "no health check with disable_by_file" in ret["comment"]


class TestTrial:
    """A load balancer is made through the API, changed and removed."""

    @pytest.fixture(name="trial")
    def _trial(self, node):
        """Tries the API; which calls fail is given by their number, from 1."""
        node.known["upgrade"]["verify"].update(vip_subnet_id="a-subnet", provider="amphora")
        node.known.update(release="", stop_order=[], roles=["client"])
        calls = []

        def verify(fails=(), left=()):
            def apply(declared, **_):
                calls.append(declared["loadbalancers"][0].get("absent", False))
                if len(calls) in fails:
                    raise CommandExecutionError(f"call {len(calls)} failed with {SECRET}")
                return {"units": {}, "findings": [], "changes": {"a": "b"}}

            found = [{"name": name} for name in left]
            functions = {
                **node.functions(),
                "octaviav2.apply": apply,
                "octaviav2.plan": lambda *_, **__: {"changes": {}},
                "octaviav2.loadbalancer_status": lambda *_, **__: {"loadbalancer": {}},
                "octaviav2.loadbalancer_list": lambda **_: {"loadbalancers": found},
            }
            (item,) = node.real("octavia_control.verify", functions)()
            return item, calls

        return verify

    def test_it_lives_and_goes(self, trial):
        item, calls = trial()
        assert (item["state"], calls) == ("ok", [True, False, False, True])

    def test_what_went_wrong_and_that_it_could_not_be_removed_are_both_told(self, trial):
        item, calls = trial(fails=(2, 3))
        assert (item["state"], calls) == ("stop", [True, False, True])
        assert item["text"] == "call 2 failed with ***; call 3 failed with ***"

    def test_what_is_left(self, trial):
        item, calls = trial(left=["trial"])
        assert (item["state"], calls) == ("stop", [True])
        assert "still there" in item["text"]


class TestBackup:
    """A database is saved before it is migrated."""

    @pytest.mark.parametrize(
        "state", [migrations.AT_HEAD, migrations.EMPTY, migrations.UNKNOWN, "unreadable"]
    )
    def test_where_nothing_is_migrated_nothing_is_saved(self, run, node, state):
        node.schema["state"] = state
        for test in (True, False):
            ret = run("db_backed_up", test=test)
            assert (ret["result"], ret["changes"], node.done) == (True, {}, [])

    def test_foretold_and_done(self, run, node):
        would, did = (run("db_backed_up", test=test) for test in (True, False))
        assert (would["result"], did["result"]) == (None, True)
        folder = node.known["upgrade"]["backup"]["path"]
        assert would["changes"] == did["changes"]
        assert did["changes"] == {"backup": {"old": None, "new": f"{folder}: revision {ZED}"}}
        assert node.done == [("backup", ZED)]
        assert "/backup.sql.gz and read again" in did["comment"]

    def test_old_ones_go_and_that_is_told(self, run, node):
        node.saves = {"path": "/new", "removed": ["/oldest"]}
        assert run("db_backed_up")["comment"].endswith("Removed as too old: /oldest.")

    def test_a_failure_is_one_of_the_state(self, run, node):
        node.saves = {"error": "space: 1 MB is free"}
        ret = run("db_backed_up")
        assert (ret["result"], ret["changes"]) == (False, {})
        assert "could not be saved, so it is not migrated: space" in ret["comment"]
        assert "octavia:upgrade:backup:enabled" in ret["comment"]

    def test_without_its_program_it_is_not_begun(self, run, node):
        node.problem = "apt"
        ret = run("db_backed_up", pkgs=["mariadb-client"])
        assert (ret["result"], ret["comment"], node.done) == (False, "pkg says so", [])
        assert run("db_backed_up", pkgs=["octavia-api"])["result"] is True

    def test_who_saves_it_otherwise_is_warned(self, run, node):
        node.known["upgrade"]["backup"]["enabled"] = False
        for test in (True, False):
            ret = run("db_backed_up", test=test)
            assert (ret["result"], ret["changes"], node.done) == (True, {}, [])
            assert ret["warnings"]

    def test_in_an_upgrade_it_is_foretold_by_the_release_to_come(self, run, node):
        """The packages of before are at head with what they have."""
        node.schema = {"state": migrations.AT_HEAD, "revisions": [ZED], "heads": [ZED]}
        assert run("db_backed_up", test=True)["result"] is True
        assert run("db_backed_up", test=True, upgrade=True)["result"] is None
        ret = run("db_synced", test=True, upgrade=True)
        assert ret["changes"] == {"revision": {"old": ZED, "new": EPOXY}}
        node.schema["revisions"] = [EPOXY]
        for function in ("db_backed_up", "db_synced"):
            ret = run(function, test=True, upgrade=True)
            assert (ret["result"], ret["changes"]) == (True, {})

    def test_backups_stay_unless_the_pillar_says_otherwise(self, run, node, tmp_path):
        node.backups = [str(tmp_path / name) for name in ("one", "two")]
        for path in node.backups:
            open(path, "w").close()
        ret = run("backups_removed")
        assert (ret["changes"], len(list(tmp_path.iterdir()))) == ({}, 2)
        node.known["upgrade"]["backup"]["remove_afterwards"] = True
        would, did = (run("backups_removed", test=test) for test in (True, False))
        assert (would["result"], did["result"]) == (None, True)
        assert (
            would["changes"]
            == did["changes"]
            == {path: {"old": "a backup", "new": None} for path in node.backups}
        )
        assert list(tmp_path.iterdir()) == []
        node.backups = []
        assert run("backups_removed")["comment"] == "There is no backup."


class TestSynced:
    """The schema is brought to head."""

    def test_foretold_done_and_done_once(self, run, node):
        foretold(run, "db_synced", upgrade=True)
        assert node.done == [("sync", "octavia")]

    def test_an_upgrade_refuses_while_others_are_connected(self, run, node):
        node.others = ["192.0.2.1 (3)", "ctl02 (1)"]
        ret = run("db_synced", upgrade=True)
        assert (ret["result"], ret["changes"], node.done) == (False, {}, [])
        assert "192.0.2.1 (3), ctl02 (1)" in ret["comment"]
        assert "octavia.upgrade.service_stopped" in ret["comment"]
        assert "Nothing was migrated" in ret["comment"]

    def test_a_usual_run_tells_of_them(self, run, node):
        node.others = ["192.0.2.1 (3)"]
        ret = run("db_synced")
        assert (ret["result"], node.done) == (True, [("sync", "octavia")])
        assert "192.0.2.1 (3)" in ret["warnings"][0]

    def test_a_new_database_has_nobody(self, run, node):
        node.schema["state"], node.schema["revisions"] = migrations.EMPTY, []
        node.others = ["192.0.2.1 (3)"]
        assert run("db_synced", upgrade=True)["result"] is True

    def test_others_are_no_matter_where_nothing_is_migrated(self, run, node):
        node.schema["state"] = migrations.AT_HEAD
        node.others = ["192.0.2.1 (3)"]
        ret = run("db_synced", upgrade=True)
        assert (ret["result"], ret["changes"]) == (True, {})

    def test_a_migration_that_fails(self, run, node):
        node.sync = 1
        ret = run("db_synced", upgrade=True)
        assert (ret["result"], ret["changes"]) == (False, {})
        assert "alembic says so" in ret["comment"]

    def test_two_nodes_that_make_the_schema_at_the_same_time(self, run, node):
        """This one fails at a table that is there already; the other one ends its work."""
        node.schema["state"], node.schema["revisions"] = migrations.EMPTY, []
        node.sync, node.rival = 1, [ZED, EPOXY]
        ret = run("db_synced")
        assert ret["result"] is True, ret["comment"]
        assert ret["changes"] == {"revision": {"old": "none", "new": EPOXY}}
        assert "by another node meanwhile" in ret["comment"]
        (warning,) = ret["warnings"]
        assert "ctl02 (1)" in warning
        assert "set octavia:api:role to secondary on all nodes with the API but one" in warning

    def test_the_other_one_fails_as_well(self, run, node):
        node.schema["state"], node.schema["revisions"] = migrations.EMPTY, []
        node.sync, node.rival = 1, [ZED]
        ret = run("db_synced")
        assert (ret["result"], "warnings" in ret) == (False, False)
        assert "alembic says so" in ret["comment"]


class TestJudged:
    """Readiness and verification as states."""

    ITEMS = (
        {"what": "room", "state": "ok", "text": "enough"},
        {"what": "agents", "state": "not checked", "text": "nobody to ask"},
        {"what": "duties", "state": "warning", "text": "one is open"},
    )
    STOP = ({"what": "sequence", "state": "stop", "text": "skips zed"},)

    @pytest.mark.parametrize("test", [True, False])
    @pytest.mark.parametrize(("more", "result"), [((), True), (STOP, False)])
    def test_ready(self, run, node, test, more, result):
        node.items = [*self.ITEMS, *more]
        ret = run("ready", test=test)
        assert (ret["result"], ret["changes"]) == (result, {})
        first = "stop: sequence: skips zed" if more else "warning: duties: one is open"
        assert ret["comment"].splitlines()[0] == first
        assert ret["comment"].endswith("Nothing was changed.") is bool(more)
        assert len(ret["warnings"]) == 2

    @pytest.mark.parametrize(("more", "result"), [((), True), (STOP, False)])
    def test_verified(self, run, node, more, result):
        node.items = [*self.ITEMS, *more]
        ret = run("verified")
        assert (ret["result"], ret["changes"], node.trials) == (result, {}, [True])
        assert ("docs/upgrade.rst" in ret["comment"]) is bool(more)
        would = run("verified", test=True)
        assert (would["result"], would["changes"], node.trials) == (None, {}, [True, False])

    @pytest.mark.parametrize("test", [True, False])
    def test_told(self, run, test):
        ret = run("told", test=test)
        assert (ret["result"], ret["changes"]) == (True, {})
        assert ret["comment"].splitlines() == [
            "pillar: 2025.1; packages: 2025.1",
            "octavia-housekeeping: inactive (dead)",
            "schema: at head, new",
            "the API is out of service (drained)",
        ]


class TestReadiness:
    """What is looked at on a node before an upgrade."""

    @pytest.fixture(name="ask")
    def _ask(self, node, tmp_path):
        """Asks; what the node answers otherwise may be given."""
        node.known["config"] = str(tmp_path / "octavia.conf")
        node.known["upgrade"].update(allow_skip=True, min_free_mb=0)
        node.schema.update(state=migrations.AT_HEAD, heads=[ZED])

        def ask(**more):
            usual = {
                "octavia_control.upgrade_check": lambda *_: {"state": "passed", "checks": []},
                "octavia_control.heartbeats": lambda *_: {"timeout": 60, "amphorae": []},
                "octavia_db.amphorae": lambda *_: {"amphorae": 0},
                "octavia_db.backup_room": lambda *_: {"free": 10, "needed": 5},
                "octavia_db.look": lambda *_: {"now": NOW, "rows": []},
                "octavia_pki.check": lambda *_: [],
                "cmd.run_all": lambda *_, **__: {"retcode": 0, "stdout": "", "stderr": ""},
                "pkg.list_pkgs": dict,
            }
            own = ("sections", "diff", "hops", "pki")
            real = {f"octavia_config.{name}": node.call[f"octavia_config.{name}"] for name in own}
            given = {name.replace("__", "."): value for name, value in more.items()}
            functions = {**real, **node.functions(), **usual, **given}
            return node.real("octavia_upgrade.readiness", functions)()

        return ask

    def states(self, items):
        """The worst state by what was looked at."""
        order = ("ok", "not checked", "warning", "stop")
        found = {}
        for item in items:
            before = found.get(item["what"], "ok")
            found[item["what"]] = max(before, item["state"], key=order.index)
        return found

    def test_everything_is_looked_at(self, ask, node):
        found = self.states(ask())
        folder = node.known["upgrade"]["backup"]["path"]
        assert set(found) == {
            *(
                "pillar",
                "sequence",
                "package sources",
                "packages",
                "octavia-status upgrade check",
                "database",
            ),
            *("objects in PENDING", "heartbeats", "amphora agents", "certificates", "duties"),
            *("room in /var", f"room in {folder}"),
        }
        assert found["sequence"] == "warning"
        assert "stop" not in {found[name] for name in found if name not in ("duties", "pillar")}

    def test_a_pillar_with_a_mistake_is_all_that_counts(self, ask, node):
        wrong = {"level": "error", "path": "octavia:a", "value": "", "reason": "x", "remedy": "y"}
        node.known.update(valid=False, findings=[wrong])
        assert self.states(ask()) == {"pillar": "stop"}

    def test_nothing_is_installed(self, ask):
        package = {
            "name": "octavia-common",
            "version": NEW,
            "installed": False,
            "release": "2025.1",
        }
        found = ask(octavia_control__package=lambda *_: package)
        assert self.states(found) == {"pillar": "ok", "sequence": "stop"}
        assert "no Octavia is installed here" in found[-1]["text"]

    def test_what_is_installed_is_of_no_known_release(self, ask):
        package = {"name": "octavia-common", "version": "99", "installed": True, "release": ""}
        found = ask(octavia_control__package=lambda *_: package)
        assert self.states(found) == {"pillar": "ok", "sequence": "stop"}
        assert "octavia-common 99 is of no release" in found[-1]["text"]

    def test_a_client_has_a_pillar_and_no_more(self, ask, node):
        node.known["release"] = ""
        assert ask() == [{"what": "pillar", "state": "ok", "text": "it is valid"}]

    def test_noservices_asks_neither_database_nor_amphorae(self, ask, node):
        node.known["noservices"] = True

        def never(*_, **__):
            raise AssertionError

        names = [f"octavia_control__{name}" for name in ("upgrade_check", "pending", "heartbeats")]
        names += [f"octavia_db__{name}" for name in ("state", "look", "amphorae")]
        found = ask(**dict.fromkeys(names, never))
        assert {"database", "heartbeats", "amphora agents"} & set(self.states(found)) == set()

    def test_a_database_that_cannot_be_read_stops_once(self, ask, node):
        node.schema.update(state="unreadable", revisions=[], error="unreachable", text="no route")
        broken = {"error": "unreachable", "text": "no route"}
        found = self.states(
            ask(
                octavia_db__backup_room=lambda *_: broken,
                octavia_db__look=lambda *_: broken,
                octavia_db__amphorae=lambda *_: broken,
            )
        )
        assert (found["database"], found["amphora agents"]) == ("stop", "not checked")
        assert "heartbeats" not in found

    def test_one_that_tells_not_everything_is_no_traceback(self, ask, node):
        def silent(*_):
            raise CommandExecutionError("no such column")

        node.unreadable = {"error": "other", "text": "no such column"}
        found = self.states(ask(octavia_control__heartbeats=silent))
        assert found["heartbeats"] == found["objects in PENDING"] == "not checked"

    def test_another_node_was_first(self, ask, node):
        node.schema.update(state=migrations.UNKNOWN, revisions=[EPOXY])
        assert self.states(ask())["database"] == "ok"
        node.schema.update(revisions=["ffffffffffff"])
        assert self.states(ask())["database"] == "stop"

    def test_too_little_room(self, ask, node):
        node.known["upgrade"]["min_free_mb"] = 10**9
        short = {"free": 5, "needed": 10}
        found = self.states(ask(octavia_db__backup_room=lambda *_: short))
        folder = node.known["upgrade"]["backup"]["path"]
        assert (found["room in /var"], found[f"room in {folder}"]) == ("stop", "stop")
        node.known["upgrade"]["backup"]["enabled"] = False
        assert f"room in {folder}" not in self.states(ask())

    def test_options_of_the_file_in_force(self, ask, node, tmp_path):
        text = "# a = b\n[DEFAULT]\nuse_eventlog = true\n  lines = of it\n[neutron]\n"
        (tmp_path / "octavia.conf").write_text(text + "ca_certificates_file=/ca\nno line\n")
        (told,) = (item for item in ask() if item["what"] == "options")
        assert "[DEFAULT] use_eventlog is gone." in told["text"]
        assert "[neutron] ca_certificates_file is" in told["text"]
        assert "lines" not in told["text"].split()
        node.installed["octavia-common"] = NEW
        assert "options" not in self.states(ask())

    def test_packages_of_long_ago_have_no_check_of_their_own(self, ask):
        package = {"name": "octavia-common", "version": "3", "installed": True, "release": "rocky"}
        found = ask(octavia_control__package=lambda *_: package)
        (check,) = (item for item in found if item["what"].startswith("octavia-status"))
        assert (check["state"], check["text"]) == ("not checked", "rocky does not have it")

    def test_duties_that_there_are_not(self, ask, node):
        node.known["upgrade"]["done"] = ["old-agentz"]
        told = [item for item in ask() if item["what"] == "duties"]
        assert told[-1]["state"] == "warning"
        assert "old-agentz" in told[-1]["text"]


class TestAgents:
    """Who is asked for the version of an agent."""

    @pytest.fixture(name="ask")
    def _ask(self, node, monkeypatch):
        """Asks; what is handed on is in the list."""
        asked = []
        rows = [{"id": "a", "lb_network_ip": "10.0.0.9"}, {"id": "b", "lb_network_ip": None}]

        def ask(answer=None, **pki):
            given = {**node.call["octavia_config.pki"](), **pki}
            functions = {
                "octavia_db.look": lambda *_: answer or {"now": NOW, "rows": rows},
                "octavia_config.pki": lambda *_: given,
            }
            function = node.real("octavia_upgrade.agent_versions", functions)
            names = inspect.unwrap(node.call["octavia_upgrade.agent_versions"].func).__globals__
            monkeypatch.setattr(
                names["octavia_agents"], "versions", lambda *told: asked.append(told) or {}
            )
            return function(), asked

        return ask

    def test_amphorae_in_use_by_the_files_of_octavia_conf(self, ask):
        answer, asked = ask()
        assert answer == {}
        assert asked == [
            (
                {"a": "10.0.0.9"},
                9443,
                "/etc/octavia/certs/client_all.pem",
                "/etc/octavia/certs/ca_01.pem",
            )
        ]

    @pytest.mark.parametrize(
        "given", [{"answer": {"error": "unreachable", "text": ""}}, {"files": {}}]
    )
    def test_nobody_can_be_asked(self, ask, given):
        assert ask(**given) == (None, [])
