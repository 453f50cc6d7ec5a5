"""What the benchmarks share with the tests of the API, and with those that render."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.api.conftest import one_minion, server

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "render"), str(TESTS / "unit")]

__all__ = ["one_minion", "server"]
