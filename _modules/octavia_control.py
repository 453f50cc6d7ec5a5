"""
Looks at Octavia on this node: packages, units, the database, and whether the services are truly up;
takes the node out of service and back. Functions that change something say so.
"""

from __future__ import annotations

import datetime
import fcntl
import glob
import json
import logging
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import salt.utils.files
from salt.exceptions import CommandExecutionError

try:
    import octavia_consumers
    import octavia_dbquery
    import octavia_dump as dump
    import octavia_findings as findings
    import octavia_idle as idle
    import octavia_jobtables
    import octavia_migrations as migrations
    import octavia_readiness as readiness
    import octavia_releases as releases
    import octavia_status
    import octavia_systemd as systemd
    import octavia_trial as trial
except ImportError:
    from salt_formula_octavia.utils import (
        octavia_consumers,
        octavia_dbquery,
        octavia_jobtables,
        octavia_status,
    )
    from salt_formula_octavia.utils import octavia_dump as dump
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_idle as idle
    from salt_formula_octavia.utils import octavia_migrations as migrations
    from salt_formula_octavia.utils import octavia_readiness as readiness
    from salt_formula_octavia.utils import octavia_releases as releases
    from salt_formula_octavia.utils import octavia_systemd as systemd
    from salt_formula_octavia.utils import octavia_trial as trial

