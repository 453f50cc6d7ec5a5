"""
The steps of an upgrade on one node. Each is safe to be run again: it looks at what is there, and
goes on from it.
"""

from __future__ import annotations

import os
from typing import Any

from salt.exceptions import CommandExecutionError

try:
    import octavia_idle as idle
    import octavia_readiness as readiness
    import octavia_states as states
except ImportError:
    from salt_formula_octavia.utils import octavia_idle as idle
    from salt_formula_octavia.utils import octavia_readiness as readiness
    from salt_formula_octavia.utils import octavia_states as states

__virtualname__ = "octavia_upgrade"

_state = states.telling(CommandExecutionError, OSError)
#: Seconds beyond a unit's TimeoutStopSec in which systemd has killed it for certain.
AFTER_KILL = 60
#: TimeoutStopSec where the pillar leaves it to systemd, or gives it no end.
DEFAULT_STOP, ENDLESS_STOP = 90, 7200
WORKER = "octavia-worker"
#: How long Apache may take to end what it serves.
RELOAD_SECONDS = 30
#: What systemd calls a unit that has ended, and what changes call it.
ENDED, STOPPED = ("inactive", "failed"), "stopped"


def __virtual__():
    if "octavia_upgrade.readiness" in __salt__:
        return __virtualname__
    return False, "the execution module octavia_upgrade is not loaded; run saltutil.sync_all"


@_state
def ready(name: str, saltenv: str = "base", **kwargs: Any) -> dict[str, Any]:
    """
    The node is ready to be upgraded to the release of its pillar: see docs/upgrade.rst for all that
    is looked at. Changes nothing.

    :param name: any text
    :param saltenv: file server environment that holds the formula
    :return: result False when something must be done before anything is touched; the comment tells
        all that was looked at

    .. code-block:: yaml

        octavia_upgrade_ready:
          octavia_upgrade.ready: []
    """
    del kwargs
    found = __salt__["octavia_upgrade.readiness"](not __opts__["test"], saltenv)
    return _judged(states.ret(name), found, "Nothing was changed.")


def _judged(ret: dict[str, Any], found: list[dict[str, str]], ending: str) -> dict[str, Any]:
    """A state whose comment is a list of items."""
    ret["comment"] = readiness.describe(found)
    if readiness.stops(found):
        ret["result"] = False
        ret["comment"] += f"\n{ending}"
    warned = [item for item in found if item["state"] in (readiness.WARNING, readiness.UNCHECKED)]
    if warned:
        ret["warnings"] = [readiness.describe([item]) for item in warned]
    return ret


@_state
def clouds_lent(name: str, **kwargs: Any) -> dict[str, Any]:
    """
    Where the node has no clouds.yaml, it gets one from the mine for the time of the upgrade, see
    ``octavia_upgrade.lend_clouds``.

    :param name: path of the file
    :return: changes hold who lends it, never its content

    .. code-block:: yaml

        /etc/openstack/clouds.yaml:
          octavia_upgrade.clouds_lent: []
    """
    del kwargs
    ret = states.ret(name)
    lender = __salt__["octavia_upgrade.lend_clouds"](name, __opts__["test"])
    if lender == "there":
        ret["comment"] = "There is a clouds.yaml already."
    elif lender == "none":
        ret["comment"] = "There is no clouds.yaml, and none in the mine: the API is not asked."
    else:
        ret["changes"] = {name: {"old": None, "new": f"lent by {lender}"}}
        ret["result"] = None if __opts__["test"] else True
        verb = "would be" if __opts__["test"] else "was"
        ret["comment"] = f"{name} {verb} written from the mine of {lender}, for root alone."
    return ret


@_state
def clouds_returned(name: str, **kwargs: Any) -> dict[str, Any]:
    """
    A clouds.yaml that :py:func:`clouds_lent` has written is gone; any other stays.

    :param name: path of the file
    :return: changes hold that it was removed

    .. code-block:: yaml

        /etc/openstack/clouds.yaml:
          octavia_upgrade.clouds_returned: []
    """
    del kwargs
    ret = states.ret(name)
    if not __salt__["octavia_upgrade.borrowed"](name):
        ret["comment"] = f"{name} was not lent for an upgrade."
        return ret
    ret["changes"] = {name: {"old": "lent for the upgrade", "new": None}}
    if __opts__["test"]:
        ret["result"] = None
        ret["comment"] = f"{name} would be removed."
        return ret
    os.remove(name)
    ret["comment"] = f"{name} was removed."
    return ret


