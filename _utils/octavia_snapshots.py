"""Fills a snapshot from the server, and keeps it true to what this run changes there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

try:
    import octavia_errors as errors
    import octavia_resources as resources
    from octavia_parents import Parents
    from octavia_snapshot import BELOW, Snapshot
except ImportError:
    from salt_formula_octavia.utils import octavia_errors as errors
    from salt_formula_octavia.utils import octavia_resources as resources
    from salt_formula_octavia.utils.octavia_parents import Parents
    from salt_formula_octavia.utils.octavia_snapshot import BELOW, Snapshot

if TYPE_CHECKING:
    from octavia_reader import Reader

Object = dict[str, Any]

#: What belongs to a project and can be listed.
LISTS = ("loadbalancer", "listener", "pool", "healthmonitor", "l7policy")
#: Parents whose children are read one parent at a time.
CHILDREN = {parent: child for child, (parent, _) in BELOW.items()}


def take(
    reader: Reader,
    parents: Parents | None = None,
    project_id: str | None = None,
    lists: Iterable[str] = LISTS,
    more: Iterable[str] = (),
    zones: Iterable[str] = (),
    version: bool = True,
) -> Snapshot:
    """
    Reads what stands on the server, all lists side by side.

    :param reader: a client
    :param parents: what an earlier run has recorded
    :param project_id: the project; None for the one that is logged in to, empty for all that the
        user may see
    :param lists: resources that belong to a project
    :param more: resources that do not: flavor, flavorprofile, availabilityzone,
        availabilityzoneprofile, provider, amphora; and quota, of the project
    :param zones: names of availability zones that are asked for one by one where there are too
        many to be listed
    :param version: whether the version of the API is asked for; without it the snapshot has the
        newest that is known
    :return: the snapshot, without members and rules
    :raises OctaviaError: for every answer that is no success
    """
    project = reader.project_id if project_id is None else project_id
    mine = [("project_id", project)] if project else []
    wanted = [*((name, mine) for name in lists), *((name, _filter(name, mine)) for name in more)]
    calls = [_call(reader, name, query, zones) for name, query in wanted]
    known = parents.api_version if parents else None
    if version and known is None:
        calls.append(_ask_version(reader))
    answers = reader.parallel(calls)
    snapshot = Snapshot(project_id=project)
    if version:
        snapshot.api_version = known or reader.api_version()
    for (name, _), (items, date) in zip(wanted, answers):
        for item in items:
            snapshot.add(name, item)
        if parents and name in CHILDREN:
            parents.dates[CHILDREN[name]] = date
    snapshot.providers = tuple(snapshot.objects.get("provider", ()))
    limits = snapshot.get("quota", project) or {}
    snapshot.quota = {k: v for k, v in limits.items() if k in resources.RESOURCES["quota"].fields}
    return snapshot


def _ask_version(reader: Reader) -> Callable[[], tuple[list[Object], float | None]]:
    def ask() -> tuple[list[Object], float | None]:
        reader.api_version()
        return [], None

    return ask


def _filter(name: str, mine: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return mine if name == "quota" else []


def _call(
    reader: Reader, name: str, query: list[tuple[str, str]], zones: Iterable[str]
) -> Callable[[], tuple[list[Object], float | None]]:
    def read() -> tuple[list[Object], float | None]:
        try:
            items, date = reader.list_with_date(name, query=query)
        except errors.Truncated:
            if name != "availabilityzone":
                raise
            return [zone for zone in map(_getter(reader), zones) if zone], None
        # The server may be told not to filter.
        wanted = dict(query)
        return [i for i in items if all(i.get(k, v) == v for k, v in wanted.items())], date

    return read


def _getter(reader: Reader) -> Callable[[str], Object | None]:
    def get(name: str) -> Object | None:
        try:
            return reader.get("availabilityzone", name)
        except errors.NotFound:
            return None

    return get


def read_children(
    reader: Reader,
    snapshot: Snapshot,
    pools: Iterable[str] = (),
    policies: Iterable[str] = (),
    parents: Parents | None = None,
) -> None:
    """
    Reads the members of pools and the rules of policies, those that are not known yet, side by
    side.

    :param reader: a client
    :param snapshot: takes them in
    :param pools: ids of pools
    :param policies: ids of L7 policies
    :param parents: what an earlier run has recorded; it is written anew
    :raises OctaviaError: for every answer that is no success
    """
    missing: list[tuple[str, str]] = []
    for resource, ids in (("member", pools), ("l7rule", policies)):
        for identity in ids:
            above = snapshot.get(BELOW[resource][0], identity)
            if snapshot.is_read(resource, identity):
                continue
            known = parents.children(resource, above) if parents and above else None
            if known is None:
                missing.append((resource, identity))
            else:
                _put(snapshot, resource, identity, known)

    def call(resource: str, identity: str) -> Callable[[], list[Object]]:
        return lambda: reader.list_all(resource, identity)

    answers = reader.parallel([call(*each) for each in missing])
    for (resource, identity), items in zip(missing, answers):
        _put(snapshot, resource, identity, items)
        above = snapshot.get(BELOW[resource][0], identity)
        if parents and above:
            parents.record(resource, above, items)
    if parents:
        parents.save(snapshot.api_version)


def _put(snapshot: Snapshot, resource: str, parent: str, items: Iterable[Object]) -> None:
    snapshot.children[resource, parent] = {}
    for item in items:
        snapshot.add(resource, item, parent)


# -- keeping it true ------------------------------------------------------------------------------


def add_tree(snapshot: Snapshot, tree: Mapping[str, Any]) -> None:
    """
    Takes in a load balancer with everything below it.

    :param snapshot: takes it in
    :param tree: as a create of it is answered
    """
    above = [{"id": tree["id"]}]
    listeners, pools = tree.get("listeners") or [], tree.get("pools") or []
    lb = {**tree, "listeners": _ids(listeners), "pools": _ids(pools)}
    snapshot.add("loadbalancer", lb)
    for listener in listeners:
        policies = listener.get("l7policies") or []
        plain = {**listener, "loadbalancers": above, "l7policies": _ids(policies)}
        snapshot.add("listener", plain)
        for policy in policies:
            rules = policy.get("rules") or []
            snapshot.add("l7policy", {**policy, "rules": _ids(rules)})
            _put(snapshot, "l7rule", policy["id"], rules)
    for pool in pools:
        _add_pool(snapshot, pool, above)


def _add_pool(snapshot: Snapshot, pool: Object, above: list[Object]) -> None:
    members, monitor = pool.get("members") or [], pool.get("healthmonitor")
    plain = {name: value for name, value in pool.items() if name != "healthmonitor"}
    plain.update(loadbalancers=above, members=_ids(members), healthmonitor_id=None)
    if monitor:
        plain["healthmonitor_id"] = monitor["id"]
        snapshot.add("healthmonitor", {**monitor, "pools": [{"id": pool["id"]}]})
    snapshot.add("pool", plain)
    _put(snapshot, "member", pool["id"], members)


def _ids(items: Iterable[Mapping[str, Any]]) -> list[Object]:
    return [{"id": item["id"]} for item in items]


def forget_children(snapshot: Snapshot, resource: str, parent: str) -> None:
    """
    Makes members or rules unknown, so that they are read again where they matter.

    :param snapshot: forgets them
    :param resource: ``member`` or ``l7rule``
    :param parent: id of the pool or policy
    """
    snapshot.children.pop((resource, parent), None)
    kind, key = BELOW[resource]
    above = snapshot.get(kind, parent)
    if above is not None:
        # Its own list of ids has become wrong as well.
        snapshot.add(kind, {name: value for name, value in above.items() if name != key})


def renumber(snapshot: Snapshot, listener_id: str, moved: Mapping[str, Any] | None = None) -> None:
    """
    Numbers the policies of a listener anew, as the server does at each change.

    :param snapshot: holds them
    :param listener_id: the listener
    :param moved: the policy that was created or moved, which keeps its position
    """
    identity = moved["id"] if moved else ""
    others = [item for item in snapshot.policies(listener_id) if item["id"] != identity]
    if moved:
        others.insert(moved["position"] - 1, dict(moved))
    for position, item in enumerate(others, 1):
        snapshot.add("l7policy", {**item, "position": position})


def settle(snapshot: Snapshot, lb_id: str, status: str) -> None:
    """
    Notes that a load balancer, and all that waited with it, has come to rest.

    :param snapshot: holds it
    :param lb_id: its id
    :param status: ACTIVE or ERROR
    """
    lb = snapshot.get("loadbalancer", lb_id)
    if lb is None:
        return
    lb["provisioning_status"] = status
    if status != "ACTIVE":
        return
    listeners, pools = snapshot.below("listener", lb_id), snapshot.below("pool", lb_id)
    items = [*listeners, *pools]
    for listener in listeners:
        for policy in snapshot.below("l7policy", listener["id"]):
            items += [policy, *snapshot.below("l7rule", policy["id"])]
    for pool in pools:
        items += snapshot.below("healthmonitor", pool["id"])
        items += snapshot.below("member", pool["id"])
    for item in items:
        if str(item.get("provisioning_status", "")).startswith("PENDING"):
            item["provisioning_status"] = status


def note_created(snapshot: Snapshot, resource: str, answer: Object, parent: str = "") -> None:
    """
    Takes in what was created.

    :param snapshot: takes it in
    :param resource: name of the resource
    :param answer: the object as the server answered it
    :param parent: id of the pool of a member, or of the policy of a rule
    """
    if resource == "loadbalancer":
        add_tree(snapshot, answer)
    elif resource in BELOW:
        _note_child(snapshot, resource, answer, parent)
    elif resource == "l7policy":
        snapshot.add(resource, answer)
        renumber(snapshot, answer["listener_id"], answer)
    else:
        snapshot.add(resource, answer)


def _note_child(snapshot: Snapshot, resource: str, answer: Object, parent: str) -> None:
    if not snapshot.is_read(resource, parent):
        forget_children(snapshot, resource, parent)
        return
    snapshot.add(resource, answer, parent)
    kind, key = BELOW[resource]
    above = snapshot.get(kind, parent)
    if above is not None:
        snapshot.add(kind, {**above, key: _ids(snapshot.below(resource, parent))})


def note_updated(
    snapshot: Snapshot, resource: str, identity: str, answer: Object, parent: str = ""
) -> None:
    """
    Takes in what was changed.

    :param snapshot: takes it in
    :param resource: name of the resource
    :param identity: its id; a zone's name, a quota's project
    :param answer: the object as the server answered it
    :param parent: id of the pool of a member, or of the policy of a rule
    """
    if resource == "quota":
        snapshot.add(resource, {**answer, "project_id": identity})
    elif resource in BELOW:
        _note_child(snapshot, resource, answer, parent)
    elif resource == "l7policy":
        snapshot.add(resource, answer)
        renumber(snapshot, answer["listener_id"], answer)
    elif resource == "loadbalancer":
        snapshot.add(resource, {**(snapshot.get(resource, identity) or {}), **answer})
    else:
        snapshot.add(resource, answer)


def note_deleted(snapshot: Snapshot, resource: str, identity: str, parent: str = "") -> None:
    """
    Forgets what was deleted.

    :param snapshot: forgets it
    :param resource: name of the resource
    :param identity: its id; a zone's name, a quota's project
    :param parent: id of the pool of a member, or of the policy of a rule
    """
    if resource == "loadbalancer":
        snapshot.remove_tree(identity)
    elif resource in BELOW and not snapshot.is_read(resource, parent):
        forget_children(snapshot, resource, parent)
    elif resource == "l7policy":
        policy = snapshot.get(resource, identity)
        snapshot.remove(resource, identity)
        snapshot.children.pop(("l7rule", identity), None)
        if policy is not None:
            renumber(snapshot, policy["listener_id"])
    else:
        snapshot.remove(resource, identity, parent)
        if resource == "pool":
            snapshot.children.pop(("member", identity), None)
            for monitor in snapshot.below("healthmonitor", identity):
                snapshot.remove("healthmonitor", monitor["id"])
        elif resource == "listener":
            for policy in snapshot.below("l7policy", identity):
                snapshot.children.pop(("l7rule", policy["id"]), None)
                snapshot.remove("l7policy", policy["id"])
