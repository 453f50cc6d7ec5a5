"""
From the pillar of the roles to the sections of octavia.conf.

The way of a value: read from a composite key or from a section that stands in the pillar verbatim
(:func:`role_settings`), given the name that the release in force has for it, settled against the
role's own defaults, merged with the other roles of the node, checked against the option's type,
and written as text (:func:`sections`). Findings are collected on the way, all of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

try:
    import octavia_composites as composites
    import octavia_findings as findings
    import octavia_schema as schema
    import octavia_values as values
except ImportError:
    from salt_formula_octavia.utils import octavia_composites as composites
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_schema as schema
    from salt_formula_octavia.utils import octavia_values as values

Setting = composites.Setting
Finding = findings.Finding

# Keys of a role that are not about octavia.conf.
FORMULA_KEYS = ("enabled", "version", "role", "ssh")
# What a role cannot run without.
REQUIRED = ("database", "identity", "message_queue")
UNCHECKED = "config"


class Reader:
    """
    Reads one role's pillar into settings.

    :param role: name of the role, ``api`` or ``manager``
    :param pillar: the pillar of that role
    :param options: content of ``parameters/options.json``
    :param release: name of the release in force
    :param defaults: content of ``parameters/defaults.yaml``
    """

    def __init__(
        self,
        role: str,
        pillar: Mapping[str, Any],
        options: dict[str, Any],
        release: str,
        defaults: Mapping[str, Any],
    ) -> None:
        self.path = f"octavia:{role}"
        self.pillar = dict(pillar)
        self.options = options
        self.release = release
        self.ports = defaults["ports"]
        self.defaults = defaults["sections"][role]
        self.settings: list[Setting] = []
        self.found: list[Finding] = []

    def read(self) -> None:
        """Fills ``settings`` and ``found``."""
        for section, options in self.defaults.items():
            for option, value in options.items():
                self._default(section, option, value)
        for key in REQUIRED:
            if key not in self.pillar:
                self._missing(key)
        for key, value in self.pillar.items():
            if key in composites.SCALARS:
                section, option = composites.SCALARS[key]
                self._verbatim(section, option, value, f"{self.path}:{key}")
            elif key in composites.COMPOSITES:
                self._composite(key, value)
            elif key == UNCHECKED:
                self._unchecked(value)
            elif key not in FORMULA_KEYS:
                self._section(key, value)

    def has(self, section: str, option: str) -> bool:
        """Whether the release has the option under just this name."""
        return option in schema.view(self.options, self.release).get(section, {})

    def _missing(self, key: str) -> None:
        keys = ", ".join(composites.COMPOSITES[key].required).replace("|", " or ")
        path = f"{self.path}:{key}"
        reason = "is missing, the role cannot work without it"
        self.found.append(findings.error(path, None, reason, f"Set {path} with {keys}"))

    def _default(self, section: str, option: str, value: Any) -> None:
        self._place(Setting(section, option, value, "the formula", composites.DEFAULT))

    def _place(self, setting: Setting) -> None:
        """Adds a setting under the release's name; one that it lacks is dropped silently."""
        known = schema.find(self.options, self.release, setting.section, setting.option)
        if known:
            self.settings.append(setting._replace(section=known.section, option=known.option))

    def _verbatim(self, section: str, option: str, value: Any, path: str) -> None:
        known = schema.find(self.options, self.release, section, option)
        if known is None:
            self._unknown(section, option, value, path)
            return
        note = ""
        if (known.section, known.option) != (section, option):
            now = f"[{known.section}] {known.option}"
            note = f"{option} of the pillar"
            reason = f"has another name in {self.release}: {now}"
            remedy = f"It was written as {now}; rename it in the pillar"
            past = schema.history(self.options, section, option)
            if past and past.renamed_to:
                shown = self._shown(section, option, path, value)
                self.found.append(findings.warning(path, shown, reason, remedy))
        level = composites.VERBATIM
        self.settings.append(Setting(known.section, known.option, value, path, level, note))

    def _unknown(self, section: str, option: str, value: Any, path: str) -> None:
        why = schema.why_unknown(self.options, self.release, section, option).rstrip(".")
        if schema.history(self.options, section, option):
            if value is None:
                return
            shown = self._shown(section, option, path, value)
            remedy = f"It was left out of the file; remove it from the pillar for {self.release}"
            self.found.append(findings.warning(path, shown, why, remedy))
        else:
            # The value is not shown: this may be the misspelt name of a secret.
            remedy = "Correct the name, or put it under config if an added driver reads it"
            self.found.append(findings.error(path, None, why, remedy))

    def _shown(self, section: str, option: str, path: str, value: Any) -> Any:
        if schema.is_secret(section, option):
            return findings.MASK
        return findings.masked(path, value)

    def _section(self, section: str, value: Any) -> None:
        path = f"{self.path}:{section}"
        if section not in schema.view(self.options, self.release):
            self._unknown_section(section, value, path)
        elif self._is_mapping(path, value):
            for option, item in value.items():
                self._verbatim(section, option, item, f"{path}:{option}")

    def _unknown_section(self, section: str, value: Any, path: str) -> None:
        if section in self.options["sections"]:
            if self._is_mapping(path, value):
                for option, item in value.items():
                    self._unknown(section, option, item, f"{path}:{option}")
            return
        known = (*composites.COMPOSITES, *composites.SCALARS, *FORMULA_KEYS)
        near = schema.nearest_sections(self.options, self.release, section)
        near = list(dict.fromkeys([*difflib.get_close_matches(section, known, 1), *near]))[:2]
        reason = f"is neither a key of the formula nor a section of octavia.conf in {self.release}"
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        remedy = f"{hint}A section of an added driver goes under {self.path}:{UNCHECKED}"
        self.found.append(findings.error(path, None, reason, remedy))

    def _is_mapping(self, path: str, value: Any) -> bool:
        if isinstance(value, Mapping):
            return True
        reason = "is not a mapping of names to values"
        remedy = "Write the options below it, one a line, name: value"
        self.found.append(findings.error(path, findings.masked(path, value), reason, remedy))
        return False

    def _composite(self, key: str, value: Any) -> None:
        composite = composites.COMPOSITES[key]
        path = f"{self.path}:{key}"
        if key == "notification" and isinstance(value, bool):
            value = {"enabled": value}
        if not self._is_mapping(path, value):
            return
        before = len(findings.errors(self.found))
        read: dict[str, Any] = {}
        for name, item in value.items():
            item_path = f"{path}:{name}"
            if name in composite.keys:
                read[name] = self._key(composite, name, item, item_path)
            else:
                read[name] = item
                self._option_of_composite(composite, name, item, item_path)
        # Null leaves an option out; of a key it says no more than its absence.
        read = _filled(read)
        self._required(composite, read, path)
        self._usable(composite, read, path)
        if len(findings.errors(self.found)) > before:
            return
        context = composites.Context(path, self.ports, self.pillar, self.has)
        composite.translate(read, context)
        for setting in context.settings:
            self._place(setting)

    def _required(
        self, composite: composites.Composite, value: Mapping[str, Any], path: str
    ) -> None:
        if composite.unless and composite.unless in value:
            return
        for names in composite.required:
            if not any(name in value for name in names.split("|")):
                wanted = names.replace("|", " or ")
                reason = "is missing"
                remedy = f"Set {path}:{wanted}"
                self.found.append(findings.error(f"{path}:{names}", None, reason, remedy))

    def _usable(self, composite: composites.Composite, value: dict[str, Any], path: str) -> None:
        for key, problem in composite.unusable.items():
            if not isinstance(value.get(key), str):
                continue
            reason = problem(value[key], value)
            if reason:
                where = f"{path}:{key}"
                shown = findings.masked(where, value[key])
                remedy = f"Choose another {key}, here and where it is kept"
                self.found.append(findings.error(where, shown, reason, remedy))

    def _option_of_composite(
        self, composite: composites.Composite, name: str, value: Any, path: str
    ) -> None:
        if schema.find(self.options, self.release, composite.section, name) or schema.history(
            self.options, composite.section, name
        ):
            self._verbatim(composite.section, name, value, path)
            return
        options = schema.view(self.options, self.release).get(composite.section, {})
        near = difflib.get_close_matches(str(name), [*composite.keys, *options], 1)
        reason = f"is neither a key of the formula nor an option of [{composite.section}]"
        remedy = f"Did you mean {near[0]}" if near else f"Known keys: {', '.join(composite.keys)}"
        self.found.append(findings.error(path, None, reason, remedy))

    def _key(self, composite: composites.Composite, name: str, value: Any, path: str) -> Any:
        kind = composite.keys[name]
        if kind == "members":
            return self._members(value, path)
        era: dict[str, Any] = {"type": kind}
        if name in composite.choices:
            era["choices"] = composite.choices[name]
        valid = self._check(era, value, path, findings.masked(path, value))
        if not valid or value is None:
            return value
        # As octavia.conf would have it: a number as text, and "no" is false.
        if kind == "boolean":
            return values.text(era, value) == ["true"]
        return str(value) if kind == "string" else value

    def _check(self, era: Mapping[str, Any], value: Any, path: str, shown: Any) -> bool:
        why = values.problem(era, value, secret=shown == findings.MASK)
        if why:
            remedy = f"Give a value of type {era['type']}"
            if "choices" in era:
                remedy = f"Choose one of {', '.join(map(str, era['choices']))}"
            self.found.append(findings.error(path, shown, why.rstrip("."), remedy))
        return not why

    def _members(self, value: Any, path: str) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not value:
            reason = "is not a list of members"
            remedy = "Write a list of mappings with host and, where needed, port"
            self.found.append(findings.error(path, findings.masked(path, value), reason, remedy))
            return []
        for index, member in enumerate(value):
            where = f"{path}:{index}"
            if not self._is_mapping(where, member):
                continue
            if member.get("host") is None:
                remedy = f"Set {where}:host"
                self.found.append(findings.error(f"{where}:host", None, "is missing", remedy))
            for name, kind in (("host", "hostaddress"), ("port", "port")):
                if name in member:
                    self._check({"type": kind}, member[name], f"{where}:{name}", member[name])
        return [_filled(member) for member in value if isinstance(member, Mapping)]

    def _unchecked(self, value: Any) -> None:
        path = f"{self.path}:{UNCHECKED}"
        if not self._is_mapping(path, value):
            return
        for section, options in value.items():
            if not self._is_mapping(f"{path}:{section}", options):
                continue
            for option, item in options.items():
                self._unchecked_option(section, option, item, f"{path}:{section}:{option}")

    def _unchecked_option(self, section: str, option: str, value: Any, path: str) -> None:
        if schema.find(self.options, self.release, section, option):
            reason = f"is an option of {self.release}, it would escape every check here"
            remedy = f"Move it to {self.path}:{section}:{option}"
            shown = self._shown(section, option, path, value)
            self.found.append(findings.error(path, shown, reason, remedy))
            return
        note = "not checked: unknown to this release of Octavia"
        self.settings.append(Setting(section, option, value, path, composites.VERBATIM, note))


