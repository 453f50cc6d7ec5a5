"""
The OVN provider of load balancers: a driver of its own package, with settings in a file of its own
that Octavia's API and driver agent read beside octavia.conf.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

try:
    import octavia_blocks as blocks
    import octavia_values as values
except ImportError:
    from salt_formula_octavia.utils import octavia_blocks as blocks
    from salt_formula_octavia.utils import octavia_values as values

#: The first release whose driver agent starts agents of providers.
SINCE = "train"
NAME = "ovn.conf"
DATABASES = ("nb", "sb")
#: The options of the provider's section, and their types.
OPTIONS: dict[str, str | blocks.Block] = {
    **{f"ovn_{database}_connection": "list" for database in DATABASES},
    **{
        f"ovn_{database}_{file}": "string"
        for database in DATABASES
        for file in ("private_key", "certificate", "ca_cert")
    },
    "ovsdb_connection_timeout": "integer",
    "ovsdb_retry_max_interval": "integer",
    "ovsdb_probe_interval": "integer",
}
CONNECTION = re.compile(r"(tcp|ssl|unix):.+")


def _connection_problem(database: str, value: Any, whole: Mapping[str, Any]) -> str:
    connections = value if isinstance(value, list) else str(value).split(",")
    for connection in connections:
        if not CONNECTION.fullmatch(str(connection)):
            return f"{connection!r} is neither tcp:IP:PORT, ssl:IP:PORT nor unix:FILE"
    needed = [f"ovn_{database}_{file}" for file in ("private_key", "certificate", "ca_cert")]
    missing = [name for name in needed if not whole.get(name)]
    if missing and any(str(connection).startswith("ssl:") for connection in connections):
        return f"is protected by TLS, for which {', '.join(missing)} must be set"
    return ""


def _ovn(value: dict[str, Any], context: blocks.Context) -> None:
    del value
    drivers = context.default("api_settings", "enabled_provider_drivers") or {}
    drivers = {**drivers, "ovn": "Octavia OVN driver."} if isinstance(drivers, Mapping) else None
    context.put("api_settings", "enabled_provider_drivers", drivers, None)
    context.put("driver_agent", "enabled_provider_agents", ["ovn"], None)


COMPOSITE = blocks.Composite(
    OPTIONS,
    required=("ovn_nb_connection", "ovn_sb_connection"),
    unusable={
        "ovn_nb_connection": lambda value, whole: _connection_problem("nb", value, whole),
        "ovn_sb_connection": lambda value, whole: _connection_problem("sb", value, whole),
    },
    translate=_ovn,
)


def files(ovn: Mapping[str, Any]) -> list[str]:
    """The files that the settings name, which the services read at their start."""
    return [
        str(ovn[name])
        for name in OPTIONS
        if name.endswith(("_key", "_certificate", "_cert")) and ovn.get(name)
    ]


def lines(ovn: Mapping[str, Any]) -> list[str]:
    """
    The lines of the provider's section.

    :param ovn: the pillar below ``octavia:api:ovn``, without errors
    :return: ``name = value`` for each option that is set
    """
    return [
        f"{name} = {text}"
        for name, kind in OPTIONS.items()
        for text in values.text({"type": kind}, ovn.get(name))
    ]
