"""
What a user declares, checked and brought into one form.

A declaration holds the API's own field names, children nested below their parents, and a few keys
of the formula (:data:`CONTROLS`). :func:`read` turns it into :class:`Node` trees and tells all
that is wrong with it, each finding with its path.
"""

# No annotations as text here, see octavia_blocks.
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

try:
    import octavia_fields as kinds
    import octavia_findings as findings
    import octavia_resources as resources
except ImportError:
    from salt_formula_octavia.utils import octavia_fields as kinds
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_resources as resources

#: The lists of a declaration, in the order in which their objects need each other.
TOP = {
    "flavorprofiles": "flavorprofile",
    "flavors": "flavor",
    "availabilityzoneprofiles": "availabilityzoneprofile",
    "availabilityzones": "availabilityzone",
    "quotas": "quota",
    "loadbalancers": "loadbalancer",
}
#: The keys below which a resource's children are declared.
CHILDREN = {
    "loadbalancer": {"pools": "pool", "listeners": "listener"},
    "pool": {"members": "member", "healthmonitor": "healthmonitor"},
    "listener": {"l7policies": "l7policy"},
    "l7policy": {"rules": "l7rule"},
}
SINGLE = ("healthmonitor",)
#: Keys that name another object: the field that they fill, and the other's resource.
REFERENCES = {
    "loadbalancer": {"flavor": ("flavor_id", "flavor")},
    "listener": {"default_pool": ("default_pool_id", "pool")},
    "l7policy": {"redirect_pool": ("redirect_pool_id", "pool")},
    "flavor": {"flavor_profile": ("flavor_profile_id", "flavorprofile")},
    "availabilityzone": {
        "availability_zone_profile": ("availability_zone_profile_id", "availabilityzoneprofile")
    },
}
PURGED = {
    "listeners": "listener",
    "pools": "pool",
    "members": "member",
    "l7policies": "l7policy",
    "rules": "l7rule",
}
FAIL, RECREATE = "fail", "recreate"
#: The formula's own keys, and what they may hold.
CONTROLS: dict[str, tuple[Any, ...]] = {
    "absent": (True, False),
    "adopt": (),
    "unset": (),
    "on_immutable": (FAIL, RECREATE),
}
TREE_CONTROLS: dict[str, tuple[Any, ...]] = {
    "tree": (True, False),
    "cascade": (True, False),
    "purge": (),
}
#: How an object of a resource is told from its siblings.
KEYS = {"member": ("address", "protocol_port"), "quota": ("project_id",), "l7rule": ()}


@dataclass
class Node:
    """
    One declared object.

    :ivar path: where it is declared; also the key of the :class:`Ref` to it while it is new
    :ivar fields: declared fields as they go into a request
    :ivar unset: fields to be put back to the server's default
    :ivar refs: fields whose value is the id of an object that is known by name
    :ivar controls: the formula's own keys
    :ivar children: by resource; a kind that was not declared is missing
    :ivar rejected: fields that were declared with a wrong value
    :ivar was: id of the object on the server that it was made from
    """

    resource: str
    path: str
    label: str
    fields: dict[str, Any] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    refs: dict[str, str] = field(default_factory=dict)
    controls: dict[str, Any] = field(default_factory=dict)
    children: dict[str, list["Node"]] = field(default_factory=dict)
    rejected: set[str] = field(default_factory=set)
    was: str = ""

    @property
    def name(self) -> str:
        """Its name, empty when it has none."""
        return str(self.fields.get("name") or "")

    @property
    def absent(self) -> bool:
        """Whether it must not be there."""
        return bool(self.controls.get("absent"))

    @property
    def recreates(self) -> bool:
        """Whether it may be made anew for a field that cannot be changed."""
        return self.controls.get("on_immutable") == RECREATE

    def of(self, resource: str) -> "list[Node]":
        """Its declared children of a resource."""
        return self.children.get(resource, [])


def identity(resource: str, fields: Mapping[str, Any]) -> Any:
    """
    What tells an object from its siblings.

    :param resource: name of the resource
    :param fields: the object's fields, declared or answered
    :return: something that compares; None when the fields do not tell
    """
    if resource == "listener":
        port, protocol = fields.get("protocol_port"), fields.get("protocol")
        return (resources.transport(protocol), port) if port and protocol else None
    if resource == "healthmonitor":
        return "the"
    if resource == "l7rule":
        values = [fields.get(name) or None for name in ("type", "compare_type", "key", "value")]
        return (*values, bool(fields.get("invert")))
    names = KEYS.get(resource, ("name",))
    found = tuple(kinds.address(fields.get(name)) for name in names)
    return found if all(found) else None