def _filled(value: Mapping[str, Any]) -> dict[str, Any]:
    """What has a value in a mapping of the pillar."""
    return {name: item for name, item in value.items() if item is not None}


def settle(settings: list[Setting]) -> dict[tuple[str, str], Setting]:
    """
    One setting an option: what the pillar names wins over what is derived, that over a default.

    :param settings: the settings of one role
    :return: the winners by section and option
    """
    winners: dict[tuple[str, str], Setting] = {}
    for setting in settings:
        key = (setting.section, setting.option)
        if key not in winners or setting.level >= winners[key].level:
            winners[key] = setting
    return winners


def merge(
    roles: list[dict[tuple[str, str], Setting]],
) -> tuple[dict[tuple[str, str], Setting], list[Finding]]:
    """
    The settings of a node from those of its roles.

    :param roles: for each role the result of :func:`settle`
    :return: one setting an option, and an error for each two that the pillar sets differently
    """
    node: dict[tuple[str, str], Setting] = {}
    contradictions: dict[tuple[str, str], tuple[Setting, Setting]] = {}
    for settings in roles:
        for key, setting in settings.items():
            other = node.get(key)
            if other is None or other.level == composites.DEFAULT:
                node[key] = setting
            elif setting.level != composites.DEFAULT and setting.value != other.value:
                # One key of the pillar may stand for many options; it is told once.
                contradictions.setdefault((setting.path, other.path), (setting, other))
    return node, [_contradiction(*pair) for pair in contradictions.values()]


