"""
The suites: which nodes stand, which pillar they have, in which order they are applied.

A suite is a file of `tests/pillar/`; what stands in for the cloud around it (Octavia's noop
drivers, where the services listen) is the file of the same name in `tests/sandbox/pillar/`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.nodes import Node
from tests.nodes.processes import step

from . import report
from .errors import ConvergeError

REPOSITORY = Path(__file__).resolve().parents[2]
PILLARS = REPOSITORY / "tests" / "pillar"
SANDBOX_PILLARS = REPOSITORY / "tests" / "sandbox" / "pillar"
CLOUDS = "/root/sandbox-clouds.yaml"
SYSTEM_PYTHON = "/usr/bin/python3"
# Every program that a run starts, with its arguments.
STARTS, FIRST_STARTS = "/root/starts", "/root/first-starts"
STRACE = ["strace", "-f", "-qq", "-s", "4096", "-e", "trace=execve", "-o", STARTS]
BROKERS = ("broker1", "broker2", "broker3")
# What becomes of a load balancer where it does not become ACTIVE: nothing works on it.
EXPECTED = {"api_single": "PENDING_CREATE"}
SECRET = re.compile(r"change-me-[a-z0-9-]*[a-z0-9]")
# The users' samples have no markers; in a URL, a dump or a file their passwords look like these.
SAMPLE_SECRETS = (":password@", "password: password", "password = password", "'password'")


@dataclass
class Suite:
    """
    A suite on its way up.

    :ivar name: the name of its pillar file
    :ivar platform: platform of the nodes
    :ivar salt: series of Salt
    :ivar owner: pid with whose end the nodes become stale; None for nodes that stay
    :ivar job: put before the nodes' names, where the same suite may stand twice at the same time
    """

    name: str
    platform: str
    salt: str = "3008"
    owner: int | None = None
    job: str = ""
    nodes: dict[str, Node] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def prefix(self) -> str:
        """Name of the main node; the other nodes' names begin with it."""
        named = f"{self.name.replace('_', '-')}-{self.platform}-{self.salt}"
        return f"{self.job}-{named}" if self.job else named

    @property
    def main(self) -> Node:
        """The node that the suite is about."""
        return self.nodes[""]

    @property
    def pillar(self) -> str:
        """The text of the suite's pillar file."""
        return (PILLARS / f"{self.name}.sls").read_text(encoding="utf-8")

    @property
    def pillar_files(self) -> dict[str, str]:
        """The files of the main node's pillar: the suite's own, and what stands in for a cloud."""
        return {"octavia.sls": self.pillar, "sandbox.sls": _sandbox_pillar(self.name)}

    @property
    def secrets(self) -> list[str]:
        """A unique marker for each secret of the pillar."""
        return sorted(set(SECRET.findall(self.pillar))) or list(SAMPLE_SECRETS)

    @property
    def ssh_key_lines(self) -> list[str]:
        """A line of the private SSH key that the pillar holds, where it holds one."""
        lines = self.pillar.splitlines()
        begins = [number for number, line in enumerate(lines) if "PRIVATE KEY-----" in line]
        return [lines[begins[0] + 1].strip()] if begins and "#" not in lines[begins[0]] else []

    def boot(self, part: str = "", extra_addresses: Sequence[str] = ()) -> Node:
        """Creates and boots one node of the suite; `part` is empty for the main one."""
        name = f"{self.prefix}-{part}" if part else self.prefix
        node = Node(
            name, self.platform, self.salt, extra_addresses=extra_addresses, owner=self.owner
        )
        self.nodes[part] = self.stack.enter_context(node) if self.owner else node
        if not self.owner:
            node.create()
            node.boot()
        node.run(["salt-call", "--local", "saltutil.sync_all"], check=True)
        return node

    def close(self) -> None:
        """Removes the nodes that have an owner."""
        self.stack.close()


def apply(node: Node, sls: str, *args: str, before: Sequence[str] = ()) -> report.Run:
    """
    Applies states on a node.

    :param node: a running node
    :param sls: states, parted by commas
    :param args: further arguments of state.apply, for example ``test=True``
    :param before: a program with its arguments under which salt-call runs
    :return: the run, whether states failed or not
    :raises ConvergeError: when the states do not compile
    """
    call = ["salt-call", "--local", "--out=json", "--retcode-passthrough", "state.apply", sls]
    argv = [*before, *call, *args]
    started = time.monotonic()
    result = node.run(argv, timeout=1800)
    seconds = time.monotonic() - started
    try:
        answer = json.loads(result.stdout)["local"]
    except (ValueError, KeyError):
        raise ConvergeError(f"salt-call answered:\n{result.stdout}\n{result.stderr}") from None
    return report.of_answer(answer, result.stdout, result.stderr, seconds)


