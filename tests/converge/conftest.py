"""Lets tests import the shared code by its bare names, and what the unit tests start from."""

import sys
from pathlib import Path

import pytest

from .master import OTHER, Master

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "_utils"), str(ROOT / "tests" / "unit"), str(ROOT / "tests" / "schema")]


@pytest.fixture(scope="session")
def master(node):
    """A Salt master on the main node, with a minion of the node's name and another one."""
    return Master(node, {node.name: node, OTHER: node})
