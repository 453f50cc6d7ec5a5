"""
Reads the Octavia API: lists are whole, errors have a class, and load balancers are waited for
together.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

try:
    import octavia_cloud as clouds
    import octavia_errors as errors
    import octavia_poller as polling
    import octavia_resources as resources
    from octavia_attempts import Attempts, Limits
    from octavia_transport import Answer, Counters, Transport
except ImportError:
    from salt_formula_octavia.utils import octavia_cloud as clouds
    from salt_formula_octavia.utils import octavia_errors as errors
    from salt_formula_octavia.utils import octavia_poller as polling
    from salt_formula_octavia.utils import octavia_resources as resources
    from salt_formula_octavia.utils.octavia_attempts import Attempts, Limits
    from salt_formula_octavia.utils.octavia_transport import Answer, Counters, Transport

T = TypeVar("T")
Object = dict[str, Any]
Progress = Callable[[dict[str, str]], None]

LOADBALANCER = "loadbalancer"
#: Filters that objects do not show as a field of this name, and the list of ids that they show.
FILTER_FIELDS = {"loadbalancer_id": "loadbalancers", "pool_id": "pools"}


class Reader:
    """
    One project's view of one Octavia.

    It may be used by many threads, and by no other process than the one that made it.

    :param cloud: what ``octavia_cloud.connect`` gives
    :param limits: how patient it is
    """

    def __init__(self, cloud: clouds.Cloud, limits: Limits | None = None) -> None:
        self.cloud = cloud
        self.limits = limits or Limits()
        self._transport = Transport(cloud, self.limits.concurrency, self.limits.answer)
        self._poller = polling.Poller(self._look)
        self._stopped = threading.Event()
        self._version: tuple[int, int] | None = None
        self._listed: set[str] = set()

    @property
    def project_id(self) -> str:
        """The project that is logged in to, empty without a login."""
        return self.cloud.project_id

    @property
    def counters(self) -> Counters:
        """What was asked of the server so far."""
        return self._transport.counters

    def rest(self, seconds: float, repeated: int = 0) -> None:
        """
        Waits, until the client is closed at most.

        :param seconds: how long
        :param repeated: requests that are sent again because of it
        """
        self._transport.count_wait(seconds, repeated)
        self._stopped.wait(seconds)

    def _attempts(self) -> Attempts:
        return Attempts(self.limits, self.rest)

    def close(self) -> None:
        """Ends all pauses."""
        self._stopped.set()

    def parallel(self, calls: Iterable[Callable[[], T]]) -> list[T]:
        """
        Calls functions side by side.

        :param calls: functions without arguments
        :return: their results in this order
        :raises OctaviaError: the first one that a function raises
        """
        with ThreadPoolExecutor(self.limits.concurrency) as pool:
            futures = [pool.submit(call) for call in calls]
            return [future.result() for future in futures]

    def _read(self, path: str, query: Iterable[tuple[str, str]] = (), **about: Any) -> Answer:
        attempts = self._attempts()
        while True:
            try:
                return self._transport.send("GET", path, query=tuple(query), **about)
            except errors.Transient as problem:
                attempts.pause(problem)

    def api_version(self) -> tuple[int, int]:
        """
        The newest version of the API that the server has.

        :return: such as ``(2, 26)``; asked once
        :raises OctaviaError: when the server does not tell
        """
        if self._version is None:
            found = self._read("").body.get("versions", [])
            numbers = [item["id"].lstrip("v").split(".") for item in found]
            known = [(int(major), int(minor)) for major, minor in numbers if major == "2"]
            if not known:
                raise errors.Unsupported(
                    f"{self.cloud.endpoint} names no version 2 of the Octavia API"
                )
            self._version = max(known)
        return self._version

    def list_all(
        self, resource: str, parent: str = "", fields: Iterable[str] = (), **filters: Any
    ) -> list[Object]:
        """
        All objects of a resource.

        :param resource: name of the resource
        :param parent: id of the pool of members, or of the policy of rules
        :param fields: only these fields, where the server can do that
        :param filters: what the objects must have; the server filters, and so does the client,
            since the server may be told not to
        :return: the objects, each once
        :raises Truncated: when the API cannot page through such objects and there are too many
        :raises OctaviaError: for every other answer that is no success
        """
        asked = [(name, _text(value)) for name, value in filters.items()]
        found, _ = self.list_with_date(
            resource, parent, [*asked, *(("fields", name) for name in fields)]
        )
        return [item for item in found if _has(item, filters)]

    def list_with_date(
        self, resource: str, parent: str = "", query: Iterable[tuple[str, str]] = ()
    ) -> tuple[list[Object], float | None]:
        """
        All pages of a list, and when it was read.

        :param resource: name of the resource
        :param parent: id of the pool of members, or of the policy of rules
        :param query: names and values
        :return: the objects, and the server's clock at the first page, None where it has none
        :raises OctaviaError: as :meth:`list_all`
        """
        table = resources.RESOURCES[resource]
        about: dict[str, Any] = {"resource": resource, "operation": f"list {table.plural}"}
        path = table.path.format(parent=parent)
        found: dict[str, Object] = {}
        marker: list[tuple[str, str]] = []
        date, restarts = None, 2
        while True:
            page = [*query, ("limit", str(self.limits.page)), *marker]
            try:
                answer = self._read(path, page, **about)
            except errors.Invalid:
                if not marker or not restarts:
                    raise
                # What the last page ended with was deleted meanwhile.
                marker, restarts = [], restarts - 1
                found.clear()
                continue
            date = date or answer.date
            items = answer.body.get(table.plural, [])
            found.update((str(item[table.identity]), item) for item in items)
            links = answer.body.get(f"{table.plural}_links") or []
            # The link itself has lost the filters; it only tells that there may be more.
            if not items or not any(link.get("rel") == "next" for link in links):
                return list(found.values()), date
            if table.identity != "id":
                reason = f"the server shows {len(items)} {table.plural} and has more"
                raise errors.Truncated(reason, **about)
            marker = [("marker", str(items[-1]["id"]))]

    def get(self, resource: str, identity: str, parent: str = "") -> Object:
        """
        One object.

        :param resource: name of the resource
        :param identity: its id; a zone's name, a quota's project
        :param parent: id of the pool of a member, or of the policy of a rule
        :return: the object
        :raises NotFound: when there is none
        :raises OctaviaError: for every other answer that is no success
        """
        table = resources.RESOURCES[resource]
        about: dict[str, Any] = {"resource": resource, "operation": f"get {resource} {identity}"}
        return inner(self._read(self._path(resource, identity, parent), **about), table.key)

    def tree(self, lb_id: str) -> Object:
        """
        A load balancer with everything below it, in the form of the answer to a create of it.

        :param lb_id: its id
        :return: the object with ``listeners``, their ``l7policies`` and ``rules``, and ``pools``
            with ``members`` and ``healthmonitor``
        :raises OctaviaError: for every answer that is no success
        """
        tree = self.get(LOADBALANCER, lb_id)
        listeners, pools = self.parallel(
            [
                lambda: self.list_all("listener", loadbalancer_id=lb_id),
                lambda: self.list_all("pool", loadbalancer_id=lb_id),
            ]
        )
        whole_listeners = self.parallel([self._listener_call(item) for item in listeners])
        whole_pools = self.parallel([self._pool_call(item) for item in pools])
        return {**tree, "listeners": whole_listeners, "pools": whole_pools}

    def _listener_call(self, listener: Object) -> Callable[[], Object]:
        def read() -> Object:
            policies = []
            if listener.get("l7policies"):
                policies = self.list_all("l7policy", listener_id=listener["id"])
            for policy in policies:
                rules = policy.get("rules")
                policy["rules"] = self.list_all("l7rule", policy["id"]) if rules else []
            return {**listener, "l7policies": policies}

        return read

    def _pool_call(self, pool: Object) -> Callable[[], Object]:
        def read() -> Object:
            members = self.list_all("member", pool["id"]) if pool.get("members") else []
            monitor = pool.get("healthmonitor_id")
            return {
                **pool,
                "members": members,
                "healthmonitor": self.get("healthmonitor", monitor) if monitor else None,
            }

        return read

    def _path(self, resource: str, identity: str = "", parent: str = "") -> str:
        path = resources.RESOURCES[resource].path.format(parent=parent)
        return f"{path}/{identity}" if identity else path

    def watch(self, lb_id: str, timeout: float, callback: polling.Callback) -> None:
        """
        Has a function called when a load balancer is settled.

        :param lb_id: its id
        :param timeout: seconds after which the function is called in any case
        :param callback: gets the id and the status, or an error
        """
        self._poller.watch(lb_id, timeout, callback)

    def wait(
        self, lb_ids: Iterable[str], timeout: float, progress: Progress | None = None
    ) -> dict[str, str]:
        """
        Waits until load balancers are settled: ACTIVE, ERROR or gone.

        :param lb_ids: their ids
        :param timeout: seconds to wait for at most
        :param progress: called with those still pending when one is settled
        :return: the status of each, ``DELETED`` of one that is gone; one that is not settled
            keeps its PENDING status
        :raises OctaviaError: when the server cannot be asked
        """
        begin = time.monotonic()
        try:
            return self._poller.wait(lb_ids, timeout, progress)
        finally:
            self._transport.count_wait(time.monotonic() - begin)

    def wait_active(self, lb_id: str, timeout: float) -> None:
        """
        Waits until a load balancer is ACTIVE.

        :param lb_id: its id
        :param timeout: seconds to wait for at most
        :raises InError: when it is in ERROR, with what is in ERROR below it
        :raises NotFound: when it is gone
        :raises Locked: when the time is over
        """
        status = self.wait([lb_id], timeout)[lb_id]
        if status != polling.ACTIVE:
            raise self.explain(lb_id, status, timeout)

    def explain(self, lb_id: str, status: str, timeout: float) -> errors.OctaviaError:
        """
        Why a load balancer cannot be worked with.

        :param lb_id: its id
        :param status: its status, not ACTIVE
        :param timeout: seconds that were waited for it
        :return: the error
        """
        about: dict[str, Any] = {
            "resource": LOADBALANCER,
            "operation": f"wait for load balancer {lb_id}",
        }
        if status == polling.ERROR:
            children = self._broken(lb_id)
            what = f"; in ERROR on it: {', '.join(children)}" if children else ""
            return errors.InError(f"it is in ERROR{what}", children, **about)
        if status == polling.GONE:
            return errors.NotFound("it is gone", **about)
        return errors.Locked(f"it is {status} for more than {timeout:.0f} s", **about)

    def _broken(self, lb_id: str) -> list[str]:
        """What is in ERROR below a load balancer, as its status tree tells."""
        try:
            path = f"{self._path(LOADBALANCER, lb_id)}/status"
            tree = self._read(path).body["statuses"]["loadbalancer"]
        except errors.OctaviaError:
            return []
        return list(dict.fromkeys(_in_error("loadbalancer", tree)))[1:]

    def _look(self, lb_ids: set[str]) -> dict[str, str]:
        """The statuses of load balancers, by one request where that is possible."""
        if len(lb_ids) == 1:
            (lb_id,) = lb_ids
            return {lb_id: self._status(lb_id)}
        fields = ("id", "project_id", "provisioning_status")
        own = {"project_id": self.project_id} if self.project_id else {}
        listed = self.list_all(LOADBALANCER, fields=fields, **own)
        found = {item["id"]: item["provisioning_status"] for item in listed}
        self._listed |= lb_ids & found.keys()
        for lb_id in lb_ids - found.keys():
            # One that was in the list is gone; one that never was may be another project's.
            seen = lb_id in self._listed
            found[lb_id] = polling.GONE if seen else self._status(lb_id)
        return {lb_id: found[lb_id] for lb_id in lb_ids}

    def _status(self, lb_id: str) -> str:
        try:
            return str(self.get(LOADBALANCER, lb_id)["provisioning_status"])
        except errors.NotFound:
            return polling.GONE


def inner(answer: Answer, key: str) -> Object:
    """
    The object in an answer.

    :param answer: the answer
    :param key: key around the object
    :return: the object, empty where there is none
    """
    found = answer.body.get(key, answer.body)
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _has(item: Object, filters: Mapping[str, Any]) -> bool:
    """Whether an object has what the filters ask for, as far as it shows that."""
    for name, value in filters.items():
        shown = item.get(name)
        if isinstance(shown, list):
            if not set(_text(value).split(",")) <= set(shown):
                return False
        elif name in item:
            if _text(shown) != _text(value):
                return False
        elif {"id": value} not in (item.get(FILTER_FIELDS.get(name, "")) or [{"id": value}]):
            return False
    return True


def _in_error(kind: str, item: Object) -> Iterator[str]:
    """The object and those below it that are in ERROR, the object in any case."""
    yield f"{kind} {item.get('name') or item.get('type') or ''} ({item['id']})".replace("  ", " ")
    for plural, single in (("listeners", "listener"), ("pools", "pool"), ("members", "member")):
        for child in item.get(plural) or []:
            first, *rest = _in_error(single, child)
            if child.get("provisioning_status") == polling.ERROR:
                yield first
            yield from rest
