"""
The jobs of the tests, as data: what is run where. `make test` runs the fixed ones and one of the
short others, chosen by the commit; `make matrix` runs all others.
"""

from __future__ import annotations

from dataclasses import dataclass

CONVERGE = "tests/converge"
SUITE = (f"{CONVERGE}/test_suite.py", f"{CONVERGE}/verify")
BEHAVIOUR, REBOOT = f"{CONVERGE}/test_behaviour.py", f"{CONVERGE}/test_reboot.py"
PERSISTENCE = f"{CONVERGE}/test_persistence.py"
BROKERS = f"{CONVERGE}/test_brokers.py"
TLS, JOBBOARD, FULL_API = (f"{CONVERGE}/test_{name}.py" for name in ("tls", "jobboard", "full_api"))
# What Octavia itself says of the options that the formula knows, and of files with them.
OPTIONS = (f"{CONVERGE}/test_options.py", f"{CONVERGE}/test_samples.py")
PACKAGING = "tests/packaging"
RESOURCES, PARTS = f"{CONVERGE}/test_resources.py", f"{CONVERGE}/test_parts.py"
FROM_2018 = f"{CONVERGE}/test_from_2018.py"
MASTER, MINE, LIVE = (f"{CONVERGE}/test_{name}.py" for name in ("master", "mine", "agent"))
FIRST_HOP, SECOND_HOP, UPGRADE_FAULTS, CLUSTER = (
    f"tests/upgrade/test_{what}.py" for what in ("first_hop", "second_hop", "faults", "cluster")
)
HIGHSTATE, MASTERLESS = (f"tests/highstate/test_{what}.py" for what in ("master", "masterless"))
KITCHEN = f"{CONVERGE}/test_kitchen.py"
NO_CHANGE, REQUESTS, VALIDATION, MANY = (
    f"tests/benchmarks/test_{what}.py" for what in ("no_change", "requests", "validation", "many")
)


@dataclass(frozen=True)
class Job:
    """
    One row of the table.

    :ivar layer: lint, unit, render, api, converge, packaging, agent, faults, upgrade, hops, undo,
        cluster, highstate, masterless, kitchen, benchmark or many
    :ivar paths: what pytest runs
    :ivar suite: suite to bring up; empty where the tests make their own nodes, or need none
    :ivar platform: platform of the nodes; empty for the machine itself
    :ivar salt: series of Salt
    :ivar octavia: release of the Octavia that the API's tests run; empty for all others
    """

    layer: str
    paths: tuple[str, ...]
    suite: str = ""
    platform: str = ""
    salt: str = "3008"
    octavia: str = ""

    @property
    def name(self) -> str:
        """Unique, usable as the name of a file."""
        suite = self.suite.replace("_", "-")
        parts = (self.layer, suite, self.platform, self.octavia, self.salt)
        return "-".join(part for part in parts if part)

    def arguments(self) -> list[str]:
        """The arguments of pytest."""
        where = ["--platform", self.platform, "--salt", self.salt] if self.platform else []
        suite = []
        if self.suite:
            suite = ["--suite", self.suite, f"--job={self._mark}", f"--hosts=node://{self._node}"]
        server = ["--octavia", self.octavia] if self.octavia else []
        return ["-p", "no:cacheprovider", "--durations=5", *where, *suite, *server, *self.paths]

    @property
    def _node(self) -> str:
        named = f"{self.suite.replace('_', '-')}-{self.platform}-{self.salt}"
        return f"{self._mark}-{named}" if self._mark else named

    @property
    def _mark(self) -> str:
        """Tells its nodes from those of the plain suite, which may stand at the same time."""
        return "" if self.layer == "converge" else self.layer


