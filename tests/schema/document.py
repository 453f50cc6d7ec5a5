#!/usr/bin/env python3
"""Write the pages of the manual that say what the data says.

``document.py``
    writes ``docs/options.rst``, ``docs/releases.rst`` and ``docs/duties.rst``; a test compares them
    with the data.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PARAMETERS = ROOT / "octavia" / "parameters"
DOCS = ROOT / "docs"

#: The sections that only one of the roles reads; all others are read by both.
ROLES = {
    "api": (
        *("api_settings", "quotas", "audit", "audit_middleware_notifications", "cors"),
        *("cors.subdomain", "healthcheck", "oslo_middleware", "oslo_policy", "driver_agent"),
        *("keystone_authtoken", "cache"),
    ),
    "manager": (
        *("anchor", "haproxy_amphora", "amphora_agent", "keepalived_vrrp", "health_manager"),
        *("house_keeping", "task_flow", "compute", "nova", "glance", "cinder"),
    ),
}
PARTS = (
    ("api", "Sections that the API reads"),
    ("manager", "Sections that the controllers read"),
    ("", "Sections that both read"),
)
#: A default longer than this is cut.
WIDEST = 60

OPTIONS_HEAD = """\
=======
Options
=======

Every option of ``octavia.conf`` in every release. Any of them may stand in the pillar below
``api`` or ``manager``, in its section, under its own name:

.. code-block:: yaml

    octavia:
      manager:
        health_manager:
          health_check_interval: 3

``salt-call octavia_config.explain OPTION`` tells more about one, ``salt-call octavia_config.diff
FROM TO`` what changes between two releases. *Releases* are those that have the option with this
type and default; ``(*)`` marks those whose first version lacks it and a later one has it.

This page is made by ``tests/schema/document.py`` from ``octavia/parameters/options.json``.
"""

RELEASES_HEAD = """\
========
Releases
========

``version`` in the pillar may be any of the names of a release, its number also without quotes.

This page is made by ``tests/schema/document.py`` from the files of ``octavia/parameters``.

Names and versions
==================

*Migrations* is the revision to which the release brings the database; a release with that of the
one before brings no migration.
"""

DUTIES_HEAD = """\
======
Duties
======

What there is to do for an upgrade, by the release to which it leads, beside what the formula does
by itself. A duty that is done by hand is listed in the pillar:

.. code-block:: yaml

    octavia:
      upgrade:
        done: [old-agents, v1-queue-drained]

A *blocking* one is not to be left out: the cloud would refuse users, lose control of amphorae, or
not start. *Until* is the release from which on a duty does not matter, when an upgrade leads that
far. *Seen* are those of which the formula sees for itself that they are done; *in part* means that
it sees when there is nothing to do.

This page is made by ``tests/schema/document.py`` from ``octavia/parameters/hops.yaml``.
"""
#: What is to be set as code: sections, options, and names of their kind.
CODE = re.compile(r"\[\w+\](?: \w*_\w+| topic)?|[\w-]*_[\w*]+")


def load(name: str) -> Any:
    """One of the formula's parameter files."""
    text = (PARAMETERS / name).read_text(encoding="utf-8")
    return json.loads(text) if name.endswith(".json") else yaml.safe_load(text)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    """The lines of a simple table."""
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    rule = " ".join("=" * width for width in widths)
    yield rule
    yield _line(head, widths)
    yield rule
    yield from (_line(row, widths) for row in rows)
    yield rule
    yield ""


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    return " ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()


def title(text: str, mark: str) -> Iterator[str]:
    """The lines of a heading."""
    yield from (text, mark * len(text), "")


# --- options -------------------------------------------------------------------------------------


def options_page(data: Mapping[str, Any]) -> str:
    """
    The page of all options.

    :param data: content of ``options.json``
    :return: its text
    """
    lines = [OPTIONS_HEAD]
    own = {section for sections in ROLES.values() for section in sections}
    for role, heading in PARTS:
        lines += title(heading, "=")
        for section, options in data["sections"].items():
            if section in ROLES[role] if role else section not in own:
                lines += title(f"[{section}]", "-")
                lines += table(("option", "type", "default", "releases"), _rows(options, data))
    return "\n".join(lines)


def _rows(options: Mapping[str, Any], data: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [row for name, eras in options.items() for row in _option(name, eras, data)]


def _option(
    name: str, eras: list[dict[str, Any]], data: Mapping[str, Any]
) -> Iterator[tuple[str, ...]]:
    """One row for each type and default that an option had."""
    merged: list[dict[str, Any]] = []
    for era in eras:
        shown = {"type": _type(era), "default": _default(era), "from": era["from"]}
        last = era.get("to", data["releases"][-1])
        if merged and all(merged[-1][key] == shown[key] for key in ("type", "default")):
            merged[-1]["to"] = last
        else:
            merged.append({**shown, "to": last, "marks": ""})
        if era.get("point"):
            ends = era["from"] if era["from"] == last else f"{era['from']} to {last}"
            merged[-1]["marks"] += f", (*) {ends}"
        if era.get("deprecated") and "deprecated" not in merged[-1]["marks"]:
            merged[-1]["marks"] += f", deprecated in {era['from']}"
    for row in merged:
        span = _span(row["from"], row["to"], data["releases"])
        yield f"``{name}``", row["type"], row["default"], span + row["marks"]


def _span(first: str, last: str, releases: list[str]) -> str:
    if (first, last) == (releases[0], releases[-1]):
        return "all"
    if last == releases[-1]:
        return f"from {first}"
    if first == releases[0]:
        return f"to {last}"
    return first if first == last else f"{first} to {last}"


def _type(era: Mapping[str, Any]) -> str:
    kind = str(era["type"])
    if "choices" in era:
        known = ", ".join(f"``{choice}``" for choice in era["choices"] if choice != "")
        return f"{kind}: {known}"
    limits = [f"{word} {era[key]}" for key, word in (("min", "from"), ("max", "to")) if key in era]
    return " ".join([kind, *limits])


def _default(era: Mapping[str, Any]) -> str:
    value = era.get("default")
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, list):
        text = ",".join(map(str, value))
    elif isinstance(value, dict):
        text = ",".join(f"{key}:{item}" for key, item in value.items())
    else:
        text = str(value)
    text = " ".join(text.split())
    return f"``{text if len(text) <= WIDEST else text[: WIDEST - 3] + '...'}``"


