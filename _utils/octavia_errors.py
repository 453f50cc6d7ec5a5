"""
What can go wrong between this formula and an Octavia API, one class each.

The meaning of an answer stands in :data:`RULES`: the only place that looks into the text of an
answer. Everything else asks for the class.
"""

# No annotations as text here, see octavia_blocks.
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


class OctaviaError(Exception):
    """
    Base of all errors of the API.

    :ivar reason: what happened, a sentence without a full stop
    :ivar code: status of the HTTP answer, 0 when there was none
    :ivar request_id: how the server's logs call the request, where it told that
    :ivar resource: name of the resource
    :ivar operation: what was tried, such as ``create listener``
    :ivar remedy: what to do about it, a sentence without a full stop
    """

    remedy = "Look for the request id in the logs of octavia-api"

    def __init__(
        self,
        reason: str,
        code: int = 0,
        request_id: str = "",
        resource: str = "",
        operation: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason, self.code, self.request_id = reason, code, request_id
        self.resource, self.operation = resource, operation

    def __str__(self) -> str:
        where = f"{self.operation}: " if self.operation else ""
        request = f" ({self.request_id})" if self.request_id else ""
        return f"{where}{self.reason}{request}. {self.remedy}."


class SdkMissing(OctaviaError):
    """The interpreter that Salt runs in has no openstacksdk."""

    remedy = "Apply octavia.client, or install openstacksdk by salt-pip"


class UnknownCloud(OctaviaError):
    """No clouds.yaml has a cloud of this name, or the entry is not usable."""

    remedy = "Name a cloud of clouds.yaml, or complete its entry there"


class NoEndpoint(OctaviaError):
    """The catalog has no load balancer service for the region and interface."""

    remedy = "Set region_name and interface of the cloud to those of an endpoint of load-balancer"


class Auth(OctaviaError):
    """The credentials are not accepted, or no longer."""

    remedy = "Check user, password, project and domains of the cloud, and whether they have expired"


class Forbidden(OctaviaError):
    """The user may not do this."""

    remedy = "Give the user a role that may, such as load-balancer_member, or admin for this call"


class QuotaExceeded(OctaviaError):
    """The project has as many objects as it may have."""

    remedy = "Raise the quota of the project, or delete what it no longer needs"


class NotFound(OctaviaError):
    """There is no such object, or none that this project may see."""

    remedy = "Check the id or name, and the project that the cloud logs in to"


class Ambiguous(OctaviaError):
    """
    Several objects could be meant.

    :ivar ids: of all of them
    """

    remedy = "Give the id instead of the name"

    def __init__(self, reason: str, ids: Iterable[str] = (), **more: Any) -> None:
        super().__init__(reason, **more)
        self.ids = tuple(ids)


class Immutable(OctaviaError):
    """
    A field can be set at creation only.

    :ivar fields: the fields
    """

    remedy = "Leave them as they are, or create the object anew"

    def __init__(self, reason: str, fields: Iterable[str] = (), **more: Any) -> None:
        super().__init__(reason, **more)
        self.fields = tuple(fields)


class Locked(OctaviaError):
    """Something on this load balancer is being changed, or stayed so until the time was over."""

    remedy = (
        "Wait until the load balancer is ACTIVE and run again; look at octavia-worker if it stays"
    )


class InError(OctaviaError):
    """
    The load balancer or something on it is in ERROR, which no waiting heals.

    :ivar children: what is in ERROR, such as ``pool web (its id)``
    """

    remedy = "Fail the load balancer over, or delete it; the logs of octavia-worker tell the cause"

    def __init__(self, reason: str, children: Iterable[str] = (), **more: Any) -> None:
        super().__init__(reason, **more)
        self.children = tuple(children)


class Duplicate(OctaviaError):
    """There already is an object with this port, address, name or place."""

    remedy = "Declare the object that is there, or choose another port, address or name"


class InUse(OctaviaError):
    """Something else still needs the object."""

    remedy = "Remove what uses it first"


class AmphoraInUse(InUse):
    """An amphora that serves a load balancer; no waiting changes that."""

    remedy = (
        "Octavia deletes only amphorae that are in ERROR; have this one replaced by "
        "octaviav2.amphora_failover, or delete its load balancer"
    )


class Unsupported(OctaviaError):
    """
    The server's API or the provider does not know what is asked for.

    :ivar fields: the fields that are too much, where the server told
    :ivar needs: what would know them
    """

    remedy = "Leave it out, or use a server or provider that supports it"

    def __init__(
        self, reason: str, fields: Iterable[str] = (), needs: str = "", **more: Any
    ) -> None:
        super().__init__(reason, **more)
        self.fields, self.needs = tuple(fields), needs


class Invalid(OctaviaError):
    """
    The server does not take a value.

    :ivar fields: the fields that are wrong, where the server told
    """

    remedy = "Correct the value"

    def __init__(self, reason: str, fields: Iterable[str] = (), **more: Any) -> None:
        super().__init__(reason, **more)
        self.fields = tuple(fields)


class Truncated(OctaviaError):
    """A list is longer than a page, and the API cannot page through this kind of object."""

    remedy = "Raise pagination_max_limit in the configuration of octavia-api"


class Blocked(OctaviaError):
    """It was not tried, since what it needs failed."""

    remedy = "Solve the other problem first"


class Transient(OctaviaError):
    """
    The server is in trouble, which may pass.

    :ivar retry_after: seconds that the server asks to wait for, None where it does not say
    """

    remedy = "Run again; look at octavia-api and what stands before it if this stays"

    def __init__(self, reason: str, retry_after: float | None = None, **more: Any) -> None:
        super().__init__(reason, **more)
        self.retry_after = retry_after


class TooMany(Transient):
    """There were too many requests; nothing was done."""

    remedy = "Lower the concurrency, or run again later"


class Busy(Transient):
    """The service is not there or is too busy."""


class ServerFault(Transient):
    """The server broke; it may have done the work."""


class NoAnswer(Transient):
    """The connection was lost; the server may have done the work."""

    remedy = "Check that the endpoint can be reached, and run again"


class TooSlow(NoAnswer):
    """No answer came in time; the server may still be at work."""


@dataclass(frozen=True)
class Rule:
    """
    What an answer means.

    :ivar code: status of the HTTP answer
    :ivar kind: the error
    :ivar pattern: what the text must hold; a group ``fields`` names fields
    """

    code: int
    kind: type[OctaviaError]
    pattern: str = ""


#: The first rule that fits counts.
RULES = (
    Rule(401, Auth),
    Rule(403, QuotaExceeded, r"^Quota has been met"),
    Rule(403, Forbidden),
    Rule(404, NotFound),
    Rule(400, InUse, r"it has children"),
    Rule(400, Unsupported, r"^Unknown attributes? for argument \S+: (?P<fields>.+)"),
    Rule(400, Unsupported, r"^Unknown argument: \"(?P<fields>[^\"]+)\""),
    Rule(400, Invalid, r"^Invalid input for field/attribute (?P<fields>[^. ]+)\."),
    Rule(400, Invalid, r"is not a valid option for (?P<fields>\S+)"),
    Rule(400, Invalid),
    Rule(409, AmphoraInUse, r"^amphora \S+ is immutable"),
    Rule(409, Locked, r"is immutable and cannot be updated"),
    Rule(409, Locked, r"^Invalid state \S+ of loadbalancer"),
    Rule(409, Duplicate, r"^Another \w+ on this|already (has a|exists)|^Already an entity"),
    Rule(409, Invalid, r"^Too many rules"),
    Rule(409, InUse),
    Rule(413, Invalid),
    Rule(429, TooMany),
    Rule(500, ServerFault),
    Rule(501, Unsupported),
    Rule(502, ServerFault),
    Rule(503, Busy),
    Rule(504, TooSlow),
)


def message(body: Any) -> str:
    """
    What an answer says, in whichever of the shapes that stand before and in the API.

    :param body: the decoded JSON, or text
    :return: the text, in one line
    """
    text = body
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, dict):
            names = ("faultstring", "description", "message", "title")
            text = next((inner[name] for name in names if inner.get(name)), "")
        else:
            text = inner
    text = re.sub(r"<[^>]*>", " ", str(text or ""))
    return " ".join(text.split())[:500].rstrip(".")


def from_answer(
    code: int, body: Any, retry_after: float | None = None, **more: Any
) -> OctaviaError:
    """
    The error that an answer means.

    :param code: status of the HTTP answer, 400 or more
    :param body: the decoded JSON, or text
    :param retry_after: seconds that the server asks to wait for
    :param more: request_id, resource and operation of the error
    :return: the error, to be raised
    """
    text = message(body)
    for rule in RULES:
        found = re.search(rule.pattern, text) if rule.code == code else None
        if found:
            break
    else:
        kind = ServerFault if code >= 500 else Invalid
        return kind(text or f"the server answered {code}", code=code, **more)
    if issubclass(rule.kind, Transient):
        more["retry_after"] = retry_after
    named = found.groupdict().get("fields")
    if named:
        more["fields"] = [name.strip() for name in named.split(",")]
    return rule.kind(text or f"the server answered {code}", code=code, **more)