@_state
def drained(name: str, saltenv: str = "base", **kwargs: Any) -> dict[str, Any]:
    """
    The API of this node gets no new requests from the balancer in front of it: its health check
    fails by the file of ``disable_by_file``, and the balancer has had its time.

    :param name: any text
    :param saltenv: file server environment that holds the formula
    :return: changes hold the file

    .. code-block:: yaml

        octavia_upgrade_drained:
          octavia_upgrade.drained: []
    """
    del kwargs
    ret = states.ret(name)
    known = __salt__["octavia_config.map"](saltenv)
    if not known["drain"]:
        ret["comment"] = (
            "The pillar has no health check with disable_by_file (octavia:api:healthcheck), so the "
            "balancer in front of the API sees the stop only when it comes."
        )
        return ret
    path = known["drain"]["file"]
    if __salt__["octavia_control.drained"](path):
        ret["comment"] = f"{path} is there: the API is out of service."
        rest = __salt__["octavia_control.drain_rest"](saltenv)
        if rest and not __opts__["test"]:
            __salt__["octavia_control.drain"](saltenv=saltenv)
            ret["comment"] += f" The balancer had {rest} s more, which have been waited for."
        return ret
    ret["changes"] = {path: {"old": None, "new": "out of service"}}
    if __opts__["test"]:
        ret["result"] = None
        ret["comment"] = f"The API would be taken out of service by {path}."
        return ret
    done = __salt__["octavia_control.drain"](saltenv=saltenv)
    ret["comment"] = f"The API was taken out of service by {path}."
    if done["answer"] not in ("503", "none"):
        ret["result"] = False
        ret["comment"] = (
            f"{path} was written, and {known['drain']['url']} still answers {done['answer']}: the "
            "running API does not look at it. Apply octavia, which restarts it with its settings"
        )
    return ret


@_state
def undrained(
    name: str, drained_before: bool = False, saltenv: str = "base", **kwargs: Any
) -> dict[str, Any]:
    """
    The API of this node gets requests from the balancer again, unless somebody else has taken it
    out of service.

    :param name: any text
    :param drained_before: whether an earlier state of the run takes it out, which ``test=True``
        does not see
    :param saltenv: file server environment that holds the formula
    :return: changes hold the file

    .. code-block:: yaml

        octavia_upgrade_undrained:
          octavia_upgrade.undrained: []
    """
    del kwargs
    ret = states.ret(name)
    known = __salt__["octavia_config.map"](saltenv)
    if not known["drain"]:
        ret["comment"] = "The pillar has no health check with disable_by_file."
        return ret
    path = known["drain"]["file"]
    there = __salt__["octavia_control.drained"](path)
    if drained_before and __opts__["test"]:
        there = there or "ours"
    if there == "another":
        ret["warnings"] = [f"{path} was made by somebody else, and keeps the API out of service."]
    if there != "ours":
        ret["comment"] = ret.get("warnings", [f"{path} is not there: the API is in service."])[0]
        return ret
    ret["changes"] = {path: {"old": "out of service", "new": None}}
    if __opts__["test"]:
        ret["result"] = None
        ret["comment"] = f"{path} would be removed."
        return ret
    done = __salt__["octavia_control.undrain"](saltenv)
    ret["comment"] = f"{path} was removed, the health check answers {done['answer']}."
    if done["answer"] != "200":
        ret["result"] = False
        ret["comment"] += f" Look at {known['drain']['url']} and the backends that it names."
    return ret


@_state
def stopped(
    name: str, when_idle: bool = False, enable: bool = False, saltenv: str = "base", **kwargs: Any
) -> dict[str, Any]:
    """
    A service is stopped in order, and not started at boot. A worker ends the flows that it is in;
    it is a failure when it was killed.

    :param name: unit without ``.service``
    :param when_idle: wait first until no load balancer is PENDING, ``octavia:upgrade:idle_timeout``
        seconds at most; if they are over, nothing is stopped
    :param enable: whether it is started at boot all the same
    :param saltenv: file server environment that holds the formula
    :return: changes hold old and new state

    .. code-block:: yaml

        octavia-worker:
          octavia_upgrade.stopped:
            - when_idle: true
    """
    del kwargs
    ret = states.ret(name)
    unit = __salt__["octavia_control.units"](name)[name]
    running = unit["exists"] and not unit["state"].startswith(ENDED)
    if running:
        ret["changes"]["state"] = {"old": unit["state"], "new": STOPPED}
    if unit["enabled"] != enable and (unit["enabled"] or unit["exists"]):
        ret["changes"]["enabled"] = {"old": unit["enabled"], "new": enable}
    if not ret["changes"]:
        ret["comment"] = f"{name} is stopped."
        return ret
    if __opts__["test"]:
        ret["result"] = None
        ret["comment"] = f"{name} would be stopped."
        if running and when_idle:
            ret["comment"] += " " + _work(__salt__["octavia_control.pending"](saltenv=saltenv))
        return ret
    if running and when_idle:
        busy = _busy(ret, saltenv)
        if busy:
            return busy
    return _stop(ret, unit, running, enable, saltenv)


