"""
Rotations of CAs and shared secrets, as data: the stages, what each touches, and how it is told from
the system itself which one is due. No file keeps the state of a rotation, so none can be wrong.

The order follows from two facts of Octavia (derived from its code, the guide has neither): the
files of both trusts are read as bundles of CAs (requests ``verify`` on the controller, ``ca_certs``
of the agent), and an amphora gets the client CA only when it is built.
"""

# No annotations as text here, see octavia_blocks.
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

Item = TypeVar("Item")

SERVER_CA, CLIENT_CA = "server_ca", "client_ca"
CLIENT, PASSPHRASE, HEARTBEAT = (
    "client_certificate",
    "server_certs_key_passphrase",
    "heartbeat_key",
)
#: The health manager's state on a node.
RUNNING, STOPPED = "running", "stopped"


class UnknownRotation(Exception):
    """There is no rotation of this name."""


@dataclass(frozen=True)
class Seen:
    """
    What is to be seen of the system.

    :ivar old: fingerprint of what shall go
    :ivar new: fingerprint of what shall come; for client certificates that of their CA
    :ivar nodes: the fingerprints of each controller, as :mod:`octavia_pki_compare` makes them
    :ivar amphorae: for each amphora that is not deleted whether it is on the new: for the server CA
        the issuer of the certificate that it shows, for the client CA whether it lets in a
        controller of the new; None where it could not be asked
    :ivar health_managers: :data:`RUNNING` or :data:`STOPPED` by controller
    :ivar pending: how many load balancers are PENDING, so that flows may be under way
    :ivar told: for the heartbeat key whether this run has told all amphorae of it
    """

    old: str
    new: str
    nodes: Mapping[str, Mapping[str, Any]]
    amphorae: Mapping[str, bool | None] = field(default_factory=dict)
    health_managers: Mapping[str, str] = field(default_factory=dict)
    pending: int = 0
    told: bool = False


class Stage(NamedTuple):
    """
    One stage of a rotation.

    :ivar name: what is done
    :ivar touches: what it touches, in words
    :ivar unreachable: what cannot be reached any more because of it; empty for nothing
    :ivar lacking: the nodes or amphorae that it has not reached yet
    """

    name: str
    touches: str
    unreachable: str
    lacking: Callable[[Seen], list[str]]


class Step(NamedTuple):
    """
    What is next.

    :ivar stage: the number of the stage, from 1 on; 0 when the rotation is complete
    :ivar stages: how many there are
    :ivar name: what is done
    :ivar touches: what it touches
    :ivar unreachable: what cannot be reached any more because of it
    :ivar where: the nodes or amphorae that it has not reached yet
    """

    stage: int
    stages: int
    name: str
    touches: str
    unreachable: str
    where: list[str]


def next_step(kind: str, seen: Seen) -> Step:
    """
    The stage that is due: the first one that has not reached everything.

    :param kind: what is rotated, a key of :data:`ROTATIONS`
    :param seen: what is to be seen of the system
    :return: the step
    :raises UnknownRotation: for another kind
    """
    stages = stages_of(kind)
    for number, stage in enumerate(stages, 1):
        lacking = stage.lacking(seen)
        if lacking:
            return Step(number, len(stages), *stage[:3], lacking)
    return Step(0, len(stages), "nothing is left to do", "", "", [])


def stages_of(kind: str) -> tuple[Stage, ...]:
    """
    The stages of a rotation.

    :param kind: what is rotated, a key of :data:`ROTATIONS`
    :return: the stages in their order
    :raises UnknownRotation: for another kind
    """
    if kind not in ROTATIONS:
        raise UnknownRotation(f"no rotation is called {kind}; there are {', '.join(ROTATIONS)}")
    return ROTATIONS[kind]


def stage_of_amphorae(kind: str) -> int:
    """
    The stage in which amphorae are moved to another CA.

    :param kind: :data:`SERVER_CA` or :data:`CLIENT_CA`
    :return: its number
    :raises UnknownRotation: for another kind
    """
    numbers = [number for number, stage in enumerate(stages_of(kind), 1) if stage[3] is _amphorae]
    if not numbers:
        raise UnknownRotation(f"the rotation {kind} moves no amphora to another CA")
    return numbers[0]


def batches(amphorae: Sequence[Item], size: int) -> list[list[Item]]:
    """
    Amphorae in bounded groups.

    :param amphorae: the amphorae, or their ids
    :param size: how many of them at the same time
    :return: the groups, one after the other
    """
    step = max(size, 1)
    return [list(amphorae[start : start + step]) for start in range(0, len(amphorae), step)]


def _nodes(lacks: Callable[[Mapping[str, Any], Seen], bool]) -> Callable[[Seen], list[str]]:
    """The nodes that lack something."""

    def lacking(seen: Seen) -> list[str]:
        return [name for name, node in sorted(seen.nodes.items()) if lacks(node, seen)]

    return lacking


def _amphorae(seen: Seen) -> list[str]:
    """The amphorae that are not known to be on the new."""
    return [name for name, moved in sorted(seen.amphorae.items()) if not moved]


