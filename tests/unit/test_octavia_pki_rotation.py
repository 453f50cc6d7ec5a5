"""Rotations: which stage is due is told from the system, wherever one was interrupted."""

import octavia_pki_rotation as rotation
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

OLD, NEW = "old", "new"
RUNNING, STOPPED = rotation.RUNNING, rotation.STOPPED


def seen(nodes, **more):
    """What is seen of two controllers or more."""
    return rotation.Seen(OLD, NEW, nodes, **more)


def node(**changes):
    """A controller before any rotation."""
    return {
        "server_ca": [OLD],
        "server_ca_trusted": [OLD],
        "client_ca_trusted": [OLD],
        "client_certificate": [OLD],
        "client_certificate_issuer": [OLD],
        "server_certs_key_passphrase": [OLD],
        "heartbeat_key": OLD,
        **changes,
    }


class System:
    """
    Two controllers and two amphorae which do what a stage says, one of them at a time; it refuses
    what would make an amphora unreachable.
    """

    def __init__(self):
        self.nodes = {"a": node(), "b": node()}
        # Of an amphora: who signed it, whom it trusts, its key.
        self.amphorae = {name: {"by": OLD, "trusts": [OLD], "key": OLD} for name in ("x", "y")}
        self.health = {"a": RUNNING, "b": RUNNING}
        self.told = False

    def seen(self, kind):
        """What a rotation sees."""
        moved = {
            name: item["by"] == NEW if kind == rotation.SERVER_CA else NEW in item["trusts"]
            for name, item in self.amphorae.items()
        }
        return seen(self.nodes, amphorae=moved, health_managers=self.health, told=self.told)

    def do(self, kind, step):
        """Brings the first of a step's places to what the step says."""
        place = step.where[0]
        {
            rotation.SERVER_CA: self._server_ca,
            rotation.CLIENT_CA: self._client_ca,
            rotation.CLIENT: self._client,
            rotation.PASSPHRASE: self._passphrase,
            rotation.HEARTBEAT: self._heartbeat,
        }[kind](step.stage, place)
        self.must_work()

    def _server_ca(self, stage, place):
        if stage == 3:
            signers = {item for each in self.nodes.values() for item in each["server_ca"]}
            (self.amphorae[place]["by"],) = signers
        else:
            key, value = {
                1: ("server_ca_trusted", [OLD, NEW]),
                2: ("server_ca", [NEW]),
                4: ("server_ca_trusted", [NEW]),
            }[stage]
            self.nodes[place][key] = value

    def _client_ca(self, stage, place):
        if stage == 2:
            self.amphorae[place]["trusts"] = self.nodes["a"]["client_ca_trusted"]
        else:
            key, value = {
                1: ("client_ca_trusted", [OLD, NEW]),
                3: ("client_certificate_issuer", [NEW]),
                4: ("client_ca_trusted", [NEW]),
            }[stage]
            self.nodes[place][key] = value

    def _client(self, stage, place):
        self.nodes[place]["client_certificate"] = [NEW]

    def _passphrase(self, stage, place):
        value = {1: [OLD, NEW], 2: [NEW, OLD], 4: [NEW]}[stage]
        self.nodes[place]["server_certs_key_passphrase"] = value

    def _heartbeat(self, stage, place):
        if stage in (1, 4):
            self.health[place] = STOPPED if stage == 1 else RUNNING
        elif stage == 2:
            self.nodes[place]["heartbeat_key"] = NEW
        else:
            for item in self.amphorae.values():
                item["key"] = self.nodes["a"]["heartbeat_key"]
            self.told = True

    def must_work(self):
        """Every controller reaches every amphora, reads its heartbeats and every other's flows."""
        for name, each in self.nodes.items():
            for item in self.amphorae.values():
                assert item["by"] in each["server_ca_trusted"]
                assert set(each["client_certificate_issuer"]) <= set(item["trusts"])
                if self.health[name] == RUNNING:
                    assert item["key"] == each["heartbeat_key"]
            for other in self.nodes.values():
                assert set(each["server_ca"]) <= set(other["server_ca_trusted"])
                first = other["server_certs_key_passphrase"][0]
                assert first in each["server_certs_key_passphrase"]


@pytest.mark.parametrize("kind", rotation.ROTATIONS)
def test_step_by_step_nothing_becomes_unreachable(kind):
    system, stages = System(), []
    for _ in range(30):
        step = rotation.next_step(kind, system.seen(kind))
        if not step.stage:
            break
        stages.append(step.stage)
        system.do(kind, step)
    assert step.stage == 0
    assert stages == sorted(stages)
    # Waiting for flows is no stage where none is under way.
    expected = set(range(1, step.stages + 1)) - ({3} if kind == rotation.PASSPHRASE else set())
    assert set(stages) == expected
    assert OLD not in repr(_rotated(kind, system))


def _rotated(kind, system):
    key = "client_ca_trusted" if kind == rotation.CLIENT_CA else kind
    return [each[key] for each in system.nodes.values()]


@pytest.mark.parametrize("kind", rotation.ROTATIONS)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_one_that_is_interrupted_goes_on(kind, data):
    """In whatever order a stage reaches its places, and whatever is forgotten in between."""
    system, stages = System(), []
    for _ in range(60):
        # What the run itself knew is gone.
        if data.draw(st.booleans()):
            system.told = False
        step = rotation.next_step(kind, system.seen(kind))
        if not step.stage:
            return
        stages.append(step.stage)
        place = data.draw(st.sampled_from(step.where))
        system.do(kind, step._replace(where=[place]))
    raise AssertionError(stages)


def test_an_amphora_that_could_not_be_asked_counts_as_old():
    nodes = {"a": node(server_ca=[NEW], server_ca_trusted=[OLD, NEW])}
    step = rotation.next_step(
        rotation.SERVER_CA, seen(nodes, amphorae={"x": True, "y": None, "z": False})
    )
    assert (step.stage, step.where) == (3, ["y", "z"])


def test_flows_are_waited_for():
    nodes = {"a": node(server_certs_key_passphrase=[NEW, OLD])}
    step = rotation.next_step(rotation.PASSPHRASE, seen(nodes, pending=2))
    assert (step.stage, step.where) == (3, ["2 load balancers that are PENDING"])
    assert step.touches == "nothing"


def test_a_health_manager_that_was_started_too_early_is_stopped_again():
    nodes = {"a": node(heartbeat_key=NEW), "b": node()}
    health = {"a": RUNNING, "b": STOPPED}
    step = rotation.next_step(rotation.HEARTBEAT, seen(nodes, health_managers=health))
    assert (step.stage, step.where) == (1, ["a"])


@pytest.mark.parametrize("kind", rotation.ROTATIONS)
def test_each_stage_says_what_it_touches(kind):
    for stage in rotation.stages_of(kind):
        assert stage.name
        assert stage.touches


def test_only_failovers_of_single_ones_and_the_last_stage_announce_a_loss():
    announced = {
        (kind, number)
        for kind, stages in rotation.ROTATIONS.items()
        for number, stage in enumerate(stages, 1)
        if stage.unreachable
    }
    assert announced == {(rotation.SERVER_CA, 4), (rotation.CLIENT_CA, 2)}


def test_bounded_batches():
    assert rotation.batches(["a", "b", "c"], 2) == [["a", "b"], ["c"]]
    assert rotation.batches([], 2) == []
    assert rotation.batches(["a", "b"], 0) == [["a"], ["b"]]


def test_an_unknown_kind():
    with pytest.raises(rotation.UnknownRotation, match="server_ca, client_ca"):
        rotation.next_step("x", seen({}))