def _work(found: dict[str, Any]) -> str:
    """What is PENDING, in words."""
    if "error" in found:
        return f"The database cannot be read ({found['error']}): {found['text']}."
    if not found["waiting"]:
        return "Nothing is PENDING."
    return f"PENDING now: {idle.describe(found['waiting'])}."


def _busy(ret: dict[str, Any], saltenv: str) -> dict[str, Any]:
    """Waits until nothing is PENDING; the failed state when something still is, else nothing."""
    found = __salt__["octavia_control.wait_idle"](saltenv=saltenv)
    if found["idle"]:
        if found["stuck"]:
            ret["warnings"] = [idle.told_stuck(found["stuck"])]
        return {}
    ret["result"], ret["changes"] = False, {}
    why = _work(found)
    ret["comment"] = (
        f"After {found['seconds']} s it is not certain that no flow would be cut off. {why} "
        f"{ret['name']} goes on and was not touched. See that nothing new is begun (are the APIs "
        "of all nodes stopped?), then run this again"
    )
    return ret


def _stop(
    ret: dict[str, Any], unit: dict[str, Any], running: bool, enable: bool, saltenv: str
) -> dict[str, Any]:
    name = ret["name"]
    # A reboot in the middle of the upgrade must not bring it back.
    if "enabled" in ret["changes"]:
        __salt__["service.enable" if enable else "service.disable"](name)
    after = unit
    if running:
        limit = _stop_limit(name, saltenv)
        after = __salt__["octavia_control.stop"](name, limit, saltenv)
    now = __salt__["octavia_control.units"](name)[name]
    stopped_now = now["state"].startswith(ENDED)
    if running:
        ret["changes"]["state"]["new"] = STOPPED if stopped_now else now["state"]
    if "enabled" in ret["changes"]:
        ret["changes"]["enabled"]["new"] = now["enabled"]
    ret["comment"] = f"{name} was stopped."
    if not stopped_now:
        ret["result"] = False
        ret["comment"] = f"{name} does not stop, it is {now['state']}: look at its log."
    elif running and after["killed"] and name == WORKER:
        ret["result"] = False
        ret["comment"] = (
            f"{name} was killed ({after['result']}), perhaps in the middle of a flow. "
            f"{_work(__salt__['octavia_control.pending'](saltenv=saltenv))} Where it did not end "
            "in time (timeout), raise TimeoutStopSec of octavia:services:octavia-worker before the "
            "next time; what stays PENDING is told in docs/upgrade.rst"
        )
    return ret


def _stop_limit(name: str, saltenv: str) -> int:
    known = __salt__["octavia_config.map"](saltenv)["units"].get(name, {})
    given = str(known.get("service", {}).get("TimeoutStopSec", DEFAULT_STOP))
    # For systemd 0 is no end.
    seconds = int(given) if given.isdecimal() else 0
    return (seconds or ENDLESS_STOP) + AFTER_KILL


