"""
Asks a database: a program for the system's own Python, which has the driver that Octavia's packages
bring along, while Salt's interpreter has none.

Standard input, and what comes on standard output:

``{"url": SQLAlchemy URL, "table": name}``
    ``{"revisions": [..]}`` of a version table, empty when it is not there.

``{"url": .., "amphorae": true}``
    ``{"amphorae": number}``, of those that are not deleted.

``{"url": .., "due": [id, ..]}``
    ``{"due": number}`` of amphorae whose certificates' end it brought forward to now.

``{"url": .., "look": name}``
    ``{"now": time of the database, "rows": [{..}, ..]}``, no rows when the tables are not there.
    The names are those of :data:`octavia_dblooks.LOOKS`; times are ISO 8601 in UTC.

Or ``{"error": kind, "text": what the driver says}`` where the kind is one of ``unsupported``,
``driver``, ``unreachable``, ``refused``, ``missing``, ``other``.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

try:
    import octavia_dblooks as dblooks
except ImportError:
    from salt_formula_octavia.utils import octavia_dblooks as dblooks

TIMEOUT = 10
#: By the first word of a URL: the engine, and its port.
ENGINES = {
    "mysql": (dblooks.MYSQL, 3306),
    "mariadb": (dblooks.MYSQL, 3306),
    "postgresql": (dblooks.POSTGRESQL, 5432),
    "postgres": (dblooks.POSTGRESQL, 5432),
}
# The kind of error that no caller is told.
NO_TABLE = "no table"
# Numbers of MariaDB's and MySQL's errors.
MYSQL_KINDS = {1045: "refused", 1044: "refused", 1049: "missing", 1146: NO_TABLE}
#: A row of a deleted amphora stays in the table until housekeeping removes it.
AMPHORAE = "SELECT COUNT(*) FROM amphora WHERE status <> 'DELETED'"
#: The way to an early renewal in Octavia's guide: housekeeping renews what is about to end.
DUE = "UPDATE amphora SET cert_expiration = %s WHERE status = 'ALLOCATED' AND id IN ({places})"
# What PostgreSQL calls a table that is not there.
UNDEFINED_TABLE = "42P01"


class Address(NamedTuple):
    """
    Where a database is, and how it lets one in.

    :ivar engine: ``mysql`` or ``postgresql``
    :ivar host: None where the URL names none
    :ivar port: the engine's own where the URL names none
    :ivar user: account
    :ivar password: its password
    :ivar name: of the database
    :ivar query: arguments of the driver
    """

    engine: str
    host: str | None
    port: int
    user: str
    password: str
    name: str
    query: Mapping[str, str]

    @property
    def checks_hostname(self) -> bool:
        """Whether MySQL's driver looks for the server's name in its certificate."""
        said = self.query.get("ssl_check_hostname", "").lower()
        return said not in ("false", "0", "no", "off")


class QueryError(Exception):
    """The database could not be asked; ``kind`` says why in one word."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def revisions(url: str, table: str) -> list[str]:
    """
    The content of a version table.

    :param url: URL of the database as SQLAlchemy writes it
    :param table: name of the table
    :return: the revisions, none when the table is not there
    :raises QueryError: when it cannot be told
    """
    return _first_column(url, f"SELECT version_num FROM {table}")


def amphorae(url: str) -> int:
    """
    How many amphorae there are that are not deleted.

    :param url: URL of Octavia's database as SQLAlchemy writes it
    :return: the number; 0 when the table is not there
    :raises QueryError: when it cannot be told
    """
    return sum(_first_column(url, AMPHORAE))


def due(url: str, amphorae: list[str]) -> int:
    """
    Brings the end of amphorae's certificates forward to now, as the database has it, so that
    housekeeping renews them. The certificates themselves are as good as before.

    :param url: URL of Octavia's database as SQLAlchemy writes it
    :param amphorae: their ids; those that are not ALLOCATED are left alone
    :return: how many it did that to
    :raises QueryError: when it cannot be done
    """
    if not amphorae:
        return 0
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)
    statement = DUE.format(places=", ".join(["%s"] * len(amphorae)))
    return sum(_first_column(url, statement, [now, *amphorae]))


def look(url: str, name: str) -> dict[str, Any]:
    """
    Looks something up in Octavia's database; changes nothing.

    :param url: URL of the database as SQLAlchemy writes it
    :param name: what, a name of :data:`octavia_dblooks.LOOKS`
    :return: ``now``, the database's time, and the ``rows``; times are ISO 8601 in UTC
    :raises QueryError: when it cannot be told
    """
    if name not in dblooks.LOOKS:
        known = ", ".join(sorted(dblooks.LOOKS))
        raise QueryError("unsupported", f"{name} is not known here, use one of: {known}")
    where = address(url)
    rows: list[dict[str, Any]] = []
    with _cursor(where) as cursor:
        cursor.execute(dblooks.NOW[where.engine])
        now = cursor.fetchone()[0]
        cursor.execute(dblooks.COLUMNS[where.engine])
        there = {f"{table}.{column}" for table, column in cursor.fetchall()}
        for statement in dblooks.statements(name, where.engine, there):
            cursor.execute(statement)
            keys = [column[0] for column in cursor.description]
            rows += [_row(keys, values) for values in cursor.fetchall()]
    return {"now": _plain(now), "rows": rows}


