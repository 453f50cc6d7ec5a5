"""
The programs of a database: MariaDB's or MySQL's, or those of PostgreSQL. They run with the account
of Octavia and with nothing of the caller's own settings.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from typing import IO
from urllib.parse import quote

try:
    from octavia_dblooks import POSTGRESQL
    from octavia_dbquery import TIMEOUT, Address
    from octavia_dumpfile import DumpError, disk
except ImportError:
    from salt_formula_octavia.utils.octavia_dblooks import POSTGRESQL
    from salt_formula_octavia.utils.octavia_dbquery import TIMEOUT, Address
    from salt_formula_octavia.utils.octavia_dumpfile import DumpError, disk

CHUNK = 1 << 18
#: Seconds without a sign of life after which a program is given up.
STALLED = 600

# No locks, which clusters of Galera refuse: one transaction sees all tables as of one moment.
_MYSQL_DUMP = [
    *("--single-transaction", "--quick", "--routines", "--triggers", "--no-tablespaces"),
    *("--skip-add-locks", "--hex-blob", "--default-character-set=utf8mb4"),
]
# What MySQL's program would ask or set, and what MariaDB's servers and lesser accounts refuse.
_MYSQL_OWN = ["--set-gtid-purged=OFF", "--loose-column-statistics=0"]
_MYSQL_LOAD = ["--batch", "--skip-column-names", "--binary-mode", "--default-character-set=utf8mb4"]
# Owners, grants and comments on extensions are not the account's to set.
_POSTGRESQL_DUMP = [
    *("--format=plain", "--no-owner", "--no-privileges", "--no-comments", "--no-tablespaces"),
    *("--no-password", "--lock-wait-timeout=60s"),
]
_POSTGRESQL_LOAD = [
    *("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator=\t"),
    *("--no-password", "--set=ON_ERROR_STOP=1", "--file=-"),
]
# What a program says itself, by how a line begins.
_OWN_WORDS = re.compile(r"(?:ERROR|WARNING)\b|(?:\S*/)?(?:mariadb|mysql|pg_dump|psql)[\w-]*: ?")


class Programs:
    """
    The database's programs for one database. The password is in no command line and in no
    environment: it lies in a file that only the caller can read, within a ``with`` only.

    :param where: the database
    """

    def __init__(self, where: Address) -> None:
        self.where = where
        self._folder = self._file = ""
        self._env: dict[str, str] = {}

    def __enter__(self) -> Programs:
        with disk(tempfile.gettempdir()):
            self._folder = tempfile.mkdtemp(prefix="octavia-dump-")
        self._file = os.path.join(self._folder, "options")
        # Nothing of the caller's own settings: they may name another account.
        path = os.environ.get("PATH") or os.defpath
        self._env = {"PATH": path, "HOME": self._folder, "LC_ALL": "C", "PGPASSFILE": self._file}
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def dump(self) -> list[str]:
        """
        The command that writes the database to standard output.

        :return: the program with its arguments
        :raises DumpError: when there is no such program
        """
        if self.where.engine == POSTGRESQL:
            return self._postgresql("pg_dump", _POSTGRESQL_DUMP)
        program, is_mariadb = self._find("mariadb-dump", "mysqldump")
        own = [] if is_mariadb else _MYSQL_OWN
        return self._mysql(program, is_mariadb, [*_MYSQL_DUMP, *own])

    def load(self) -> list[str]:
        """
        The command that runs statements from standard input, and ends at the first failure.

        :return: the program with its arguments
        :raises DumpError: when there is no such program
        """
        if self.where.engine == POSTGRESQL:
            return self._postgresql("psql", _POSTGRESQL_LOAD)
        program, is_mariadb = self._find("mariadb", "mysql")
        return self._mysql(program, is_mariadb, _MYSQL_LOAD)

    def _postgresql(self, name: str, options: list[str]) -> list[str]:
        program, _ = self._find(name)
        self._write(_passfile(self.where.password))
        return [program, f"--dbname={_conninfo(self.where)}", *options]

    def _mysql(self, program: str, is_mariadb: bool, options: list[str]) -> list[str]:
        self._write(_option_file(self.where, is_mariadb))
        return [program, f"--defaults-file={self._file}", *options, "--", self.where.name]

    def _write(self, text: str) -> None:
        with disk(self._folder):
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)

    def _find(self, *names: str) -> tuple[str, bool]:
        """The first program that is there, and whether it is MariaDB's."""
        for name in names:
            found = shutil.which(name, path=self._env["PATH"])
            if not found:
                continue
            if not name.startswith("mysql"):
                return found, name.startswith("mariadb")
            version: list[bytes] = []
            self.run([found, "--version"], take=version.append)
            return found, b"MariaDB" in b"".join(version)
        raise DumpError("no program", f"there is no {' and no '.join(names)} on this node")

    def run(
        self,
        command: list[str],
        give: Iterable[bytes] = (),
        take: Callable[[bytes], object] = lambda _: None,
    ) -> str:
        """
        Runs a program.

        :param command: the program with its arguments
        :param give: what it reads
        :param take: is called with what it writes
        :return: the end of what it wrote to standard error, without the password
        :raises DumpError: when it fails
        """
        with tempfile.TemporaryFile() as said:
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=said,
                    env=self._env,
                    cwd="/",
                )
            except OSError as problem:
                raise DumpError("no program", str(problem)) from problem
            with process:
                try:
                    _Pipes(process).move(give, take)
                    code: int | None = process.wait(STALLED)
                except (TimeoutError, subprocess.TimeoutExpired):
                    code = None
                finally:
                    # When it has ended this does nothing.
                    process.kill()
            text = self._shortened(said)
        name = os.path.basename(command[0])
        if code is None:
            raise DumpError("failed", f"{name} did nothing for {STALLED} seconds: {text}")
        if code:
            raise DumpError("failed", f"{name} ended with {code}: {text}")
        return text

    def _shortened(self, said: IO[bytes]) -> str:
        size = said.seek(0, os.SEEK_END)
        said.seek(max(0, size - 8192))
        text = said.read().decode("utf-8", "replace")
        password = self.where.password
        for secret in {password, quote(password, safe=""), quote(password)}:
            text = text.replace(secret, "***") if secret else text
        lines = [line for line in text.splitlines() if line.strip()]
        # Beside its error a client may show the statement, with what Octavia keeps there.
        own = [line for line in lines if _OWN_WORDS.match(line)]
        return "\n".join((own or lines)[-5:])[-600:]


