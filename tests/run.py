"""
Runs jobs, two at a time, and prints one table: what, where, result, seconds.

Everything that a job needs is made here; its nodes are removed whatever happens.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tests import environments, jobs
from tests.nodes import cleanup, host, layers
from tests.nodes.errors import NodesError
from tests.nodes.platforms import platform

REPOSITORY = Path(__file__).resolve().parents[1]
LOGS = host.CACHE / "logs"
PARALLEL = 2
TAIL = 60
USAGE = """usage: python3 -m tests.run WHAT
  test                          what CI runs
  matrix n/m                    one of m shards of everything else
  lint | unit | render | api | benchmark
  jobs                          the names of all jobs
  job NAME ...                  these jobs"""
# How a line of a log begins that belongs to the outcome.
COUNTED = "counted: "
# pytest's last line: 3 failed, 12 passed, 1 error in 1.23s
COUNTS = re.compile(r"(\d+) (passed|failed|error|errors|skipped|xfailed)\b")


@dataclass
class Outcome:
    """What became of a job."""

    job: jobs.Job
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    log: Path = Path()

    @property
    def result(self) -> str:
        """In one word."""
        return "passed" if self.passed and not self.failed and not self.skipped else "FAILED"


_PRINTING = threading.Lock()
_RUNNING: set[subprocess.Popen[bytes]] = set()


def _say(text: str) -> None:
    with _PRINTING:
        print(text, flush=True)


def _environment() -> dict[str, str]:
    # Bytecode that is not kept makes every start of Salt three times as expensive.
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "PYTHONPYCACHEPREFIX": str(host.CACHE / "bytecode")}


def _run(job: jobs.Job) -> Outcome:
    """Runs one job in a process of its own and reads pytest's counts."""
    log = LOGS / f"{job.name}.log"
    argv = [environments.python(job.salt), "-m", "pytest", *job.arguments()]
    _say(f"started  {job.name} (log: {log})")
    started = time.monotonic()
    with open(log, "w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            argv,
            cwd=REPOSITORY,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        _RUNNING.add(process)
        process.wait()
        _RUNNING.discard(process)
    outcome = Outcome(job, seconds=time.monotonic() - started, log=log)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    for count, what in COUNTS.findall(lines[-1] if lines else ""):
        if what == "passed":
            outcome.passed = int(count)
        elif what in ("skipped", "xfailed"):
            outcome.skipped += int(count)
        else:
            outcome.failed += int(count)
    if process.returncode and not outcome.failed:
        outcome.failed = 1
    _say(f"{outcome.result:8} {job.name}: {outcome.passed} tests, {outcome.seconds:.0f} s")
    for line in lines:
        if line.startswith(COUNTED):
            _say(f"  {line}")
    if outcome.result != "passed":
        _say("\n".join(lines[-TAIL:]))
    return outcome


def _prepare(chosen: tuple[jobs.Job, ...]) -> None:
    """Makes what jobs share, before their clocks run and their output mixes."""
    series = sorted({job.salt for job in chosen})
    releases = sorted({job.octavia for job in chosen if job.octavia})
    nodes = sorted({(job.platform, job.salt) for job in chosen if job.platform})
    with ThreadPoolExecutor(PARALLEL) as pool:
        made = [pool.submit(environments.python, salt) for salt in series]
        made += [pool.submit(environments.octavia, release) for release in releases]
        made += [pool.submit(layers.stack, platform(key), ["infra"], salt) for key, salt in nodes]
        for layer in made:
            layer.result()


def _table(outcomes: list[Outcome]) -> None:
    rows = [("what", "suite", "where", "Salt", "tests", "result", "seconds")]
    for outcome in outcomes:
        job = outcome.job
        where = job.platform or (f"Octavia {job.octavia}" if job.octavia else "this machine")
        count = str(outcome.passed + outcome.failed)
        row = (
            job.layer,
            job.suite,
            where,
            job.salt,
            count,
            outcome.result,
            f"{outcome.seconds:.0f}",
        )
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def run(chosen: tuple[jobs.Job, ...]) -> int:
    """
    Runs jobs and prints the table.

    :param chosen: the jobs
    :return: exit status, 0 when all passed
    """
    started = time.monotonic()
    host.ensure_tools()
    LOGS.mkdir(parents=True, exist_ok=True)
    cleanup.clean(stale_only=True)
    try:
        _prepare(chosen)
        with ThreadPoolExecutor(PARALLEL) as pool:
            outcomes = list(pool.map(_run, chosen))
    finally:
        cleanup.clean(stale_only=True)
    _table(outcomes)
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(max(outcome.failed, outcome.result != "passed") for outcome in outcomes)
    print(f"{len(outcomes)} jobs, {time.monotonic() - started:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def commit() -> str:
    """The hash of the commit that the tests run at, their seed among the rest."""
    head = ["git", "-C", str(REPOSITORY), "rev-parse", "HEAD"]
    return subprocess.run(head, capture_output=True, text=True, check=True).stdout.strip()


def _choose(arguments: list[str]) -> tuple[jobs.Job, ...]:
    """The jobs that the command line asks for; exits with the usage for anything else."""
    match arguments:
        case ["test"]:
            return (*jobs.TEST, jobs.of_commit(commit()))
        case ["matrix", part] if re.fullmatch(r"[1-9]\d*/[1-9]\d*", part):
            number, of = map(int, part.split("/"))
            if number <= of:
                return jobs.shard(number, of)
        case [layer] if layer in ("lint", "unit", "render", "api"):
            return tuple(job for job in jobs.TEST if job.layer == layer)
        case ["benchmark"]:
            return jobs.BENCHMARKS
        case ["job", *names] if names and set(names) <= set(jobs.BY_NAME):
            return tuple(jobs.BY_NAME[name] for name in names)
        case ["jobs"]:
            sys.exit("\n".join(jobs.BY_NAME))
    sys.exit(USAGE)


def _end(*_: object) -> NoReturn:
    """Ends the jobs, which remove what they made, and then the run, which cleans up after them."""
    for process in tuple(_RUNNING):
        process.terminate()
    sys.exit("ended by a signal")


def main() -> None:
    """Runs what the command line asks for."""
    signal.signal(signal.SIGTERM, _end)
    try:
        sys.exit(run(_choose(sys.argv[1:])))
    except NodesError as problem:
        sys.exit(f"tests: {problem}")


if __name__ == "__main__":
    main()