# --- releases ------------------------------------------------------------------------------------


def releases_page(data: Mapping[str, Any]) -> str:
    """
    The page of all releases.

    :param data: content of ``options.json``
    :return: its text
    """
    releases, defaults = load("releases.yaml"), load("defaults.yaml")
    lines = [RELEASES_HEAD]
    head = ("name", "other names", "Octavia", "options", "API", "migrations")
    rows = []
    for release in releases:
        name = release["name"]
        others = [str(release[key]) for key in ("codename", "number", "letter") if key in release]
        last = data["points"][name]
        versions = last if last == release["first"] else f"{release['first']} to {last}"
        count = str(sum(1 for _ in _of(data, name)))
        rows.append((name, ", ".join(others), versions, count, release["api"], release["head"]))
    lines += table(head, rows)
    lines += _services(defaults)
    lines += _commands(defaults)
    lines += _points(data)
    lines += _gone(data)
    return "\n".join(lines)


def _of(data: Mapping[str, Any], release: str) -> Iterator[tuple[str, str, Any]]:
    """The options that a release has: section, name, era."""
    place = data["releases"].index
    for section, options in data["sections"].items():
        for name, eras in options.items():
            for era in eras:
                last = era.get("to", data["releases"][-1])
                if place(era["from"]) <= place(release) <= place(last):
                    yield section, name, era


def _services(defaults: Mapping[str, Any]) -> Iterator[str]:
    yield from title("Services and packages", "=")
    units = defaults["units"].items()
    rows = [
        (f"``{name}``", unit["role"], f"from {unit['since']}" if "since" in unit else "all")
        for name, unit in units
    ]
    yield from table(("service", "role", "releases"), rows)
    rows = []
    for family, system in load("osfamilies.yaml").items():
        for role in ("api", "manager", "client"):
            names = [f"``{name}``" for name in system["packages"][role]]
            rows.append((family, role, ", ".join(names)))
    yield from table(("system", "role", "packages"), rows)
    for family, system in load("osfamilies.yaml").items():
        for unit, supplied in system.get("supplied_units", {}).items():
            before = supplied["before"]
            yield f"The packages of {family} have ``{unit}`` from {before} on; the formula before."
            yield ""


def _commands(defaults: Mapping[str, Any]) -> Iterator[str]:
    yield from title("Commands", "=")
    rows = []
    for command in defaults["commands"].values():
        since = command["since"]
        broken = [f"{first} to {last}" for first, last in command.get("broken", ())]
        releases = "all" if since == "ocata" else f"from {since}"
        rows.append((f"``{command['run']}``", releases, ", ".join(broken)))
    yield from table(("command", "releases", "ends with a traceback in"), rows)


def _points(data: Mapping[str, Any]) -> Iterator[str]:
    yield from title("Options of later versions", "=")
    yield "Packages of the first version of a release ignore these; a pillar that sets one is told."
    yield ""
    rows = []
    for release in data["releases"]:
        options = _of(data, release)
        found = [f"``[{section}] {name}``" for section, name, era in options if era.get("point")]
        rows += [(release, name) for name in found]
    yield from table(("release", "option"), rows)


def _gone(data: Mapping[str, Any]) -> Iterator[str]:
    yield from title("Options that are gone", "=")
    yield "Those for which something else is there, or nothing need be."
    yield ""
    rows = []
    for label, text in data["instead"].items():
        section, _, name = label.partition("/")
        eras = data["sections"][section][name]
        if "to" in eras[-1]:
            rows.append((f"``[{section}] {name}``", eras[-1]["to"], text))
    yield from table(("option", "last in", "instead"), rows)


# --- duties --------------------------------------------------------------------------------------


def duties_page(data: Mapping[str, Any]) -> str:
    """
    The page of the duties of upgrades.

    :param data: content of ``options.json``
    :return: its text
    """
    heads = {release["name"]: release["head"] for release in load("releases.yaml")}
    before = dict(zip(data["releases"][1:], data["releases"]))
    lines = [DUTIES_HEAD]
    for hop, duties in load("hops.yaml").items():
        lines += title(hop, "=")
        if heads[hop] == heads[before[hop]]:
            lines += ["Brings no migration of the database.", ""]
        lines += table(("duty", "when", "until", "seen", "what", "why"), list(map(_duty, duties)))
    return "\n".join(lines)


def _duty(duty: Mapping[str, Any]) -> tuple[str, ...]:
    when = f"{duty['when']}, blocking" if duty["blocking"] else duty["when"]
    seen = ("in part" if "otherwise" in duty else "yes") if "check" in duty else ""
    said = (CODE.sub(r"``\g<0>``", duty[key]) for key in ("text", "why"))
    return (f"``{duty['id']}``", when, duty.get("until", ""), seen, *said)


PAGES = {"options.rst": options_page, "releases.rst": releases_page, "duties.rst": duties_page}


def main() -> int:
    """Write the pages."""
    data = load("options.json")
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(data).rstrip() + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
