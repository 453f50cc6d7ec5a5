"""A run that is killed at any moment, and run again, converges: nothing twice, nothing lost."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.api.test_execute import declared

ROOT = Path(__file__).resolve().parents[2]
KILLS, COUNT = 10, 4
LONGEST = 4.0
RUN = """
import json, sys
sys.path[:0] = [{root!r}, {root!r} + "/_utils"]
import octavia_client, octavia_session
declared, entry = json.load(sys.stdin)
client = octavia_client.Client(octavia_client.connect(auth=entry))
print("begun", flush=True)
plan, result = octavia_session.Session(client).apply(declared)
assert not result.failed, [str(one.error) for one in result.failed]
print(len(plan.operations))
"""


def _start(given):
    process = subprocess.Popen(
        [sys.executable, "-c", RUN.format(root=str(ROOT))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdin.write(given)
    process.stdin.close()
    return process


def test_ten_kills_at_random_moments(entry, client, capsys):
    seed = random.randrange(1 << 32)
    moments = random.Random(seed)
    names = [f"lb{number}" for number in range(COUNT)]
    # Step by step: between the steps there is most to lose.
    wanted = {"loadbalancers": [declared(name, tree=False) for name in names]}
    given = json.dumps([wanted, entry()])
    for _ in range(KILLS):
        process = _start(given)
        assert process.stdout.readline() == "begun\n"
        try:
            process.wait(moments.uniform(0, LONGEST))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        process.stdout.close()
    last = _start(given)
    said = last.stdout.read()
    assert last.wait() == 0, f"seed {seed}: {said}"
    again = _start(given)
    assert again.stdout.read().split() == ["begun", "0"], f"seed {seed}"
    again.wait()
    found = client.list_all("loadbalancer", project_id=client.project_id)
    assert Counter(lb["name"] for lb in found) == Counter(names), f"seed {seed}"
    for lb in found:
        tree = client.tree(lb["id"])
        assert (len(tree["listeners"]), len(tree["pools"])) == (1, 1), f"seed {seed}"
        assert len(tree["pools"][0]["members"]) == 3, f"seed {seed}"
