"""
Octavia's database as this node reaches it: its schema, what it tells of load balancers and
amphorae, backups. Functions that change something say so.
"""

from __future__ import annotations

import datetime
import glob
import os
from typing import Any

import salt.utils.files
from salt.exceptions import CommandExecutionError

try:
    import octavia_ask
    import octavia_dbquery
    import octavia_dump as dump
    import octavia_jobtables
    import octavia_migrations as migrations
except ImportError:
    from salt_formula_octavia.utils import octavia_ask, octavia_dbquery, octavia_jobtables
    from salt_formula_octavia.utils import octavia_dump as dump
    from salt_formula_octavia.utils import octavia_migrations as migrations

__virtualname__ = "octavia_db"

# The schemas that Octavia's programs migrate: the option with the database's URL, the table that
# Alembic keeps the revision in, and the program's command.
SCHEMAS = {
    "octavia": {
        "option": ("database", "connection"),
        "table": "alembic_version",
        "command": ["octavia-db-manage", "upgrade", "head"],
    },
    "persistence": {
        "option": ("task_flow", "persistence_connection"),
        "table": "alembic_version",
        "command": ["octavia-db-manage", "upgrade_persistence"],
    },
}
LAST_LINES = 15
# Where the packages leave out TaskFlow's migrations, its own description of the tables takes their
# place.
TABLES = "tables of the packages"
RESTORED_IN_PART = (
    "a restore was begun and did not end. Leave Octavia stopped on all nodes, and run "
    "octavia_db.restore again"
)


def __virtual__():
    return __virtualname__


def look(what: str, saltenv: str = "base") -> dict[str, Any]:
    """
    A look into Octavia's database, which changes nothing.

    :param what: ``pending``, ``heartbeats``, ``balancers``, ``size`` or ``sessions``
    :param saltenv: file server environment that holds the formula
    :return: ``now`` (the time of the database, in UTC) and ``rows``; or the ``error`` in one word
        with the driver's ``text``

    CLI Example:

    .. code-block:: bash

        salt-call octavia_db.look balancers
    """
    return _ask(octavia_dbquery, {"look": what}, "octavia", saltenv)


def state(schema: str = "octavia", saltenv: str = "base") -> dict[str, Any]:
    """
    How the schema of the database stands to the migrations of the installed packages. No program
    of Octavia is started for it.

    :param schema: ``octavia`` or ``persistence``
    :param saltenv: file server environment that holds the formula
    :return: ``state`` (``at head``, ``empty``, ``behind``, ``unknown``, ``no migrations`` when the
        packages hold none, or ``unreadable``), ``revisions``, ``heads``, and for ``unreadable`` the
        ``error`` in one word with the driver's ``text``

    CLI Example:

    .. code-block:: bash

        salt-call octavia_db.state
    """
    known = __salt__["octavia_config.map"](saltenv)
    history = _history(known["migrations"][schema])
    if not history.heads:
        nothing = {"state": "no migrations", "revisions": [], "heads": []}
        return _tables(saltenv) if schema == "persistence" else nothing
    answer = _ask(octavia_dbquery, {"table": SCHEMAS[schema]["table"]}, schema, saltenv)
    heads = sorted(history.heads)
    if migrations.RESTORING in answer.get("revisions", ()):
        answer = {"error": "restored in part", "text": RESTORED_IN_PART}
    if "error" in answer:
        return {"state": "unreadable", "revisions": [], "heads": heads, **answer}
    compared = history.compare(answer["revisions"])
    return {"state": compared, "revisions": answer["revisions"], "heads": heads}


def _history(folder: str) -> migrations.History:
    sources = []
    for path in glob.glob(os.path.join(folder, "*.py")):
        with salt.utils.files.fopen(path, "rb") as stream:
            sources.append(stream.read().decode("utf-8"))
    return migrations.History(sources)


def _database_url(schema: str, saltenv: str) -> str:
    section, option = SCHEMAS[schema]["option"]
    # The text of the file escapes `$`; the driver wants the URL itself.
    lines = __salt__["octavia_config.sections"](saltenv)[section][option]["text"]
    return lines[0].replace("$$", "$")


