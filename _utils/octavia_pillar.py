"""
Reads the pillar of a role: what each key and each section means, and what is wrong with any.

A value is read from a composite key, or from a section that stands in the pillar verbatim, and
given the name and the form that the release in force has for it. Findings are collected on the way,
all of them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

try:
    import octavia_composites as composites
    import octavia_findings as findings
    import octavia_schema as schema
    import octavia_translations as translations
    import octavia_values as values
except ImportError:
    from salt_formula_octavia.utils import octavia_composites as composites
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_schema as schema
    from salt_formula_octavia.utils import octavia_translations as translations
    from salt_formula_octavia.utils import octavia_values as values

Setting = composites.Setting
Finding = findings.Finding

# Keys of a role that are not about octavia.conf.
FORMULA_KEYS = {"api": ("enabled", "version", "role"), "manager": ("enabled", "version", "ssh")}
# What a role cannot run without.
REQUIRED = ("database", "identity", "message_queue")
UNCHECKED = "config"
# What a section or an option of an added driver may be called.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./ -]*(?<! )")
# No service listens on port 0, and no process serves with no thread.
LEAST = {"port": 1, "count": 1}
MEMBER_KEYS: dict[str, dict[str, Any]] = {
    "host": {"type": "hostaddress"},
    "port": {"type": "port", "min": LEAST["port"]},
}


class Reader:
    """
    Reads one role's pillar into settings.

    :param role: name of the role, ``api`` or ``manager``
    :param pillar: the pillar of that role
    :param options: content of ``parameters/options.json``
    :param release: name of the release in force
    :param view: the options that the release has
    :param defaults: content of ``parameters/defaults.yaml``
    :ivar settings: what was read
    :ivar found: the findings
    :ivar broken: sections whose composite key could not be translated
    """

    def __init__(
        self,
        role: str,
        pillar: Mapping[str, Any],
        options: dict[str, Any],
        release: str,
        view: Mapping[str, Mapping[str, Any]],
        defaults: Mapping[str, Any],
    ) -> None:
        self.role = role
        self.path = f"octavia:{role}"
        self.pillar = dict(pillar)
        self.options = options
        self.release = release
        self.view = view
        self.ports = defaults["ports"]
        self.ca_bundle = defaults.get("ca_bundle", "")
        self.defaults = defaults["sections"][role]
        self.settings: list[Setting] = []
        self.found: list[Finding] = []
        self.broken: set[str] = set()

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
                self._verbatim(section, option, value, f"{self.path}:{key}", {})
            elif key in composites.COMPOSITES:
                self._composite(key, value)
            elif key == UNCHECKED:
                self._unchecked(value)
            elif key not in FORMULA_KEYS[self.role]:
                self._section(key, value)

    def has(self, section: str, option: str) -> bool:
        """Whether the release has the option under just this name."""
        return option in self.view.get(section, {})

    def _usual(self, section: str, option: str) -> Any:
        """The default of an option in the release, None where it has none."""
        return self.view.get(section, {}).get(option, {}).get("default")

    def _missing(self, key: str) -> None:
        keys = ", ".join(composites.COMPOSITES[key].required).replace("|", " or ")
        path = f"{self.path}:{key}"
        reason = "is missing, the role cannot work without it"
        self.found.append(findings.error(path, None, reason, f"Set {path} with {keys}"))

    def _default(self, section: str, option: str, value: Any) -> None:
        self._place(Setting(section, option, value, "the formula", composites.DEFAULT))

    def _place(self, setting: Setting) -> bool:
        """Adds a setting under the release's name; whether the release has anything like it."""
        name = (setting.section, setting.option)
        known = translations.translate(self.options, self.release, name, setting.value, {})
        if known:
            place = {"section": known.section, "option": known.option, "value": known.value}
            self.settings.append(setting._replace(**place))
        return known is not None

    def _verbatim(
        self, section: str, option: str, value: Any, path: str, beside: Mapping[str, Any]
    ) -> None:
        known = translations.translate(self.options, self.release, (section, option), value, beside)
        if known is None:
            self._unknown(section, option, value, path)
            return
        note = ""
        if (known.section, known.option) != (section, option):
            note = f"{option} of the pillar"
        elif known.value is not value:
            note = "the first item of the pillar's list"
        if value is not None:
            shown = self._shown(section, option, path, value)
            self.found += self._told(known, section, option, path, shown)
        level = composites.VERBATIM
        self.settings.append(Setting(known.section, known.option, known.value, path, level, note))

    def _told(
        self, known: translations.Translated, section: str, option: str, path: str, shown: Any
    ) -> Iterator[Finding]:
        """What is to be known of an option that the release has, in one form or another."""
        now = f"[{known.section}] {known.option}"
        renamed = (known.section, known.option) != (section, option)
        past = schema.history(self.options, section, option) if renamed else None
        if past and past.renamed_to:
            reason = f"has another name in {self.release}: {now}"
            remedy = f"It was written as {now}; rename it in the pillar"
            yield findings.warning(path, shown, reason, remedy)
        if known.lost:
            remedy = "The rest was left out of the file; remove it from the pillar"
            yield findings.warning(path, shown, known.lost, remedy)
        if known.era.get("deprecated"):
            why = known.era["deprecated"]
            said = f": {why.rstrip('.')}" if isinstance(why, str) else ""
            remedy = self._instead(section, option) or "A later release will not have it"
            reason = f"is deprecated in {self.release}{said}"
            yield findings.warning(path, shown, reason, remedy)
        if known.era.get("point"):
            last = self.options["points"][self.release]
            reason = f"came to {self.release} after its first version, with {last} at the latest"
            remedy = "Make sure that the installed packages are that new; older ones ignore it"
            yield findings.warning(path, shown, reason, remedy)

    def _instead(self, section: str, option: str) -> str:
        return translations.instead(self.options, (section, option))

    def _unknown(self, section: str, option: str, value: Any, path: str) -> None:
        why = schema.why_unknown(self.options, self.release, section, option).rstrip(".")
        if not schema.history(self.options, section, option):
            # The value is not shown: this may be the misspelt name of a secret.
            remedy = "Correct the name, or put it under config if an added driver reads it"
            self.found.append(findings.error(path, None, why, remedy))
        elif translations.refuses(self.options, self.release, (section, option), value):
            shown = self._shown(section, option, path, value)
            remedy = f"Remove it from the pillar if {self.release} may do without"
            reason = f"{why}, and security hangs on it"
            self.found.append(findings.error(path, shown, reason, remedy))
        elif value is not None:
            shown = self._shown(section, option, path, value)
            remedy = f"It was left out of the file; remove it from the pillar for {self.release}"
            told = (
                "" if self._is_to_come_and_go(section, option) else self._instead(section, option)
            )
            remedy = f"{told}. {remedy}" if told else remedy
            self.found.append(findings.warning(path, shown, why, remedy))

    def _is_to_come_and_go(self, section: str, option: str) -> bool:
        """Whether the release is older than an option that a later one dropped again."""
        past = schema.history(self.options, section, option)
        if not past or not past.since or not past.removed_in:
            return False
        order = schema.releases(self.options)
        return order.index(self.release) < order.index(past.since)

    def _shown(self, section: str, option: str, path: str, value: Any) -> Any:
        if schema.is_secret(section, option):
            return findings.MASK
        return findings.masked(path, value)

    def _section(self, section: str, value: Any) -> None:
        path = f"{self.path}:{section}"
        # A section that this release lacks may have its options elsewhere.
        if section not in self.options["sections"]:
            self._unknown_section(section, path)
        elif self._is_mapping(path, value):
            for option, item in value.items():
                self._verbatim(section, option, item, f"{path}:{option}", value)

    def _unknown_section(self, section: str, path: str) -> None:
        for role, keys in FORMULA_KEYS.items():
            if section in keys:
                reason = f"is no key of octavia:{self.role}, it would do nothing"
                remedy = f"Remove it, or move it to octavia:{role}:{section}"
                self.found.append(findings.error(path, None, reason, remedy))
                return
        known = (*composites.COMPOSITES, *composites.SCALARS, *FORMULA_KEYS[self.role])
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
        if composite.switch and isinstance(value, bool):
            value = {composite.switch: value}
        if not self._is_mapping(path, value):
            self.broken.add(composite.section)
            return
        before = len(findings.errors(self.found))
        read: dict[str, Any] = {}
        for name, item in value.items():
            item_path = f"{path}:{name}"
            if name in composite.keys:
                read[name] = self._key(composite, name, item, item_path)
            else:
                read[name] = item
                self._option_of_composite(composite, name, value, item_path)
        # Null leaves an option out; of a key it says no more than its absence.
        read = _filled(read)
        self._whole(composite, read, path)
        if len(findings.errors(self.found)) > before:
            self.broken.add(composite.section)
            return
        context = composites.Context(path, self.ports, self.pillar, self.has)
        context.default, context.ca_bundle = self._usual, self.ca_bundle
        composite.translate(read, context)
        self._derived(context.settings)

    def _derived(self, derived: list[Setting]) -> None:
        """Adds what follows from a composite; a key of which nothing is left is told."""
        placed = [setting for setting in derived if self._place(setting)]
        left = {setting.path for setting in placed}
        for setting in derived:
            if setting.level != composites.DEFAULT and setting.path not in left:
                left.add(setting.path)
                self._unknown(setting.section, setting.option, setting.value, setting.path)

    def _whole(self, block: composites.Block, value: dict[str, Any], path: str) -> None:
        """What is wrong with the keys of a block taken together."""
        if not block.switch or value.get(block.switch, True) is not False:
            self._required(block, value, path)
            self._together(block, value, path)
        self._idle(block, value, path)
        self._usable(block, value, path)

    def _together(self, block: composites.Block, value: Mapping[str, Any], path: str) -> None:
        for pair in block.together:
            for name, other in (pair, pair[::-1]):
                if name in value and other not in value:
                    reason = f"is of no use without {other}"
                    remedy = f"Set {path}:{other} too"
                    self.found.append(findings.error(f"{path}:{name}", None, reason, remedy))

    def _required(self, composite: composites.Block, value: Mapping[str, Any], path: str) -> None:
        if composite.unless and composite.unless in value:
            return
        for names in composite.required:
            if not any(name in value for name in names.split("|")):
                wanted = names.replace("|", " or ")
                reason = "is missing"
                remedy = f"Set {path}:{wanted}"
                self.found.append(findings.error(f"{path}:{names}", None, reason, remedy))

    def _idle(self, composite: composites.Block, value: Mapping[str, Any], path: str) -> None:
        """Keys that say nothing in this pillar."""
        for key, why in composite.unused.items():
            if key in value:
                remedy = "Remove it from the pillar"
                self.found.append(findings.warning(f"{path}:{key}", None, why, remedy))
        taken = [key for key in composite.replaced if key in value]
        if composite.unless and composite.unless in value and taken:
            reason = f"takes the place of {', '.join(taken)}, which have no effect beside it"
            where = f"{path}:{composite.unless}"
            remedy = "Remove the one or the other"
            self.found.append(findings.warning(where, None, reason, remedy))

    def _usable(self, composite: composites.Block, value: dict[str, Any], path: str) -> None:
        wrong = [item["path"] for item in findings.errors(self.found)]
        for key, problem in composite.unusable.items():
            # Of a value of the wrong type or form nothing more is asked.
            if value.get(key) is None or any(
                f"{one}:".startswith(f"{path}:{key}:") for one in wrong
            ):
                continue
            reason = problem(value[key], value)
            if reason:
                where = f"{path}:{key}"
                shown = findings.masked(where, value[key])
                kept = key in ("name", "user", "password", "virtual_host")
                remedy = (
                    f"Choose another {key}, here and where it is kept" if kept else "Correct it"
                )
                self.found.append(findings.error(where, shown, reason, remedy))

    def _option_of_composite(
        self, composite: composites.Composite, name: str, value: Mapping[str, Any], path: str
    ) -> None:
        if schema.find(self.options, self.release, composite.section, name) or schema.history(
            self.options, composite.section, name
        ):
            self._verbatim(composite.section, name, value[name], path, value)
            return
        options = self.view.get(composite.section, {})
        near = difflib.get_close_matches(str(name), [*composite.keys, *options], 1)
        reason = f"is neither a key of the formula nor an option of [{composite.section}]"
        remedy = f"Did you mean {near[0]}" if near else f"Known keys: {', '.join(composite.keys)}"
        self.found.append(findings.error(path, None, reason, remedy))

    def _key(self, composite: composites.Block, name: str, value: Any, path: str) -> Any:
        kind = composite.keys[name]
        if isinstance(kind, composites.Block):
            return None if value is None else self._block(kind, value, path)
        if kind == composites.MEMBERS:
            return self._members(value, path)
        if kind == composites.MAPPING:
            return self._names(value, path)
        if kind == composites.PEM:
            return self._pem(value, path)
        era: dict[str, Any] = {"type": "integer" if kind == "count" else kind}
        if kind in LEAST:
            era["min"] = LEAST[kind]
        if name in composite.choices:
            era["choices"] = composite.choices[name]
        valid = self._check(era, value, path, findings.masked(path, value))
        if not valid or value is None:
            return value
        # As octavia.conf would have it: a number as text, and "no" is false.
        if kind == "boolean":
            return values.text(era, value) == ["true"]
        return str(value) if kind == "string" else value

    def _block(self, block: composites.Block, value: Any, path: str) -> dict[str, Any]:
        """A mapping inside a composite."""
        if block.switch and isinstance(value, bool):
            value = {block.switch: value}
        if not self._is_mapping(path, value):
            return {}
        read: dict[str, Any] = {}
        for name, item in value.items():
            if name in block.keys:
                read[name] = self._key(block, name, item, f"{path}:{name}")
                continue
            near = difflib.get_close_matches(str(name), block.keys, 1)
            known = f"Known keys: {', '.join(block.keys)}"
            remedy = f"Did you mean {near[0]}" if near else known
            wrong = findings.error(f"{path}:{name}", None, "is an unknown key", remedy)
            self.found.append(wrong)
        read = _filled(read)
        self._whole(block, read, path)
        return read

    def _pem(self, value: Any, path: str) -> Any:
        """The content of a certificate or of a key, which is not shown whatever it is."""
        if value is not None and not (isinstance(value, str) and "-----BEGIN " in value):
            remedy = "Write its content from BEGIN to END, as a block of text after |"
            reason = "is no certificate or key in PEM form"
            self.found.append(findings.error(path, findings.MASK, reason, remedy))
        return value

    def _names(self, value: Any, path: str) -> dict[str, Any]:
        """A mapping of names to single values."""
        if value is None or not self._is_mapping(path, value):
            return {}
        for name, item in value.items():
            if isinstance(item, (dict, list)):
                reason, remedy = "is not a single value", "Write one value a name"
                self.found.append(findings.error(f"{path}:{name}", None, reason, remedy))
        return {str(name): item for name, item in value.items()}

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
            for name, item in member.items():
                if name in MEMBER_KEYS:
                    self._check(MEMBER_KEYS[name], item, f"{where}:{name}", item)
                else:
                    remedy = f"Known keys: {', '.join(MEMBER_KEYS)}"
                    wrong = findings.error(f"{where}:{name}", None, "is an unknown key", remedy)
                    self.found.append(wrong)
        return [_filled(member) for member in value if isinstance(member, Mapping)]

    def _unchecked(self, value: Any) -> None:
        path = f"{self.path}:{UNCHECKED}"
        if not self._is_mapping(path, value):
            return
        for section, options in value.items():
            where = f"{path}:{section}"
            if not self._is_name(section, where) or not self._is_mapping(where, options):
                continue
            for option, item in options.items():
                if self._is_name(option, f"{where}:{option}"):
                    self._unchecked_option(section, option, item, f"{where}:{option}")

    def _is_name(self, name: Any, path: str) -> bool:
        if isinstance(name, str) and NAME.fullmatch(name):
            return True
        reason = "is no name that octavia.conf can hold"
        remedy = "Use letters, digits and _./- only"
        self.found.append(findings.error(path, None, reason, remedy))
        return False

    def _unchecked_option(self, section: str, option: str, value: Any, path: str) -> None:
        if schema.find(self.options, self.release, section, option):
            reason = f"is an option of {self.release}, it would escape every check here"
            remedy = f"Move it to {self.path}:{section}:{option}"
            shown = self._shown(section, option, path, value)
            self.found.append(findings.error(path, shown, reason, remedy))
            return
        if schema.history(self.options, section, option):
            why = schema.why_unknown(self.options, self.release, section, option).rstrip(".")
            remedy = "It was written as it is, and Octavia will not read it; remove it"
            shown = self._shown(section, option, path, value)
            self.found.append(findings.warning(path, shown, why, remedy))
        note = "not checked: unknown to this release of Octavia"
        self.settings.append(Setting(section, option, value, path, composites.VERBATIM, note))


def _filled(value: Mapping[str, Any]) -> dict[str, Any]:
    """What has a value in a mapping of the pillar."""
    return {name: item for name, item in value.items() if item is not None}
