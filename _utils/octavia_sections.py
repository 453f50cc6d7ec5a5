"""
From the pillar of the roles to the sections of octavia.conf.

The way of a value: read from the pillar (:mod:`octavia_pillar`), settled against the role's own
defaults and merged with the other roles of the node (:mod:`octavia_merge`), or else taken from the
mine (:mod:`octavia_mine`), checked against the option's type, written as text, and held against the
values of other options (:mod:`octavia_conf_rules`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

try:
    import octavia_conf_rules as rules
    import octavia_findings as findings
    import octavia_merge as merging
    import octavia_mine as mines
    import octavia_pillar as reader
    import octavia_schema as schema
    import octavia_values as values
except ImportError:
    from salt_formula_octavia.utils import octavia_conf_rules as rules
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_merge as merging
    from salt_formula_octavia.utils import octavia_mine as mines
    from salt_formula_octavia.utils import octavia_pillar as reader
    from salt_formula_octavia.utils import octavia_schema as schema
    from salt_formula_octavia.utils import octavia_values as values

Setting = merging.Setting
Settings = merging.Settings
Finding = findings.Finding
Name = merging.Name


def sections(
    roles: Mapping[str, Mapping[str, Any]],
    options: dict[str, Any],
    release: str,
    defaults: Mapping[str, Any],
    mine: mines.Mine = mines.NONE,
) -> tuple[dict[str, dict[str, dict[str, Any]]], list[Finding]]:
    """
    The sections of a node's octavia.conf.

    :param roles: the pillar of each role that the node has
    :param options: content of ``parameters/options.json``
    :param release: name of the release in force
    :param defaults: content of ``parameters/defaults.yaml``
    :param mine: where a controller's IDs come from that the pillar does not name
    :return: ``{section: {option: {"value": v, "text": [lines], "note": n, "origin": o}}}`` in the
        order of the file, and the findings; the sections are of no use when any is an error
    """
    view = schema.view(options, release)
    found: list[Finding] = []
    settled: list[Settings] = []
    broken: set[Name] = set()
    broken_sections: set[str] = set()
    for role, pillar in roles.items():
        reading = reader.Reader(role, pillar, options, release, view, defaults)
        reading.read()
        winners, disputes, disputed = merging.settle(reading.settings, view)
        settled.append(winners)
        found += reading.found + disputes
        broken |= disputed
        broken_sections |= reading.broken
    node, contradictions, disputed = merging.merge(settled, view)
    found += contradictions
    broken |= disputed
    if "manager" in roles and not broken_sections.intersection(mines.SECTIONS):
        bind_port = node.get(("health_manager", "bind_port"))
        port = bind_port.value if bind_port else defaults["ports"]["heartbeat"]
        completed = mines.Reader(mine, port)
        completed.read(mines.lacking(node))
        node.update(completed.settings)
        found += completed.found
        broken |= completed.broken
    written, wrong = _written(node, view)
    found += [finding for each in wrong.values() for finding in each]
    conf = rules.Conf(tuple(roles), options["releases"], release, view, node)
    conf.broken = broken | wrong.keys()
    conf.broken_sections = broken_sections
    conf.has_master = mine.has_master
    return written, found + rules.check(conf)


def _written(
    node: Settings, view: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, dict[str, dict[str, Any]]], dict[Name, list[Finding]]]:
    """The settings as text in the order of the file, and what is wrong with any of them."""
    result: dict[str, dict[str, dict[str, Any]]] = {}
    found: dict[Name, list[Finding]] = {}
    order = {name: place for place, name in enumerate(view)}
    for key in sorted(node, key=lambda key: (order.get(key[0], len(order)), key)):
        setting = node[key]
        era = view.get(setting.section, {}).get(setting.option) or values.untyped(setting.value)
        if era["type"] == "port":
            era = {"min": reader.LEAST["port"], **era}
        wrong = _value_findings(setting, era)
        if wrong:
            found[key] = wrong
            continue
        text = values.text(era, setting.value)
        # Null has no text: it leaves the option out, a default of the formula included.
        if text:
            entry = {
                "value": setting.value,
                "text": text,
                "note": setting.note,
                "origin": setting.path,
            }
            result.setdefault(setting.section, {})[setting.option] = entry
    return result, found


def _value_findings(setting: Setting, era: Mapping[str, Any]) -> list[Finding]:
    secret = schema.is_secret(setting.section, setting.option, era)
    why = values.problem(era, setting.value, secret=secret)
    if not why:
        return []
    shown = findings.MASK if secret else findings.masked(setting.path, setting.value)
    where = f"[{setting.section}] {setting.option}"
    return [findings.error(setting.path, shown, why.rstrip("."), f"Correct it; {where} needs it")]
