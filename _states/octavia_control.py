"""Packages without premature starts, services that truly run, and the schema of the database."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import time
from typing import Any

from salt.exceptions import CommandExecutionError

try:
    import octavia_migrations as migrations
    import octavia_states as states
except ImportError:
    from salt_formula_octavia.utils import octavia_migrations as migrations
    from salt_formula_octavia.utils import octavia_states as states

__virtualname__ = "octavia_control"

# How long a service must have stayed up before it counts as running: its process is there at once,
# and gone again when it cannot use its configuration.
SETTLED_SECONDS = 4
RUNNING, DEAD = "active (running)", "inactive (dead)"
_state = states.telling(CommandExecutionError, OSError)


def __virtual__():
    if "octavia_control.units" in __salt__:
        return __virtualname__
    return False, "the execution module octavia_control is not loaded; run saltutil.sync_all"


def installed(name: str, pkgs: list[str], units: list[str], **kwargs: Any) -> dict[str, Any]:
    """
    Packages are installed, and their services are not started by that: an Octavia without its
    configuration would only crash until systemd gives up. A leftover of an installation that was
    killed is cleaned up first.

    :param name: any text
    :param pkgs: packages, as ``pkg.installed`` takes them
    :param units: the units (without ``.service``) whose starts are held back meanwhile; no other
        unit is touched
    :return: what ``pkg.installed`` returns

    .. code-block:: yaml

        octavia_api_packages:
          octavia_control.installed:
            - pkgs: [octavia-api]
            - units: [octavia-api]
    """
    del kwargs
    leftover = __salt__["octavia_control.held"](*units)
    cleaned = {
        f"{unit}.service": {"old": "held back by an interrupted installation", "new": "released"}
        for unit in leftover
    }
    if __opts__["test"]:
        ret = __states__["pkg.installed"](name=name, pkgs=pkgs)
        if cleaned:
            ret["changes"] = {**cleaned, **ret["changes"]}
            ret["result"] = None if ret["result"] else ret["result"]
        return ret
    missing = [package for package in pkgs if not __salt__["pkg.version"](package)]
    if not missing and not leftover:
        return __states__["pkg.installed"](name=name, pkgs=pkgs)
    try:
        __salt__["octavia_control.hold"](*units)
        unfinished = __salt__["octavia_control.finish_dpkg"]()
        if unfinished:
            ret = {**states.ret(name), "result": False}
            ret["comment"] = (
                "dpkg was interrupted and cannot end its work: mend that with dpkg --configure -a, "
                f"then run this state again. It said:\n{unfinished}"
            )
        else:
            ret = __states__["pkg.installed"](name=name, pkgs=pkgs)
    finally:
        __salt__["octavia_control.release_hold"](*units)
    ret["changes"] = {**cleaned, **ret["changes"]}
    return ret


def sdk_installed(name: str, **kwargs: Any) -> dict[str, Any]:
    """
    A Python package is there in the interpreter that Salt itself runs in; if not, Salt's own pip
    installs it. A run that finds it starts no process.

    :param name: the package
    :return: what ``pip.installed`` returns

    .. code-block:: yaml

        octavia_client_sdk:
          octavia_control.sdk_installed:
            - name: openstacksdk
    """
    del kwargs
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return __states__["pip.installed"](name=name)
    return {**states.ret(name), "comment": f"{name} {version} is installed in {sys.prefix}."}


def running(
    name: str,
    reads: list[str] | None = None,
    enable: bool = True,
    stopped_before: bool = False,
    **kwargs: Any,
) -> dict[str, Any]:
    """
    A service is enabled and running, and has read its files as they are: it is restarted when one
    of them is newer than its start, as it is after a run that was killed between the two. Watch
    the states of the files as well, so that ``test=True`` knows of changes to come.

    :param name: unit without ``.service``
    :param reads: files that the service reads at its start
    :param enable: whether it is started at boot
    :param stopped_before: whether an earlier state of the run stops and disables it, which
        ``test=True`` does not see
    :return: changes hold the old and new state of the unit

    .. code-block:: yaml

        octavia-worker:
          octavia_control.running:
            - reads: [/etc/octavia/octavia.conf]
            - watch:
              - file: octavia_config_file
    """
    del kwargs
    ret = states.ret(name)
    unit = __salt__["octavia_control.units"](name)[name]
    if stopped_before and __opts__["test"]:
        unit = {**unit, "active": False, "enabled": False, "state": DEAD}
    newer = [path for path in reads or [] if _newer(path, unit["since"])] if unit["active"] else []
    wanted = {**unit, "enabled": enable, "state": unit["state"] if unit["active"] else RUNNING}
    ret["changes"] = _differences(unit, wanted)
    if newer:
        ret["changes"]["settings"] = _settings(f"older than {', '.join(newer)}")
    if not ret["changes"]:
        ret["comment"] = f"{name} is running."
        return ret
    if __opts__["test"]:
        ret["result"] = None
        ret["comment"] = f"{name} would be changed."
        return ret
    return _start(ret, unit, enable, restart=bool(newer))


def _newer(path: str, since: int) -> bool:
    try:
        return since < int(os.stat(path).st_mtime) <= time.time()
    except FileNotFoundError:
        return False


def _differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What of a unit is another one, as changes of a state."""
    return {
        key: {"old": before[key], "new": after[key]}
        for key in ("enabled", "state")
        if before[key] != after[key]
    }


