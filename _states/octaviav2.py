"""
Octavia's objects as they are declared: every resource by itself, whole trees, and many of them.

Fields have the API's names. Only what is declared is looked at; ``unset`` (a list of fields) puts
fields back to their defaults, ``on_immutable: recreate`` allows an object to be made anew for a
field that cannot be changed, ``adopt`` (an id) takes over an object of another name, ``purge`` (a
list of kinds) removes children that are not declared. Changes hold old and new of each field.

All states of a run share one reading of the project (with ``parallel: True`` each reads for
itself). ``cloud_name`` is a cloud of clouds.yaml; ``auth``, ``config_file`` and ``cache`` are
those of the execution module.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import salt.utils.args
from salt.exceptions import CommandExecutionError

try:
    import octavia_desired as desired
    import octavia_findings as findings
    import octavia_rotation as rotation
    import octavia_states as states
except ImportError:
    from salt_formula_octavia.utils import octavia_desired as desired
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_rotation as rotation
    from salt_formula_octavia.utils import octavia_states as states

__virtualname__ = "octaviav2"

#: What an execution function takes, and no object has.
CALL = ("cloud_name", "auth", "config_file", "cache")
#: What tells where an object is.
PLACES = {
    "listener": ("loadbalancer",),
    "pool": ("loadbalancer",),
    "member": ("loadbalancer", "pool"),
    "healthmonitor": ("loadbalancer", "pool"),
    "l7policy": ("loadbalancer", "listener"),
    "l7rule": ("loadbalancer", "listener", "l7policy"),
}
#: The key of a declaration that holds objects of a resource.
KEYS = {resource: key for key, resource in desired.TOP.items()}
KEYS.update({name: key for below in desired.CHILDREN.values() for key, name in below.items()})
#: Resources without a name that tells them from their siblings.
UNNAMED = ("member", "healthmonitor", "l7rule", "quota")


def __virtual__():
    if "octaviav2.apply" in __salt__:
        return __virtualname__
    return False, "the execution module octaviav2 is not loaded; run saltutil.sync_all"


def _split(arguments: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What goes to the execution function, and the fields."""
    fields = salt.utils.args.clean_kwargs(**arguments)
    call = {name: fields.pop(name) for name in CALL if name in fields}
    if "wait_timeout" in fields:
        call["timeout"] = fields.pop("wait_timeout")
    return call, fields


