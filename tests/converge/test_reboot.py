"""Power off and boot: everything comes back by itself."""

from __future__ import annotations

from . import suites
from .report import describe


def test_after_power_off_and_boot_everything_is_back(node, suite):
    node.power_off()
    assert node.boot() == []
    wanted = suites.EXPECTED.get(suite.name, "ACTIVE")
    tree = suites.load_balancer(node, "after-boot", wanted)
    assert tree.count(wanted) == suites.objects(wanted), tree
    run = suites.must_apply(node, "octavia")
    assert not run.changed, describe(run.changed)
