"""What a package manager says that it would do, as changes of packages."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from typing import NamedTuple

# Inst NAME [OLD] (NEW SUITE ...) and Remv NAME [OLD], of apt-get --simulate. Names of a foreign
# architecture end with it, as in the list of installed packages.
_INSTALL = re.compile(r"^Inst (\S+)(?: \[([^\]]+)\])? \((\S+)", re.MULTILINE)
# A package stands at the beginning of a line, what it depends on behind spaces.
_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]+")
_REMOVE = re.compile(r"^(?:Remv|Purg) (\S+) \[([^\]]+)\]", re.MULTILINE)


class Transaction(NamedTuple):
    """
    What would happen to packages.

    :ivar changes: old and new version by name, the empty one for a package that is not there
    """

    changes: dict[str, dict[str, str]]

    @property
    def removed(self) -> list[str]:
        """The packages that would go."""
        return sorted(name for name, change in self.changes.items() if not change["new"])

    def touched(self, patterns: Iterable[str]) -> list[str]:
        """
        The packages among those of some patterns that would be changed or removed; one that is not
        there yet has no traffic to lose.

        :param patterns: shell patterns of names
        :return: the names
        """
        wanted = tuple(patterns)
        return sorted(
            name
            for name, change in self.changes.items()
            if change["old"]
            and any(fnmatch.fnmatchcase(name.partition(":")[0], pattern) for pattern in wanted)
        )


def needed(output: str, patterns: Iterable[str]) -> list[str]:
    """
    The packages that others need, among those of some patterns.

    :param output: what ``apt-cache depends --recurse`` says
    :param patterns: shell patterns of names
    :return: the names
    """
    wanted = tuple(patterns)
    found = {line for line in output.splitlines() if _NAME.fullmatch(line)}
    return sorted(
        name for name in found if any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted)
    )


def preferences(patterns: Iterable[str]) -> str:
    """
    What has apt leave packages as they are, as its preferences say it.

    :param patterns: shell patterns of names
    :return: the text; empty for no pattern
    """
    names = " ".join(patterns)
    if not names:
        return ""
    return f"Package: {names}\nPin: release *\nPin-Priority: -1\n\n"


def held(output: str) -> list[str]:
    """
    The packages that an operator holds and that would be changed all the same, which apt refuses to
    do.

    :param output: what ``apt-get --simulate install`` says in the C locale
    :return: the names
    """
    _, _, rest = output.partition("The following held packages will be changed:\n")
    names: list[str] = []
    for line in rest.splitlines():
        if not line.startswith(" "):
            break
        names += line.split()
    return sorted(names)


def of_apt(output: str) -> Transaction:
    """
    What ``apt-get --simulate install`` says.

    :param output: its output in the C locale
    :return: the transaction
    """
    changes = {name: {"old": old, "new": ""} for name, old in _REMOVE.findall(output)}
    for name, old, new in _INSTALL.findall(output):
        # One that is in the way of another may go first and come again.
        before = changes.get(name, {}).get("old", "")
        changes[name] = {"old": old or before, "new": new}
    return Transaction(changes)
