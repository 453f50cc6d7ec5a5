"""
The map: everything that the SLS need to know about a node, merged once.

Defaults, then the family of the operating system, then the release, then the mine, then the pillar.
The map holds no secret, so it may be shown; what goes into octavia.conf comes from
:mod:`octavia_sections`.
"""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Mapping
from typing import Any

try:
    import octavia_desired as desired
    import octavia_findings as findings
    import octavia_keys as keys
    import octavia_mine as mines
    import octavia_monitoring as monitoring
    import octavia_node as nodes
    import octavia_pki_names as pki_names
    import octavia_pki_pillar as pki_pillar
    import octavia_releases as releases
    import octavia_resources as resources
    import octavia_schema as schema
    import octavia_sections as sections
    import octavia_upgrade_pillar as upgrade_pillar
    import octavia_urls as urls
except ImportError:
    from salt_formula_octavia.utils import octavia_desired as desired
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_keys as keys
    from salt_formula_octavia.utils import octavia_mine as mines
    from salt_formula_octavia.utils import octavia_monitoring as monitoring
    from salt_formula_octavia.utils import octavia_node as nodes
    from salt_formula_octavia.utils import octavia_pki_names as pki_names
    from salt_formula_octavia.utils import octavia_pki_pillar as pki_pillar
    from salt_formula_octavia.utils import octavia_releases as releases
    from salt_formula_octavia.utils import octavia_resources as resources
    from salt_formula_octavia.utils import octavia_schema as schema
    from salt_formula_octavia.utils import octavia_sections as sections
    from salt_formula_octavia.utils import octavia_upgrade_pillar as upgrade_pillar
    from salt_formula_octavia.utils import octavia_urls as urls

ROLES = ("api", "manager", "client")
# The roles that have a part in octavia.conf.
SERVER_ROLES = ("api", "manager")
# What octavia:api:role may say; the first is the default.
DATABASE_ROLES = ("primary", "secondary")
# What only uWSGI knows: its size, and TLS.
SIZE_KEYS = ("processes", "threads")
TLS_KEYS = ("cert_file", "key_file")
# What the client role knows.
CLIENT_KEYS = ("enabled", "clouds", "clouds_file", "resources")
# The form of systemd's own names of settings; it ignores what it does not know.
DIRECTIVE = re.compile(r"[A-Z][A-Za-z0-9]+")
# Below these, and nowhere else, a directory's owner and mode may be changed.
OWN_DIRECTORIES = ("/etc/octavia", "/var/lib/octavia")
TOP_LEVEL = (*ROLES, "pki", "upgrade", "services", "monitoring", "_support")

Finding = findings.Finding