def _tables(saltenv: str, make: bool = False) -> dict[str, Any]:
    """How the jobboard's tables stand to TaskFlow's own description of them."""
    try:
        said = _ask(octavia_jobtables, {"make": make}, "persistence", saltenv)
    except CommandExecutionError as problem:
        said = {"error": "other", "text": str(problem)}
    if said.get("error") == "driver":
        return {"state": "no migrations", "revisions": [], "heads": []}
    if "error" in said:
        return {"state": "unreadable", "revisions": [], "heads": [TABLES], **said}
    if said["missing"]:
        return {"state": migrations.EMPTY, "revisions": [], "heads": [TABLES]}
    return {"state": migrations.AT_HEAD, "revisions": [TABLES], "heads": [TABLES]}


def revision(saltenv: str = "base") -> dict[str, str]:
    """
    The revision of Octavia's database, and the one that the installed packages want.

    :param saltenv: file server environment that holds the formula
    :return: ``revision``, ``head`` and ``state`` as :py:func:`state` has it

    CLI Example:

    .. code-block:: bash

        salt-call octavia_db.revision
    """
    found = state("octavia", saltenv)
    return {
        "revision": ", ".join(found["revisions"]),
        "head": ", ".join(found["heads"]),
        "state": found["state"],
    }


def sync(schema: str = "octavia", saltenv: str = "base") -> dict[str, Any]:
    """
    Brings the schema of the database to head by Octavia's own program, run as Octavia's user.

    :param schema: ``octavia`` or ``persistence``
    :param saltenv: file server environment that holds the formula
    :return: ``retcode`` of the program and the last lines of its ``output``, secrets hidden

    CLI Example:

    .. code-block:: bash

        salt-call octavia_db.sync
    """
    known = __salt__["octavia_config.map"](saltenv)
    if schema == "persistence" and not _history(known["migrations"][schema]).heads:
        made = _tables(saltenv, make=True)
        return {"retcode": int("error" in made), "output": made.get("text", "")}
    answer = __salt__["cmd.run_all"](
        SCHEMAS[schema]["command"],
        runas=known["user"],
        cwd="/",
        python_shell=False,
        redirect_stderr=True,
    )
    last = "\n".join(answer["stdout"].splitlines()[-LAST_LINES:])
    return {"retcode": answer["retcode"], "output": __salt__["octavia_config.hidden"](last)}


def amphorae(saltenv: str = "base") -> dict[str, Any]:
    """
    How many amphorae there are that are not deleted, as the database has them.

    :param saltenv: file server environment that holds the formula
    :return: ``amphorae``, 0 for a database without tables; or the ``error`` in one word with the
        driver's ``text``

    CLI Example:

    .. code-block:: bash

        salt-call octavia_db.amphorae
    """
    return _ask(octavia_dbquery, {"amphorae": True}, "octavia", saltenv)


def certificates_due(amphorae: list[str], saltenv: str = "base") -> dict[str, Any]:
    """
    Brings the end of amphorae's certificates forward in the database, so that housekeeping renews
    them at its next look (``[house_keeping] cert_interval``). It is the way of Octavia's guide; the
    amphorae are not touched by it.

    :param amphorae: their ids, a list or parted by commas; those not ALLOCATED are left alone
    :param saltenv: file server environment that holds the formula
    :return: ``due``, how many there were; or the ``error`` in one word with the driver's ``text``

    CLI Example:

    .. code-block:: bash

        salt-call octavia_db.certificates_due ID,ID
    """
    ids = amphorae.split(",") if isinstance(amphorae, str) else amphorae
    return _ask(octavia_dbquery, {"due": [str(item) for item in ids]}, "octavia", saltenv)


def sessions(saltenv: str = "base") -> list[str]:
    """
    From which hosts others are connected to Octavia's database, as far as its account may see them:
    services of Octavia that have not been stopped.

    :param saltenv: file server environment that holds the formula
    :return: the hosts with the number of connections
    :raises CommandExecutionError: when the database cannot be read

    CLI Example:

    .. code-block:: bash

        salt-call octavia_db.sessions
    """
    answer = look("sessions", saltenv)
    if "error" in answer:
        raise CommandExecutionError(
            f"the database cannot be read ({answer['error']}): {answer['text']}"
        )
    counts: dict[str, int] = {}
    for row in answer["rows"]:
        # PostgreSQL hides from an account where others come from.
        host = row["host"] or "a host that is not shown"
        counts[host] = counts.get(host, 0) + 1
    return [f"{host} ({count})" for host, count in sorted(counts.items())]


