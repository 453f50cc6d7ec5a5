"""
A client of the Octavia API that says what it means: a write is repeated only where that cannot do
harm.

After a write without an answer the client looks for its result first. Where a load balancer is
locked, or the server asks for patience, the client waits, up to a bound.
"""

# No annotations as text here, see octavia_blocks.
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

try:
    import octavia_errors as errors
    import octavia_poller as polling
    import octavia_recovery as recovery
    import octavia_resources as resources
    import octavia_snapshots as snapshots
    from octavia_attempts import Attempts, Limits
    from octavia_cloud import connect
    from octavia_parents import Parents
    from octavia_reader import LOADBALANCER, Object, Reader, inner
    from octavia_snapshot import Snapshot
except ImportError:
    from salt_formula_octavia.utils import octavia_errors as errors
    from salt_formula_octavia.utils import octavia_poller as polling
    from salt_formula_octavia.utils import octavia_recovery as recovery
    from salt_formula_octavia.utils import octavia_resources as resources
    from salt_formula_octavia.utils import octavia_snapshots as snapshots
    from salt_formula_octavia.utils.octavia_attempts import Attempts, Limits
    from salt_formula_octavia.utils.octavia_cloud import connect
    from salt_formula_octavia.utils.octavia_parents import Parents
    from salt_formula_octavia.utils.octavia_reader import LOADBALANCER, Object, Reader, inner
    from salt_formula_octavia.utils.octavia_snapshot import Snapshot

__all__ = ["Client", "Limits", "Parents", "connect"]

#: Statuses of what a delete has reached.
GONE = ("PENDING_DELETE", "DELETED")
#: How often the result of a create without an answer is looked for.
LOOKS = 4


@dataclass(frozen=True)
class _Target:
    """
    What a write is about.

    :ivar lock: id of the load balancer that is waited for when it is locked
    :ivar broken: whether the write is allowed to a load balancer in ERROR, too
    """

    resource: str
    operation: str
    path: str
    parent: str = ""
    lock: str = ""
    broken: bool = False

    @property
    def about(self) -> dict[str, Any]:
        """What an error tells of it."""
        return {"resource": self.resource, "operation": self.operation}


