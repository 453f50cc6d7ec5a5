"""
Zed to 2025.1 on a node of Debian 12 whose package sources become those of Debian 13: refusals,
duties, then each phase by itself, with 20 load balancers.
"""

from __future__ import annotations

import json
import re

import pytest

from tests.converge import suites
from tests.converge.report import describe

from . import phases
from .controller import UNITS

WAY = "Zed to 2025.1, cold"
OLD, NEW = "zed", "2025.1"
CONF = "/etc/octavia/octavia.conf"
COUNT = 20


@pytest.fixture(scope="module")
def controller(bench):
    """The controller with the old release."""
    bench.first.set_pillar(api=phases.API, upgrade=phases.UPGRADE)
    bench.first.apply()
    bench.first.install_data_plane()
    bench.first.change_sources("debian12")
    return bench.first


@pytest.fixture(scope="module")
def before(bench, controller):
    """What there is before the upgrade."""
    made = bench.balancers(COUNT)
    assert len(made["loadbalancers"]) == COUNT
    return made


def test_a_version_raised_too_early_changes_nothing_and_names_the_phases(controller, before):
    conf = controller.node.get(CONF)
    controller.settings["version"] = NEW
    controller.set_pillar()
    comment = phases.refused(controller, "octavia", "octavia_check")
    assert "octavia.upgrade.pre" in comment and NEW in comment and OLD in comment
    assert controller.node.get(CONF) == conf
    assert controller.active() == list(UNITS)


def test_where_no_services_are_meant_to_run_none_is_touched(controller, before):
    controller.settings["version"] = OLD
    controller.set_pillar()
    node = controller.node
    node.run(["salt-call", "--local", "grains.setval", "noservices", "true"], check=True)
    try:
        for phase in (*phases.ORDER, "pre", "post", "verify"):
            run = suites.must_apply(node, f"{phases.PHASES}.{phase}")
            assert not run.changed, describe(run.changed)
            assert controller.active() == list(UNITS) == controller.enabled(), phase
    finally:
        node.run(["salt-call", "--local", "grains.delval", "noservices"], check=True)
        controller.settings["version"] = NEW
        controller.set_pillar()


def test_a_step_over_releases_is_refused(controller):
    comment = phases.refused(controller, "octavia.upgrade.pre", "octavia_upgrade_ready")
    assert "skips 2023.1, 2023.2, 2024.1, 2024.2" in comment
    assert "octavia:upgrade:allow_skip" in comment
    # Nothing of the whole upgrade begins either.
    comment = phases.refused(controller, "octavia.upgrade.upgrade", "octavia_upgrade_ready")
    assert controller.active() == list(UNITS)


def test_duties_that_block_are_told_and_stop(controller):
    controller.set_pillar(upgrade={**phases.UPGRADE, "allow_skip": True})
    comment = phases.refused(controller, "octavia.upgrade.pre", "octavia_upgrade_ready")
    for duty in ("scope-enforced", "rbac-roles-lost"):
        assert f"{duty}: NOT DONE, blocking" in comment
    assert "octavia-status upgrade check" in comment and "passed" not in comment


def test_the_other_package_sources_are_told_and_installed_from_only_when_they_fit(controller):
    comment = phases.refused(controller, "octavia.upgrade.pkg_latest", "octavia_upgrade_packages")
    assert OLD in comment and NEW in comment
    assert controller.active() == list(UNITS)


def test_pre_passes_and_changes_nothing(controller):
    controller.change_sources("debian13")
    controller.set_pillar(api=phases.DECIDED)
    conf = controller.node.get(CONF)
    run = suites.must_apply(controller.node, "octavia.upgrade.pre")
    assert not run.changed, describe(run.changed)
    said = run.by_id["octavia_upgrade_ready"]["comment"]
    for line in (
        "warning: sequence: zed to 2025.1, which migrates the database",
        "ok: package sources: they offer octavia-common",
        "not checked: octavia-status upgrade check",
        "ok: room in /var",
        "ok: database: it can be read, and is at revision 0995c26fc506, at head for zed",
        "ok: objects in PENDING: none",
        "ok: certificates",
    ):
        assert line in said, said
    assert controller.node.get(CONF) == conf
    assert controller.active() == list(UNITS)