def label(resource: str, fields: Mapping[str, Any], above: str = "") -> str:
    """
    An object as people call it.

    :param resource: name of the resource
    :param fields: the object's fields
    :param above: label of its parent
    :return: such as ``member 10.0.0.5:80 of pool web``
    """
    name = fields.get("name")
    if resource == "member":
        name = f"{fields.get('address')}:{fields.get('protocol_port')}"
    elif resource == "l7rule":
        parts = (fields.get(key) for key in ("type", "key", "compare_type", "value"))
        name = " ".join(str(part) for part in parts if part)
    elif resource == "quota":
        name = fields.get("project_id") or "of the project"
    elif resource == "healthmonitor":
        name = ""
    elif not name and resource == "listener":
        name = f"{fields.get('protocol')}/{fields.get('protocol_port')}"
    elif not name:
        name = fields.get("id") or "(unnamed)"
    inside = above and resource in ("member", "healthmonitor", "l7policy", "l7rule")
    place = f"of {above}" if inside else ""
    return " ".join(part for part in (resource, str(name), place) if part)


class Reader:
    """
    Reads a declaration.

    :param minor: minor version of the server's API
    :param defaults: what the cloud's operator set as defaults, by resource and field
    """

    def __init__(self, minor: int, defaults: Mapping[str, Mapping[str, Any]]) -> None:
        self.minor = minor
        self.defaults = defaults
        self.found: list[findings.Finding] = []

    def read(self, declared: Any, base: str) -> dict[str, list[Node]]:
        """All that is declared, by resource, in the order of :data:`TOP`."""
        if not isinstance(declared, Mapping):
            self._must_be("a mapping of lists", declared, base)
            return {}
        for key in declared:
            if key not in TOP:
                self._unknown(f"{base}{key}", key, TOP)
        return {
            resource: self._items(resource, declared[key], f"{base}{key}")
            for key, resource in TOP.items()
            if key in declared
        }

    def _error(self, path: str, value: Any, reason: str, remedy: str) -> None:
        self.found.append(findings.error(path, value, reason, remedy))

    def _must_be(self, wanted: str, value: Any, path: str) -> None:
        self._error(path, value, f"must be {wanted}", f"Write {wanted} here")

    def _unknown(self, path: str, name: Any, known: Iterable[str]) -> None:
        known = list(known)
        near = difflib.get_close_matches(str(name), known, 1)
        remedy = f"Did you mean {near[0]}" if near else f"Known are {', '.join(sorted(known))}"
        self._error(path, None, "is unknown here", remedy)

    def _items(self, resource: str, raw: Any, path: str, above: str = "") -> list[Node]:
        """The nodes of a list (of the one mapping of a health monitor)."""
        if resource in SINGLE:
            raw = [raw]
        if not isinstance(raw, (list, tuple)):
            self._must_be("a list", raw, path)
            return []
        nodes = []
        for place, item in enumerate(raw, 1):
            if isinstance(item, Mapping):
                nodes.append(self._node(resource, item, path, place, above))
            else:
                self._must_be("a mapping", item, path if resource in SINGLE else f"{path}:{place}")
        self._duplicates(resource, nodes)
        return nodes

    def _duplicates(self, resource: str, nodes: list[Node]) -> None:
        seen: dict[Any, str] = {}
        for node in nodes if resource != "l7rule" else ():
            names = [(resource, node.name)] if node.name and resource != "member" else []
            for key in {identity(resource, node.fields), *names}:
                if key is None:
                    continue
                if key in seen:
                    what = " ".join(str(part) for part in key)
                    reason = f"is declared twice ({what}), before in {seen[key]}"
                    self._error(node.path, None, reason, "Keep one of the two")
                    break
                seen[key] = node.path

    def _node(
        self, resource: str, raw: Mapping[str, Any], path: str, place: int, above: str
    ) -> Node:
        here = path if resource in SINGLE else f"{path}:{raw.get('name') or place}"
        node = Node(resource, here, label(resource, raw, above))
        for key, value in raw.items():
            self._key(node, key, value)
        self._unset(node, raw)
        self._references(node, raw)
        return node

    def _key(self, node: Node, key: Any, value: Any) -> None:
        """Puts one declared key where it belongs."""
        table = resources.RESOURCES[node.resource]
        path = f"{node.path}:{key}"
        controls = self._controls(node.resource)
        children = CHILDREN.get(node.resource, {})
        if key in controls:
            self._control(node, key, value, controls[key])
        elif key in children:
            child = children[key]
            node.children[child] = self._items(child, value, path, node.label)
        elif key in REFERENCES.get(node.resource, {}):
            self._reference(node, key, value)
        elif key in table.fields or key == table.identity == "project_id":
            self._field(node, key, value)
        elif key in table.readonly:
            self._error(path, value, "is told by the server and cannot be set", "Remove it")
        else:
            references = REFERENCES.get(node.resource, {})
            self._unknown(path, key, [*table.fields, *children, *controls, *references])

    def _controls(self, resource: str) -> dict[str, tuple[Any, ...]]:
        return {**CONTROLS, **(TREE_CONTROLS if resource == "loadbalancer" else {})}

    def _control(self, node: Node, key: str, value: Any, choices: tuple[Any, ...]) -> None:
        path = f"{node.path}:{key}"
        if choices and value not in choices:
            words = " or ".join(str(choice).lower() for choice in choices)
            self._error(path, value, "is not a value of this key", f"Write {words}")
        elif key == "adopt" and not (isinstance(value, str) and kinds.UUID.fullmatch(value)):
            self._error(path, value, "is not an id (a UUID)", "Write the id of a present object")
        elif key == "purge" and (kinds.KINDS["strings"].problem(value) or set(value) - set(PURGED)):
            remedy = f"Write a list of some of {', '.join(PURGED)}"
            self._error(path, value, "is not a list of what may be purged", remedy)
        else:
            node.controls[key] = value

    def _reference(self, node: Node, key: str, value: Any) -> None:
        name, _ = REFERENCES[node.resource][key]
        if isinstance(value, str) and value:
            node.refs[name] = value
        else:
            node.rejected.add(name)
            self._must_be("a name", value, f"{node.path}:{key}")

    def _field(self, node: Node, key: str, value: Any) -> None:
        item = resources.RESOURCES[node.resource].fields.get(key, PROJECT)
        path = f"{node.path}:{key}"
        needed = self._needed(item, value)
        reason = item.problem(value)
        if reason:
            remedy = f"Correct the value of {key}"
            if value is None:
                remedy = f"Remove it, or list {key} under unset"
        elif needed > self.minor:
            reason = f"needs version 2.{needed} of the API, the server has 2.{self.minor}"
            remedy = f"Remove it, or upgrade to Octavia {resources.release(needed)}"
        else:
            node.fields[key] = item.wire(value)
            return
        node.rejected.add(key)
        self._error(path, value, reason, remedy)

    def _needed(self, item: kinds.Field, value: Any) -> int:
        """The minor version of the API that a field needs for a value."""
        values = value if isinstance(value, (list, tuple)) else [value]
        choices = item.choices or {}
        hashable = [one for one in values if isinstance(one, (str, int, float))]
        return max([item.since, *(choices.get(one, 0) for one in hashable)])

    def _unset(self, node: Node, raw: Mapping[str, Any]) -> None:
        names = node.controls.pop("unset", [])
        path = f"{node.path}:unset"
        if kinds.KINDS["strings"].problem(names):
            self._must_be("a list of names of fields", names, path)
            return
        references = REFERENCES.get(node.resource, {})
        for name in names:
            key = references[name][0] if name in references else name
            problem = self._unset_problem(node, key)
            if problem:
                self._error(path, name, *problem)
            elif key in raw or name in raw:
                self._error(path, name, "is declared and unset at once", "Keep one of the two")
            else:
                node.unset = (*node.unset, key)

    def _unset_problem(self, node: Node, key: str) -> tuple[str, str] | None:
        """Why a field cannot be unset: reason and remedy."""
        item = resources.RESOURCES[node.resource].fields.get(key)
        if item is None:
            return "is not a field", "Remove it from the list"
        if not item.update or item.required or key == "position":
            return "cannot be unset", "Remove it from the list"
        known = key in self.defaults.get(node.resource, {})
        if item.operators and item.default is None and not known:
            reason = "has a default that only the operator of the cloud knows"
            return reason, "Declare the value that you want"
        return None

    def _references(self, node: Node, raw: Mapping[str, Any]) -> None:
        for key, (name, _) in REFERENCES.get(node.resource, {}).items():
            if key in raw and name in raw:
                reason = f"is declared beside {name}, which says the same"
                self._error(f"{node.path}:{key}", raw[key], reason, "Keep one of the two")


PROJECT = kinds.Field("project_id", "text", maximum=36)


def read(
    declared: Any,
    minor: int,
    base: str = "",
    defaults: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[dict[str, list[Node]], list[findings.Finding]]:
    """
    Checks what is declared, without looking at what stands on the server.

    :param declared: lists under the keys of :data:`TOP`
    :param minor: minor version of the server's API
    :param base: put before all paths, such as ``octavia:client:resources:cloud:``
    :param defaults: what the cloud's operator set as defaults, by resource and field
    :return: the declared objects by resource, and what is wrong
    """
    reader = Reader(minor, defaults or {})
    nodes = reader.read(declared, base)
    return nodes, reader.found
