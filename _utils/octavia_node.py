"""
What a node needs beside octavia.conf: packages of what Octavia is connected to, files of TLS,
policies, the OVN provider and log rotation, and Apache where it serves the API.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Any

try:
    import octavia_findings as findings
    import octavia_ovn as ovn
    import octavia_policy as policy
    import octavia_releases as releases
    import octavia_tls as tls
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_ovn as ovn
    from salt_formula_octavia.utils import octavia_policy as policy
    from salt_formula_octavia.utils import octavia_releases as releases
    from salt_formula_octavia.utils import octavia_tls as tls

Finding = findings.Finding

# How logs are rotated where the pillar says so, and leaves a key out.
ROTATION = {"every": "daily", "keep": 14, "compress": True}
# Keys that only one role reads.
ONLY_API = ("policy", "ovn", "healthcheck")


class Node:
    """
    What a node needs beside octavia.conf.

    :param servers: the pillar of each enabled server role
    :param system: names and paths of the family of operating systems
    :param data: the parameter files: ``releases`` and ``policies`` are read
    :param release: name of the release in force
    :param option: a value as octavia.conf will have it, by section and option
    :ivar found: the findings
    """

    def __init__(
        self,
        servers: Mapping[str, Mapping[str, Any]],
        system: Mapping[str, Any],
        data: Mapping[str, Any],
        release: str,
        option: Callable[[str, str], Any],
    ) -> None:
        self.servers = servers
        self.system = system
        self.releases = data["releases"]
        self.release = release
        self.option = option
        self.found: list[Finding] = []
        self._check_roles()
        self.policies, found = policy.rules(
            self._api().get("policy"), data["policies"], self.releases, release
        )
        self.found += found
        self._check_ovn()
        self._check_logging()

    def check_files(self) -> list[Finding]:
        """What is wrong with the files of TLS; for a pillar that is right otherwise."""
        return tls.contradictions(self._all_files())

    def tls_files(self) -> list[dict[str, Any]]:
        """The files whose content the pillar holds: ``path`` and the pillar path of the content."""
        given = {file.path: file for file in self._all_files() if file.content is not None}
        return [{"path": path, "pillar": file.pillar_path} for path, file in given.items()]

    def content(self, path: str) -> str:
        """
        The content of one of :meth:`tls_files`, a secret where it is a key.

        :param path: the file
        :return: its content
        :raises KeyError: for a file whose content the pillar does not hold
        """
        given = {file.path: file.content for file in self._all_files() if file.content is not None}
        return str(given[path])

    def reads(self, role: str) -> list[str]:
        """The files of TLS that the services of a role read at their start."""
        pillar = self.servers.get(role, {})
        paths = [file.path for file in tls.files(f"octavia:{role}", pillar)]
        identity = pillar.get("identity")
        bundle = identity.get("cacert_file") if isinstance(identity, Mapping) else None
        return list(dict.fromkeys([*paths, *([bundle] if bundle else [])]))

    def api_reads(self) -> list[str]:
        """The files that only the API reads, and those that it shares with the driver agent."""
        files = [self.policy_file()] if self.policies else []
        return files + self.ovn_reads()

    def ovn_reads(self) -> list[str]:
        """The files of the OVN provider."""
        given = self._api().get("ovn")
        return [self.ovn_file(), *ovn.files(given)] if given else []

    def policy_file(self) -> str:
        """Where the policies are written; empty where the node has no API."""
        if "api" not in self.servers:
            return ""
        # Octavia reads another file by default, which the formula does not write.
        given = self.option("oslo_policy", "policy_file")
        return str(given) if self.policies and given else "/etc/octavia/policy.yaml"

    def ovn_file(self) -> str:
        """The file of the OVN provider; empty where the node has no API."""
        folder = self.system.get("provider_config", "")
        return f"{folder}/{ovn.NAME}" if folder and "api" in self.servers else ""

    def ovn_lines(self) -> list[str]:
        """The lines of the OVN provider's section."""
        given = self._api().get("ovn")
        return ovn.lines(given) if given else []

    def packages(self, role: str) -> list[str]:
        """Packages of what the role's services are connected to, and of what they log to."""
        pillar = self.servers.get(role, {})
        known = self.system.get("extra_packages", {})
        wanted = [self._engine("database", "connection")]
        if self.option("keystone_authtoken", "memcached_servers"):
            wanted.append("memcached")
        board = pillar.get("jobboard")
        task_flow = pillar.get("task_flow")
        named = isinstance(board, Mapping) or isinstance(task_flow, Mapping)
        if named and self._is_true("task_flow", "jobboard_enabled"):
            driver = str(self.option("task_flow", "jobboard_backend_driver"))
            wanted.append(driver.partition("_")[0])
            wanted.append(self._engine("task_flow", "persistence_connection"))
        if self._is_true("DEFAULT", "use_journal"):
            wanted.append("journal")
        if role == "api" and self._api().get("ovn"):
            wanted.append("ovn")
        return list(dict.fromkeys(name for key in wanted for name in known.get(key, [])))

    def environment(self, unit: str) -> dict[str, str]:
        """
        Settings of a unit's [Service] section that follow from the pillar.

        :param unit: its name
        :return: the settings
        """
        switch = self.system.get("log_switch", "")
        if switch and unit != "octavia-api" and self._shared("logging", "file") is False:
            return {"Environment": switch}
        return {}

    def logs_json(self) -> bool:
        """Whether the services write their records in JSON."""
        return self._is_true("DEFAULT", "use_json")

    def logrotate(self) -> dict[str, Any]:
        """``path`` of logrotate's file and the settings; empty where the pillar says nothing."""
        given = self._shared("logging", "rotate")
        if not isinstance(given, Mapping) or not self.system.get("logrotate"):
            return {}
        settings = {key: value for key, value in given.items() if value is not None}
        return {"path": self.system["logrotate"], **ROTATION, **settings}

    def apache(self) -> dict[str, Any]:
        """
        Apache in place of the packaged server of the API; empty where the pillar does not want it.
        """
        bind = self._api().get("bind")
        if not isinstance(bind, Mapping) or bind.get("server") != "apache":
            return {}
        known = self.system.get("apache") or {}
        script = ""
        here = releases.position(self.releases, self.release)
        for since, path in known.get("script", {}).items():
            if here >= releases.position(self.releases, since):
                script = path
        if not script:
            reason = "cannot be had: the packages of this system do not run the API in Apache"
            remedy = "Remove it from the pillar of this node"
            path = "octavia:api:bind:server"
            self.found.append(findings.error(path, "apache", reason, remedy))
            return {}
        return {**known, "script": script, "folder": posixpath.dirname(script)}

    def _api(self) -> Mapping[str, Any]:
        return self.servers.get("api", {})

    def _all_files(self) -> list[tls.File]:
        return [
            file
            for role, pillar in self.servers.items()
            for file in tls.files(f"octavia:{role}", pillar)
        ]

    def _engine(self, section: str, option: str) -> str:
        """``mysql`` or ``postgresql`` for the URL of a database."""
        return str(self.option(section, option) or "").partition(":")[0].partition("+")[0]

    def _is_true(self, section: str, option: str) -> bool:
        value = self.option(section, option)
        return value is True or str(value).lower() in ("true", "yes", "on", "1")

    def _shared(self, key: str, name: str) -> Any:
        """A value that stands in a composite of one role or of both, where it is the same."""
        for pillar in self.servers.values():
            block = pillar.get(key)
            if isinstance(block, Mapping) and block.get(name) is not None:
                return block[name]
        return None

    def _check_roles(self) -> None:
        manager = self.servers.get("manager", {})
        for key in ONLY_API:
            if key in manager:
                path = f"octavia:manager:{key}"
                reason = "has no effect: only the API reads it"
                remedy = f"Move it to octavia:api:{key}"
                self.found.append(findings.error(path, None, reason, remedy))

    def _check_ovn(self) -> None:
        if not self._api().get("ovn"):
            return
        if releases.position(self.releases, self.release) < releases.position(
            self.releases, ovn.SINCE
        ):
            reason = f"needs a driver agent that runs providers, which {self.release} has not"
            remedy = f"Remove it, or use {ovn.SINCE} or later"
            self.found.append(findings.error("octavia:api:ovn", None, reason, remedy))

    def _check_logging(self) -> None:
        given = []
        for role, pillar in self.servers.items():
            block = pillar.get("logging")
            if not isinstance(block, Mapping):
                continue
            path = f"octavia:{role}:logging"
            names = [name for name in ("file", "rotate") if block.get(name) is not None]
            given += [(name, path, block[name]) for name in names]
            if block.get("file") is False and self.system and not self.system.get("log_switch"):
                reason = "has no effect: the units of this system name their log files themselves"
                remedy = "Remove it from the pillar of this node"
                found = findings.warning(f"{path}:file", False, reason, remedy)
                self.found.append(found)
        for name in ("file", "rotate"):
            values = [(path, value) for key, path, value in given if key == name]
            if len(values) == 2 and values[0][1] != values[1][1]:
                reason = f"contradicts {values[0][0]}:{name}: all services of a node log alike"
                remedy = "Give both the same value"
                where = f"{values[1][0]}:{name}"
                self.found.append(findings.error(where, None, reason, remedy))
