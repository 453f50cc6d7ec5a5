"""
Looks at Octavia on this node: packages, units, and whether the services are truly up; takes the
node out of service and back. Functions that change something say so.
"""

from __future__ import annotations

import datetime
import fcntl
import logging
import math
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import salt.utils.files
from salt.exceptions import CommandExecutionError

try:
    import octavia_ask
    import octavia_consumers
    import octavia_findings as findings
    import octavia_idle as idle
    import octavia_readiness as readiness
    import octavia_releases as releases
    import octavia_status
    import octavia_systemd as systemd
    import octavia_trial as trial
except ImportError:
    from salt_formula_octavia.utils import octavia_ask, octavia_consumers, octavia_status
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_idle as idle
    from salt_formula_octavia.utils import octavia_readiness as readiness
    from salt_formula_octavia.utils import octavia_releases as releases
    from salt_formula_octavia.utils import octavia_systemd as systemd
    from salt_formula_octavia.utils import octavia_trial as trial

log = logging.getLogger(__name__)

__virtualname__ = "octavia_control"

JOURNAL_LINES = 15
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
    :return: what :py:func:`units` tells of it then, and whether it was ``killed``, by systemd or by
        somebody else

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
    killed = unit["result"] in systemd.KILLED
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
    answer = __salt__["octavia_db.look"]("pending", saltenv)
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
    answer = __salt__["octavia_db.look"]("heartbeats", saltenv)
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

    :param seconds: the balancer's time, counted from when the file was written;
        ``octavia:upgrade:drain_seconds`` where it is negative
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
    if not made:
        # Of a run that was killed meanwhile, the rest.
        grace = _rest(path, grace)
    if status == 503 and grace > 0:
        for passed in _looks(grace):
            if passed % TOLD_EVERY < POLL_SECONDS:
                _tell(f"the balancer has {grace - passed:.0f} s more to leave this API alone")
    return {"file": path, "made": made, "answer": str(status or "none")}


def _rest(path: str, seconds: float) -> float:
    """What is left of a time that began when a file was written."""
    return seconds - max(0.0, time.time() - os.stat(path).st_mtime)


def drain_rest(saltenv: str = "base") -> int:
    """
    How long the balancer in front of a drained API may still hand it requests.

    :param saltenv: file server environment that holds the formula
    :return: the rest of ``octavia:upgrade:drain_seconds`` in seconds; 0 when it is over, or nothing
        is drained

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.drain_rest
    """
    known = __salt__["octavia_config.map"](saltenv)
    if not known["drain"] or not drained(known["drain"]["file"]):
        return 0
    rest = _rest(known["drain"]["file"], known["upgrade"]["drain_seconds"])
    return max(0, math.ceil(rest))


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
    try:
        said = octavia_ask.ask(
            __salt__["cmd.run_all"], known["python"], octavia_consumers.__file__, question
        )
    except octavia_ask.AskError as problem:
        said = {"error": "other", "text": str(problem)}
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


def db_backup(label: str = "", saltenv: str = "base") -> dict[str, Any]:
    """
    The same as :py:func:`octavia_db.backup`, for those who look for it here.

    :param label: part of the file's name
    :param saltenv: file server environment that holds the formula
    :return: what :py:func:`octavia_db.backup` returns
    :raises CommandExecutionError: when there is no backup afterwards

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.db_backup
    """
    return __salt__["octavia_db.backup"](label, saltenv)


def db_revision(saltenv: str = "base") -> dict[str, str]:
    """
    The same as :py:func:`octavia_db.revision`, for those who look for it here.

    :param saltenv: file server environment that holds the formula
    :return: what :py:func:`octavia_db.revision` returns

    CLI Example:

    .. code-block:: bash

        salt-call octavia_control.db_revision
    """
    return __salt__["octavia_db.revision"](saltenv)


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
    schema = "" if quiet else __salt__["octavia_db.revision"](saltenv)
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
    if known["release"]:
        found += readiness.release(package(False, saltenv), known["release"])
    if known["stop_order"]:
        found += readiness.running(services(saltenv))
        probes = _probes(known, saltenv)
        for _ in _looks(60):
            # A worker that was just started is known to the broker some seconds later.
            if all(probe["up"] for probe in probes.values()) or readiness.stops(found):
                break
            probes = _probes(known, saltenv)
        found += readiness.probed(probes)
        found += readiness.schema(__salt__["octavia_db.state"]("octavia", saltenv))
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
    # What an earlier trial that was killed has left.
    problems = _problems(_removed, name, call)
    if not problems:
        problems = _problems(_lived, tree, name, call) + _problems(_removed, name, call)
    if problems:
        text = __salt__["octavia_config.hidden"]("; ".join(problems))
        return [readiness.item(TRIAL, readiness.STOP, text)]
    text = f"a load balancer with all kinds of children, provider {wanted['provider']}"
    return [readiness.item(TRIAL, readiness.OK, text)]


def _problems(step: Callable[..., str], *given: Any) -> list[str]:
    """What went wrong with a step of the trial."""
    try:
        problem = step(*given)
    except CommandExecutionError as error:
        problem = str(error)
    return [problem] if problem else []


def _removed(name: str, call: dict[str, Any]) -> str:
    """Removes what a trial has made; what went wrong, empty for nothing."""
    _applied({"loadbalancers": [{"name": name, "absent": True}]}, call)
    left = __salt__["octaviav2.loadbalancer_list"](cloud_name=call["cloud_name"], name=name)
    return f"{name} is still there after it was deleted" if left["loadbalancers"] else ""


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