def must_apply(node: Node, sls: str, *args: str, before: Sequence[str] = ()) -> report.Run:
    """
    As :func:`apply`, and no state may fail.

    :raises ConvergeError: with the failed states, their comments and what to look at
    """
    with step(f"apply {sls} on {node.name}"):
        run = apply(node, sls, *args, before=before)
    if run.failed:
        text = report.describe(run.failed)
        raise ConvergeError(f"{len(run.failed)} state(s) of {sls} failed on {node.name}:\n{text}")
    return run


def _sandbox_pillar(name: str) -> str:
    path = SANDBOX_PILLARS / f"{name}.sls"
    return path.read_text(encoding="utf-8") if path.exists() else "{}\n"


def fill(suite: Suite) -> None:
    """Gives the main node its pillar and sets up what Octavia needs on it."""
    node = suite.main
    node.set_pillar(suite.pillar_files)
    must_apply(node, "sandbox")


def _single(suite: Suite) -> None:
    suite.boot()
    fill(suite)


def _manager_single(suite: Suite) -> None:
    """The controllers; an API elsewhere, deployed by the formula too, shares their services."""
    main = suite.boot(extra_addresses=["192.168.0.12/24"])
    api = suite.boot("api")
    # The API asks Keystone where the catalogue says, so that must be true on its node as well.
    sandbox = {
        "sandbox": {
            "listen": "0.0.0.0",
            "identity_host": main.address,
            "api_url": f"http://{api.address}:9876",
        }
    }
    main.set_pillar(
        {
            "octavia.sls": suite.pillar,
            "sandbox.sls": _sandbox_pillar("manager_single"),
            "elsewhere.sls": sandbox,
        }
    )
    must_apply(main, "sandbox")
    text = (PILLARS / "api_single.sls").read_text(encoding="utf-8")
    text = text.replace("address: 127.0.0.1", f"address: {api.address}")
    text = text.replace("host: 127.0.0.1", f"host: {main.address}")
    api.set_pillar({"octavia.sls": text, "sandbox.sls": _sandbox_pillar("api_single")})
    must_apply(api, "octavia")


def _api_cluster(suite: Suite) -> None:
    """One node with API and controllers, and three brokers that form a cluster."""
    brokers = [suite.boot(name) for name in BROKERS]
    main = suite.boot()
    hosts = "".join(
        f"{node.address} {node.name} {alias}\n"
        for node, alias in zip(brokers, BROKERS, strict=True)
    )
    cluster = {"nodes": [node.name for node in brokers], "cookie": "SANDBOXCOOKIE"}
    everywhere = {"octavia.sls": suite.pillar, "sandbox.sls": _sandbox_pillar("api_cluster")}
    only_broker = {"services": ["rabbitmq"], "listen": "0.0.0.0", "rabbitmq": cluster}
    for node in (*brokers, main):
        node.put("/etc/hosts", node.get("/etc/hosts") + hosts)
        here = {"sandbox": only_broker} if node is not main else {}
        node.set_pillar({**everywhere, "here.sls": here})
    for node in (*brokers, main):
        must_apply(node, "sandbox")


SUITES: dict[str, Callable[[Suite], None]] = {
    "aio": _single,
    "api_single": _single,
    "manager_single": _manager_single,
    "api_cluster": _api_cluster,
    "tls": _single,
    "jobboard_redis": _single,
    "api_full": _single,
}


def prepare(suite: Suite) -> None:
    """
    Everything that stands before the formula is applied to the main node.

    :raises ConvergeError: for an unknown suite, with the known ones, and when a step fails
    """
    if suite.name not in SUITES:
        raise ConvergeError(f"suite {suite.name!r} is not known; use one of: {', '.join(SUITES)}")
    SUITES[suite.name](suite)


def objects(status: str) -> int:
    """How many objects :func:`load_balancer` makes where that status is reached."""
    return 4 if status == "ACTIVE" else 1


def load_balancer(node: Node, name: str, wanted: str = "ACTIVE", cloud: str = "admin") -> str:
    """
    Makes a load balancer with listener, pool and member, and waits for their state.

    :param node: a node that has the clouds file of the sandbox
    :param name: name of the load balancer
    :param wanted: provisioning status to wait for
    :param cloud: cloud of the sandbox's clouds file
    :return: what was made, a line each
    :raises ConvergeError: when the state is not reached
    """
    script = (Path(__file__).parent / "scripts" / "loadbalancer.py").read_text(encoding="utf-8")
    result = node.run(
        [SYSTEM_PYTHON, "-", name, wanted],
        input=script,
        env={"OS_CLIENT_CONFIG_FILE": CLOUDS, "OS_CLOUD": cloud},
    )
    if result.returncode:
        raise ConvergeError(f"load balancer {name}: {result.stdout}\n{result.stderr[-3000:]}")
    return result.stdout
