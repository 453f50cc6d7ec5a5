"""
As much of Keystone as a client of Octavia asks for: tokens with a catalog, and for every request
the headers that Keystone's middleware would add. Octavia itself then decides who may do what.

Every project exists; its id is made of its name. The URLs of the catalog have the host and the port
that the client used, so that whoever comes through a proxy stays behind it.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

PASSWORD = "secret"
# Keystone's own roles, and those that older releases ask for.
READER = ("reader", "load-balancer_observer")
MEMBER = (*READER, "member", "load-balancer_member")
ADMIN = (*MEMBER, "admin", "load-balancer_admin")
USERS: dict[str, tuple[str, ...]] = {
    "admin": ADMIN,
    "member": MEMBER,
    "reader": READER,
    "nobody": (),
}
PREFIX = "/identity"
# Below this path nobody needs a token, as with Octavia's own auth_strategy noauth.
OPEN = "/open"
OPEN_IDENTITY = {"user": "admin", "project": "open"}
REGION = "RegionOne"
PUBLIC = ("", "/")

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def identifier(name: str) -> str:
    """The id of a project or user with a name."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


class Identity:
    """
    The outermost layer of the server.

    :param application: Octavia's API
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._tokens: dict[str, dict[str, str]] = {}
        self._guard = threading.Lock()

    def __call__(self, environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        """Answers what is for Keystone, and hands on what is for Octavia."""
        path = environ["PATH_INFO"]
        if path.startswith(PREFIX):
            return self._keystone(environ, start, path.removeprefix(PREFIX))
        for name in [name for name in environ if name.startswith("HTTP_X_")]:
            if name not in ("HTTP_X_AUTH_TOKEN", "HTTP_X_OPENSTACK_REQUEST_ID"):
                del environ[name]
        holder = self._tokens.get(environ.get("HTTP_X_AUTH_TOKEN", ""))
        if path.startswith(OPEN):
            environ["PATH_INFO"], holder = path.removeprefix(OPEN) or "/", OPEN_IDENTITY
            environ["SCRIPT_NAME"] = OPEN
        if holder is None and path not in PUBLIC:
            return _answer(start, "401 Unauthorized", {"error": {"code": 401, "title": "No token"}})
        if holder:
            environ["HTTP_X_USER_ID"] = identifier(holder["user"])
            environ["HTTP_X_PROJECT_ID"] = identifier(holder["project"])
            environ["HTTP_X_ROLES"] = ",".join(USERS[holder["user"]])
        return self._application(environ, start)

    def _keystone(self, environ: Environ, start: Callable[..., Any], path: str) -> Iterable[bytes]:
        base = f"http://{environ['HTTP_HOST']}"
        if path.rstrip("/") != "/v3/auth/tokens":
            link = {"rel": "self", "href": f"{base}{PREFIX}/v3/"}
            version = {"id": "v3.14", "status": "stable", "links": [link]}
            if path.startswith("/v3"):
                return _answer(start, "200 OK", {"version": version})
            return _answer(start, "300 Multiple Choices", {"versions": {"values": [version]}})
        if environ["REQUEST_METHOD"] == "DELETE":
            with self._guard:
                self._tokens.pop(environ.get("HTTP_X_SUBJECT_TOKEN", ""), None)
            return _answer(start, "204 No Content", None)
        size = int(environ.get("CONTENT_LENGTH") or 0)
        asked = json.loads(environ["wsgi.input"].read(size))["auth"]
        user = asked["identity"]["password"]["user"]
        if user.get("name") not in USERS or user.get("password") != PASSWORD:
            return _answer(start, "401 Unauthorized", {"error": {"code": 401, "title": "Refused"}})
        token, holder = uuid.uuid4().hex, {"user": user["name"]}
        holder["project"] = asked["scope"]["project"]["name"]
        with self._guard:
            self._tokens[token] = holder
        body = {"token": _token(holder, base)}
        return _answer(start, "201 Created", body, [("X-Subject-Token", token)])


def _token(holder: dict[str, str], base: str) -> dict[str, Any]:
    domain = {"id": "default", "name": "Default"}
    now = datetime.now(timezone.utc)
    services = {"load-balancer": base, "identity": f"{base}{PREFIX}/v3"}
    return {
        "methods": ["password"],
        "issued_at": now.isoformat(),
        "expires_at": (now + timedelta(hours=1)).isoformat(),
        "user": {**_named(holder["user"]), "domain": domain},
        "project": {**_named(holder["project"]), "domain": domain},
        "roles": [_named(role) for role in USERS[holder["user"]]],
        "catalog": [
            {**_named(kind), "type": kind, "endpoints": [_endpoint(url)]}
            for kind, url in services.items()
        ],
    }


def _named(name: str) -> dict[str, str]:
    return {"id": identifier(name), "name": name}


def _endpoint(url: str) -> dict[str, str]:
    where = {"interface": "public", "region": REGION, "region_id": REGION}
    return {"id": identifier(url), "url": url, **where}


def _answer(
    start: Callable[..., Any],
    status: str,
    body: Any,
    headers: Iterable[tuple[str, str]] = (),
) -> Iterable[bytes]:
    text = b"" if body is None else json.dumps(body).encode()
    size = ("Content-Length", str(len(text)))
    start(status, [("Content-Type", "application/json"), size, *headers])
    return [text]
