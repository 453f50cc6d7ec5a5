"""
Asks a database: a program for the system's own Python, which has the driver that Octavia's packages
bring along, while Salt's interpreter has none.

Standard input: ``{"url": SQLAlchemy URL, "table": name}`` for a version table, ``{"url": ..,
"amphorae": true}`` for the number of amphorae that are not deleted, or ``{"url": .., "due": [id,
..]}``, which brings the end of these amphorae's certificates forward to now. Standard output:
``{"revisions": [..]}`` (empty when the table is not there), ``{"amphorae": number}`` or ``{"due":
number}``, or ``{"error": kind, "text": what the driver says}`` where the kind is one of
``unsupported``, ``driver``, ``unreachable``, ``refused``, ``missing``, ``other``.
"""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

TIMEOUT = 10
# Numbers of MariaDB's and MySQL's errors.
ACCESS_DENIED, DATABASE_DENIED, NO_DATABASE, NO_TABLE = 1045, 1044, 1049, 1146
#: A row of a deleted amphora stays in the table until housekeeping removes it.
AMPHORAE = "SELECT COUNT(*) FROM amphora WHERE status <> 'DELETED'"
#: The way to an early renewal in Octavia's guide: housekeeping renews what is about to end.
DUE = "UPDATE amphora SET cert_expiration = %s WHERE status = 'ALLOCATED' AND id IN ({places})"
# What PostgreSQL calls a table that is not there.
UNDEFINED_TABLE = "42P01"


class QueryError(Exception):
    """The table could not be read; ``kind`` says why in one word."""

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


def _first_column(url: str, statement: str, values: Sequence[Any] | None = None) -> list[Any]:
    """
    The first column of the answer, empty when the table is not there; of a change the number of
    rows.
    """
    parts = _parts(url)
    engine = parts.scheme.partition("+")[0]
    if engine in ("mysql", "mariadb"):
        return _mysql(parts, statement, values)
    if engine in ("postgresql", "postgres"):
        return _postgresql(parts, statement, values)
    raise QueryError("unsupported", f"databases of the kind {engine} are not looked into")


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        # The port is only looked at when it is asked for.
        if parts.scheme and parts.port != 0:
            return parts
    except ValueError:
        pass
    # What the error says may hold a part of the password.
    why = "this is no URL of a database; user and password must be percent-encoded in it"
    raise QueryError("unsupported", why)


def _mysql(parts: SplitResult, statement: str, values: Sequence[Any] | None) -> list[Any]:
    try:
        import pymysql
    except ImportError as problem:
        raise QueryError("driver", str(problem)) from problem
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    names = ("ssl_ca", "ssl_cert", "ssl_key")
    ssl: dict[str, Any] = {name[4:]: query[name] for name in names if name in query}
    if query.get("ssl_check_hostname", "").lower() in ("false", "0", "no", "off"):
        ssl["check_hostname"] = False
    try:
        connection = pymysql.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=parts.path.lstrip("/"),
            unix_socket=query.get("unix_socket"),
            connect_timeout=TIMEOUT,
            read_timeout=TIMEOUT,
            ssl=ssl or None,
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            if values is None:
                return [row[0] for row in cursor.fetchall()]
            connection.commit()
            return [cursor.rowcount]
    except pymysql.err.MySQLError as problem:
        return _mysql_problem(problem)


def _mysql_problem(problem: Any) -> list[str]:
    number = problem.args[0] if problem.args else 0
    if number == NO_TABLE:
        return []
    kinds = {ACCESS_DENIED: "refused", DATABASE_DENIED: "refused", NO_DATABASE: "missing"}
    unreachable = isinstance(number, int) and 2000 <= number < 2100
    kind = kinds.get(number, "unreachable" if unreachable else "other")
    raise QueryError(kind, str(problem)) from problem


def _postgresql(parts: SplitResult, statement: str, values: Sequence[Any] | None) -> list[Any]:
    try:
        import psycopg2
    except ImportError as problem:
        raise QueryError("driver", str(problem)) from problem
    try:
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        connection = psycopg2.connect(
            host=parts.hostname,
            port=parts.port or 5432,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            dbname=parts.path.lstrip("/"),
            connect_timeout=TIMEOUT,
            **{name: value for name, value in query.items() if name.startswith("ssl")},
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            if values is None:
                return [row[0] for row in cursor.fetchall()]
            connection.commit()
            return [cursor.rowcount]
    except psycopg2.Error as problem:
        if problem.pgcode == UNDEFINED_TABLE:
            return []
        kind = "other" if problem.pgcode else "unreachable"
        raise QueryError(kind, str(problem)) from problem


def main() -> None:
    """Answers the question on standard input."""
    question = json.load(sys.stdin)
    answer: dict[str, Any]
    try:
        if question.get("amphorae"):
            answer = {"amphorae": amphorae(question["url"])}
        elif "due" in question:
            answer = {"due": due(question["url"], question["due"])}
        else:
            answer = {"revisions": revisions(question["url"], question["table"])}
    except QueryError as problem:
        answer = {"error": problem.kind, "text": str(problem)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
