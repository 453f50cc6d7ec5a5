"""
Carries out a plan: load balancers side by side, one step after the other on each of them.

While a load balancer is PENDING nobody waits for it but the one poller, so that any number of them
can be under way. A unit ends at its first error; the others go on.
"""

# No annotations as text here, see octavia_blocks.
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

try:
    import octavia_errors as errors
    import octavia_operations as operations
    import octavia_poller as polling
    import octavia_snapshots as snapshots
    from octavia_client import Client
    from octavia_operations import Changes, Operation, Plan, Unit
    from octavia_snapshot import Snapshot
except ImportError:
    from salt_formula_octavia.utils import octavia_errors as errors
    from salt_formula_octavia.utils import octavia_operations as operations
    from salt_formula_octavia.utils import octavia_poller as polling
    from salt_formula_octavia.utils import octavia_snapshots as snapshots
    from salt_formula_octavia.utils.octavia_client import Client
    from salt_formula_octavia.utils.octavia_operations import Changes, Operation, Plan, Unit
    from salt_formula_octavia.utils.octavia_snapshot import Snapshot

#: Seconds after which progress is told though nothing has come to its end.
TELL_EVERY = 10.0
LOADBALANCER = "loadbalancer"
DELETES = (operations.DELETE, operations.CASCADE_DELETE)

Steps = Generator[str, "str | errors.OctaviaError", None]


@dataclass(frozen=True)
class Progress:
    """
    How far a run is.

    :ivar done: units that are done, failed ones included
    :ivar of: units that have something to do
    :ivar failed: units that failed
    :ivar pending: names of those that are under way
    """

    done: int
    of: int
    failed: int
    pending: tuple[str, ...]


@dataclass
class UnitResult:
    """
    What became of a unit.

    :ivar unit: the unit
    :ivar id: of its object on the server, empty when there is none
    :ivar done: the operations that the server took
    :ivar failed: the operation that failed, which is among the done ones when the server took it
        and came to grief with it
    :ivar error: why
    :ivar changes: what truly changed, in the form of :attr:`Operation.changes`
    """

    unit: Unit
    id: str = ""
    done: list[Operation] = field(default_factory=list)
    failed: Operation | None = None
    error: errors.OctaviaError | None = None
    changes: Changes = field(default_factory=dict)

    @property
    def writes(self) -> int:
        """How many of its operations wrote."""
        return sum(operation.writes for operation in self.done)


@dataclass
class Result:
    """
    What became of a plan.

    :ivar units: by their keys
    :ivar requests: how many requests it took
    :ivar writes: how many of them may have changed something
    :ivar seconds: how long it took
    """

    units: dict[str, UnitResult]
    requests: int = 0
    writes: int = 0
    seconds: float = 0.0

    @property
    def failed(self) -> list[UnitResult]:
        """The units that failed, or were not tried because of others."""
        return [result for result in self.units.values() if result.error]

    @property
    def changes(self) -> dict[str, Changes]:
        """What truly changed, by the units' keys; units without changes are left out."""
        return {key: result.changes for key, result in self.units.items() if result.changes}


def execute(
    plan: Plan,
    client: Client,
    snapshot: Snapshot,
    progress: Callable[[Progress], None] | None = None,
    concurrency: int = 8,
    in_flight: int = 64,
    timeout: float = 600.0,
    wait: bool = True,
) -> Result:
    """
    Carries out a plan.

    :param plan: the plan
    :param client: the way to the server
    :param snapshot: what the plan was made from; it is kept true
    :param progress: called from this thread now and then
    :param concurrency: how many requests may be under way
    :param in_flight: how many units may be under way, most of which wait for the server
    :param timeout: seconds that a load balancer may stay PENDING
    :param wait: also wait after the last operation of each unit
    :return: what became of it; errors of the API are in it
    """
    counters = client.counters
    requests, writes, begin = counters.total, counters.writes, time.monotonic()
    run = _Run(plan, client, snapshot, in_flight, timeout, wait)
    run.finish(progress, concurrency)
    return Result(
        run.results,
        counters.total - requests,
        counters.writes - writes,
        time.monotonic() - begin,
    )