class Build:
    """
    Builds the map of one node.

    :param pillar: the pillar below ``octavia``; None or empty where there is none
    :param grains: of these ``os``, ``os_family`` and ``noservices`` are read
    :param data: the parameter files by name: ``defaults``, ``osfamilies``, ``releases``,
        ``policies`` and ``options``
    :param mine: where a controller's IDs come from that the pillar does not name
    """

    def __init__(
        self,
        pillar: Any,
        grains: Mapping[str, Any],
        data: Mapping[str, Any],
        mine: mines.Mine = mines.NONE,
    ) -> None:
        self.pillar = pillar if isinstance(pillar, Mapping) else {}
        self.data = data
        self.grains = grains
        self.mine = mine
        self.defaults = data["defaults"]
        self.releases = data["releases"]
        self.options = data["options"]
        self.osfamilies = data["osfamilies"]
        self.found: list[Finding] = []
        self.sections: dict[str, Any] = {}
        self.apache: dict[str, Any] = {}
        self._read(pillar)

    def _read(self, pillar: Any) -> None:
        self.system = self._system()
        self._top_level(pillar)
        self.roles = [role for role in ROLES if self._enabled(role)]
        self.release = self._release()
        self.services = self._services()
        servers = {role: self.pillar[role] for role in self.roles if role in SERVER_ROLES}
        self.node: nodes.Node | None = None
        if self.release and servers:
            defaults = {**self.defaults, "ca_bundle": self.system.get("ca_bundle", "")}
            self.sections, found = sections.sections(
                servers, self.options, self.release["name"], defaults, self.mine
            )
            self.found += found
            name = self.release["name"]
            self.node = nodes.Node(servers, self.system, self.data, name, self.option)
            self.apache = self.node.apache()
            self.found += self.node.found
            if not findings.errors(self.found):
                self.found += self.node.check_files()
        self._read_pki()
        given = self.pillar.get("upgrade")
        self.found += upgrade_pillar.check(given)
        self.upgrade = keys.settings(given, self.defaults["upgrade"], upgrade_pillar.KEYS)
        self.found += monitoring.check(self.pillar.get("monitoring"))
        self.found += monitoring.check_support(self.pillar.get("_support"))
        self._check_role()
        self._check_client()
        self._check_stop()
        self._check_server()
        self.ssh = self._ssh()
        self.clouds = self._clouds()
        self.resources = self._resources() if "client" in self.roles else []

    def _read_pki(self) -> None:
        """The settings of certificates, and the files that a controller has."""
        given = self.pillar.get("pki")
        wrong = pki_pillar.check(given)
        self.found += wrong
        self.pki = keys.settings(given, self.defaults["pki"], pki_pillar.KEYS)
        self.pki_files: dict[str, pki_names.File] = {}
        if "manager" in self.roles and self.release and not findings.errors(wrong):
            manager = self.pillar["manager"]
            self.pki_files = pki_names.files(manager, self.pki, self.option)
            more = pki_pillar.check_node(self.pki, manager, self.pki_files, self.option)
            # What is known of a key as part of certificates says more than its type.
            told = {item["path"] for item in more}
            self.found = [item for item in self.found if item["path"] not in told] + more

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
            "roles_off": [role for role in ROLES if self._is_off(role)],
            "release": self.release["name"] if self.release else "",
            "noservices": bool(self.grains.get("noservices", False)),
            "syncs_db": "api" in roles and self._api().get("role") != "secondary",
            "user": self.system.get("user", ""),
            "group": self.system.get("group", ""),
            "config": self.system.get("config", ""),
            "packages": {role: self._packages(role) for role in roles},
            **self._beside(roles),
            "release_package": self.system.get("packages", {}).get("release", ""),
            "sdk_package": self.system.get("packages", {}).get("sdk", ""),
            "units": self._units(roles),
            "units_of": {role: list(self._units([role])) for role in roles if role != "client"},
            "held_units": {role: self._held_units(role) for role in roles if role != "client"},
            "api_reads": self._reads("octavia-api") if "api" in roles else [],
            "uwsgi": self._uwsgi() if "api" in roles else {},
            "api_url": self._api_url() if "api" in roles else "",
            "heartbeat": self._heartbeat() if "manager" in roles else {},
            "audit_map": self._audit_map() if "api" in roles else "",
            "persistence": self._wants_persistence() if roles else False,
            "python": self.system.get("python", ""),
            "migrations": self.system.get("migrations", {}),
            "timeouts": self.defaults["timeouts"],
            "upgrade": self.upgrade,
            "upgrade_clouds_file": str(self.clouds or self.defaults["client"]["clouds_file"]),
            "release_packages": self._release_packages(roles),
            "stop_order": self._stop_order(roles),
            "drain": self._drain() if "api" in roles else {},
            "data_plane": self.system.get("data_plane", []),
            "upgraded_along": self.system.get("upgraded_along", []),
            "dump_packages": self._dump_packages() if roles else [],
            "certificates_textfile": self.pki["textfile"] if "manager" in roles else "",
            "ssh": self.ssh if "manager" in roles else {},
            "clouds_file": self.clouds if "client" in roles else "",
            "resources": self.resources if "client" in roles else [],
            "monitoring": self._monitoring(valid),
        }

    def _monitoring(self, valid: bool) -> dict[str, Any]:
        """
        What other formulas may know. With an error in the pillar the roles that it enables stay
        here, since their services go on running and want to be watched; what hangs on the pillar's
        values is left out.
        """
        servers = {role: valid and role in self.roles for role in SERVER_ROLES}
        units = self._watched()
        return {
            "roles": self.roles,
            "version": self.release["name"] if self.release else "",
            "units": units,
            "apache": self.apache.get("service", ""),
            "logs": [self._log(name, role) for name, role in units.items()] if valid else [],
            "json": valid and bool(self.node and self.node.logs_json()),
            "config": self.system.get("config", "") if any(servers.values()) else "",
            "api": self._endpoint() if servers["api"] else {},
            "heartbeat": self._heartbeat() if servers["manager"] else {},
            **monitoring.settings(self.pillar.get("monitoring"), self.defaults["monitoring"]),
        }

    def _watched(self) -> dict[str, str]:
        """The services of Octavia by name, each with its role; Apache may run the API."""
        return {
            name: unit["role"]
            for name, unit in self.defaults["units"].items()
            if unit["role"] in self.roles and self._has_unit(name)
        }

    def _log(self, name: str, role: str) -> dict[str, str]:
        path = self.system["log_files"][name]
        if name == "octavia-api" and self.apache:
            path = f"{self.apache['logs']}/octavia-api-error.log"
        return monitoring.log(name, role, path, bool(self._environment(name)))

    def _endpoint(self) -> dict[str, Any]:
        """Where the API of this node answers."""
        address, port = self._reachable()
        scheme = "https" if self._tls() else "http"
        return {"url": self._api_url(), "scheme": scheme, "address": address, "port": port}

    def _beside(self, roles: list[str]) -> dict[str, Any]:
        """What the node needs beside octavia.conf."""
        node = self.node if set(roles) & set(SERVER_ROLES) else None
        if node is None:
            return {"tls_files": [], "policy": {}, "ovn": {}, "logrotate": {}, "apache": {}}
        policy = {"file": node.policy_file(), "wanted": bool(node.policies)}
        ovn = {"file": node.ovn_file(), "wanted": bool(node.ovn_lines())}
        apache = {**self.apache, **self._tls(), "sizes": self._sizes(), "socket": self._socket()}
        return {
            "tls_files": node.tls_files(),
            "policy": policy if policy["file"] else {},
            "ovn": ovn if ovn["file"] else {},
            "logrotate": node.logrotate(),
            "apache": apache if self.apache else {},
        }

    def _api(self) -> Mapping[str, Any]:
        """The pillar of the api role where this node has it; nothing else of it is checked."""
        api = self.pillar.get("api")
        return api if "api" in self.roles and isinstance(api, Mapping) else {}

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

    def _is_off(self, role: str) -> bool:
        value = self.pillar.get(role)
        return isinstance(value, Mapping) and value.get("enabled") is False

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
        since = self.system.get("packages_since", {})
        return [
            package
            for package in self.system["packages"][role]
            if role == "client"
            or not package.endswith("-driver-agent")
            or (self._has_unit("octavia-driver-agent") and self._is_there(since.get(package)))
        ] + self._extra_packages(role)

    def _extra_packages(self, role: str) -> list[str]:
        if self.node is None or role not in SERVER_ROLES:
            return []
        # The packages of the API do not demand the server that runs it.
        server = (self.apache or self.system["uwsgi"]).get("packages", [])
        return [*self.node.packages(role), *(server if role == "api" else [])]

    def _has_unit(self, name: str) -> bool:
        return self._is_there(self.defaults["units"][name].get("since"))

    def _is_there(self, since: str | None) -> bool:
        """Whether the node's release has what came with a release; what has none came with all."""
        if not self.release or not since:
            return True
        here = releases.position(self.releases, self.release["name"])
        return here >= releases.position(self.releases, since)

    def _supplied(self, name: str) -> dict[str, str]:
        """The unit file that the formula brings where the packages bring none; empty otherwise."""
        supplied = self.system.get("supplied_units", {}).get(name)
        if not supplied or self._is_there(supplied["before"]):
            return {}
        return {key: supplied[key] for key in ("description", "command")}

    def _units(self, roles: list[str]) -> dict[str, dict[str, Any]]:
        return {
            name: {
                "role": unit["role"],
                "service": {**unit["service"], **self._environment(name), **self.services[name]},
                "reads": self._reads(name),
                "supplied": self._supplied(name),
            }
            for name, unit in self.defaults["units"].items()
            if unit["role"] in roles
            and self._has_unit(name)
            # Apache takes its place.
            and not (self.apache and name == "octavia-api")
        }

    def _held_units(self, role: str) -> list[str]:
        """The units that the packages of a role would start, whether they are wanted or not."""
        known = self.defaults["units"].items()
        return [
            name
            for name, unit in known
            if unit["role"] == role and self._has_unit(name) and not self._supplied(name)
        ]

    def _stop_order(self, roles: list[str]) -> list[str]:
        """The units of the node in the order in which an upgrade stops them."""
        here = self._units(roles)
        return [name for name in self.defaults["stop_order"] if name in here]

    def _release_packages(self, roles: list[str]) -> list[str]:
        """The packages that an upgrade brings to their latest version."""
        wanted = [name for role in roles for name in self._packages(role)]
        release = [self.system["packages"]["release"]] if self._units(roles) else []
        return list(dict.fromkeys([*release, *wanted]))

    def _drain(self) -> dict[str, str]:
        """
        The file that takes the API out of the balancer before it, and where that shows; empty where
        the pillar has no such health check.
        """
        check = self.sections.get("healthcheck", {})
        path = check.get("disable_by_file_path", {}).get("value")
        backends = ",".join(check.get("backends", {}).get("text", []))
        switch = self.sections.get("api_settings", {}).get("healthcheck_enabled", {})
        if not path or "disable_by_file" not in backends or switch.get("text") != ["true"]:
            return {}
        route = str(self.option("healthcheck", "path") or "/healthcheck").lstrip("/")
        return {"file": str(path), "url": f"{self._api_url()}{route}"}

    def _dump_packages(self) -> list[str]:
        """The packages that hold the programs which save the database."""
        engine = str(self.option("database", "connection") or "").partition(":")[0]
        return self.system.get("dump_packages", {}).get(engine.partition("+")[0], [])

    def _environment(self, name: str) -> dict[str, str]:
        return self.node.environment(name) if self.node else {}

    def _reads(self, name: str) -> list[str]:
        """The files beside octavia.conf that a unit reads at its start."""
        if self.node is None:
            return []
        common = self.node.reads(self.defaults["units"][name]["role"])
        if self.defaults["units"][name]["role"] == "manager":
            paths = (self.pki_files[key].path for key in pki_names.READ if key in self.pki_files)
            return list(dict.fromkeys([*common, *paths]))
        if name == "octavia-driver-agent":
            return [*common, *self.node.ovn_reads()]
        if name != "octavia-api":
            return common
        uwsgi = self._uwsgi()
        named = (uwsgi.get("ours"), uwsgi.get("defaults"), self._audit_map(), *self._tls().values())
        return [path for path in (*named, *self.node.api_reads(), *common) if path]

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
                self._check_directives(path, settings)
                result[name] = {str(key): _directive(value) for key, value in settings.items()}
        return result

    def _check_directives(self, path: str, settings: Mapping[Any, Any]) -> None:
        for key in settings:
            if not isinstance(key, str) or not DIRECTIVE.fullmatch(key):
                reason = "has not the form of a setting of systemd, which would ignore it"
                remedy = "Write its name as systemd.service(5) does, TimeoutStopSec"
                self.found.append(findings.error(f"{path}:{key}", None, reason, remedy))

    def option(self, section: str, option: str) -> Any:
        """
        A value as octavia.conf will have it.

        :param section: its section
        :param option: its name
        :return: what is set, or else the default of the release, None where it has neither
        """
        known = self.release and schema.find(self.options, self.release["name"], section, option)
        if not known:
            return None
        setting = self.sections.get(known.section, {}).get(known.option)
        return setting["value"] if setting else known.era.get("default")

    def _bound(self) -> tuple[str, int]:
        address = self.option("api_settings", "bind_host") or "127.0.0.1"
        return str(address), int(self.option("api_settings", "bind_port") or 9876)

    def _tls(self) -> dict[str, str]:
        bind = self._api().get("bind", {})
        return {key: bind[key] for key in TLS_KEYS if bind.get(key) is not None}

    def _check_role(self) -> None:
        role = self._api().get("role")
        if "api" in self.roles and role is not None and role not in DATABASE_ROLES:
            reason = "does not say whether this node brings the database schema to head"
            remedy = f"Write {' or '.join(DATABASE_ROLES)}"
            self.found.append(findings.error("octavia:api:role", role, reason, remedy))

    def _check_client(self) -> None:
        client = self.pillar.get("client")
        if "client" not in self.roles or not isinstance(client, Mapping):
            return
        path = "octavia:client"
        for key in client:
            if key not in CLIENT_KEYS:
                near = difflib.get_close_matches(str(key), CLIENT_KEYS, 1)
                hint = f"Did you mean {near[0]}? " if near else ""
                remedy = f"{hint}Known keys are {', '.join(CLIENT_KEYS)}"
                wrong = findings.error(f"{path}:{key}", None, "is an unknown key", remedy)
                self.found.append(wrong)
        self._check_path(f"{path}:clouds_file", client.get("clouds_file"))

    def _check_path(self, path: str, value: Any) -> None:
        if value is not None and not (isinstance(value, str) and value.startswith("/")):
            reason = "is no absolute path"
            self.found.append(findings.error(path, value, reason, "Write the path from / on"))

    def _check_stop(self) -> None:
        """Whether systemd gives a worker the time that it gives its flows."""
        grace = self.option("DEFAULT", "graceful_shutdown_timeout")
        if "manager" not in self.roles or not self.sections or grace is None:
            return
        unit = self.defaults["units"]["octavia-worker"]["service"]
        stop = str(self.services["octavia-worker"].get("TimeoutStopSec", unit["TimeoutStopSec"]))
        if stop.isdecimal() and int(stop) and not 0 < int(grace) < int(stop):
            wait = f"{grace} s" if int(grace) else "without end"
            reason = (
                f"is {stop} s, and the worker waits {wait} for its flows "
                "([DEFAULT] graceful_shutdown_timeout): systemd would kill it in the middle of one"
            )
            remedy = "Make TimeoutStopSec the longer one; infinity has no end"
            path = "octavia:services:octavia-worker:TimeoutStopSec"
            self.found.append(findings.warning(path, None, reason, remedy))

    def _check_server(self) -> None:
        """Settings of the API's server that the packages of this system cannot follow."""
        manager = self.pillar.get("manager")
        elsewhere = manager.get("bind") if isinstance(manager, Mapping) else None
        if "manager" in self.roles and isinstance(elsewhere, Mapping):
            for key in ("server", *SIZE_KEYS, *TLS_KEYS):
                if elsewhere.get(key) is not None:
                    reason = "has no effect below octavia:manager, which has no server"
                    remedy = "Remove it, or move it to octavia:api:bind"
                    where = f"octavia:manager:bind:{key}"
                    self.found.append(findings.warning(where, None, reason, remedy))
        bind = self._api().get("bind")
        if "api" not in self.roles or not isinstance(bind, Mapping):
            return
        given = [name for name, value in bind.items() if value is not None]
        path = "octavia:api:bind"
        if self.system and not self.system.get("uwsgi") and bind.get("server") != "apache":
            reason = "has no effect: the packages of this system do not run the API in uWSGI"
            for key in (key for key in SIZE_KEYS if key in given):
                remedy = "Remove it from the pillar of this node"
                self.found.append(findings.warning(f"{path}:{key}", bind[key], reason, remedy))
            for key in (key for key in TLS_KEYS if key in given):
                remedy = "Remove it and end TLS in a proxy before the API"
                if self.system.get("apache"):
                    remedy += f", or set {path}:server to apache"
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
        return {**paths, "socket": self._socket(), "sizes": self._sizes(), **self._tls()}

    def _sizes(self) -> dict[str, int]:
        bind = self._api().get("bind", {})
        return {key: int(bind[key]) for key in SIZE_KEYS if bind.get(key) is not None}

    def _socket(self) -> str:
        return urls.netloc(*self._bound())

    def _reachable(self) -> tuple[str, int]:
        address, port = self._bound()
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address), port

    def _api_url(self) -> str:
        return f"{'https' if self._tls() else 'http'}://{urls.netloc(*self._reachable())}/"

    def _heartbeat(self) -> dict[str, Any]:
        address = self.option("health_manager", "bind_ip") or "127.0.0.1"
        return {"address": address, "port": int(self.option("health_manager", "bind_port"))}

    def _audit_map(self) -> str:
        audit = self.sections.get("audit", {})
        if "enabled" not in audit or audit["enabled"]["text"] != ["true"]:
            return ""
        return self.option("audit", "audit_map_file") or ""

    def _wants_persistence(self) -> bool:
        """Whether there is a database for the jobboard, and a jobboard that uses it."""
        board = self.sections.get("task_flow", {})
        enabled = board.get("jobboard_enabled", {}).get("text") == ["true"]
        return enabled and "persistence_connection" in board

    def _ssh(self) -> dict[str, str]:
        manager = self.pillar.get("manager")
        given = manager.get("ssh") if isinstance(manager, Mapping) else None
        if not given or given == {"private_key": None} or "manager" not in self.roles:
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
            elif not isinstance(given[key], str) and given[key] is not None:
                shown = findings.masked(f"{path}:{key}", given[key])
                remedy = "Write it as text"
                self.found.append(findings.error(f"{path}:{key}", shown, "is no text", remedy))
        if isinstance(given.get("private_key_file"), str):
            self._check_path(f"{path}:private_key_file", given["private_key_file"])
        if not given.get("private_key"):
            reason = "is missing, so no key is written and the rest of ssh says nothing"
            remedy = "Set it, or remove ssh"
            self.found.append(findings.warning(f"{path}:private_key", None, reason, remedy))
            return {}
        result = {key: str(given.get(key) or value) for key, value in self.defaults["ssh"].items()}
        directory = posixpath.dirname(posixpath.normpath(result["private_key_file"]))
        # Any other directory belongs to somebody else, who would be locked out of it.
        own = any(directory.startswith(f"{home}/") for home in OWN_DIRECTORIES)
        return {**result, "directory": directory if own else ""}

    def _clouds(self) -> str:
        client = self.pillar.get("client")
        if "client" not in self.roles or not isinstance(client, Mapping):
            return ""
        if not client.get("clouds"):
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
        newest = max(resources.RELEASES)
        for cloud, lists in declared.items():
            self.found += desired.read(lists, newest, f"{path}:{cloud}:")[1]
        return [str(cloud) for cloud in declared]


def _is_line(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool)) and "\n" not in str(value)


def _directive(value: Any) -> str:
    """A value as systemd writes it."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
