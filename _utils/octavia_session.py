"""
A client with its snapshots: what the functions of one Salt run share of one project on one cloud.

Only what a question needs is read, and only once; what this run writes is kept up in the snapshot.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

try:
    import octavia_errors as errors
    import octavia_execute as execution
    import octavia_findings as findings
    import octavia_plan as planning
    import octavia_resources as resources
    import octavia_snapshots as snapshots
    from octavia_client import Client
    from octavia_desired import label
    from octavia_operations import Options, Plan
    from octavia_parents import Parents
    from octavia_snapshot import PARENTS, Object, Snapshot
except ImportError:
    from salt_formula_octavia.utils import octavia_errors as errors
    from salt_formula_octavia.utils import octavia_execute as execution
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_plan as planning
    from salt_formula_octavia.utils import octavia_resources as resources
    from salt_formula_octavia.utils import octavia_snapshots as snapshots
    from salt_formula_octavia.utils.octavia_client import Client
    from salt_formula_octavia.utils.octavia_desired import label
    from salt_formula_octavia.utils.octavia_operations import Options, Plan
    from salt_formula_octavia.utils.octavia_parents import Parents
    from salt_formula_octavia.utils.octavia_snapshot import PARENTS, Object, Snapshot

#: The lists that a declaration needs, by its keys.
NEEDS = {
    "loadbalancers": snapshots.LISTS,
    "flavorprofiles": ("flavorprofile", "flavor"),
    "flavors": ("flavorprofile", "flavor"),
    "availabilityzoneprofiles": ("availabilityzoneprofile", "availabilityzone"),
    "availabilityzones": ("availabilityzoneprofile", "availabilityzone"),
    "quotas": ("quota",),
}
UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
#: Seconds for which a snapshot is believed that nobody used meanwhile; a run uses it all the time.
BELIEVED = 60.0


class Session:
    """
    One project on one cloud.

    :param client: the way to it
    :param folder: where members and rules are remembered from run to run; empty for nowhere
    """

    def __init__(self, client: Client, folder: str = "") -> None:
        self.client = client
        self._folder = folder
        self._snapshots: dict[str, Snapshot] = {}
        self._parents: dict[str, Parents] = {}
        self._taken: dict[str, set[str]] = {}
        self._defaults: dict[str, Any] | None = None
        self._used = time.monotonic()

    def forget(self) -> None:
        """Reads everything anew from now on."""
        self._snapshots.clear()
        self._taken.clear()

    def snapshot(self, wanted: Iterable[str], project_id: str | None = None) -> Snapshot:
        """
        What stands on the server.

        :param wanted: resources that are needed; members and rules aside
        :param project_id: the project; None for the one that is logged in to, empty for all that
            the user may see
        :return: the snapshot, shared by all who ask for the same project
        :raises OctaviaError: for every answer that is no success
        """
        if time.monotonic() - self._used > BELIEVED:
            self.forget()
        self._used = time.monotonic()
        project = self.client.project_id if project_id is None else project_id
        missing = set(wanted) - self._taken.setdefault(project, set())
        if missing:
            parents = self._parents_of(project)
            mine = [name for name in snapshots.LISTS if name in missing]
            more = sorted(missing - set(mine))
            fresh = snapshots.take(self.client, parents, project, mine, more, version=False)
            self._take_in(project, fresh)
            self._taken[project] |= missing
        return self._snapshots[project]

    def _parents_of(self, project: str) -> Parents | None:
        if self._folder and project not in self._parents:
            endpoint = self.client.cloud.endpoint
            self._parents[project] = Parents(self._folder, endpoint, project)
        return self._parents.get(project)

    def _take_in(self, project: str, fresh: Snapshot) -> None:
        known = self._snapshots.setdefault(project, fresh)
        if known is not fresh:
            for resource, items in fresh.objects.items():
                for item in items.values():
                    known.add(resource, item)
            known.providers = known.providers or fresh.providers
            known.quota = known.quota or fresh.quota

    def plan(self, declared: Mapping[str, Any], options: Options | None = None) -> Plan:
        """
        What has to be done to make the server what is declared.

        :param declared: lists of load balancers, flavors and so on, see ``octavia_desired``
        :param options: how to plan
        :return: the plan
        :raises OctaviaError: for every answer that is no success
        """
        return self._planned(declared, options or Options())[0]

    def _planned(self, declared: Mapping[str, Any], options: Options) -> tuple[Plan, Snapshot]:
        project = self._project(declared)
        snapshot = self.snapshot(_needed(declared), project)
        if _items(declared, "quotas"):
            known = {**options.defaults, "quota": self._quota_defaults()}
            options = replace(options, defaults=known)
        pools, policies = planning.what_to_read(declared, snapshot, options)
        key = self.client.project_id if project is None else project
        snapshots.read_children(self.client, snapshot, pools, policies, self._parents_of(key))
        plan = planning.plan(declared, snapshot, options)
        if plan.operations or findings.errors(plan.findings):
            # Only now it matters how old the server is.
            version = self.client.api_version()
            if snapshot.api_version != version:
                snapshot.api_version = version
                plan = planning.plan(declared, snapshot, options)
        return plan, snapshot

    def _quota_defaults(self) -> dict[str, Any]:
        """The limits of a project that nobody set any for, which lists show like limits."""
        if self._defaults is None:
            answer = self.client.request("GET", "lbaas/quotas/defaults")
            self._defaults = dict(answer["quota"])
        return self._defaults

    def _project(self, declared: Mapping[str, Any]) -> str | None:
        """The project to look at: all of them where something of another one is declared."""
        items = [*_items(declared, "loadbalancers"), *_items(declared, "quotas")]
        named = {item.get("project_id") or self.client.project_id for item in items}
        return None if named <= {self.client.project_id} else ""

    def apply(
        self,
        declared: Mapping[str, Any],
        options: Options | None = None,
        progress: Callable[[execution.Progress], None] | None = None,
        timeout: float = 600.0,
        wait: bool = True,
    ) -> tuple[Plan, execution.Result]:
        """
        Makes the server what is declared.

        :param declared: as :meth:`plan` takes it
        :param options: how to plan
        :param progress: called now and then
        :param timeout: seconds that a load balancer may stay PENDING
        :param wait: also wait after the last operation of each load balancer
        :return: the plan and what became of it
        :raises OctaviaError: when the server cannot be read; errors of writing are in the result
        """
        plan, snapshot = self._planned(declared, options or Options())
        limit = self.client.limits.concurrency
        result = execution.execute(
            plan, self.client, snapshot, progress, limit, timeout=timeout, wait=wait
        )
        if result.failed or not wait:
            self.forget()
        return plan, result

    def find(self, resource: str, key: str, parent: str = "", **filters: Any) -> Object:
        """
        An object by its id, or by its name in the project that is logged in to.

        :param resource: name of the resource
        :param key: id or name; of a member also ``address:port``
        :param parent: id of the pool of a member, or of the policy of a rule
        :param filters: what the object must have besides
        :return: the object
        :raises NotFound: when there is none
        :raises Ambiguous: when several have that name, with their ids
        :raises OctaviaError: for every other answer that is no success
        """
        table = resources.RESOURCES[resource]
        about: dict[str, Any] = {"resource": resource, "operation": f"find {resource} {key}"}
        if table.identity != "id":
            return self.client.get(resource, key)
        if UUID.fullmatch(key):
            try:
                return self.client.get(resource, key, parent)
            except errors.NotFound:
                # A name may look like an id.
                pass
        if parent:
            items = self.client.list_all(resource, parent, **filters)
            found = [item for item in items if key in _names(resource, item)]
        else:
            found = self.client.list_all(resource, name=key, **self._mine(resource), **filters)
        if not found:
            raise errors.NotFound(f"there is no {resource} {key}", **about)
        if len(found) > 1:
            ids = sorted(item["id"] for item in found)
            reason = f"{len(found)} {table.plural} are named {key}: {', '.join(ids)}"
            raise errors.Ambiguous(reason, ids, **about)
        return found[0]

    def known(self, resource: str, name: str) -> list[Object]:
        """
        The project's objects of a name, out of the snapshot that plans are made from.

        :param resource: one of those that belong to a project
        :param name: their name
        :return: the objects
        :raises OctaviaError: when the lists cannot be read
        """
        return self.snapshot(snapshots.LISTS).by_name(resource, name)

    def _mine(self, resource: str) -> dict[str, str]:
        """Administrators see the objects of all projects, of which only those here are meant."""
        scoped = resource in snapshots.LISTS and self.client.project_id
        return {"project_id": self.client.project_id} if scoped else {}

    def lock_of(self, resource: str, item: Mapping[str, Any], parent: str = "") -> str:
        """
        The load balancer that a write to an object locks.

        :param resource: name of the resource
        :param item: the object, or the body of its create
        :param parent: id of the pool of a member, or of the policy of a rule
        :return: its id, empty where there is none
        :raises OctaviaError: when the objects in between cannot be read
        """
        if resource == "loadbalancer":
            return str(item.get("id") or "")
        if item.get("loadbalancer_id"):
            return str(item["loadbalancer_id"])
        if item.get("loadbalancers"):
            return str(item["loadbalancers"][0]["id"])
        above = {"member": "pool", "l7rule": "l7policy"}.get(resource)
        above = above or PARENTS.get(resource, ("", ""))[0]
        identity = parent or item.get(f"{above}_id") or _first(item, above)
        if not above or above == "loadbalancer" or not identity:
            return ""
        return self.lock_of(above, self.client.get(above, identity))

    def export(self, key: str) -> dict[str, Any]:
        """
        A load balancer in the form in which it is declared.

        :param key: its id or name
        :return: the declaration
        :raises OctaviaError: when it cannot be read
        """
        lb = self.find("loadbalancer", key)
        snapshot = self.snapshot(snapshots.LISTS, lb["project_id"])
        if snapshot.get("loadbalancer", lb["id"]) is None:
            self.forget()
            snapshot = self.snapshot(snapshots.LISTS, lb["project_id"])
        pools = [item["id"] for item in snapshot.below("pool", lb["id"])]
        listeners = snapshot.below("listener", lb["id"])
        policies = [
            item["id"] for one in listeners for item in snapshot.below("l7policy", one["id"])
        ]
        snapshots.read_children(self.client, snapshot, pools, policies)
        return planning.export(snapshot, lb["id"])


def _needed(declared: Mapping[str, Any]) -> set[str]:
    """The lists that a declaration needs."""
    needed = {name for key in declared for name in NEEDS.get(str(key), ())}
    if any(item.get("flavor") for item in _items(declared, "loadbalancers")):
        needed.add("flavor")
    return needed


def _items(declared: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The objects of a list, as far as the list is one; what else is wrong the planner tells."""
    items = declared.get(key)
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _names(resource: str, item: Mapping[str, Any]) -> tuple[str, ...]:
    """All that an object below a parent may be called."""
    return (item["id"], str(item.get("name") or ""), label(resource, item).partition(" ")[2])


def _first(item: Mapping[str, Any], above: str) -> str:
    entries = item.get(f"{above}s") or ()
    return str(entries[0]["id"]) if entries else ""
