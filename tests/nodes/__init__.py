"""Real Debian systems with systemd for the tests; see `Node` and `python3 -m tests.nodes -h`."""

from .commands import Result
from .errors import NodesError
from .node import Node, SaltResult

__all__ = ["Node", "NodesError", "Result", "SaltResult"]
