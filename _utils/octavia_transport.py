"""One request to an Octavia API: sent once, counted, and answered or raised as a typed error."""

# No annotations as text here, see octavia_blocks.
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

try:
    import octavia_cloud as clouds
    import octavia_errors as errors
    import octavia_resources as resources
except ImportError:
    from salt_formula_octavia.utils import octavia_cloud as clouds
    from salt_formula_octavia.utils import octavia_errors as errors
    from salt_formula_octavia.utils import octavia_resources as resources

READING = ("GET", "HEAD")
Query = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """
    What the server said.

    :ivar body: the decoded JSON, empty where there was none
    :ivar date: the server's clock in seconds since 1970, None where it did not tell
    """

    body: dict[str, Any]
    date: float | None


@dataclass
class Counters:
    """
    What was asked of the server.

    :ivar requests: how many, by method and kind of path (ids stand as ``{id}`` in it)
    :ivar repeated: how many of them were repetitions
    :ivar waited: seconds spent on waiting for load balancers and between repetitions
    """

    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    repeated: int = 0
    waited: float = 0.0

    @property
    def total(self) -> int:
        """All requests."""
        return sum(self.requests.values())

    @property
    def writes(self) -> int:
        """Requests that may have changed something."""
        counts = self.requests.items()
        return sum(count for (method, _), count in counts if method not in READING)


def path_kind(path: str) -> str:
    """
    A path without the ids in it.

    :param path: below ``/v2``, such as ``lbaas/pools/ID/members``
    :return: such as ``lbaas/pools/{id}/members``
    """
    # Collections and ids take turns behind the name of the API.
    parts = path.strip("/").split("/")
    return "/".join("{id}" if index % 2 == 0 and index else p for index, p in enumerate(parts))


class Transport:
    """
    Sends requests, at most so many at a time, from any number of threads.

    :param cloud: where to
    :param concurrency: how many requests may be under way
    :param patience: seconds that an answer may take
    """

    def __init__(self, cloud: clouds.Cloud, concurrency: int = 8, patience: float = 90.0) -> None:
        self.cloud = cloud
        self.counters = Counters()
        self._patience = patience
        self._guard = threading.Lock()
        self._slots = threading.BoundedSemaphore(concurrency)

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Query = (),
        **about: Any,
    ) -> Answer:
        """
        Sends one request, once.

        :param method: HTTP method
        :param path: below ``/v2``; empty for the list of versions
        :param body: what is sent as JSON
        :param query: names and values
        :param about: resource and operation of an error
        :return: the answer
        :raises OctaviaError: for every other answer than 2xx, and for none
        """
        import keystoneauth1.exceptions as refused

        about.setdefault("operation", f"{method} /{path}")
        # Who comes from a version of the API needs no token for the others.
        options: dict[str, Any] = {} if path else {"authenticated": False}
        url = f"{self.cloud.endpoint}/{f'v2/{path}' if path else ''}"
        with self._slots:
            self._count(method, path_kind(path))
            try:
                response = self.cloud.session.request(
                    url,
                    method,
                    json=None if body is None else dict(body),
                    params=list(query),
                    headers={"Accept": "application/json"},
                    raise_exc=False,
                    timeout=self._patience,
                    **options,
                )
            except refused.ConnectTimeout as problem:
                raise errors.TooSlow(str(problem), **about) from problem
            except refused.ConnectionError as problem:
                raise errors.NoAnswer(str(problem), **about) from problem
            except refused.ClientException as problem:
                raise errors.Auth(f"the login failed: {problem}", **about) from problem
        # The list of versions is a 300 in some releases.
        if response.status_code >= 400:
            raise errors.from_answer(
                response.status_code,
                _decoded(response),
                retry_after=_retry_after(response.headers),
                request_id=response.headers.get("x-openstack-request-id", ""),
                **about,
            )
        decoded = _decoded(response)
        told = decoded if isinstance(decoded, dict) else {}
        if isinstance(told.get("quota"), dict):
            told["quota"] = resources.limits(told["quota"])
        return Answer(told, _seconds(response.headers.get("Date")))

    def _count(self, method: str, kind: str) -> None:
        with self._guard:
            self.counters.requests[method, kind] += 1

    def count_wait(self, seconds: float, repeated: int = 0) -> None:
        """
        Adds to the counters.

        :param seconds: that were spent on waiting
        :param repeated: requests that are sent again because of it
        """
        with self._guard:
            self.counters.waited += seconds
            self.counters.repeated += repeated


def _decoded(response: Any) -> Any:
    try:
        return response.json() if response.content else {}
    except ValueError:
        return response.text


def _seconds(date: str | None) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except ValueError:
        return None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait for; the header has them, or a date."""
    text = headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    date = _seconds(text)
    return None if date is None else max(0.0, date - time.time())
