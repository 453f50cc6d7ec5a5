"""The machine that carries the nodes: its checks, its tools, its folders, its locks."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import HostError
from .processes import step

CACHE = Path(os.environ.get("OCTAVIA_TEST_CACHE") or "/var/cache/salt-formula-octavia").absolute()
STATE = Path("/run/salt-formula-octavia")
# Not in the cache: there may be several of these, and there is one set of nodes.
LOCKS = Path("/run/lock/salt-formula-octavia")
STATE_SIZE = "12g"
# Everything of ours that has a name on the host begins like this, so that it can be found again.
PREFIX = "sfo-"
NODE_PREFIX = f"{PREFIX}node-"
BUILD_PREFIX = f"{PREFIX}build-"
REPOSITORY = Path(__file__).resolve().parents[2]
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# What must be there (a command of PATH or a file) and the package that brings it.
TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "apt-ftparchive": "apt-utils",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "mount": "mount",
    str(KEYRING): "debian-archive-keyring",
}


def check() -> None:
    """Raise HostError unless this process may run containers here."""
    if sys.platform != "linux":
        raise HostError(f"nodes are Linux containers, and this is {sys.platform}: use Linux")
    if os.geteuid() != 0:
        raise HostError(f"nodes need root, and the user id is {os.geteuid()}: run as root")


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold the lock `name` against all other processes that use this package."""
    LOCKS.mkdir(parents=True, exist_ok=True)
    with open(LOCKS / name, "w", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _missing() -> list[str]:
    """The packages of TOOLS that are not installed, and python3-venv when venv cannot seed pip."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    packages = [
        package
        for tool, package in TOOLS.items()
        if not (Path(tool).exists() if tool.startswith("/") else shutil.which(tool, path=path))
    ]
    if importlib.util.find_spec("ensurepip") is None:
        packages.append("python3-venv")
    return sorted(set(packages))


def ensure_tools() -> None:
    """Install the host's own tools by apt where they are missing.

    Raises HostError when they cannot be installed.
    """
    check()
    if not _missing():
        return
    with lock("host"):
        packages = _missing()
        if not packages:
            return
        if not shutil.which("apt-get"):
            raise HostError(f"this host lacks {', '.join(packages)} and has no apt: install them")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        with step(f"install on the host: {', '.join(packages)}"):
            for argv in (
                ["apt-get", "update"],
                ["apt-get", "install", "-y", "--no-install-recommends", *packages],
            ):
                done = subprocess.run(
                    argv, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
                )
                if done.returncode:
                    raise HostError(
                        f"{' '.join(argv)} failed:\n{(done.stdout + done.stderr)[-3000:]}"
                    )


def state_mounted() -> bool:
    """True when the tmpfs of the nodes is mounted."""
    return os.path.ismount(STATE)


def ensure_state() -> Path:
    """Mount the tmpfs on which the nodes' changes live, and return its path."""
    with lock("state"):
        if not state_mounted():
            STATE.mkdir(parents=True, exist_ok=True)
            options = f"size={STATE_SIZE},mode=0700"
            argv = ["mount", "-t", "tmpfs", "-o", options, f"{PREFIX}state", str(STATE)]
            subprocess.run(argv, check=True)
        (STATE / "nodes").mkdir(exist_ok=True)
    return STATE
