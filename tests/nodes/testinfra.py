"""Lets pytest-testinfra look at a node: `--hosts=node://NAME`, after :func:`register`."""

from __future__ import annotations

from typing import Any

import testinfra.backend
from testinfra.backend import base

from .node import Node


class NodeBackend(base.BaseBackend):
    """Runs testinfra's commands in a node."""

    NAME = "node"

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(name, *args, **kwargs)
        self.name = name

    def run(self, command: str, *args: str, **kwargs: Any) -> base.CommandResult:
        """As testinfra's own backends do."""
        line = self.get_command(command, *args)
        result = Node.attach(self.name).run(["/bin/sh", "-c", line])
        return self.result(result.returncode, line, result.stdout, result.stderr)


def register() -> None:
    """Makes the backend known to testinfra."""
    testinfra.backend.BACKENDS["node"] = f"{NodeBackend.__module__}.{NodeBackend.__name__}"
