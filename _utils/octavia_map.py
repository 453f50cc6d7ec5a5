"""
The map: everything that the SLS need to know about a node, merged once.

Defaults, then the family of the operating system, then the release, then the pillar. The map holds
no secret, so it may be shown; what goes into octavia.conf comes from :mod:`octavia_sections`.
"""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Mapping
from typing import Any

try:
    import octavia_findings as findings
    import octavia_releases as releases
    import octavia_schema as schema
    import octavia_sections as sections
    import octavia_urls as urls
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_releases as releases
    from salt_formula_octavia.utils import octavia_schema as schema
    from salt_formula_octavia.utils import octavia_sections as sections
    from salt_formula_octavia.utils import octavia_urls as urls

ROLES = ("api", "manager", "client")
# The roles that have a part in octavia.conf.
SERVER_ROLES = ("api", "manager")
# What octavia:api:role may say; the first is the default.
DATABASE_ROLES = ("primary", "secondary")
# What only uWSGI knows: its size, and TLS.
SIZE_KEYS = ("processes", "threads")
TLS_KEYS = ("cert_file", "key_file")
# Below these, and nowhere else, a directory's owner and mode may be changed.
OWN_DIRECTORIES = ("/etc/octavia", "/var/lib/octavia")
TOP_LEVEL = (*ROLES, "pki", "upgrade", "services", "monitoring", "_support")

Finding = findings.Finding


