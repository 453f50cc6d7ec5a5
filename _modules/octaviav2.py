"""
The Octavia API: every resource, by name or id, and declarations that are planned and applied.

Answers have the API's own form, fields and filters its names. All functions take ``cloud_name``, a
cloud of clouds.yaml, or ``auth`` in its place: what such a cloud would have there, as a mapping;
and ``config_file``, the clouds.yaml, where it is not in one of the usual places. Without a cloud,
``octaviav2.cloud_name`` of the minion's configuration or pillar holds, then what openstacksdk finds
in the environment.

What all functions of one run ask of a project is read once. With ``parallel: True`` on a state
Salt starts a process for it, which reads for itself.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import salt.utils.args
from salt.exceptions import CommandExecutionError

try:
    import octavia_client
    import octavia_errors as errors
    import octavia_findings as findings
    import octavia_operations as operations
    import octavia_resources as resources
    import octavia_session
except ImportError:
    from salt_formula_octavia.utils import octavia_client, octavia_session
    from salt_formula_octavia.utils import octavia_errors as errors
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_operations as operations
    from salt_formula_octavia.utils import octavia_resources as resources

log = logging.getLogger(__name__)

__virtualname__ = "octaviav2"

#: Seconds between two tellings of how far a run is.
TOLD_EVERY = 5.0
PROGRESS_TAG = "salt/octaviav2/progress"


def __virtual__():
    return __virtualname__


def _session(cloud_name: str, auth: Any, config_file: str = "", cache: str = "") -> Any:
    """The session of a cloud, one for all functions of a run."""
    option = __salt__["config.option"]
    cloud_name = cloud_name or ("" if auth else option("octaviav2.cloud_name") or "")
    config_file = config_file or option("octaviav2.clouds_file") or ""
    cache = cache or option("octaviav2.cache") or "off"
    if cache not in ("off", "parents"):
        raise CommandExecutionError(f"cache = {cache}: must be off or parents")
    folder = os.path.join(__opts__["cachedir"], "octaviav2") if cache == "parents" else ""
    # Threads and connections do not survive a fork.
    key = json.dumps([os.getpid(), cloud_name, auth, config_file, folder], sort_keys=True)
    sessions = __context__.setdefault("octaviav2.sessions", {})
    if key not in sessions:
        cloud = octavia_client.connect(cloud_name, auth, config_file)
        sessions[key] = octavia_session.Session(octavia_client.Client(cloud), folder)
    return sessions[key]


def _told(function: Callable[..., Any]) -> Callable[..., Any]:
    """Errors of the API as Salt tells them: in one line, without a traceback."""

    @functools.wraps(function)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **salt.utils.args.clean_kwargs(**kwargs))
        except errors.OctaviaError as problem:
            raise CommandExecutionError(str(problem)) from problem

    return told


def _parent(session: Any, resource: str, fields: dict[str, Any]) -> str:
    """The id of the pool or policy that a member or rule is in; taken out of the fields."""
    above = resources.RESOURCES[resource].parent
    if not above:
        return ""
    if not fields.get(above):
        raise CommandExecutionError(f"{above} is missing: give the id or name of the {above}")
    return session.find(above, fields.pop(above))["id"]


def _list(resource: str) -> Callable[..., Any]:
    table = resources.RESOURCES[resource]

    def function(cloud_name="", auth=None, **filters):
        session = _session(cloud_name, auth, filters.pop("config_file", ""))
        parent = _parent(session, resource, filters)
        return {table.plural: session.client.list_all(resource, parent, **filters)}

    function.__doc__ = f"""
    All objects of the resource {resource}, of all projects where the user may see them.
    {_below(table)}
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param filters: what the objects must have
    :return: ``{{"{table.plural}": [objects]}}``
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.{resource}_list {_example(table)}cloud_name=octavia
    """
    return function


def _get_details(resource: str) -> Callable[..., Any]:
    table = resources.RESOURCES[resource]

    def function(name, cloud_name="", auth=None, **fields):
        session = _session(cloud_name, auth, fields.pop("config_file", ""))
        parent = _parent(session, resource, fields)
        return {table.key: session.find(resource, str(name), parent, **fields)}

    function.__doc__ = f"""
    One object of the resource {resource}.
    {_below(table)}
    :param name: its id or name
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param fields: what it must have besides
    :return: ``{{"{table.key}": object}}``
    :raises CommandExecutionError: when there is none, or several of that name (with their ids)

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.{resource}_get_details NAME {_example(table)}cloud_name=octavia
    """
    return function


def _create(resource: str) -> Callable[..., Any]:
    table = resources.RESOURCES[resource]

    def function(cloud_name="", auth=None, **fields):
        session = _session(cloud_name, auth, fields.pop("config_file", ""))
        parent = _parent(session, resource, fields)
        lock = session.lock_of(resource, fields, parent)
        session.forget()
        return {table.key: session.client.create(resource, fields, parent, lock)}

    function.__doc__ = f"""
    Creates an object of the resource {resource}. A load balancer that is PENDING is waited for
    before, not after.
    {_below(table)}
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param fields: its fields
    :return: ``{{"{table.key}": object}}``
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.{resource}_create {_example(table)}name=NAME cloud_name=octavia
    """
    return function


def _update(resource: str) -> Callable[..., Any]:
    table = resources.RESOURCES[resource]

    def function(name, cloud_name="", auth=None, **fields):
        session = _session(cloud_name, auth, fields.pop("config_file", ""))
        parent = _parent(session, resource, fields)
        found, identity = _found(session, resource, str(name), parent)
        if fields:
            lock = session.lock_of(resource, found, parent)
            session.forget()
            found = session.client.update(resource, identity, fields, parent, lock)
        return {table.key: found}

    function.__doc__ = f"""
    Changes fields of an object of the resource {resource}; without any, nothing is sent.
    {_below(table)}
    :param name: its id or name
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param fields: the fields to change
    :return: ``{{"{table.key}": object}}``
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.{resource}_update NAME {_example(table)}enabled=true cloud_name=octavia
    """
    return function


def _delete(resource: str) -> Callable[..., Any]:
    table = resources.RESOURCES[resource]

    def function(name, cloud_name="", auth=None, **fields):
        session = _session(cloud_name, auth, fields.pop("config_file", ""))
        cascade = bool(fields.pop("cascade", False))
        parent = _parent(session, resource, fields)
        found, identity = _found(session, resource, str(name), parent)
        lock = session.lock_of(resource, found, parent)
        session.forget()
        session.client.delete(resource, identity, parent, lock, cascade)
        return True

    function.__doc__ = f"""
    Deletes an object of the resource {resource}.
    {_below(table)}
    :param name: its id or name
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param cascade: of a load balancer, with everything below it
    :return: True
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.{resource}_delete NAME {_example(table)}cloud_name=octavia
    """
    return function


def _found(session: Any, resource: str, name: str, parent: str) -> tuple[dict[str, Any], str]:
    """An object and what stands for it in its path; reading a quota would write one."""
    if resource == "quota":
        return {}, name
    found = session.find(resource, name, parent)
    return found, found[resources.RESOURCES[resource].identity]


def _below(table: Any) -> str:
    if not table.parent:
        return ""
    return f"\n    :param {table.parent}: id or name of the {table.parent} that it belongs to"


def _example(table: Any) -> str:
    return f"{table.parent}=NAME " if table.parent else ""


_VERBS = {
    "list": ("list", _list),
    "get": ("get_details", _get_details),
    "create": ("create", _create),
    "update": ("update", _update),
    "delete": ("delete", _delete),
}


def _functions() -> dict[str, Callable[..., Any]]:
    made = {}
    for resource, table in resources.RESOURCES.items():
        for verb, (ending, maker) in _VERBS.items():
            if verb in table.verbs:
                function = maker(resource)
                function.__name__ = function.__qualname__ = f"{resource}_{ending}"
                made[function.__name__] = _told(function)
    return made


globals().update(_functions())


@_told
def versions(cloud_name="", auth=None, config_file=""):
    """
    The versions of the API that the server has.

    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :return: ``newest`` (such as ``2.26``) and what the server says of all of them
    :raises CommandExecutionError: when the cloud cannot be reached, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.versions cloud_name=octavia
    """
    client = _session(cloud_name, auth, config_file).client
    major, minor = client.api_version()
    return {"newest": f"{major}.{minor}", **client.request("GET", "")}


@_told
def loadbalancer_status(name, cloud_name="", auth=None, config_file=""):
    """
    The status tree of a load balancer.

    :param name: its id or name
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :return: ``{"statuses": tree}``
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.loadbalancer_status web cloud_name=octavia
    """
    return _part("loadbalancer", name, "status", cloud_name, auth, config_file)


@_told
def loadbalancer_stats(name, cloud_name="", auth=None, config_file=""):
    """
    The traffic of a load balancer.

    :param name: its id or name
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :return: ``{"stats": counters}``
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.loadbalancer_stats web cloud_name=octavia
    """
    return _part("loadbalancer", name, "stats", cloud_name, auth, config_file)


@_told
def listener_stats(name, cloud_name="", auth=None, config_file=""):
    """
    The traffic of a listener.

    :param name: its id or name
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :return: ``{"stats": counters}``
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.listener_stats http cloud_name=octavia
    """
    return _part("listener", name, "stats", cloud_name, auth, config_file)


@_told
def amphora_stats(name, cloud_name="", auth=None, config_file=""):
    """
    The traffic of an amphora.

    :param name: its id
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :return: ``{"amphora_stats": [counters of each listener]}``
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.amphora_stats ID cloud_name=octavia
    """
    return _part("amphora", name, "stats", cloud_name, auth, config_file)


def _part(resource: str, name: str, part: str, *cloud: Any) -> dict[str, Any]:
    session = _session(*cloud)
    identity = session.find(resource, str(name))["id"]
    path = resources.RESOURCES[resource].path
    return session.client.request("GET", f"{path}/{identity}/{part}")


@_told
def loadbalancer_failover(name, cloud_name="", auth=None, config_file=""):
    """
    Has the amphorae of a load balancer replaced; an administrator's right.

    :param name: its id or name
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :return: True when the server has begun; :py:func:`loadbalancer_wait` tells when it has ended
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.loadbalancer_failover web cloud_name=octavia
    """
    session = _session(cloud_name, auth, config_file)
    identity = session.find("loadbalancer", str(name))["id"]
    session.forget()
    session.client.act("loadbalancer", identity, "failover", identity)
    return True


@_told
def amphora_failover(name, cloud_name="", auth=None, config_file=""):
    """
    Has one amphora replaced; an administrator's right.

    :param name: its id
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :return: True when the server has begun
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.amphora_failover ID cloud_name=octavia
    """
    return _act_on_amphora(name, "failover", cloud_name, auth, config_file)


@_told
def amphora_configure(name, cloud_name="", auth=None, config_file=""):
    """
    Has the configuration of an amphora's agent written anew; an administrator's right.

    :param name: its id
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :return: True when the server has begun
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.amphora_configure ID cloud_name=octavia
    """
    return _act_on_amphora(name, "config", cloud_name, auth, config_file)


def _act_on_amphora(name: str, action: str, cloud_name: str, auth: Any, config_file: str) -> bool:
    session = _session(cloud_name, auth, config_file)
    amphora = session.client.get("amphora", str(name))
    session.forget()
    lock = amphora.get("loadbalancer_id") or ""
    session.client.act("amphora", amphora["id"], action, lock)
    return True


@_told
def loadbalancer_wait(names, timeout=600, cloud_name="", auth=None, config_file=""):
    """
    Waits until load balancers are settled: ACTIVE, in ERROR or gone.

    :param names: their ids or names, a list or parted by commas
    :param timeout: seconds to wait at most
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :return: the provisioning status of each; PENDING still where the time did not suffice
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.loadbalancer_wait web,api cloud_name=octavia
    """
    session = _session(cloud_name, auth, config_file)
    wanted = names.split(",") if isinstance(names, str) else names
    ids = {str(name): session.find("loadbalancer", str(name))["id"] for name in wanted}
    session.forget()
    statuses = session.client.wait(set(ids.values()), float(timeout))
    return {name: statuses[identity] for name, identity in ids.items()}


@_told
def loadbalancer_tree(name, cloud_name="", auth=None, config_file=""):
    """
    A load balancer with everything below it, whole objects in the place of ids.

    :param name: its id or name
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :return: ``{"loadbalancer": object}``
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.loadbalancer_tree web cloud_name=octavia
    """
    session = _session(cloud_name, auth, config_file)
    identity = session.find("loadbalancer", str(name))["id"]
    return {"loadbalancer": session.client.tree(identity)}


@_told
def loadbalancer_export(names=None, cloud_name="", auth=None, config_file=""):
    """
    Load balancers in the form that the pillar and the states take.

    :param names: their ids or names, a list or parted by commas; all of the project without any
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :return: ``{"loadbalancers": [declarations]}``, for below
        ``octavia:client:resources:<cloud_name>``
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call --out=yaml octaviav2.loadbalancer_export web cloud_name=octavia
    """
    session = _session(cloud_name, auth, config_file)
    if names is None:
        mine = {"project_id": session.client.project_id} if session.client.project_id else {}
        names = [item["id"] for item in session.client.list_all("loadbalancer", **mine)]
    elif isinstance(names, str):
        names = names.split(",")
    return {"loadbalancers": [session.export(str(name)) for name in names]}


@_told
def member_sync(pool, members, additive_only=False, cloud_name="", auth=None, config_file=""):
    """
    Sets the members of a pool in one request. What a member does not name goes to its default.

    :param pool: id or name of the pool
    :param members: all members, each a mapping with address and protocol_port at least
    :param additive_only: leave the members alone that are not named
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :return: True
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.member_sync web '[{address: 10.0.0.5, protocol_port: 80}]'
    """
    session = _session(cloud_name, auth, config_file)
    found = session.find("pool", str(pool))
    session.forget()
    lock = session.lock_of("pool", found)
    session.client.batch(found["id"], members, bool(additive_only), lock)
    return True


@_told
def quota_defaults(cloud_name="", auth=None, config_file=""):
    """
    The limits of a project that nobody set any for.

    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :return: ``{"quota": limits}``
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.quota_defaults cloud_name=octavia
    """
    return _session(cloud_name, auth, config_file).client.request("GET", "lbaas/quotas/defaults")


@_told
def quota_reset(project_id, cloud_name="", auth=None, config_file=""):
    """
    Takes the limits of a project back to the defaults; an administrator's right.

    :param project_id: the project
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :return: True
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.quota_reset PROJECT cloud_name=octavia
    """
    session = _session(cloud_name, auth, config_file)
    session.forget()
    session.client.delete("quota", str(project_id))
    return True


@_told
def provider_capabilities(name, cloud_name="", auth=None, config_file=""):
    """
    What flavors and availability zones of a provider may hold; an administrator's right.

    :param name: the provider, such as ``amphora``
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :return: ``flavor_capabilities`` and ``availability_zone_capabilities``
    :raises CommandExecutionError: for an answer that is no success, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.provider_capabilities amphora cloud_name=octavia
    """
    client = _session(cloud_name, auth, config_file).client
    answer: dict[str, Any] = {}
    for kind in ("flavor", "availability_zone"):
        try:
            answer.update(client.request("GET", f"lbaas/providers/{name}/{kind}_capabilities"))
        except errors.Unsupported:
            answer[f"{kind}_capabilities"] = []
    return {key: value for key, value in answer.items() if not key.endswith("_links")}


@_told
def known(resource, name, cloud_name="", auth=None, config_file="", cache=""):
    """
    The ids of the project's objects of a name, out of what this run has read already.

    :param resource: loadbalancer, listener, pool, healthmonitor or l7policy
    :param name: their name
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: as in :py:func:`plan`
    :param cache: as in :py:func:`plan`
    :return: a list of ids
    :raises CommandExecutionError: when the cloud cannot be read, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.known loadbalancer web cloud_name=octavia
    """
    found = _session(cloud_name, auth, config_file, cache).known(resource, str(name))
    return [item["id"] for item in found]


@_told
def plan(declared, cloud_name="", auth=None, config_file="", cache="", base="", **options):
    """
    What has to be done to make the server what is declared; nothing is written.

    :param declared: lists of ``loadbalancers``, ``flavors``, ``flavorprofiles``,
        ``availabilityzones``, ``availabilityzoneprofiles`` and ``quotas``
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :param cache: ``parents`` to remember members and rules from run to run as long as their
        parents are unchanged; ``off`` (default)
    :param base: put before the paths of findings
    :param options: ``tree`` and ``batch``, see the manual
    :return: ``findings``, ``refused``, ``changes`` by unit, ``operations`` (one line each) and the
        number of ``requests`` and ``writes``
    :raises CommandExecutionError: when the cloud cannot be read, with the next step

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.plan '{loadbalancers: [{name: web, admin_state_up: false}]}'
    """
    session = _session(cloud_name, auth, config_file, cache)
    before = session.client.counters.total
    made = session.plan(declared, operations.Options(base=base, **options))
    units = {unit.key: _unit(unit, unit.changes) for unit in made.units}
    return {
        **_answer(made, units),
        "operations": [f"{item.action} {item.label}".rstrip() for item in made.operations],
        "requests": session.client.counters.total - before,
        "writes": made.writes,
        "seconds": 0.0,
    }


@_told
def apply(
    declared,
    cloud_name="",
    auth=None,
    config_file="",
    cache="",
    base="",
    timeout=600,
    wait=True,
    **options,
):
    """
    Makes the server what is declared: load balancers side by side, one step after the other on
    each of them. How far it is goes to the log and, with a master, to its event bus as
    ``salt/octaviav2/progress``.

    :param declared: as in :py:func:`plan`
    :param cloud_name: a cloud of clouds.yaml
    :param auth: what such a cloud would have there
    :param config_file: the clouds.yaml, where it is not in one of the usual places
    :param cache: as in :py:func:`plan`
    :param base: put before the paths of findings
    :param timeout: seconds that a load balancer may stay PENDING
    :param wait: wait until all of them are ACTIVE
    :param options: as in :py:func:`plan`
    :return: as :py:func:`plan`, with what truly happened
    :raises CommandExecutionError: when the cloud cannot be read, with the next step; what fails
        while writing stands in the answer

    CLI Example:

    .. code-block:: bash

        salt-call octaviav2.apply '{loadbalancers: [{name: web, admin_state_up: false}]}'
    """
    session = _session(cloud_name, auth, config_file, cache)
    before = session.client.counters.total
    chosen = operations.Options(base=base, **options)
    made, result = session.apply(declared, chosen, _Teller(), float(timeout), bool(wait))
    units = {}
    for key, outcome in result.units.items():
        units[key] = _unit(outcome.unit, outcome.changes, outcome.id)
        if outcome.error:
            failed = f"{outcome.failed.action} {outcome.failed.label}" if outcome.failed else ""
            units[key]["error"] = f"{failed}: {outcome.error}"
            units[key]["error_type"] = type(outcome.error).__name__
    return {
        **_answer(made, units),
        "requests": session.client.counters.total - before,
        "writes": result.writes,
        "seconds": round(result.seconds, 1),
    }


def _answer(made: operations.Plan, units: dict[str, Any]) -> dict[str, Any]:
    return {
        "findings": made.findings,
        "refused": made.refused,
        "units": units,
        "changes": {key: unit["changes"] for key, unit in units.items() if unit["changes"]},
    }


def _unit(unit: operations.Unit, changes: Mapping[str, Any], identity: str = "") -> dict[str, Any]:
    wrong = findings.errors(unit.findings)
    return {
        "name": unit.name,
        "id": identity or unit.id,
        # What may hold references to objects that are not there yet is text outside of here.
        "changes": json.loads(json.dumps(changes, default=str)),
        "unmanaged": unit.unmanaged,
        "error": findings.describe(wrong) if wrong else "",
        "error_type": "Findings" if wrong else "",
    }


class _Teller:
    """Tells how far a run is, not too often."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def __call__(self, progress: Any) -> None:
        if time.monotonic() - self._told < TOLD_EVERY:
            return
        self._told = time.monotonic()
        pending = ", ".join(sorted(progress.pending)[:10])
        more = f" and {len(progress.pending) - 10} more" if len(progress.pending) > 10 else ""
        log.info(
            "octaviav2: %d of %d done, %d failed, under way: %s%s",
            *(progress.done, progress.of, progress.failed, pending, more),
        )
        if __opts__.get("file_client") != "local":
            data = {key: getattr(progress, key) for key in ("done", "of", "failed", "pending")}
            __salt__["event.send"](PROGRESS_TAG, data)