def _running(seen: Seen) -> list[str]:
    """Health managers that must be stopped: keys are not the same, or nobody has the new one."""
    if not _without_key(seen):
        return []
    return [name for name, state in sorted(seen.health_managers.items()) if state == RUNNING]


def _without_key(seen: Seen) -> list[str]:
    return [name for name, node in sorted(seen.nodes.items()) if node[HEARTBEAT] != seen.new]


def _untold(seen: Seen) -> list[str]:
    # No amphora can be asked which key it has, and to tell it twice does no harm. A health manager
    # that runs with the new key was started after all had been told.
    if seen.told or RUNNING in seen.health_managers.values():
        return []
    return sorted(seen.amphorae)


def _stopped(seen: Seen) -> list[str]:
    return [name for name, state in sorted(seen.health_managers.items()) if state == STOPPED]


def _first_is_not(node: Mapping[str, Any], seen: Seen) -> bool:
    return bool(node[PASSPHRASE][:1] != [seen.new])


def _flows(seen: Seen) -> list[str]:
    """Flows that began with the old passphrase, as long as any node has it."""
    kept = any(seen.old in node[PASSPHRASE] for node in seen.nodes.values())
    return [f"{seen.pending} load balancers that are PENDING"] if kept and seen.pending else []


def _not_of(key: str) -> Callable[[Mapping[str, Any], Seen], bool]:
    return lambda node, seen: seen.new not in node[key]


def _still(key: str) -> Callable[[Mapping[str, Any], Seen], bool]:
    return lambda node, seen: seen.old in node[key]


RESTART = "the worker, health manager and housekeeping of each controller are restarted"
ROTATIONS: dict[str, tuple[Stage, ...]] = {
    CLIENT: (
        Stage(
            "give each controller a certificate of its own anew",
            f"the controller's certificate and key; {RESTART}",
            "",
            _nodes(_still("client_certificate")),
        ),
    ),
    SERVER_CA: (
        Stage(
            "trust the new CA beside the old one on every controller",
            f"[haproxy_amphora] server_ca; {RESTART}",
            "",
            _nodes(_not_of("server_ca_trusted")),
        ),
        Stage(
            "sign with the new CA on every controller",
            f"[certificates] ca_certificate, ca_private_key and its passphrase; {RESTART}",
            "",
            _nodes(_not_of("server_ca")),
        ),
        Stage(
            "move every amphora to a certificate of the new CA",
            "the certificates of amphorae, by housekeeping once they are due, or by failover",
            "",
            _amphorae,
        ),
        Stage(
            "trust the new CA alone",
            f"[haproxy_amphora] server_ca; {RESTART}",
            "amphorae that still have a certificate of the old CA, of which there are none now",
            _nodes(_still("server_ca_trusted")),
        ),
    ),
    CLIENT_CA: (
        Stage(
            "let new amphorae trust the new CA beside the old one",
            f"[controller_worker] client_ca; {RESTART}",
            "",
            _nodes(_not_of("client_ca_trusted")),
        ),
        Stage(
            "replace every amphora: it learns of CAs only when it is built",
            "every amphora, by failover of its load balancer",
            "a load balancer of the topology SINGLE while it is failed over",
            _amphorae,
        ),
        Stage(
            "give each controller a certificate of the new CA",
            f"the controllers' certificates and keys; {RESTART}",
            "",
            _nodes(_not_of("client_certificate_issuer")),
        ),
        Stage(
            "let new amphorae trust the new CA alone",
            f"[controller_worker] client_ca; {RESTART}",
            "",
            _nodes(_still("client_ca_trusted")),
        ),
    ),
    PASSPHRASE: (
        Stage(
            "add the new passphrase behind the old one on every controller and API node",
            f"[certificates] server_certs_key_passphrase; the API and {RESTART}",
            "",
            _nodes(_not_of(PASSPHRASE)),
        ),
        Stage(
            "put the new passphrase first everywhere",
            f"[certificates] server_certs_key_passphrase; the API and {RESTART}",
            "",
            _nodes(_first_is_not),
        ),
        Stage(
            "wait for the flows that began with the old one",
            "nothing",
            "",
            _flows,
        ),
        Stage(
            "remove the old passphrase everywhere",
            f"[certificates] server_certs_key_passphrase; the API and {RESTART}",
            "",
            _nodes(_still(PASSPHRASE)),
        ),
    ),
    HEARTBEAT: (
        Stage(
            "stop the health manager on every controller",
            "octavia-health-manager: nothing is failed over until it runs again",
            "",
            _running,
        ),
        Stage(
            "give the new key to every controller",
            "[health_manager] heartbeat_key; worker and housekeeping are restarted",
            "",
            _without_key,
        ),
        Stage(
            "tell every amphora by the API",
            "the configuration of each amphora's agent; one that goes on signing with the old key "
            "(images up to 2025.1 do) needs a restart of its agent, or a failover",
            "",
            _untold,
        ),
        Stage(
            "start the health manager on every controller",
            "octavia-health-manager, which waits heartbeat_timeout before it judges anyone",
            "",
            _stopped,
        ),
    ),
}
