"""
Makes the tables of the jobboard's database from TaskFlow's own description of them: a program for
the system's own Python. It is for packages that leave out TaskFlow's migrations, as Debian's do
up to 13, with which Octavia's program cannot make them.

Standard input: ``{"url": SQLAlchemy URL, "make": whether to make what is missing}``. Standard
output: ``{"missing": [tables that were missing]}``, or ``{"error": kind, "text": text}``.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def make(url: str, wanted: bool) -> list[str]:
    """
    Makes the tables.

    :param url: URL of the database as SQLAlchemy reads it
    :param wanted: False only looks
    :return: the tables that were missing
    """
    import sqlalchemy
    from taskflow.persistence.backends.sqlalchemy import tables

    metadata = sqlalchemy.MetaData()
    tables.fetch(metadata)
    engine = sqlalchemy.create_engine(url)
    there = set(sqlalchemy.inspect(engine).get_table_names())
    missing = [table.name for table in metadata.sorted_tables if table.name not in there]
    if missing and wanted:
        metadata.create_all(engine)
        if engine.dialect.name == "mysql":
            _widen(engine, [table for table in metadata.sorted_tables if table.name in missing])
    return missing


def _widen(engine: Any, made: list[Any]) -> None:
    """As TaskFlow's migrations do: what flows keep may be longer than 64 KiB."""
    import sqlalchemy
    from taskflow.persistence.backends.sqlalchemy import tables

    with engine.begin() as connection:
        for table in made:
            long = [c.name for c in table.columns if isinstance(c.type, tables.JSONType)]
            changes = ", ".join(f"MODIFY {name} LONGTEXT" for name in long)
            connection.execute(sqlalchemy.text(f"ALTER TABLE {table.name} {changes}"))


def main() -> None:
    """Answers the question on standard input."""
    question = json.load(sys.stdin)
    answer: dict[str, Any]
    try:
        import sqlalchemy.exc
        import taskflow.persistence.backends.sqlalchemy.tables  # noqa: F401
    except ImportError as problem:
        json.dump({"error": "driver", "text": str(problem)}, sys.stdout)
        return
    try:
        answer = {"missing": make(question["url"], question["make"])}
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as problem:
        # Of the driver's error only: SQLAlchemy's own may show the statement.
        answer = {"error": "other", "text": str(getattr(problem, "orig", None) or problem)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
