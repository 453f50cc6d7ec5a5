"""
Waits for load balancers: one thread asks for all that are pending, by one request each time.

The pause between two questions grows with the age of the youngest wait, and with the time that the
server takes for an answer, so that a busy server is not kept busy by questions.
"""

# No annotations as text here, see octavia_blocks.
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

try:
    import octavia_errors as errors
except ImportError:
    from salt_formula_octavia.utils import octavia_errors as errors

ACTIVE, ERROR, GONE = "ACTIVE", "ERROR", "DELETED"
SETTLED = (ACTIVE, ERROR, GONE)
UNKNOWN = "PENDING"
SHORTEST, LONGEST = 0.3, 3.0
#: A pause takes so many times as long as the question before it at least, up to the longest.
REST = 3

Callback = Callable[[str, "str | errors.OctaviaError"], None]


@dataclass(eq=False)
class _Watch:
    lb_id: str
    deadline: float
    callback: Callback
    since: float = field(default_factory=time.monotonic)
    status: str = UNKNOWN


class Poller:
    """
    Watches load balancers until they are settled: ACTIVE, ERROR or gone.

    :param look: gives the provisioning status of load balancers by id; those that are gone are
        ``DELETED``
    """

    def __init__(self, look: Callable[[set[str]], dict[str, str]]) -> None:
        self._look = look
        self._watches: set[_Watch] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def watch(self, lb_id: str, timeout: float, callback: Callback) -> None:
        """
        Watches one load balancer.

        :param lb_id: its id
        :param timeout: seconds after which the last seen status is told, settled or not
        :param callback: called once, from another thread, with the id and the status, or with the
            error that stopped the questions
        """
        with self._changed:
            self._watches.add(_Watch(lb_id, time.monotonic() + timeout, callback))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(
        self,
        lb_ids: Iterable[str],
        timeout: float,
        progress: Callable[[dict[str, str]], None] | None = None,
    ) -> dict[str, str]:
        """
        Waits for several load balancers.

        :param lb_ids: their ids
        :param timeout: seconds to wait for at most
        :param progress: called with the ids and last statuses of those still pending, when one
            is settled
        :return: the status of each; not settled where the time was over
        :raises OctaviaError: when the server cannot be asked
        """
        wanted = set(lb_ids)
        found: dict[str, str] = {}
        problems: list[errors.OctaviaError] = []
        arrived = threading.Condition()

        def settle(lb_id: str, outcome: str | errors.OctaviaError) -> None:
            with arrived:
                if isinstance(outcome, errors.OctaviaError):
                    problems.append(outcome)
                    outcome = UNKNOWN
                found[lb_id] = outcome
                arrived.notify_all()

        for lb_id in wanted:
            self.watch(lb_id, timeout, settle)
        with arrived:
            told = 0
            while len(found) < len(wanted):
                arrived.wait()
                if progress and len(found) > told:
                    told = len(found)
                    progress(dict.fromkeys(wanted - set(found), UNKNOWN))
        if problems:
            raise problems[0]
        return found

    def _run(self) -> None:
        try:
            self._ask_until_settled()
        finally:
            # Only a mistake in this code leaves any; who waits must not wait for ever.
            with self._changed:
                left, self._watches = self._watches, set()
            for watch in left:
                watch.callback(watch.lb_id, errors.OctaviaError("the questions have stopped"))

    def _ask_until_settled(self) -> None:
        # The first question follows at once: many changes are done by then.
        while True:
            with self._changed:
                if not self._watches:
                    self._thread = None
                    return
                asked = set(self._watches)
            begin = time.monotonic()
            outcomes = self._ask({watch.lb_id for watch in asked})
            now = time.monotonic()
            self._tell(asked, outcomes, now)
            with self._changed:
                self._pause(now - begin)

    def _ask(self, lb_ids: set[str]) -> dict[str, str] | errors.OctaviaError:
        try:
            return self._look(lb_ids)
        except errors.OctaviaError as problem:
            return problem

    def _tell(
        self, asked: set[_Watch], outcomes: dict[str, str] | errors.OctaviaError, now: float
    ) -> None:
        # Watches that came in meanwhile are not told: what was seen may be older than they are.
        for watch in asked:
            outcome: str | errors.OctaviaError
            if isinstance(outcomes, errors.OctaviaError):
                outcome = outcomes
            else:
                watch.status = outcome = outcomes.get(watch.lb_id, watch.status)
                if outcome not in SETTLED and now < watch.deadline:
                    continue
            with self._changed:
                self._watches.discard(watch)
            watch.callback(watch.lb_id, outcome)

    def _pause(self, took: float) -> None:
        """Waits for the time of the next question; a new watch brings it forward."""
        begin = time.monotonic()
        while self._watches:
            now = time.monotonic()
            youngest = now - max(watch.since for watch in self._watches)
            first_end = min(watch.deadline for watch in self._watches)
            pause = min(max(SHORTEST, youngest / 3, REST * took), LONGEST)
            until = min(begin + pause, max(first_end, begin + SHORTEST))
            if until <= now:
                return
            self._changed.wait((until - now) * random.uniform(0.8, 1.0))
