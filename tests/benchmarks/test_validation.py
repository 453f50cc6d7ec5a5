"""
What it costs to check a full pillar and to render octavia.conf from it: CPU time against loading
that pillar alone. The numbers are printed; asserted are a ratio, and how often the options of the
releases are read.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from statistics import median

import harness
import pytest

RUNS = 7
SYSTEM = "debian12"
LIMIT = 10
OPTIONS = "octavia/parameters/options.json"


@pytest.fixture(name="text", scope="module")
def _text() -> str:
    """A pillar with all roles and most of what the formula knows."""
    return (harness.ROOT / "tests" / "pillar" / "api_full.sls").read_text(encoding="utf-8")


@pytest.fixture(name="minion", scope="module")
def _minion(text: str) -> Iterator[harness.Minion]:
    """A minion with this pillar."""
    with harness.Minion(SYSTEM, harness.pillar(text, SYSTEM, "benchmark")) as minion:
        yield minion


def _cost(work: Callable[[], object]) -> float:
    """Median CPU seconds of some work."""
    seconds = []
    for _ in range(RUNS):
        before = time.process_time()
        work()
        seconds.append(time.process_time() - before)
    return median(seconds)


def _check_and_render(minion: harness.Minion) -> str:
    """All of it anew, as in a run of its own."""
    minion.forget()
    assert not [
        item for item in minion.call["octavia_config.validate"]() if item["level"] == "error"
    ]
    return minion.template("salt://octavia/files/octavia.conf")


def test_checking_and_rendering_costs_little_more_than_loading_the_pillar(minion, text, capsys):
    assert "transport_url" in _check_and_render(minion)
    loading = _cost(lambda: harness.pillar(text, SYSTEM, "benchmark"))
    checking = _cost(lambda: _check_and_render(minion))
    with capsys.disabled():
        print(
            f"\nfull pillar: loading {loading * 1000:.0f} ms CPU, validation and octavia.conf"
            f" {checking * 1000:.0f} ms, ratio {checking / loading:.1f}"
        )
    assert checking / loading <= LIMIT


def test_the_options_are_read_once_a_run(minion):
    """One file has those of all releases; Salt's own file client reads it too, for its hash."""
    readers = []

    def hook(event: str, arguments: tuple) -> None:
        if watching and event == "open" and str(arguments[0]).endswith(OPTIONS):
            # The function that called salt.utils.files.fopen.
            readers.append(sys._getframe(2).f_code.co_filename)

    watching = True
    sys.addaudithook(hook)
    try:
        _check_and_render(minion)
        minion.call["octavia_config.map"]()
        minion.call["octavia_config.sections"]()
        minion.low("octavia")
    finally:
        watching = False
    assert [name for name in readers if name.endswith("octavia_config.py")] == readers[-1:]
