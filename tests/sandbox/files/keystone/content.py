#!/usr/bin/python3
"""Fill Keystone with what a JSON file asks for, and tell Salt what changed.

Usage: content.py [--check] FILE

FILE holds {"url", "admin_password", "regions", "services", "roles", "projects", "users"}. With
--check nothing is changed. The last line of output is what Salt calls a stateful result.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from keystoneauth1.exceptions import ConnectFailure, Unauthorized
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session

INTERFACES = ("public", "internal", "admin")


class NotListening(Exception):
    """Nothing listens where Keystone should."""


def wait_for(url: str, seconds: float = 30) -> None:
    """Wait until something listens at a URL.

    :param url: the URL
    :param seconds: how long to wait at most
    :raises NotListening: if nothing listens by then
    """
    address = (urlsplit(url).hostname, urlsplit(url).port or 80)
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(address, timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > end:
                raise NotListening(
                    f"{url}: nothing listens after {seconds} s; see /var/log/keystone"
                ) from error
            time.sleep(0.1)


def log_in(url: str, user: str, password: str, project: str) -> Session:
    """Give a session of a user in a project, with a token.

    :param url: Keystone's URL with its version
    :param user: name of the user
    :param password: its password
    :param project: name of the project
    :return: the session
    :raises Unauthorized: if the password is wrong or the user has no role there
    """
    auth = Password(
        url,
        username=user,
        password=password,
        project_name=project,
        user_domain_id="default",
        project_domain_id="default",
    )
    session = Session(auth, timeout=60)
    session.get_token()
    return session


class Keystone:
    """Keystone as the administrator sees it, and the list of what was changed."""

    def __init__(self, url: str, session: Session, dry: bool) -> None:
        """Remember where to write to, and whether to write at all."""
        self.url = url
        self.session = session
        self.dry = dry
        self.changes: list[str] = []

    def list(self, collection: str) -> list[dict[str, Any]]:
        """Give all members of a collection."""
        members: list[dict[str, Any]] = self.session.get(f"{self.url}/{collection}").json()[
            collection
        ]
        return members

    def write(self, what: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Change something, unless in a dry run, and write it down.

        :param what: the change in words
        :param method: POST, PUT or PATCH
        :param path: path below the URL
        :param body: the JSON to send
        :return: the answer, or {} if there is none
        """
        self.changes.append(what)
        if self.dry:
            return {}
        answer = self.session.request(f"{self.url}/{path}", method, json=body)
        return answer.json() if answer.content else {}

    def ensure(self, kind: str, key: str, value: str, **fields: Any) -> str | None:
        """Make a member of a collection if none bears the value.

        :param kind: role, project, user, service or region
        :param key: the field to know it by
        :param value: the value of that field
        :param fields: the other fields of a new member
        :return: its id; None in a dry run that would have made it
        """
        for member in self.list(f"{kind}s"):
            if member[key] == value:
                return str(member["id"])
        body = {kind: {key: value, **fields}}
        answer = self.write(f"{kind} {value}", "POST", f"{kind}s", body)
        return str(answer[kind]["id"]) if answer else None


def fill(keystone: Keystone, wanted: dict[str, Any]) -> None:
    """Make what is missing of regions, services, endpoints, roles, projects and users.

    :param keystone: Keystone
    :param wanted: what the file holds
    """
    for region in wanted["regions"]:
        keystone.ensure("region", "id", region)
    endpoints = keystone.list("endpoints")
    for service in wanted["services"]:
        service_id = keystone.ensure("service", "type", service["type"], name=service["name"])
        for region in wanted["regions"]:
            for interface in INTERFACES:
                ensure_endpoint(keystone, endpoints, service, service_id, region, interface)
    roles = {name: keystone.ensure("role", "name", name) for name in ["admin", *wanted["roles"]]}
    projects = {
        name: keystone.ensure("project", "name", name, domain_id="default")
        for name in ["admin", *wanted["projects"]]
    }
    granted = {
        (grant["user"]["id"], grant["scope"]["project"]["id"], grant["role"]["id"])
        for grant in keystone.list("role_assignments")
        if "user" in grant and "project" in grant["scope"]
    }
    for user in wanted["users"]:
        user_id = ensure_user(keystone, user)
        project_id = projects[user["project"]]
        for role in user["roles"]:
            if (user_id, project_id, roles[role]) not in granted:
                path = f"projects/{project_id}/users/{user_id}/roles/{roles[role]}"
                keystone.write(f"role {role} of {user['name']} in {user['project']}", "PUT", path)


def ensure_endpoint(
    keystone: Keystone,
    endpoints: list[dict[str, Any]],
    service: dict[str, str],
    service_id: str | None,
    region: str,
    interface: str,
) -> None:
    """Make an endpoint or set its URL.

    :param keystone: Keystone
    :param endpoints: the endpoints that are there
    :param service: type and URL of the service
    :param service_id: its id
    :param region: name of the region
    :param interface: public, internal or admin
    """
    key = {"service_id": service_id, "region_id": region, "interface": interface}
    what = f"{interface} endpoint of {service['type']} in {region}"
    found = [endpoint for endpoint in endpoints if key.items() <= endpoint.items()]
    if not found:
        body = {"endpoint": {**key, "url": service["url"]}}
        keystone.write(what, "POST", "endpoints", body)
    elif found[0]["url"] != service["url"]:
        body = {"endpoint": {"url": service["url"]}}
        keystone.write(what, "PATCH", f"endpoints/{found[0]['id']}", body)


def ensure_user(keystone: Keystone, user: dict[str, Any]) -> str | None:
    """Make a user or set its password.

    :param keystone: Keystone
    :param user: name and password of the user
    :return: its id; None in a dry run that would have made it
    """
    known = len(keystone.changes)
    user_id = keystone.ensure(
        "user", "name", user["name"], domain_id="default", password=user["password"]
    )
    if len(keystone.changes) == known and not has_password(keystone, user_id, user["password"]):
        body = {"user": {"password": user["password"]}}
        keystone.write(f"password of {user['name']}", "PATCH", f"users/{user_id}", body)
    return user_id


def has_password(keystone: Keystone, user_id: str | None, password: str) -> bool:
    """Say whether a user's password is the one given.

    :param keystone: Keystone
    :param user_id: id of the user
    :param password: the password
    :return: True if the user gets a token without a scope
    """
    auth = Password(keystone.url, user_id=user_id, password=password, unscoped=True)
    try:
        Session(auth, timeout=60).get_token()
    except Unauthorized:
        return False
    return True


def main() -> None:
    """Read the arguments, do the work, print the result."""
    parser = argparse.ArgumentParser(description="Fill Keystone.")
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("wanted", type=Path)
    options = parser.parse_args()
    wanted = json.loads(options.wanted.read_text(encoding="utf-8"))
    changes = ["everything"]
    try:
        wait_for(wanted["url"], 0 if options.check else 30)
        session = log_in(wanted["url"], "admin", wanted["admin_password"], "admin")
    except (NotListening, ConnectFailure, Unauthorized):
        if not options.check:
            raise
    else:
        keystone = Keystone(wanted["url"], session, options.check)
        fill(keystone, wanted)
        changes = keystone.changes
    comment = ", ".join(changes) or "everything is there"
    print(json.dumps({"changed": bool(changes), "comment": comment}))


if __name__ == "__main__":
    try:
        main()
    except NotListening as error:
        sys.exit(str(error))
