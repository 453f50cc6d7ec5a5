"""Control groups of our own: every process that the package starts lives in one.

A group is one directory of the same name in each hierarchy of the host (cgroup v1, hybrid or v2).
"""

from __future__ import annotations

import os
import re
import signal
from contextlib import suppress
from pathlib import Path

from . import host
from .processes import wait_until

# A fresh cpuset accepts no process before its CPUs and memory nodes are set.
_LEFT_OUT = {"cpuset"}


def _mounts() -> dict[Path, str]:
    """The mount points of the used control group hierarchies: {path: kind and controllers}."""
    found = {}
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields, _, rest = line.partition(" - ")
        point, kind = Path(fields.split()[4]), rest.split()[0]
        if kind in ("cgroup", "cgroup2") and point.name not in _LEFT_OUT:
            found[point] = f"{kind} {rest.split()[2]}"
    return found


def hierarchies() -> list[Path]:
    """The mount points of all control group hierarchies that are used."""
    return list(_mounts())


def perf_folder(name: str) -> Path:
    """The folder of a group in the hierarchy by which the kernel attributes perf events."""
    mounts = _mounts()
    for point, kind in mounts.items():
        if kind.startswith("cgroup ") and "perf_event" in kind.split()[1].split(","):
            return point / name
    return next(point for point, kind in mounts.items() if kind.startswith("cgroup2")) / name


def create(name: str) -> list[str]:
    """Create the group `name`; return the cgroup.procs files by which a process joins it."""
    files = []
    for hierarchy in hierarchies():
        (hierarchy / name).mkdir(exist_ok=True)
        files.append(str(hierarchy / name / "cgroup.procs"))
    return files


# argv[1:] are the cgroup.procs files, "--", and the command; the shell joins, then becomes it.
_JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 125; shift; done; shift; exec "$@"'


def joining(files: list[str], argv: list[str]) -> list[str]:
    """The command line that runs `argv` inside the group of these cgroup.procs files."""
    return ["/bin/sh", "-c", _JOIN, "sh", *files, "--", *argv]


def names() -> list[str]:
    """All groups of ours that exist now."""
    found = {p.name for h in hierarchies() for p in h.glob(f"{host.PREFIX}*") if p.is_dir()}
    return sorted(found)


def _subgroups(name: str) -> list[Path]:
    """All directories of a group, the deepest first."""
    return [
        Path(folder)
        for hierarchy in hierarchies()
        for folder, _, _ in os.walk(hierarchy / name, topdown=False)
    ]


def processes(name: str) -> set[int]:
    """The processes in a group and its subgroups, in any hierarchy."""
    found: set[int] = set()
    for folder in _subgroups(name):
        try:
            found.update(int(p) for p in (folder / "cgroup.procs").read_text().split())
        except (FileNotFoundError, OSError):
            continue
    return found - {os.getpid(), 0}


def kill(name: str, timeout: float = 20) -> bool:
    """Kill everything in a group until it is empty; False when something stays."""

    def emptied() -> bool:
        members = processes(name)
        for pid in members:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not members

    return bool(wait_until(emptied, timeout))


def remove(name: str, timeout: float = 10) -> bool:
    """Remove an empty group with its subgroups; False when it cannot be removed in time."""

    def removed() -> bool:
        for folder in _subgroups(name):
            with suppress(OSError):
                folder.rmdir()
        return not any((h / name).exists() for h in hierarchies())

    return bool(wait_until(removed, timeout))


def cpu_seconds(name: str) -> float:
    """The CPU time that the members of a group have used since it was created.

    Raises FileNotFoundError when the host accounts no CPU time for the group.
    """
    for hierarchy in hierarchies():
        usage = hierarchy / name / "cpuacct.usage"
        if usage.exists():
            return int(usage.read_text()) / 1e9
    for hierarchy in hierarchies():
        stat = hierarchy / name / "cpu.stat"
        found = re.search(r"^usage_usec (\d+)$", stat.read_text() if stat.exists() else "", re.M)
        if found:
            return int(found[1]) / 1e6
    raise FileNotFoundError(f"no control group hierarchy accounts CPU time for {name}")
