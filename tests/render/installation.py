"""
The formula installed into temporary folders by each of its ways, and Salt that finds it there.

Salt runs in a process of its own, as its users start it: what matters here is what it finds where.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import salt.utils.yaml
from harness import ROOT

#: The Python below the environment of the tests; a user's Salt runs in an environment of it too.
PYTHON = f"{sys.base_prefix}/bin/python3"
FOLDERS = ("_modules", "_states", "_utils", "octavia", "metadata/service", "docs")


def run(argv: Sequence[str | Path], folder: Path, **environment: str) -> str:
    """
    Runs a program, which must succeed.

    :param argv: the program with its arguments
    :param folder: where it runs
    :param environment: variables besides those of the tests
    :return: its standard output
    """
    done = subprocess.run(
        [str(word) for word in argv],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(*folders: Path) -> dict[str, bytes]:
    """
    The files below folders.

    :param folders: the folders
    :return: the content of each by its path in them, bytecode left out
    """
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def environment(target: Path) -> Path:
    """
    A virtual environment with pip of its own in which the Salt of these tests can be imported.

    :param target: a folder to be made
    :return: its interpreter
    """
    run([PYTHON, "-m", "venv", target], ROOT)
    packages = sysconfig.get_path("purelib")
    folder = sysconfig.get_path("purelib", vars={"base": str(target)})
    # In front, since the setuptools of old environments cannot build without help.
    line = f"import sys; sys.path.insert(0, {packages!r})\n"
    Path(folder, "salt.pth").write_text(line, encoding="utf-8")
    return target / "bin" / "python"


def set_version(folder: Path, version: str) -> None:
    """
    Gives modules and states another version, as if they were of another release.

    :param folder: the folder that has both, or one of them
    :param version: the version
    """
    for path in (*folder.rglob("octavia_version.py"), *folder.rglob("parameters/version.yaml")):
        text = path.read_text(encoding="utf-8")
        old = salt.utils.yaml.safe_load((ROOT / "metadata.yml").read_text(encoding="utf-8"))
        path.write_text(text.replace(old["version"], version), encoding="utf-8")


class Minion:
    """
    A masterless minion with a pillar.

    :param folder: where it keeps everything
    :param python: the interpreter that runs its Salt
    """

    def __init__(self, folder: Path, python: Path | str = sys.executable) -> None:
        self.folder, self.python = folder, python
        pillar = folder / "pillar"
        pillar.mkdir(parents=True)
        (pillar / "top.sls").write_text("base: {'*': [octavia]}\n", encoding="utf-8")
        shutil.copy(ROOT / "pillar.example", pillar / "octavia.sls")

    def configure(self, settings: Mapping[str, Any]) -> None:
        """
        Gives it its settings.

        :param settings: those of the manual; where its pillar lies is set here
        """
        own = {
            "id": "node",
            "root_dir": str(self.folder),
            "log_file": str(self.folder / "log"),
            "features": {"x509_v2": True},
        }
        settings = {**settings, **own, "pillar_roots": {"base": [str(self.folder / "pillar")]}}
        (self.folder / "minion").write_text(json.dumps(settings), encoding="utf-8")

    def call(self, *words: str, **environment: str) -> Any:
        """
        Calls a function by salt-call.

        :param words: the function and its arguments
        :param environment: variables besides those of the tests
        :return: what the function returned
        """
        program = "import salt.scripts; salt.scripts.salt_call()"
        options = ["--local", f"--config-dir={self.folder}", "--out=json"]
        argv = [self.python, "-W", "ignore", "-c", program, *options, *words]
        return json.loads(run(argv, self.folder, **environment))["local"]
