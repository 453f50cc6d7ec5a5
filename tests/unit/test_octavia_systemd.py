"""What `systemctl show` says, as it says it."""

from datetime import datetime, timezone

import octavia_systemd as systemd

ANSWER = """\
Result=success
NRestarts=0
ExecMainStatus=0
Id=octavia-worker.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
ActiveEnterTimestamp=Sun 2026-11-22 14:17:33 UTC

Result=exit-code
NRestarts=5
ExecMainStatus=1
Id=octavia-api.service
LoadState=loaded
ActiveState=failed
SubState=failed
UnitFileState=disabled
ActiveEnterTimestamp=Sun 2026-11-22 14:17:33 UTC

Result=success
NRestarts=0
ExecMainStatus=0
Id=octavia-driver-agent.service
LoadState=not-found
ActiveState=inactive
SubState=dead
UnitFileState=
ActiveEnterTimestamp=

Result=success
NRestarts=1
ExecMainStatus=0
Id=octavia-housekeeping.service
LoadState=masked
ActiveState=activating
SubState=auto-restart
UnitFileState=masked
ActiveEnterTimestamp=n/a
"""
STARTED = int(datetime(2026, 11, 22, 14, 17, 33, tzinfo=timezone.utc).timestamp())


def test_each_unit_is_told_by_its_name():
    assert systemd.parse(ANSWER) == {
        "octavia-worker": systemd.Unit(
            name="octavia-worker",
            exists=True,
            active=True,
            state="active (running)",
            enabled=True,
            since=STARTED,
            restarts=0,
            result="success",
            status="0",
        ),
        "octavia-api": systemd.Unit(
            name="octavia-api",
            exists=True,
            active=False,
            state="failed (failed)",
            enabled=False,
            since=0,
            restarts=5,
            result="exit-code",
            status="1",
        ),
        "octavia-driver-agent": systemd.Unit(
            name="octavia-driver-agent",
            exists=False,
            active=False,
            state="inactive (dead)",
            enabled=False,
            since=0,
            restarts=0,
            result="success",
            status="0",
        ),
        "octavia-housekeeping": systemd.Unit(
            name="octavia-housekeeping",
            exists=False,
            active=False,
            state="activating (auto-restart)",
            enabled=False,
            since=0,
            restarts=1,
            result="success",
            status="0",
        ),
    }


def test_every_property_that_is_asked_for_is_known():
    asked = set(systemd.PROPERTIES)
    assert {line.partition("=")[0] for line in ANSWER.splitlines() if line} == asked


def test_without_systemd_there_are_no_units():
    refusal = "System has not been booted with systemd as init system (PID 1). Can't operate."
    assert systemd.parse(refusal) == systemd.parse("") == {}


def test_what_holds_a_start_back_touches_only_that_unit_and_no_boot():
    path = systemd.hold_path("octavia-api")
    assert path.startswith("/run/systemd/system/octavia-api.service.d/")
    assert "ConditionPathExists=/run/" in systemd.HOLD_TEXT
