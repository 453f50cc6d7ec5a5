"""
The version of the modules, held against that of the states.

The two come to a minion by ways of their own (synchronized from the file server, installed by pip
or by a package), so an upgrade of one may leave the other behind.
"""

from __future__ import annotations

from typing import Any

try:
    import octavia_findings as findings
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings

#: That of metadata.yml.
VERSION = "2026.11.0"
#: Where the states say theirs.
FILE = "salt://octavia/parameters/version.yaml"


def check(states: Any, module: str) -> list[findings.Finding]:
    """
    What is to be told when modules and states are not of one version.

    :param states: the version of the states
    :param module: the file of a module that runs
    :return: nothing, or one warning
    """
    if states == VERSION:
        return []
    reason = (
        f"is the version of the states, but the modules are of {VERSION}, and run from {module}"
    )
    remedy = (
        "Run saltutil.sync_all, and restart the minion if it is a service; where that changes "
        f"nothing, install {states} there as well, or remove what is installed there"
    )
    return [findings.warning(FILE, states, reason, remedy)]
