"""
Looks at Octavia on this node: packages, units, schema of the database, and whether the services
are truly up. Changes nothing but what :py:func:`hold`, :py:func:`release_hold` and
:py:func:`db_sync` say.
"""

from __future__ import annotations

import glob
import json
import os
import ssl
import urllib.error
import urllib.request
from typing import Any

import salt.utils.files
from salt.exceptions import CommandExecutionError

try:
    import octavia_dbquery
    import octavia_jobtables
    import octavia_migrations as migrations
    import octavia_releases as releases
    import octavia_systemd as systemd
except ImportError:
    from salt_formula_octavia.utils import octavia_dbquery, octavia_jobtables
    from salt_formula_octavia.utils import octavia_migrations as migrations
    from salt_formula_octavia.utils import octavia_releases as releases
    from salt_formula_octavia.utils import octavia_systemd as systemd

__virtualname__ = "octavia_control"

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
JOURNAL_LINES = 15
# Where the packages leave out TaskFlow's migrations, its own description of the tables takes their
# place.
TABLES = "tables of the packages"
INTERRUPTED_DPKG = "/var/lib/dpkg/updates"


def __virtual__():
    return __virtualname__


def package(refresh: bool = True, saltenv: str = "base") -> dict[str, Any]:
    """
    Which release of Octavia this node has, or would get from its package sources.

    :param refresh: ask the package sources anew when they offer nothing
    :param saltenv: file server environment that holds the formula
    :return: ``name`` of the package that tells, its ``version`` (empty when there is none),
        ``installed`` (whether it is on the node), ``release`` (empty when the version is that of
        no known release)

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.package
    """
    name = __salt__["octavia_config.map"](saltenv)["release_package"]
    version = __salt__["pkg.version"](name)
    installed = bool(version)
    if not installed:
        version = _offered(name, refresh=False)
        if not version and refresh:
            version = _offered(name, refresh=True)
    known = __salt__["octavia_config.releases"](saltenv)
    release = releases.of_package(known, version) if version else None
    return {
        "name": name,
        "version": version,
        "installed": installed,
        "release": release["name"] if release else "",
    }


def _offered(name: str, refresh: bool) -> str:
    answer = __salt__["pkg.latest_version"](name, refresh=refresh)
    # For a package that no source has ever named, Salt 3008 answers with a mapping.
    return answer if isinstance(answer, str) else answer.get(name, "")


def units(*names: str) -> dict[str, dict[str, Any]]:
    """
    The state of units, asked from systemd by one process.

    :param names: units without ``.service``
    :return: by name what :class:`octavia_systemd.Unit` holds
    :raises CommandExecutionError: when systemd does not answer

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.units octavia-api octavia-worker
    """
    command = ["systemctl", "show", f"--property={','.join(systemd.PROPERTIES)}"]
    answer = __salt__["cmd.run_stdout"](
        [*command, *(f"{name}.service" for name in names)],
        python_shell=False,
        env={"LC_ALL": "C", "TZ": "UTC"},
    )
    found = systemd.parse(answer)
    if not set(names) <= set(found):
        raise CommandExecutionError(
            "systemd does not answer, so no service can be managed here. Set the grain noservices "
            f"to true on a node that is not meant to run any. It said: {answer}"
        )
    return {name: found[name]._asdict() for name in names}


def journal(name: str, lines: int = JOURNAL_LINES) -> str:
    """
    The last lines that a unit wrote to the journal.

    :param name: unit without ``.service``
    :param lines: how many
    :return: the lines, the pillar's secrets hidden

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.journal octavia-worker
    """
    command = ["journalctl", f"--unit={name}.service", f"--lines={int(lines)}", "--no-pager"]
    said = __salt__["cmd.run_stdout"]([*command, "--output=cat"], python_shell=False)
    return __salt__["octavia_config.hidden"](said)


def held(*names: str) -> list[str]:
    """
    Units whose starts are held back by this formula, which outside of an installation is a
    leftover of one that was killed.

    :param names: units without ``.service``
    :return: those of them that are held back

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.held octavia-api
    """
    return [name for name in names if os.path.exists(systemd.hold_path(name))]


