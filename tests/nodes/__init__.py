"""Real Debian systems with systemd for the tests; see `Node` and `python3 -m tests.nodes -h`."""

from .errors import NodesError
from .node import Node, Result, SaltResult

__all__ = ["Node", "NodesError", "Result", "SaltResult"]