@_state
def site_stopped(name: str, service: str, api_url: str, **kwargs: Any) -> dict[str, Any]:
    """
    Apache does not serve the API any more. It goes on with what it serves besides, so that only the
    site goes, and its processes end what they are in.

    :param name: file of the site, which is removed if the formula wrote it
    :param service: Apache's unit without ``.service``
    :param api_url: where the API answers as long as it is served
    :return: changes hold the file and the API

    .. code-block:: yaml

        /etc/apache2/sites-enabled/octavia-api.conf:
          octavia_upgrade.site_stopped:
            - service: apache2
            - api_url: http://127.0.0.1:9876/
    """
    del kwargs
    ret = __states__["octavia_config.withdrawn"](name)

    def is_served() -> bool:
        return bool(__salt__["octavia_control.answers"](api_url)["up"])

    # Also where an earlier run was killed before the reload.
    if is_served():
        ret["changes"]["API"] = {"old": f"served by {service}", "new": STOPPED}
    if not ret["changes"]:
        return ret
    if "file" not in ret["changes"] and os.path.exists(name):
        ret["result"], ret["changes"] = False, {}
        ret["comment"] += f" {api_url} answers still: take the API out of {service} by hand."
        return ret
    verb = "would be" if __opts__["test"] else "was"
    ret["comment"] = f"{service} {verb} reloaded."
    if "file" in ret["changes"]:
        ret["comment"] = f"{name} {verb} removed. {ret['comment']}"
    if __opts__["test"]:
        ret["result"] = None
        return ret
    __salt__["service.reload"](service)
    if not states.wait(RELOAD_SECONDS, lambda: not is_served()):
        ret["result"] = False
        ret["changes"]["API"] = {"old": f"served by {service}", "new": "served still"}
        ret["comment"] += f" {api_url} answers still: see which site of {service} serves it."
    return ret


@_state
def packages_latest(
    name: str, pkgs: list[str], units: list[str], saltenv: str = "base", **kwargs: Any
) -> dict[str, Any]:
    """
    Packages are at the latest version that the node's sources have. It is simulated first: where a
    package of the data plane would be touched, nothing is done. No service is started by it.

    :param name: any text
    :param pkgs: the packages; those that are not there are installed
    :param units: the units (without ``.service``) whose starts are held back meanwhile; none of
        them may run
    :param saltenv: file server environment that holds the formula
    :return: changes hold old and new version of every package, also of those that came or went

    .. code-block:: yaml

        octavia_upgrade_packages:
          octavia_upgrade.packages_latest:
            - pkgs: [octavia-api]
            - units: [octavia-api]
    """
    del kwargs
    ret = states.ret(name)
    test = __opts__["test"]
    known = __salt__["octavia_config.map"](saltenv)
    leftover = __salt__["octavia_control.held"](*units) if units else []
    if not test:
        unfinished = _cleaned(units)
        if unfinished:
            return {**ret, "result": False, "comment": unfinished}
    offer = __salt__["octavia_upgrade.offered"](not test, saltenv)
    if known["release"] and offer["release"] != known["release"]:
        has = f"{offer['version']}, {offer['release'] or 'no release that the formula knows'}"
        ret["result"] = False
        ret["comment"] = (
            f"The pillar says {known['release']}, and the package sources have {offer['name']} "
            f"{has if offer['version'] else 'of no version'}. Point them to {known['release']}, "
            "then run this again. Nothing was changed."
        )
        return ret
    pkgs = __salt__["octavia_upgrade.along"](pkgs, saltenv)
    would = __salt__["octavia_upgrade.simulate"](pkgs, known["data_plane"])
    if would["data_plane"]:
        ret["result"] = False
        ret["comment"] = (
            f"Packages of the data plane would be touched: {', '.join(would['data_plane'])}. "
            "Upgrade them apart, with the tenants' traffic in mind, then run this again. Nothing "
            "was changed."
        )
        return ret
    ret["changes"] = {
        f"{unit}.service": {"old": "held back by an interrupted installation", "new": "released"}
        for unit in leftover
    }
    gone = f" These go: {', '.join(would['removed'])}." if would["removed"] else ""
    if test:
        ret["changes"].update(would["changes"])
        ret["result"] = None if ret["changes"] else True
        ret["comment"] = f"{len(would['changes'])} packages would change.{gone}"
        return ret
    if not would["changes"]:
        ret["comment"] = "The packages are at their latest version."
        return ret
    return _install(ret, pkgs, units, known["data_plane"], gone)


def _cleaned(units: list[str]) -> str:
    """Ends what an interrupted installation has left; why it cannot, empty otherwise."""
    if units:
        __salt__["octavia_control.hold"](*units)
    try:
        unfinished = __salt__["octavia_control.finish_dpkg"]()
    finally:
        if units:
            __salt__["octavia_control.release_hold"](*units)
    if not unfinished:
        return ""
    return (
        "dpkg was interrupted and cannot end its work: mend that with dpkg --configure -a, "
        f"then run this state again. It said:\n{unfinished}"
    )


