"""
The model of tests/reclass on real nodes: three controllers and a tenant's machine, beside a node
with what a cloud has for them. How the nodes come to their pillar is left to the tests.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.nodes import Node
from tests.upgrade.cloud import PLATFORM, Cloud
from tests.upgrade.controller import Controller

from . import inventory

FIRST, *OTHERS = CONTROLLERS = ("ctl01", "ctl02", "ctl03")
TENANT = "cli01"
MODEL = "/srv/reclass"


class Deployment:
    """
    The nodes.

    :param prefix: what their names begin with
    :param salt: series of Salt
    :ivar cloud: the node with database, broker and Keystone
    :ivar nodes: all others, by the names that the model has for them
    :ivar addresses: the parameters with their addresses
    """

    def __init__(self, prefix: str, salt: str) -> None:
        owner = os.getpid()
        self.prefix, self.salt = prefix, salt
        self.cloud = Cloud(Node(f"{prefix}-cloud", PLATFORM, salt, layers=["infra"], owner=owner))
        self.nodes = {
            name: Node(f"{prefix}-{name}", PLATFORM, salt, layers=[], owner=owner)
            for name in (*CONTROLLERS, TENANT)
        }
        self.addresses: dict[str, str] = {}
        self.stack = ExitStack()

    def __enter__(self) -> Deployment:
        with ExitStack() as stack:
            for node in (self.cloud.node, *self.nodes.values()):
                stack.enter_context(node)
            self.addresses = {"cluster_vip_address": self.cloud.node.address} | {
                f"octavia_health_manager_node0{number}_address": self.nodes[name].address
                for number, name in enumerate(CONTROLLERS, 1)
            }
            with tempfile.TemporaryDirectory() as folder:
                settings = inventory.write(Path(folder), self.addresses)
                pillar = inventory.pillar(settings, FIRST)
            url = f"http://{self.nodes[FIRST].address}:9876"
            self.cloud.build({"octavia.sls": {"octavia": pillar["octavia"]}}, url)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def controller(self, name: str) -> Controller:
        """One of the controllers."""
        return Controller(self.nodes[name], {})

    def install_reclass(self, node: Node) -> None:
        """Brings reclass, the model and the classes to a node, in the words of the manual."""
        commands, *_ = inventory.said("Masterless")
        node.run(["sh", "-ec", commands], check=True)
        for name, text in inventory.files(self.addresses).items():
            node.put(f"{MODEL}/{name}", text, 0o600)

    def share_certificates(self) -> None:
        """Gives the other controllers what the first one has made, before they look for it."""
        packed = self.controller(FIRST).certificates()
        for name in OTHERS:
            self.controller(name).take_certificates(packed)
