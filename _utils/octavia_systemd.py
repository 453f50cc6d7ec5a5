"""What systemd says about units, and what holds their starts back while packages are installed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "ActiveEnterTimestamp",
    "NRestarts",
    "Result",
    "ExecMainStatus",
)

#: Results of units that did not end by themselves.
KILLED = frozenset({"timeout", "signal", "core-dump", "watchdog", "oom-kill"})

# A drop-in with a condition that is never met lets `systemctl start` succeed without starting
# anything. It lies below /run, so that it is gone after a reboot at the latest.
HOLD_NAME = "00-salt-formula-octavia-install.conf"
HOLD_TEXT = """\
# Written by Salt while the packages of Octavia are installed, removed right after.
[Unit]
ConditionPathExists=/run/salt-formula-octavia/never
"""


class Unit(NamedTuple):
    """
    A unit's state.

    :ivar exists: whether systemd knows the unit
    :ivar active: whether it runs
    :ivar state: ActiveState and SubState as systemd names them
    :ivar enabled: whether it is started at boot
    :ivar since: when it became active, seconds of the epoch; 0 when it is not
    :ivar restarts: how often systemd restarted it by itself
    :ivar result: why it ended, ``success`` while it has not
    :ivar status: the exit status of its last process
    """

    name: str
    exists: bool
    active: bool
    state: str
    enabled: bool
    since: int
    restarts: int
    result: str
    status: str


def hold_path(unit: str) -> str:
    """Where the drop-in lies that holds back the starts of ``unit``."""
    return f"/run/systemd/system/{unit}.service.d/{HOLD_NAME}"


def parse(text: str) -> dict[str, Unit]:
    """
    The answer of ``systemctl show`` for :data:`PROPERTIES`, given in C locale and UTC.

    :param text: the answer, one paragraph a unit
    :return: the units by their names without ``.service``
    """
    units = {}
    for paragraph in text.strip().split("\n\n"):
        values = dict(line.partition("=")[::2] for line in paragraph.splitlines())
        if "Id" in values:
            unit = _unit(values)
            units[unit.name] = unit
    return units


def _unit(values: Mapping[str, str]) -> Unit:
    active = values.get("ActiveState", "")
    return Unit(
        name=values["Id"].removesuffix(".service"),
        exists=values.get("LoadState") == "loaded",
        active=active == "active",
        state=f"{active} ({values.get('SubState', '')})",
        enabled=values.get("UnitFileState") == "enabled",
        since=_epoch(values.get("ActiveEnterTimestamp", "")) if active == "active" else 0,
        restarts=int(values.get("NRestarts") or 0),
        result=values.get("Result", ""),
        status=values.get("ExecMainStatus", ""),
    )


def _epoch(stamp: str) -> int:
    """Seconds of the epoch for a stamp such as ``Sun 2026-11-22 14:17:33 UTC``."""
    if not stamp:
        return 0
    # The name of the day would be read in the language of this process.
    _, _, moment = stamp.replace("UTC", "+0000").partition(" ")
    return int(datetime.strptime(moment, "%Y-%m-%d %H:%M:%S %z").timestamp())