class Build:
    """
    Builds the map of one node.

    :param pillar: the pillar below ``octavia``; None or empty where there is none
    :param grains: of these ``os``, ``os_family`` and ``noservices`` are read
    :param data: the parameter files by name: ``defaults``, ``osfamilies``, ``releases`` and
        ``options``
    """

    def __init__(self, pillar: Any, grains: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        self.pillar = pillar if isinstance(pillar, Mapping) else {}
        self.grains = grains
        self.defaults = data["defaults"]
        self.releases = data["releases"]
        self.options = data["options"]
        self.osfamilies = data["osfamilies"]
        self.found: list[Finding] = []
        self.sections: dict[str, Any] = {}
        self._read(pillar)

    def _read(self, pillar: Any) -> None:
        self.system = self._system()
        self._top_level(pillar)
        self.roles = [role for role in ROLES if self._enabled(role)]
        self.release = self._release()
        self.services = self._services()
        servers = {role: self.pillar[role] for role in self.roles if role in SERVER_ROLES}
        if self.release and servers:
            self.sections, found = sections.sections(
                servers, self.options, self.release["name"], self.defaults
            )
            self.found += found
        self._check_role()
        self._check_server()
        self.ssh = self._ssh()
        self.clouds = self._clouds()
        self.resources = self._resources() if "client" in self.roles else []

    def result(self) -> dict[str, Any]:
        """
        The map. With an error among the findings it names no role, so that no SLS does anything.

        :return: a plain dictionary without secrets
        """
        valid = not findings.errors(self.found)
        roles = self.roles if valid else []
        return {
            "valid": valid,
            "findings": self.found,
            "roles": roles,
            "release": self.release["name"] if self.release else "",
            "noservices": bool(self.grains.get("noservices", False)),
            "syncs_db": "api" in roles and self._api().get("role") != "secondary",
            "user": self.system.get("user", ""),
            "group": self.system.get("group", ""),
            "config": self.system.get("config", ""),
            "packages": {role: self._packages(role) for role in roles},
            "release_package": self.system.get("packages", {}).get("release", ""),
            "sdk_package": self.system.get("packages", {}).get("sdk", ""),
            "units": self._units(roles),
            "units_of": {role: list(self._units([role])) for role in roles if role != "client"},
            "uwsgi": self._uwsgi() if "api" in roles else {},
            "api_url": self._api_url() if "api" in roles else "",
            "heartbeat": self._heartbeat() if "manager" in roles else {},
            "audit_map": self._audit_map() if "api" in roles else "",
            "persistence": self._wants_persistence() if roles else False,
            "python": self.system.get("python", ""),
            "migrations": self.system.get("migrations", {}),
            "timeouts": self.defaults["timeouts"],
            "ssh": self.ssh if "manager" in roles else {},
            "clouds_file": self.clouds if "client" in roles else "",
            "resources": self.resources if "client" in roles else [],
        }

    def _api(self) -> Mapping[str, Any]:
        api = self.pillar.get("api")
        return api if isinstance(api, Mapping) else {}

    def _system(self) -> Mapping[str, Any]:
        for grain in ("os", "os_family"):
            if self.grains.get(grain) in self.osfamilies:
                return self.osfamilies[self.grains[grain]]
        name = self.grains.get("os")
        known = ", ".join(self.osfamilies)
        reason = f"is no operating system that the formula knows: {known}"
        self.found.append(findings.error("grains:os", name, reason, "Use one of these"))
        return {}

    def _top_level(self, pillar: Any) -> None:
        if not isinstance(pillar, Mapping) or not pillar:
            reason = "is missing or empty: the pillar of this node says nothing about Octavia"
            remedy = "Give the node at least one of octavia:api, octavia:manager, octavia:client"
            self.found.append(findings.error("octavia", None, reason, remedy))
            return
        for key in pillar:
            if key not in TOP_LEVEL:
                near = difflib.get_close_matches(str(key), TOP_LEVEL, 1)
                hint = f"Did you mean {near[0]}? " if near else ""
                remedy = f"{hint}Known keys are {', '.join(TOP_LEVEL)}"
                path = f"octavia:{key}"
                self.found.append(findings.error(path, None, "is an unknown key", remedy))

    def _enabled(self, role: str) -> bool:
        if role not in self.pillar:
            return False
        path = f"octavia:{role}"
        value = self.pillar[role]
        if not isinstance(value, Mapping):
            reason = "is not a mapping"
            remedy = f"Write the settings of the role below {path}"
            self.found.append(findings.error(path, findings.masked(path, value), reason, remedy))
            return False
        if "enabled" not in value:
            remedy = f"Set {path}:enabled to true or false"
            reason = "is missing, so the role is left out"
            self.found.append(findings.warning(f"{path}:enabled", None, reason, remedy))
            return False
        if not isinstance(value["enabled"], bool):
            reason = "is neither true nor false"
            remedy = "Write true or false, without quotes"
            wrong = findings.error(f"{path}:enabled", value["enabled"], reason, remedy)
            self.found.append(wrong)
            return False
        return value["enabled"]

    def _release(self) -> releases.Release | None:
        named: dict[str, releases.Release] = {}
        for role in self.roles:
            if role not in SERVER_ROLES:
                continue
            path = f"octavia:{role}:version"
            version = self.pillar[role].get("version")
            if version is None:
                remedy = f"Set {path} to the release of the packages, for example zed or 2025.1"
                self.found.append(findings.error(path, None, "is missing", remedy))
                continue
            try:
                named[path] = releases.find(self.releases, version)
            except releases.UnknownRelease as problem:
                known = ", ".join(item["name"] for item in problem.releases)
                reason = "is no release of OpenStack that the formula knows"
                self.found.append(findings.error(path, version, reason, f"Known are {known}"))
        if len({release["name"] for release in named.values()}) > 1:
            one, other = named
            reason = f"contradicts {other}: the roles of a node share one set of packages"
            remedy = "Give both the same release"
            self.found.append(findings.error(one, named[one]["name"], reason, remedy))
        return next(iter(named.values()), None)

    def _packages(self, role: str) -> list[str]:
        return [
            package
            for package in self.system["packages"][role]
            if role == "client" or not package.endswith("-driver-agent") or self._has_driver_agent()
        ]

    def _has_driver_agent(self) -> bool:
        return self._has_unit(self.defaults["units"]["octavia-driver-agent"])

    def _has_unit(self, unit: Mapping[str, Any]) -> bool:
        since = unit.get("since")
        if not since or not self.release:
            return True
        here = releases.position(self.releases, self.release["name"])
        return here >= releases.position(self.releases, since)

    def _units(self, roles: list[str]) -> dict[str, dict[str, Any]]:
        return {
            name: {
                "role": unit["role"],
                "service": {**unit["service"], **self.services[name]},
                "reads": self._reads(name),
            }
            for name, unit in self.defaults["units"].items()
            if unit["role"] in roles and self._has_unit(unit)
        }

    def _reads(self, name: str) -> list[str]:
        """The files beside octavia.conf that a unit reads at its start."""
        if name != "octavia-api":
            return []
        uwsgi = self._uwsgi()
        named = (uwsgi.get("ours"), uwsgi.get("defaults"), self._audit_map(), *self._tls().values())
        return [path for path in named if path]

    def _services(self) -> dict[str, dict[str, Any]]:
        known = self.defaults["units"]
        result: dict[str, dict[str, Any]] = {name: {} for name in known}
        given = self.pillar.get("services") or {}
        if not isinstance(given, Mapping):
            remedy = "Write unit names below it, and settings of [Service] below each"
            wrong = findings.error("octavia:services", given, "is not a mapping", remedy)
            self.found.append(wrong)
            return result
        for name, settings in given.items():
            path = f"octavia:services:{name}"
            if name not in known:
                remedy = f"Known are {', '.join(known)}"
                self.found.append(findings.error(path, None, "is no unit of Octavia", remedy))
            elif not isinstance(settings, Mapping) or not all(map(_is_line, settings.values())):
                remedy = "Write settings of systemd's [Service] section, one value each"
                reason = "is not a mapping of names to single values"
                self.found.append(findings.error(path, settings, reason, remedy))
            else:
                result[name] = {key: _directive(value) for key, value in settings.items()}
        return result

    def _option(self, section: str, option: str) -> Any:
        """A value as octavia.conf will have it: set, or else the default of the release."""
        known = self.release and schema.find(self.options, self.release["name"], section, option)
        if not known:
            return None
        setting = self.sections.get(known.section, {}).get(known.option)
        return setting["value"] if setting else known.era.get("default")

    def _bound(self) -> tuple[str, int]:
        address = self._option("api_settings", "bind_host") or "127.0.0.1"
        return str(address), int(self._option("api_settings", "bind_port") or 9876)

    def _tls(self) -> dict[str, str]:
        bind = self._api().get("bind", {})
        return {key: bind[key] for key in TLS_KEYS if bind.get(key) is not None}

    def _check_role(self) -> None:
        role = self._api().get("role")
        if "api" in self.roles and role is not None and role not in DATABASE_ROLES:
            reason = "does not say whether this node brings the database schema to head"
            remedy = f"Write {' or '.join(DATABASE_ROLES)}"
            self.found.append(findings.error("octavia:api:role", role, reason, remedy))

    def _check_server(self) -> None:
        """Settings of the API's server that the packages of this system cannot follow."""
        bind = self._api().get("bind")
        if "api" not in self.roles or not isinstance(bind, Mapping):
            return
        given = [name for name, value in bind.items() if value is not None]
        path = "octavia:api:bind"
        if self.system and not self.system.get("uwsgi"):
            reason = "has no effect: the packages of this system do not run the API in uWSGI"
            for key in (key for key in SIZE_KEYS if key in given):
                remedy = "Remove it from the pillar of this node"
                self.found.append(findings.warning(f"{path}:{key}", bind[key], reason, remedy))
            for key in (key for key in TLS_KEYS if key in given):
                remedy = "Remove it; end TLS in a proxy before the API"
                self.found.append(findings.error(f"{path}:{key}", bind[key], reason, remedy))
        elif len(pair := [key for key in TLS_KEYS if key in given]) == 1:
            (other,) = set(TLS_KEYS) - set(pair)
            reason = f"is of no use without {other}"
            remedy = f"Set {path}:{other} too"
            self.found.append(findings.error(f"{path}:{pair[0]}", None, reason, remedy))

    def _uwsgi(self) -> dict[str, Any]:
        paths = self.system.get("uwsgi") or {}
        if not paths:
            return {}
        bind = self._api().get("bind", {})
        sizes = {key: int(bind[key]) for key in SIZE_KEYS if bind.get(key) is not None}
        return {**paths, "socket": urls.netloc(*self._bound()), "sizes": sizes, **self._tls()}

    def _api_url(self) -> str:
        address, port = self._bound()
        reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
        return f"{'https' if self._tls() else 'http'}://{urls.netloc(reachable, port)}/"

    def _heartbeat(self) -> dict[str, Any]:
        address = self._option("health_manager", "bind_ip") or "127.0.0.1"
        return {"address": address, "port": int(self._option("health_manager", "bind_port"))}

    def _audit_map(self) -> str:
        audit = self.sections.get("audit", {})
        if "enabled" not in audit or audit["enabled"]["text"] != ["true"]:
            return ""
        return self._option("audit", "audit_map_file") or ""

    def _wants_persistence(self) -> bool:
        """Whether there is a database for the jobboard, and a jobboard that uses it."""
        board = self.sections.get("task_flow", {})
        enabled = board.get("jobboard_enabled", {}).get("text") == ["true"]
        return enabled and "persistence_connection" in board

    def _ssh(self) -> dict[str, str]:
        manager = self.pillar.get("manager")
        given = manager.get("ssh") if isinstance(manager, Mapping) else None
        if not given:
            return {}
        path = "octavia:manager:ssh"
        if not isinstance(given, Mapping):
            remedy = "Write private_key and, where needed, private_key_file, user, group below it"
            self.found.append(findings.error(path, findings.MASK, "is not a mapping", remedy))
            return {}
        for key in given:
            if key not in (*self.defaults["ssh"], "private_key"):
                known = ", ".join((*self.defaults["ssh"], "private_key"))
                reason = "is an unknown key"
                self.found.append(findings.error(f"{path}:{key}", None, reason, f"Known: {known}"))
        if not given.get("private_key"):
            return {}
        result = {key: str(given.get(key, value)) for key, value in self.defaults["ssh"].items()}
        directory = posixpath.dirname(posixpath.normpath(result["private_key_file"]))
        # Any other directory belongs to somebody else, who would be locked out of it.
        own = any(directory.startswith(f"{home}/") for home in OWN_DIRECTORIES)
        return {**result, "directory": directory if own else ""}

    def _clouds(self) -> str:
        client = self.pillar.get("client")
        if not isinstance(client, Mapping) or not client.get("clouds"):
            return ""
        if not isinstance(client["clouds"], Mapping):
            remedy = "Write clouds by name as clouds.yaml has them"
            path = "octavia:client:clouds"
            self.found.append(findings.error(path, findings.MASK, "is not a mapping", remedy))
            return ""
        return str(client.get("clouds_file", self.defaults["client"]["clouds_file"]))

    def _resources(self) -> list[str]:
        """The clouds for which resources are declared, each declaration checked."""
        declared = self.pillar["client"].get("resources")
        if not declared:
            return []
        path = "octavia:client:resources"
        if not isinstance(declared, Mapping):
            remedy = "Write the names of clouds below it, and lists of resources below each"
            wrong = findings.error(path, findings.MASK, "is not a mapping", remedy)
            self.found.append(wrong)
            return []
        desired, newest = _declarations()
        for cloud, resources in declared.items():
            self.found += desired.read(resources, newest, f"{path}:{cloud}:")[1]
        return [str(cloud) for cloud in declared]


def _declarations() -> tuple[Any, int]:
    """The reader of declarations, which most minions never need, and the newest API."""
    try:
        import octavia_desired
        import octavia_resources
    except ImportError:
        from salt_formula_octavia.utils import octavia_desired, octavia_resources
    return octavia_desired, max(octavia_resources.RELEASES)


def _is_line(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool)) and "\n" not in str(value)


def _directive(value: Any) -> str:
    """A value as systemd writes it."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
