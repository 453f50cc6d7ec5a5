"""Alembic's migrations as the installed packages hold them: which revision is the head."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

# A value in brackets may go on for several lines.
_ASSIGNMENT = re.compile(
    r"^(revision|down_revision)\s*(?::[^=]*)?=\s*(\([^)]*\)|\[[^]]*\]|.+?)\s*$", re.MULTILINE
)

AT_HEAD, EMPTY, BEHIND, UNKNOWN = "at head", "empty", "behind", "unknown"
#: What stands in the version table while a backup is being loaded. No release has such a revision,
#: so that nobody takes what has been loaded by then for Octavia's database.
RESTORING = "restore not ended"


class History:
    """
    The migrations of one schema.

    :param sources: the text of each migration script
    :ivar known: all revisions
    :ivar heads: those that no other revision follows
    """

    def __init__(self, sources: Iterable[str]) -> None:
        self.known: set[str] = set()
        followed: set[str] = set()
        for source in sources:
            found = {name: ast.literal_eval(value) for name, value in _ASSIGNMENT.findall(source)}
            if "revision" in found:
                self.known.add(found["revision"])
                followed.update(_as_tuple(found.get("down_revision")))
        self.heads = self.known - followed

    def compare(self, revisions: Iterable[str]) -> str:
        """
        How a database stands to these migrations.

        :param revisions: what its version table holds
        :return: :data:`AT_HEAD`, :data:`EMPTY` (no schema yet), :data:`BEHIND`, or
            :data:`UNKNOWN` (a revision that these packages do not have, so of a newer release)
        """
        current = set(revisions)
        if not current:
            return EMPTY
        if current == self.heads:
            return AT_HEAD
        return BEHIND if current <= self.known else UNKNOWN


def _as_tuple(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