def hold(*names: str) -> list[str]:
    """
    Holds back the starts of units, as long as systemd is running.

    :param names: units without ``.service``; no other unit is touched
    :return: the units that are held back now

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.hold octavia-api
    """
    if not os.path.isdir("/run/systemd/system"):
        return []
    for name in names:
        path = systemd.hold_path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with salt.utils.files.fopen(path, "w") as stream:
            stream.write(systemd.HOLD_TEXT)
    _reload()
    return list(names)


def release_hold(*names: str) -> list[str]:
    """
    Lets units start again after :py:func:`hold`; starts none.

    :param names: units without ``.service``
    :return: the units that had been held back

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.release_hold octavia-api
    """
    found = held(*names)
    for name in found:
        path = systemd.hold_path(name)
        os.remove(path)
        if not os.listdir(os.path.dirname(path)):
            os.rmdir(os.path.dirname(path))
    if found:
        _reload()
    return found


def _reload() -> None:
    __salt__["cmd.run_stdout"](["systemctl", "daemon-reload"], python_shell=False)


def finish_dpkg() -> str:
    """
    Lets dpkg end what a kill interrupted; apt refuses to work before that.

    :return: what dpkg said when it could not; empty otherwise, and where nothing was interrupted

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.finish_dpkg
    """
    if not os.path.isdir(INTERRUPTED_DPKG) or not os.listdir(INTERRUPTED_DPKG):
        return ""
    answer = __salt__["cmd.run_all"](
        ["dpkg", "--force-confold", "--configure", "-a"],
        python_shell=False,
        redirect_stderr=True,
        env={"DEBIAN_FRONTEND": "noninteractive"},
    )
    if answer["retcode"] == 0:
        return ""
    return "\n".join(answer["stdout"].splitlines()[-JOURNAL_LINES:]) or f"{answer['retcode']}"


