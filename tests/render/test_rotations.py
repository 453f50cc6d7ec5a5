"""
The states that carry rotations out, by Salt's own loader, on a fleet that does what the API asks of
it. The real fleet is in tests/converge/test_agent.py.
"""

import inspect

import harness
import pytest
from cases import CASES
from salt.exceptions import CommandExecutionError

OLD, NEW = "1" * 64, "2" * 64
UNIT = "octavia-health-manager"


class Site:
    """
    What lies around the states: the API, the amphorae behind it, the units of a controller.

    :param amphorae: their ids; two of one letter belong to one load balancer
    """

    def __init__(self, amphorae=("a1", "a2", "b1")):
        self.amphorae = {name: self._amphora(name) for name in amphorae}
        self.on_new = dict.fromkeys(self.amphorae, False)
        self.signs_new = dict.fromkeys(self.amphorae, False)
        self.deaf, self.broken, self.builds_old, self.statuses = set(), set(), False, {}
        self.stage, self.waves, self.told = 3, [], []
        self.key_changes, self.active, self.masked, self.known = True, True, False, 3

    @staticmethod
    def _amphora(name):
        role = "BACKUP" if name.endswith("1") else "MASTER"
        return {"id": name, "loadbalancer_id": name[0], "role": role, "status": "ALLOCATED"}

    def functions(self):
        """The execution functions that states call."""
        return {
            "octavia_config.pki": lambda *_: {"settings": {"cloud_name": "admin"}},
            "octavia_db.amphorae": lambda *_: {"amphorae": self.known},
            "octavia_db.certificates_due": self._due,
            "octavia_control.units": self._units,
            "octavia_control.journal": lambda *_: "",
            "octavia_pki.heartbeat_key_changes": lambda *_: self.key_changes,
            "octavia_pki.heartbeats": self._heartbeats,
            "octavia_pki.moved": lambda *_: dict(self.on_new),
            "octavia_pki.rotation": self._rotation,
            "octaviav2.amphora_configure": self._configure,
            "octaviav2.amphora_failover": self._failover,
            "octaviav2.amphora_list": self._list,
            "octaviav2.loadbalancer_list": self._balancers,
            "octaviav2.loadbalancer_wait": self._wait,
            "service.mask": lambda _: self._set(masked=True),
            "service.masked": lambda _: self.masked,
            "service.start": lambda _: self._set(active=not self.masked),
            "service.stop": lambda _: self._set(active=False),
            "service.unmask": lambda _: self._set(masked=False),
        }

    def _set(self, **values):
        self.__dict__.update(values)

    def _units(self, name):
        state = "active (running)" if self.active else "inactive (dead)"
        return {name: {"active": self.active, "state": state}}

    def _list(self, cloud_name):
        assert cloud_name == "admin"
        return {"amphorae": list(self.amphorae.values())}

    def _balancers(self, **_):
        names = {item["loadbalancer_id"] for item in self.amphorae.values()}
        return {
            "loadbalancers": [
                {"id": name, "provisioning_status": self.statuses.get(name, "ACTIVE")}
                for name in names
            ]
        }

    def _rotation(self, *_, **__):
        old = sorted(name for name, moved in self.on_new.items() if not moved)
        lost = "a load balancer of the topology SINGLE"
        stage = self.stage if old or self.stage < 3 else 4
        return {"stage": stage, "name": "do it", "where": old or ["ctl01"], "unreachable": lost}

    def _failover(self, name, **_):
        if name in self.broken:
            raise CommandExecutionError(f"{name} answers 409")
        self.waves.append(name)
        new = f"{name}-new"
        self.amphorae[new] = {**self.amphorae.pop(name), "id": new}
        del self.on_new[name]
        self.on_new[new] = not self.builds_old

    def _wait(self, ids, **_):
        self.waves.append("|")
        return dict.fromkeys(ids, "ACTIVE")

    def _due(self, ids, _):
        self.waves.append(ids)
        self.on_new.update({name: True for name in ids if name not in self.deaf})
        return {"due": len(ids)}

    def _configure(self, name, **_):
        if name in self.broken:
            raise CommandExecutionError(f"{name} answers 404")
        self.told.append(name)
        self.signs_new[name] = name not in self.deaf

    def _heartbeats(self, ids, *_):
        return {name: self.signs_new[name] for name in ids}


@pytest.fixture(scope="module", name="minion")
def _minion():
    made = harness.Minion("debian12", CASES["aio"].pillar("debian12"))
    yield made
    made.highstate.destroy()


@pytest.fixture(name="site")
def _site():
    return Site()


@pytest.fixture(name="run")
def _run(minion, site):
    """Calls a state function of octavia_pki."""

    def run(function, test=False, **arguments):
        state = minion.highstate.state.states[f"octavia_pki.{function}"].func
        # What decorates it is of another module.
        around = inspect.unwrap(state).__globals__
        around.update(__salt__=site.functions(), __opts__={"test": test}, POLL_SECONDS=0.01)
        return state("x", **arguments)

    return run


def _moves(run, test=False, **more):
    return run("amphorae_moved", test=test, **{"kind": "server_ca", "old": OLD, "new": NEW, **more})


