"""
Each way to install the formula, on a node that has nothing of it: what is run and written there is
taken from the manual, word by word, up to the deployed Octavia.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import manual
from tests.converge import suites
from tests.nodes import Node, layers, recipes
from tests.nodes.node import TOOLS

PAGE = manual.blocks("docs/install.rst")
CLONE = "/srv/formulas/salt-formula-octavia"
GIT = "/srv/git"
# What a reader has beside the manual: nobody to answer apt, and a server of that name.
SURROUNDINGS = {
    "/etc/apt/sources.list": recipes.sources("/srv/debs", TOOLS),
    "/etc/apt/apt.conf.d/90yes": 'APT::Get::Assume-Yes "true";\n',
    "/etc/gitconfig": f'[url "file://{GIT}/"]\n\tinsteadOf = {manual.SERVER}\n',
}


class Way(NamedTuple):
    """
    A way of the manual, by the names of its blocks.

    :ivar install: what is run
    :ivar minion: what is written
    """

    install: str
    minion: str


WAYS = {
    "gitfs": Way("gitfs-install", "gitfs-minion"),
    "pip": Way("pip-install", "pip-minion"),
    "make": Way("make-install", "make-minion"),
    "deb": Way("deb-install", "make-minion"),
}


@pytest.fixture(params=WAYS, name="way")
def _way(request) -> str:
    return request.param


@pytest.fixture(name="node")
def _node(way, platform, salt, tmp_path):
    """A node with all that Octavia needs, a clone, and Salt that knows nothing of the formula."""
    with Node(f"packaging-{way}-{platform}", platform, salt, owner=os.getpid(), tools=True) as node:
        node.set_pillar(suites.Suite("aio", platform, salt).pillar_files)
        suites.must_apply(node, "sandbox")
        # What the sandbox was applied from is mounted into all nodes, and the formula beside it.
        node.run(["rm", "-r", "/var/cache/salt/minion"], check=True)
        for path, text in SURROUNDINGS.items():
            node.put(path, text)
        node.run(["apt-get", "update"], check=True)
        _copy(manual.clone(tmp_path / "clone"), node, CLONE)
        manual.publish(tmp_path / "clone", tmp_path / "bare")
        _copy(tmp_path / "bare", node, f"{GIT}/{manual.REPOSITORY}")
        _copy(layers.build_wheels(), node, "/srv/wheels")
        yield node


def _copy(folder: Path, node: Node, target: str) -> None:
    """Copies a folder of the host into a node."""
    inside = node.root / target.lstrip("/")
    shutil.copytree(folder, inside, symlinks=True, dirs_exist_ok=True)


def _follow(node: Node, block: str) -> str:
    """Runs a block of the manual in the clone; none of its commands may fail."""
    script = f"cd {CLONE}\n{PAGE[block]}"
    return node.run(["bash", "-ec", script], timeout=1800, check=True).stdout


def test_by_the_words_of_the_manual(way, node):
    assert node.salt_call("sys.list_functions", "octavia_config").data == []
    _follow(node, WAYS[way].install)
    node.put("/etc/salt/minion.d/octavia.conf", PAGE[WAYS[way].minion])
    said = _follow(node, "apply")
    # With test=True, and then really.
    assert re.findall(r"^Failed: +(\d+)$", said, re.MULTILINE) == ["0", "0"], said
    second = suites.must_apply(node, "octavia")
    assert not second.changed, suites.report.describe(second.changed)
    assert node.salt_call("octaviav2.versions", "cloud_name=octavia").data["newest"]
    tree = suites.load_balancer(node, way)
    assert tree.count("ACTIVE") == suites.objects("ACTIVE"), tree
    extensions = node.run(["salt-call", "--versions-report"], check=True).stdout
    assert ("salt-formula-octavia" in extensions) is (way == "pip")
