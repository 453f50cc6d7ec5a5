"""The Python environments of the tests: Salt of one series, and the tools of `requirements.txt`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.nodes import layers
from tests.nodes.errors import LayerError
from tests.nodes.platforms import SALT_PINS
from tests.nodes.recipes import SALT_OVERRIDES

REQUIREMENTS = Path(__file__).parent / "requirements.txt"
PYTHON = "/usr/bin/python3"


def python(series: str) -> Path:
    """
    The interpreter of an environment with Salt of a series, made where it is not in the cache.

    :param series: ``3008`` or ``3006``
    :return: path of the interpreter
    :raises LayerError: when the environment cannot be made
    """
    wanted = [f"salt=={SALT_PINS[series]}", REQUIREMENTS.read_text(encoding="utf-8")]

    def build(folder: Path, log: Path) -> Path:
        tree = folder / "tree"
        overrides, requirements = folder / "overrides", folder / "requirements"
        overrides.write_text(SALT_OVERRIDES, encoding="utf-8")
        requirements.write_text("\n".join(wanted), encoding="utf-8")
        install = [layers.uv(), "pip", "install", "--compile-bytecode", "--override", overrides]
        _run([PYTHON, "-m", "venv", "--without-pip", tree], log)
        _run([*install, "--python", tree / "bin/python", "--requirement", requirements], log)
        return tree

    return layers.cached(f"python-{series}", [PYTHON, *wanted], build) / "bin" / "python"


def _run(argv: list[str | Path], log: Path) -> None:
    with open(log, "a", encoding="utf-8") as stream:
        done = subprocess.run(argv, stdout=stream, stderr=subprocess.STDOUT, env={**os.environ})
    if done.returncode:
        tail = log.read_text(encoding="utf-8")[-3000:]
        raise LayerError(f"{argv[0]} ended with exit code {done.returncode}; its log ends:\n{tail}")