# What fails soon comes first, then what takes long, so that both cores are busy to the end.
TEST = (
    Job("lint", ("tests/lint", "tests/kitchen")),
    Job("agent", (MASTER, LIVE), "aio", "debian12"),
    Job("api", ("tests/api",), octavia="2026.2"),
    Job("upgrade", (FIRST_HOP,), "", "debian12"),
    Job("highstate", (HIGHSTATE,), "", "debian12"),
    Job(
        "converge",
        (*SUITE, *OPTIONS, NO_CHANGE, RESOURCES, BEHAVIOUR, PERSISTENCE, REBOOT),
        *("aio", "debian12"),
    ),
    Job("converge", (*SUITE, *OPTIONS, RESOURCES, REBOOT), "aio", "debian13"),
    Job("converge", (*SUITE, RESOURCES), "aio", "debian12", "3006"),
    Job("render", ("tests/render",), salt="3006"),
    Job("unit", ("tests/unit",)),
    Job("benchmark", (REQUESTS, VALIDATION), octavia="2026.2"),
    Job("render", ("tests/render",)),
)
BENCHMARKS = (
    Job("benchmark", (f"{CONVERGE}/test_suite.py", NO_CHANGE), "aio", "debian12"),
    Job("benchmark", (REQUESTS, VALIDATION), octavia="2026.2"),
    Job("many", (MANY,), octavia="2026.2"),
)
# More than five minutes each, so that `make test`, which has forty, draws none of them.
LONG = (
    Job("cluster", (CLUSTER,), "", "debian12"),
    Job("hops", (FIRST_HOP, SECOND_HOP), "", "debian12"),
    Job("undo", (UPGRADE_FAULTS,), "", "debian12"),
    Job("agent", (MASTER, MINE, LIVE), "aio", "debian13"),
    Job("agent", (MASTER, MINE, LIVE), "aio", "testing"),
    Job("upgrade", (FIRST_HOP,), "", "debian12", "3006"),
    Job("api", ("tests/api",), octavia="2024.1"),
    Job("highstate", (HIGHSTATE,), "", "debian12", "3006"),
    Job("masterless", (MASTERLESS,), "", "debian12"),
    Job("masterless", (MASTERLESS,), "", "debian12", "3006"),
    Job("packaging", (PACKAGING,), "", "debian12"),
    Job("packaging", (PACKAGING,), "", "debian13"),
    Job("converge", (*SUITE, *OPTIONS, RESOURCES, PARTS, PERSISTENCE, REBOOT), "aio", "testing"),
    Job("converge", (*SUITE, FROM_2018, PARTS, REBOOT), "api_single", "debian12"),
    Job("faults", (f"{CONVERGE}/faults",), "", "debian12"),
    Job("faults", (f"{CONVERGE}/faults",), "", "debian13"),
    Job("many", (MANY,), octavia="2026.2"),
)
SHORT = (
    Job("converge", (*SUITE, FROM_2018), "api_single", "debian13"),
    Job("converge", SUITE, "manager_single", "debian12"),
    Job("converge", SUITE, "manager_single", "debian13"),
    Job("converge", (*SUITE, BROKERS), "api_cluster", "debian12"),
    Job("converge", (*SUITE, BROKERS), "api_cluster", "debian13"),
    Job("converge", (*SUITE, TLS), "tls", "debian12"),
    Job("converge", (*SUITE, TLS), "tls", "debian13"),
    Job("converge", (*SUITE, TLS), "tls", "testing"),
    Job("converge", (*SUITE, JOBBOARD), "jobboard_redis", "debian12"),
    Job("converge", (*SUITE, JOBBOARD), "jobboard_redis", "debian13"),
    Job("converge", (*SUITE, JOBBOARD), "jobboard_redis", "testing"),
    Job("converge", (*SUITE, FULL_API), "api_full", "debian12"),
    Job("converge", (*SUITE, FULL_API), "api_full", "debian13"),
    Job("converge", (*SUITE, FULL_API), "api_full", "testing"),
    Job("kitchen", (KITCHEN,), "", "debian12"),
)
MATRIX = (*LONG, *SHORT)
BY_NAME = {job.name: job for job in (*TEST, *BENCHMARKS, *MATRIX)}


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
    return SHORT[int(commit[:8], 16) % len(SHORT)]