log = logging.getLogger(__name__)

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
#: Held by apt and dpkg as long as they work, and for how many seconds that is waited for.
DPKG_LOCK, DPKG_SECONDS = "/var/lib/dpkg/lock-frontend", 900
WORKER = "octavia-worker"
#: The queues by which the APIs hand work to the workers; each worker has one of its own as well.
QUEUE = "octavia_provisioning_v2"
PROGRESS_TAG = "salt/octavia_control/progress"
#: Seconds between two looks at what is waited for, and between two tellings of it.
POLL_SECONDS, TOLD_EVERY = 1.0, 10.0
#: What a trial of the API is called.
TRIAL = "API: create, read, update, delete"
#: How the file begins that takes the API out of service.
DRAINED = "# Written by Salt: this API is out of service for an upgrade.\n"


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
    Lets dpkg end what a kill interrupted; apt refuses to work before that. Where only Salt was
    killed, apt is at work still, and is waited for.

    :return: what dpkg said when it could not; empty otherwise, and where nothing was interrupted

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.finish_dpkg
    """
    if os.path.exists(DPKG_LOCK):
        for passed in _looks(DPKG_SECONDS):
            if not _is_locked(DPKG_LOCK):
                break
            if passed % TOLD_EVERY < POLL_SECONDS:
                _tell(f"another installation is at work, {passed:.0f} s by now")
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


def _is_locked(path: str) -> bool:
    """Whether another process holds the lock of a file, as apt does while it works."""
    with salt.utils.files.fopen(path, "r+") as stream:
        try:
            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


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


def _tell(text: str) -> None:
    """Tells what is waited for: the log, and with a master its bus of events."""
    log.info("octavia_control: %s", text)
    if __opts__.get("file_client") != "local":
        __salt__["event.send"](PROGRESS_TAG, {"waiting": text})


def _looks(seconds: float) -> Iterator[float]:
    """Times at which to look, at least two; ends when the time is over."""
    begin = time.monotonic()
    while True:
        passed = time.monotonic() - begin
        yield passed
        if passed >= seconds:
            return
        time.sleep(POLL_SECONDS)


def services(saltenv: str = "base") -> list[dict[str, Any]]:
    """
    The services of this node in the order in which an upgrade stops them; it starts them in the
    reverse order.

    :param saltenv: file server environment that holds the formula
    :return: for each what :py:func:`units` tells

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.services
    """
    order = __salt__["octavia_config.map"](saltenv)["stop_order"]
    found = units(*order) if order else {}
    return [found[name] for name in order]


def stop(name: str, timeout: int, saltenv: str = "base") -> dict[str, Any]:
    """
    Stops a service in order, and waits until it has ended: a worker ends the flows that it is in.
    Tells meanwhile what is PENDING.

    :param name: unit without ``.service``
    :param timeout: seconds to wait; systemd kills it after its own TimeoutStopSec
    :param saltenv: file server environment that holds the formula
    :return: what :py:func:`units` tells of it then, and whether it was ``killed``

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.stop octavia-worker 960
    """
    command = ["systemctl", "stop", "--no-block", f"{name}.service"]
    answer = __salt__["cmd.run_all"](command, python_shell=False)
    if answer["retcode"]:
        raise CommandExecutionError(f"{name} cannot be stopped: {answer['stderr']}")
    told = 0.0
    unit = units(name)[name]
    for passed in _looks(timeout):
        unit = units(name)[name]
        if unit["state"].startswith(("inactive", "failed")):
            break
        if passed - told >= TOLD_EVERY:
            told = passed
            work = _pending_text(saltenv) if name == WORKER else ""
            _tell(f"{name} is {unit['state']} for {passed:.0f} s{work}")
    killed = unit["result"] == "timeout"
    if unit["state"].startswith("failed"):
        # It is meant to be dead, and nobody is to look for a fault.
        __salt__["cmd.run_stdout"](
            ["systemctl", "reset-failed", f"{name}.service"], python_shell=False
        )
    return {**unit, "killed": killed}


def _pending_text(saltenv: str) -> str:
    found = pending(saltenv=saltenv)
    if "error" in found or not found["waiting"]:
        return ""
    return f"; PENDING: {idle.describe(found['waiting'])}"


def db_look(what: str, saltenv: str = "base") -> dict[str, Any]:
    """
    A look into Octavia's database, which changes nothing.

    :param what: ``pending``, ``heartbeats``, ``balancers``, ``size`` or ``sessions``
    :param saltenv: file server environment that holds the formula
    :return: ``now`` (the time of the database, in UTC) and ``rows``; or the ``error`` in one word
        with the driver's ``text``

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.db_look balancers
    """
    known = __salt__["octavia_config.map"](saltenv)
    question = {"url": _database_url("octavia", saltenv), "look": what}
    return _hidden(_ask(question, known["python"]))


def pending(stuck_after: int = 0, cloud_name: str = "", saltenv: str = "base") -> dict[str, Any]:
    """
    What is PENDING, and since when.

    :param stuck_after: seconds after which nobody works on a load balancer any more;
        ``octavia:upgrade:stuck_after`` where it is 0
    :param cloud_name: an administrator's cloud of clouds.yaml, to ask the API in place of the
        database
    :param saltenv: file server environment that holds the formula
    :return: ``waiting`` (load balancers that are worked on), ``stuck`` (those for which that is too
        long ago) and ``left`` (objects that are PENDING though their load balancer is not), each
        with its ``age`` in seconds; or the ``error`` in one word with its ``text``

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.pending
    """
    limit = stuck_after or __salt__["octavia_config.map"](saltenv)["upgrade"]["stuck_after"]
    if cloud_name:
        listed = __salt__["octaviav2.loadbalancer_list"](cloud_name=cloud_name)["loadbalancers"]
        rows = [trial.pending_row(item) for item in listed]
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        return idle.judge([row for row in rows if row], now, limit)
    answer = db_look("pending", saltenv)
    if "error" in answer:
        return answer
    return idle.judge(answer["rows"], answer["now"], limit)


def wait_idle(timeout: int = 0, cloud_name: str = "", saltenv: str = "base") -> dict[str, Any]:
    """
    Waits until no load balancer is PENDING but such that nobody works on any more, and tells
    meanwhile what is waited for.

    :param timeout: seconds to wait at most; ``octavia:upgrade:idle_timeout`` where it is 0
    :param cloud_name: an administrator's cloud of clouds.yaml, to ask the API in place of the
        database
    :param saltenv: file server environment that holds the formula
    :return: ``idle``, the ``seconds`` that it took, and what :py:func:`pending` says then

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.wait_idle timeout=600
    """
    limit = timeout or __salt__["octavia_config.map"](saltenv)["upgrade"]["idle_timeout"]
    told = -TOLD_EVERY
    found: dict[str, Any] = {}
    passed = 0.0
    for passed in _looks(limit):
        found = pending(0, cloud_name, saltenv)
        if "error" in found or not found["waiting"]:
            break
        if passed - told >= TOLD_EVERY:
            told = passed
            _tell(f"waiting for {idle.describe(found['waiting'])}")
    quiet = "error" not in found and not found["waiting"]
    return {"idle": quiet, "seconds": round(passed), **found}


def heartbeats(saltenv: str = "base") -> dict[str, Any]:
    """
    When the amphorae in use were last heard of, as the database has it.

    :param saltenv: file server environment that holds the formula
    :return: ``timeout`` ([health_manager] heartbeat_timeout), and of each of ``amphorae`` its id
        and the ``age`` of its last heartbeat in seconds, None for none

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.heartbeats
    """
    answer = db_look("heartbeats", saltenv)
    if "error" in answer:
        raise CommandExecutionError(
            f"the database cannot be read ({answer['error']}): {answer['text']}"
        )
    rows = [
        {"amphora": row["id"], "age": idle.age(row["last_update"], answer["now"])}
        for row in answer["rows"]
    ]
    timeout = _option("health_manager", "heartbeat_timeout", saltenv)
    return {"timeout": int(timeout or 60), "amphorae": rows}


def _option(section: str, name: str, saltenv: str) -> str:
    """What octavia.conf will have of an option; empty where it is left to Octavia."""
    found = __salt__["octavia_config.sections"](saltenv).get(section, {}).get(name)
    return found["text"][0] if found else ""


def drain(seconds: int = -1, saltenv: str = "base") -> dict[str, Any]:
    """
    Takes the API of this node out of the balancer in front of it, by the file of its health check,
    and waits until that shows and the balancer has had its time.

    :param seconds: the balancer's time; ``octavia:upgrade:drain_seconds`` where it is negative
    :param saltenv: file server environment that holds the formula
    :return: ``file`` (empty where the pillar has no such health check), whether it was ``made``,
        and the ``answer`` of the health check

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.drain
    """
    known = __salt__["octavia_config.map"](saltenv)
    if not known["drain"]:
        return {"file": "", "made": False, "answer": ""}
    path, url = known["drain"]["file"], known["drain"]["url"]
    made = not os.path.exists(path)
    if made:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with salt.utils.files.fopen(path, "w") as stream:
            stream.write(DRAINED)
        os.chmod(path, 0o644)
    status = 0
    # Octavia looks at its health every few seconds only.
    for _ in _looks(60):
        status = _http_status(url)
        if status in (0, 503):
            break
    grace = known["upgrade"]["drain_seconds"] if seconds < 0 else seconds
    if made and status == 503:
        for passed in _looks(grace):
            if passed % TOLD_EVERY < POLL_SECONDS:
                _tell(f"the balancer has {grace - passed:.0f} s more to leave this API alone")
    return {"file": path, "made": made, "answer": str(status or "none")}


def undrain(saltenv: str = "base") -> dict[str, Any]:
    """
    Puts the API of this node back into the balancer in front of it. A file that somebody else made
    stays.

    :param saltenv: file server environment that holds the formula
    :return: ``file`` (empty where the pillar has no such health check), whether it was ``removed``,
        whether somebody else's ``stays``, and the ``answer`` of the health check

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.undrain
    """
    known = __salt__["octavia_config.map"](saltenv)
    if not known["drain"]:
        return {"file": "", "removed": False, "stays": False, "answer": ""}
    path, url = known["drain"]["file"], known["drain"]["url"]
    there = drained(path)
    if there == "ours":
        os.remove(path)
    status = 0
    for _ in _looks(60):
        status = _http_status(url)
        if status == 200 or there == "another":
            break
    found = {"file": path, "removed": there == "ours", "stays": there == "another"}
    return {**found, "answer": str(status or "none")}


def drained(path: str) -> str:
    """
    Whether the file is there that takes the API out of service, and whose it is.

    :param path: the file
    :return: ``ours``, ``another`` or nothing

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.drained /var/lib/octavia/out-of-service
    """
    try:
        with salt.utils.files.fopen(path, "r") as stream:
            return "ours" if stream.read(len(DRAINED)) == DRAINED else "another"
    except FileNotFoundError:
        return ""


def _http_status(url: str) -> int:
    """What a URL answers; 0 for nothing."""
    context = ssl._create_unverified_context() if url.startswith("https:") else None
    try:
        with urllib.request.urlopen(url, timeout=10, context=context) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as problem:
        return int(problem.code)
    except OSError:
        return 0


def consumes(saltenv: str = "base") -> dict[str, Any]:
    """
    Whether the worker of this node takes work from the broker.

    :param saltenv: file server environment that holds the formula
    :return: ``up``, and ``why`` it is not

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.consumes
    """
    known = __salt__["octavia_config.map"](saltenv)
    host = _option("DEFAULT", "host", saltenv) or __salt__["network.get_hostname"]()
    own = f"{QUEUE}.{host}"
    url = _option("DEFAULT", "transport_url", saltenv)
    if not url.startswith("rabbit"):
        return {"up": True, "why": "the bus is no RabbitMQ, which alone can be asked"}
    files = {
        key: _option("oslo_messaging_rabbit", f"ssl_{key}", saltenv)
        for key in ("ca_file", "cert_file", "key_file")
    }
    tls = _option("oslo_messaging_rabbit", "ssl", saltenv) == "true"
    question = {"url": url.replace("$$", "$"), "queues": [own]}
    if tls:
        question["ssl"] = {key: value for key, value in files.items() if value}
    answer = __salt__["cmd.run_all"](
        [known["python"], octavia_consumers.__file__],
        stdin=json.dumps(question),
        python_shell=False,
        output_loglevel="quiet",
    )
    if answer["retcode"]:
        why = __salt__["octavia_config.hidden"](answer["stderr"])
        return {"up": False, "why": f"the broker cannot be asked: {why[-500:]}"}
    said = json.loads(answer["stdout"])
    if "error" in said:
        why = __salt__["octavia_config.hidden"](said["text"])
        return {"up": False, "why": f"the broker cannot be asked: {why}"}
    count = said["queues"][own]
    why = f"its queue {own} has {count or 'no'} consumers"
    return {"up": bool(count), "why": why}


def upgrade_check(timeout: int = 0, saltenv: str = "base") -> dict[str, Any]:
    """
    Octavia's own check before an upgrade, read with care: its exit status alone misleads, and from
    Wallaby to 2025.1 it ends before it has checked anything.

    :param timeout: seconds that it may take; ``octavia:upgrade:check_timeout`` where it is 0
    :param saltenv: file server environment that holds the formula
    :return: ``state`` (``passed``, ``warnings``, ``failed``, or ``unavailable`` when it showed no
        result), ``checks`` and ``why``

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.upgrade_check
    """
    known = __salt__["octavia_config.map"](saltenv)
    limit = timeout or known["upgrade"]["check_timeout"]
    command = ["timeout", "--kill-after=5", str(limit), "octavia-status"]
    answer = __salt__["cmd.run_all"](
        [*command, f"--config-file={known['config']}", "upgrade", "check"],
        runas=known["user"],
        cwd="/",
        python_shell=False,
        redirect_stderr=True,
        env={"LC_ALL": "C.UTF-8", "COLUMNS": "200"},
        output_loglevel="quiet",
    )
    code = None if answer["retcode"] in (124, 137) else answer["retcode"]
    output = __salt__["octavia_config.hidden"](answer["stdout"])
    jobboard = _option("task_flow", "jobboard_enabled", saltenv) == "true"
    return octavia_status.read(output, code, jobboard)


def db_revision(saltenv: str = "base") -> dict[str, str]:
    """
    The revision of Octavia's database, and the one that the installed packages want.

    :param saltenv: file server environment that holds the formula
    :return: ``revision``, ``head`` and ``state`` as :py:func:`db_state` has it

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.db_revision
    """
    found = db_state("octavia", saltenv)
    return {
        "revision": ", ".join(found["revisions"]),
        "head": ", ".join(found["heads"]),
        "state": found["state"],
    }


def db_backup_room(saltenv: str = "base") -> dict[str, Any]:
    """
    The room that a backup of the database needs, and the room that there is.

    :param saltenv: file server environment that holds the formula
    :return: ``free`` and ``needed`` in bytes; or the ``error`` in one word with the driver's
        ``text``

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.db_backup_room
    """
    answer = db_look("size", saltenv)
    if "error" in answer:
        return answer
    folder = __salt__["octavia_config.map"](saltenv)["upgrade"]["backup"]["path"]
    size = sum(int(row["bytes"] or 0) for row in answer["rows"])
    return {"free": dump.free(folder), "needed": dump.needed_space(size)}


def db_backup(label: str = "", saltenv: str = "base") -> dict[str, Any]:
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

        salt-call octavia_control.db_backup
    """
    settings = __salt__["octavia_config.map"](saltenv)["upgrade"]["backup"]
    label = label or db_revision(saltenv)["revision"] or "empty"
    now = datetime.datetime.now(datetime.timezone.utc)
    try:
        return dump.backup(
            _database_url("octavia", saltenv), settings["path"], label, settings["keep"], now
        )
    except dump.DumpError as problem:
        raise CommandExecutionError(_dump_problem(problem)) from problem


