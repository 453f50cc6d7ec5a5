"""
The node that the converge tests and the benchmarks are about.

With `--suite` a suite is brought up before the first test, and `--hosts` must name its main node.
Without it (kitchen's verifier) the tests of `verify/` look at whatever `--hosts` names.
"""

from __future__ import annotations

import os
import signal

import pytest

from tests import environments
from tests.converge import suites
from tests.converge.report import Run
from tests.nodes import testinfra as node_backend

node_backend.register()


def pytest_configure() -> None:
    """Ends in order when asked to end, as with Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options that choose what is converged."""
    group = parser.getgroup("converge")
    group.addoption("--suite", default="", help="suite to bring up, a name of tests/pillar")
    group.addoption("--job", default="", help="put before the names of its nodes")
    group.addoption("--platform", default="debian12", help="platform of its nodes")
    group.addoption("--salt", default="3008", help="series of Salt")
    newest = environments.NEWEST_OCTAVIA
    group.addoption("--octavia", default=newest, help="release of the Octavia of the API's tests")


@pytest.fixture(scope="session")
def suite_name(request: pytest.FixtureRequest) -> str:
    """The suite that stands."""
    name = request.config.getoption("--suite") or os.environ.get("KITCHEN_SUITE", "aio")
    return name.replace("-", "_")


@pytest.fixture(scope="session")
def platform(request: pytest.FixtureRequest) -> str:
    """The platform of the nodes."""
    return request.config.getoption("--platform")


@pytest.fixture(scope="session")
def salt(request: pytest.FixtureRequest) -> str:
    """The series of Salt."""
    return request.config.getoption("--salt")


@pytest.fixture(scope="session")
def release(request: pytest.FixtureRequest) -> str:
    """The release of the Octavia of the API's tests."""
    return request.config.getoption("--octavia")


@pytest.fixture(scope="session")
def suite(request: pytest.FixtureRequest, suite_name: str, platform: str, salt: str):
    """The suite, with everything but the formula applied."""
    job = request.config.getoption("--job")
    made = suites.Suite(suite_name, platform, salt, owner=os.getpid(), job=job)
    request.addfinalizer(made.close)
    suites.prepare(made)
    return made


@pytest.fixture(scope="session")
def virgin(suite) -> Run:
    """A run with test=True before anything of Octavia is there."""
    return suites.apply(suite.main, "octavia", "test=True")


@pytest.fixture(scope="session")
def first(suite, virgin) -> Run:
    """The first run, with a record of every program that it starts."""
    run = suites.must_apply(suite.main, "octavia", before=suites.STRACE)
    suite.main.run(["mv", suites.STARTS, suites.FIRST_STARTS], check=True)
    return run


@pytest.fixture(scope="session")
def node(suite, first):
    """The converged main node."""
    return suite.main


@pytest.fixture(autouse=True)
def _converged_first(request: pytest.FixtureRequest) -> None:
    """What looks at a node of ours needs it to stand."""
    if request.config.getoption("--suite") and "host" in request.fixturenames:
        request.getfixturevalue("node")
