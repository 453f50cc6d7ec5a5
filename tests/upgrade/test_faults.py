"""
What may go wrong between Zed and 2025.1: each phase ends in a told state from which the next run
goes on; and in the end the way back to Zed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.converge import suites
from tests.converge.report import describe
from tests.nodes.processes import wait_until

from . import phases
from .bench import Bench
from .cloud import SCRIPTS
from .controller import UNITS
from .test_first_hop import NEW, OLD

COUNT = 3
KILLS = 40
BACKUPS = "/var/backups/octavia"
HELD = "/run/systemd/system/octavia-api.service.d/00-salt-formula-octavia-install.conf"
SETTINGS = {**phases.UPGRADE, "allow_skip": True}
#: An amphora that nobody answers for: its flow goes on for a while, and ends in ERROR.
SLOW = {
    "controller_worker": {"amphora_driver": "amphora_haproxy_rest_driver"},
    "haproxy_amphora": {
        "active_connection_max_retries": 45,
        "active_connection_retry_interval": 2,
        "connection_max_retries": 45,
        "connection_retry_interval": 2,
        "rest_request_conn_timeout": 1,
    },
}


@pytest.fixture(scope="module")
def bench(salt):
    """A bench of its own, which may be broken."""
    made = Bench("faults", upgrades=("debian13",), salt=salt, owner=os.getpid())
    with made:
        made.first.set_pillar(api=phases.DECIDED, upgrade=SETTINGS)
        made.first.apply()
        yield made


@pytest.fixture(scope="module")
def controller(bench):
    """The controller."""
    return bench.first


@pytest.fixture(scope="module")
def balancers(bench):
    """Some load balancers."""
    return bench.balancers(COUNT)


@pytest.fixture(scope="module")
def before(bench, balancers):
    """What there is when the upgrade begins."""
    assert len(balancers["loadbalancers"]) == COUNT
    return bench.must_be_active()


def _killed(controller, sls: str, when: Callable[[], bool]) -> None:
    """Applies a phase and kills Salt, and only Salt, in the middle of it."""
    argv = controller.node.command(["salt-call", "--local", "state.apply", sls])
    env = controller.node.environment()
    with subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL) as call:
        assert wait_until(lambda: when() or call.poll() is not None, 300, pause=0.1)
        assert call.poll() is None, f"{sls} ended before it could be killed"
        controller.node.run(["pkill", "--signal", "KILL", "--full", "salt-call"])
        call.wait()


def _begun(controller) -> Callable[[], bool]:
    """Whether Salt has begun another run since this was asked for."""

    def runs() -> set[str]:
        listed = controller.node.run(["find", "/var/cache/salt/minion/proc", "-type", "f"])
        return set(listed.stdout.split())

    before = runs()
    return lambda: bool(runs() - before)


def _exists(controller, path: str) -> bool:
    return controller.node.run(["test", "-e", path]).returncode == 0


def _slow(bench, controller, name: str) -> str:
    """A load balancer whose update is at work for a minute or two; its id."""
    controller.set_pillar(
        api={**phases.DECIDED, **SLOW},
        manager={**SLOW},
    )
    controller.apply()
    (balancer,) = bench.cloud.sql(f"SELECT id FROM load_balancer WHERE name = '{name}'")
    change = ["octaviav2.loadbalancer_update", name, "admin_state_up=False", "cloud_name=octavia"]
    controller.node.salt_call(*change)
    assert _status(bench, balancer) == "PENDING_UPDATE"
    return balancer


def _asked(controller, *function: str) -> dict[str, Any]:
    """What a function says that asks the API."""
    return controller.node.salt_call(*function, "cloud_name=octavia").data


def _status(bench, balancer: str) -> str:
    asked = f"SELECT provisioning_status FROM load_balancer WHERE id = '{balancer}'"
    return "".join(bench.cloud.sql(asked))


def _result(controller) -> str:
    show = ["systemctl", "show", "--value", "--property=Result", "octavia-worker"]
    return controller.node.run(show, check=True).stdout.strip()


def _mend(bench, controller, balancer: str) -> None:
    """Everything runs again with the usual drivers, and the load balancer is as it was."""
    controller.set_pillar(api=phases.DECIDED, manager={}, upgrade=SETTINGS)
    controller.apply()
    mended = "SET provisioning_status = 'ACTIVE', enabled = 1 WHERE"
    bench.cloud.sql(f"UPDATE load_balancer {mended} id = '{balancer}'")
    bench.cloud.sql(f"UPDATE listener {mended} load_balancer_id = '{balancer}'")


def test_a_flow_that_does_not_end_in_time_keeps_its_worker(bench, controller, balancers):
    balancer = _slow(bench, controller, "lb000")
    controller.set_pillar(upgrade={**SETTINGS, "idle_timeout": 3})
    run = suites.apply(controller.node, "octavia.upgrade.service_stopped")
    failed = run.by_id["octavia_upgrade_stopped_octavia-worker"]
    assert failed["result"] is False
    assert "lb000" in failed["comment"] and "PENDING_UPDATE" in failed["comment"]
    assert controller.active() == ["octavia-worker"]
    # By the database; the APIs are stopped.
    (busy,) = controller.node.salt_call("octavia_control.pending").data["waiting"]
    assert (busy["id"], busy["status"]) == (balancer, "PENDING_UPDATE")
    # The next run waits for the flow, whatever its end is, and then stops the worker.
    controller.set_pillar(upgrade={**SETTINGS, "idle_timeout": 300})
    suites.must_apply(controller.node, "octavia.upgrade.service_stopped")
    assert controller.active() == []
    assert _status(bench, balancer) in ("ACTIVE", "ERROR")
    assert _result(controller) == "success"
    _mend(bench, controller, balancer)


def test_rolling_a_worker_ends_its_flows_and_is_not_killed(bench, controller, balancers):
    balancer = _slow(bench, controller, "lb001")
    (busy,) = _asked(controller, "octavia_control.pending")["waiting"]
    assert (busy["id"], busy["status"]) == (balancer, "PENDING_UPDATE")
    waited = _asked(controller, "octavia_control.wait_idle", "timeout=2")
    assert (waited["idle"], len(waited["waiting"])) == (False, 1)
    controller.set_pillar(upgrade={**SETTINGS, "mode": "rolling"})
    suites.must_apply(controller.node, "octavia.upgrade.service_stopped")
    assert _status(bench, balancer) in ("ACTIVE", "ERROR")
    assert _result(controller) == "success"
    _mend(bench, controller, balancer)


def test_a_stuck_load_balancer_is_told_and_not_waited_for(bench, controller, balancers):
    change = (
        "UPDATE load_balancer SET provisioning_status = '{}', updated_at = {} WHERE name = '{}'"
    )
    old = "UTC_TIMESTAMP() - INTERVAL 2 DAY"
    stamp = bench.cloud.sql("SELECT updated_at FROM load_balancer WHERE name = 'lb002'")[0]
    bench.cloud.sql(change.format("PENDING_UPDATE", old, "lb002"))
    run = suites.must_apply(controller.node, "octavia.upgrade.pre")
    said = run.by_id["octavia_upgrade_ready"]["comment"]
    assert "lb002" in said and "Nobody works on these any more" in said
    assert controller.node.salt_call("octavia_control.wait_idle").data["idle"] is True
    stamp = "NULL" if stamp == "NULL" else f"'{stamp}'"
    bench.cloud.sql(change.format("ACTIVE", stamp, "lb002"))


def test_killed_while_it_is_looked_at(controller, before):
    controller.hop("debian13")
    _killed(controller, "octavia.upgrade.pre", _begun(controller))
    suites.must_apply(controller.node, "octavia.upgrade.pre")
    assert controller.active() == list(UNITS)


def test_killed_while_it_is_taken_out(controller):
    controller.set_pillar(upgrade={**SETTINGS, "drain_seconds": 60})
    _killed(controller, "octavia.upgrade.upgrade.pre", lambda: _exists(controller, phases.DRAIN))
    controller.set_pillar(upgrade=SETTINGS)
    suites.must_apply(controller.node, "octavia.upgrade.upgrade.pre")
    assert _exists(controller, phases.DRAIN)


def test_killed_while_services_are_stopped(controller):
    _killed(
        controller,
        "octavia.upgrade.service_stopped",
        lambda: "octavia-health-manager" not in controller.active(),
    )
    suites.must_apply(controller.node, "octavia.upgrade.service_stopped")
    assert controller.active() == [] == controller.enabled()


def test_a_failing_installation_is_told_and_done_again(controller):
    hook = "/etc/apt/apt.conf.d/99-fails"
    controller.node.put(hook, 'DPkg::Pre-Install-Pkgs {"echo it fails on purpose; false";};\n')
    run = suites.apply(controller.node, "octavia.upgrade.pkg_latest")
    failed = run.by_id["octavia_upgrade_packages"]
    assert failed["result"] is False and not _exists(controller, HELD)
    assert "could not be brought to their latest version" in failed["comment"]
    controller.node.run(["rm", hook], check=True)


def test_killed_while_packages_are_installed(controller):
    log = "/var/log/dpkg.log"

    def unpacks() -> bool:
        return bool(re.search(r" upgrade python3-octavia:", controller.node.get(log)))

    controller.node.run(["truncate", "--size=0", log], check=True)
    _killed(controller, "octavia.upgrade.pkg_latest", unpacks)
    suites.must_apply(controller.node, "octavia.upgrade.pkg_latest")
    assert controller.versions()["octavia-common"].startswith("16.")
    assert not _exists(controller, HELD)
    assert controller.active() == []
    for sls in ("octavia.upgrade.pkg_latest", "octavia.upgrade.pkgs_latest"):
        run = suites.must_apply(controller.node, sls)
        assert not run.changed, describe(run.changed)


def test_killed_while_the_configuration_is_written(controller):
    conf = "/etc/octavia/octavia.conf"
    stamp = ["stat", "--format=%Y.%i", conf]
    before = controller.node.run(stamp, check=True).stdout
    controller.set_pillar(api={**phases.DECIDED, "networking": {"max_retries": 17}})
    _killed(
        controller,
        "octavia.upgrade.render_config",
        lambda: controller.node.run(stamp).stdout != before,
    )
    controller.set_pillar(api=phases.DECIDED)
    suites.must_apply(controller.node, "octavia.upgrade.render_config")
    assert controller.node.salt_call("octavia_config.load_check", conf).data == []


def test_database_down_at_the_migration(bench, controller):
    bench.cloud.node.run(["systemctl", "stop", "mariadb"], check=True)
    try:
        run = suites.apply(controller.node, "octavia.upgrade.offline_sync")
        assert run.by_id["octavia_db"]["result"] is False
        assert "unreachable" in describe(run.failed), describe(run.failed)
    finally:
        bench.cloud.node.run(["systemctl", "start", "mariadb"], check=True)


def test_disk_full_at_the_backup(bench, controller):
    node = controller.node
    node.run(["mkdir", "--parents", "--mode=700", BACKUPS], check=True)
    node.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=700", "full", BACKUPS], check=True)
    try:
        run = suites.apply(node, "octavia.db.offline_sync")
        failed = run.by_id["octavia_db_backup"]
        assert failed["result"] is False and "no space" in failed["comment"], failed["comment"]
        assert run.by_id["octavia_db"]["result"] is False
        assert node.run(["ls", "-A", BACKUPS], check=True).stdout == ""
    finally:
        node.run(["umount", BACKUPS], check=True)
    assert bench.cloud.sql("SELECT version_num FROM alembic_version") == ["0995c26fc506"]


def test_somebody_who_is_connected_forbids_the_migration(bench, controller):
    argv = ["systemd-run", "--quiet", "--unit=connected", suites.SYSTEM_PYTHON, "-c"]
    connect = (
        "import pymysql, signal; c = pymysql.connect(host='{}', user='octavia', "
        "password='change-me-database', database='octavia'); signal.pause()"
    )
    controller.node.run([*argv, connect.format(bench.cloud.node.address)], check=True)
    try:
        sessions = ["octavia_db.sessions"]
        assert wait_until(lambda: controller.node.salt_call(*sessions).data, 60)
        run = suites.apply(controller.node, "octavia.upgrade.offline_sync")
        failed = run.by_id["octavia_db"]
        assert failed["result"] is False
        assert "still connected" in failed["comment"]
        assert controller.node.address in failed["comment"]
    finally:
        controller.node.run(["systemctl", "stop", "connected"], check=True)
    assert bench.cloud.sql("SELECT version_num FROM alembic_version") == ["0995c26fc506"]


def test_killed_at_the_migration(bench, controller):
    _killed(
        controller,
        "octavia.upgrade.offline_sync",
        lambda: controller.node.run(["pgrep", "--full", "octavia-db-manage"]).returncode == 0,
    )
    # Octavia's own program goes on without Salt, and whoever comes meanwhile is told.
    assert wait_until(
        lambda: controller.node.run(["pgrep", "--full", "octavia-db-manage"]).returncode, 120
    )
    suites.must_apply(controller.node, "octavia.upgrade.offline_sync")
    assert bench.cloud.sql("SELECT version_num FROM alembic_version") == ["fabf4983846b"]


def test_an_api_that_does_not_come_up(controller):
    node = controller.node
    listen = f"socket.create_server(('{node.address}', 9876))"
    taken = f"import signal, socket; s = {listen}; signal.pause()"
    run = ["systemd-run", "--quiet", "--unit=taken", suites.SYSTEM_PYTHON, "-c", taken]
    node.run(run, check=True)
    try:
        run = suites.apply(node, "octavia.upgrade.service_running")
        failed = run.by_id["octavia_upgrade_up_octavia-api"]
        assert failed["result"] is False
        assert "octavia-api" in failed["comment"]
        # What comes after it was not begun.
        assert "octavia-health-manager" not in controller.active()
    finally:
        node.run(["systemctl", "stop", "taken"], check=True)
    _killed(
        controller,
        "octavia.upgrade.service_running",
        lambda: "octavia-api" in controller.active(),
    )
    suites.must_apply(node, "octavia.upgrade.service_running")
    assert controller.active() == list(UNITS)


def test_killed_while_it_is_put_back(controller):
    _killed(controller, "octavia.upgrade.upgrade.post", _begun(controller))
    suites.must_apply(controller.node, "octavia.upgrade.upgrade.post")
    assert not _exists(controller, phases.DRAIN)


def test_nothing_is_lost(bench, controller, before):
    phases.compare("Zed to 2025.1 with faults in each phase", before, bench.must_be_active())
    assert bench.updatable()["loadbalancers"] == COUNT


def test_killed_while_the_api_is_tried(bench, controller):
    """What the trial has made till then is removed by the next one."""
    trial = "SELECT id FROM load_balancer WHERE name LIKE 'salt-formula-octavia-trial-%'"
    left = f"{trial} AND provisioning_status <> 'DELETED'"
    _killed(controller, "octavia.upgrade.verify", lambda: bool(bench.cloud.sql(left)))
    assert bench.cloud.sql(left)
    suites.must_apply(controller.node, "octavia.upgrade.verify")
    assert bench.cloud.sql(left) == []


def test_killed_while_it_is_cleared_away(bench, controller):
    _killed(controller, "octavia.upgrade.post", _begun(controller))
    run = suites.must_apply(controller.node, "octavia.upgrade.post")
    assert not run.changed, describe(run.changed)
    assert len(bench.snapshot()["loadbalancers"]) == COUNT


def test_killed_while_a_backup_is_loaded(controller):
    """What has been loaded till then is never taken for Octavia's database."""
    node = controller.node
    suites.must_apply(node, "octavia.upgrade.service_stopped")
    backups = node.salt_call("octavia_db.backups").data
    script = (SCRIPTS / "kill_restores.py").read_text(encoding="utf-8")
    argv = [suites.SYSTEM_PYTHON, "-", "/srv/salt/_utils", backups[-1], str(KILLS)]
    found = json.loads(node.run(argv, input=script, check=True, timeout=600).stdout)
    phases.count(f"restores killed: {len(found)}, told afterwards: {found.count('marked')}")
    assert set(found) <= {"marked", "whole"}, found
    assert found[-1] == "marked"
    run = suites.apply(node, "octavia")
    assert run.by_id["octavia_db"]["result"] is False
    assert "a restore was begun and did not end" in describe(run.failed), describe(run.failed)
    assert controller.active() == []


def test_the_way_back(bench, controller, before):
    """The backup of before the migration, a node with the old release, and all is as it was."""
    suites.must_apply(controller.node, "octavia.upgrade.service_stopped")
    backups = controller.node.salt_call("octavia_db.backups").data
    restored = controller.node.salt_call("octavia_db.restore", backups[-1])
    assert restored.returncode == 0, restored.data
    assert bench.cloud.sql("SELECT version_num FROM alembic_version") == ["0995c26fc506"]
    bench.reinstall()
    again = bench.first
    assert again.settings["version"] == OLD != NEW
    assert again.versions()["octavia-common"].startswith("11.")
    assert again.active() == list(UNITS)
    # The backup is of before the last change; Octavia writes the time of a change into an object.
    phases.compare("back from 2025.1 to Zed", before, bench.must_be_active())
    assert bench.updatable()["loadbalancers"] == COUNT
    suites.must_apply(again.node, "octavia.upgrade.verify")
