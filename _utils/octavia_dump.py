"""
Backups of Octavia's database, made and loaded by the database's own programs. A backup is one file
of SQL in gzip, whole and readable, or it is not there at all.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import gzip
import os
import re
import time
from collections.abc import Iterable, Iterator
from typing import IO, Any

try:
    import octavia_dbquery as dbquery
    from octavia_dblooks import MYSQL, POSTGRESQL
    from octavia_dbprograms import Programs
    from octavia_dumpfile import VERSIONS, DumpError, check, disk, statements, versions_last
    from octavia_migrations import RESTORING
except ImportError:
    from salt_formula_octavia.utils import octavia_dbquery as dbquery
    from salt_formula_octavia.utils.octavia_dblooks import MYSQL, POSTGRESQL
    from salt_formula_octavia.utils.octavia_dbprograms import Programs
    from salt_formula_octavia.utils.octavia_dumpfile import (
        VERSIONS,
        DumpError,
        check,
        disk,
        statements,
        versions_last,
    )
    from salt_formula_octavia.utils.octavia_migrations import RESTORING

LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
# With the time, by which they are ordered.
NAME = re.compile(r"octavia-[A-Za-z0-9][A-Za-z0-9._+-]*-([0-9]{8}T[0-9]{6}Z)\.sql\.gz")
PART = ".part"
#: What a backup leaves of the space of the folder.
RESERVE = 64 << 20
# Seconds that a table may be kept from being dropped by a transaction of someone else.
LOCKED = 60

UNTOUCHED = "The database is as it was"
HALF_DROPPED = (
    "Tables of the database may be gone and nothing was loaded: leave Octavia stopped and restore "
    "again"
)
HALF_LOADED = (
    "The tables are gone and the backup is loaded only in part: leave Octavia stopped and restore "
    "again"
)
DIFFERENT = "The backup was loaded to its end: leave Octavia stopped until it is clear why"

_TABLES = {
    MYSQL: "SELECT table_type, table_name FROM information_schema.tables "
    "WHERE table_schema = DATABASE();",
    POSTGRESQL: """
SELECT 'BASE TABLE', relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_' AND nspname <> 'information_schema';
""",
}
# All that is not an extension's. The schema public stays, since it need not be the account's own.
_POSTGRESQL_DROP = f"""
SET lock_timeout = '{LOCKED}s';
SET client_min_messages = warning;
DO $drop$
DECLARE item text;
BEGIN
    FOR item IN
        WITH others AS (SELECT objid FROM pg_depend WHERE deptype IN ('e', 'i'))
        SELECT format('SCHEMA IF EXISTS %I', nspname) FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')
            AND oid NOT IN (SELECT objid FROM others)
        UNION ALL
        SELECT format('%s IF EXISTS %I.%I', CASE relkind WHEN 'v' THEN 'VIEW'
            WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE'
            WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, nspname, relname)
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = 'public' AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
            AND pg_class.oid NOT IN (SELECT objid FROM others)
        UNION ALL
        SELECT format('ROUTINE IF EXISTS %s', pg_proc.oid::regprocedure)
        FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
        WHERE nspname = 'public' AND pg_proc.oid NOT IN (SELECT objid FROM others)
        UNION ALL
        SELECT format('TYPE IF EXISTS %I.%I', nspname, typname)
        FROM pg_type JOIN pg_namespace ON pg_namespace.oid = typnamespace
        WHERE nspname = 'public' AND pg_type.oid NOT IN (SELECT objid FROM others)
            AND (typtype IN ('d', 'e', 'r')
                OR typrelid IN (SELECT pg_class.oid FROM pg_class WHERE relkind = 'c'))
    LOOP
        EXECUTE format('DROP %s CASCADE', item);
    END LOOP;
