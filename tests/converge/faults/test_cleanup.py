"""Whatever is killed, nothing of a node is left after the next clean-up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.nodes import Node, cleanup
from tests.nodes.processes import wait_until

REPOSITORY = Path(__file__).resolve().parents[3]
CREATE = "import os; from tests.nodes import Node; Node({name!r}, {platform!r}, owner=os.getpid())"
BOOT = f"{CREATE}.__enter__(); input()"


def _traces(name: str) -> list[str]:
    """Everything on this machine that bears the node's name."""
    found = [str(path) for path in Path("/run/netns").glob(f"*{name}*")]
    found += [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/*{name}*")]
    found += [str(path) for path in Path("/run/salt-formula-octavia/nodes").glob(name)]
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    found += [line for line in mounts if name in line]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if f"--machine=sfo-node-{name}" in command:
            found.append(command.replace("\0", " "))
    return found


@pytest.mark.parametrize("moment", ["cgroup", "leader"])
def test_killed_while_it_boots(platform, moment):
    name = f"killed-{moment}-{platform}"
    script = BOOT.format(name=name, platform=platform)
    maker = subprocess.Popen(
        [sys.executable, "-c", script], cwd=REPOSITORY, stdin=subprocess.PIPE, text=True
    )
    record = Path(f"/run/salt-formula-octavia/nodes/{name}/node.json")

    def reached() -> bool:
        if moment == "cgroup":
            return any(Path("/sys/fs/cgroup").glob(f"*/*{name}*"))
        return record.exists() and '"leader": [' in record.read_text(encoding="utf-8")

    assert wait_until(reached, 300)
    os.kill(maker.pid, signal.SIGKILL)
    maker.wait()
    assert _traces(name)
    cleanup.clean(stale_only=True)
    assert _traces(name) == []


def test_a_clean_up_leaves_alone_what_is_being_made(platform):
    """Runs end whenever they end; a node that another one is making meanwhile is not theirs."""
    script = "from tests.nodes import cleanup\nwhile True: cleanup.clean(stale_only=True)"
    others = [subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY) for _ in range(3)]
    try:
        for _ in range(5):
            with Node(f"made-{platform}", platform, owner=os.getpid()) as node:
                assert node.run(["true"]).returncode == 0
        assert [other.poll() for other in others] == [None] * 3
    finally:
        for other in others:
            other.kill()
            other.wait()
