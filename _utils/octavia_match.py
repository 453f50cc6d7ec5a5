"""Which declared object is which one on the server, and in what the two differ."""

# No annotations as text here, see octavia_blocks.
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

try:
    import octavia_desired as desired
    import octavia_fields as kinds
    import octavia_findings as findings
    import octavia_resources as resources
    import octavia_rules as rules
    from octavia_desired import Node
    from octavia_operations import Ref
    from octavia_snapshot import Object
except ImportError:
    from salt_formula_octavia.utils import octavia_desired as desired
    from salt_formula_octavia.utils import octavia_fields as kinds
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_resources as resources
    from salt_formula_octavia.utils import octavia_rules as rules
    from salt_formula_octavia.utils.octavia_desired import Node
    from salt_formula_octavia.utils.octavia_operations import Ref
    from salt_formula_octavia.utils.octavia_snapshot import Object

#: Fields that the order of a list decides.
ORDERED = ("position",)


@dataclass
class Target:
    """
    A declared object beside the one on the server.

    :ivar node: what is declared
    :ivar live: what stands on the server, None when there is nothing
    :ivar children: those below it, by resource; a kind that was not declared is missing
    :ivar others: objects on the server that nobody declared, by resource
    :ivar old: the object that must be deleted, because this one takes its place
    """

    node: Node
    live: Object | None = None
    children: dict[str, list["Target"]] = field(default_factory=dict)
    others: dict[str, list[Object]] = field(default_factory=dict)
    old: Object | None = None

    @property
    def id(self) -> str | Ref:
        """Its id on the server, or what stands for it until it is there."""
        return self.live["id"] if self.live else Ref(self.node.path)

    @property
    def resource(self) -> str:
        """Name of its resource."""
        return self.node.resource

    @property
    def fields(self) -> dict[str, Any]:
        """The object's fields as they will be; names of other objects are not looked up."""
        declared = {**self.node.fields, **self.node.refs}
        if self.resource == "l7rule":
            return declared
        live = self.live or {}
        gone = {*self.node.unset, *rules.cleared(self.resource, live, declared)}
        kept = {name: value for name, value in live.items() if name not in gone}
        return {**kept, **declared}

    def of(self, resource: str) -> "list[Target]":
        """Its declared children of a resource that shall be there."""
        return [child for child in self.children.get(resource, []) if not child.node.absent]

    def doomed(self, resource: str) -> list[Object]:
        """The children on the server that are declared to be absent."""
        return [
            child.live
            for child in self.children.get(resource, [])
            if child.node.absent and child.live
        ]


def fresh(node: Node) -> Target:
    """
    A whole tree of objects that are not there yet.

    :param node: what is declared
    :return: its targets; what must be absent is left out
    """
    children = {
        resource: [fresh(child) for child in nodes if not child.absent]
        for resource, nodes in node.children.items()
    }
    return Target(node, children=children)


def pair(
    resource: str, nodes: list[Node], lives: Iterable[Object], found: list[findings.Finding]
) -> tuple[list[Target], list[Object]]:
    """
    Finds the declared objects among those on the server.

    By the id that a node adopts, else by what tells an object from its siblings, else, for
    listeners, by name: a listener may move to another port.

    :param resource: name of the resource
    :param nodes: what is declared
    :param lives: what stands below the same parent
    :param found: takes findings: an id that is not there, names that are not unique
    :return: a target for each node, and the objects that nobody declared
    """
    left = {live["id"]: live for live in lives}
    targets = {id(node): Target(node) for node in nodes}
    for find in (_adopted, _identical, _namesake):
        index = _index(find, resource, left.values())
        for target in targets.values():
            key = find(resource, target.node, None)
            if target.live is None and key is not None:
                fitting = [live for live in index.get(key, []) if live["id"] in left]
                target.live = _only(target.node, fitting, found)
                if target.live:
                    del left[target.live["id"]]
    for target in targets.values():
        adopted = target.node.controls.get("adopt")
        if adopted and (target.live is None or target.live["id"] != adopted):
            reason = f"there is no such {resource} here"
            remedy = "Correct the id, or remove the line to have the object made"
            found.append(findings.error(f"{target.node.path}:adopt", adopted, reason, remedy))
    return list(targets.values()), list(left.values())


def _index(find: Any, resource: str, lives: Iterable[Object]) -> dict[Any, list[Object]]:
    index: dict[Any, list[Object]] = {}
    for live in lives:
        index.setdefault(find(resource, None, live), []).append(live)
    return index


def _adopted(resource: str, node: Node | None, live: Object | None) -> Any:
    del resource
    return live["id"] if live else node and node.controls.get("adopt")


def _identical(resource: str, node: Node | None, live: Object | None) -> Any:
    if node and node.controls.get("adopt"):
        return None
    return desired.identity(resource, live or (node.fields if node else {}))


def _namesake(resource: str, node: Node | None, live: Object | None) -> Any:
    if resource != "listener" or (node and node.controls.get("adopt")):
        return None
    return (live or (node.fields if node else {})).get("name") or None


def _only(node: Node, lives: list[Object], found: list[findings.Finding]) -> Object | None:
    if len(lives) > 1:
        found.append(ambiguous(node, lives))
        return None
    return lives[0] if lives else None


def ambiguous(node: Node, lives: Iterable[Object]) -> findings.Finding:
    """
    That several objects have the declared name.

    :param node: what is declared
    :param lives: the objects
    :return: the finding; it lists their ids
    """
    ids = ", ".join(sorted(live["id"] for live in lives))
    reason = f"several objects have this name: {ids}"
    return findings.error(node.path, node.name or None, reason, "Name the one meant by adopt: <id>")


def live_value(live: Mapping[str, Any], name: str) -> Any:
    """
    A field's value on the server.

    :param live: the object
    :param name: name of the field
    :return: the value; None when the server does not tell it
    """
    if name == "request_sriov":
        return live.get("vnic_type") == "direct"
    return live.get(name)


Difference = tuple[Any, Any]


def differences(
    target: Target, wanted: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Difference]:
    """
    What would have to be written to make the object what is declared.

    :param target: an object that is on the server
    :param wanted: the declared fields, with names of other objects replaced by ids
    :param defaults: what the cloud's operator set as defaults of this resource
    :return: by field the old value and the one to write
    """
    live = target.live or {}
    fields = resources.RESOURCES[target.resource].fields
    found = {}
    for name, value in wanted.items():
        item = fields.get(name)
        if item is None or name in ORDERED:
            continue
        old = live_value(live, name)
        if isinstance(value, Ref) or not kinds.same(item, value, old):
            found[name] = (old, value)
    pointless = rules.inapplicable(target.resource, target.fields)
    for name in target.node.unset:
        item, old = fields[name], live_value(live, name)
        default = defaults.get(name, item.default)
        new = None if item.reset is None else default
        # A server may show a limit that is unset as null.
        gone = new is None and old is None
        if not gone and name not in pointless and not kinds.same(item, default, old):
            found[name] = (old, new)
    return found


def immutable(resource: str, changed: Mapping[str, Difference]) -> list[str]:
    """
    The fields among some that cannot be changed.

    :param resource: name of the resource
    :param changed: differences
    :return: names of fields
    """
    fields = resources.RESOURCES[resource].fields
    return [name for name in changed if not fields[name].update]
