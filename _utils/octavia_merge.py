"""
One setting an option: of those of one role, and of those of all roles on a node.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

try:
    import octavia_composites as composites
    import octavia_findings as findings
    import octavia_values as values
except ImportError:
    from salt_formula_octavia.utils import octavia_composites as composites
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_values as values

Setting = composites.Setting
Finding = findings.Finding
Name = tuple[str, str]
Settings = dict[Name, Setting]


def settle(
    settings: list[Setting], view: Mapping[str, Mapping[str, Any]]
) -> tuple[Settings, list[Finding], set[Name]]:
    """
    One setting an option: what the pillar names wins over what is derived, that over a default.

    :param settings: the settings of one role
    :param view: the options that the release has
    :return: the winners by section and option; an error for each two that the role names
        differently, a warning for each key of which nothing won; the options of such errors
    """
    winners: Settings = {}
    found: dict[str, Finding] = {}
    broken: set[Name] = set()
    for setting in settings:
        key = (setting.section, setting.option)
        other = winners.get(key)
        if other is None or setting.level >= other.level:
            winners[key] = setting
        both_named = other is not None and other.level == setting.level == composites.VERBATIM
        if other is not None and both_named and not _same(setting, other, view):
            found.setdefault(setting.path, _contradiction(setting, other, "a role has"))
            broken.add(key)
    won = {setting.path for setting in winners.values()}
    for setting in settings:
        winner = winners[setting.section, setting.option]
        if setting.path in won or setting.level != composites.DERIVED:
            continue
        if not _same(setting, winner, view):
            what = f"[{setting.section}] {setting.option}"
            reason = f"has no effect: {winner.path} sets {what}, which is all that it stands for"
            remedy = "Remove the one or the other"
            warning = findings.warning(setting.path, None, reason, remedy)
            found.setdefault(setting.path, warning)
    return winners, list(found.values()), broken


def merge(
    roles: list[Settings], view: Mapping[str, Mapping[str, Any]]
) -> tuple[Settings, list[Finding], set[Name]]:
    """
    The settings of a node from those of its roles.

    :param roles: for each role the winners of :func:`settle`
    :param view: the options that the release has
    :return: one setting an option; an error for each two that the pillar sets differently; the
        options of these errors
    """
    node: Settings = {}
    contradictions: dict[tuple[str, str], tuple[Setting, Setting]] = {}
    broken: set[Name] = set()
    for settings in roles:
        for key, setting in settings.items():
            other = node.get(key)
            if other is None or other.level == composites.DEFAULT:
                node[key] = setting
            elif setting.level != composites.DEFAULT and not _same(setting, other, view):
                # One key of the pillar may stand for many options; it is told once.
                contradictions.setdefault((setting.path, other.path), (setting, other))
                broken.add(key)
    found = [_contradiction(*pair, "the roles of a node share") for pair in contradictions.values()]
    return node, found, broken


def _same(one: Setting, other: Setting, view: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether two settings of an option say the same, however they are written."""
    if one.value == other.value and type(one.value) is type(other.value):
        return True
    era = view.get(one.section, {}).get(one.option) or values.untyped(one.value)
    if values.problem(era, one.value) or values.problem(era, other.value):
        return bool(one.value == other.value)
    return bool(values.parsed(era, one.value) == values.parsed(era, other.value))


def _contradiction(one: Setting, other: Setting, who: str) -> Finding:
    reason = (
        f"contradicts {other.path}: both set [{one.section}] {one.option}, "
        f"and {who} one octavia.conf"
    )
    remedy = f"Give {one.path} and {other.path} the same value"
    return findings.error(one.path, None, reason, remedy)