class TestAmphorae:
    """Amphorae move to another CA in bounded waves."""

    def test_a_dry_run_foretells_exactly_what_is_done(self, run, site):
        foretold = _moves(run, test=True)
        assert (foretold["result"], site.waves) == (None, [])
        assert "Not reachable meanwhile" in foretold["comment"]
        done = _moves(run)
        assert (done["result"], done["changes"]) == (True, foretold["changes"])
        assert set(done["changes"]) == {"a1", "a2", "b1"}
        again = _moves(run)
        assert (again["result"], again["changes"]) == (True, {})
        assert _moves(run, test=True)["result"] is True

    def test_waves_are_bounded_and_never_take_both_of_a_load_balancer(self, run, site):
        _moves(run, max_unavailable=2)
        assert site.waves == ["a1", "b1", "|", "a2", "|"]

    def test_one_that_does_some_waves_only_goes_on_next_time(self, run, site):
        assert set(_moves(run, waves=1)["changes"]) == {"a1"}
        assert set(_moves(run)["changes"]) == {"b1", "a2"}

    def test_it_stops_at_the_first_problem(self, run, site):
        site.broken = {"b1"}
        ret = _moves(run)
        assert (ret["result"], set(ret["changes"])) == (False, {"a1"})
        assert "b1 answers 409" in ret["comment"]
        assert "Nothing more was begun" in ret["comment"]

    def test_it_stops_when_new_amphorae_are_built_with_the_old_ca(self, run, site):
        site.builds_old = True
        ret = _moves(run)
        assert (ret["result"], site.waves) == (False, ["a1", "|"])
        assert "a1-new" in ret["comment"]
        assert "Restart the workers" in ret["comment"]

    def test_a_load_balancer_that_is_not_active_is_left_alone_and_told(self, run, site):
        site.statuses = {"a": "ERROR"}
        ret = _moves(run)
        assert set(ret["changes"]) == {"b1"}
        assert "a1 of a" in ret["comment"]

    def test_not_before_the_controllers_are_ready(self, run, site):
        site.stage = 1
        for test in (True, False):
            ret = _moves(run, test=test)
            assert (ret["result"], ret["changes"], site.waves) == (False, {}, [])
            assert "stage 1 is due" in ret["comment"]

    def test_housekeeping_renews(self, run, site):
        ret = _moves(run, way="renewal", max_unavailable=2)
        assert (ret["result"], site.waves) == (True, [["a1", "a2"], ["b1"]])

    def test_housekeeping_that_does_not_is_told(self, run, site):
        site.deaf = {"a2"}
        ret = _moves(run, way="renewal", max_unavailable=2, timeout=0.05)
        assert (ret["result"], set(ret["changes"])) == (False, {"a1"})
        assert "has not renewed in 0 s: a2" in ret["comment"]
        assert site.waves == [["a1", "a2"]]

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"kind": "heartbeat_key"}, "write server_ca or client_ca"),
            ({"way": "hope"}, "write failover or renewal"),
            ({"kind": "client_ca", "way": "renewal"}, "only when it is built"),
            ({"kind": "client_ca"}, "probe is missing"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, run, site, given, said):
        ret = _moves(run, **given)
        assert (ret["result"], site.waves) == (False, [])
        assert said in ret["comment"]


class TestHeartbeatKey:
    """The heartbeat key never changes but by its rotation."""

    def test_it_is_kept_while_the_health_manager_runs(self, run, site):
        for test in (True, False):
            ret = run("heartbeat_key_kept", test=test)
            assert (ret["result"], ret["changes"]) == (False, {})
            assert "3 amphorae sign with the old one" in ret["comment"]
        site.known = 0
        assert run("heartbeat_key_kept")["result"] is True
        site.known, site.active = 3, False
        assert run("heartbeat_key_kept")["result"] is True
        site.active, site.key_changes = True, False
        assert run("heartbeat_key_kept")["result"] is True

    def test_stage_by_stage(self, run, site):
        assert run("health_manager_stopped", test=True)["result"] is None
        assert site.active
        assert run("health_manager_stopped")["changes"]
        assert (site.active, site.masked) == (False, True)
        assert run("health_manager_stopped")["changes"] == {}
        early = run("health_manager_started")
        assert (early["result"], site.masked) == (False, True)
        assert run("fleet_told")["result"] is False
        assert site.told == []
        site.key_changes = False
        foretold = run("fleet_told", test=True)
        assert (foretold["result"], site.told) == (None, [])
        told = run("fleet_told")
        assert (told["result"], told["changes"]) == (True, foretold["changes"])
        assert sorted(site.told) == ["a1", "a2", "b1"]
        assert run("fleet_told")["changes"] == {}
        assert run("health_manager_started", test=True)["result"] is None
        assert run("health_manager_started")["result"] is True
        assert (site.active, site.masked) == (True, False)
        for stage in ("health_manager_stopped", "fleet_told", "health_manager_started"):
            assert run(stage)["changes"] == {}
        assert site.active

    def test_who_is_not_on_the_new_key_is_told_and_the_rest_goes_on(self, run, site):
        site.active = site.key_changes = False
        site.broken, site.deaf = {"a1"}, {"a2"}
        ret = run("fleet_told", max_unavailable=1)
        assert (ret["result"], set(ret["changes"])) == (False, {"b1"})
        assert "a1: a1 answers 404" in ret["comment"]
        assert "a2: still signs with another key" in ret["comment"]
        site.broken, site.deaf = set(), set()
        assert set(run("fleet_told")["changes"]) == {"a1", "a2"}
