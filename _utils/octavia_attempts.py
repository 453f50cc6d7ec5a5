"""How often something is tried, and how long is waited in between."""

# No annotations as text here, see octavia_blocks.
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

try:
    import octavia_errors as errors
except ImportError:
    from salt_formula_octavia.utils import octavia_errors as errors


@dataclass(frozen=True)
class Limits:
    """
    How patient a client is.

    :ivar concurrency: how many requests may be under way
    :ivar answer: seconds that an answer may take
    :ivar attempts: how often a request is sent at most, waits for locks aside
    :ivar pause: seconds before the first repetition; each further pause is twice as long
    :ivar longest_pause: seconds that a pause takes at most; a server that asks for more is obeyed
        within `lock`
    :ivar lock: seconds to wait for a load balancer at most
    :ivar page: how many objects are asked for at once
    :ivar skew: seconds by which the clocks of the servers may differ
    """

    concurrency: int = 8
    answer: float = 90.0
    attempts: int = 5
    pause: float = 0.5
    longest_pause: float = 30.0
    lock: float = 600.0
    page: int = 1000
    skew: float = 5.0


class Attempts:
    """
    The attempts of one request: counts them, and pauses between them.

    :param limits: how many, and how long
    :param rest: waits so many seconds, for so many repetitions
    """

    def __init__(self, limits: Limits, rest: Callable[[float, int], None]) -> None:
        self._limits, self._rest = limits, rest
        self._failed = self._locked = 0
        self._begin = time.monotonic()
        #: Whether an earlier attempt may have done the work.
        self.doubtful = False

    @property
    def elapsed(self) -> float:
        """Seconds since the first attempt."""
        return time.monotonic() - self._begin

    @property
    def left(self) -> float:
        """Seconds that may still be spent on waiting for a lock."""
        return self._limits.lock - self.elapsed

    def pause(self, problem: errors.Transient, most: int = 0) -> None:
        """
        Waits before the next attempt.

        :param problem: what has gone wrong
        :param most: how many attempts there may be, if not as many as usual
        :raises Transient: the problem, when there shall be no other attempt
        """
        self._failed += 1
        self.doubtful = self.doubtful or not isinstance(problem, errors.TooMany)
        if self._failed >= (most or self._limits.attempts):
            raise problem
        seconds = self._longer(self._failed - 1) * random.uniform(0.5, 1.0)
        if problem.retry_after is not None:
            seconds = max(seconds, problem.retry_after)
        if seconds > self.left:
            raise problem
        self._rest(seconds, 1)

    def pause_locked(self) -> None:
        """Waits before an attempt on what has just been free."""
        # Somebody else works on it as well; the first attempt comes soon.
        self._rest(min(self._longer(self._locked) / 4, max(0.0, self.left)), 1)
        self._locked += 1

    def look_again(self, look: int) -> None:
        """
        Waits before another look for a result.

        :param look: how many looks there were
        """
        self._rest(self._longer(look), 0)

    def _longer(self, times: int) -> float:
        return min(self._limits.pause * 2**times, self._limits.longest_pause)
