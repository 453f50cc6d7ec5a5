"""
A live fleet of one: a load balancer whose amphora is the real agent in a node of its own, beside a
node with the controllers. Octavia's noop drivers make the row of the amphora; the real driver talks
to it from then on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.nodes import Node
from tests.nodes.processes import wait_until

from . import suites
from .errors import ConvergeError
from .report import Run

PORT = 9443
PORT_TEXT = f":{PORT} "
BUNDLE = "/etc/octavia/certs/client_all.pem"
SERVER_CA = "/etc/octavia/certs/server_ca.pem"
SERVER_PEM = "/etc/octavia/certs/server.pem"
SUBNET = "00000000-0000-4000-8000-000000000010"
SQL = ["mariadb", "octavia", "--batch", "--skip-column-names", "--execute"]
# What the masked units would do needs a kernel module and a namespace of Nova's.
START = """
mkdir -p /etc/octavia/certs /var/lib/octavia
# The package's file: an amphora has none, and the agent would write what it is told into it.
rm -f /etc/octavia/octavia.conf
systemctl mask --quiet octavia-agent-certs-ramfs octavia-agent-netns
systemctl restart octavia-agent
"""


def must(what: str, condition: Callable[[], Any], seconds: float = 120) -> Any:
    """
    Waits for a condition.

    :param what: the condition in words
    :param condition: it
    :param seconds: how long to wait at most
    :return: its value
    :raises ConvergeError: when it does not come true
    """
    value = wait_until(condition, seconds, pause=0.5)
    if not value:
        raise ConvergeError(f"after {seconds} s it is not true that {what}")
    return value


class Fleet:
    """
    The controllers and the one amphora.

    :ivar suite: the suite with the controllers
    :ivar node: their node
    :ivar agent: the node of the amphora
    :ivar amphora: its id
    """

    def __init__(self, suite: suites.Suite, agent: Node) -> None:
        self.suite, self.node, self.agent = suite, suite.main, agent
        self.amphora = ""
        address = self.node.address
        self.pillar: dict[str, Any] = {
            "manager": {
                "health_manager": {
                    "bind_ip": address,
                    "controller_ip_port_list": [f"{address}:5555"],
                    "heartbeat_interval": 2,
                    # The tests stop heartbeats for a while.
                    "heartbeat_timeout": 600,
                },
                "house_keeping": {"cert_interval": 3},
            }
        }

    def set_pillar(self, **changes: Any) -> None:
        """Gives the controllers another pillar; the keys stand below ``octavia``."""
        self.pillar = _merged(self.pillar, changes)
        text = yaml.safe_dump({"octavia": self.pillar})
        self.node.set_pillar({"octavia.sls": self.suite.pillar, "live.sls": text})

    def apply(self, **changes: Any) -> Run:
        """Gives the controllers another pillar and applies it."""
        self.set_pillar(**changes)
        return suites.must_apply(self.node, "octavia")

    def build(self) -> None:
        """Makes the load balancer, and the agent its amphora."""
        self.apply()
        made = self.call(
            *("octaviav2.loadbalancer_create", "name=fleet", f"vip_subnet_id={SUBNET}"),
            *("vip_address=198.51.100.10", "provider=amphora", "cloud_name=octavia"),
        )
        balancer = made.get("id") or made["loadbalancer"]["id"]
        statuses = self.call("octaviav2.loadbalancer_wait", balancer, "cloud_name=octavia")
        if set(statuses.values()) != {"ACTIVE"}:
            raise ConvergeError(f"the load balancer is {statuses}")
        (self.amphora,) = self.sql(
            f"SELECT id FROM amphora WHERE status = 'ALLOCATED' AND load_balancer_id = '{balancer}'"
        )
        self.inject()
        address = self.agent.address
        self.sql(f"UPDATE amphora SET lb_network_ip = '{address}' WHERE id = '{self.amphora}'")
        driver = "amphora_haproxy_rest_driver"
        self.apply(
            api={"controller_worker": {"amphora_driver": driver}},
            manager={"controller_worker": {"amphora_driver": driver}},
        )

    def inject(self) -> None:
        """The files of a new amphora, as the worker would give them, for the agent."""
        for path, text in self.script("inject.py", self.amphora).items():
            self.agent.put(path, text, 0o600)
        self.restart_agent()

    def script(self, name: str, *args: str) -> Any:
        """The answer of a script that runs Octavia's own code on the controllers' node."""
        script = (Path(__file__).parent / "scripts" / name).read_text(encoding="utf-8")
        argv = [suites.SYSTEM_PYTHON, "-", *args]
        said = self.node.run(argv, input=script, check=True).stdout
        (line,) = [line for line in said.splitlines() if line.startswith("ANSWER ")]
        return json.loads(line.partition(" ")[2])

    def restart_agent(self) -> None:
        """Restarts the agent and waits until it listens."""
        self.agent.run(["sh", "-ec", START], check=True)
        listening = ["ss", "--no-header", "--tcp", "--listening", "--numeric", f"sport = :{PORT}"]
        must("the agent listens", lambda: PORT_TEXT in self.agent.run(listening).stdout)

    def call(self, *args: str) -> Any:
        """The answer of an execution function on the controllers' node."""
        answer = self.node.salt_call(*args)
        if answer.returncode:
            raise ConvergeError(f"{args[0]}: {answer.data}\n{answer.stderr[-2000:]}")
        return answer.data

    def state(self, function: str, *args: str, test: bool = False) -> dict[str, Any]:
        """What a state function returns that is called alone."""
        what = ["state.single", function, "name=alone", *args, f"test={test}"]
        (ret,) = self.node.salt_call(*what).data.values()
        return ret

    def sql(self, statement: str) -> list[str]:
        """The lines of an answer of Octavia's database."""
        return self.node.run([*SQL, statement], check=True).stdout.splitlines()

    def ask(self, bundle: str = BUNDLE, trusted: str = SERVER_CA) -> str:
        """
        Asks the agent for its version from the controllers' node, as Octavia's driver does: by TLS,
        with the amphora's id as the name that its certificate must have.

        :param bundle: file with certificate and key to show; empty for none
        :param trusted: file with the CAs by which the agent is checked
        :return: the HTTP status, or what TLS refused
        """
        url = f"https://{self.amphora}:{PORT}/"
        own = ["--cert", bundle] if bundle else []
        where = f"{self.amphora}:{PORT}:{self.agent.address}"
        argv = ["curl", "--silent", "--show-error", "--max-time", "20", "--resolve", where, *own]
        status = ["--cacert", trusted, "--output", "/dev/null", "--write-out", "%{http_code}"]
        result = self.node.run([*argv, *status, url])
        return result.stdout if result.returncode == 0 else result.stderr.partition("\n")[0]

    def heartbeat(self) -> str:
        """When Octavia last accepted a heartbeat of the amphora; empty for never."""
        statement = "SELECT last_update FROM amphora_health WHERE amphora_id = "
        return "".join(self.sql(f"{statement}'{self.amphora}'"))

    def must_beat(self) -> None:
        """Waits until a heartbeat is accepted that comes after now."""
        before = self.heartbeat()
        must("a heartbeat is accepted", lambda: self.heartbeat() not in ("", before))

    def renewed(self) -> None:
        """Has housekeeping renew the amphora's certificate, and waits until the agent has it."""
        before = self.agent.get(SERVER_PEM)
        assert self.call("octavia_db.certificates_due", json.dumps([self.amphora])) == {"due": 1}
        must("the agent has a new certificate", lambda: self.agent.get(SERVER_PEM) != before)

    def amphorae(self) -> list[str]:
        """All amphorae that Octavia knows of and their status."""
        return self.sql("SELECT id, status FROM amphora ORDER BY id")


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for key, value in new.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result