def _dump_problem(problem: dump.DumpError) -> str:
    return f"{problem.kind}: {__salt__['octavia_config.hidden'](str(problem))}"


def db_backups(saltenv: str = "base") -> list[str]:
    """
    The backups that :py:func:`db_backup` has left, the oldest first.

    :param saltenv: file server environment that holds the formula
    :return: their paths

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.db_backups
    """
    folder = __salt__["octavia_config.map"](saltenv)["upgrade"]["backup"]["path"]
    names = os.listdir(folder) if os.path.isdir(folder) else []
    found = sorted((match[1], name) for name in names if (match := dump.NAME.fullmatch(name)))
    return [os.path.join(folder, name) for _, name in found]


def db_restore(path: str, saltenv: str = "base") -> dict[str, Any]:
    """
    Puts a backup of :py:func:`db_backup` in the place of what Octavia's database holds now. Every
    change since the backup is lost. Refused while anybody else is connected to the database.

    :param path: the backup
    :param saltenv: file server environment that holds the formula
    :return: what is in the backup
    :raises CommandExecutionError: when somebody is connected, the backup is not whole (then nothing
        was changed), or it cannot be loaded

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.db_restore /var/backups/octavia/octavia-0995c26fc506-....sql.gz
    """
    others = db_sessions(saltenv)
    if others:
        raise CommandExecutionError(
            f"others are connected to the database: {', '.join(others)}. Stop Octavia there "
            "(octavia.upgrade.service_stopped), then run this again. Nothing was changed"
        )
    try:
        return dump.restore(_database_url("octavia", saltenv), path)
    except dump.DumpError as problem:
        raise CommandExecutionError(_dump_problem(problem)) from problem