def _row(keys: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    row = {key: _plain(value) for key, value in zip(keys, values)}
    for key in dblooks.BOOLEANS.intersection(row):
        row[key] = None if row[key] is None else bool(row[key])
    return row


def _plain(value: Any) -> Any:
    """As JSON can hold it."""
    if isinstance(value, datetime.datetime):
        # Octavia writes UTC without saying so. PostgreSQL then takes it for the server's zone where
        # a column has one, and so gives it back.
        return value.replace(tzinfo=datetime.timezone.utc).isoformat(timespec="seconds")
    return int(value) if isinstance(value, decimal.Decimal) else value


def _first_column(url: str, statement: str, values: Sequence[Any] | None = None) -> list[Any]:
    """
    The first column of the answer, empty when the table is not there; of a change the number of
    rows.
    """
    try:
        with _cursor(address(url)) as cursor:
            cursor.execute(statement, values)
            if values is None:
                return [row[0] for row in cursor.fetchall()]
            cursor.connection.commit()
            return [cursor.rowcount]
    except QueryError as problem:
        if problem.kind != NO_TABLE:
            raise
        return []


def address(url: str) -> Address:
    """
    Takes the URL of a database apart.

    :param url: as SQLAlchemy writes it
    :return: its parts
    :raises QueryError: when it is none, or that of a database that is not looked into
    """
    try:
        parts = urlsplit(url)
        # The port is only looked at when it is asked for.
        whole = bool(parts.scheme) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        # What the error says may hold a part of the password.
        why = "this is no URL of a database; user and password must be percent-encoded in it"
        raise QueryError("unsupported", why)
    scheme = parts.scheme.partition("+")[0]
    if scheme not in ENGINES:
        raise QueryError("unsupported", f"databases of the kind {scheme} are not looked into")
    engine, port = ENGINES[scheme]
    return Address(
        engine=engine,
        host=parts.hostname,
        port=parts.port or port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        name=parts.path.lstrip("/"),
        query={name: values[-1] for name, values in parse_qs(parts.query).items()},
    )


@contextlib.contextmanager
def _cursor(where: Address) -> Iterator[Any]:
    """A cursor of a connection of its own; the driver's errors become QueryError."""
    connect, problem_of = {
        dblooks.MYSQL: (_mysql, _mysql_problem),
        dblooks.POSTGRESQL: (_postgresql, _postgresql_problem),
    }[where.engine]
    try:
        driver, arguments = connect(where)
    except ImportError as problem:
        raise QueryError("driver", str(problem)) from problem
    try:
        connection = driver.connect(connect_timeout=TIMEOUT, **arguments)
        with contextlib.closing(connection), connection.cursor() as cursor:
            yield cursor
    except driver.Error as problem:
        raise QueryError(problem_of(problem), str(problem)) from problem
    except OSError as problem:
        # A file of TLS that cannot be read.
        raise QueryError("other", str(problem)) from problem


def _mysql(where: Address) -> tuple[Any, dict[str, Any]]:
    import pymysql

    query = where.query
    names = ("ssl_ca", "ssl_cert", "ssl_key")
    ssl: dict[str, Any] = {name[4:]: query[name] for name in names if name in query}
    if not where.checks_hostname:
        ssl["check_hostname"] = False
    return pymysql, {
        "host": where.host,
        "port": where.port,
        "user": where.user,
        "password": where.password,
        "database": where.name,
        "unix_socket": query.get("unix_socket"),
        "read_timeout": TIMEOUT,
        "ssl": ssl or None,
    }


def _mysql_problem(problem: Any) -> str:
    number = problem.args[0] if problem.args else 0
    if number in MYSQL_KINDS:
        return MYSQL_KINDS[number]
    return "unreachable" if isinstance(number, int) and 2000 <= number < 2100 else "other"


def _postgresql(where: Address) -> tuple[Any, dict[str, Any]]:
    import psycopg2

    return psycopg2, {
        "host": where.host,
        "port": where.port,
        "user": where.user,
        "password": where.password,
        "dbname": where.name,
        **{name: value for name, value in where.query.items() if name.startswith("ssl")},
    }


def _postgresql_problem(problem: Any) -> str:
    if problem.pgcode == UNDEFINED_TABLE:
        return NO_TABLE
    return "other" if problem.pgcode else "unreachable"


def main() -> None:
    """Answers the question on standard input."""
    question = json.load(sys.stdin)
    answer: dict[str, Any]
    try:
        if question.get("amphorae"):
            answer = {"amphorae": amphorae(question["url"])}
        elif "due" in question:
            answer = {"due": due(question["url"], question["due"])}
        elif "look" in question:
            answer = look(question["url"], question["look"])
        else:
            answer = {"revisions": revisions(question["url"], question["table"])}
    except QueryError as problem:
        answer = {"error": problem.kind, "text": str(problem)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