class _Pipes:
    """Both pipes of a process at once: neither side ever waits for the other in vain."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin and process.stdout
        self._in, self._out = process.stdin, process.stdout

    def move(self, give: Iterable[bytes], take: Callable[[bytes], object]) -> None:
        """
        Moves everything.

        :param give: what the process reads
        :param take: is called with what it writes
        :raises TimeoutError: when the process does nothing for long
        """
        os.set_blocking(self._in.fileno(), False)
        pieces, waiting = iter(give), memoryview(b"")
        open_in = True
        while True:
            while open_in and not waiting:
                piece = next(pieces, None)
                if piece is None:
                    open_in = False
                    self._close()
                else:
                    waiting = memoryview(piece)
            outs, ins, _ = select.select([self._out], [self._in] if open_in else [], [], STALLED)
            if not outs and not ins:
                raise TimeoutError
            if outs:
                chunk = os.read(self._out.fileno(), CHUNK)
                if not chunk:
                    break
                take(chunk)
            if ins:
                try:
                    waiting = waiting[os.write(self._in.fileno(), waiting[:CHUNK]) :]
                except BlockingIOError:
                    continue
                except BrokenPipeError:
                    # It has ended; its code and what it said tell why.
                    open_in = False
                    self._close()
        self._close()

    def _close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._in.close()


def _option_file(where: Address, is_mariadb: bool) -> str:
    """What MySQL's and MariaDB's programs read in place of arguments."""
    query = where.query
    options = {"user": where.user, "password": where.password}
    if "unix_socket" in query:
        options.update(protocol="socket", socket=query["unix_socket"])
    else:
        # By itself the name localhost would mean the socket, which it does not for the driver.
        options.update(protocol="tcp", host=where.host or "localhost", port=str(where.port))
    files = {name: query[name] for name in ("ssl_ca", "ssl_cert", "ssl_key") if name in query}
    options.update({name.replace("_", "-"): path for name, path in files.items()})
    checks = "ssl_ca" in files and where.checks_hostname
    if is_mariadb:
        # MariaDB's programs have nothing between checking all and nothing, and since 11.4 check
        # all by themselves, which would fail where the driver does not even use TLS.
        options["ssl-verify-server-cert"] = str(int(checks))
        if files:
            options["ssl"] = "1"
    elif files:
        weaker = "VERIFY_CA" if "ssl_ca" in files else "REQUIRED"
        options["ssl-mode"] = "VERIFY_IDENTITY" if checks else weaker
    lines = [f"{name}={_quoted(value)}" for name, value in options.items()]
    return "\n".join(["[client]", *lines, ""])


def _quoted(value: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}
    return '"' + "".join(escapes.get(character, character) for character in value) + '"'


def _passfile(password: str) -> str:
    if "\n" in password or "\r" in password:
        raise DumpError("unsupported", "PostgreSQL's programs take no password of several lines")
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    return f"*:*:*:*:{escaped}\n"


def _conninfo(where: Address) -> str:
    given = {
        "host": where.host or "",
        "port": str(where.port),
        "user": where.user,
        "dbname": where.name,
        "connect_timeout": str(TIMEOUT),
        **{name: value for name, value in where.query.items() if name.startswith("ssl")},
    }
    escaped = {n: v.replace("\\", "\\\\").replace("'", "\\'") for n, v in given.items() if v}
    return " ".join(f"{name}='{value}'" for name, value in escaped.items())
