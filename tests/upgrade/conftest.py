"""The benches of the tests; each is built for the first test that asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from . import phases
from .bench import Bench


@pytest.fixture(scope="session")
def bench(salt: str) -> Iterator[Bench]:
    """A cloud and one controller, which can go to Debian 13 and from there to testing."""
    made = Bench("upgrade", upgrades=("debian13", "testing"), salt=salt, owner=os.getpid())
    with made:
        yield made


@pytest.fixture(scope="session")
def cluster(salt: str) -> Iterator[Bench]:
    """A cloud and three controllers, which can go to Debian 13 and from there to testing."""
    made = Bench("upgrade3", 3, upgrades=("debian13", "testing"), salt=salt, owner=os.getpid())
    with made:
        yield made


def pytest_terminal_summary(terminalreporter) -> None:
    """Prints what was counted."""
    if phases.COUNTED:
        terminalreporter.section("counted")
        for line in phases.COUNTED:
            terminalreporter.line(f"counted: {line}")
