"""What stands on the server, as its lists told: found by id, name and parent without a search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Object = dict[str, Any]

#: How an object names the one that it belongs to.
PARENTS = {
    "listener": ("loadbalancer", "loadbalancers"),
    "pool": ("loadbalancer", "loadbalancers"),
    "healthmonitor": ("pool", "pools"),
    "l7policy": ("listener", "listener_id"),
}
#: Objects that can be read below their parent only, and the ids of them that the parent lists.
BELOW = {"member": ("pool", "members"), "l7rule": ("l7policy", "rules")}
IDENTITIES = {"availabilityzone": "name", "provider": "name", "quota": "project_id"}


class Snapshot:
    """
    The objects of one project.

    :ivar objects: by resource and id (a zone's name, a quota's project)
    :ivar children: members and rules by (resource, id of the parent); present only when read
    :ivar api_version: of the server, such as ``(2, 26)``
    :ivar project_id: the project whose objects these are; empty for all that the user may see
    :ivar providers: names of the providers, empty when nobody asked
    :ivar quota: limits of the project by resource, empty when nobody asked
    """

    def __init__(
        self,
        api_version: tuple[int, int] = (2, 30),
        project_id: str = "",
        providers: Iterable[str] = (),
        quota: Mapping[str, int | None] | None = None,
    ) -> None:
        self.api_version = api_version
        self.project_id = project_id
        self.providers = tuple(providers)
        self.quota = dict(quota or {})
        self.objects: dict[str, dict[str, Object]] = {}
        self.children: dict[tuple[str, str], dict[str, Object]] = {}
        self._names: dict[tuple[str, str], dict[str, None]] = {}
        self._below: dict[tuple[str, str], dict[str, None]] = {}

    @property
    def minor(self) -> int:
        """The minor version of the server's API."""
        return self.api_version[1]

    def add(self, resource: str, item: Object, parent: str = "") -> None:
        """
        Takes in an object, in the place of one with its id.

        :param resource: name of the resource
        :param item: the object as the server answers it
        :param parent: id of the pool of a member, or of the policy of a rule
        """
        identity = item[IDENTITIES.get(resource, "id")]
        if resource in BELOW:
            self.children.setdefault((resource, parent), {})[identity] = item
            return
        self.remove(resource, identity)
        self.objects.setdefault(resource, {})[identity] = item
        self._names.setdefault((resource, item.get("name") or ""), {})[identity] = None
        for above in _parents(resource, item):
            self._below.setdefault((resource, above), {})[identity] = None

    def remove(self, resource: str, identity: str, parent: str = "") -> None:
        """
        Forgets an object, if it is there.

        :param resource: name of the resource
        :param identity: its id
        :param parent: id of the pool of a member, or of the policy of a rule
        """
        if resource in BELOW:
            self.children.get((resource, parent), {}).pop(identity, None)
            return
        item = self.objects.get(resource, {}).pop(identity, None)
        if item is None:
            return
        self._names[resource, item.get("name") or ""].pop(identity, None)
        for above in _parents(resource, item):
            self._below[resource, above].pop(identity, None)

    def remove_tree(self, lb_id: str) -> None:
        """
        Forgets a load balancer and all that is below it.

        :param lb_id: its id
        """
        for listener in self.below("listener", lb_id):
            for policy in self.below("l7policy", listener["id"]):
                self.children.pop(("l7rule", policy["id"]), None)
                self.remove("l7policy", policy["id"])
            self.remove("listener", listener["id"])
        for pool in self.below("pool", lb_id):
            for monitor in self.below("healthmonitor", pool["id"]):
                self.remove("healthmonitor", monitor["id"])
            self.children.pop(("member", pool["id"]), None)
            self.remove("pool", pool["id"])
        self.remove("loadbalancer", lb_id)

    def get(self, resource: str, identity: str) -> Object | None:
        """An object by its id, None when there is none."""
        return self.objects.get(resource, {}).get(identity)

    def by_name(self, resource: str, name: str, project_id: str = "") -> list[Object]:
        """
        The objects of a name.

        :param resource: name of the resource
        :param name: their name
        :param project_id: only those of this project; empty for any
        :return: all of them, names are not unique
        """
        items = self.objects.get(resource, {})
        found = [items[identity] for identity in self._names.get((resource, name), {})]
        wanted = project_id or self.project_id
        return [item for item in found if not wanted or item.get("project_id", wanted) == wanted]

    def below(self, resource: str, parent: str) -> list[Object]:
        """
        The objects of a resource that belong to another object.

        :param resource: name of the resource
        :param parent: id of the load balancer, listener, pool or policy
        :return: them; for members and rules those that were read
        """
        if resource in BELOW:
            return list(self.children.get((resource, parent), {}).values())
        items = self.objects.get(resource, {})
        return [items[identity] for identity in self._below.get((resource, parent), {})]

    def policies(self, listener_id: str) -> list[Object]:
        """The policies of a listener in the order in which they are tried."""
        return sorted(self.below("l7policy", listener_id), key=lambda item: item["position"])

    def is_read(self, resource: str, parent: str) -> bool:
        """
        Whether the members of a pool, or the rules of a policy, are known.

        :param resource: ``member`` or ``l7rule``
        :param parent: id of the pool or policy
        :return: True when they were read, or when the parent says that it has none
        """
        if (resource, parent) in self.children:
            return True
        kind, key = BELOW[resource]
        above = self.get(kind, parent)
        return above is not None and above.get(key) == []

    def tree(self, lb_id: str) -> Object:
        """
        A load balancer with all that is known below it.

        :param lb_id: its id
        :return: the object with ``listeners`` (with ``l7policies``, with ``rules``) and ``pools``
            (with ``members`` and ``healthmonitor``) as whole objects in the place of ids
        :raises KeyError: when there is no such load balancer
        """
        tree = dict(self.objects["loadbalancer"][lb_id])
        tree["listeners"] = [self._listener(item) for item in self.below("listener", lb_id)]
        tree["pools"] = [self._pool(item) for item in self.below("pool", lb_id)]
        return tree

    def _listener(self, listener: Object) -> Object:
        policies = [
            {**policy, "rules": self.below("l7rule", policy["id"])}
            for policy in self.policies(listener["id"])
        ]
        return {**listener, "l7policies": policies}

    def _pool(self, pool: Object) -> Object:
        monitors = self.below("healthmonitor", pool["id"])
        members = self.below("member", pool["id"])
        return {**pool, "members": members, "healthmonitor": monitors[0] if monitors else None}


def _parents(resource: str, item: Object) -> list[str]:
    """The ids of the objects that an object belongs to."""
    if resource not in PARENTS:
        return []
    value = item.get(PARENTS[resource][1])
    if isinstance(value, str):
        return [value]
    return [entry["id"] for entry in value or ()]
