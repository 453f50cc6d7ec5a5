"""
Deploys a suite on a real node and shows that it works: `make converge`.

The node stays afterwards. Settings come from the environment: SUITE, RELEASE, SALT, TARGET.
"""

from __future__ import annotations

import os
import sys

from tests.nodes import node as nodes
from tests.nodes import state
from tests.nodes.errors import NodesError
from tests.nodes.platforms import platform
from tests.nodes.processes import step

from . import suites
from .errors import ConvergeError
from .host_target import Host


def main() -> None:
    """Brings the suite up; ends with status 1 and the reason when that fails."""
    try:
        if os.environ.get("TARGET") == "host":
            _converge_host(os.environ.get("SUITE") or "aio")
        else:
            _converge_node()
    except (ConvergeError, NodesError) as problem:
        sys.exit(f"converge: {problem}")


def _converge_host(name: str) -> None:
    if name != "aio":
        raise ConvergeError(
            f"TARGET=host: the suite {name} needs nodes of its own, only aio does not"
        )
    host = Host()
    host.prepare()
    suite = suites.Suite(name, "host")
    suite.nodes[""] = host
    host.run(["salt-call", "--local", "saltutil.sync_all"], check=True)
    suites.fill(suite)
    _deploy(suite)
    print(f"Octavia runs on this machine, {host.name}; clouds: {suites.CLOUDS}")


def _converge_node() -> None:
    where = platform(os.environ.get("RELEASE") or "zed")
    suite = suites.Suite(
        os.environ.get("SUITE") or "aio", where.key, os.environ.get("SALT") or "3008"
    )
    where.salt_pin(suite.salt)
    for record in state.load_all():
        if record.name == suite.prefix or record.name.startswith(f"{suite.prefix}-"):
            nodes.remove(record.name)
    suites.prepare(suite)
    _deploy(suite)
    print(_what_stands(suite))


def _deploy(suite: suites.Suite) -> None:
    first = suites.must_apply(suite.main, "octavia")
    print(f"First run: {first.summary()}", flush=True)
    second = suites.must_apply(suite.main, "octavia")
    print(f"Second run: {second.summary()}", flush=True)
    if second.changed:
        raise ConvergeError(f"the second run changed:\n{suites.report.describe(second.changed)}")
    wanted = suites.EXPECTED.get(suite.name, "ACTIVE")
    with step(f"create a load balancer and wait until it is {wanted}"):
        tree = suites.load_balancer(suite.main, "converge", wanted)
    print(tree, end="", flush=True)


def _what_stands(suite: suites.Suite) -> str:
    node = suite.main
    units = "systemctl list-units --plain --no-legend 'octavia-*' | awk '{print $1, $3, $4}'"
    running = node.run(["sh", "-c", units]).stdout.strip().replace("\n", "\n    ")
    others = "".join(f"\n  beside it: {n.name} ({n.address})" for p, n in suite.nodes.items() if p)
    return f"""
Node {node.name} ({node.address}): {node.platform.key}, Octavia {node.platform.release}{others}
  services:
    {running}
  configuration: /etc/octavia/octavia.conf, pillar: /srv/pillar, clouds: {suites.CLOUDS}
  enter it:   python3 -m tests.nodes shell {node.name}
  run again:  python3 -m tests.nodes exec {node.name} -- salt-call --local state.apply octavia
  remove it:  python3 -m tests.nodes down {node.name}   (all nodes: make clean-nodes)"""


if __name__ == "__main__":
    main()