END
$drop$;
"""


# -- backup ---------------------------------------------------------------------------------------


def backup(url: str, folder: str, label: str, keep: int, now: datetime.datetime) -> dict[str, Any]:
    """
    Backs the database up to ``folder/octavia-<label>-<time>.sql.gz``, reads the whole file back,
    and removes the oldest backups. Services may run meanwhile: the backup is of one moment.

    :param url: URL of the database as SQLAlchemy writes it
    :param folder: made where it is not there; nobody but the caller may have access to it
    :param label: tells the occasion; letters, digits and ``._+-``
    :param keep: how many backups stay, this one among them; 0 keeps all
    :param now: the time, with its zone
    :return: ``path``, what :func:`octavia_dumpfile.check` returns, ``removed`` (paths of old
        backups), ``said`` (what the program warned of), ``seconds``
    :raises DumpError: when there is no backup; then no file of it is left either
    """
    started = time.monotonic()
    where = _address(url)
    if not LABEL.fullmatch(label):
        raise DumpError("folder", f"{label!r} cannot be a part of a file's name")
    stamp = now.astimezone(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    path = os.path.join(folder, f"octavia-{label}-{stamp}.sql.gz")
    part = path + PART
    with Programs(where) as programs, disk(folder):
        command = programs.dump()
        _own(folder)
        _sweep(folder)
        if os.path.exists(path):
            raise DumpError("folder", f"{path} is there already")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                said = _pack(programs, command, file)
            found = check(part)
            os.rename(part, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(part)
        _sync(folder)
    removed: list[str] = []
    try:
        removed = prune(folder, keep)
    except DumpError as problem:
        said = f"{said}\n{problem}".strip()
    return {
        "path": path,
        **found,
        "removed": removed,
        "said": said,
        "seconds": round(time.monotonic() - started, 1),
    }


def _pack(programs: Programs, command: list[str], file: IO[bytes]) -> str:
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
        said = programs.run(command, take=packed.write)
    file.flush()
    os.fsync(file.fileno())
    return said


def _own(folder: str) -> None:
    """Makes the folder; one that others can look into is left as it is, and not used."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    found = os.stat(folder)
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise DumpError(
            "folder",
            f"{folder} must belong to the account that makes the backups, and to nobody else (mode "
            "0700)",
        )


def _sweep(folder: str) -> None:
    """Removes what killed backups left behind; one that is being made holds a lock."""
    for name in os.listdir(folder):
        if not (name.endswith(PART) and NAME.fullmatch(name[: -len(PART)])):
            continue
        path = os.path.join(folder, name)
        with contextlib.suppress(OSError), open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.remove(path)


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def prune(folder: str, keep: int) -> list[str]:
    """
    Removes the oldest backups, whatever their label.

    :param folder: where they are; other files are left alone
    :param keep: how many stay; 0 keeps all
    :return: paths of what was removed
    :raises DumpError: when one cannot be removed
    """
    with disk(folder):
        found = []
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if match := NAME.fullmatch(name):
                # The second one only parts those of the same second.
                found.append((match[1], os.stat(path).st_mtime_ns, path))
        old = [path for *_, path in sorted(found)[:-keep]] if keep > 0 else []
        for path in old:
            os.remove(path)
    return old


def needed_space(size: int) -> int:
    """
    How much space a backup may need.

    :param size: bytes of the database, as it tells them itself
    :return: bytes that must be free; in gzip a backup takes a fraction of them
    """
    return size + RESERVE


def free(folder: str) -> int:
    """
    How much space is free.

    :param folder: a folder that need not be there yet
    :return: bytes that the account may use
    """
    folder = os.path.abspath(folder)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


# -- restore --------------------------------------------------------------------------------------


def restore(url: str, path: str) -> dict[str, Any]:
    """
    Brings the database back to a backup: all its tables are dropped and those of the backup loaded.
    Octavia must be stopped. With PostgreSQL that is one transaction; with MySQL a failure may leave
    the database in between, which the error says, and the version table holds
    :data:`octavia_migrations.RESTORING`.

    :param url: URL of the database as SQLAlchemy writes it
    :param path: the backup, which is read as a whole first
    :return: what :func:`octavia_dumpfile.check` returns, ``dropped`` (number of tables and views),
        ``said`` (what the program warned of), ``seconds``
    :raises DumpError: when the database is not that of the backup now; the text tells its state
    """
    started = time.monotonic()
    where = _address(url)
    with _state(UNTOUCHED):
        found = check(path)
        if found["engine"] != where.engine:
            raise DumpError(
                "unreadable", f"{path} is of {found['engine']}, the database of {where.engine}"
            )
    with Programs(where) as programs:
        with _state(UNTOUCHED):
            command = programs.load()
            there = _tables(programs, command)
        if where.engine == MYSQL:
            _drop(programs, command, there)
            with _state(HALF_LOADED):
                said = programs.run(command, give=versions_last(statements(path)))
        else:
            with _state(UNTOUCHED):
                said = programs.run(command, give=_transaction(statements(path)))
        with _state(DIFFERENT):
            loaded = {name for kind, name in _tables(programs, command) if kind == "BASE TABLE"}
            if loaded != set(found["tables"]):
                wrong = ", ".join(sorted(loaded ^ set(found["tables"])))
                raise DumpError("failed", f"only one of database and backup has: {wrong}")
    return {
        **found,
        "dropped": len(there),
        "said": said,
        "seconds": round(time.monotonic() - started, 1),
    }