def _contradiction(one: Setting, other: Setting) -> Finding:
    reason = (
        f"contradicts {other.path}: both set [{one.section}] {one.option}, "
        "and the roles of a node share one octavia.conf"
    )
    remedy = f"Give {one.path} and {other.path} the same value"
    return findings.error(one.path, None, reason, remedy)


def sections(
    roles: Mapping[str, Mapping[str, Any]],
    options: dict[str, Any],
    release: str,
    defaults: Mapping[str, Any],
) -> tuple[dict[str, dict[str, dict[str, Any]]], list[Finding]]:
    """
    The sections of a node's octavia.conf.

    :param roles: the pillar of each enabled role that has a part in the file
    :param options: content of ``parameters/options.json``
    :param release: name of the release in force
    :param defaults: content of ``parameters/defaults.yaml``
    :return: ``{section: {option: {"value": v, "text": [lines], "note": n}}}`` in the order of the
        file, and the findings; the sections are of no use when any of these is an error
    """
    found: list[Finding] = []
    settled = []
    for role, pillar in roles.items():
        reader = Reader(role, pillar, options, release, defaults)
        reader.read()
        found += reader.found
        settled.append(settle(reader.settings))
    node, contradictions = merge(settled)
    found += contradictions
    result: dict[str, dict[str, dict[str, Any]]] = {}
    view = schema.view(options, release)
    order = {name: place for place, name in enumerate(view)}
    for key in sorted(node, key=lambda key: (order.get(key[0], len(order)), key)):
        setting = node[key]
        era = view.get(setting.section, {}).get(setting.option) or values.untyped(setting.value)
        wrong = _value_findings(setting, era)
        found += wrong
        text = [] if wrong else values.text(era, setting.value)
        # Null has no text: it leaves the option out, a default of the formula included.
        if text:
            entry = {"value": setting.value, "text": text, "note": setting.note}
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
