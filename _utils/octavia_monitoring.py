"""
What decides on the files of ``octavia/meta``, which other formulas read: the pillars
``octavia:monitoring`` and ``octavia:_support``, and where a service logs to.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

try:
    import octavia_findings as findings
    import octavia_keys as keys
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_keys as keys

Finding = findings.Finding
PATH = "octavia:monitoring"
SUPPORT_PATH = "octavia:_support"
KEYS: keys.Keys = {
    "error_log_rate": {"type": "float", "min": 0},
    # Prometheus counts a time of nothing as no waiting at all.
    "pending_seconds": {"type": "integer", "min": 60, "max": 7 * 86400},
    "fluentd_positions": keys.FILE,
}
#: The tools for which ``octavia/meta`` has a file that is switched on below ``_support``.
TOOLS = (
    *("collectd", "config", "fluentd", "grafana", "heka"),
    *("prometheus", "sensu", "sphinx", "telegraf"),
)


def check(pillar: Any) -> list[Finding]:
    """
    What is wrong with the pillar ``octavia:monitoring``.

    :param pillar: what stands below it; None where there is nothing
    :return: the findings
    """
    return [] if pillar is None else keys.check(pillar, KEYS, PATH)


def settings(pillar: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """
    The settings in force. What is wrong is left out, since alerts are needed all the same.

    :param pillar: the block as it stands in the pillar; None where there is nothing
    :param defaults: what ``parameters/defaults.yaml`` has for it
    :return: the defaults with the pillar's valid values over them
    """
    given = pillar if isinstance(pillar, Mapping) else {}
    valid = {key: value for key, value in given.items() if not check({key: value})}
    return keys.settings(valid, defaults, KEYS)


def check_support(pillar: Any) -> list[Finding]:
    """
    What is wrong with the pillar ``octavia:_support``. A tool that the formula has no file for is
    only told: it belongs to somebody else's formula, and changes nothing on the node.

    :param pillar: what stands below it; None where there is nothing
    :return: the findings
    """
    if pillar is None:
        return []
    if not isinstance(pillar, Mapping):
        remedy = "Write the names of tools below it, and enabled: true or false below each"
        shown = findings.masked(SUPPORT_PATH, pillar)
        return [findings.error(SUPPORT_PATH, shown, "is not a mapping", remedy)]
    return [
        found
        for tool, block in pillar.items()
        for found in _tool(str(tool), block, f"{SUPPORT_PATH}:{tool}")
    ]


def _tool(tool: str, block: Any, path: str) -> list[Finding]:
    if tool not in TOOLS:
        near = difflib.get_close_matches(tool, TOOLS, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        reason = f"has no effect: the formula has no octavia/meta/{tool}.yml"
        remedy = f"{hint}Known tools are {', '.join(TOOLS)}"
        return [findings.warning(path, None, reason, remedy)]
    # The formulas that read this do not look at what it is.
    if not isinstance(block, Mapping):
        remedy = "Write enabled: true or false below it"
        return [findings.error(path, findings.masked(path, block), "is not a mapping", remedy)]
    if not isinstance(block.get("enabled", False), bool):
        remedy = "Write true or false, without quotes"
        reason = "is neither true nor false"
        return [findings.error(f"{path}:enabled", block["enabled"], reason, remedy)]
    return []


def log(unit: str, role: str, path: str, journal: bool) -> dict[str, str]:
    """
    Where a service logs to.

    :param unit: its name
    :param role: its role
    :param path: its log file
    :param journal: whether it writes none, and all it says is in the journal
    :return: ``name``, ``role``, and ``file`` or ``unit``
    """
    where = {"unit": f"{unit}.service"} if journal else {"file": path}
    return {"name": unit, "role": role, **where}
