"""
What a run costs that has nothing to do: CPU seconds of the whole node, against an empty run, and
programs started. The numbers are printed; asserted are ratios and counts only.
"""

from __future__ import annotations

from statistics import median

from tests.converge import suites

RUNS = 3
EMPTY = "/srv/salt/empty.sls"


def _cost(node, sls: str) -> tuple[float, int]:
    """
    Median CPU seconds of a run, and the programs that it starts: the least count, since what the
    node's other services start meanwhile (the broker looks at its disk) can only add to it.
    """
    seconds, programs = [], []
    for _ in range(RUNS):
        before = node.cpu_seconds()
        with node.counting_starts() as starts:
            run = suites.must_apply(node, sls)
        seconds.append(node.cpu_seconds() - before)
        programs.append(starts.programs)
        assert not run.changed
    return median(seconds), min(programs)


def test_a_run_without_changes_costs_little_more_than_an_empty_one(node, capsys):
    node.put(EMPTY, "{}\n")
    empty, empty_programs = _cost(node, "empty")
    servers, server_programs = _cost(node, "octavia.api,octavia.manager")
    client, client_programs = _cost(node, "octavia.client")
    node.run(["rm", EMPTY], check=True)
    with capsys.disabled():
        print(
            f"\nno-change run: empty {empty:.2f} s CPU, {empty_programs} programs;"
            f" api + manager {servers:.2f} s, {server_programs} programs,"
            f" ratio {servers / empty:.2f};"
            f" client {client:.2f} s, {client_programs} programs, ratio {client / empty:.2f}"
        )
    assert servers / empty <= 2.0
    assert client / empty <= 1.5
    assert server_programs - empty_programs <= 30
    assert client_programs - empty_programs <= 5