def test_packages_are_refused_while_services_run(controller):
    comment = phases.refused(controller, "octavia.upgrade.pkg_latest", "octavia_upgrade_packages")
    assert "octavia.upgrade.service_stopped" in comment
    assert controller.active() == list(UNITS)


def test_the_node_is_taken_out_and_stopped_in_order(controller):
    node = controller.node
    phases.foretold(controller, "octavia.upgrade.upgrade.pre")
    health = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}"]
    assert node.run([*health, f"{controller.url}/healthcheck"]).stdout == "503"
    done = phases.foretold(controller, "octavia.upgrade.service_stopped")
    order = [state["name"] for state in done.states if "stopped_octavia" in state["__id__"]]
    assert order == [
        "octavia-housekeeping",
        "octavia-health-manager",
        "octavia-api",
        "octavia-driver-agent",
        "octavia-worker",
    ]
    assert controller.active() == [] and controller.enabled() == []
    show = ["systemctl", "show", "--value", "--property=Result", "octavia-worker", "octavia-api"]
    assert node.run(show).stdout.split() == ["success", "success"]


def _started(node, since: str) -> set[str]:
    """Which of Octavia's units systemd has started since a time, as the journal has it."""
    asked = ["journalctl", f"--since=@{since}", "--output=json", "_PID=1"]
    lines = node.run(asked, check=True).stdout.splitlines()
    entries = [json.loads(line) for line in lines]
    units = {entry["UNIT"] for entry in entries if entry["MESSAGE"].startswith("Started octavia-")}
    return {unit.removesuffix(".service") for unit in units} & set(UNITS)


def test_packages_are_new_the_data_plane_is_not_and_nothing_was_started(controller):
    node, old = controller.node, controller.versions()
    since = node.run(["date", "+%s"], check=True).stdout.strip()
    phases.foretold(controller, "octavia.upgrade.pkg_latest")
    new = controller.versions()
    assert old["octavia-common"].startswith("11.") and new["octavia-common"].startswith("16.")
    plane = [name for name in old if name.startswith(("openvswitch-", "qemu"))]
    assert plane and {name: new[name] for name in plane} == {name: old[name] for name in plane}
    policy = node.run(["apt-cache", "policy", *plane], check=True).stdout
    candidates = dict(zip(plane, re.findall(r"Candidate: (\S+)", policy), strict=True))
    assert not {name for name in plane if candidates[name] == old[name]}, candidates
    assert controller.active() == []
    assert _started(node, since) == set()
    # They would have been seen.
    assert _started(node, "0") == set(UNITS)
    held = node.run(["find", "/run/systemd/system", "-name", "*salt-formula-octavia*"]).stdout
    assert held == ""


def test_the_configuration_is_that_of_the_new_release(controller):
    done = phases.foretold(controller, "octavia.upgrade.render_config")
    assert "octavia_config_file" in phases.changes(done)
    found = controller.node.salt_call("octavia_config.load_check", CONF)
    assert found.data == [], found.data
    assert controller.active() == []


def test_the_schema_is_migrated_after_a_backup(bench, controller):
    done = phases.foretold(controller, "octavia.upgrade.offline_sync")
    assert set(phases.changes(done)) == {"octavia_db_backup", "octavia_db"}
    revision = phases.changes(done)["octavia_db"]["revision"]
    assert revision == {"old": "0995c26fc506", "new": "fabf4983846b"}
    (backup,) = controller.node.salt_call("octavia_db.backups").data
    assert "0995c26fc506" in backup
    stat = controller.node.run(["stat", "--format=%a %U", backup], check=True).stdout
    assert stat.strip() == "600 root"
    assert bench.cloud.sql("SELECT version_num FROM alembic_version") == ["fabf4983846b"]