def _install(
    ret: dict[str, Any], pkgs: list[str], units: list[str], data_plane: list[str], gone: str
) -> dict[str, Any]:
    active = [unit for unit, now in _units(units).items() if now["active"]]
    if active:
        ret["result"], ret["changes"] = False, {}
        ret["comment"] = (
            f"These still run: {', '.join(active)}. Stop them with octavia.upgrade.service_stopped "
            "first, so that nobody's work is cut off. Nothing was changed."
        )
        return ret
    before = __salt__["pkg.list_pkgs"]()
    try:
        if units:
            __salt__["octavia_control.hold"](*units)
        problem = __salt__["octavia_upgrade.install"](pkgs, data_plane)
    finally:
        if units:
            __salt__["octavia_control.release_hold"](*units)
    # What Salt has read of packages before is not true any more.
    after = __salt__["pkg.list_pkgs"](use_context=False)
    ret["changes"].update(_package_changes(before, after))
    ret["comment"] = f"{len(ret['changes'])} packages were changed.{gone}"
    left = {} if problem else __salt__["octavia_upgrade.simulate"](pkgs, data_plane)["changes"]
    if problem or left:
        ret["result"] = False
        why = problem or f"these are still behind: {', '.join(sorted(left))}"
        ret["comment"] = (
            f"The packages could not be brought to their latest version: {why}\nMend that, then "
            "run this state again; the services stay stopped meanwhile."
        )
    return ret


def _units(names: list[str]) -> dict[str, Any]:
    return __salt__["octavia_control.units"](*names) if names else {}


def _package_changes(before: dict[str, str], after: dict[str, str]) -> dict[str, dict[str, str]]:
    return {
        name: {"old": before.get(name, ""), "new": after.get(name, "")}
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    }


@_state
def backups_removed(name: str, saltenv: str = "base", **kwargs: Any) -> dict[str, Any]:
    """
    The backups of the database are gone, where ``octavia:upgrade:backup:remove_afterwards`` says
    so.

    :param name: any text
    :param saltenv: file server environment that holds the formula
    :return: changes hold the files

    .. code-block:: yaml

        octavia_upgrade_backups:
          octavia_upgrade.backups_removed: []
    """
    del kwargs
    ret = states.ret(name)
    settings = __salt__["octavia_config.map"](saltenv)["upgrade"]["backup"]
    found = __salt__["octavia_db.backups"](saltenv)
    if not settings["remove_afterwards"]:
        ret["comment"] = f"{len(found)} backups stay in {settings['path']}."
        return ret
    ret["changes"] = {path: {"old": "a backup", "new": None} for path in found}
    ret["comment"] = "There is no backup."
    if found and __opts__["test"]:
        ret["result"] = None
        ret["comment"] = f"{len(found)} backups would be removed."
    elif found:
        for path in found:
            os.remove(path)
        ret["comment"] = f"{len(found)} backups were removed."
    return ret


@_state
def verified(name: str, saltenv: str = "base", **kwargs: Any) -> dict[str, Any]:
    """
    Octavia works: services, schema, amphorae, and through the API the life of a load balancer. With
    ``test=True`` the API is not tried.

    :param name: any text
    :param saltenv: file server environment that holds the formula
    :return: never any changes; result False tells what does not work

    .. code-block:: yaml

        octavia_upgrade_verified:
          octavia_upgrade.verified: []
    """
    del kwargs
    ret = states.ret(name)
    found = __salt__["octavia_control.verify"](not __opts__["test"], saltenv)
    ret = _judged(ret, found, "See docs/upgrade.rst for the way on, and the way back.")
    if __opts__["test"]:
        # What is not upgraded yet may well not be right yet.
        ret["result"] = None
        ret["comment"] += "\nThe API would be tried with a load balancer."
    return ret


@_state
def told(name: str, saltenv: str = "base", **kwargs: Any) -> dict[str, Any]:
    """
    Tells how the node stands, whatever has happened before. To be run last.

    :param name: any text
    :param saltenv: file server environment that holds the formula
    :return: never any changes, always success

    .. code-block:: yaml

        octavia_upgrade_told:
          octavia_upgrade.told:
            - order: last
    """
    del kwargs
    ret = states.ret(name)
    found = __salt__["octavia_control.node"](saltenv)
    lines = [
        f"pillar: {found['version'] or 'no version'}; packages: {', '.join(found['packages'])}",
        *(f"{unit}: {state}" for unit, state in found["services"].items()),
    ]
    if found["schema"]:
        lines.append(f"schema: {found['schema']}")
    if found["drained"]:
        lines.append("the API is out of service (drained)")
    ret["comment"] = "\n".join(lines)
    return ret