def _settings(old: str) -> dict[str, str]:
    return {"old": old, "new": "as they stand in its files, by a restart"}


def _start(
    ret: dict[str, Any], unit: dict[str, Any], enable: bool, restart: bool
) -> dict[str, Any]:
    """Starts or restarts a unit; in changes stands in the end what has truly happened."""
    name = ret["name"]
    problem = ""
    # systemd does not always notice new drop-ins by itself.
    __salt__["service.systemctl_reload"]()
    try:
        if unit["enabled"] != enable:
            __salt__["service.enable" if enable else "service.disable"](name)
        if restart:
            __salt__["service.restart"](name)
        elif not unit["active"]:
            __salt__["service.start"](name)
    except CommandExecutionError as error:
        problem = __salt__["octavia_config.hidden"](str(error))
    after = __salt__["octavia_control.units"](name)[name]
    if not problem and not after["active"]:
        problem = f"it is {after['state']}, result {after['result']}"
    if problem:
        ret["result"] = False
        ret["changes"] = _differences(unit, after)
        ret["comment"] = _last_words(name, f"{name} does not run: {problem}")
        return ret
    verb = "restarted" if restart else "enabled" if unit["active"] else "started"
    ret["comment"] = f"{name} was {verb}."
    return ret


def _last_words(unit: str, problem: str) -> str:
    return (
        f"{problem}. Look at journalctl -u {unit} and /var/log/octavia; its last words:\n"
        f"{__salt__['octavia_control.journal'](unit)}"
    )


def mod_watch(name: str, sfun: str = "running", **kwargs: Any) -> dict[str, Any]:
    """
    Restarts a service because a watched state has changed something.

    :param name: unit without ``.service``
    :param sfun: the state function that watches; only ``running`` restarts
    :return: changes hold why
    """
    del kwargs
    ret = states.ret(name)
    if sfun != "running":
        return ret
    ret["changes"] = {"settings": _settings("older than what this run has written")}
    if __opts__["test"]:
        ret["result"] = None
        ret["comment"] = f"{name} would be restarted."
        return ret
    unit = __salt__["octavia_control.units"](name)[name]
    return _start(ret, unit, unit["enabled"], restart=True)


