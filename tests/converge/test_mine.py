"""
A controller whose pillar names no IDs takes them from the mine of another minion, by a real master;
what stands there in another shape stops the run, and octavia.conf stays byte for byte.
"""

from __future__ import annotations

import pytest
import yaml

from . import suites
from .live import must
from .master import OTHER

CONFIG = "/etc/octavia/octavia.conf"
NETWORKS, GROUPS, PORTS = (
    f"list_octavia_{what}" for what in ("networks", "mgmt_security_groups", "hm_ports")
)
OWNER = "glanceng.get_image_owner_id"
LEFT_OUT = ("amp_boot_network_list:", "amp_secgroup_list:", "bind_ip:")
NETWORK, GROUP = (f"00000000-0000-4000-8000-00000000000{digit}" for digit in "ab")
PROJECT = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


class Mine:
    """The node with its pillar, and the minion that fills the mine."""

    def __init__(self, master, node, suite):
        self.master, self.node, self.suite = master, node, suite
        port = {
            "id": "p",
            "mac_address": "fa:16:3e:00:00:01",
            "fixed_ips": [{"ip_address": node.address, "subnet_id": "s"}],
            "binding_host_id": node.name,
        }
        there = {**port, "fixed_ips": [{"ip_address": "10.99.0.250"}], "binding_host_id": OTHER}
        self.answers = {
            NETWORKS: {"networks": [{"id": NETWORK, "name": "lb-mgmt-net"}]},
            GROUPS: {"lb-mgmt-sec-grp": {"id": GROUP}},
            PORTS: {"octavia-health-manager-1": port, "octavia-health-manager-2": there},
            OWNER: PROJECT,
            "no_networks": {"networks": []},
        }

    def set_pillar(self, **replaced: str) -> None:
        """The suite's pillar without the IDs, and the minion's answers."""
        lines = self.suite.pillar.splitlines(keepends=True)
        text = "".join(line for line in lines if not line.strip().startswith(LEFT_OUT))
        assert text.count("\n") == len(lines) - len(LEFT_OUT)
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)
        client = {"client": {"enabled": True}}
        pillar = {"neutron": client, "glance": client, "answers": self.answers}
        other = f"{{%- if grains.id == '{OTHER}' %}}\n{yaml.safe_dump(pillar)}{{%- endif %}}\n"
        self.node.set_pillar({"octavia.sls": text, "other.sls": other})
        self.master.refresh_pillar()

    def send(self, function: str, answer: str = "", unmask: bool = True) -> None:
        """Puts an answer into the mine, and awaits that the node sees what the minion has."""
        what = [function, f"answers:{answer or function}", "mine_function=pillar.get"]
        self.master.salt(OTHER, "mine.send", *what, *(["unmask=True"] if unmask else []))
        wanted = self.answers[answer or function]
        if unmask:
            must(f"{function} is in the mine", lambda: self.seen(function) == {OTHER: wanted})

    def seen(self, function: str):
        """What the node gets from the mine."""
        target = "glance:client" if function == OWNER else "neutron:client"
        name = self.node.name
        return self.master.salt(name, "mine.get", target, function, "pillar")[name]

    def apply(self) -> dict:
        """The states of a run on the node by its master, by their IDs."""
        name = self.node.name
        states = self.master.salt(name, "state.apply", "octavia", timeout=600)[name]
        assert isinstance(states, dict), states
        return {state["__id__"]: state for state in states.values()}

    def refused(self) -> str:
        """What a run says that must not change anything."""
        before = self.file()
        states = self.apply()
        assert list(states) == ["octavia_check"]
        assert states["octavia_check"]["result"] is False
        assert self.file() == before
        return states["octavia_check"]["comment"]

    def file(self) -> tuple[str, str]:
        """The content of octavia.conf, and which file it is and since when."""
        stat = self.node.run(["stat", "--format=%i %Y %a %U %G", CONFIG], check=True)
        return self.node.get(CONFIG), stat.stdout


@pytest.fixture(scope="module")
def mine(master, node, suite):
    """The mine, filled as the formulas of Neutron and Glance fill it."""
    filled = Mine(master, node, suite)
    try:
        filled.set_pillar()
        for function in (NETWORKS, GROUPS, PORTS, OWNER):
            filled.send(function)
        yield filled
    finally:
        master.salt(OTHER, "mine.flush")
        node.set_pillar({"octavia.sls": suite.pillar})
        master.refresh_pillar()
        suites.must_apply(node, "octavia")


def test_the_run_writes_the_ids_of_the_mine(mine, node):
    states = mine.apply()
    assert not [state for state in states.values() if state["result"] is False], states
    lines = node.get(CONFIG).splitlines()
    for line in (
        f"amp_boot_network_list = {NETWORK}",
        f"amp_secgroup_list = {GROUP}",
        f"amp_image_owner_id = {PROJECT}",
        f"bind_ip = {node.address}",
        f"controller_ip_port_list = {node.address}:5555,10.99.0.250:5555",
    ):
        assert line in lines
    again = mine.apply()
    assert not [state for state in again.values() if state["changes"]], again


def test_an_empty_answer_leaves_the_file_as_it_is(mine):
    mine.send(NETWORKS, "no_networks")
    said = mine.refused()
    assert f"error: mine {NETWORKS} of {OTHER}: is empty" in said
    assert f"run mine.update on {OTHER}" in said
    mine.send(NETWORKS)


def test_so_does_an_answer_that_salt_has_hidden(mine):
    mine.send(GROUPS, unmask=False)
    said = mine.refused()
    assert f"error: mine {GROUPS} of {OTHER}: has asterisks" in said
    assert "unmask: true" in said
    mine.send(GROUPS)


def test_so_does_a_mine_that_is_gone_where_amphorae_are_real(mine, master):
    master.salt(OTHER, "mine.flush")
    must("the mine is empty", lambda: mine.seen(NETWORKS) == {})
    mine.set_pillar(compute_noop_driver="compute_nova_driver")
    said = mine.refused()
    for option in ("amp_boot_network_list", "amp_secgroup_list"):
        assert f"error: octavia:manager:controller_worker:{option}: is not set, nor in" in said