class _Run:
    """One run of a plan."""

    def __init__(
        self,
        plan: Plan,
        client: Client,
        snapshot: Snapshot,
        in_flight: int,
        timeout: float,
        wait: bool,
    ) -> None:
        self.results = {unit.key: UnitResult(unit, unit.id) for unit in plan.units}
        self._client, self._snapshot = client, snapshot
        self._in_flight, self._timeout, self._wait = in_flight, timeout, wait
        self._ids: dict[str, str] = {}
        self._todo = {unit.key: unit for unit in plan.units if unit.operations}
        self._of = len(self._todo)
        self._running: dict[str, Steps] = {}
        self._ended = False
        self._changed = threading.Condition()
        # A snapshot is no thing for several threads at once.
        self._snapshot_guard = threading.Lock()
        self._crash: BaseException | None = None
        self._pool: ThreadPoolExecutor | None = None

    def finish(self, progress: Callable[[Progress], None] | None, concurrency: int) -> None:
        """Runs everything; returns when nothing is left."""
        pool = self._pool = ThreadPoolExecutor(concurrency)
        try:
            self._start_units()
            while self._todo or self._running:
                self._wait_for_change()
                if progress:
                    progress(self._progress())
                self._start_units()
        finally:
            # Whoever is called back from now on starts nothing more.
            with self._changed:
                self._pool = None
            pool.shutdown(cancel_futures=True)

    def _wait_for_change(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._crash or self._ended, TELL_EVERY)
            self._ended = False
            if self._crash:
                raise self._crash

    def _progress(self) -> Progress:
        with self._changed:
            names = tuple(self.results[key].unit.name for key in self._running)
            done = self._of - len(self._todo) - len(self._running)
        return Progress(done, self._of, sum(1 for r in self.results.values() if r.error), names)

    def _start_units(self) -> None:
        """Starts what can be started; marks what never can."""
        with self._changed:
            moved = True
            while moved:
                moved = False
                for key, unit in list(self._todo.items()):
                    if set(unit.after) & (self._todo.keys() | self._running.keys()):
                        continue
                    failed = [k for k in unit.after if k in self.results and self.results[k].error]
                    if failed:
                        self._block(unit, failed[0])
                        moved = True
                    elif len(self._running) < self._in_flight:
                        del self._todo[key]
                        self._running[key] = self._steps(self.results[key])
                        self._submit(key, None)
            if self._todo and not self._running and not moved:
                for unit in list(self._todo.values()):
                    self._block(unit, unit.after[0])

    def _block(self, unit: Unit, other: str) -> None:
        result = self.results[unit.key]
        result.failed = unit.operations[0]
        reason = f"it needs {other}, which failed"
        result.error = errors.Blocked(reason, resource=unit.resource, operation=unit.key)
        del self._todo[unit.key]

    def _submit(self, key: str, outcome: str | errors.OctaviaError | None) -> None:
        with self._changed:
            if self._pool is not None:
                self._pool.submit(self._advance, key, outcome).add_done_callback(self._look_at)

    def _look_at(self, future: Future[None]) -> None:
        """Hands a mistake in this code to the thread that waits, which would wait for ever."""
        problem = None if future.cancelled() else future.exception()
        if problem is not None:
            with self._changed:
                self._crash = problem
                self._changed.notify_all()

    def _advance(self, key: str, outcome: str | errors.OctaviaError | None) -> None:
        """Takes a unit as far as its next wait."""
        steps = self._running[key]
        try:
            # A generator begins with None.
            lock = steps.send(outcome)  # type: ignore[arg-type]
        except StopIteration:
            with self._changed:
                del self._running[key]
                self._ended = True
                self._changed.notify_all()
            return
        self._client.watch(lock, self._timeout, lambda _, found: self._submit(key, found))

    def _steps(self, result: UnitResult) -> Steps:
        """Carries out one unit; yields the load balancers to wait for, and gets their statuses."""
        unit = result.unit
        for number, operation in enumerate(unit.operations, 1):
            try:
                if operation.writes:
                    self._write(operation, result)
                result.done.append(operation)
                self._note_changes(result)
                lock = operations.resolve(operation.locks, self._ids)
                if lock and (self._wait or number < len(unit.operations)):
                    self._check(operation, lock, (yield lock))
            except errors.OctaviaError as problem:
                result.failed, result.error = operation, problem
                return

    def _note_changes(self, result: UnitResult) -> None:
        merged = operations.merged(operation.changes for operation in result.done)
        result.changes = operations.resolve(merged, self._ids)

    def _check(self, operation: Operation, lock: str, found: str | errors.OctaviaError) -> None:
        """Whether a load balancer came out of an operation as it should."""
        if isinstance(found, errors.OctaviaError):
            raise found
        with self._snapshot_guard:
            snapshots.settle(self._snapshot, lock, found)
        removed = operation.resource == LOADBALANCER and operation.action in DELETES
        good = [polling.GONE] if removed else [polling.ACTIVE]
        if operation.action == operations.WAIT:
            # It may have been on its way out.
            good.append(polling.GONE)
        if found not in good:
            raise self._client.explain(lock, found, self._timeout)

    # -- one operation ----------------------------------------------------------------------------

    def _write(self, operation: Operation, result: UnitResult) -> None:
        identity = operations.resolve(operation.id, self._ids)
        parent = operations.resolve(operation.parent, self._ids)
        body = operations.resolve(operation.body, self._ids)
        # A load balancer that is created locks itself, and nobody else has to wait for it.
        lock = self._ids.get(getattr(operation.locks, "key", ""), operation.locks)
        lock = lock if isinstance(lock, str) else ""
        resource, action = operation.resource, operation.action
        if action == operations.CREATE:
            answer = self._client.create(resource, body, parent, lock)
            self._ids.update(operations.learn(operation, answer))
            if resource == result.unit.resource:
                result.id = next(iter(operations.learn(operation, answer).values()), result.id)
            self._note(snapshots.note_created, resource, answer, parent)
        elif action == operations.UPDATE:
            answer = self._client.update(resource, identity, body, parent, lock)
            self._note(snapshots.note_updated, resource, identity, answer, parent)
        elif action in DELETES:
            cascade = action == operations.CASCADE_DELETE
            self._client.delete(resource, identity, parent, lock, cascade)
            self._note(snapshots.note_deleted, resource, identity, parent)
        elif action == operations.BATCH:
            pool = parent or identity
            self._client.batch(pool, body["members"], bool(body.get("additive_only")), lock)
            self._note(snapshots.forget_children, "member", pool)
        else:
            verb = "failover" if action == operations.FAILOVER else "config"
            self._client.act(resource, identity, verb, lock)

    def _note(self, change: Callable[..., None], *arguments: Any) -> None:
        with self._snapshot_guard:
            change(self._snapshot, *arguments)