def up(
    name: str,
    units: list[str],
    timeout: int = 180,
    api_url: str = "",
    heartbeat_port: int = 0,
    consumes: bool = False,
    saltenv: str = "base",
    **kwargs: Any,
) -> dict[str, Any]:
    """
    Services have truly come up: each has stayed active for a few seconds without a restart, the
    API answers, the health manager listens, the worker takes work from the broker.

    :param name: any text
    :param units: units without ``.service``
    :param timeout: seconds to wait at most
    :param api_url: address of the API, where the node has one
    :param heartbeat_port: UDP port of the health manager, where the node has one
    :param consumes: whether the worker is looked at in the broker
    :param saltenv: file server environment that holds the formula
    :return: never any changes; result False tells which service is not up, and why

    .. code-block:: yaml

        octavia_api_up:
          octavia_control.up:
            - units: [octavia-api]
            - api_url: http://127.0.0.1:9876/
    """
    del kwargs
    ret = states.ret(name)
    before = __salt__["octavia_control.units"](*units)
    down: dict[str, str] = {}

    def settled() -> bool:
        now = __salt__["octavia_control.units"](*units)
        down.clear()
        down.update(_down(before, now, api_url, heartbeat_port))
        if consumes and not down:
            probe = __salt__["octavia_control.consumes"](saltenv)
            down.update({} if probe["up"] else {"octavia-worker": probe["why"]})
        return not down or any(_gave_up(now[unit], before[unit]) for unit in down if unit in now)

    states.wait(0 if __opts__["test"] else timeout, settled)
    if not down:
        ret["comment"] = f"{', '.join(units)}: up."
        return ret
    if __opts__["test"]:
        ret["result"] = None
        ret["comment"] = f"Would be looked at once started: {', '.join(down)}."
        return ret
    ret["result"] = False
    ret["comment"] = "\n".join(_last_words(unit, f"{unit}: {why}") for unit, why in down.items())
    return ret


def _down(
    before: dict[str, Any], now: dict[str, Any], api_url: str, heartbeat_port: int
) -> dict[str, str]:
    """The units that are not up, and why."""
    down = {}
    for name, unit in now.items():
        if not unit["active"]:
            down[name] = f"it is {unit['state']}, result {unit['result']}"
        elif unit["restarts"] > before[name]["restarts"]:
            down[name] = f"it ended with status {unit['status']} and was restarted by systemd"
        elif time.time() - unit["since"] < SETTLED_SECONDS:
            down[name] = "it has only just been started"
    probes = {}
    if api_url and "octavia-api" not in down:
        probes["octavia-api"] = __salt__["octavia_control.answers"](api_url)
    if heartbeat_port and "octavia-health-manager" not in down:
        probes["octavia-health-manager"] = __salt__["octavia_control.listens"](heartbeat_port)
    return {**down, **{unit: probe["why"] for unit, probe in probes.items() if not probe["up"]}}


