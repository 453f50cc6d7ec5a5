"""
The jobs of the tests, as data: what is run where. `make test` runs the fixed ones and one of the
others, chosen by the commit; `make matrix` runs all others.
"""

from __future__ import annotations

from dataclasses import dataclass

CONVERGE = "tests/converge"
SUITE = (f"{CONVERGE}/test_suite.py", f"{CONVERGE}/verify")
BEHAVIOUR, REBOOT = f"{CONVERGE}/test_behaviour.py", f"{CONVERGE}/test_reboot.py"
PERSISTENCE = f"{CONVERGE}/test_persistence.py"
BROKERS = f"{CONVERGE}/test_brokers.py"
BENCHMARK = "tests/benchmarks"


@dataclass(frozen=True)
class Job:
    """
    One row of the table.

    :ivar layer: lint, unit, render, converge, faults or benchmark
    :ivar paths: what pytest runs
    :ivar suite: suite to bring up; empty where the tests make their own nodes, or need none
    :ivar platform: platform of the nodes; empty for the machine itself
    :ivar salt: series of Salt
    """

    layer: str
    paths: tuple[str, ...]
    suite: str = ""
    platform: str = ""
    salt: str = "3008"

    @property
    def name(self) -> str:
        """Unique, usable as the name of a file."""
        parts = (self.layer, self.suite.replace("_", "-"), self.platform, self.salt)
        return "-".join(part for part in parts if part)

    def arguments(self) -> list[str]:
        """The arguments of pytest."""
        where = ["--platform", self.platform, "--salt", self.salt] if self.platform else []
        suite = ["--suite", self.suite, f"--hosts=node://{self._node}"] if self.suite else []
        return ["-p", "no:cacheprovider", "--durations=5", *where, *suite, *self.paths]

    @property
    def _node(self) -> str:
        return f"{self.suite.replace('_', '-')}-{self.platform}-{self.salt}"


TEST = (
    Job("lint", ("tests/lint", "tests/kitchen")),
    Job("unit", ("tests/unit",)),
    Job("render", ("tests/render",)),
    Job("render", ("tests/render",), salt="3006"),
    Job("converge", (*SUITE, BENCHMARK, BEHAVIOUR, PERSISTENCE, REBOOT), "aio", "debian12"),
    Job("converge", (*SUITE, REBOOT), "aio", "debian13"),
    Job("converge", SUITE, "aio", "debian12", "3006"),
)
BENCHMARKS = Job("benchmark", (f"{CONVERGE}/test_suite.py", BENCHMARK), "aio", "debian12")
MATRIX = (
    Job("converge", (*SUITE, PERSISTENCE, REBOOT), "aio", "testing"),
    Job("converge", (*SUITE, REBOOT), "api_single", "debian12"),
    Job("converge", SUITE, "manager_single", "debian12"),
    Job("converge", (*SUITE, BROKERS), "api_cluster", "debian12"),
    Job("faults", (f"{CONVERGE}/faults",), "", "debian12"),
    Job("converge", SUITE, "api_single", "debian13"),
    Job("converge", SUITE, "manager_single", "debian13"),
    Job("converge", (*SUITE, BROKERS), "api_cluster", "debian13"),
    Job("faults", (f"{CONVERGE}/faults",), "", "debian13"),
)
BY_NAME = {job.name: job for job in (*TEST, BENCHMARKS, *MATRIX)}


def shard(number: int, of: int) -> tuple[Job, ...]:
    """
    The jobs of one shard of the matrix.

    :param number: the shard, from 1
    :param of: how many shards there are
    :return: every `of`-th job
    """
    return MATRIX[number - 1 :: of]


def of_commit(commit: str) -> Job:
    """The job of the matrix that `make test` runs besides its own, chosen by the commit's hash."""
    return MATRIX[int(commit[:8], 16) % len(MATRIX)]
