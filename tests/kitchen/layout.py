"""
What the provisioner `salt_solo` lays out on a machine, and what provisioner and verifier run then:
for tests on machines that kitchen does not know. The facts are those of kitchen-salt 0.7.2 and
test-kitchen 4.1.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

# Folders of Python for Salt, copied from beside every formula.
PYTHON = ("_modules", "_states", "_grains", "_renderers", "_returners", "_runners", "_utils")
ROOT, CONFIG = "/tmp/kitchen", "etc/salt"  # noqa: S108
STATES, PILLARS = "srv/salt", "srv/pillar"


def root(provisioner: Mapping[str, Any]) -> str:
    """The folder below which all lies."""
    return provisioner.get("root_path", ROOT)


def files(provisioner: Mapping[str, Any], repository: Path) -> dict[str, str]:
    """
    The files on the machine.

    :param provisioner: settings of `salt_solo`
    :param repository: the folder with kitchen's files
    :return: the texts by their paths below :func:`root`
    """
    found = {f"{CONFIG}/minion": _text(_minion(provisioner))}
    if provisioner.get("grains"):
        found[f"{CONFIG}/grains"] = _text(provisioner["grains"])
    dependencies = provisioner.get("dependencies", [])
    formulas = [(repository, provisioner["formula"])]
    formulas += [(repository / one["path"], one["name"]) for one in dependencies]
    ignored = set(provisioner.get("salt_copy_filter", []))
    for folder, name in formulas:
        for part in (name, *PYTHON):
            for path in _below(folder / part, ignored):
                where = path.relative_to(folder).as_posix()
                found[f"{STATES}/{where}"] = path.read_text(encoding="utf-8")
    found[f"{STATES}/top.sls"] = _text(provisioner["state_top"])
    for name, content in provisioner.get("pillars", {}).items():
        found[f"{PILLARS}/{name}"] = _text(content)
    for name, source in provisioner.get("pillars_from_files", {}).items():
        found[f"{PILLARS}/{name}"] = (repository / source).read_text(encoding="utf-8")
    return found


def converge(provisioner: Mapping[str, Any]) -> list[str]:
    """
    The command that applies the states.

    :param provisioner: settings of `salt_solo`
    :return: its words, without `sudo`
    """
    config = posixpath.join(root(provisioner), CONFIG)
    call = ["salt-call", "--state-output=changes", f"--config-dir={config}"]
    return [*call, "state.highstate", "--retcode-passthrough"]


def environment(suite: str, platform: str, **state: str) -> dict[str, str]:
    """
    The variables that the verifier `shell` sets for its command.

    :param suite: the suite's name
    :param platform: the platform's name
    :param state: what the driver keeps of the machine, for example ``container_id``
    :return: the variables
    """
    instance = re.sub(
        "[._,/]", lambda found: "-" if found[0] in "_," else "", suite + "-" + platform
    )
    names = {"instance": instance, "platform": platform, "suite": suite, **state}
    return {f"KITCHEN_{name.upper()}": value for name, value in names.items()}


def _minion(provisioner: Mapping[str, Any]) -> dict[str, Any]:
    below = root(provisioner)
    states = posixpath.join(below, STATES)
    return {
        "state_top": "top.sls",
        "local": True,
        "file_client": "local",
        "root_dir": below,
        "file_roots": {"base": [states, f"{states}/spm"]},
        "pillar_roots": {"base": [posixpath.join(below, PILLARS)]},
        **provisioner.get("salt_minion_extra_config", {}),
    }


def _below(folder: Path, ignored: set[str]) -> Iterator[Path]:
    """The files below a folder, without those that the filter names, and what is below these."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.name in ignored:
            continue
        if path.is_dir():
            yield from _below(path, ignored)
        else:
            yield path


def _text(content: Any) -> str:
    return yaml.safe_dump(content, sort_keys=False)