def _gave_up(now: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether waiting for the unit is of no use."""
    return now["state"].startswith("failed") or now["restarts"] > before["restarts"] + 2


@_state
def db_backed_up(
    name: str,
    pkgs: list[str] | None = None,
    upgrade: bool = False,
    saltenv: str = "base",
    **kwargs: Any,
) -> dict[str, Any]:
    """
    A database that is about to be migrated has been saved, see ``octavia_db.backup``. One
    that is empty or at head already is not.

    :param name: any text
    :param pkgs: packages with the program that saves, installed where it is needed and missing
    :param upgrade: whether the packages may still be older than the pillar, as ``test=True`` finds
        them in the middle of an upgrade
    :param saltenv: file server environment that holds the formula
    :return: changes hold the folder of the backup; the comment names the file

    .. code-block:: yaml

        octavia_db_backup:
          octavia_control.db_backed_up:
            - pkgs: [mariadb-client]
    """
    del kwargs
    ret = states.ret(name)
    settings = __salt__["octavia_config.map"](saltenv)["upgrade"]["backup"]
    found = _schema("octavia", upgrade, saltenv)
    if found["state"] != migrations.BEHIND:
        ret["comment"] = "No migration is due, so there is nothing to save."
        return ret
    if not settings["enabled"]:
        ret["comment"] = "octavia:upgrade:backup:enabled is false: the database is not saved."
        ret["warnings"] = [ret["comment"]]
        return ret
    revision = _text(found["revisions"])
    ret["changes"] = {"backup": {"old": None, "new": f"{settings['path']}: revision {revision}"}}
    missing = [package for package in pkgs or [] if not __salt__["pkg.version"](package)]
    if __opts__["test"]:
        ret["result"] = None
        ret["comment"] = f"The database would be saved to {settings['path']}."
        return ret
    if missing:
        installed = __states__["pkg.installed"](name=name, pkgs=missing)
        if not installed["result"]:
            return {**installed, "name": name}
    try:
        made = __salt__["octavia_db.backup"](revision, saltenv)
    except CommandExecutionError as problem:
        ret["result"], ret["changes"] = False, {}
        ret["comment"] = (
            f"The database could not be saved, so it is not migrated: {problem}. Mend that and run "
            "this state again, or set octavia:upgrade:backup:enabled to false if you save it "
            "otherwise."
        )
        return ret
    ret["comment"] = f"The database was saved to {made['path']} and read again."
    if made.get("removed"):
        ret["comment"] += f" Removed as too old: {', '.join(made['removed'])}."
    return ret


def _schema(schema: str, upgrade: bool, saltenv: str) -> dict[str, Any]:
    """
    How the schema stands to the packages; in the middle of an upgrade that is only foretold, to
    those of the release of the pillar.
    """
    found = __salt__["octavia_db.state"](schema, saltenv)
    if not (upgrade and __opts__["test"] and schema == "octavia" and found["revisions"]):
        return found
    target = __salt__["octavia_config.map"](saltenv)["release"]
    if __salt__["octavia_control.package"](False, saltenv)["release"] == target:
        return found
    known = __salt__["octavia_config.releases"](saltenv)
    heads = [item["head"] for item in known if item["name"] == target]
    state = migrations.AT_HEAD if found["revisions"] == heads else migrations.BEHIND
    return {**found, "heads": heads, "state": state}


@_state
def db_synced(
    name: str,
    schema: str = "octavia",
    upgrade: bool = False,
    saltenv: str = "base",
    **kwargs: Any,
) -> dict[str, Any]:
    """
    The schema of the database is at the head of the installed packages' migrations; if it is
    behind, Octavia's own program brings it there. At head, none of these programs is started.
    Where another node does the same at this moment, one of the two fails half-way: it then waits
    for the other, and warns that two nodes have the role primary.

    :param name: any text
    :param schema: ``octavia``, or ``persistence`` for the jobboard's
    :param upgrade: whether this is an upgrade: nobody else may be connected to the database, and
        ``test=True`` foretells the schema of the release of the pillar
    :param saltenv: file server environment that holds the formula
    :return: changes hold the old and new revision

    .. code-block:: yaml

        octavia_db_sync:
          octavia_control.db_synced: []
    """
    del kwargs
    ret = states.ret(name)
    found = _schema(schema, upgrade, saltenv)
    if found["state"] == migrations.AT_HEAD:
        ret["comment"] = f"The schema is at head, {_text(found['heads'])}."
        return ret
    if found["state"] not in (migrations.EMPTY, migrations.BEHIND):
        return _cannot_sync(ret, found, schema)
    new = _text(found["heads"])
    ret["changes"] = {"revision": {"old": _text(found["revisions"]), "new": new}}
    if __opts__["test"]:
        ret["result"] = None
        ret["comment"] = f"The schema would be brought to head, {new}."
        return ret
    others = []
    if found["state"] == migrations.BEHIND and schema == "octavia":
        others = __salt__["octavia_db.sessions"](saltenv)
    if others and upgrade:
        ret["result"], ret["changes"] = False, {}
        ret["comment"] = (
            "Others are still connected to the database, and would write to a schema that they do "
            f"not know: {', '.join(others)}. Run octavia.upgrade.service_stopped there, then this "
            "state again. Nothing was migrated."
        )
        return ret
    if others:
        ret["warnings"] = [f"While the schema was migrated, these were connected: {others}"]
    return _migrated(ret, found, schema, saltenv)


def _migrated(
    ret: dict[str, Any], found: dict[str, Any], schema: str, saltenv: str
) -> dict[str, Any]:
    """The answer of a state that has brought the schema to head, or has tried to."""
    new = _text(found["heads"])
    answer = __salt__["octavia_db.sync"](schema, saltenv)
    after = __salt__["octavia_db.state"](schema, saltenv)
    if answer["retcode"] == 0 and after["state"] == migrations.AT_HEAD:
        ret["comment"] = f"The schema was brought to head, {new}."
        return ret
    begun = found["state"] == migrations.EMPTY or after["revisions"] != found["revisions"]
    if schema == "octavia" and answer["retcode"] and begun:
        hosts, after = _other_finishes(after, saltenv)
        if after["state"] == migrations.AT_HEAD:
            ret["comment"] = f"The schema was brought to head, {new}, by another node meanwhile."
            who = ", ".join(hosts) or "gone already"
            warning = (
                f"Another node ({who}) migrated the schema at the same time, which only one may: "
                "set octavia:api:role to secondary on all nodes with the API but one."
            )
            ret["warnings"] = [*ret.get("warnings", []), warning]
            return ret
    ret["result"] = False
    ret["changes"]["revision"]["new"] = _text(after["revisions"])
    if after["revisions"] == found["revisions"]:
        ret["changes"] = {}
    ret["comment"] = (
        f"The migration ended with status {answer['retcode']}, the schema is {after['state']}. "
        f"Mend the cause and run this state again; the last words:\n{answer['output']}"
    )
    return ret


def _other_finishes(found: dict[str, Any], saltenv: str) -> tuple[list[str], dict[str, Any]]:
    """
    Of two nodes that migrate at the same time, the one that comes second to a step fails and the
    other goes on. Waits for that one: who else was connected, and how the schema stands then.
    """
    hosts: set[str] = set()
    now = dict(found)

    def settled() -> bool:
        connected = __salt__["octavia_db.sessions"](saltenv)
        hosts.update(connected)
        now.update(__salt__["octavia_db.state"]("octavia", saltenv))
        return now["state"] == migrations.AT_HEAD or not connected

    states.wait(__salt__["octavia_config.map"](saltenv)["timeouts"]["database"], settled)
    return sorted(hosts), now


def _text(revisions: list[str]) -> str:
    return ", ".join(revisions) or "none"


def _cannot_sync(ret: dict[str, Any], found: dict[str, Any], schema: str) -> dict[str, Any]:
    state = found["state"]
    if state == "no migrations" and __opts__["test"]:
        ret["result"] = None
        ret["comment"] = "The schema would be looked at once the packages are installed."
        return ret
    remedies = {
        migrations.UNKNOWN: (
            f"The database is at {_text(found['revisions'])}, a revision that the installed "
            "packages do not have: it belongs to a newer release. Install that release here."
        ),
        "no migrations": (
            f"The installed packages hold no migrations of the {schema} schema, so it cannot be "
            "made or checked."
        ),
        "unreadable": (
            f"The database cannot be read ({found.get('error')}): {found.get('text')}. Check the "
            "server and the database key of the pillar, then run this state again."
        ),
    }
    ret["result"] = None if state == "unreadable" and __opts__["test"] else False
    ret["comment"] = remedies[state]
    return ret


def db_ready(name: str, timeout: int = 300, saltenv: str = "base", **kwargs: Any) -> dict[str, Any]:
    """
    The schema is at head because another node, the primary, has brought it there; waited for.

    :param name: any text
    :param timeout: seconds to wait at most
    :param saltenv: file server environment that holds the formula
    :return: never any changes

    .. code-block:: yaml

        octavia_db_ready:
          octavia_control.db_ready:
            - timeout: 300
    """
    del kwargs
    ret = states.ret(name)
    found: dict[str, Any] = {}

    def at_head() -> bool:
        found.update(__salt__["octavia_db.state"]("octavia", saltenv))
        return found["state"] in (migrations.AT_HEAD, "no migrations")

    states.wait(0 if __opts__["test"] else timeout, at_head)
    if found["state"] == migrations.AT_HEAD:
        ret["comment"] = f"The schema is at head, {_text(found['heads'])}."
    elif __opts__["test"]:
        ret["result"] = None
        ret["comment"] = f"The schema is {found['state']}; it would be waited for."
    else:
        ret["result"] = False
        ret["comment"] = (
            f"After {timeout} s the schema is still {found['state']} {found.get('text', '')}: "
            "apply octavia.api on the node with octavia:api:role primary, then this one again."
        )
    return ret
