"""
Certificates and keys of a controller: what the pillar says of them, who may read them, and the
steps of their rotations.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from salt.exceptions import CommandExecutionError

try:
    import octavia_findings as findings
    import octavia_pki_rotation as rotating
    import octavia_rotation as rolling
    import octavia_states as states
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_pki_rotation as rotating
    from salt_formula_octavia.utils import octavia_rotation as rolling
    from salt_formula_octavia.utils import octavia_states as states

__virtualname__ = "octavia_pki"

HEALTH_MANAGER = "octavia-health-manager"
#: Ways in which an amphora comes by a certificate of another CA.
FAILOVER, RENEWAL = "failover", "renewal"
POLL_SECONDS = 5
_state = states.telling(CommandExecutionError, OSError)


def __virtual__():
    if "octavia_pki.deploy" in __salt__:
        return __virtualname__
    return False, "the execution module octavia_pki is not loaded; run saltutil.sync_all"


@_state
def deployed(name: str, saltenv: str = "base", **kwargs: Any) -> dict[str, Any]:
    """
    Certificates and keys are those that the pillar says: its own PEMs, those that are made here, a
    client certificate that another node signs, or those that are there already. They are checked,
    all of them together, before the first file is written; secrets that everybody knows are told.

    :param name: any text
    :param saltenv: file server environment that holds the formula
    :return: changes hold for each file what it held and what it holds now, never a key; result
        False with all findings in the comment, and nothing written

    .. code-block:: yaml

        octavia_certificates:
          octavia_pki.deployed: []
    """
    del kwargs
    ret = states.ret(name)
    answer = __salt__["octavia_pki.deploy"](__opts__["test"], saltenv)
    found = answer["findings"]
    if answer["refused"]:
        ret["result"] = False
        said = findings.describe(found)
        ret["comment"] = f"{said}\nNothing was changed. See docs/certificates.rst."
        return ret
    if found:
        ret["warnings"] = [findings.describe([item]) for item in found]
    ret["changes"] = answer["changes"]
    verb = "would be" if __opts__["test"] else "was"
    lines = [f"{what}: it {verb} made" for what in answer["done"]]
    if ret["changes"]:
        ret["result"] = None if __opts__["test"] else True
        verb = "would be" if __opts__["test"] else "were"
        lines.append(f"{len(ret['changes'])} files {verb} written.")
    else:
        lines.append("Certificates and keys are right.")
    ret["comment"] = "\n".join(lines)
    return ret


@_state
def protected(name: str, saltenv: str = "base", **kwargs: Any) -> dict[str, Any]:
    """
    Certificates, keys and their directories belong to root and Octavia's group, and nobody else can
    read them. Only what lies below Octavia's own directories is touched.

    :param name: any text
    :param saltenv: file server environment that holds the formula
    :return: changes hold old and new owner and mode

    .. code-block:: yaml

        octavia_certificates_access:
          octavia_pki.protected: []
    """
    del kwargs
    ret = states.ret(name)
    ret["changes"] = __salt__["octavia_pki.protect"](__opts__["test"], saltenv)
    ret["comment"] = "Owners and modes are right."
    if ret["changes"]:
        ret["result"] = None if __opts__["test"] else True
        verb = "would be" if __opts__["test"] else "were"
        ret["comment"] = f"Owner and mode of {len(ret['changes'])} files {verb} corrected."
    return ret


@_state
def textfile(name: str, saltenv: str = "base", **kwargs: Any) -> dict[str, Any]:
    """
    The file of the node exporter tells when certificates end, see ``octavia:pki:textfile``.

    :param name: any text
    :param saltenv: file server environment that holds the formula
    :return: changes hold the path and how many certificates it tells of

    .. code-block:: yaml

        octavia_certificates_textfile:
          octavia_pki.textfile: []
    """
    del kwargs
    ret = states.ret(name)
    answer = __salt__["octavia_pki.textfile"](__opts__["test"], saltenv)
    ret["comment"] = f"{answer['path']} tells of {answer['certificates']} certificates."
    if answer["changed"]:
        new = f"{answer['certificates']} certificates"
        ret["changes"] = {answer["path"]: {"old": answer["before"], "new": new}}
        ret["result"] = None if __opts__["test"] else True
    return ret


@_state
def heartbeat_key_kept(name: str, saltenv: str = "base", **kwargs: Any) -> dict[str, Any]:
    """
    The heartbeat key of octavia.conf is not changed while the health manager runs and amphorae are
    there: to it all of them would look dead, and it would fail all of them over. Required by the
    state that writes octavia.conf.

    :param name: any text
    :param saltenv: file server environment that holds the formula
    :return: result False when the pillar has another key than octavia.conf; never any changes

    .. code-block:: yaml

        octavia_heartbeat_key:
          octavia_pki.heartbeat_key_kept: []
    """
    del kwargs
    ret = states.ret(name)
    if not __salt__["octavia_pki.heartbeat_key_changes"](saltenv):
        ret["comment"] = "The heartbeat key stays as it is."
        return ret
    if not __salt__["octavia_control.units"](HEALTH_MANAGER)[HEALTH_MANAGER]["active"]:
        ret["comment"] = "The heartbeat key is another one, and the health manager does not run."
        return ret
    known = __salt__["octavia_db.amphorae"](saltenv)
    if known.get("amphorae") == 0:
        ret["comment"] = "The heartbeat key is another one, and there is no amphora."
        return ret
    many = known.get("amphorae", "an unknown number of")
    ret["result"] = False
    ret["comment"] = (
        f"The pillar has another heartbeat key than octavia.conf, {HEALTH_MANAGER} runs, and "
        f"{many} amphorae sign with the old one: it would take them for dead and fail them over. "
        "Nothing was changed. Put the old key back into the pillar, or rotate it: "
        "octavia.orchestrate.heartbeat_key, see docs/certificates.rst."
    )
    return ret


@_state
def health_manager_stopped(name: str, saltenv: str = "base", **kwargs: Any) -> dict[str, Any]:
    """
    The first stage of the rotation of the heartbeat key: the health manager is stopped and masked,
    so that neither a reboot nor another run starts it before :py:func:`health_manager_started`. It
    goes on running where octavia.conf has the key of the pillar already.

    :param name: any text
    :param saltenv: file server environment that holds the formula
    :return: changes hold the old and new state of the unit

    .. code-block:: yaml

        octavia_health_manager_stopped:
          octavia_pki.health_manager_stopped: []
    """
    del kwargs
    ret = states.ret(name)
    if not __salt__["octavia_pki.heartbeat_key_changes"](saltenv):
        ret["comment"] = "octavia.conf has the heartbeat key of the pillar already."
        return ret
    unit = __salt__["octavia_control.units"](HEALTH_MANAGER)[HEALTH_MANAGER]
    masked = __salt__["service.masked"](HEALTH_MANAGER)
    if masked and not unit["active"]:
        ret["comment"] = f"{HEALTH_MANAGER} is stopped and masked."
        return ret
    old = f"{unit['state']}, masked" if masked else unit["state"]
    ret["changes"] = {HEALTH_MANAGER: {"old": old, "new": "stopped and masked"}}
    if __opts__["test"]:
        ret["result"] = None
        ret["comment"] = f"{HEALTH_MANAGER} would be stopped and masked: nothing is failed over."
        return ret
    # A unit that is masked has lost its TimeoutStopSec, and systemd would wait 90 s.
    __salt__["service.stop"](HEALTH_MANAGER)
    __salt__["service.mask"](HEALTH_MANAGER)
    unit = __salt__["octavia_control.units"](HEALTH_MANAGER)[HEALTH_MANAGER]
    if unit["active"]:
        ret["result"] = False
        ret["changes"][HEALTH_MANAGER]["new"] = f"{unit['state']}, masked"
        ret["comment"] = f"{HEALTH_MANAGER} does not stop. Stop it by hand, then run this again."
        return ret
    ret["comment"] = f"{HEALTH_MANAGER} was stopped and masked."
    return ret


@_state
def health_manager_started(name: str, saltenv: str = "base", **kwargs: Any) -> dict[str, Any]:
    """
    The last stage of the rotation of the heartbeat key: the health manager runs again. To be called
    after :py:func:`fleet_told` has had success.

    :param name: any text
    :param saltenv: file server environment that holds the formula
    :return: changes hold the old and new state of the unit

    .. code-block:: yaml

        octavia_health_manager_started:
          octavia_pki.health_manager_started: []
    """
    del kwargs
    ret = states.ret(name)
    if __salt__["octavia_pki.heartbeat_key_changes"](saltenv):
        ret["result"] = False
        ret["comment"] = (
            "octavia.conf has not the heartbeat key of the pillar yet. Apply "
            "octavia.rotate.heartbeat_key.written, then tell the fleet, then run this again."
        )
        return ret
    unit = __salt__["octavia_control.units"](HEALTH_MANAGER)[HEALTH_MANAGER]
    masked = __salt__["service.masked"](HEALTH_MANAGER)
    if unit["active"] and not masked:
        ret["comment"] = f"{HEALTH_MANAGER} is running."
        return ret
    old = "stopped and masked" if masked else unit["state"]
    ret["changes"] = {HEALTH_MANAGER: {"old": old, "new": "active (running)"}}
    if __opts__["test"]:
        ret["result"] = None
        ret["comment"] = f"{HEALTH_MANAGER} would be started."
        return ret
    if masked:
        __salt__["service.unmask"](HEALTH_MANAGER)
    __salt__["service.start"](HEALTH_MANAGER)
    unit = __salt__["octavia_control.units"](HEALTH_MANAGER)[HEALTH_MANAGER]
    ret["comment"] = f"{HEALTH_MANAGER} was started."
    if not unit["active"]:
        ret["result"] = False
        ret["changes"][HEALTH_MANAGER]["new"] = unit["state"]
        said = __salt__["octavia_control.journal"](HEALTH_MANAGER)
        ret["comment"] = f"{HEALTH_MANAGER} does not run; its last words:\n{said}"
    return ret


@_state
def fleet_told(
    name: str,
    max_unavailable: int = 10,
    timeout: float = 60,
    cloud_name: str = "",
    saltenv: str = "base",
    **kwargs: Any,
) -> dict[str, Any]:
    """
    Every amphora in use signs its heartbeats with the key of octavia.conf. Those that do not are
    told by the API, a bounded number at a time, and count when a heartbeat with the new key has
    come here. For one controller, while the health managers of all are stopped; where the one of
    this controller runs, there is nothing to do. Data plane and certificates are not touched.

    :param name: any text
    :param max_unavailable: how many amphorae are told at the same time
    :param timeout: seconds in which those must report with the key
    :param cloud_name: a cloud of clouds.yaml that may do so; ``octavia:pki:cloud_name`` otherwise
    :param saltenv: file server environment that holds the formula
    :return: changes hold the amphorae that report with the new key now; result False with those
        that do not

    .. code-block:: yaml

        octavia_fleet_told:
          octavia_pki.fleet_told:
            - max_unavailable: 20
    """
    del kwargs
    ret = states.ret(name)
    changes = __salt__["octavia_pki.heartbeat_key_changes"](saltenv)
    active = __salt__["octavia_control.units"](HEALTH_MANAGER)[HEALTH_MANAGER]["active"]
    if active and not changes:
        ret["comment"] = f"{HEALTH_MANAGER} runs with the key of the pillar: nothing to tell."
        return ret
    call = {"cloud_name": _cloud(cloud_name, saltenv)}
    fleet = sorted(item["id"] for item in _in_use(call))
    told = {"old": "another heartbeat key", "new": "the heartbeat key of the pillar"}
    if (changes or active) and not __opts__["test"]:
        ret["result"] = False
        ret["comment"] = (
            f"Too early: {HEALTH_MANAGER} must be stopped, and octavia.conf must have the key of "
            "the pillar. Apply octavia.rotate.heartbeat_key.stopped and .written everywhere."
        )
        return ret
    # With the old key in octavia.conf no amphora can have been told of another.
    listens = not (changes or active)
    heard = __salt__["octavia_pki.heartbeats"](fleet, 0, saltenv) if listens and fleet else {}
    due = [identity for identity in fleet if not heard.get(identity)]
    if __opts__["test"]:
        ret["changes"] = dict.fromkeys(due, told)
        ret["result"] = None if due else True
        ret["comment"] = f"{len(due)} of {len(fleet)} amphorae would be told."
        return ret
    silent: dict[str, str] = {}
    for batch in rotating.batches(due, int(max_unavailable)):
        silent.update(_tell(batch, float(timeout), call, saltenv))
    ret["changes"] = {identity: told for identity in due if identity not in silent}
    ret["comment"] = f"{len(ret['changes'])} of {len(fleet)} amphorae were told."
    if silent:
        ret["result"] = False
        listed = "\n".join(f"{identity}: {why}" for identity, why in silent.items())
        ret["comment"] += (
            f"\nNot on the new key, and failed over once a health manager runs:\n{listed}\n"
            "Run this again, or fail their load balancers over now; then start the health managers."
        )
    return ret


def _tell(batch: list[str], timeout: float, call: dict[str, Any], saltenv: str) -> dict[str, str]:
    """Tells some amphorae; answers those that do not report with the new key, and why."""
    silent = {}
    for identity in batch:
        try:
            __salt__["octaviav2.amphora_configure"](identity, **call)
        except CommandExecutionError as problem:
            silent[identity] = str(problem)
    asked = [identity for identity in batch if identity not in silent]
    heard = __salt__["octavia_pki.heartbeats"](asked, timeout, saltenv) if asked else {}
    for identity in asked:
        if identity not in heard:
            silent[identity] = "sends no heartbeat to this controller"
        elif not heard[identity]:
            silent[identity] = (
                "still signs with another key. Its agent may have written the new one and go on "
                "with the old (Launchpad bug 2121691, in images up to 2025.1): restart its agent"
            )
    return silent


def _cloud(cloud_name: str, saltenv: str) -> str:
    if cloud_name:
        return cloud_name
    settings = __salt__["octavia_config.pki"](saltenv)["settings"]
    return str(settings["cloud_name"])


def _in_use(call: dict[str, Any]) -> list[dict[str, Any]]:
    listed = __salt__["octaviav2.amphora_list"](**call)["amphorae"]
    return [item for item in listed if item["status"] == rolling.IN_USE]


@_state
def amphorae_moved(
    name: str,
    kind: str,
    old: str,
    new: str,
    way: str = FAILOVER,
    probe: str = "",
    max_unavailable: int = 1,
    waves: int = 0,
    timeout: float = 900,
    cloud_name: str = "",
    nodes: dict[str, Any] | None = None,
    saltenv: str = "base",
    **kwargs: Any,
) -> dict[str, Any]:
    """
    The stage of a CA's rotation that moves amphorae: each shows a certificate of the new server CA,
    or lets in controllers of the new client CA. Amphorae are asked themselves, so a run that was
    interrupted goes on where it was. It stops at the first problem, and does nothing before all
    controllers have done the stages before it.

    :param name: any text
    :param kind: ``server_ca`` or ``client_ca``
    :param old: fingerprint of the CA that shall go
    :param new: fingerprint of the new CA
    :param way: ``failover``, or ``renewal`` by housekeeping for the server CA: without any
        failover, within an hour for each wave unless ``[house_keeping] cert_interval`` is less
    :param probe: for ``client_ca`` the file with a certificate of the new CA and its key
    :param max_unavailable: how many load balancers may be in a failover, or how many certificates
        renewed, at the same time
    :param waves: how many waves this run does at most; 0 for all
    :param timeout: seconds that each wave may take
    :param cloud_name: an administrator's cloud; ``octavia:pki:cloud_name`` otherwise
    :param nodes: fingerprints by controller, in place of those in the mine
    :param saltenv: file server environment that holds the formula
    :return: changes hold the amphorae that were moved or replaced

    .. code-block:: yaml

        octavia_server_ca_moved:
          octavia_pki.amphorae_moved:
            - kind: server_ca
            - old: 6d3a...
            - new: 91c2...
            - max_unavailable: 5
    """
    del kwargs
    ret = states.ret(name)
    wrong = _wrong(kind, way, probe)
    if wrong:
        return {**ret, "result": False, "comment": wrong}
    call = {"cloud_name": _cloud(cloud_name, saltenv)}
    ask = functools.partial(
        __salt__["octavia_pki.moved"], kind, new, probe, call["cloud_name"], saltenv
    )
    step = __salt__["octavia_pki.rotation"](
        kind, old, new, nodes=nodes, probe=probe, cloud_name=call["cloud_name"], saltenv=saltenv
    )
    stage = rotating.stage_of_amphorae(kind)
    if step["stage"] and step["stage"] < stage:
        where = ", ".join(step["where"])
        ret["result"] = False
        ret["comment"] = (
            f"Too early: stage {step['stage']} is due, {step['name']}. Lacking: {where}"
        )
        return ret
    if step["stage"] != stage:
        ret["comment"] = "Every amphora is on the new CA."
        return ret
    planned, left = _planned(set(step["where"]), way, int(max_unavailable), call)
    planned = planned[: int(waves) or None]
    if __opts__["test"]:
        ret["changes"] = {item["id"]: _change(way, new) for wave in planned for item in wave}
        ret["result"] = None if ret["changes"] else True
        ret["comment"] = _moved_summary(ret["changes"], step, left, way, would=True)
        return ret
    act = _renewed if way == RENEWAL else _failed_over

    def move(wave: list[dict[str, Any]]) -> tuple[rolling.Changes, str]:
        done, problem = act(wave, float(timeout), call, ask, saltenv)
        return {item["id"]: _change(way, new) for item in done}, problem

    ret["changes"], problem = rolling.roll(planned, move)
    ret["comment"] = _moved_summary(ret["changes"], step, left, way, would=False)
    if problem:
        ret["result"] = False
        ret["comment"] = f"{problem}\nNothing more was begun. {ret['comment']}"
    return ret


def _wrong(kind: str, way: str, probe: str) -> str:
    if kind not in (rotating.SERVER_CA, rotating.CLIENT_CA):
        return f"kind is {kind}: write {rotating.SERVER_CA} or {rotating.CLIENT_CA}"
    if way not in (FAILOVER, RENEWAL):
        return f"way is {way}: write {FAILOVER} or {RENEWAL}"
    if kind == rotating.CLIENT_CA and way == RENEWAL:
        return "An amphora learns of client CAs only when it is built: write way: failover"
    if kind == rotating.CLIENT_CA and not probe:
        return (
            "probe is missing: without a certificate of the new client CA nobody can tell which "
            "amphorae let it in. Name a file with such a certificate and its key"
        )
    return ""


def _planned(
    lacking: set[str], way: str, most: int, call: dict[str, Any]
) -> tuple[list[list[dict[str, Any]]], list[dict[str, Any]]]:
    """The waves, and the amphorae that are left alone since their load balancer is not ACTIVE."""
    old = [item for item in _in_use(call) if item["id"] in lacking]
    if way == RENEWAL:
        return rotating.batches(sorted(old, key=lambda item: item["id"]), most), []
    balancers = __salt__["octaviav2.loadbalancer_list"](**call)["loadbalancers"]
    return rolling.ordered(old, balancers, most)


def _change(way: str, new: str) -> dict[str, str]:
    how = "replaced by an amphora with" if way == FAILOVER else "a certificate of"
    return {"old": "of the old CA", "new": f"{how} the new CA {new[:16]}"}


def _moved_summary(
    changes: dict[str, Any], step: dict[str, Any], left: list[dict[str, Any]], way: str, would: bool
) -> str:
    verb = "would be" if would else "were"
    text = f"{len(changes)} of {len(step['where'])} amphorae {verb} moved by {way}."
    if would and step["unreachable"] and way == FAILOVER:
        text += f" Not reachable meanwhile: {step['unreachable']}."
    if left:
        names = ", ".join(f"{item['id']} of {item['loadbalancer_id']}" for item in left)
        text += f" Left alone, since their load balancers are not ACTIVE: {names}."
    return text


def _failed_over(
    wave: list[dict[str, Any]],
    timeout: float,
    call: dict[str, Any],
    ask: Callable[[], dict[str, Any]],
    saltenv: str,
) -> tuple[list[dict[str, Any]], str]:
    """Replaces the amphorae of one wave; which it has, and what went wrong."""
    del saltenv
    known = {item["id"] for item in _in_use(call)}
    begun, problems = [], []
    for amphora in wave:
        try:
            __salt__["octaviav2.amphora_failover"](amphora["id"], **call)
        except CommandExecutionError as refused:
            problems.append(str(refused))
            break
        begun.append(amphora)
    if begun:
        ids = sorted({item["loadbalancer_id"] for item in begun})
        statuses = __salt__["octaviav2.loadbalancer_wait"](ids, timeout=timeout, **call)
        bad = [f"{key} is {status}" for key, status in statuses.items() if status != "ACTIVE"]
        problems += [f"After a failover {', '.join(bad)}"] if bad else []
    now = ask()
    old = [identity for identity, on_new in now.items() if identity not in known and not on_new]
    if old:
        problems.append(
            f"New amphorae are not on the new CA, or do not answer: {', '.join(sorted(old))}. "
            "Restart the workers of all controllers, so that they build with the new CA"
        )
    return [item for item in begun if item["id"] not in now], "\n".join(problems)


def _renewed(
    wave: list[dict[str, Any]],
    timeout: float,
    call: dict[str, Any],
    ask: Callable[[], dict[str, Any]],
    saltenv: str,
) -> tuple[list[dict[str, Any]], str]:
    """Has the certificates of one wave renewed by housekeeping; which were, and what went wrong."""
    del call
    answer = __salt__["octavia_db.certificates_due"]([item["id"] for item in wave], saltenv)
    if "error" in answer:
        return [], f"The database could not be written: {answer['error']}: {answer['text']}"
    end = time.monotonic() + timeout
    while True:
        now = ask()
        done = [item for item in wave if now.get(item["id"])]
        if len(done) == len(wave):
            return done, ""
        if time.monotonic() >= end:
            break
        time.sleep(POLL_SECONDS)
    late = ", ".join(item["id"] for item in wave if item not in done)
    return done, (
        f"Housekeeping has not renewed in {timeout:.0f} s: {late}. See that it runs, and its log; "
        "it looks every [house_keeping] cert_interval seconds. Then run this again"
    )
