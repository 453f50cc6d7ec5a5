"""The operations that make one load balancer what is declared, in the order in which they work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

try:
    import octavia_desired as desired
    import octavia_l7 as l7
    import octavia_match as match
    import octavia_members as members
    import octavia_operations as operations
    import octavia_rules as rules
    from octavia_balancer import POOL_USERS, Balancer
    from octavia_match import Difference, Target
    from octavia_operations import Operation, Ref
    from octavia_snapshot import Object
except ImportError:
    from salt_formula_octavia.utils import octavia_desired as desired
    from salt_formula_octavia.utils import octavia_l7 as l7
    from salt_formula_octavia.utils import octavia_match as match
    from salt_formula_octavia.utils import octavia_members as members
    from salt_formula_octavia.utils import octavia_operations as operations
    from salt_formula_octavia.utils import octavia_rules as rules
    from salt_formula_octavia.utils.octavia_balancer import POOL_USERS, Balancer
    from salt_formula_octavia.utils.octavia_match import Difference, Target
    from salt_formula_octavia.utils.octavia_operations import Operation, Ref
    from salt_formula_octavia.utils.octavia_snapshot import Object

#: Networks of listeners could be given in a tree from Octavia 15 (2024.2) on.
NETWORKS_IN_TREES_SINCE = 29


class Steps:
    """
    The operations for one load balancer.

    :param balancer: the load balancer, matched and checked
    """

    def __init__(self, balancer: Balancer) -> None:
        self.balancer = balancer
        self.target = balancer.target
        self.snapshot = balancer.snapshot
        self.options = balancer.options
        self.locks = self.target.id

    def operations(self) -> list[Operation]:
        """The operations, in the order in which they must run."""
        node, live = self.target.node, self.target.live
        if node.absent:
            return [self._remove_all(live)] if live else []
        steps: list[Operation] = []
        if self.balancer.pending:
            steps.append(self._wait(self.balancer.pending["id"]))
        if self.target.old:
            steps.append(self._remove_all(self.target.old))
        if live is None and self._in_one_call():
            steps.append(self._tree())
        elif live is None:
            steps += [*self._write(self.target), *self._children()]
        else:
            steps += self._changed()
        if steps and live and str(live.get("provisioning_status")).startswith("PENDING"):
            steps.insert(0, self._wait(live["id"]))
        return steps

    # -- single operations ------------------------------------------------------------------------

    def _wait(self, lb_id: str) -> Operation:
        label = self.target.node.label
        return Operation(operations.WAIT, "loadbalancer", lb_id, label=label, locks=lb_id)

    def _remove_all(self, live: Object) -> Operation:
        cascade = self.target.node.controls.get("cascade", True)
        action = operations.CASCADE_DELETE if cascade else operations.DELETE
        label = desired.label("loadbalancer", live)
        changes = {"deleted": [label]}
        return Operation(
            *(action, "loadbalancer", live["id"], "", {}, label), changes=changes, locks=live["id"]
        )

    def _delete(self, resource: str, live: Object, above: Target, parent: str = "") -> Operation:
        label = desired.label(resource, live, above.node.label)
        changes = {"deleted": [label]}
        return Operation("delete", resource, live["id"], parent, {}, label, changes, self.locks)

    def _write(
        self,
        target: Target,
        parent: str | Ref = "",
        extra: Mapping[str, Any] | None = None,
        place: Mapping[str, Difference] | None = None,
    ) -> list[Operation]:
        """
        The request that creates or updates an object, if there is need of one.

        :param target: the object
        :param parent: id of the policy of a rule
        :param extra: fields that tie a new object to the one that it belongs to
        :param place: the position of a policy, old and new
        """
        if target.live is None:
            positions = {name: new for name, (_, new) in (place or {}).items()}
            body = {**self._body(target), **(extra or {}), **positions}
            return [self._create(target, parent, body)]
        changed = {**self._differences(target), **(place or {})}
        if not changed:
            return []
        body = {name: new for name, (_, new) in changed.items()}
        body.update(rules.accompanying(target.resource, target.fields, changed))
        label = target.node.label
        changes = operations.updated(label, changed)
        return [
            Operation(
                *("update", target.resource, target.id, parent, body, label), changes, self.locks
            )
        ]

    def _create(self, target: Target, parent: str | Ref, body: dict[str, Any]) -> Operation:
        label = target.node.label
        return Operation(
            *("create", target.resource, "", parent, body, label),
            changes={"created": [label]},
            locks=self.locks,
            creates=(target.node.path,),
        )

    def _body(self, target: Target) -> dict[str, Any]:
        fields = self.balancer.wanted(target)
        return {name: value for name, value in fields.items() if name not in match.ORDERED}

    def _differences(self, target: Target) -> dict[str, Difference]:
        wanted = self.balancer.wanted(target)
        if target.resource == "l7rule":
            # A rule that is rewritten keeps nothing of what it said.
            live = target.live or {}
            rest: dict[str, Any] = {"key": None} if live.get("key") else {}
            wanted = {**rest, **({"invert": False} if live.get("invert") else {}), **wanted}
        defaults = self.options.defaults.get(target.resource, {})
        return match.differences(target, wanted, defaults)

    # -- a new load balancer in one call ----------------------------------------------------------

    def _in_one_call(self) -> bool:
        chosen = self.target.node.controls.get("tree", self.options.tree)
        names = [target.node.name for target in self.target.of("pool")]
        if not all(names) or not any(self.target.children.values()):
            return False
        if chosen is not None:
            return bool(chosen)
        minor = self.snapshot.minor
        networks = any(item.node.fields.get("allowed_cidrs") for item in self.target.of("listener"))
        return minor >= (NETWORKS_IN_TREES_SINCE if networks else operations.TREES_SINCE)

    def _tree(self) -> Operation:
        body = {
            **self._body(self.target),
            "pools": [self._pool_body(target) for target in self.target.of("pool")],
            "listeners": [self._listener_body(target) for target in self.target.of("listener")],
        }
        node = self.target.node
        labels = [target.node.label for target in _all(self.target)]
        return Operation(
            *("create", "loadbalancer", "", "", body, node.label),
            changes={"created": labels},
            locks=self.locks,
            creates=(node.path,),
        )

    def _pool_body(self, pool: Target) -> dict[str, Any]:
        body: dict[str, Any] = self._body(pool)
        if pool.of("member"):
            body["members"] = [self._body(member) for member in pool.of("member")]
        for monitor in pool.of("healthmonitor"):
            body["healthmonitor"] = self._body(monitor)
        return body

    def _listener_body(self, listener: Target) -> dict[str, Any]:
        body = self._referring(listener)
        policies = [
            {**self._referring(policy), "rules": [self._body(rule) for rule in policy.of("l7rule")]}
            for policy in listener.of("l7policy")
        ]
        return {**body, "l7policies": policies} if policies else body

    def _referring(self, target: Target) -> dict[str, Any]:
        """A body that names a pool in the place of its id."""
        body = self._body(target)
        name = POOL_USERS[target.resource]
        if body.pop(name, None):
            pool = self.balancer.pool(target.node, name)
            if isinstance(pool, Target):
                body[name.removesuffix("_id")] = {"name": pool.node.name}
        return body

    # -- what is below a load balancer ------------------------------------------------------------

    def _changed(self) -> list[Operation]:
        own = self._write(self.target)
        # Security groups take the place of the listeners' networks, which must go first.
        late = any(operation.body.get("vip_sg_ids") for operation in own)
        return [*(() if late else own), *self._children(), *(own if late else ())]

    def _children(self) -> list[Operation]:
        return [*self._pools(), *self._listeners(), *self._policies(), *self._pools_that_go()]

    def _pools(self) -> Iterator[Operation]:
        for pool in self.target.of("pool"):
            yield from self._write(pool, extra={"loadbalancer_id": self.target.id})
            yield from self._members(pool)
        for pool in self.target.of("pool"):
            yield from self._monitors(pool)

    def _members(self, pool: Target) -> list[Operation]:
        found = members.Changes(pool.id, pool.node.label, self.locks)
        first = []
        for member in pool.children.get("member", []):
            if member.node.absent:
                continue
            if member.old:
                # A batch would take the new one for an update of the old one.
                first.append(self._delete("member", member.old, pool, str(pool.id)))
            changed = self._differences(member) if member.live else {}
            if member.live is None:
                found.created.append(member)
            elif changed:
                found.updated.append((member, changed))
            else:
                found.kept.append(member.live)
        others = pool.others.get("member", [])
        purged = others if "member" in self.balancer.purge else []
        found.deleted = [*pool.doomed("member"), *purged]
        found.kept += [] if purged else others
        return [*first, *found.operations(self.snapshot.minor, self.options.batch)]

    def _monitors(self, pool: Target) -> Iterator[Operation]:
        for live in pool.doomed("healthmonitor"):
            yield self._delete("healthmonitor", live, pool)
        for monitor in pool.of("healthmonitor"):
            if monitor.old:
                yield self._delete("healthmonitor", monitor.old, pool)
            yield from self._write(monitor, extra={"pool_id": pool.id})

    def _listeners(self) -> Iterator[Operation]:
        for live in self.balancer.leaving.get("listener", []):
            yield self._delete("listener", live, self.target)
        for listener in self.target.of("listener"):
            if listener.old:
                yield self._delete("listener", listener.old, self.target)
            yield from self._write(listener, extra={"loadbalancer_id": self.target.id})
        yield from self._repointed("listener")

    def _policies(self) -> Iterator[Operation]:
        for listener in self.target.of("listener"):
            yield from self._policies_of(listener)
        yield from self._repointed("l7policy")
        for listener in self.target.of("listener"):
            for policy in listener.of("l7policy"):
                yield from self._rules(policy)

    def _policies_of(self, listener: Target) -> Iterator[Operation]:
        going = listener.doomed("l7policy")
        if "l7policy" in self.balancer.purge:
            going += listener.others.get("l7policy", [])
        for live in going:
            yield self._delete("l7policy", live, listener)
        gone = {live["id"] for live in going}
        lives = self.snapshot.policies(listener.live["id"]) if listener.live else []
        current = [live["id"] for live in lives if live["id"] not in gone]
        places = _places(current, listener.of("l7policy"))
        for policy in listener.of("l7policy"):
            place = {}
            if current and _key(policy) in places:
                old = policy.live["position"] if policy.live else None
                place = {"position": (old, places[_key(policy)])}
            yield from self._write(policy, extra={"listener_id": listener.id}, place=place)

    def _rules(self, policy: Target) -> Iterator[Operation]:
        parent = policy.id
        for rule in policy.of("l7rule"):
            yield from self._write(rule, parent)
        purged = policy.others.get("l7rule", []) if "l7rule" in self.balancer.purge else []
        for live in (*policy.doomed("l7rule"), *purged):
            yield self._delete("l7rule", live, policy, str(parent))

    # -- pools that others take the place of ------------------------------------------------------

    def _repointed(self, resource: str) -> Iterator[Operation]:
        """Those that use a pool which is made anew, without being declared to."""
        renewed = {pool.old["id"]: pool for pool in self.target.of("pool") if pool.old}
        if not renewed or not self.target.live:
            return
        name = POOL_USERS[resource]
        declared = {
            target.live["id"]
            for target in self.balancer.all_of(resource)
            if target.live and {name} & {*target.node.fields, *target.node.refs, *target.node.unset}
        }
        for live in self.balancer.staying(resource):
            pool = renewed.get(live.get(name) or "")
            if pool and live["id"] not in declared:
                label = desired.label(resource, live)
                changes = operations.updated(label, {name: (live[name], pool.id)})
                body = {name: pool.id}
                yield Operation(
                    "update", resource, live["id"], "", body, label, changes, self.locks
                )

    def _pools_that_go(self) -> Iterator[Operation]:
        for pool in self.target.of("pool"):
            if pool.old:
                yield self._delete("pool", pool.old, self.target)
        for live in self.balancer.leaving.get("pool", []):
            yield self._delete("pool", live, self.target)


def _key(target: Target) -> str:
    return target.live["id"] if target.live else target.node.path


def _places(current: list[str], policies: list[Target]) -> dict[str, int]:
    """The positions to write, by id, or by path of what is new."""
    wanted = [_key(policy) for policy in policies]
    if len(policies) == 1 and "position" in policies[0].node.fields:
        key, position = wanted[0], policies[0].node.fields["position"]
        last = len(current) + (key not in current)
        place = min(position, last)
        there = key in current and current.index(key) + 1 == place
        return {} if there else {key: place}
    return l7.placements(current, wanted)


def _all(target: Target) -> Iterator[Target]:
    yield target
    for children in target.children.values():
        for child in children:
            yield from _all(child)
