"""From what stands on the server to the form in which it is declared."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

try:
    import octavia_desired as desired
    import octavia_fields as kinds
    import octavia_match as match
    import octavia_resources as resources
    import octavia_rules as rules
    from octavia_desired import Node
    from octavia_snapshot import Object, Snapshot
except ImportError:
    from salt_formula_octavia.utils import octavia_desired as desired
    from salt_formula_octavia.utils import octavia_fields as kinds
    from salt_formula_octavia.utils import octavia_match as match
    from salt_formula_octavia.utils import octavia_resources as resources
    from salt_formula_octavia.utils import octavia_rules as rules
    from salt_formula_octavia.utils.octavia_desired import Node
    from salt_formula_octavia.utils.octavia_snapshot import Object, Snapshot

#: Told by the server, or decided by the place in a list. A port is mostly one that Octavia made.
LEFT_OUT = ("position", "vip_port_id", "project_id")
NOTHING: tuple[Any, ...] = (None, "", [], {})
NAMED = ("loadbalancer", "pool", "l7policy", "flavorprofile", "availabilityzoneprofile")


def export(snapshot: Snapshot, lb_id: str) -> dict[str, Any]:
    """
    A load balancer in the form in which it is declared.

    Values that are the defaults of Octavia are left out. What has no name of its own is told by
    ``adopt``, the id.

    :param snapshot: with the members of its pools and the rules of its policies
    :param lb_id: its id
    :return: the declaration; a plan for it is empty
    :raises KeyError: when there is no such load balancer
    """
    node = living(snapshot, "loadbalancer", snapshot.objects["loadbalancer"][lb_id])
    if "vip_subnet_id" in node.fields:
        # The subnet tells the network.
        node.fields.pop("vip_network_id", None)
    return as_declared(node)


def export_object(snapshot: Snapshot, resource: str, identity: str) -> dict[str, Any]:
    """
    A flavor, profile, zone or quota in the form in which it is declared.

    :param snapshot: what stands on the server
    :param resource: name of the resource
    :param identity: its id (a zone's name, a quota's project)
    :return: the declaration
    :raises KeyError: when there is no such object
    """
    live = snapshot.objects[resource][identity]
    declared = as_declared(living(snapshot, resource, live))
    if resource == "quota":
        declared["project_id"] = live["project_id"]
    return declared


def living(snapshot: Snapshot, resource: str, live: Object, above: str = "") -> Node:
    """
    An object on the server as if it were declared, with all below it.

    :param snapshot: what stands on the server
    :param resource: name of the resource
    :param live: the object
    :param above: label of its parent
    :return: the node
    """
    label = desired.label(resource, live, above)
    node = Node(resource, label, label, _fields(snapshot, resource, live))
    # A quota has no id, nor has a zone.
    node.was = live.get("id", "")
    if resource in NAMED and not _is_unique(snapshot, resource, live):
        node.controls["adopt"] = live["id"]
    _name_references(snapshot, node)
    for child in desired.CHILDREN.get(resource, {}).values():
        lives = _ordered(snapshot, child, live["id"])
        if lives:
            node.children[child] = [living(snapshot, child, item, label) for item in lives]
    return node


def _ordered(snapshot: Snapshot, resource: str, parent: str) -> list[Object]:
    if resource == "l7policy":
        return snapshot.policies(parent)
    return snapshot.below(resource, parent)


def _fields(snapshot: Snapshot, resource: str, live: Object) -> dict[str, Any]:
    left_out = {*LEFT_OUT, *rules.inapplicable(resource, live)}
    if not snapshot.project_id:
        # Who sees all projects must say which one is meant.
        left_out -= {"project_id"}
    found = {}
    for name, item in resources.RESOURCES[resource].fields.items():
        value = match.live_value(live, name)
        if name in left_out or value in NOTHING or item.since > snapshot.minor:
            continue
        if item.required or not kinds.same(item, item.default, value):
            found[name] = _plain(item, value)
    return found


def _plain(item: kinds.Field, value: Any) -> Any:
    if item.type == "vips":
        # The server fills in what was not given; ports are its own.
        keys = ("subnet_id", "ip_address")
        return [{key: vip[key] for key in keys if vip.get(key)} for vip in value]
    return item.normalise(value) if item.type == "json" else item.wire(value)


def _is_unique(snapshot: Snapshot, resource: str, live: Object) -> bool:
    """Whether the object is found again by its name."""
    name = live.get("name") or ""
    if not name:
        return False
    if resource == "pool":
        siblings = snapshot.below(resource, live["loadbalancers"][0]["id"])
    elif resource == "l7policy":
        siblings = snapshot.below(resource, live["listener_id"])
    else:
        siblings = snapshot.by_name(resource, name, live.get("project_id", ""))
    return [item.get("name") for item in siblings].count(name) == 1


def _name_references(snapshot: Snapshot, node: Node) -> None:
    """Puts names in the place of ids, where the names are unique."""
    for field, resource in desired.REFERENCES.get(node.resource, {}).values():
        if field not in node.fields or field == "flavor_id":
            continue
        other = snapshot.get(resource, node.fields[field])
        if other and _is_unique(snapshot, resource, other):
            node.refs[field] = other["name"]
            del node.fields[field]


def as_declared(node: Node) -> dict[str, Any]:
    """
    A node in the form in which it is declared.

    :param node: the node
    :return: name first, children last
    """
    words = {field: key for key, (field, _) in desired.REFERENCES.get(node.resource, {}).items()}
    fields = {**node.controls, **node.fields}
    fields.update((words[field], name) for field, name in node.refs.items())
    if node.unset:
        fields["unset"] = list(node.unset)
    declared = {name: fields.pop(name) for name in ("name",) if name in fields}
    declared.update(fields)
    for key, resource in desired.CHILDREN.get(node.resource, {}).items():
        if resource in node.children:
            children = [as_declared(child) for child in node.children[resource]]
            declared[key] = children[0] if key in desired.SINGLE else children
    return declared


def overlay(node: Node, above: Node, purge: Collection[str] = ()) -> Node:
    """
    One tree laid over another: what is declared over what stands on the server.

    :param node: from :func:`living`
    :param above: the declared tree
    :param purge: resources of which only declared objects are kept, where any are declared
    :return: the declared tree, completed
    """
    result = Node(above.resource, above.path, above.label, controls=above.controls)
    result.was, result.unset = node.was, above.unset
    known, mine = {**node.fields, **node.refs}, {**above.fields, **above.refs}
    dropped = {*above.unset, *mine, *rules.inapplicable(node.resource, {**known, **mine})}
    dropped |= {*_vip(known, mine), *rules.cleared(node.resource, known, mine)}
    for name, value in known.items():
        if name not in dropped:
            (result.refs if name in node.refs else result.fields)[name] = value
    result.fields.update(above.fields)
    result.refs.update(above.refs)
    for resource in {**node.children, **above.children}:
        exact = resource in purge and resource in above.children
        below = [] if exact else node.children.get(resource, [])
        pairs = _pairs(node.children.get(resource, []), above.of(resource))
        matched = [old for _, old in pairs if old]
        result.children[resource] = [
            *(overlay(old, item, purge) if old else item for item, old in pairs if not item.absent),
            *(item for item in below if item not in matched),
        ]
    return result


def _vip(known: dict[str, Any], mine: dict[str, Any]) -> Iterable[str]:
    """What is known of a VIP that the declaration moves to another place."""
    places = ("vip_subnet_id", "vip_network_id", "vip_port_id")
    moved = any(name in mine and mine[name] != known.get(name) for name in places)
    return (*places, "vip_address") if moved else ()


def _pairs(nodes: list[Node], above: list[Node]) -> list[tuple[Node, Node | None]]:
    """Declared nodes, each with the one that it lies over."""
    left = list(nodes)
    pairs = []
    for item in above:
        old = next((one for one in left if _are_same(one, item)), None)
        if old is not None:
            left.remove(old)
        pairs.append((item, old))
    return pairs


def _are_same(node: Node, above: Node) -> bool:
    adopted = above.controls.get("adopt")
    if adopted:
        return bool(node.was == adopted)
    key = desired.identity(above.resource, above.fields)
    if key is not None and key == desired.identity(node.resource, node.fields):
        return True
    return above.resource == "listener" and bool(above.name) and above.name == node.name
