"""What the benchmarks of the API share with the tests of it."""

from __future__ import annotations

from tests.api.conftest import one_minion, release, server

__all__ = ["one_minion", "release", "server"]
