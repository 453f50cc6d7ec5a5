"""Kitchen's files as kitchen reads them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.nodes import host

REPOSITORY = Path(__file__).resolve().parents[2]
LOADER = Path(__file__).parent / "load.rb"
Load = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def ruby() -> str:
    """The path of ruby, which apt installs where it is missing."""
    if not shutil.which("ruby"):
        with host.lock("host"):
            install = ["apt-get", "install", "-y", "--no-install-recommends", "ruby"]
            for command in (["apt-get", "update"], install):
                environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
                subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    found = shutil.which("ruby")
    assert found
    return found


@pytest.fixture
def load(ruby: str) -> Load:
    """A function that reads a file of the repository's root, given environment variables."""

    def read(name: str, **environment: str) -> dict[str, Any]:
        own = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        done = subprocess.run(
            [ruby, str(LOADER), str(REPOSITORY / name)],
            capture_output=True,
            text=True,
            env={**own, "LANG": "C.UTF-8", **environment},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return read


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Two settings as kitchen merges them: mappings by key, all else replaced."""
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


@pytest.fixture(params=["docker", "exec"])
def kitchen(request: pytest.FixtureRequest, load: Load) -> dict[str, Any]:
    """The settings in force: of .kitchen.yml alone, and with .kitchen.exec.yml laid over it."""
    settings = load(".kitchen.yml")
    return merged(settings, load(".kitchen.exec.yml")) if request.param == "exec" else settings
