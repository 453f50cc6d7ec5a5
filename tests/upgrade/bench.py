"""
The bench on which upgrades are tested: a cloud that stays as it is, and controllers of Octavia on
nodes that go from one Debian to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.converge import suites
from tests.nodes import Node
from tests.nodes.node import SHARED
from tests.nodes.platforms import platform as find_platform
from tests.nodes.processes import step, wait_until
from tests.nodes.state import load_all, node_folder

from . import comparison
from .cloud import PLATFORM, Cloud
from .comparison import Snapshot
from .controller import PILLAR, Controller
from .errors import BenchError

# Octavia's noop drivers ask nobody whether it exists.
SUBNET = "22222222-3333-4444-5555-666666666666"
# Where the noop drivers of newer releases keep which networks they have plugged. Workers of a cloud
# must know that of each other, as they would from Neutron.
PLUGGED = "octavia-network-noop.db"


class Bench:
    """
    A cloud and its controllers.

    :ivar prefix: what the nodes' names begin with
    :ivar cloud: never upgraded
    :ivar controllers: the first of them brings the database's schema to head and made the CAs
    """

    def __init__(
        self,
        prefix: str,
        count: int = 1,
        upgrades: Sequence[str] = ("debian13",),
        salt: str = "3008",
        owner: int | None = None,
    ) -> None:
        """
        Says what is to stand; nothing of it does before :meth:`build`.

        :param prefix: what the nodes' names begin with
        :param count: how many controllers
        :param upgrades: the platforms that the controllers go through after Debian 12
        :param salt: series of Salt
        :param owner: pid with whose end the nodes become stale; None for nodes that stay
        """
        self.prefix = prefix
        self._upgrades, self._salt, self._owner = upgrades, salt, owner
        self._stack = ExitStack()
        cloud = Node(f"{prefix}-cloud", PLATFORM, salt, layers=["infra"], owner=owner)
        names = [f"{prefix}-ctl{number}" for number in range(1, count + 1)]
        nodes = [self._controller_node(name) for name in names]
        self._take(cloud, nodes, [{"ca_node": names[0]} for _ in names])

    def _take(self, cloud: Node, nodes: Sequence[Node], settings: Sequence[Any]) -> None:
        self.cloud = Cloud(cloud)
        self.controllers = [Controller(*pair) for pair in zip(nodes, settings, strict=True)]

    @classmethod
    def attach(cls, prefix: str) -> Bench:
        """A bench that stands, whichever process built it; it is not removed with this object."""
        names = [record.name for record in load_all() if record.name.startswith(f"{prefix}-ctl")]
        nodes = [Node.attach(name) for name in names]
        known = nodes[0].record
        bench = cls(prefix, len(names), list(known.upgrades)[1:], known.salt or "3008")
        bench._take(Node.attach(f"{prefix}-cloud"), nodes, [None for _ in names])
        for node in nodes:
            if node.record.is_running():
                _sync(node)
        return bench

    @property
    def first(self) -> Controller:
        """The controller with the role primary."""
        return self.controllers[0]

    @property
    def secrets(self) -> list[str]:
        """A unique marker for each secret of the pillar."""
        return sorted(set(suites.SECRET.findall(PILLAR)))

    def __enter__(self) -> Bench:
        try:
            self.build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Removes the nodes, if they have an owner."""
        self._stack.close()

    def build(self) -> None:
        """Boots the nodes, sets the cloud up and has the formula deploy every controller."""
        nodes = [self.cloud.node, *(controller.node for controller in self.controllers)]
        for node in nodes:
            node.create()
            if self._owner is not None:
                self._stack.callback(node.destroy)
            if node is self.cloud.node:
                self._share()
            node.boot()
            _sync(node)
        for controller in self.controllers:
            _know_plugged(controller.node)
            controller.keep_python()
            controller.settings.update(
                cloud=self.cloud.node.address,
                address=controller.node.address,
                controllers=[other.node.address for other in self.controllers],
                role="primary" if controller is self.first else "secondary",
                version=find_platform(PLATFORM).release,
            )
            controller.set_pillar()
        self.cloud.build(self.first.pillar, self.first.url)
        self.first.apply()
        packed = self.first.certificates()

        def deploy(controller: Controller) -> None:
            controller.take_certificates(packed)
            controller.apply()

        with ThreadPoolExecutor() as pool:
            list(pool.map(deploy, self.controllers[1:]))

    @property
    def _shared(self) -> Path:
        return node_folder(f"{self.prefix}-cloud") / "shared"

    def _share(self) -> None:
        """Makes the folder of all controllers, whose accounts have numbers of their own."""
        self._shared.mkdir()
        self._shared.chmod(0o777)
        (self._shared / PLUGGED).touch()
        (self._shared / PLUGGED).chmod(0o666)

    def reinstall(self) -> None:
        """
        Has the formula deploy the release of Debian 12 on a new node in place of the first
        controller's, with the name, the address, the certificates and the pillar of that.
        """
        old = self.first
        packed = old.certificates()
        old.node.destroy()
        node = self._controller_node(old.name, old.node.address)
        node.create()
        node.boot()
        _sync(node)
        _know_plugged(node)
        controller = Controller(node, old.settings)
        controller.keep_python()
        controller.settings["version"] = find_platform(PLATFORM).release
        controller.set_pillar(**old.changes)
        controller.take_certificates(packed)
        self.controllers[0] = controller
        controller.apply()

    def _controller_node(self, name: str, address: str | None = None) -> Node:
        return Node(
            name,
            PLATFORM,
            self._salt,
            layers=[],
            address=address,
            owner=self._owner,
            unified=True,
            upgrades=self._upgrades,
            shared=self._shared,
        )

    # -- what Octavia holds -----------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where Keystone says that the API is."""
        return self.cloud.endpoint

    def endpoint(self, url: str) -> None:
        """Has Keystone say that the API is somewhere else."""
        self.cloud.endpoint = url

    def balancers(self, count: int) -> Snapshot:
        """
        Has the formula's client make load balancers with all kinds of children.

        :param count: how many there are to be
        :return: what there is then, all of it ACTIVE
        """
        declared = {"loadbalancers": [_balancer(number) for number in range(count)]}
        client = {"resources": {"octavia": declared}}
        self.first.set_pillar(client=client)
        self.first.apply("octavia.client")
        return self.must_be_active()

    def must_be_active(self, seconds: float = 300) -> Snapshot:
        """
        Waits until every object is ACTIVE.

        :param seconds: how long to wait at most
        :return: what there is then
        :raises BenchError: when an object is not ACTIVE by then
        """
        last: list[Snapshot] = []

        def active() -> bool:
            last[:] = [self.snapshot()]
            return not comparison.not_active(last[0])

        if not wait_until(active, seconds, pause=1):
            left = "\n".join(comparison.not_active(last[0]))
            raise BenchError(f"not ACTIVE after {seconds} s:\n{left}")
        return last[0]

    def snapshot(self, url: str = "") -> Snapshot:
        """
        Every object of every load balancer, as the API gives it.

        :param url: the API to ask; without it the one of the catalogue
        :return: {collection: {id: object}}
        """
        return self.cloud.script("snapshot.py", url or self.url)

    def updatable(self, url: str = "") -> dict[str, int]:
        """
        Changes every load balancer and one member of each, and sees all of them ACTIVE again.

        :param url: the API to ask; without it the one of the catalogue
        :return: how many of each were changed
        :raises BenchError: when something does not become ACTIVE
        """
        weights = [item["weight"] for item in self.snapshot(url)["members"].values()]
        weight = max(weights, default=0) % 200 + 1
        with step(f"change every load balancer of {self.prefix}"):
            said = self.cloud.script("update.py", url or self.url, f"w{weight}", str(weight))
        self.must_be_active()
        return said