def backup_room(saltenv: str = "base") -> dict[str, Any]:
    """
    The room that a backup of the database needs, and the room that there is.

    :param saltenv: file server environment that holds the formula
    :return: ``free`` and ``needed`` in bytes; or the ``error`` in one word with the driver's
        ``text``

    CLI Example:

    .. code-block:: bash

        salt-call octavia_db.backup_room
    """
    answer = look("size", saltenv)
    if "error" in answer:
        return answer
    folder = __salt__["octavia_config.map"](saltenv)["upgrade"]["backup"]["path"]
    size = sum(int(row["bytes"] or 0) for row in answer["rows"])
    return {"free": dump.free(folder), "needed": dump.needed_space(size)}


def backup(label: str = "", saltenv: str = "base") -> dict[str, Any]:
    """
    Saves Octavia's database to a file below ``octavia:upgrade:backup:path``, in one consistent
    state, reads the file again from end to end, and removes the oldest beyond
    ``octavia:upgrade:backup:keep``.

    :param label: part of the file's name; the revision of the database by default
    :param saltenv: file server environment that holds the formula
    :return: ``path`` and what is in it; ``removed``
    :raises CommandExecutionError: when there is no such file afterwards, with the reason

    CLI Example:

    .. code-block:: bash

        salt-call octavia_db.backup
    """
    settings = __salt__["octavia_config.map"](saltenv)["upgrade"]["backup"]
    label = label or revision(saltenv)["revision"] or "empty"
    now = datetime.datetime.now(datetime.timezone.utc)
    try:
        return dump.backup(
            _database_url("octavia", saltenv), settings["path"], label, settings["keep"], now
        )
    except dump.DumpError as problem:
        raise CommandExecutionError(_dump_problem(problem)) from problem


def backups(saltenv: str = "base") -> list[str]:
    """
    The backups that :py:func:`backup` has left, the oldest first.

    :param saltenv: file server environment that holds the formula
    :return: their paths

    CLI Example:

    .. code-block:: bash

        salt-call octavia_db.backups
    """
    folder = __salt__["octavia_config.map"](saltenv)["upgrade"]["backup"]["path"]
    names = os.listdir(folder) if os.path.isdir(folder) else []
    found = sorted((match[1], name) for name in names if (match := dump.NAME.fullmatch(name)))
    return [os.path.join(folder, name) for _, name in found]


def restore(path: str, saltenv: str = "base") -> dict[str, Any]:
    """
    Puts a backup of :py:func:`backup` in the place of what Octavia's database holds now. Every
    change since the backup is lost. Refused while anybody else is connected to the database.

    :param path: the backup
    :param saltenv: file server environment that holds the formula
    :return: what is in the backup
    :raises CommandExecutionError: when somebody is connected, the backup is not whole (then nothing
        was changed), or it cannot be loaded

    CLI Example:

    .. code-block:: bash

        salt-call octavia_db.restore /var/backups/octavia/octavia-0995c26fc506-....sql.gz
    """
    others = sessions(saltenv)
    if others:
        raise CommandExecutionError(
            f"others are connected to the database: {', '.join(others)}. Stop Octavia there "
            "(octavia.upgrade.service_stopped), then run this again. Nothing was changed"
        )
    try:
        return dump.restore(_database_url("octavia", saltenv), path)
    except dump.DumpError as problem:
        raise CommandExecutionError(_dump_problem(problem)) from problem


def _dump_problem(problem: dump.DumpError) -> str:
    return f"{problem.kind}: {__salt__['octavia_config.hidden'](str(problem))}"


def _ask(program: Any, question: dict[str, Any], schema: str, saltenv: str) -> dict[str, Any]:
    """What a program of the formula finds in the database, secrets hidden."""
    python = __salt__["octavia_config.map"](saltenv)["python"]
    question = {"url": _database_url(schema, saltenv), **question}
    try:
        answer = octavia_ask.ask(__salt__["cmd.run_all"], python, program.__file__, question)
    except octavia_ask.AskError as problem:
        said = __salt__["octavia_config.hidden"](str(problem))
        raise CommandExecutionError(f"{python} could not look into the database: {said}") from None
    if "text" in answer:
        answer["text"] = __salt__["octavia_config.hidden"](answer["text"])
    return answer