class Client(Reader):
    """What :class:`octavia_reader.Reader` does, and the writes."""

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Iterable[tuple[str, str]] = (),
    ) -> dict[str, Any]:
        """
        A request that this class has no function for.

        :param method: HTTP method
        :param path: below ``/v2``
        :param body: what is sent as JSON
        :param query: names and values
        :return: the decoded answer, empty where there is none
        :raises OctaviaError: for every answer that is no success; only a GET is repeated
        """
        if method == "GET":
            return self._read(path, tuple(query)).body
        return self._transport.send(method, path, body, tuple(query)).body

    def snapshot(self, parents: Parents | None = None, **options: Any) -> Snapshot:
        """
        What stands on the server, see :func:`octavia_snapshots.take`.

        :param parents: what an earlier run has recorded
        :param options: see there
        :return: the snapshot
        :raises OctaviaError: for every answer that is no success
        """
        return snapshots.take(self, parents, **options)

    def read_children(
        self,
        snapshot: Snapshot,
        pools: Iterable[str] = (),
        policies: Iterable[str] = (),
        parents: Parents | None = None,
    ) -> None:
        """
        Reads members and rules, see :func:`octavia_snapshots.read_children`.

        :param snapshot: takes them in
        :param pools: ids of pools
        :param policies: ids of L7 policies
        :param parents: what an earlier run has recorded
        :raises OctaviaError: for every answer that is no success
        """
        snapshots.read_children(self, snapshot, pools, policies, parents)

    def create(
        self, resource: str, body: Mapping[str, Any], parent: str = "", lock: str = ""
    ) -> Object:
        """
        Creates an object; of a load balancer all that is below it, too.

        :param resource: name of the resource
        :param body: its fields
        :param parent: id of the pool of a member, or of the policy of a rule
        :param lock: id of the load balancer that is waited for when it is locked; without it
            Locked is raised
        :return: the object as the server answers it
        :raises OctaviaError: for every answer that is no success
        """
        operation = f"create {resource} {body.get('name') or ''}".rstrip()
        target = _Target(resource, operation, self._path(resource, "", parent), parent, lock)
        key = resources.RESOURCES[resource].key
        attempts = self._attempts()
        while True:
            try:
                answer = self._transport.send("POST", target.path, {key: body}, **target.about)
                return inner(answer, key)
            except errors.Locked as problem:
                self._unlock(problem, target, attempts)
            except errors.TooMany as problem:
                attempts.pause(problem)
            except errors.Transient as problem:
                found = self._find_result(problem, target, body, attempts)
                if found is not None:
                    return found
            except errors.Duplicate:
                # An earlier attempt may have come through after all.
                found = self._own(target, body, attempts) if attempts.doubtful else None
                if found is None:
                    raise
                return found

    def _find_result(
        self,
        problem: errors.Transient,
        target: _Target,
        body: Mapping[str, Any],
        attempts: Attempts,
    ) -> Object | None:
        """The result of a create without an answer; None when it is to be sent again."""
        harmless = target.resource in recovery.UNIQUE
        answered = not isinstance(problem, errors.NoAnswer)
        # A server that is still at work shows nothing yet, so one look is not enough.
        for look in range(1 if harmless or answered else LOOKS):
            if look:
                attempts.look_again(look)
            found = self._own(target, body, attempts)
            if found is not None:
                return found
        if isinstance(problem, errors.TooSlow) and not harmless:
            raise problem
        attempts.pause(problem)
        return None

    def _own(self, target: _Target, body: Mapping[str, Any], attempts: Attempts) -> Object | None:
        """What an earlier attempt has made, if anything."""
        query = list(recovery.filters(target.resource, body).items())
        items, date = self.list_with_date(target.resource, target.parent, query)
        sent = None if date is None else date - attempts.elapsed
        found = recovery.own_result(target.resource, body, items, sent, self.limits.skew)
        if found is not None and target.resource == LOADBALANCER:
            return self.tree(found["id"])
        return found

    def update(
        self,
        resource: str,
        identity: str,
        body: Mapping[str, Any],
        parent: str = "",
        lock: str = "",
    ) -> Object:
        """
        Changes fields of an object.

        :param resource: name of the resource
        :param identity: its id; a zone's name, a quota's project
        :param body: the fields to change
        :param parent: id of the pool of a member, or of the policy of a rule
        :param lock: id of the load balancer that is waited for when it is locked
        :return: the object as the server answers it
        :raises Immutable: when a field can be set at creation only
        :raises OctaviaError: for every other answer that is no success
        """
        path = self._path(resource, identity, parent)
        target = _Target(resource, f"update {resource} {identity}", path, parent, lock)
        key = resources.RESOURCES[resource].key
        attempts = self._attempts()
        while True:
            try:
                answer = self._transport.send("PUT", path, {key: body}, **target.about)
                return inner(answer, key)
            except errors.Locked as problem:
                self._unlock(problem, target, attempts)
            except errors.TooMany as problem:
                attempts.pause(problem)
            except errors.Transient as problem:
                current = self.get(resource, identity, parent)
                if recovery.matches(resource, body, current):
                    return current
                attempts.pause(problem, most=_most(problem))
            except errors.Unsupported as problem:
                raise _immutable(problem, target) from problem

    def batch(
        self,
        pool_id: str,
        members: Iterable[Mapping[str, Any]],
        additive_only: bool = False,
        lock: str = "",
    ) -> None:
        """
        Sets all members of a pool at once.

        :param pool_id: id of the pool
        :param members: each with all its fields, since what is left out goes back to its default
        :param additive_only: leave the members alone that are not named
        :param lock: id of the load balancer that is waited for when it is locked
        :raises OctaviaError: for every answer that is no success
        """
        path = self._path("member", "", pool_id)
        target = _Target("member", f"set members of pool {pool_id}", path, pool_id, lock)
        body = {"members": [dict(member) for member in members]}
        query = [("additive_only", "true")] if additive_only else []
        attempts = self._attempts()
        while True:
            try:
                self._transport.send("PUT", path, body, query, **target.about)
                return
            except errors.Locked as problem:
                self._unlock(problem, target, attempts)
            except errors.Transient as problem:
                # The same members once more are the same members.
                attempts.pause(problem, most=_most(problem))

    def act(self, resource: str, identity: str, action: str, lock: str = "") -> None:
        """
        Starts what the server does with an object by itself.

        :param resource: ``loadbalancer`` or ``amphora``
        :param identity: its id
        :param action: ``failover``, or ``config`` of an amphora
        :param lock: id of the load balancer that is waited for when it is locked
        :raises OctaviaError: for every answer that is no success
        """
        path = f"{self._path(resource, identity)}/{action}"
        operation = f"{action} of {resource} {identity}"
        target = _Target(resource, operation, path, "", lock, broken=resource == LOADBALANCER)
        attempts = self._attempts()
        while True:
            try:
                self._transport.send("PUT", path, **target.about)
                return
            except errors.Locked as problem:
                # After an attempt without an answer it is what that one has started.
                if attempts.doubtful:
                    return
                self._unlock(problem, target, attempts)
            except errors.Transient as problem:
                attempts.pause(problem, most=_most(problem))

    def delete(
        self,
        resource: str,
        identity: str,
        parent: str = "",
        lock: str = "",
        cascade: bool = False,
    ) -> None:
        """
        Deletes an object; one that is gone already is well, too.

        :param resource: name of the resource
        :param identity: its id; a zone's name, a quota's project (whose limits go back to the
            defaults)
        :param parent: id of the pool of a member, or of the policy of a rule
        :param lock: id of the load balancer that is waited for when it is locked
        :param cascade: of a load balancer, with everything below it
        :raises OctaviaError: for every answer that is no success, but for 404
        """
        path = self._path(resource, identity, parent)
        operation = f"delete {resource} {identity}"
        target = _Target(resource, operation, path, parent, lock, resource == LOADBALANCER)
        query = [("cascade", "true")] if cascade else []
        attempts = self._attempts()
        while True:
            try:
                self._transport.send("DELETE", path, query=query, **target.about)
                return
            except errors.NotFound:
                return
            except errors.TooMany as problem:
                attempts.pause(problem)
            except (errors.Locked, errors.Transient) as problem:
                if self._is_going(target, identity):
                    return
                if isinstance(problem, errors.Transient):
                    attempts.pause(problem)
                else:
                    self._unlock(problem, target, attempts)

    def _is_going(self, target: _Target, identity: str) -> bool:
        # Reading a quota would change it; its delete can simply be repeated.
        if target.resource == "quota":
            return False
        try:
            found = self.get(target.resource, identity, target.parent)
        except errors.NotFound:
            return True
        return found.get("provisioning_status") in GONE

    def _unlock(self, problem: errors.Locked, target: _Target, attempts: Attempts) -> None:
        """Waits until what is locked is free; raises where that is hopeless."""
        if not target.lock or attempts.left <= 0:
            raise problem
        status = self.wait([target.lock], attempts.left)[target.lock]
        fine = polling.SETTLED if target.broken else (polling.ACTIVE,)
        if status not in fine:
            raise self.explain(target.lock, status, attempts.elapsed)
        above = resources.RESOURCES[target.resource].parent
        if above and self.get(above, target.parent).get("provisioning_status") == polling.ERROR:
            named = f"{above} ({target.parent})"
            raise errors.InError(f"the {named} is in ERROR", [named], **target.about) from problem
        attempts.pause_locked()


def _most(problem: errors.Transient) -> int:
    """How often what can be repeated is tried; a server that breaks, breaks again."""
    return 2 if isinstance(problem, errors.ServerFault) else 0


def _immutable(problem: errors.Unsupported, target: _Target) -> errors.OctaviaError:
    """What the server does not take in an update may be for a create only."""
    table = resources.RESOURCES[target.resource]
    fixed = [name for name in problem.fields if name in table.immutable]
    if not fixed:
        return problem
    reason = f"{', '.join(fixed)} of a {target.resource} can be set at creation only"
    about = {**target.about, "request_id": problem.request_id}
    return errors.Immutable(reason, fixed, code=problem.code, **about)
