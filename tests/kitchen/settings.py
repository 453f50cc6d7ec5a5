"""Kitchen's files as kitchen reads them."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.nodes import host

REPOSITORY = Path(__file__).resolve().parents[2]
LOADER = Path(__file__).parent / "load.rb"
SECTIONS = ("driver", "transport", "provisioner", "verifier")
Sections = dict[str, dict[str, Any]]


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


@functools.cache
def load(name: str, **environment: str) -> dict[str, Any]:
    """
    A file of the repository's root.

    :param name: its name
    :param environment: variables that it may ask for
    :return: what it holds
    """
    own = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    done = subprocess.run(
        [ruby(), str(LOADER), str(REPOSITORY / name)],
        capture_output=True,
        text=True,
        env={**own, "LANG": "C.UTF-8", **environment},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Two settings as kitchen merges them: mappings by key, all else replaced."""
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def in_force(driver: str) -> dict[str, Any]:
    """
    The settings in force.

    :param driver: ``docker`` for .kitchen.yml alone, ``exec`` with .kitchen.exec.yml laid over it
    :return: both files as one
    """
    settings = load(".kitchen.yml")
    return merged(settings, load(".kitchen.exec.yml")) if driver == "exec" else settings


def instances(kitchen: Mapping[str, Any]) -> list[tuple[str, str, Sections]]:
    """
    Each suite on each platform.

    :param kitchen: settings in force
    :return: the suite's name, the platform's name, and the four sections with all settings merged
    """
    result = []
    for platform in kitchen["platforms"]:
        for suite in kitchen["suites"]:
            sections = {}
            for section in SECTIONS:
                settings: dict[str, Any] = {"name": "ssh"} if section == "transport" else {}
                for level in (kitchen, platform, suite):
                    settings = merged(settings, level.get(section, {}))
                sections[section] = settings
            result.append((suite["name"], platform["name"], sections))
    return result
