"""The pillar ``octavia:upgrade``: its keys, and what is wrong with them."""

from __future__ import annotations

from typing import Any

try:
    import octavia_findings as findings
    import octavia_keys as keys
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_keys as keys

PATH = "octavia:upgrade"
#: Ways of an upgrade: all APIs down before a migration, or node by node.
COLD, ROLLING = "cold", "rolling"
SECONDS = {"type": "integer", "min": 0, "max": 7 * 86400}
KEYS: keys.Keys = {
    "enabled": keys.BOOLEAN,
    "mode": {"type": "string", "choices": (COLD, ROLLING)},
    "allow_skip": keys.BOOLEAN,
    "done": keys.LIST,
    "cloud_name": keys.STRING,
    "drain_seconds": SECONDS,
    "idle_timeout": SECONDS,
    "stuck_after": SECONDS,
    "check_timeout": {**SECONDS, "min": 1},
    "min_free_mb": {"type": "integer", "min": 0},
    "backup": {
        "enabled": keys.BOOLEAN,
        "path": keys.FILE,
        "keep": {"type": "integer", "min": 1},
        "remove_afterwards": keys.BOOLEAN,
    },
    "verify": {
        "provider": keys.STRING,
        "vip_subnet_id": keys.STRING,
        "timeout": SECONDS,
    },
}


def check(pillar: Any) -> list[findings.Finding]:
    """
    What is wrong with the pillar ``octavia:upgrade``.

    :param pillar: what stands below it; None where there is nothing
    :return: the findings
    """
    return [] if pillar is None else keys.check(pillar, KEYS, PATH)
