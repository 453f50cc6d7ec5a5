"""
2025.1 to 2026.2, no migration on the way, by the one SLS that runs all phases, on the node that the
first hop has left (see there), whose package sources become those of Debian testing.
"""

from __future__ import annotations

import pytest

from tests.converge import suites
from tests.converge.report import describe

from . import phases
from .controller import UNITS
from .test_first_hop import COUNT

WAY = "2025.1 to 2026.2, cold"


@pytest.fixture(scope="module")
def controller(bench):
    """The controller, with the sources and the pillar of the new release."""
    bench.first.hop("testing")
    settings = {**phases.UPGRADE, "allow_skip": True}
    bench.first.set_pillar(api=phases.DECIDED, client={}, upgrade=settings)
    return bench.first


@pytest.fixture(scope="module")
def before(bench, controller):
    """What there is before the upgrade."""
    return bench.must_be_active()


def test_an_option_that_is_gone_is_told_before_anything_is_touched(controller, before):
    comment = phases.refused(controller, "octavia.upgrade.upgrade", "octavia_check")
    assert "octavia:api:oslo_policy:enforce_scope" in comment
    assert "removed in 2026.2" in comment
    assert controller.active() == list(UNITS)
    controller.set_pillar(api=phases.DECIDED_NEWEST)


def test_what_would_touch_the_data_plane_is_refused_before_anything_begins(controller):
    """Python's new version takes Open vSwitch's module along, and that the switch itself."""
    for sls, state in (
        ("octavia.upgrade.upgrade", "octavia_upgrade_ready"),
        ("octavia.upgrade.pkg_latest", "octavia_upgrade_packages"),
    ):
        comment = phases.refused(controller, sls, state)
        assert "openvswitch-switch" in comment and "data plane" in comment, comment
    assert controller.active() == list(UNITS)
    # An operator upgrades it apart.
    controller.apt("install", "openvswitch-switch")


def test_the_whole_upgrade_of_a_node(bench, controller, before):
    foretold = suites.must_apply(controller.node, "octavia.upgrade.upgrade", "test=True")
    assert controller.active() == list(UNITS)
    done = suites.must_apply(controller.node, "octavia.upgrade.upgrade")
    told, true = phases.changes(foretold), phases.changes(done)
    assert set(told) == set(true)
    assert told["octavia_upgrade_packages"] == true["octavia_upgrade_packages"]
    assert "octavia_db" not in true and "octavia_db_backup" not in true
    said = done.by_id["octavia_upgrade_told"]["comment"]
    assert "packages: 2026.2" in said and "octavia-api: active (running), enabled" in said
    assert controller.active() == list(UNITS) == controller.enabled()
    again = suites.must_apply(controller.node, "octavia.upgrade.upgrade")
    assert controller.active() == list(UNITS)
    assert not again.failed


def test_everything_is_as_it_was(bench, before):
    phases.compare(WAY, before, bench.must_be_active())
    assert len(before["loadbalancers"]) == COUNT


def test_an_ordinary_run_finds_nothing_to_do_and_verify_passes(controller):
    suites.must_apply(controller.node, "octavia")
    run = suites.must_apply(controller.node, "octavia")
    assert not run.changed, describe(run.changed)
    suites.must_apply(controller.node, "octavia.upgrade.verify")
    found = controller.node.salt_call("octavia_config.load_check", "/etc/octavia/octavia.conf")
    assert found.data == [], found.data


def test_the_check_of_the_new_release_is_read_with_care(controller):
    found = controller.node.salt_call("octavia_control.upgrade_check").data
    assert found["state"] == "passed", found
    assert found["checks"]
    # It takes longer to begin.
    found = controller.node.salt_call("octavia_control.upgrade_check", "timeout=0.1").data
    assert (found["state"], found["why"]) == ("unavailable", "it did not end in time")


def test_every_load_balancer_can_be_changed(bench, before):
    assert bench.updatable()["loadbalancers"] == COUNT


def test_after_everything_else_is_upgraded_and_a_reboot_all_is_there(bench, controller):
    last = bench.snapshot()
    controller.rest()
    phases.compare(f"{WAY}, rebooted", last, bench.must_be_active())
    run = suites.must_apply(controller.node, "octavia")
    assert not run.changed, describe(run.changed)
    assert controller.versions()["octavia-common"].startswith("19.")
