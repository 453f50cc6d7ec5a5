"""
From what is declared and what stands on the server to the operations that close the gap.

Pure functions: a dry run and a real one use the same plan.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

try:
    import octavia_desired as desired
    import octavia_findings as findings
    import octavia_single as single
    from octavia_balancer import Balancer, NotRead
    from octavia_desired import Node
    from octavia_export import export, export_object
    from octavia_operations import Operation, Options, Plan, Ref, Unit, learn, merged, resolve
    from octavia_single import Single
    from octavia_snapshot import BELOW, IDENTITIES, Snapshot
    from octavia_steps import Steps
except ImportError:
    from salt_formula_octavia.utils import octavia_desired as desired
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_single as single
    from salt_formula_octavia.utils.octavia_balancer import Balancer, NotRead
    from salt_formula_octavia.utils.octavia_desired import Node
    from salt_formula_octavia.utils.octavia_export import export, export_object
    from salt_formula_octavia.utils.octavia_operations import (
        Operation,
        Options,
        Plan,
        Ref,
        Unit,
        learn,
        merged,
        resolve,
    )
    from salt_formula_octavia.utils.octavia_single import Single
    from salt_formula_octavia.utils.octavia_snapshot import BELOW, IDENTITIES, Snapshot
    from salt_formula_octavia.utils.octavia_steps import Steps

__all__ = [
    "NotRead",
    "Operation",
    "Options",
    "Plan",
    "Ref",
    "Snapshot",
    "Unit",
    "export",
    "export_object",
    "learn",
    "merged",
    "plan",
    "resolve",
    "what_to_read",
]


class Planner:
    """
    Plans for one declaration.

    :param declared: lists under the keys of ``octavia_desired.TOP``
    :param snapshot: what stands on the server
    :param options: how to plan
    """

    def __init__(self, declared: Any, snapshot: Snapshot, options: Options) -> None:
        self.snapshot = snapshot
        self.options = options
        self.nodes, self.wrong = desired.read(
            declared, snapshot.minor, options.base, options.defaults
        )
        self.units: list[Unit] = []
        self.known = {
            (resource, node.name): node
            for resource, nodes in self.nodes.items()
            for node in nodes
            if node.name and not node.absent
        }
        self.leaving = set(self._leaving())

    def _leaving(self) -> list[str]:
        """The ids of objects that are declared to be absent."""
        found = []
        for resource, nodes in self.nodes.items():
            for node in nodes:
                if node.absent and resource != "quota":
                    lives = self.snapshot.by_name(resource, node.name)
                    found += [live[IDENTITIES.get(resource, "id")] for live in lives]
                    found += [node.controls[name] for name in ("adopt",) if name in node.controls]
        return found

    def lookup(self, resource: str, name: str) -> str | Ref | None:
        """The id of a flavor or profile by its name; None when there is none, or no single one."""
        lives = self.snapshot.by_name(resource, name)
        if len(lives) == 1 and lives[0]["id"] not in self.leaving:
            return str(lives[0]["id"])
        node = self.known.get((resource, name))
        return Ref(node.path) if node and not lives else None

    def balancer(self, node: Node) -> Balancer:
        """A declared load balancer, matched with the server."""
        return Balancer(node, self.snapshot, self.options, self.lookup)

    def plan(self) -> Plan:
        """The whole plan."""
        for resource, nodes in self.nodes.items():
            for node in nodes:
                unit = self._balancer(node) if resource == "loadbalancer" else self._single(node)
                unit.after = self._after(node)
                if findings.errors(unit.findings):
                    unit.operations = []
                self.units.append(unit)
        self.wrong += self._headroom()
        refused = bool(findings.errors(self.wrong))
        for unit in self.units if refused else ():
            unit.operations = []
        found = [*self.wrong, *(item for unit in self.units for item in unit.findings)]
        return Plan(found, self.units, refused)

    def _single(self, node: Node) -> Unit:
        one = Single(node, self.snapshot, self.options, self.lookup, self.leaving)
        one.plan()
        self.wrong += one.wrong
        return one.unit

    def _balancer(self, node: Node) -> Unit:
        balancer = self.balancer(node)
        for resource, parent in balancer.unread:
            raise NotRead(resource, parent)
        balancer.check()
        self.wrong += balancer.wrong
        unit = Unit(single.key(node), node.resource, node.name, unmanaged=balancer.unmanaged)
        unit.findings = balancer.found
        live = balancer.target.live or balancer.target.old
        unit.id = live["id"] if live else ""
        if not findings.errors([*self.wrong, *unit.findings]):
            unit.operations = Steps(balancer).operations()
        stays = balancer.target.live is not None and not node.absent
        if stays and live and live.get("provisioning_status") == "ERROR":
            unit.findings.append(_in_error(node, bool(unit.operations)))
        return unit

    def _after(self, node: Node) -> list[str]:
        """What must be done before: what it uses, or, when it goes, those that used it."""
        if node.absent:
            users, _ = single.USERS.get(node.resource, ("", ""))
            return [single.key(user) for user in self.nodes.get(users, []) if user.absent]
        named = [(single.USERS_OF[field], name) for field, name in node.refs.items()]
        if node.resource == "loadbalancer" and node.fields.get("availability_zone"):
            named.append(("availabilityzone", node.fields["availability_zone"]))
        return [single.key(self.known[item]) for item in named if item in self.known]

    def _headroom(self) -> list[findings.Finding]:
        """What the project's quota will not allow, as far as it is known."""
        limits = {
            name: limit
            for name, limit in self.snapshot.quota.items()
            if limit is not None and limit >= 0
        }
        if not limits:
            return []
        changes = merged(unit.changes for unit in self.units)
        grown = Counter(_kinds(changes.get("created", [])))
        grown.subtract(_kinds(changes.get("deleted", [])))
        found = []
        for resource, limit in limits.items():
            have = _count(self.snapshot, resource)
            if grown[resource] > 0 and have + grown[resource] > limit:
                path = f"{self.options.base}quota:{resource}"
                reason = f"does not suffice: there are {have}, {grown[resource]} are to be added"
                remedy = "Have the quota raised, or remove what is not needed"
                found.append(findings.error(path, limit, reason, remedy))
        return found