def db_sessions(saltenv: str = "base") -> list[str]:
    """
    From which hosts others are connected to Octavia's database, as far as its account may see them:
    services of Octavia that have not been stopped.

    :param saltenv: file server environment that holds the formula
    :return: the hosts with the number of connections
    :raises CommandExecutionError: when the database cannot be read

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.db_sessions
    """
    answer = db_look("sessions", saltenv)
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


def node(saltenv: str = "base") -> dict[str, Any]:
    """
    How this node stands: what an operator wants to know in the middle of an upgrade.

    :param saltenv: file server environment that holds the formula
    :return: ``version`` of the pillar, ``packages`` (releases of those that are installed),
        ``services`` (in the order in which they are stopped), ``schema``, ``drained``,
        ``syncs_db``, ``roles``, and what is wrong with the pillar in ``errors``

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.node
    """
    known = __salt__["octavia_config.map"](saltenv)
    all_releases = __salt__["octavia_config.releases"](saltenv)
    versions = {
        __salt__["pkg.version"](name)
        for role in known["roles"]
        for name in known["packages"][role]
        if name.startswith(("octavia-", "openstack-octavia-"))
    }
    found = (releases.of_package(all_releases, version) for version in versions if version)
    quiet = known["noservices"] or not known["stop_order"]
    schema = "" if quiet else db_revision(saltenv)
    if schema:
        schema = f"{schema['state']}, {schema['revision'] or 'none'}"
    return {
        "version": known["release"],
        "packages": sorted({item["name"] if item else "unknown" for item in found}),
        "services": {}
        if quiet
        else {
            unit["name"]: f"{unit['state']}{', enabled' if unit['enabled'] else ''}"
            for unit in services(saltenv)
        },
        "schema": schema,
        "drained": bool(known["drain"]) and os.path.exists(known["drain"]["file"]),
        "roles": known["roles"],
        "syncs_db": known["syncs_db"],
        "errors": findings.describe(findings.errors(known["findings"])),
    }