@contextlib.contextmanager
def _state(text: str) -> Iterator[None]:
    """Adds to errors in which state the database is."""
    try:
        yield
    except DumpError as problem:
        raise DumpError(problem.kind, f"{str(problem).rstrip('.')}. {text}") from problem


def _transaction(lines: Iterable[bytes]) -> Iterator[bytes]:
    """What PostgreSQL is given; without the last line, as when it is cut off, nothing is done."""
    yield f"BEGIN;{_POSTGRESQL_DROP}".encode()
    yield from lines
    yield b"COMMIT;\n"


def _lines(programs: Programs, command: list[str], question: str) -> list[str]:
    """The lines of an answer of the database."""
    answer: list[bytes] = []
    programs.run(command, give=[question.encode()], take=answer.append)
    return b"".join(answer).decode().splitlines()


def _tables(programs: Programs, command: list[str]) -> list[tuple[str, str]]:
    """Kind and name of what the database holds."""
    lines = _lines(programs, command, _TABLES[programs.where.engine])
    return [(kind, name) for kind, _, name in (line.partition("\t") for line in lines) if name]


def _drop(programs: Programs, command: list[str], there: list[tuple[str, str]]) -> None:
    """
    Drops MySQL's tables by one statement, which waits for all of them before the first goes. The
    version table stays: it says that a restore is under way before anything goes, and until all is
    loaded.
    """
    versions = ("BASE TABLE", VERSIONS)
    mark = [f"INSERT INTO `{VERSIONS}` VALUES ('{RESTORING}');\n"]
    unmark = [f"DELETE FROM `{VERSIONS}` WHERE version_num = '{RESTORING}';\n"]
    drop = [f"SET SESSION lock_wait_timeout = {LOCKED}; SET SESSION foreign_key_checks = 0;\n"]
    for kind in ("TABLE", "VIEW"):
        found = [item[1] for item in there if item[0].endswith(kind) and item != versions]
        names = [name.replace("`", "``") for name in found]
        if names:
            drop.append(f"DROP {kind} IF EXISTS {', '.join(f'`{name}`' for name in names)};\n")
    back: list[str] = []
    if versions not in there:
        create = f"CREATE TABLE `{VERSIONS}` (version_num VARCHAR(32) NOT NULL PRIMARY KEY);\n"
        steps = [*drop, create, *mark]
    elif _is_marked(programs, command):
        steps = drop
    else:
        steps, back = [*mark, *drop], unmark
    try:
        _give(programs, command, steps)
    except DumpError:
        is_untouched = False
        with contextlib.suppress(DumpError):
            if sorted(_tables(programs, command)) == sorted(there):
                _give(programs, command, back)
                is_untouched = True
        with _state(UNTOUCHED if is_untouched else HALF_DROPPED):
            raise


def _is_marked(programs: Programs, command: list[str]) -> bool:
    """Whether an earlier restore did not end."""
    with _state(UNTOUCHED):
        return RESTORING in _lines(programs, command, f"SELECT version_num FROM `{VERSIONS}`;\n")


def _give(programs: Programs, command: list[str], lines: list[str]) -> None:
    if lines:
        programs.run(command, give=["".join(lines).encode()])


def _address(url: str) -> dbquery.Address:
    try:
        return dbquery.address(url)
    except dbquery.QueryError as problem:
        raise DumpError(problem.kind, str(problem)) from problem