def _kinds(labels: list[str]) -> list[str]:
    return [label.partition(" ")[0] for label in labels]


def _count(snapshot: Snapshot, resource: str) -> int:
    """How many objects of a resource the project has; parents tell of what was not read."""
    if resource not in BELOW:
        items = snapshot.objects.get(resource, {}).values()
        project = snapshot.project_id
        return sum(1 for item in items if item.get("project_id", project) == project)
    above, key = BELOW[resource]
    return sum(len(item.get(key) or ()) for item in snapshot.objects.get(above, {}).values())


def _in_error(node: Node, blocked: bool) -> findings.Finding:
    reason = "is in ERROR" + (", in which nothing can be changed" if blocked else "")
    remedy = "Fail it over (octaviav2.loadbalancer_failover), or delete it and apply again"
    level = findings.ERROR if blocked else findings.WARNING
    return findings.finding(level, node.path, None, reason, remedy)


def plan(declared: Any, snapshot: Snapshot, options: Options | None = None) -> Plan:
    """
    What has to be done to make the server what is declared.

    :param declared: lists of load balancers, flavors and so on, see ``octavia_desired``
    :param snapshot: what stands on the server, with what :func:`what_to_read` names
    :param options: how to plan
    :return: the plan; without operations when nothing differs
    :raises NotRead: when members or rules are needed that are not in the snapshot
    """
    return Planner(declared, snapshot, options or Options()).plan()


def what_to_read(
    declared: Any, snapshot: Snapshot, options: Options | None = None
) -> tuple[set[str], set[str]]:
    """
    What a plan needs beyond the lists that name no parent.

    :param declared: what is declared
    :param snapshot: the five lists
    :param options: how to plan
    :return: ids of the pools whose members, and of the policies whose rules are needed
    """
    planner = Planner(declared, snapshot, options or Options())
    unread = {
        item
        for node in planner.nodes.get("loadbalancer", [])
        for item in planner.balancer(node).unread
    }
    pools = {parent for resource, parent in unread if resource == "member"}
    return pools, {parent for resource, parent in unread if resource == "l7rule"}
