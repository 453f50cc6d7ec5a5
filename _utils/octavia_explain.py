"""
What the formula knows of options and releases, told on demand: one option through all releases, and
what changes between two of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

try:
    import octavia_schema as schema
    import octavia_translations as translations
except ImportError:
    from salt_formula_octavia.utils import octavia_schema as schema
    from salt_formula_octavia.utils import octavia_translations as translations

Data = Mapping[str, Any]
Name = tuple[str, str]

#: `[section] option`, `section/option`, `section:option` or `section.option`, the section at will.
WRITTEN = re.compile(r"(?:\[?(?P<section>[^\]/:]+?)(?:\]\s*|[/:.]))?(?P<option>[^\]/:.\s]+)")
#: What of an era is told as it is, in this order.
TOLD = (
    *("type", "default", "choices", "min", "max", "regex"),
    *("item_type", "item_choices", "item_regex", "required", "mutable"),
)


class UnknownOption(ValueError):
    """
    No release has an option of that name.

    :ivar written: what was asked for
    :ivar near: names that may be meant, ``[section] option``
    """

    def __init__(self, written: str, near: list[str]) -> None:
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        super().__init__(f"no release has an option {written}{hint}")
        self.written = written
        self.near = near


def explain(data: Data, written: str, release: str = "") -> list[dict[str, Any]]:
    """
    Everything about an option, through all releases.

    :param data: content of ``parameters/options.json``
    :param written: the option, ``bind_ip``, ``health_manager.bind_ip`` or
        ``[health_manager] bind_ip``; also as a pillar path, ``octavia:manager:health_manager:...``
    :param release: a release, to be told what the option is in it
    :return: one entry for each section that has such an option: ``option`` and ``section``,
        ``secret``, ``eras`` (from, to, type, default and what else holds), ``renamed_to`` and
        ``renamed_from``, ``removed_in`` and ``instead`` where it is gone; with a release also
        ``in_release``: the name that it has there, or why there is none
    :raises UnknownOption: when no release has it
    """
    names = _names(data, written.strip())
    if not names:
        raise UnknownOption(written, _near(data, written))
    return [_one(data, name, release) for name in names]


def _split(written: str) -> tuple[str, str]:
    """Section and option; the section is empty where there is none."""
    if written.startswith("octavia:"):
        written = "/".join(written.split(":")[-2:])
    found = WRITTEN.fullmatch(written)
    return (found["section"] or "", found["option"]) if found else ("", written)


def _names(data: Data, written: str) -> list[Name]:
    section, option = _split(written)
    if section:
        return [(section, option)] if schema.history(data, section, option) else []
    return [(name, option) for name in data["sections"] if schema.history(data, name, option)]


def _near(data: Data, written: str) -> list[str]:
    section, option = _split(written)
    known = {
        name: place
        for place, options in data["sections"].items()
        if not section or section == place
        for name in options
    }
    close = get_close_matches(option, list(known), schema.OFFERED, schema.SIMILARITY)
    return [f"[{known[name]}] {name}" for name in close]


def _one(data: Data, name: Name, release: str) -> dict[str, Any]:
    past = schema.history(data, *name)
    if past is None:
        raise UnknownOption(_shown(name), [])
    eras = data["sections"].get(name[0], {}).get(name[1], [])
    told: dict[str, Any] = {
        "section": name[0],
        "option": name[1],
        "secret": any(schema.is_secret(*name, era) for era in eras or [None]),
        "eras": [_era(era, data["releases"][-1], data["points"]) for era in eras],
        "renamed_to": [_shown(new) for new in past.renamed_to],
        "renamed_from": [_shown(old) for old in past.renamed_from],
    }
    if past.removed_in:
        told["removed_in"] = past.removed_in
        told["instead"] = translations.instead(data, name)
    if release:
        told["in_release"] = _in_release(data, name, release)
    return told


def _era(era: Mapping[str, Any], newest: str, points: Mapping[str, str]) -> dict[str, Any]:
    result = {"from": era["from"], "to": era.get("to", newest)}
    result.update({key: era[key] for key in TOLD if key in era})
    if era.get("deprecated"):
        result["deprecated"] = era["deprecated"]
    if era.get("point"):
        result["point_release"] = f"not in the first version, in {points[result['to']]} at last"
    return result


def _in_release(data: Data, name: Name, release: str) -> str:
    known = translations.translate(data, release, name, None, {})
    if known is None:
        why = schema.why_unknown(data, release, *name).rstrip(".")
        told = translations.instead(data, name)
        return f"{why}. {told}" if told else why
    return _shown((known.section, known.option))


def diff(data: Data, old: str, new: str) -> dict[str, Any]:
    """
    What changes for octavia.conf between two releases, the newer one first or last.

    :param data: content of ``parameters/options.json``
    :param old: name of the release to come from
    :param new: name of the release to go to
    :return: by kind of change: ``added`` (options), ``removed`` (option: what takes its place),
        ``renamed`` (old name: new name), ``deprecated`` (option: why), ``defaults``,
        ``types`` and ``limits`` (option: [before, after])
    :raises octavia_schema.UnknownRelease: for a name that the data does not have
    """
    before, after = _flat(data, old), _flat(data, new)
    renamed: dict[Name, Name] = {}
    for name in before.keys() - after.keys():
        known = schema.find(data, new, *name)
        if known is not None:
            renamed[name] = (known.section, known.option)
    taken = set(renamed.values())
    both = sorted(before.keys() & after.keys())
    pairs = [(_shown(name), before[name], after[name]) for name in both]
    pairs += [(_shown(new), before[old], after[new]) for old, new in sorted(renamed.items())]
    return {
        "added": [_shown(name) for name in sorted(after.keys() - before.keys() - taken)],
        "removed": {
            _shown(name): translations.instead(data, name)
            for name in sorted(before.keys() - after.keys() - renamed.keys())
        },
        "renamed": {_shown(old): _shown(new) for old, new in sorted(renamed.items())},
        "deprecated": {
            name: now["deprecated"]
            for name, was, now in pairs
            if now.get("deprecated") and not was.get("deprecated")
        },
        "defaults": _changes(pairs, "default"),
        "types": _changes(pairs, "type"),
        "limits": {
            name: change
            for key in ("choices", "min", "max", "regex", "item_choices", "item_regex")
            for name, change in _changes(pairs, key).items()
        },
    }


def _changes(pairs: list[tuple[str, Any, Any]], key: str) -> dict[str, list[Any]]:
    return {
        name: [was.get(key), now.get(key)]
        for name, was, now in pairs
        if was.get(key) != now.get(key)
    }


def _flat(data: Data, release: str) -> dict[Name, Mapping[str, Any]]:
    return {
        (section, name): era
        for section, options in schema.view(data, release).items()
        for name, era in options.items()
    }


def _shown(name: Name) -> str:
    return f"[{name[0]}] {name[1]}"
