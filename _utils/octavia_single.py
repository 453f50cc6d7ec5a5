"""Flavors, zones, their profiles and quotas: objects without a tree, one operation each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    import octavia_findings as findings
    import octavia_match as match
    import octavia_operations as operations
    import octavia_resources as resources
    from octavia_desired import Node
    from octavia_match import Difference, Target
    from octavia_operations import Operation, Options, Ref, Unit
    from octavia_snapshot import IDENTITIES, Object, Snapshot
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_match as match
    from salt_formula_octavia.utils import octavia_operations as operations
    from salt_formula_octavia.utils import octavia_resources as resources
    from salt_formula_octavia.utils.octavia_desired import Node
    from salt_formula_octavia.utils.octavia_match import Difference, Target
    from salt_formula_octavia.utils.octavia_operations import Operation, Options, Ref, Unit
    from salt_formula_octavia.utils.octavia_snapshot import IDENTITIES, Object, Snapshot

Lookup = Callable[[str, str], "str | Ref | None"]

#: Who uses an object: by its resource, the user's and the field that holds the id (or name).
USERS = {
    "flavorprofile": ("flavor", "flavor_profile_id"),
    "availabilityzoneprofile": ("availabilityzone", "availability_zone_profile_id"),
    "flavor": ("loadbalancer", "flavor_id"),
    "availabilityzone": ("loadbalancer", "availability_zone"),
}
#: What the server refuses to change of an object that is in use, even into what it is.
FROZEN = ("provider_name", "flavor_data", "availability_zone_data")


class Single:
    """
    One declared object, matched with the server.

    :param node: what is declared
    :param snapshot: what stands on the server
    :param options: how to plan
    :param lookup: finds a profile by resource and name
    :param leaving: ids (names of zones) of objects that other units delete first
    :ivar wrong: findings about the declaration
    :ivar unit: the unit, with findings about what stands on the server
    """

    def __init__(
        self, node: Node, snapshot: Snapshot, options: Options, lookup: Lookup, leaving: set[str]
    ) -> None:
        self.node = node
        self.snapshot = snapshot
        self.options = options
        self.lookup = lookup
        self.leaving = leaving
        self.wrong: list[findings.Finding] = []
        self.unit = Unit(key(node), node.resource, node.name or _project(node, snapshot))
        self.live = self._find()
        self.unit.id = self._identity(self.live) if self.live else ""

    def plan(self) -> None:
        """Fills ``wrong`` and the unit."""
        if self.node.absent:
            self._remove()
        elif self.live is None or self.node.resource == "quota":
            self._make()
        else:
            self._change(self.live)

    def _identity(self, live: Object) -> str:
        return str(live[IDENTITIES.get(self.node.resource, "id")])

    def _find(self) -> Object | None:
        resource = self.node.resource
        if resource == "quota":
            return self.snapshot.get(resource, _project(self.node, self.snapshot))
        found = self.unit.findings
        targets, _ = match.pair(resource, [self.node], self._candidates(), found)
        return targets[0].live

    def _candidates(self) -> list[Object]:
        adopted = self.node.controls.get("adopt")
        if adopted:
            live = self.snapshot.get(self.node.resource, adopted)
            return [live] if live else []
        named = self.snapshot.by_name(self.node.resource, self.node.name)
        return [{"id": self._identity(live), **live} for live in named]

    def _state(self, field: str, value: Any, reason: str, remedy: str) -> None:
        path = f"{self.node.path}:{field}" if field else self.node.path
        self.unit.findings.append(findings.error(path, value, reason, remedy))

    def _users(self, live: Object) -> list[str]:
        if self.node.resource not in USERS:
            return []
        resource, field = USERS[self.node.resource]
        identity = self._identity(live)
        return [
            str(item.get("name") or item.get("id"))
            for item in self.snapshot.objects.get(resource, {}).values()
            if item.get(field) == identity
            and item[IDENTITIES.get(resource, "id")] not in self.leaving
        ]

    def _wanted(self) -> dict[str, Any]:
        fields = dict(self.node.fields)
        for field, name in self.node.refs.items():
            resource = USERS_OF[field]
            found = self.lookup(resource, name)
            if found is None:
                reason = f"names a {resource} that is neither declared nor on the server"
                path = f"{self.node.path}:{field.removesuffix('_id')}"
                remedy = "Declare it, or correct the name"
                self.wrong.append(findings.error(path, name, reason, remedy))
            else:
                fields[field] = found
        return fields

    def _remove(self) -> None:
        live = self.live
        if live is None or (self.node.resource == "quota" and not self._limited(live)):
            return
        users = self._users(live)
        if users:
            reason = f"is in use by {', '.join(users)}"
            self._state("absent", None, reason, "Remove the users first")
        else:
            self._add("delete", {}, {"deleted": [self.node.label]})

    def _make(self) -> None:
        wanted = self._wanted()
        if self.node.resource == "quota":
            live = self.live or {"project_id": self.unit.name}
            self.unit.id = self.unit.name
            self._update(match.differences(Target(self.node, live), wanted, self._defaults()))
            return
        table = resources.RESOURCES[self.node.resource]
        given = {*wanted, *self.node.rejected, *self.node.refs}
        for name, item in table.fields.items():
            if item.required and name not in given:
                reason = f"is missing, {self.node.label} is not there yet"
                path = f"{self.node.path}:{name}"
                self.wrong.append(findings.error(path, None, reason, f"Declare {name}"))
        self._add("create", wanted, {"created": [self.node.label]})

    def _limited(self, live: Object) -> bool:
        """Whether a quota has any limit of its own; lists show the defaults in their place."""
        values = ((live.get(name), self._defaults().get(name)) for name in resources.QUOTA)
        return any(value is not None and value != default for value, default in values)

    def _defaults(self) -> dict[str, Any]:
        return dict(self.options.defaults.get(self.node.resource, {}))

    def _change(self, live: Object) -> None:
        changed = match.differences(Target(self.node, live), self._wanted(), self._defaults())
        fixed = match.immutable(self.node.resource, changed)
        users = self._users(live)
        frozen = [name for name in changed if users and name in FROZEN]
        for name in frozen:
            reason = f"cannot be changed while it is in use by {', '.join(users)}"
            self._state(name, None, reason, "Declare a new profile under another name")
        if fixed and self.node.recreates and not users:
            self._renew(live)
        elif fixed:
            for name in fixed:
                reason = f"cannot be changed, it is {changed[name][0]!r} on the server"
                remedy = "Declare what it is, or a new object under another name"
                self._state(name, str(changed[name][1]), reason, remedy)
        else:
            self._update(changed)

    def _renew(self, live: Object) -> None:
        table = resources.RESOURCES[self.node.resource]
        kept = {name: live[name] for name in table.fields if live.get(name) is not None}
        self._add("delete", {}, {"deleted": [self.node.label]})
        self._add("create", {**kept, **self._wanted()}, {"created": [self.node.label]})

    def _update(self, changed: dict[str, Difference]) -> None:
        if changed:
            body = {name: new for name, (_, new) in changed.items()}
            self._add("update", body, operations.updated(self.node.label, changed))

    def _add(self, action: str, body: dict[str, Any], changes: operations.Changes) -> None:
        new = action == "create"
        self.unit.operations.append(
            Operation(
                *(action, self.node.resource, "" if new else self.unit.id),
                body=body,
                label=self.node.label,
                changes=changes,
                creates=(self.node.path,) if new else (),
            )
        )


USERS_OF = {field: resource for resource, (_, field) in USERS.items()}


def key(node: Node) -> str:
    """The name of a node's unit among all units."""
    name = node.name or node.fields.get("project_id") or node.controls.get("adopt") or ""
    project = node.fields.get("project_id") if node.resource == "loadbalancer" else ""
    return ":".join(part for part in (node.resource, str(project or ""), str(name)) if part)


def _project(node: Node, snapshot: Snapshot) -> str:
    return str(node.fields.get("project_id") or snapshot.project_id)
