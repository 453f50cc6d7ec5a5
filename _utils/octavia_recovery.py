"""
What became of a write that got no answer: finds its own result among the objects of the server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

try:
    import octavia_errors as errors
    import octavia_resources as resources
except ImportError:
    from salt_formula_octavia.utils import octavia_errors as errors
    from salt_formula_octavia.utils import octavia_resources as resources

Object = dict[str, Any]

#: Filters that narrow the list in which the result of a create must be.
FILTERS = {
    "loadbalancer": ("name", "project_id"),
    "listener": ("loadbalancer_id", "protocol_port"),
    "pool": ("loadbalancer_id", "name"),
    "member": ("protocol_port",),
    "healthmonitor": ("pool_id",),
    "l7policy": ("listener_id", "name"),
    "l7rule": ("type",),
    "flavor": ("name",),
    "flavorprofile": ("name",),
    "availabilityzone": ("name",),
    "availabilityzoneprofile": ("name",),
}
#: Of these the server takes no second one, so that a create can be repeated without harm.
UNIQUE = ("listener", "member", "healthmonitor", "flavor", "availabilityzone")
#: What the server answers otherwise than it was sent, though nothing is wrong.
REWRITTEN = ("position", "request_sriov")


def filters(resource: str, body: Mapping[str, Any]) -> dict[str, str]:
    """
    The filters of the list that must hold the result of a create.

    :param resource: name of the resource
    :param body: what was to be created
    :return: names and values; may be empty
    """
    names = FILTERS.get(resource, ())
    return {name: str(body[name]) for name in names if body.get(name) not in (None, "")}


def matches(resource: str, body: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    """
    Whether an object has all the values of a request.

    :param resource: name of the resource
    :param body: the fields of the request
    :param item: the object as the server answers it
    :return: True when it has; fields that the object does not show are left aside
    """
    fields = resources.RESOURCES[resource].fields
    for name, value in body.items():
        if name not in fields or name not in item or name in REWRITTEN:
            continue
        if fields[name].normalise(value) != fields[name].normalise(item[name]):
            return False
    return True


def own_result(
    resource: str,
    body: Mapping[str, Any],
    items: Iterable[Object],
    not_before: float | None,
    margin: float,
) -> Object | None:
    """
    The object that a create without an answer has made.

    :param resource: name of the resource
    :param body: what was to be created
    :param items: the objects in question
    :param not_before: when the create was sent, by the server's clock; None where it is not known
    :param margin: seconds by which the clocks of the servers may differ
    :return: the object, None when there is none
    :raises Ambiguous: when several could be it
    """
    # Lists and mappings may be completed by the server, and a miss here would make a second object.
    plain = {k: v for k, v in body.items() if isinstance(v, (str, int, float))}
    after = None if not_before is None else not_before - margin
    found = [item for item in items if matches(resource, plain, item) and _is_new(item, after)]
    if len(found) > 1:
        ids = [str(item.get("id", item.get("name"))) for item in found]
        reason = f"an answer was lost, and several objects could be its result: {', '.join(ids)}"
        raise errors.Ambiguous(reason, ids, resource=resource)
    return found[0] if found else None


def _is_new(item: Object, after: float | None) -> bool:
    created = item.get("created_at")
    if after is None or not created:
        return True
    return datetime.fromisoformat(created).replace(tzinfo=timezone.utc).timestamp() >= after
