"""What a plan is made of: operations, in units that do not get into each other's way."""

# No annotations as text here, see octavia_blocks.
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

try:
    import octavia_findings as findings
    import octavia_resources as resources
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_resources as resources

CREATE, UPDATE, DELETE, BATCH = "create", "update", "delete", "batch"
CASCADE_DELETE, WAIT = "cascade_delete", "wait"
FAILOVER, CONFIGURE = "failover", "configure"
#: What changes nothing on the server.
READING = (WAIT,)

#: Octavia 11 (2.26) leaves the children of a tree in PENDING_CREATE, seen with its noop drivers.
TREES_SINCE = 27

Changes = dict[str, Any]
Finding = findings.Finding


@dataclass(frozen=True)
class Ref:
    """Stands for the id of an object that an earlier operation creates."""

    key: str

    def __str__(self) -> str:
        return "(new)"


@dataclass(frozen=True)
class Operation:
    """
    One request that changes something, or one wait.

    :ivar action: ``create``, ``update``, ``delete``, ``batch`` (members of a pool in one PUT),
        ``cascade_delete``, ``failover``, ``configure`` or ``wait``
    :ivar resource: name of the resource
    :ivar id: of the object that is changed; empty for a create and a batch
    :ivar parent: id of the pool of a member or a batch, or of the policy of a rule
    :ivar body: the object's fields, without the key around them; a batch's is a mapping with
        ``members`` and ``additive_only``
    :ivar label: the object as people call it, such as ``listener http``
    :ivar changes: ``created`` and ``deleted`` (labels), ``updated`` (label to field to old, new)
    :ivar locks: id of the load balancer that goes PENDING by it, empty where none does
    :ivar creates: keys under which ids are known afterwards, the object's own first
    """

    action: str
    resource: str
    id: str | Ref = ""
    parent: str | Ref = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""
    changes: Changes = field(default_factory=dict)
    locks: str | Ref = ""
    creates: tuple[str, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether it changes something on the server."""
        return self.action not in READING


@dataclass(frozen=True)
class Options:
    """
    How to plan.

    :ivar tree: whether new load balancers are created with all below them in one call; None: from
        the version of the API on that does it well (:data:`TREES_SINCE`)
    :ivar batch: whether several members are written in one request
    :ivar defaults: what the cloud's operator set as defaults, by resource and field
    :ivar base: put before the paths of findings
    """

    tree: bool | None = None
    batch: bool = True
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    base: str = ""


@dataclass
class Unit:
    """
    Operations that run one after the other: one load balancer, or one object without any.

    :ivar key: names it among the units, such as ``loadbalancer:web``
    :ivar name: the name that a user gave
    :ivar operations: in the order in which they must run; none when there are errors
    :ivar after: keys of the units that must be done first
    :ivar findings: what was found about it
    :ivar id: of the object on the server, empty when it is not there yet
    :ivar unmanaged: labels of children on the server that nobody declared
    """

    key: str
    resource: str
    name: str
    operations: list[Operation] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    id: str = ""
    unmanaged: list[str] = field(default_factory=list)

    @property
    def changes(self) -> Changes:
        """What its operations change, in one mapping."""
        return merged(operation.changes for operation in self.operations)


@dataclass
class Plan:
    """
    All that has to be done.

    :ivar findings: about what was declared, and those of all units
    :ivar units: to be run in parallel, but for their ``after``; when ``refused`` none of them has
        an operation
    :ivar refused: whether the declaration itself is wrong, so that nothing may be written
    """

    findings: list[Finding] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    refused: bool = False

    @property
    def operations(self) -> list[Operation]:
        """The operations of all units."""
        return [operation for unit in self.units for operation in unit.operations]

    @property
    def writes(self) -> int:
        """How many requests change something."""
        return sum(operation.writes for operation in self.operations)

    @property
    def changes(self) -> dict[str, Changes]:
        """What would change, by the units' keys; units without changes are left out."""
        return {unit.key: unit.changes for unit in self.units if unit.changes}


def merged(changes: Iterable[Changes]) -> Changes:
    """
    Several changes as one.

    :param changes: in the form of :attr:`Operation.changes`
    :return: the same form; keys without content are left out
    """
    result: Changes = {}
    for change in changes:
        for kind in ("created", "deleted"):
            if change.get(kind):
                result.setdefault(kind, []).extend(change[kind])
        for label, fields in change.get("updated", {}).items():
            result.setdefault("updated", {}).setdefault(label, {}).update(fields)
    return result


def resolve(value: Any, ids: Mapping[str, str]) -> Any:
    """
    A body or an id with real ids in the place of references.

    :param value: anything that may hold :class:`Ref`
    :param ids: the ids that are known, by key
    :return: the same without references
    :raises KeyError: when an id is not known
    """
    if isinstance(value, Ref):
        return ids[value.key]
    if isinstance(value, Mapping):
        return {name: resolve(item, ids) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolve(item, ids) for item in value]
    return value


def learn(operation: Operation, answer: Mapping[str, Any]) -> dict[str, str]:
    """
    The ids that the answer to a create tells.

    :param operation: the operation
    :param answer: the server's answer, with or without the resource's key around it
    :return: ids by the keys of :class:`Ref`; nothing for other operations. Of a tree only the
        load balancer's: its children are all in the one request.
    """
    if not operation.creates:
        return {}
    resource = resources.RESOURCES[operation.resource]
    inner = answer.get(resource.key, answer)
    found = inner.get(resource.identity)
    return {operation.creates[0]: found} if found else {}


def updated(label: str, changed: Mapping[str, tuple[Any, Any]]) -> Changes:
    """
    What an update changes, in the form of :attr:`Operation.changes`.

    :param label: the object as people call it
    :param changed: by field the old value and the new one
    :return: the changes, without references to objects that are not there yet
    """
    fields = {
        name: {"old": old, "new": str(new) if isinstance(new, Ref) else new}
        for name, (old, new) in changed.items()
    }
    return {"updated": {label: fields}} if fields else {}
