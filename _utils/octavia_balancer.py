"""One load balancer: what is declared beside what stands on the server, and whether it can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

try:
    import octavia_desired as desired
    import octavia_export as exporting
    import octavia_findings as findings
    import octavia_l7 as l7
    import octavia_match as match
    import octavia_resources as resources
    import octavia_rules as rules
    from octavia_desired import Node
    from octavia_match import Target
    from octavia_operations import Options, Ref
    from octavia_snapshot import BELOW, Object, Snapshot
except ImportError:
    from salt_formula_octavia.utils import octavia_desired as desired
    from salt_formula_octavia.utils import octavia_export as exporting
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_l7 as l7
    from salt_formula_octavia.utils import octavia_match as match
    from salt_formula_octavia.utils import octavia_resources as resources
    from salt_formula_octavia.utils import octavia_rules as rules
    from salt_formula_octavia.utils.octavia_desired import Node
    from salt_formula_octavia.utils.octavia_match import Target
    from salt_formula_octavia.utils.octavia_operations import Options, Ref
    from salt_formula_octavia.utils.octavia_snapshot import BELOW, Object, Snapshot

Lookup = Callable[[str, str], "str | Ref | None"]

VIPS = ("vip_subnet_id", "vip_network_id", "vip_port_id")
NEEDED_NAMES = ("loadbalancer", "pool", "l7policy")
POOL_USERS = {"listener": "default_pool_id", "l7policy": "redirect_pool_id"}
GONE = ("DELETED", "PENDING_DELETE")


class NotRead(LookupError):
    """
    Members or rules are needed that nobody read.

    :param resource: ``member`` or ``l7rule``
    :param parent: id of the pool or policy
    """

    def __init__(self, resource: str, parent: str) -> None:
        super().__init__(f"the {resource}s of {parent} were not read")
        self.resource = resource
        self.parent = parent


class Balancer:
    """
    A declared load balancer, matched with the server.

    :param node: what is declared
    :param snapshot: what stands on the server
    :param options: how to plan
    :param lookup: finds a flavor by resource and name
    :ivar target: the tree, each object beside the one on the server
    :ivar wrong: findings about the declaration
    :ivar found: findings about what stands on the server
    :ivar leaving: objects on the server that will be deleted, by resource
    :ivar unread: pools and policies whose members or rules are needed but were not read
    """

    def __init__(self, node: Node, snapshot: Snapshot, options: Options, lookup: Lookup) -> None:
        self.snapshot = snapshot
        self.options = options
        self.lookup = lookup
        self.wrong: list[findings.Finding] = []
        self.found: list[findings.Finding] = []
        self.unread: list[tuple[str, str]] = []
        self.leaving: dict[str, list[Object]] = {}
        self.unmanaged: list[str] = []
        self.pending: Object | None = None
        self.purge = {desired.PURGED[key] for key in node.controls.get("purge", ())}
        _inherit(node, node.controls.get("on_immutable", desired.FAIL))
        self.target = Target(node, self._live(node))
        if not node.absent:
            self._fill(self.target)
            self._renew_whole()

    # -- finding the objects ----------------------------------------------------------------------

    def _live(self, node: Node) -> Object | None:
        adopted = node.controls.get("adopt")
        if adopted:
            live = self.snapshot.get("loadbalancer", adopted)
            if live is None:
                reason, remedy = "there is no such load balancer", "Correct or remove the id"
                self._state(node, "adopt", adopted, reason, remedy)
            return live
        project = str(node.fields.get("project_id") or "")
        lives = self.snapshot.by_name("loadbalancer", node.name, project) if node.name else []
        here = [live for live in lives if live.get("provisioning_status") not in GONE]
        if len(here) > 1:
            self.found.append(match.ambiguous(node, here))
            return None
        leaving = [live for live in lives if live.get("provisioning_status") == "PENDING_DELETE"]
        self.pending = leaving[0] if leaving and not here else None
        return here[0] if here else None

    def _fill(self, target: Target) -> None:
        """Finds the children of an object, and theirs."""
        for resource, nodes in target.node.children.items():
            if target.live is None:
                target.children[resource] = [match.fresh(node) for node in nodes if not node.absent]
                continue
            parent = target.live["id"]
            if resource in BELOW and not self.snapshot.is_read(resource, parent):
                self.unread.append((resource, parent))
                continue
            paired = self._pair(resource, nodes, parent)
            target.children[resource] = [self._renewed(child) for child in paired[0]]
            target.others[resource] = paired[1]
            self._sort_out(target, resource)
            for child in target.children[resource]:
                if not child.node.absent and not child.old:
                    self._fill(child)

    def _pair(
        self, resource: str, nodes: list[Node], parent: str
    ) -> tuple[list[Target], list[Object]]:
        lives = self.snapshot.below(resource, parent)
        if resource == "l7rule":
            return l7.pair_rules([Target(node) for node in nodes], lives, resource in self.purge)
        return match.pair(resource, nodes, lives, self.found)

    def _sort_out(self, target: Target, resource: str) -> None:
        """Tells what goes and what stays although nobody declared it."""
        others = target.others[resource]
        going = [*target.doomed(resource), *(others if resource in self.purge else ())]
        self.leaving.setdefault(resource, []).extend(going)
        if resource not in self.purge:
            labels = [desired.label(resource, live, target.node.label) for live in others]
            self.unmanaged += labels

    def _renewed(self, target: Target) -> Target:
        """An object that cannot become what is declared, to be made anew where that is allowed."""
        node, live = target.node, target.live
        if live is None or node.absent:
            return target
        changed = match.differences(target, node.fields, {})
        fixed = match.immutable(node.resource, changed)
        if not fixed:
            return target
        if not node.recreates:
            self._immutable(node, fixed, changed)
            return target
        return self._anew(node, live)

    def _anew(self, node: Node, live: Object) -> Target:
        self._require_whole(node.resource, live)
        old = exporting.living(self.snapshot, node.resource, live)
        whole = match.fresh(exporting.overlay(old, node, self.purge))
        whole.old = live
        return whole

    def _require_whole(self, resource: str, live: Object) -> None:
        """Notes what must be read before an object can be made anew with all below it."""
        for child in desired.CHILDREN.get(resource, {}).values():
            if child in BELOW and not self.snapshot.is_read(child, live["id"]):
                self.unread.append((child, live["id"]))
            for item in self.snapshot.below(child, live["id"]):
                self._require_whole(child, item)

    def _renew_whole(self) -> None:
        """The load balancer itself, when a field of it cannot be changed."""
        node, live = self.target.node, self.target.live
        if live is None:
            return
        changed = match.differences(self.target, self.wanted(self.target), {})
        fixed = match.immutable("loadbalancer", changed)
        if fixed and node.recreates:
            self.target = self._anew(node, live)
            self.leaving, self.unmanaged, self.found = {}, [], []
        elif fixed:
            self._immutable(node, fixed, changed)

    def _immutable(self, node: Node, fixed: list[str], changed: dict[str, Any]) -> None:
        remedy = "Declare what it is, or set on_immutable: recreate to have it made anew"
        for name in fixed:
            old, new = changed[name]
            reason = f"cannot be changed, it is {old!r} on the server"
            self._state(node, name, str(new), reason, remedy)

    # -- findings ---------------------------------------------------------------------------------

    def _state(self, node: Node, field: str, value: Any, reason: str, remedy: str) -> None:
        path = f"{node.path}:{field}" if field else node.path
        self.found.append(findings.error(path, value, reason, remedy))

    def _declared(self, node: Node, field: str, reason: str, remedy: str) -> None:
        value = node.fields.get(field, node.refs.get(f"{field}_id"))
        path = f"{node.path}:{field}" if field else node.path
        self.wrong.append(findings.error(path, value, reason, remedy))

    # -- references -------------------------------------------------------------------------------

    def wanted(self, target: Target) -> dict[str, Any]:
        """
        What is declared of an object.

        :param target: the object
        :return: its fields, with ids, or what stands for them, in the place of names
        """
        fields = dict(target.node.fields)
        for name in (*target.node.refs, *POOL_USERS.values()):
            if name in target.node.refs or name in fields:
                found = self._referred(target.node, name)
                if found is not None:
                    fields[name] = found
        return fields

    def _referred(self, node: Node, name: str) -> str | Ref | None:
        if name in POOL_USERS.values():
            pool = self.pool(node, name)
            return pool.id if isinstance(pool, Target) else pool["id"] if pool else None
        return self.lookup("flavor", node.refs[name])

    def pool(self, node: Node, name: str) -> Target | Object | None:
        """
        The pool that a listener or policy is declared to use.

        :param node: the listener or policy
        :param name: the field that names it
        :return: a declared pool, one on the server, or None when there is neither
        """
        wanted = node.refs.get(name) or node.fields.get(name)
        by_id = name not in node.refs
        for target in self.target.of("pool"):
            if wanted in (_ids(target) if by_id else (_name(target),)):
                return target
        live = self.target.live
        going = {item["id"] for item in self.leaving.get("pool", ())}
        for item in self.snapshot.below("pool", live["id"]) if live else ():
            if item["id"] not in going and wanted == item["id" if by_id else "name"]:
                return item
        return None

    # -- checks -----------------------------------------------------------------------------------

    def check(self) -> None:
        """Fills ``wrong`` and ``found`` with what can be told without a request."""
        if not self.target.node.absent:
            self._check(self.target, {})
            self._check_pools_that_go()
        self._check_status()

    def _check(self, target: Target, above: dict[str, Any]) -> None:
        node, fields = target.node, target.fields
        self._check_required(target)
        if not node.rejected:
            provider = above.get("loadbalancer", fields).get("provider")
            for problem in (
                *rules.problems(node.resource, fields, above),
                *rules.provider_problems(node.resource, node.fields, provider),
            ):
                self._declared(node, *problem)
            self._warn_ignored(node, provider)
        self._check_references(target, above)
        for resource in target.children:
            if resource == "l7rule" and len(target.of(resource)) > rules.MAX_RULES:
                reason = f"has more than {rules.MAX_RULES} rules"
                self._declared(node, "rules", reason, "Split the policy")
            for child in target.of(resource):
                self._check(child, {**above, node.resource: fields})
        self._check_positions(target)

    def _warn_ignored(self, node: Node, provider: Any) -> None:
        for name in rules.ignored(node.resource, node.fields, provider):
            reason = f"is stored, but the provider {provider} does nothing about it"
            path = f"{node.path}:{name}"
            self.found.append(findings.warning(path, node.fields[name], reason, "Remove it"))

    def _check_required(self, target: Target) -> None:
        node = target.node
        if target.live is not None and node.resource != "l7rule":
            return
        what = desired.label(node.resource, {"name": node.name, **node.fields}).split(" of ")[0]
        for name, item in resources.RESOURCES[node.resource].fields.items():
            named = name == "name" and node.resource in NEEDED_NAMES and not node.was
            given = name in node.fields or name in node.refs or name in node.rejected
            if (item.required or named) and not given:
                self._declared(
                    node, name, f"is missing, {what} is not there yet", f"Declare {name}"
                )
        if node.resource == "loadbalancer" and not {*VIPS} & {*node.fields, *node.rejected}:
            remedy = f"Declare one of {', '.join(VIPS)}"
            self._declared(node, "", "has no place for its VIP, and is not there yet", remedy)

    def _check_references(self, target: Target, above: dict[str, Any]) -> None:
        node = target.node
        for name in {*node.refs, *POOL_USERS.values()} & {*node.refs, *node.fields}:
            word = name.removesuffix("_id")
            if self._referred(node, name) is None:
                kind = "pool of this load balancer" if name in POOL_USERS.values() else word
                reason = f"names a {kind} that is neither declared nor on the server"
                self._declared(node, word, reason, "Declare it, or correct the name")
            elif name in POOL_USERS.values():
                listener = above.get("listener", target.fields).get("protocol")
                self._check_fit(node, name, word, listener)

    def _check_fit(self, node: Node, name: str, word: str, listener: Any) -> None:
        pool = self.pool(node, name)
        fields: Any = pool.fields if isinstance(pool, Target) else pool
        protocol = fields.get("protocol")
        if not rules.pool_fits(listener, protocol):
            reason = f"is a {protocol} pool, which a {listener} listener cannot use"
            fitting = ", ".join(resources.POOLS_OF_LISTENERS[listener]) or "none"
            self._declared(node, word, reason, f"Protocols that fit are {fitting}")

    def _check_positions(self, target: Target) -> None:
        policies = target.of("l7policy")
        for place, policy in enumerate(policies, 1):
            declared = policy.node.fields.get("position", place)
            if len(policies) > 1 and declared != place:
                reason = f"contradicts its place in the list, {place}"
                self._declared(policy.node, "position", reason, "Remove it, the order decides")

    def _check_pools_that_go(self) -> None:
        going = {live["id"]: live for live in self.leaving.get("pool", ())}
        for resource, name in POOL_USERS.items():
            declared = {
                target.live["id"]: target for target in self.all_of(resource) if target.live
            }
            for live in self.staying(resource) if going else ():
                target = declared.get(live["id"])
                used = self._used(target, name) if target else live.get(name)
                if used in going:
                    user = desired.label(resource, live)
                    reason = f"{desired.label('pool', going[used])} would go, but {user} uses it"
                    remedy = f"Declare another pool for {user}, or have it go too"
                    self._state(self.target.node, "pools", None, reason, remedy)

    def _used(self, target: Target, name: str) -> Any:
        """The id of the pool that a listener or policy will use; nothing where it lets go of it."""
        return self.wanted(target).get(name, target.fields.get(name))

    def all_of(self, resource: str) -> Iterator[Target]:
        """The declared listeners or policies that shall be there."""
        for listener in self.target.of("listener"):
            yield from [listener] if resource == "listener" else listener.of("l7policy")

    def staying(self, resource: str) -> list[Object]:
        """The listeners or policies on the server that will not be deleted."""
        live = self.target.live
        leaving = {item["id"] for items in self.leaving.values() for item in items}
        listeners = [
            item
            for item in (self.snapshot.below("listener", live["id"]) if live else ())
            if item["id"] not in leaving
        ]
        if resource == "listener":
            return listeners
        policies = (self.snapshot.below("l7policy", item["id"]) for item in listeners)
        return [item for group in policies for item in group if item["id"] not in leaving]

    def _check_status(self) -> None:
        live = self.target.live
        if live is None or live.get("provisioning_status") != "ACTIVE" or self.target.node.absent:
            return
        for resource, item in below(self.snapshot, live["id"]):
            if item.get("provisioning_status") == "PENDING_CREATE":
                label = desired.label(resource, item)
                reason = f"{label} is PENDING_CREATE for ever, since the load balancer is ACTIVE"
                remedy = "Delete the load balancer and have it made again with tree: false"
                self._state(self.target.node, "", None, reason, remedy)


def below(snapshot: Snapshot, lb_id: str) -> Iterator[tuple[str, Object]]:
    """
    All that is known below a load balancer.

    :param snapshot: what stands on the server
    :param lb_id: id of the load balancer
    :return: resources and objects
    """
    waiting = [("loadbalancer", lb_id)]
    while waiting:
        resource, parent = waiting.pop()
        for child in desired.CHILDREN.get(resource, {}).values():
            for item in snapshot.below(child, parent):
                yield child, item
                waiting.append((child, item["id"]))


def _inherit(node: Node, value: str) -> None:
    """Children do about immutable fields what their parents do, unless they say otherwise."""
    mine = node.controls.setdefault("on_immutable", value)
    for nodes in node.children.values():
        for child in nodes:
            _inherit(child, mine)


def _ids(target: Target) -> set[str]:
    known = [live["id"] for live in (target.live, target.old) if live]
    return {*known, target.node.was} - {""}


def _name(target: Target) -> str:
    return target.node.name or str((target.live or target.old or {}).get("name") or "")
