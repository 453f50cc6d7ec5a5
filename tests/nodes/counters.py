"""Counts of started processes in a control group, taken by the kernel itself (perf events)."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from . import cgroups
from .errors import HostError

_SYSCALLS = {"x86_64": 298, "aarch64": 241}
_TYPE_TRACEPOINT = 2
_FLAG_CGROUP, _FLAG_CLOEXEC = 4, 8
_TRACEPOINTS = {"programs": "sched_process_exec", "tasks": "sched_process_fork"}


@dataclass
class Starts:
    """What was started: programs (execve) and tasks (processes and threads that were forked).

    Each command that is run from outside counts one program of its own for entering the node.
    """

    programs: int = 0
    tasks: int = 0


def _tracepoint_ids() -> dict[str, int]:
    """The kernel's numbers of the tracepoints, read in a mount namespace that ends at once."""
    files = " ".join(f"events/sched/{name}/id" for name in _TRACEPOINTS.values())
    script = f"mount -t tracefs sfo-trace /mnt && cd /mnt && cat {files}"
    done = subprocess.run(
        ["unshare", "--mount", "/bin/sh", "-c", script], capture_output=True, text=True
    )
    if done.returncode:
        raise HostError(f"this kernel has no scheduler tracepoints: {done.stderr.strip()}")
    return dict(zip(_TRACEPOINTS, map(int, done.stdout.split()), strict=True))


def _open(tracepoint: int, group: int, cpu: int) -> int:
    """Open one counter (a file descriptor) for a group on one CPU; it counts from now on."""
    machine = platform.machine()
    if machine not in _SYSCALLS:
        raise HostError(f"counting processes is not known for {machine} machines")
    # struct perf_event_attr, first version: type, size, config, and zeros for the rest.
    attributes = struct.pack("=IIQQQQQQQ", _TYPE_TRACEPOINT, 64, tracepoint, 0, 0, 0, 0, 0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    flags = _FLAG_CGROUP | _FLAG_CLOEXEC
    number = _SYSCALLS[machine]
    counter = int(libc.syscall(number, attributes, group, cpu, -1, ctypes.c_ulong(flags)))
    if counter < 0:
        error = os.strerror(ctypes.get_errno())
        raise HostError(f"this host does not count processes by control group: {error}")
    return counter


@contextmanager
def counting(name: str) -> Iterator[Starts]:
    """Count what is started in the control group `name` and below; the result is there afterwards.

    Raises HostError where the host cannot count.
    """
    starts = Starts()
    identifiers = _tracepoint_ids()
    group = os.open(cgroups.perf_folder(name), os.O_RDONLY | os.O_DIRECTORY)
    opened: list[tuple[str, int]] = []
    try:
        # A counter per CPU, including CPUs that this process itself may not use.
        for cpu in range(os.cpu_count() or 1):
            for field, tracepoint in identifiers.items():
                opened.append((field, _open(tracepoint, group, cpu)))
        yield starts
        for field, counter in opened:
            (value,) = struct.unpack("=Q", os.read(counter, 8))
            setattr(starts, field, getattr(starts, field) + value)
    finally:
        for _, counter in opened:
            os.close(counter)
        os.close(group)
