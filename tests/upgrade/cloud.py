"""
What stands around the controllers and is never upgraded: MariaDB, RabbitMQ, memcached and Keystone
of Debian 12 on a node of their own, reached by the controllers over the network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.converge import suites
from tests.nodes import Node

from .errors import BenchError

PLATFORM = "debian12"
SCRIPTS = Path(__file__).parent / "scripts"


class Cloud:
    """
    The node with all that Octavia needs of a cloud.

    :ivar node: it
    """

    def __init__(self, node: Node) -> None:
        self.node = node

    def build(self, pillar: Mapping[str, Any], url: str) -> None:
        """
        Sets everything up.

        :param pillar: files of the first controller's pillar, which say what is expected here
        :param url: where Keystone says that Octavia's API is
        """
        sandbox = {"sandbox": {"listen": "0.0.0.0", "api_url": url}}
        self.node.set_pillar({**pillar, "sandbox.sls": sandbox})
        suites.must_apply(self.node, "sandbox")

    @property
    def endpoint(self) -> str:
        """Where Keystone says that Octavia's API is."""
        return json.loads(self.node.get("/srv/pillar/sandbox.sls"))["sandbox"]["api_url"]

    @endpoint.setter
    def endpoint(self, url: str) -> None:
        sandbox = {"sandbox": {"listen": "0.0.0.0", "api_url": url}}
        self.node.put("/srv/pillar/sandbox.sls", json.dumps(sandbox), 0o600)
        suites.must_apply(self.node, "sandbox.keystone")

    def script(self, name: str, *args: str, timeout: float = 600) -> Any:
        """
        Runs one of the scripts as the cloud's administrator, by the SDK of Debian 12.

        :param name: file name
        :param args: its arguments
        :param timeout: seconds that it may take
        :return: its answer
        :raises BenchError: when it fails, with what it says
        """
        result = self.node.run(
            [suites.SYSTEM_PYTHON, "-", *args],
            input=(SCRIPTS / name).read_text(encoding="utf-8"),
            env={"OS_CLIENT_CONFIG_FILE": suites.CLOUDS, "OS_CLOUD": "admin"},
            timeout=timeout,
        )
        if result.returncode:
            raise BenchError(f"{name}: {result.stdout}\n{result.stderr[-3000:]}")
        return json.loads(result.stdout)

    def sql(self, statement: str, database: str = "octavia") -> list[str]:
        """The lines of an answer of the database."""
        argv = ["mariadb", database, "--batch", "--skip-column-names", "--execute", statement]
        return self.node.run(argv, check=True).stdout.splitlines()