def _state(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """What an execution function cannot do is the result of a state, not a traceback."""

    @functools.wraps(function)
    def state(name, *args, **kwargs):
        try:
            return function(name, *args, **kwargs)
        except CommandExecutionError as problem:
            return {**states.ret(name), "result": False, "comment": str(problem)}

    return state


def _managed(name: str, declared: dict[str, Any], call: dict[str, Any]) -> dict[str, Any]:
    """Makes the server what is declared, or shows what would be done."""
    if __opts__["test"]:
        call = {key: value for key, value in call.items() if key != "timeout"}
        answer = __salt__["octaviav2.plan"](declared, **call)
    else:
        answer = __salt__["octaviav2.apply"](declared, **call)
    return _told({**states.ret(name), "changes": answer["changes"]}, answer)


def _told(ret: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Result and comment of a state from the answer of octaviav2.plan or octaviav2.apply."""
    test = __opts__["test"]
    failed = [unit for unit in answer["units"].values() if unit["error"]]
    wrong = findings.errors(answer["findings"])
    warned = [item for item in answer["findings"] if item not in wrong]
    if warned:
        ret["warnings"] = [findings.describe([item]) for item in warned]
    counts = f"{answer['requests']} requests, {answer['writes']} writes"
    if answer["refused"]:
        ret["result"] = False
        ret["changes"] = {}
        ret["comment"] = f"{findings.describe(wrong)}\nNothing was changed ({counts})."
        return ret
    lines = [f"{unit['name']}: {unit['error']}" for unit in failed]
    if failed:
        ret["result"] = False
    elif ret["changes"] and test:
        ret["result"] = None
    if failed:
        done = len(answer["units"]) - len(failed)
        lines.append(f"{done} of {len(answer['units'])} are as declared, {len(failed)} failed.")
    elif ret["changes"]:
        verb = "would be" if test else "were"
        lines.append(f"{len(ret['changes'])} of {len(answer['units'])} {verb} changed.")
    else:
        lines.append(f"All {len(answer['units'])} are as declared.")
    lines += [
        f"{unit['name']} has besides: {', '.join(unit['unmanaged'])}."
        for unit in answer["units"].values()
        if unit["unmanaged"]
    ]
    seconds = f", {answer['seconds']} s" if not test else ""
    ret["comment"] = "\n".join([*lines, f"{counts}{seconds}"])
    return ret


def _declared(resource: str, item: dict[str, Any], places: dict[str, str]) -> dict[str, Any]:
    """A declaration of one object at its place, and of nothing else."""
    key = KEYS[resource]
    inner: Any = item if key in desired.SINGLE else [item]
    for above in reversed(PLACES.get(resource, ())):
        inner = [{"name": places[above], key: inner}]
        key = KEYS[above]
    return {key: inner}


def _item(resource: str, name: str, fields: dict[str, Any]) -> dict[str, Any]:
    if resource == "member" and "address" not in fields:
        address, _, port = name.rpartition(":")
        port = int(port) if port.isdecimal() else port
        return {"address": address.strip("[]"), "protocol_port": port, **fields}
    if resource == "quota":
        return {"project_id": name, **fields}
    return fields if resource in UNNAMED else {"name": name, **fields}


def _places(resource: str, fields: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Where an object is, taken out of its fields; and what of that is missing."""
    wanted = PLACES.get(resource, ())
    found = {above: fields.pop(above) for above in wanted if fields.get(above)}
    return found, [above for above in wanted if above not in found]


def _reading(call: dict[str, Any]) -> dict[str, Any]:
    """What goes to an execution function that neither plans nor applies."""
    return {key: value for key, value in call.items() if key not in ("timeout", "cache")}


def _is_there(places: dict[str, str], call: dict[str, Any]) -> bool:
    """Whether the load balancer that an object is below is there."""
    call = {key: value for key, value in call.items() if key != "timeout"}
    return bool(__salt__["octaviav2.known"]("loadbalancer", places["loadbalancer"], **call))


def _present(resource: str) -> Callable[..., Any]:
    places = "".join(f"\n        - {above}: NAME" for above in PLACES.get(resource, ()))

    def function(name, **kwargs):
        call, fields = _split(kwargs)
        where, missing = _places(resource, fields)
        if missing:
            return _incomplete(name, missing)
        if where and not _is_there(where, call):
            return _no_balancer(name, where["loadbalancer"])
        return _managed(name, _declared(resource, _item(resource, name, fields), where), call)

    function.__doc__ = f"""
    An object of the resource {resource} is there, with the fields that are declared.

    :param name: {_meaning(resource)}
    :param kwargs: its fields; {_where(resource)}``cloud_name`` and the like as above;
        ``wait_timeout``, the seconds that a load balancer may stay PENDING
    :return: changes hold old and new of each field

    .. code-block:: yaml

        the_{resource}:
          octaviav2.{resource}_present:
            - cloud_name: octavia{places.replace(chr(10), chr(10) + "    ")}
    """
    return function


def _absent(resource: str) -> Callable[..., Any]:
    places = "".join(f"\n        - {above}: NAME" for above in PLACES.get(resource, ()))

    def function(name, **kwargs):
        call, fields = _split(kwargs)
        where, missing = _places(resource, fields)
        if missing:
            return _incomplete(name, missing)
        if where and not _is_there(where, call):
            return {
                **states.ret(name),
                "comment": f"There is no load balancer {where['loadbalancer']}.",
            }
        item = {**_item(resource, name, fields), "absent": True}
        return _managed(name, _declared(resource, item, where), call)

    function.__doc__ = f"""
    An object of the resource {resource} is not there.

    :param name: {_meaning(resource)}
    :param kwargs: {_where(resource)}``cloud_name`` and the like as above; ``wait_timeout``; of a
        load balancer ``cascade: false`` to refuse to delete what is below it
    :return: changes hold what was deleted

    .. code-block:: yaml

        no_{resource}:
          octaviav2.{resource}_absent:
            - cloud_name: octavia{places.replace(chr(10), chr(10) + "    ")}
    """
    return function


def _meaning(resource: str) -> str:
    if resource == "member":
        return "``address:port``, or any text where address and protocol_port are given"
    if resource == "quota":
        return "id of the project"
    return "any text" if resource in UNNAMED else "its name"


def _where(resource: str) -> str:
    names = ", ".join(f"``{above}``" for above in PLACES.get(resource, ()))
    return f"{names}: names of what it is in; " if names else ""


def _incomplete(name: str, missing: list[str]) -> dict[str, Any]:
    text = ", ".join(missing)
    return {
        **states.ret(name),
        "result": False,
        "comment": f"{text} is missing: name what it is in.",
    }


def _no_balancer(name: str, balancer: str) -> dict[str, Any]:
    comment = f"There is no load balancer {balancer}: declare it by loadbalancer_present first."
    # With test=True an earlier state of this run may be about to make it.
    result = None if __opts__["test"] else False
    return {**states.ret(name), "result": result, "comment": comment}


def _functions() -> dict[str, Callable[..., Any]]:
    made = {}
    for resource in KEYS:
        for ending, maker in (("present", _present), ("absent", _absent)):
            function = maker(resource)
            function.__name__ = function.__qualname__ = f"{resource}_{ending}"
            made[function.__name__] = _state(function)
    return made


globals().update(_functions())


@_state
def loadbalancers_managed(name, loadbalancers, **kwargs):
    """
    Many load balancers, each with its tree, are as declared: one reading for all of them, and all
    of them at work at the same time.

    :param name: any text
    :param loadbalancers: a list of declarations
    :param kwargs: ``cloud_name`` and the like as above; ``wait_timeout``
    :return: changes hold, by load balancer, old and new of each field

    .. code-block:: yaml

        ours:
          octaviav2.loadbalancers_managed:
            - cloud_name: octavia
            - loadbalancers:
                - name: web
                  vip_subnet_id: 7a2f7a3c-0c5c-4b8e-8f0e-0d6c5a6c3f11
    """
    call, _ = _split(kwargs)
    return _managed(name, {"loadbalancers": loadbalancers}, call)


@_state
def resources_managed(name, cloud_name, **kwargs):
    """
    Everything that ``octavia:client:resources:<cloud_name>`` declares is as declared.

    :param name: any text
    :param cloud_name: the cloud, a key below ``octavia:client:resources``
    :param kwargs: ``auth``, ``config_file`` and ``cache``; ``wait_timeout``
    :return: changes hold, by object, old and new of each field

    .. code-block:: yaml

        ours:
          octaviav2.resources_managed:
            - cloud_name: octavia
    """
    call, _ = _split(kwargs)
    declared = __salt__["octavia_config.resources"](cloud_name)
    base = f"octavia:client:resources:{cloud_name}:"
    return _managed(name, declared, {**call, "cloud_name": cloud_name, "base": base})


@_state
def members_managed(name, loadbalancer, pool, members, purge=True, **kwargs):
    """
    A pool has these members, and no other.

    :param name: any text
    :param loadbalancer: name of the load balancer
    :param pool: name of the pool
    :param members: the members, each a mapping with address and protocol_port at least
    :param purge: remove members that are not listed
    :param kwargs: ``cloud_name`` and the like as above; ``wait_timeout``
    :return: changes hold old and new of each field

    .. code-block:: yaml

        web_members:
          octaviav2.members_managed:
            - cloud_name: octavia
            - loadbalancer: web
            - pool: web
            - members:
                - {address: 10.0.0.5, protocol_port: 80}
    """
    where = {"loadbalancer": loadbalancer}
    item = {"name": pool, "members": members}
    return _children(name, "pool", item, where, "members" if purge else "", kwargs)


@_state
def l7policies_managed(name, loadbalancer, listener, l7policies, purge=True, **kwargs):
    """
    A listener has these L7 policies in this order, and no other.

    :param name: any text
    :param loadbalancer: name of the load balancer
    :param listener: name of the listener
    :param l7policies: the policies, each with its rules; their order is the order of the list
    :param purge: remove policies that are not listed
    :param kwargs: ``cloud_name`` and the like as above; ``wait_timeout``
    :return: changes hold old and new of each field

    .. code-block:: yaml

        http_policies:
          octaviav2.l7policies_managed:
            - cloud_name: octavia
            - loadbalancer: web
            - listener: http
            - l7policies:
                - name: no
                  action: REJECT
                  rules:
                    - {type: PATH, compare_type: STARTS_WITH, value: /private}
    """
    where = {"loadbalancer": loadbalancer}
    item = {"name": listener, "l7policies": l7policies}
    return _children(name, "listener", item, where, "l7policies" if purge else "", kwargs)


@_state
def l7rules_managed(name, loadbalancer, listener, l7policy, rules, purge=True, **kwargs):
    """
    An L7 policy has these rules, and no other.

    :param name: any text
    :param loadbalancer: name of the load balancer
    :param listener: name of the listener
    :param l7policy: name of the policy
    :param rules: the rules
    :param purge: remove rules that are not listed
    :param kwargs: ``cloud_name`` and the like as above; ``wait_timeout``
    :return: changes hold what was created and deleted

    .. code-block:: yaml

        private_rules:
          octaviav2.l7rules_managed:
            - cloud_name: octavia
            - loadbalancer: web
            - listener: http
            - l7policy: no
            - rules:
                - {type: PATH, compare_type: STARTS_WITH, value: /private}
    """
    where = {"loadbalancer": loadbalancer, "listener": listener}
    item = {"name": l7policy, "rules": rules}
    return _children(name, "l7policy", item, where, "rules" if purge else "", kwargs)


def _children(
    name: str,
    resource: str,
    item: dict[str, Any],
    where: dict[str, str],
    purge: str,
    kwargs: dict[str, Any],
) -> dict[str, Any]:
    """The children of an object that is there are as declared."""
    call, _ = _split(kwargs)
    if not _is_there(where, call):
        return _no_balancer(name, where["loadbalancer"])
    declared = _declared(resource, item, where)
    if purge:
        declared["loadbalancers"][0]["purge"] = [purge]
    return _managed(name, declared, call)


@_state
def loadbalancer_active(name, timeout=600, **kwargs):
    """
    A load balancer is ACTIVE, or becomes it in time.

    :param name: its id or name
    :param timeout: seconds to wait at most
    :param kwargs: ``cloud_name`` and ``auth``
    :return: never any changes; result False tells what is in ERROR, or still PENDING

    .. code-block:: yaml

        web:
          octaviav2.loadbalancer_active:
            - cloud_name: octavia
    """
    ret = states.ret(name)
    call = _reading(_split(kwargs)[0])
    try:
        seconds = 0 if __opts__["test"] else timeout
        statuses = __salt__["octaviav2.loadbalancer_wait"]([name], timeout=seconds, **call)
    except CommandExecutionError as problem:
        ret["result"] = None if __opts__["test"] else False
        ret["comment"] = str(problem)
        return ret
    status = statuses[name]
    ret["comment"] = f"{name} is {status}."
    if status != "ACTIVE":
        ret["result"] = None if __opts__["test"] else False
        remedies = {
            "ERROR": "Fail it over (octaviav2.loadbalancer_failover), or delete it",
            "DELETED": "Declare it by loadbalancer_present",
        }
        waited = f"After {timeout} s it is still at work; look at octavia-worker's logs"
        ret["comment"] += f" {remedies.get(status, waited)}."
    return ret


@_state
def amphora_absent(name, **kwargs):
    """
    An amphora is not there, or Octavia is deleting it. It deletes only those that are in ERROR.

    :param name: its id
    :param kwargs: ``cloud_name`` and ``auth``
    :return: changes hold its status, old and new

    .. code-block:: yaml

        2f9f0c1e-6a7b-4d2e-9a57-0c5d2b9a1d10:
          octaviav2.amphora_absent:
            - cloud_name: octavia
    """
    ret = states.ret(name)
    call = _reading(_split(kwargs)[0])
    amphorae = __salt__["octaviav2.amphora_list"](**call)["amphorae"]
    found = [item for item in amphorae if item["id"] == name and item["status"] != "DELETED"]
    if not found:
        ret["comment"] = f"There is no amphora {name}."
        return ret
    if found[0]["status"] == "PENDING_DELETE":
        ret["comment"] = f"The amphora {name} is being deleted."
        return ret
    if found[0]["status"] != "ERROR":
        ret["result"] = False
        ret["comment"] = (
            f"The amphora {name} is {found[0]['status']}, and Octavia deletes only those in ERROR. "
            "Have it replaced by octaviav2.amphora_failover, or delete its load balancer."
        )
        return ret
    # The API's answer comes with this status; the worker does the rest.
    changes = {name: {"status": {"old": "ERROR", "new": "PENDING_DELETE"}}}
    if __opts__["test"]:
        ret.update(result=None, changes=changes)
        ret["comment"] = f"Octavia would be told to delete the amphora {name}."
        return ret
    __salt__["octaviav2.amphora_delete"](name, **call)
    ret["changes"] = changes
    ret["comment"] = f"Octavia was told to delete the amphora {name}."
    return ret


@_state
def amphorae_current(name, image_id, max_unavailable=1, timeout=900, **kwargs):
    """
    All amphorae run from the current image. The others are replaced by failover, those of standby
    before those of master, a bounded number of load balancers at a time. It stops at the first
    error, and when a new amphora runs from another image, since Octavia's image tag then names that
    one; a load balancer that is not ACTIVE is left alone and told.

    :param name: any text
    :param image_id: id of the image that they must run from
    :param max_unavailable: how many load balancers may be in a failover at the same time
    :param timeout: seconds that each failover may take
    :param kwargs: ``cloud_name`` and ``auth`` of an administrator
    :return: changes hold, by amphora, old and new image

    .. code-block:: yaml

        fleet:
          octaviav2.amphorae_current:
            - cloud_name: admin
            - image_id: 5f2a7b0e-54b7-4f2b-8f0e-6cb1c0a7f5f3
    """
    ret = states.ret(name)
    call = _reading(_split(kwargs)[0])
    amphorae = __salt__["octaviav2.amphora_list"](**call)["amphorae"]
    balancers = __salt__["octaviav2.loadbalancer_list"](**call)["loadbalancers"]
    waves, left = rotation.waves(amphorae, balancers, image_id, int(max_unavailable))
    planned = [amphora for wave in waves for amphora in wave]
    if __opts__["test"]:
        ret["changes"] = {item["id"]: rotation.change(item, image_id) for item in planned}
        ret["result"] = None if planned else True
        ret["comment"] = rotation.summary(planned, {}, left, would=True)
        return ret
    known = [amphora["id"] for amphora in amphorae]
    replace = _replace(call, known, image_id, float(timeout))
    ret["changes"], problem = rotation.roll(waves, replace)
    ret["comment"] = rotation.summary(planned, ret["changes"], left, would=False)
    if problem:
        ret["result"] = False
        ret["comment"] = f"{problem}\nNothing more was begun. {ret['comment']}"
    return ret


def _replace(
    call: dict[str, Any], known: list[str], image_id: str, timeout: float
) -> Callable[[list[dict[str, Any]]], tuple[rotation.Changes, str]]:
    """Fails over the amphorae of one wave and waits; answers what changed, and what went wrong."""

    def replace(wave: list[dict[str, Any]]) -> tuple[rotation.Changes, str]:
        begun: list[dict[str, Any]] = []
        problems = []
        for amphora in wave:
            try:
                __salt__["octaviav2.amphora_failover"](amphora["id"], **call)
            except CommandExecutionError as refused:
                problems.append(str(refused))
                break
            begun.append(amphora)
        try:
            problems += _settled(begun, call, timeout)
            now = __salt__["octaviav2.amphora_list"](**call)["amphorae"]
        except CommandExecutionError as failed:
            names = ", ".join(item["id"] for item in begun)
            unsure = f"Begun, and not known to be done, is the failover of {names}."
            return {}, "\n".join([*problems, str(failed), *([unsure] if begun else [])])
        changes, strange = rotation.replaced(begun, now, known, image_id)
        problems += [
            f"The new amphora {key} runs from {image}: make Octavia's image tag name {image_id}."
            for key, image in strange.items()
        ]
        return changes, "\n".join(problems)

    return replace


def _settled(begun: list[dict[str, Any]], call: dict[str, Any], timeout: float) -> list[str]:
    """Waits for the load balancers of amphorae; answers which are not ACTIVE then."""
    if not begun:
        return []
    ids = sorted({amphora["loadbalancer_id"] for amphora in begun})
    statuses = __salt__["octaviav2.loadbalancer_wait"](ids, timeout=timeout, **call)
    bad = [f"{key} is {status}" for key, status in statuses.items() if status != "ACTIVE"]
    return [f"After a failover {', '.join(bad)}."] if bad else []
