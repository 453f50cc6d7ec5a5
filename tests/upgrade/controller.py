"""A controller: Octavia with all its roles on a node whose Debian can be upgraded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.converge import suites
from tests.converge.report import Run
from tests.nodes import Node, recipes
from tests.nodes.commands import Result
from tests.nodes.node import UPGRADES
from tests.nodes.platforms import Platform
from tests.nodes.platforms import platform as find_platform
from tests.nodes.processes import step, wait_until

from .errors import BenchError

PILLAR = (Path(__file__).parent / "pillar.sls").read_text(encoding="utf-8")
UNITS = (
    "octavia-api",
    "octavia-driver-agent",
    "octavia-worker",
    "octavia-health-manager",
    "octavia-housekeeping",
)
CERTIFICATES = "/etc/octavia/certs"
# Files that somebody changed stay as they are, and nobody is asked.
DPKG = ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"]
QUIET = {"DEBIAN_FRONTEND": "noninteractive"}
APT_SECONDS = 3600


class Controller:
    """
    One controller.

    :ivar node: where it runs
    :ivar settings: what the pillar has of it below ``bench``
    :ivar changes: what the pillar has besides, key by key of ``octavia``
    """

    def __init__(self, node: Node, settings: Mapping[str, Any] | None = None) -> None:
        self.node = node
        self.settings = dict(settings) if settings is not None else self._said("bench")
        self.changes: dict[str, Any] = {} if settings is not None else self._said("octavia")

    def _said(self, key: str) -> dict[str, Any]:
        """What an earlier process put into the pillar."""
        return json.loads(self.node.get(f"/srv/pillar/{_FILES[key]}"))[key]

    @property
    def name(self) -> str:
        """The node's name, which is the minion's id as well."""
        return self.node.name

    @property
    def platform(self) -> Platform:
        """What the pillar has the node's Octavia be from."""
        return find_platform(self.settings["version"])

    @property
    def url(self) -> str:
        """Of the controller's own API."""
        return f"http://{self.node.address}:9876"

    # -- pillar and states ------------------------------------------------------------------------

    @property
    def pillar(self) -> dict[str, Any]:
        """The files of the controller's pillar."""
        return {
            "octavia.sls": PILLAR,
            _FILES["bench"]: {"bench": self.settings},
            _FILES["octavia"]: {"octavia": self.changes},
        }

    def set_pillar(self, **changes: Any) -> None:
        """Gives the controller these keys of ``octavia`` besides; each replaces its last value."""
        self.changes.update(changes)
        self.node.set_pillar(self.pillar)

    def apply(self, sls: str = "octavia", *args: str) -> Run:
        """
        Applies states, of which none may fail.

        :param sls: states, parted by commas
        :param args: further arguments of state.apply
        :return: the run
        """
        return suites.must_apply(self.node, sls, *args)

    def certificates(self) -> str:
        """Certificates and keys with their owners, packed."""
        pack = f"tar --create --directory={CERTIFICATES} . | base64"
        return self.node.run(["sh", "-ec", pack], check=True).stdout

    def take_certificates(self, packed: str) -> None:
        """Unpacks what :meth:`certificates` of another controller gave."""
        # Only makes the user that the packages would make.
        self.apply("sandbox.pem")
        unpack = f"mkdir -p {CERTIFICATES}; base64 -d | tar --extract --directory={CERTIFICATES}"
        self.node.run(["sh", "-ec", unpack], input=packed, check=True)

    # -- packages ---------------------------------------------------------------------------------

    def apt(self, *args: str, check: bool = True) -> Result:
        """Runs apt-get, which asks nobody and keeps changed configuration files."""
        argv = ["apt-get", "--yes", *DPKG, *args]
        return self.node.run(argv, timeout=APT_SECONDS, check=check, env=QUIET)

    def _sources(self, *folders: str) -> None:
        self.node.put("/etc/apt/sources.list", recipes.sources(*folders))
        self.apt("update")

    def change_sources(self, platform: str) -> None:
        """Has apt know the packages of another platform and no other ones."""
        key = find_platform(platform).key
        if key not in self.node.record.upgrades:
            known = ", ".join(self.node.record.upgrades) or "no platform"
            raise BenchError(f"{self.name} has the packages of {known} and not of {key}")
        self._sources(f"{UPGRADES}/{key}")

    def hop(self, platform: str) -> None:
        """What an operator does before an upgrade: other sources, another version in the pillar."""
        self.change_sources(platform)
        self.settings["version"] = find_platform(platform).release
        self.set_pillar()

    def install_data_plane(self) -> None:
        """Installs what stands beside Octavia on a network node, from the node's own platform."""
        own = self.node.platform.key
        self._sources("/srv/debs", f"{UPGRADES}/{own}")
        self.apt("install", "--no-install-recommends", *recipes.DATA_PLANE["data-plane"])

    def keep_python(self) -> None:
        """Has apt keep the Python that Salt runs on when it removes what nothing needs any more."""
        mark = 'apt-mark manual "$(basename "$(readlink -f /opt/salt/bin/python)")"'
        self.node.run(["sh", "-ec", mark], check=True)

    def versions(self) -> dict[str, str]:
        """The versions of all installed packages."""
        form = "${db:Status-Abbrev} ${Package} ${Version}\n"
        lines = self.node.run(["dpkg-query", "--show", f"--showformat={form}"], check=True).stdout
        rows = (line.split() for line in lines.splitlines())
        return {name: version for status, name, version in rows if status == "ii"}

    def rest(self) -> None:
        """
        Upgrades everything that was left, and starts the node anew.

        :raises BenchError: when a unit of Octavia that is enabled does not come up
        """
        with step(f"upgrade all else on {self.name}"):
            self.apt("dist-upgrade")
        self.restart()

    def restart(self) -> None:
        """
        Powers the node off and boots it.

        :raises BenchError: when a unit of Octavia that is enabled does not come up
        """
        self.node.power_off()
        self.node.boot()
        self.must_run(self.enabled())

    # -- services ---------------------------------------------------------------------------------

    def enabled(self) -> list[str]:
        """The units of Octavia that start with the system."""
        said = self.node.run(["systemctl", "is-enabled", *UNITS]).stdout.splitlines()
        return [unit for unit, state in zip(UNITS, said, strict=True) if state == "enabled"]

    def active(self) -> list[str]:
        """The units of Octavia that run now."""
        said = self.node.run(["systemctl", "is-active", *UNITS]).stdout.splitlines()
        return [unit for unit, state in zip(UNITS, said, strict=True) if state == "active"]

    def must_run(self, units: Sequence[str] = UNITS, seconds: float = 240) -> None:
        """
        Waits until units run, and the API answers if it is one of them.

        :param units: their names
        :param seconds: how long to wait at most
        :raises BenchError: when they do not
        """

        def up() -> bool:
            if not set(units) <= set(self.active()):
                return False
            return "octavia-api" not in units or self.answers()

        if not wait_until(up, seconds, pause=0.5):
            missing = ", ".join(sorted(set(units) - set(self.active()))) or "the API's answer"
            raise BenchError(f"{self.name}: after {seconds} s there is no {missing}")

    def answers(self) -> bool:
        """True when the API answers."""
        argv = ["curl", "--silent", "--fail", "--max-time", "30", "--output", "/dev/null", self.url]
        return self.node.run(argv).returncode == 0


_FILES = {"bench": "bench.sls", "octavia": "changes.sls"}
