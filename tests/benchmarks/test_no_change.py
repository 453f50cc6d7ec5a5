"""
What a run costs that has nothing to do: CPU seconds of the whole node, against an empty run, and
programs started. The numbers are printed; asserted are ratios and counts only.
"""

from __future__ import annotations

from tests.converge import suites

RUNS = 5
EMPTY = "/srv/salt/empty.sls"


SERVERS, CLIENT = "octavia.api,octavia.manager", "octavia.client"


def _costs(node, *many: str) -> list[tuple[float, int]]:
    """
    CPU seconds of a run of each SLS, and the programs that it starts: the least of some runs by
    turns, since what the node's other services do meanwhile (the broker looks at its disk) can only
    add to both.
    """
    costs: dict[str, list[tuple[float, int]]] = {sls: [] for sls in many}
    for _ in range(RUNS):
        for sls, found in costs.items():
            before = node.cpu_seconds()
            with node.counting_starts() as starts:
                run = suites.must_apply(node, sls)
            found.append((node.cpu_seconds() - before, starts.programs))
            assert not run.changed
    return [
        (min(seconds for seconds, _ in found), min(programs for _, programs in found))
        for found in costs.values()
    ]


def test_a_run_without_changes_costs_little_more_than_an_empty_one(node, capsys):
    node.put(EMPTY, "{}\n")
    costs = _costs(node, "empty", SERVERS, CLIENT)
    (empty, empty_programs), (servers, server_programs), (client, client_programs) = costs
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
