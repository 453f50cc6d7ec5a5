"""What a reader of the manual has before him: commands and settings by name, and a clone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import docutils.core
import docutils.nodes

ROOT = Path(__file__).resolve().parents[1]
#: The address that the manual has for a clone.
SERVER, REPOSITORY = "https://git.example.org/", "salt-formula-octavia.git"
_WHO = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")


def blocks(page: str) -> dict[str, str]:
    """
    The code blocks of a page that have a `:name:`.

    :param page: its path below the top of the repository
    :return: the text of each by its name
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    document = docutils.core.publish_doctree(text, settings_overrides={"report_level": 5})
    found = document.findall(docutils.nodes.literal_block)
    return {name: f"{block.astext()}\n" for block in found for name in block["names"]}


def clone(target: Path) -> Path:
    """
    The project as git would give it to a user, with what is not committed yet.

    :param target: a folder to be made
    :return: it
    """
    listing = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in _git(ROOT, listing).split("\0"):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name, follow_symlinks=False)
    return target


def publish(folder: Path, target: Path) -> None:
    """
    Makes a repository to clone from, whose only branch is main.

    :param folder: what :func:`clone` made
    :param target: the bare repository to be made
    """
    _git(folder, ("init", "--quiet", "--initial-branch=main"))
    _git(folder, ("add", "--all"))
    _git(folder, (*_WHO, "commit", "--quiet", "--message=All of it"))
    _git(folder, ("clone", "--quiet", "--bare", str(folder), str(target)))


def _git(folder: Path, arguments: Sequence[str]) -> str:
    argv = ["git", *arguments]
    return subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True).stdout
