"""
The Python environments of the tests: Salt of one series with the tools of `requirements.txt`, and
Octavia of one release.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.nodes import layers
from tests.nodes.errors import LayerError
from tests.nodes.platforms import SALT_PINS
from tests.nodes.recipes import SALT_OVERRIDES

REQUIREMENTS = Path(__file__).parent / "requirements.txt"
PYTHON = "/usr/bin/python3"
OCTAVIA_PINS = {
    "2024.1": (
        *("octavia==14.0.2", "oslo.messaging==18.3.1", "sqlalchemy==2.1.9", "wsme==0.13.0"),
        # Of that time, with pkg_resources.
        "setuptools<80",
    ),
    "2026.2": ("octavia==19.0.0", "oslo.messaging==18.3.1", "sqlalchemy==2.1.9", "wsme==0.13.0"),
}
NEWEST_OCTAVIA = "2026.2"
# reclass asks for a package that Python has had of its own since 3.4.
OVERRIDES = SALT_OVERRIDES + 'enum34 ; sys_platform == "never"\n'


def python(series: str) -> Path:
    """
    The interpreter of an environment with Salt of a series, made where it is not in the cache.

    :param series: ``3008`` or ``3006``
    :return: path of the interpreter
    :raises LayerError: when the environment cannot be made
    """
    wanted = [f"salt=={SALT_PINS[series]}", REQUIREMENTS.read_text(encoding="utf-8")]
    return _environment(f"python-{series}", wanted, OVERRIDES)


def octavia(release: str) -> Path:
    """
    The interpreter of an environment with Octavia of a release, made where it is not in the cache.

    :param release: a key of OCTAVIA_PINS
    :return: path of the interpreter
    :raises LayerError: when the environment cannot be made, or no release is called so
    """
    if release not in OCTAVIA_PINS:
        known = ", ".join(OCTAVIA_PINS)
        raise LayerError(f"no environment has Octavia {release!r}; use one of: {known}")
    return _environment(f"octavia-{release}", OCTAVIA_PINS[release], "")


def promtool() -> Path:
    """
    Prometheus's own test tool, from the distribution's package, which is not installed.

    :return: path of the program
    :raises LayerError: when apt does not have the package
    """

    def build(folder: Path, log: Path) -> Path:
        tree = folder / "tree"
        tree.mkdir()
        # apt reads packages as a user of its own where it can.
        folder.chmod(0o755)
        if not _has_lists():
            _run(["apt-get", "update"], log)
        _run(["apt-get", "download", "prometheus"], log, folder)
        (package,) = folder.glob("prometheus_*.deb")
        _run(["dpkg-deb", "--extract", package, tree], log)
        return tree

    return layers.cached("tool-promtool", ["prometheus"], build) / "usr" / "bin" / "promtool"


def _has_lists() -> bool:
    done = subprocess.run(["apt-cache", "show", "prometheus"], capture_output=True)
    return done.returncode == 0


def _environment(name: str, wanted: Sequence[str], overridden: str) -> Path:
    def build(folder: Path, log: Path) -> Path:
        tree = folder / "tree"
        overrides, requirements = folder / "overrides", folder / "requirements"
        overrides.write_text(overridden, encoding="utf-8")
        requirements.write_text("\n".join(wanted), encoding="utf-8")
        install = [layers.uv(), "pip", "install", "--compile-bytecode", "--override", overrides]
        _run([PYTHON, "-m", "venv", "--without-pip", tree], log)
        _run([*install, "--python", tree / "bin/python", "--requirement", requirements], log)
        return tree

    return layers.cached(name, [PYTHON, *wanted], build) / "bin" / "python"


def _run(argv: list[str | Path], log: Path, folder: Path | None = None) -> None:
    with open(log, "a", encoding="utf-8") as stream:
        done = subprocess.run(
            argv, stdout=stream, stderr=subprocess.STDOUT, env={**os.environ}, cwd=folder
        )
    if done.returncode:
        tail = log.read_text(encoding="utf-8")[-3000:]
        raise LayerError(f"{argv[0]} ended with exit code {done.returncode}; its log ends:\n{tail}")
