"""
Suites of .kitchen.yml on a node of this project: laid out, applied and verified as kitchen would do
it, with either of its drivers. Kitchen itself is not there.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.kitchen import layout, settings
from tests.nodes import Node

from .report import Run, describe, of_answer

SUITES = ("aio", "api_single")
REPOSITORY = settings.REPOSITORY
# What the verifier reads, and where a node has it that is its own driver.
VERIFIER, THERE = ("pyproject.toml", "tests", "_utils"), "/root/kitchen"
INSTALL = ["pip", "install", "--quiet", "pytest", "pytest-testinfra"]


class Machine:
    """
    A machine of kitchen.

    :ivar suite: the suite's name
    :ivar node: the node that it is
    :ivar provisioner: settings of its provisioner
    """

    def __init__(self, suite: str, node: Node) -> None:
        self.suite, self.node = suite, node
        self.provisioner = self._sections("docker")[1]["provisioner"]

    def _sections(self, driver: str) -> tuple[str, settings.Sections]:
        """The platform's name and the settings, with a driver."""
        ((platform, sections),) = (
            (platform, sections)
            for name, platform, sections in settings.instances(settings.in_force(driver))
            if name == self.suite
        )
        return platform, sections

    def lay_out(self) -> None:
        """What kitchen uploads."""
        self._unpack(layout.files(self.provisioner, REPOSITORY), layout.root(self.provisioner))

    def converge(self) -> Run:
        """Applies the states, with an answer that can be read."""
        argv = [*layout.converge(self.provisioner), "--out=json"]
        started = time.monotonic()
        said = self.node.run(argv, timeout=1800)
        try:
            answer = json.loads(said.stdout)["local"]
        except (KeyError, ValueError):
            pytest.fail(f"{' '.join(argv)} answered:\n{said.stdout}\n{said.stderr}")
        return of_answer(answer, said.stdout, said.stderr, time.monotonic() - started)

    def verify_from_outside(self) -> tuple[int, str]:
        """The command of .kitchen.yml, which reaches a container; here it is a node."""
        platform, sections = self._sections("docker")
        told = layout.environment(self.suite, platform, container_id=self.node.name)
        command = sections["verifier"]["command"].replace("docker://", "node://")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=REPOSITORY,
            env={**os.environ, **told, "PATH": path, "PYTEST_ADDOPTS": "-p no:cacheprovider"},
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    def verify_from_inside(self) -> tuple[int, str]:
        """The command of .kitchen.exec.yml, on the machine itself, where kitchen runs then."""
        platform, sections = self._sections("exec")
        self.node.run(INSTALL, check=True)
        self._unpack(_texts(), THERE)
        command = f"cd {THERE} && {sections['verifier']['command']}"
        done = self.node.run(
            ["/bin/sh", "-c", command], env=layout.environment(self.suite, platform)
        )
        return done.returncode, done.stdout + done.stderr

    def _unpack(self, texts: Mapping[str, str], folder: str) -> None:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name, text in texts.items():
                content = text.encode()
                member = tarfile.TarInfo(name)
                member.size, member.mtime = len(content), time.time()
                archive.addfile(member, io.BytesIO(content))
        unpack = 'mkdir -p "$1"; base64 --decode | tar --extract --gzip --directory="$1"'
        sent = base64.b64encode(packed.getvalue()).decode()
        self.node.run(["/bin/sh", "-ec", unpack, "sh", folder], input=sent, check=True)


def _texts() -> dict[str, str]:
    """The files that the verifier needs."""
    paths = [
        path for name in VERIFIER for path in (REPOSITORY / name, *(REPOSITORY / name).rglob("*"))
    ]
    return {
        str(path.relative_to(REPOSITORY)): path.read_text(encoding="utf-8")
        for path in paths
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module", params=SUITES)
def machine(request: pytest.FixtureRequest, platform: str, salt: str) -> Iterator[Machine]:
    """A machine for each suite, with what kitchen uploads."""
    name = f"kitchen-{request.param.replace('_', '-')}-{salt}"
    with Node(name, platform, salt, owner=os.getpid()) as node:
        made = Machine(request.param, node)
        made.lay_out()
        yield made


@pytest.fixture(scope="module")
def converged(machine: Machine) -> Any:
    """The first run."""
    return machine.converge()


def test_it_converges(converged):
    assert not converged.failed, describe(converged.failed)
    done = {state["__sls__"].partition(".")[0] for state in converged.changed}
    assert {"sandbox", "octavia"} <= done


def test_the_second_time_nothing_changes(machine, converged):
    again = machine.converge()
    assert not again.failed, describe(again.failed)
    assert not again.changed, describe(again.changed)
    assert len(again.states) == len(converged.states)


@pytest.mark.parametrize("where", ["outside", "inside"])
def test_the_verifier_passes(machine, converged, where):
    code, said = getattr(machine, f"verify_from_{where}")()
    assert code == 0, said
    assert " passed" in said and " skipped" not in said, said