def _sync(node: Node) -> None:
    """Gives Salt the formula's modules as they are now."""
    node.run(["salt-call", "--local", "saltutil.sync_all"], check=True)


def _know_plugged(node: Node) -> None:
    """Has the noop drivers of a node keep what they know where all of them see it."""
    node.put("/etc/tmpfiles.d/noop.conf", f"L+ /tmp/{PLUGGED} - - - - {SHARED}/{PLUGGED}\n")
    node.run(["systemd-tmpfiles", "--create", "noop.conf"], check=True)


def _balancer(number: int) -> dict[str, Any]:
    """The declaration of a load balancer; no two of them are alike."""
    name = f"lb{number:03}"
    members = [
        {"address": f"10.{number % 250}.0.{last}", "protocol_port": 8080, "weight": last}
        for last in (1, 2)
    ]
    monitor = {"type": "HTTP", "delay": 5 + number % 5, "timeout": 3, "max_retries": 2}
    rule = {"type": "PATH", "compare_type": "STARTS_WITH", "value": f"/private{number}"}
    pool = {
        "name": f"{name}-pool",
        "protocol": "HTTP",
        "lb_algorithm": "ROUND_ROBIN",
        "session_persistence": {"type": "SOURCE_IP"},
        "members": members,
        "healthmonitor": monitor,
    }
    listener = {
        "name": f"{name}-listener",
        "protocol": "HTTP",
        "protocol_port": 8000 + number,
        "default_pool": pool["name"],
        "insert_headers": {"X-Forwarded-For": True},
        "l7policies": [{"name": f"{name}-policy", "action": "REJECT", "rules": [rule]}],
    }
    return {
        "name": name,
        "description": f"the {number}th",
        "vip_subnet_id": SUBNET,
        "tags": ["bench", name],
        "pools": [pool],
        "listeners": [listener],
    }
