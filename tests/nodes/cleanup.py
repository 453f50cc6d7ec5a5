"""End nodes and remove what killed runs left behind, found by name and not only by their files."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from . import cgroups, host, layers, network, node
from .errors import NodeError, NodesError
from .processes import is_alive, say
from .state import NODES, load_all

# nspawn keeps small folders by machine name that it leaves behind when it is killed.
_NSPAWN_FOLDERS = ("propagate", "unix-export")


def _mounted_nodes() -> set[str]:
    """Names of nodes with a mounted disk."""
    found = set()
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        point = Path(line.split()[4])
        if point.is_relative_to(NODES) and point != NODES:
            found.add(point.relative_to(NODES).parts[0])
    return found


def _containers() -> dict[int, str]:
    """The nspawn processes of ours: {pid: node name}."""
    found: dict[int, str] = {}
    option = f"--machine={host.NODE_PREFIX}"
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            argv = path.read_bytes().decode(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if Path(argv[0]).name == "systemd-nspawn":
            names = [word.removeprefix(option) for word in argv if word.startswith(option)]
            found.update({int(path.parent.name): name for name in names})
    return found


def _seen_nodes() -> set[str]:
    """Names of all nodes of which anything exists, whether or not their file does."""
    found = _mounted_nodes() | set(_containers().values())
    found.update(path.name for path in NODES.glob("*"))
    for name in [*cgroups.names(), *network.names()]:
        if name.startswith(host.NODE_PREFIX):
            found.add(name.removeprefix(host.NODE_PREFIX))
    return found


def _remove_dead_builds() -> None:
    """Kill what is left of layer builds whose process is dead, and remove their folders."""
    for group in cgroups.names():
        if group.startswith(host.BUILD_PREFIX):
            pid, started, _ = group.removeprefix(host.BUILD_PREFIX).split("-")
            if not is_alive(int(pid), int(started)):
                cgroups.kill(group)
                cgroups.remove(group)
    layers.remove_stale()


def remove_node(name: str) -> None:
    """Remove the node `name` in whatever state it is, with everything that bears its name.

    Raises NodeError when nothing of it exists or something of it cannot be removed.
    """
    if not _remove(name):
        raise NodeError(f"there is no node {name!r}; 'list' shows the existing ones")


def _remove(name: str, stale_only: bool = False) -> bool:
    """Remove what is there of a node; False when nothing is, or somebody alive needs it."""
    with node.being_removed(name):
        # Its owner may have removed it a moment ago, or be making it anew under this lock.
        with host.lock("nodes"):
            if name not in _seen_nodes() or (stale_only and name in _kept()):
                return False
        _remove_parts(name)
        return True


def _kept() -> set[str]:
    """Names of nodes whose owner lives, and of those that stay without one."""
    return {record.name for record in load_all() if not record.is_stale()}


def _remove_parts(name: str) -> None:
    for pid, owner in _containers().items():
        # Killed before it had joined its control group.
        if owner == name:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    node.remove_parts(name)
    for folder in _NSPAWN_FOLDERS:
        shutil.rmtree(f"/run/systemd/nspawn/{folder}/{host.NODE_PREFIX}{name}", ignore_errors=True)


def _remove_shared() -> list[str]:
    """Remove what all nodes share, unless there is one; returns what went wrong."""
    with host.lock("nodes"), host.lock("network"):
        # Another process may have made a node a moment ago.
        if _seen_nodes():
            return []
        network.remove(network.SWITCH)
        if host.state_mounted():
            if subprocess.run(["umount", str(host.STATE)], capture_output=True).returncode:
                return [f"{host.STATE} is in use by a process that has no node there: end it"]
            # What a killed run wrote before the mount was there is of no use to anybody.
            shutil.rmtree(host.STATE, ignore_errors=True)
    return []


def clean(stale_only: bool = False) -> list[str]:
    """Remove all nodes, or only those whose owner is dead and those of which only parts are left.

    When no node is left, the switch and the state folder go too. Layers stay, except half-built
    ones of dead processes. Returns the names of the removed nodes.
    Raises NodesError that lists what could not be removed, after everything else was.
    """
    host.check()
    _remove_dead_builds()
    removed, problems = [], []
    for name in sorted(_seen_nodes() - (_kept() if stale_only else set())):
        try:
            if _remove(name, stale_only):
                removed.append(name)
                say(f"removed node {name}")
        except NodesError as error:
            problems.append(str(error))
    problems += _remove_shared()
    for folder in _NSPAWN_FOLDERS:
        for path in Path("/run/systemd/nspawn", folder).glob(f"{host.BUILD_PREFIX}*"):
            shutil.rmtree(path, ignore_errors=True)
    if problems:
        raise NodesError("\n".join(problems))
    return removed
