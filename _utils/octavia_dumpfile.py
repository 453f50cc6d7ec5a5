"""
A backup of Octavia's database as a file: SQL in gzip, as the programs of MariaDB, MySQL or
PostgreSQL write it.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

try:
    from octavia_dblooks import MYSQL, POSTGRESQL
except ImportError:
    from salt_formula_octavia.utils.octavia_dblooks import MYSQL, POSTGRESQL

#: Alembic's table with the revision of the schema.
VERSIONS = "alembic_version"
#: Tables without which a backup is none of Octavia.
TABLES = frozenset({VERSIONS, "load_balancer"})

# The last line that each program writes, after which only comments may follow.
_ENDS = {
    b"-- Dump completed": MYSQL,
    b"-- PostgreSQL database dump complete": POSTGRESQL,
}
_CREATE = re.compile(rb'CREATE TABLE (?:`([^`]+)`|(?:[\w"]+\.)?"?(\w+)"?) \(')
_INSERT = re.compile(rb"INSERT INTO `([^`]+)` (?:\([^)]*\) )?VALUES")
# How statements begin that give the version table its rows, and that make the table.
_VERSIONS = re.compile(rf"INSERT INTO `{VERSIONS}` ".encode())
_VERSION_TABLE = re.compile(rf"(?:DROP TABLE IF EXISTS|CREATE TABLE) `{VERSIONS}`".encode())
_COPY = re.compile(rb'COPY (?:[\w"]+\.)?"?(\w+)"? \(.*\) FROM stdin;')
_STRING = re.compile(rb"'[^'\\]*(?:\\.[^'\\]*)*'", re.DOTALL)
_REVISION = re.compile(rb"\b[0-9a-z]+\b")
# Programs of these databases that are newer than the client at hand begin their dumps with commands
# that it does not know; both only lock in what a client may do with a dump that is not trusted.
_SANDBOX = b"/*M!999999\\-"
_RESTRICTIONS = (b"\\restrict ", b"\\unrestrict ")
_END_OF_COPY = b"\\."


class DumpError(Exception):
    """
    There is no backup, or the database is not that of the backup; ``kind`` says why in a word or
    two: ``no program``, ``no space``, ``folder``, ``failed``, ``unreadable``, ``unsupported``.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@contextlib.contextmanager
def disk(folder: str) -> Iterator[None]:
    """
    Makes errors of a file system those of a backup.

    :param folder: what is written to
    :return: a context
    :raises DumpError: for an OSError
    """
    try:
        yield
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DumpError(
                "no space", f"{folder} has no space left: {problem.strerror}"
            ) from problem
        raise DumpError("folder", str(problem)) from problem


def check(path: str) -> dict[str, Any]:
    """
    Reads a whole backup.

    :param path: the file
    :return: ``size`` of the file, ``bytes`` of SQL in it, ``engine`` (``mysql`` or
        ``postgresql``), ``tables`` (the number of rows by name), ``rows``, and the ``revisions``
        of the schema
    :raises DumpError: when it is not whole, or holds no database of Octavia
    """
    reader = _Reader()
    for line in _lines(path):
        reader.line(line)
    if not reader.engine:
        raise DumpError("unreadable", f"{path} is not whole: the end of a dump is missing in it")
    missing = sorted(TABLES - set(reader.tables))
    if missing:
        raise DumpError("unreadable", f"{path} holds no table {' and no table '.join(missing)}")
    return {
        "size": os.path.getsize(path),
        "bytes": reader.bytes,
        "engine": reader.engine,
        "tables": dict(sorted(reader.tables.items())),
        "rows": sum(reader.tables.values()),
        "revisions": sorted(reader.revisions),
    }


def statements(path: str) -> Iterator[bytes]:
    """
    What is loaded of a backup.

    :param path: the file
    :return: its lines, without commands that only newer clients know
    :raises DumpError: when it cannot be read
    """
    is_data = False
    for number, line in enumerate(_lines(path)):
        if is_data:
            is_data = line.rstrip() != _END_OF_COPY
        elif (number == 0 and line.startswith(_SANDBOX)) or line.startswith(_RESTRICTIONS):
            continue
        else:
            is_data = bool(_COPY.match(line))
        yield line


def versions_last(lines: Iterable[bytes]) -> Iterator[bytes]:
    """
    Keeps MySQL's version table, and gives it the content of the backup when all else is loaded.

    :param lines: as :func:`statements` gives them
    :return: the lines
    """
    held: list[bytes] = []
    is_held = is_left_out = False
    for line in lines:
        if not (is_held or is_left_out):
            is_held, is_left_out = (
                bool(begin.match(line)) for begin in (_VERSIONS, _VERSION_TABLE)
            )
        if is_held:
            held.append(line)
        elif not is_left_out:
            yield line
        if line.rstrip().endswith(b";"):
            is_held = is_left_out = False
    yield f"START TRANSACTION;\nDELETE FROM `{VERSIONS}`;\n".encode()
    yield from held
    yield b"COMMIT;\n"


def _lines(path: str) -> Iterator[bytes]:
    try:
        with gzip.open(path, "rb") as file:
            yield from file
    except (OSError, EOFError, zlib.error) as problem:
        raise DumpError("unreadable", f"{path} cannot be read to its end: {problem}") from problem


class _Reader:
    """
    Reads a dump line by line. In no dump does a value hold an end of line as such, so what a line
    begins with is never a value.
    """

    def __init__(self) -> None:
        self.engine = ""
        self.bytes = 0
        self.tables: dict[str, int] = {}
        self.revisions: set[str] = set()
        # The table whose rows are being read, by which statement.
        self._table, self._is_copy = "", False

    def line(self, line: bytes) -> None:
        """Reads the next line."""
        self.bytes += len(line)
        if self._table:
            self._rows(line)
            return
        for end, engine in _ENDS.items():
            if line.startswith(end):
                self.engine = engine
                return
        if not line.strip() or line.startswith((b"--", _RESTRICTIONS[1])):
            return
        self.engine = ""
        self._statement(line)

    def _statement(self, line: bytes) -> None:
        if found := _CREATE.match(line):
            self.tables[(found[1] or found[2]).decode()] = 0
        elif found := _INSERT.match(line):
            self._table, self._is_copy = found[1].decode(), False
            self._rows(line[found.end() :])
        elif found := _COPY.match(line):
            self._table, self._is_copy = found[1].decode(), True

    def _rows(self, line: bytes) -> None:
        if self._is_copy:
            if line.rstrip() == _END_OF_COPY:
                self._table = ""
                return
            found = 1
        else:
            found = _STRING.sub(b"", line).count(b"(")
        self.tables[self._table] = self.tables.get(self._table, 0) + found
        if self._table == VERSIONS:
            self.revisions.update(item.decode() for item in _REVISION.findall(line))
        if not self._is_copy and line.rstrip().endswith(b";"):
            self._table = ""