def verify(api: bool = True, saltenv: str = "base") -> list[dict[str, str]]:
    """
    Whether Octavia works on this node: services, schema, amphorae, and through the API the life of
    a load balancer with all its children, from creation to removal.

    :param api: whether the API is tried, which makes a load balancer and removes it again
    :param saltenv: file server environment that holds the formula
    :return: the items, each with ``what`` was looked at, its ``state`` (``ok``, ``stop``,
        ``warning``, ``not checked``) and the ``text``

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.verify
    """
    known = __salt__["octavia_config.map"](saltenv)
    found: list[dict[str, str]] = []
    if known["noservices"]:
        return [readiness.item("node", readiness.UNCHECKED, "the grain noservices is set")]
    if known["stop_order"]:
        found += readiness.running(services(saltenv))
        probes = _probes(known, saltenv)
        for _ in _looks(60):
            # A worker that was just started is known to the broker some seconds later.
            if all(probe["up"] for probe in probes.values()) or readiness.stops(found):
                break
            probes = _probes(known, saltenv)
        found += readiness.probed(probes)
        found += readiness.schema(db_state("octavia", saltenv))
        found += _fleet(saltenv)
    if "manager" in known["roles"]:
        found += readiness.agents(__salt__["octavia_upgrade.agent_versions"](saltenv))
    if api and readiness.stops(found):
        # Without a worker, say, what is made could not even be removed.
        text = "not before the services, the schema and the amphorae are right"
        found.append(readiness.item(TRIAL, readiness.UNCHECKED, text))
    elif api:
        found += _life(known["upgrade"])
    return found