def test_everything_runs_again_and_is_put_back(controller):
    phases.foretold(controller, "octavia.upgrade.service_running")
    assert controller.active() == list(UNITS) == controller.enabled()
    phases.foretold(controller, "octavia.upgrade.upgrade.post")
    assert controller.node.run(["test", "-e", phases.DRAIN]).returncode == 1


def test_an_ordinary_run_finds_nothing_to_do(controller):
    suites.must_apply(controller.node, "octavia")
    run = suites.must_apply(controller.node, "octavia")
    assert not run.changed, describe(run.changed)


def test_everything_is_as_it_was(bench, before):
    phases.compare(WAY, before, bench.must_be_active())


def test_verify_tries_the_api_and_leaves_nothing(bench, controller, before):
    run = suites.must_apply(controller.node, "octavia.upgrade.verify")
    said = run.by_id["octavia_upgrade_verified"]["comment"]
    assert "ok: API: create, read, update, delete" in said, said
    assert "ok: worker" in said and "ok: schema: at head" in said
    assert len(bench.snapshot()["loadbalancers"]) == COUNT


def test_verify_finds_what_does_not_work_and_cleans_up(bench, controller):
    controller.node.run(["systemctl", "stop", "octavia-worker"], check=True)
    try:
        run = suites.apply(controller.node, "octavia.upgrade.verify")
        said = run.by_id["octavia_upgrade_verified"]["comment"]
        assert run.by_id["octavia_upgrade_verified"]["result"] is False
        assert "stop: services: octavia-worker" in said, said
        assert "not checked: API: create" in said, said
    finally:
        controller.node.run(["systemctl", "start", "octavia-worker"], check=True)
    wrong = {**phases.UPGRADE["verify"], "provider": "no-such-provider"}
    controller.set_pillar(upgrade={**phases.UPGRADE, "allow_skip": True, "verify": wrong})
    said = suites.apply(controller.node, "octavia.upgrade.verify").failed[0]["comment"]
    assert "stop: API: create" in said and "no-such-provider" in said, said
    controller.set_pillar(upgrade={**phases.UPGRADE, "allow_skip": True})
    suites.must_apply(controller.node, "octavia.upgrade.verify")
    assert len(bench.snapshot()["loadbalancers"]) == COUNT


def test_every_load_balancer_can_be_changed(bench, controller, before):
    # From now on they are not what was declared.
    controller.set_pillar(client={})
    assert bench.updatable()["loadbalancers"] == COUNT


def test_after_everything_else_is_upgraded_and_a_reboot_all_is_there(bench, controller):
    last = bench.snapshot()
    controller.rest()
    phases.compare(f"{WAY}, rebooted", last, bench.must_be_active())
    run = suites.must_apply(controller.node, "octavia")
    assert not run.changed, describe(run.changed)


def test_post_clears_away(controller):
    run = suites.must_apply(controller.node, "octavia.upgrade.post")
    assert "1 backups stay" in run.by_id["octavia_upgrade_backups"]["comment"]
    settings = {**phases.UPGRADE, "allow_skip": True, "backup": {"remove_afterwards": True}}
    controller.set_pillar(upgrade=settings)
    phases.foretold(controller, "octavia.upgrade.post")
    assert controller.node.salt_call("octavia_db.backups").data == []


def test_no_secret_shows(bench, controller):
    node = controller.node
    node.put("/root/marks", "\n".join([*bench.secrets, "no-such-mark"]) + "\n", 0o600)
    places = "/var/log /var/cache/salt /proc/[0-9]*/cmdline"
    search = f"grep -rlsFf /root/marks {places}; journalctl | grep -Ff /root/marks"
    assert node.run(["sh", "-c", search]).stdout == ""
