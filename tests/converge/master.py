"""
A Salt master on a node with its minions, on nodes of their own or beside it: what takes more than
one of them, or a bus of events. Each program has folders of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.nodes import Node
from tests.nodes.processes import wait_until

from .errors import ConvergeError

BIN = "/opt/salt/bin"
HOME = "/root/master"
#: The minion that is not the node itself.
OTHER = "ctl02"
COMMON = """
root_dir: {folder}
pki_dir: {folder}/pki
cachedir: {folder}/cache
sock_dir: {folder}/run
log_file: {folder}/log
pidfile: {folder}/pid
features:
  x509_v2: true
"""
MASTER = """
interface: 0.0.0.0
auto_accept: true
worker_threads: 3
file_roots:
  base:
    - /srv/salt
pillar_roots:
  base:
    - /srv/pillar
peer:
  '.*':
    - x509.sign_remote_certificate
"""
MINION = """
id: {name}
master: {master}
x509_signing_policies:
  octavia_client:
    minions: '*'
    signing_private_key: /etc/octavia/certs/private/client_ca.key
    signing_cert: /etc/octavia/certs/client_ca.pem
    basicConstraints: critical, CA:false
    keyUsage: critical, digitalSignature, keyEncipherment
    extendedKeyUsage: clientAuth
    subjectKeyIdentifier: hash
    authorityKeyIdentifier: keyid
    days_valid: 365
"""


class Master:
    """
    The master and its minions.

    :ivar node: where the master runs
    :ivar minions: where each minion runs, by its id
    """

    def __init__(self, node: Node, minions: Mapping[str, Node]) -> None:
        self.node, self.minions = node, dict(minions)
        _serve(node, "salt-master", f"{HOME}/master", MASTER)
        self.start_minions()
        self.salt("*", "saltutil.sync_all")

    def start_minions(self) -> None:
        """Starts the minions that do not run, as after a reboot of their nodes, and awaits all."""
        for name, node in self.minions.items():
            config = MINION.format(name=name, master=self.node.address)
            _serve(node, "salt-minion", f"{HOME}/{name}", config)
        self._await(set(self.minions))

    def _await(self, minions: set[str]) -> None:
        def up() -> bool:
            answers = self.salt("*", "test.ping", timeout=5)
            return {name for name, answer in answers.items() if answer is True} == minions

        if not wait_until(up, 120, pause=1):
            raise ConvergeError(f"not all minions answer: {sorted(minions)}")

    def salt(self, target: str, function: str, *args: str, timeout: int = 300) -> dict[str, Any]:
        """What minions answer, by their ids."""
        argv = [f"{BIN}/salt", f"--config-dir={HOME}/master", "--out=json", "--static"]
        call = [*argv, f"--timeout={timeout}", target, function, *args]
        result = self.node.run(call, timeout=max(600, timeout + 60))
        try:
            return json.loads(result.stdout)
        except ValueError:
            return {}

    def refresh_pillar(self) -> None:
        """Has the minions read their pillar anew, and the master know it."""
        self.salt("*", "saltutil.refresh_pillar", "wait=True")

    def orchestrate(self, sls: str, pillar: dict[str, Any], test: bool = False) -> list[Any]:
        """
        Runs an orchestration.

        :return: its states in their order
        """
        argv = [f"{BIN}/salt-run", f"--config-dir={HOME}/master", "--out=json", "--log-level=error"]
        what = ["state.orchestrate", sls, f"pillar={json.dumps(pillar)}", f"test={test}"]
        result = self.node.run([*argv, *what], timeout=3600)
        try:
            (answer,) = json.loads(result.stdout)["data"].values()
            return sorted(answer.values(), key=lambda state: state["__run_num__"])
        except (AttributeError, KeyError, TypeError, ValueError):
            said = f"{result.stdout}\n{result.stderr}"
            raise ConvergeError(f"{sls} could not be run:\n{said}") from None

    def listeners(self) -> int:
        """How many processes listen to the master's bus, its own among them."""
        shown = self.node.run(["ss", "--no-header", "--unix"], check=True).stdout
        return shown.count(f" {HOME}/master/run/master_event_pub.ipc ")

    def events(self, tag: str, count: int) -> list[str]:
        """The command line that prints so many events of a tag, and ends."""
        argv = [f"{BIN}/salt-run", f"--config-dir={HOME}/master", "state.event", f"tagmatch={tag}"]
        return self.node.command([*argv, f"count={count}"])


def _serve(node: Node, program: str, folder: str, config: str) -> None:
    unit = f"{program}-{folder.rpartition('/')[2]}"
    if node.run(["systemctl", "is-active", "--quiet", unit]).returncode == 0:
        return
    kind = program.removeprefix("salt-")
    node.put(f"{folder}/{kind}", config + COMMON.format(folder=folder), 0o600)
    run = ["systemd-run", "--quiet", "--collect", f"--unit={unit}", f"{BIN}/{program}"]
    node.run([*run, f"--config-dir={folder}"], check=True)