def db_state(schema: str = "octavia", saltenv: str = "base") -> dict[str, Any]:
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

        salt-call octavia_control.db_state
    """
    known = __salt__["octavia_config.map"](saltenv)
    history = _history(known["migrations"][schema])
    if not history.heads:
        nothing = {"state": "no migrations", "revisions": [], "heads": []}
        return _tables(known["python"], saltenv) if schema == "persistence" else nothing
    answer = _query(_database_url(schema, saltenv), SCHEMAS[schema]["table"], known["python"])
    heads = sorted(history.heads)
    if "error" in answer:
        return {"state": "unreadable", "revisions": [], "heads": heads, **answer}
    state = history.compare(answer["revisions"])
    return {"state": state, "revisions": answer["revisions"], "heads": heads}


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


def db_amphorae(saltenv: str = "base") -> dict[str, Any]:
    """
    How many amphorae there are that are not deleted, as the database has them.

    :param saltenv: file server environment that holds the formula
    :return: ``amphorae``, 0 for a database without tables; or the ``error`` in one word with the
        driver's ``text``

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.db_amphorae
    """
    known = __salt__["octavia_config.map"](saltenv)
    question = {"url": _database_url("octavia", saltenv), "amphorae": True}
    return _hidden(_ask(question, known["python"]))


def db_certificates_due(amphorae: list[str], saltenv: str = "base") -> dict[str, Any]:
    """
    Brings the end of amphorae's certificates forward in the database, so that housekeeping renews
    them at its next look (``[house_keeping] cert_interval``). It is the way of Octavia's guide; the
    amphorae are not touched by it.

    :param amphorae: their ids, a list or parted by commas; those not ALLOCATED are left alone
    :param saltenv: file server environment that holds the formula
    :return: ``due``, how many there were; or the ``error`` in one word with the driver's ``text``

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.db_certificates_due ID,ID
    """
    ids = amphorae.split(",") if isinstance(amphorae, str) else amphorae
    known = __salt__["octavia_config.map"](saltenv)
    question = {"url": _database_url("octavia", saltenv), "due": [str(item) for item in ids]}
    return _hidden(_ask(question, known["python"]))


def _hidden(answer: dict[str, Any]) -> dict[str, Any]:
    if "text" in answer:
        answer["text"] = __salt__["octavia_config.hidden"](answer["text"])
    return answer


def _query(url: str, table: str, python: str) -> dict[str, Any]:
    return _ask({"url": url, "table": table}, python)


def _ask(question: dict[str, Any], python: str) -> dict[str, Any]:
    answer = __salt__["cmd.run_all"](
        [python, octavia_dbquery.__file__],
        stdin=json.dumps(question),
        python_shell=False,
        output_loglevel="quiet",
    )
    if answer["retcode"]:
        raise CommandExecutionError(
            f"{python} could not look into the database: {answer['stderr']}"
        )
    return json.loads(answer["stdout"])


def _tables(python: str, saltenv: str, make: bool = False) -> dict[str, Any]:
    """How the jobboard's tables stand to TaskFlow's own description of them."""
    answer = __salt__["cmd.run_all"](
        [python, octavia_jobtables.__file__],
        stdin=json.dumps({"url": _database_url("persistence", saltenv), "make": make}),
        python_shell=False,
        output_loglevel="quiet",
    )
    if answer["retcode"]:
        said = {"error": "other", "text": "\n".join(answer["stderr"].splitlines()[-5:])}
    else:
        said = json.loads(answer["stdout"])
    if said.get("error") == "driver":
        return {"state": "no migrations", "revisions": [], "heads": []}
    if "error" in said:
        said["text"] = __salt__["octavia_config.hidden"](said["text"])
        return {"state": "unreadable", "revisions": [], "heads": [TABLES], **said}
    if said["missing"]:
        return {"state": migrations.EMPTY, "revisions": [], "heads": [TABLES]}
    return {"state": migrations.AT_HEAD, "revisions": [TABLES], "heads": [TABLES]}


def db_sync(schema: str = "octavia", saltenv: str = "base") -> dict[str, Any]:
    """
    Brings the schema of the database to head by Octavia's own program, run as Octavia's user.

    :param schema: ``octavia`` or ``persistence``
    :param saltenv: file server environment that holds the formula
    :return: ``retcode`` of the program and the last lines of its ``output``, secrets hidden

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.db_sync
    """
    known = __salt__["octavia_config.map"](saltenv)
    if schema == "persistence" and not _history(known["migrations"][schema]).heads:
        made = _tables(known["python"], saltenv, make=True)
        return {"retcode": int("error" in made), "output": made.get("text", "")}
    answer = __salt__["cmd.run_all"](
        SCHEMAS[schema]["command"],
        runas=known["user"],
        cwd="/",
        python_shell=False,
        redirect_stderr=True,
    )
    last = "\n".join(answer["stdout"].splitlines()[-JOURNAL_LINES:])
    return {"retcode": answer["retcode"], "output": __salt__["octavia_config.hidden"](last)}


def answers(url: str, timeout: int = 10) -> dict[str, Any]:
    """
    Whether the Octavia API answers the request for its versions.

    :param url: the address of the API
    :param timeout: seconds to wait for the answer
    :return: ``up``, and ``why`` it is not

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.answers http://127.0.0.1:9876/
    """
    # Only whether this very process answers is asked; its certificate is the clients' care.
    context = ssl._create_unverified_context() if url.startswith("https:") else None
    try:
        with urllib.request.urlopen(url, timeout=timeout, context=context) as answer:
            return {"up": answer.status == 200, "why": f"{url} answered {answer.status}"}
    except urllib.error.HTTPError as problem:
        return {"up": False, "why": f"{url} answered {problem.code}"}
    except OSError as problem:
        return {"up": False, "why": f"{url} does not answer: {problem}"}


def listens(port: int) -> dict[str, Any]:
    """
    Whether something on this node listens on a UDP port, as the health manager does.

    :param port: the port
    :return: ``up``, and ``why`` it is not

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.listens 5555
    """
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        if not os.path.exists(table):
            continue
        with salt.utils.files.fopen(table, "r") as stream:
            rows = [line.split() for line in stream.readlines()[1:]]
        if any(int(row[1].rpartition(":")[2], 16) == int(port) for row in rows):
            return {"up": True, "why": f"UDP port {port} is listened on"}
    return {"up": False, "why": f"nothing listens on UDP port {port}"}
