"""Processes of the host: identity that survives reuse of a pid, waiting, killing, progress."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

T = TypeVar("T")


def start_time(pid: int) -> int | None:
    """The start of a process in clock ticks since boot, or None when there is no such process.

    A zombie counts as gone.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            fields = stream.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def is_alive(pid: int, started: int) -> bool:
    """True while the process `pid` that started at `started` lives."""
    return start_time(pid) == started


def wait_until(condition: Callable[[], T], timeout: float, pause: float = 0.05) -> T | None:
    """Poll `condition` until it is true; return its value, or None after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            return None
        time.sleep(pause)


def kill_group(pid: int) -> None:
    """Kill a whole process group, if it is still there."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def say(text: str) -> None:
    """Tell the user one line of progress on stderr."""
    print(f"nodes: {text}", file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Tell what a long step does, and when it is done how long it took."""
    say(f"{text} ...")
    begin = time.monotonic()
    yield
    say(f"{text}: {time.monotonic() - begin:.1f} s")