def _probes(known: dict[str, Any], saltenv: str) -> dict[str, dict[str, Any]]:
    """Whether each service truly serves, by what it does."""
    found = {}
    if known["api_url"]:
        found["API"] = answers(known["api_url"])
    if WORKER in known["stop_order"]:
        found["worker"] = consumes(saltenv)
    if known["heartbeat"]:
        found["health manager"] = listens(known["heartbeat"]["port"])
    return found


def _fleet(saltenv: str) -> list[dict[str, str]]:
    """Whether amphorae are alive; a health manager that was just started hears them one by one."""
    found: list[dict[str, str]] = []
    for _ in _looks(60):
        try:
            heard = heartbeats(saltenv)
        except CommandExecutionError as problem:
            return [readiness.item("heartbeats", readiness.STOP, str(problem))]
        found = readiness.heartbeats(heard["amphorae"], heard["timeout"])
        if not readiness.late(found):
            break
    return readiness.late_stops(found)


def _life(settings: dict[str, Any]) -> list[dict[str, str]]:
    """Creates, reads, updates and deletes a tree through the API."""
    wanted = settings["verify"]
    if not wanted["vip_subnet_id"]:
        text = "name a subnet for the trial in octavia:upgrade:verify:vip_subnet_id"
        return [readiness.item(TRIAL, readiness.UNCHECKED, text)]
    call = {"cloud_name": settings["cloud_name"], "timeout": wanted["timeout"]}
    name = trial.NAME.format(node=__opts__["id"])
    tree = trial.tree(name, wanted["provider"], wanted["vip_subnet_id"])
    gone = {"loadbalancers": [{"name": name, "absent": True}]}
    problem = ""
    try:
        # What an earlier trial that was killed has left.
        _applied(gone, call)
        try:
            problem = _lived(tree, name, call)
        finally:
            _applied(gone, call)
        left = __salt__["octaviav2.loadbalancer_list"](
            cloud_name=settings["cloud_name"], name=name
        )["loadbalancers"]
        if left and not problem:
            problem = f"{name} is still there after it was deleted"
    except CommandExecutionError as error:
        problem = problem or str(error)
    if problem:
        return [readiness.item(TRIAL, readiness.STOP, __salt__["octavia_config.hidden"](problem))]
    text = f"a load balancer with all kinds of children, provider {wanted['provider']}"
    return [readiness.item(TRIAL, readiness.OK, text)]


def _lived(tree: dict[str, Any], name: str, call: dict[str, Any]) -> str:
    """What went wrong with the life of a tree; empty for nothing."""
    _applied({"loadbalancers": [tree]}, call)
    changed = {"loadbalancers": [trial.changed(tree)]}
    if not _applied(changed, call):
        return f"{name} was not updated: the API answered, and kept the old values"
    cloud = call["cloud_name"]
    again = __salt__["octaviav2.plan"](changed, cloud_name=cloud)["changes"]
    if again:
        return f"{name} is not what it was updated to: {again}"
    status = __salt__["octaviav2.loadbalancer_status"](name, cloud_name=cloud)
    return trial.unsettled(status)


def _applied(declared: dict[str, Any], call: dict[str, Any]) -> dict[str, Any]:
    answer = __salt__["octaviav2.apply"](declared, **call)
    wrong = [unit["error"] for unit in answer["units"].values() if unit["error"]]
    wrong += [item["reason"] for item in findings.errors(answer["findings"])]
    if wrong:
        raise CommandExecutionError("; ".join(wrong))
    return answer["changes"]
