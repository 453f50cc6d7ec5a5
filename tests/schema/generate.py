#!/usr/bin/env python3
"""Make and check ``octavia/parameters/options.json``, the option history of all releases.

``generate.py dump RELEASE > RELEASE.json``
    writes the options of the Octavia that is installed in the running interpreter.
``generate.py merge DIR [--onto FILE] [--output FILE]``
    joins a folder of such dumps (and ``DIR/first_final``, the dumps of X.0.0) into the data. With
    ``--onto`` they are added to data that was merged before: that is the way to a new release.
``generate.py compare RELEASE.json [--data FILE] [--packages]``
    prints where the data and one dump differ; exit status 1 if they do. With ``--packages`` the
    dump is that of packages: options that came later than their version may be missing, and what
    differs in sections of libraries is printed and no failure.

``dump`` needs Python 3.8 or newer and, beside Octavia itself, nothing.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DATA = ROOT / "octavia" / "parameters" / "options.json"

#: Facts that go into the data and that a dump cannot tell. ``moves``: renames that keep the value
#: and that oslo.config does not declare. ``instead``: what takes the place of an option that is
#: gone. ``owned``: the sections that Octavia's own code registers. ``sections``: their order in
#: octavia.conf. ``attributes``: for an option, what to ``set`` in releases ``where`` the dump has
#: these values; most of it are attributes that the tool did not record when the first twenty
#: releases were dumped.
FACTS = HERE / "facts.json"

#: Attributes of an option that make an era, in the order in which they are written.
ATTRIBUTES = (
    "type",
    "default",
    "choices",
    "ignore_case",
    "min",
    "max",
    "regex",
    "item_type",
    "item_choices",
    "item_regex",
    "required",
    "secret",
    "mutable",
    "deprecated",
    "was",
)

#: Oslo namespaces that describe octavia.conf. Others that happen to be installed do not count.
NAMESPACES = (
    "octavia",
    "oslo.db",
    "oslo.log",
    "oslo.messaging",
    "oslo.middleware.cors",
    "oslo.middleware.http_proxy_to_wsgi",
    "oslo.middleware.healthcheck",
    "oslo.middleware.sizelimit",
    "oslo.policy",
    "oslo.reports",
    "keystonemiddleware.audit",
    "keystonemiddleware.auth_token",
    "cotyledon",
    "castellan.config",
)

#: Sections that take the options of a keystoneauth plugin, if they have an ``auth_type``.
AUTH_SECTIONS = ("keystone_authtoken", "service_auth", "neutron")
AUTH_PLUGINS = ("password", "v3password", "v2password", "v3applicationcredential")

#: Parts of Octavia that do something at import, or that only its own tests use.
NOT_IMPORTED = ("octavia.tests", "octavia.wsgi", "octavia.hacking", "octavia.db.migration")

TYPE_NAMES = {
    "String": "string",
    "MultiString": "multi",
    "Boolean": "boolean",
    "Integer": "integer",
    "Float": "float",
    "Port": "port",
    "List": "list",
    "Dict": "dict",
    "IPAddress": "ip",
    "Hostname": "hostname",
    "HostAddress": "hostaddress",
    "URI": "uri",
    "str": "string",
    "int": "integer",
    "float": "float",
    "bool": "boolean",
}


class UnknownType(TypeError):
    """An option has a type for which this tool has no name."""


# --- dump: the options of the Octavia that is installed here ------------------------------------


def dump(release: str) -> dict[str, Any]:
    """Describe every option that the installed Octavia and its libraries read.

    :param release: name that the result bears, such as ``2026.2``.
    :return: ``{"release", "octavia", "python", "namespaces", "notes", "options"}``.
    :raises UnknownType: for an option type that is not in ``TYPE_NAMES``.
    """
    import platform
    from importlib import metadata

    from oslo_config import cfg, generator

    notes: list[str] = []
    # Importing comes first: it registers options that no namespace lists, and sets defaults.
    import_all("octavia", notes)
    known = installed_namespaces()
    notes += [f"namespace {name} is not installed" for name in NAMESPACES if name not in known]
    present = [name for name in NAMESPACES if name in known]

    options: dict[str, dict[str, Any]] = {}

    def add(section: str, opt: Any, default: Any) -> None:
        """Describe an option once; what else describes it can only add old names."""
        names = options.setdefault(section, {})
        old = names.get(opt.dest, {}).get("deprecated_names", [])
        new = describe(opt, section, default)
        merged = old + [name for name in new.pop("deprecated_names", ()) if name not in old]
        names.setdefault(opt.dest, new)
        if merged:
            names[opt.dest]["deprecated_names"] = merged

    # The generator's own listing applies the changes of defaults that a namespace declares. What is
    # registered comes first all the same, as Octavia changes more defaults there.
    listed = generator._list_opts(present)
    for section, opt, default in registered(cfg.CONF):
        add(section, opt, default)
    for _namespace, groups in listed:
        for group, opts in groups:
            for opt in opts:
                add(section_name(group), opt, opt.default)
    for section in AUTH_SECTIONS:
        if "auth_type" in options.get(section, {}):
            for opt in auth_options(notes):
                add(section, opt, opt.default)
    return {
        "release": release,
        "octavia": metadata.version("octavia"),
        "python": platform.python_version(),
        "namespaces": present,
        "notes": notes,
        "keystoneauth": keystoneauth_options(),
        "options": options,
    }


def import_all(package: str, notes: list[str]) -> None:
    """Import every module of a package, so that it registers its options.

    :param package: name of the package.
    :param notes: gets one line for each module that cannot be imported.
    """
    import pkgutil

    root = importlib.import_module(package)
    for found in pkgutil.iter_modules(root.__path__, package + "."):
        name = found.name
        if name.startswith(NOT_IMPORTED):
            continue
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - a broken module must not stop the others
            notes.append(f"import {name}: {error!r}")
            continue
        if found.ispkg:
            import_all(name, notes)


def keystoneauth_options() -> list[str]:
    """Names of the options that keystoneauth adds to each section of a client."""
    from keystoneauth1 import loading

    found = [*loading.get_session_conf_options(), *loading.get_adapter_conf_options()]
    return sorted(opt.dest for opt in found)


def installed_namespaces() -> set[str]:
    """Names of the installed entry points that list options."""
    from importlib import metadata

    points: Any = metadata.entry_points()
    group = "oslo.config.opts"
    found = points.select(group=group) if hasattr(points, "select") else points.get(group, ())
    return {point.name for point in found}


def registered(conf: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield section, option object and default for all that is registered on ``conf``."""
    groups = {"DEFAULT": conf._opts, **{name: group._opts for name, group in conf._groups.items()}}
    for section, entries in groups.items():
        for entry in entries.values():
            yield section, entry["opt"], entry.get("default", entry["opt"].default)


def auth_options(notes: list[str]) -> Iterator[Any]:
    """Yield the options of the keystoneauth plugins that a service can use."""
    from keystoneauth1 import exceptions, loading

    for plugin in AUTH_PLUGINS:
        try:
            yield from loading.get_auth_plugin_conf_options(plugin)
        except exceptions.NoMatchingPlugin:
            notes.append(f"keystoneauth plugin {plugin} is not installed")


def section_name(group: Any) -> str:
    """Name of the section for what a namespace gives as the group of its options."""
    if group is None:
        return "DEFAULT"
    return str(getattr(group, "name", group))


def describe(opt: Any, section: str, default: Any) -> dict[str, Any]:
    """Describe one option object of oslo.config as plain data."""
    result = {"type": type_name(opt), "default": plain(default), **limits(opt.type)}
    item = getattr(opt.type, "item_type", None)
    if item is not None:
        result.update({f"item_{name}": value for name, value in limits(item).items()})
        if type(item).__name__ != "String":
            result["item_type"] = TYPE_NAMES[type(item).__name__]
    for name in ("required", "secret", "mutable", "deprecated_for_removal"):
        if getattr(opt, name, False):
            result[name] = True
    if getattr(opt, "deprecated_reason", None):
        result["deprecated_reason"] = " ".join(opt.deprecated_reason.split())
    old = [
        f"{section_name(name.group) if name.group else section}/{name.name or opt.dest}"
        for name in opt.deprecated_opts
    ]
    return {**result, "deprecated_names": old} if old else result


def limits(kind: Any) -> dict[str, Any]:
    """What a type object of oslo.config demands of a value."""
    found = {
        "choices": list(getattr(kind, "choices", None) or ()),
        "ignore_case": getattr(kind, "ignore_case", False),
        "regex": getattr(getattr(kind, "regex", None), "pattern", None),
    }
    result = {name: value for name, value in found.items() if value}
    for name in ("min", "max"):
        if getattr(kind, name, None) is not None:
            result[name] = getattr(kind, name)
    return result


def type_name(opt: Any) -> str:
    """Name of an option's type as it stands in the data."""
    if opt.multi:
        return "multi"
    kind = opt.type
    name = kind.__name__ if isinstance(kind, type) else type(kind).__name__
    if name not in TYPE_NAMES:
        raise UnknownType(f"option {opt.name}: no name for the type {name}; add it to TYPE_NAMES")
    return TYPE_NAMES[name]


def plain(value: Any) -> Any:
    """Turn a default into JSON data that is the same on every host."""
    import socket

    if isinstance(value, str):
        return "<hostname>" if value in (socket.gethostname(), socket.getfqdn()) else value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value)


# --- merge: one history out of many dumps --------------------------------------------------------


class Release(NamedTuple):
    """What one release has: ``{section: {option: attributes of an era}}``."""

    name: str
    version: str
    options: dict[str, dict[str, dict[str, Any]]]


def of_dumps(folder: Path, facts: dict[str, Any]) -> Iterator[Release]:
    """Yield the releases of a folder of dumps.

    :param folder: holds ``<release>.json`` files and, where X.0.0 knew fewer options than the
        last point release, ``first_final/<release>.json``. Other JSON files are passed over.
    :param facts: the content of ``facts.json``.
    """
    for path in sorted(folder.glob("*.json")):
        one = load(path)
        if "options" not in one or "release" not in one:
            continue
        first = folder / "first_final" / f"{one['release']}.json"
        known_first = load(first)["options"] if first.exists() else one["options"]
        options = normalized(one, facts)
        for section, names in options.items():
            for name, era in names.items():
                first_era = known_first.get(section, {}).get(name)
                if first_era is None:
                    era["point"] = True
                elif not first_era.get("secret"):
                    # Its first version would still log the value.
                    era.pop("secret", None)
        yield Release(one["release"], one["octavia"], options)


def of_data(data: dict[str, Any]) -> Iterator[Release]:
    """Yield the releases of data that was merged before."""
    schema = octavia_schema()
    for name in schema.releases(data):
        options = {
            section: {option: attributes(era) for option, era in options.items()}
            for section, options in schema.view(data, name).items()
        }
        yield Release(name, data["points"][name], options)


def merge(found: Iterable[Release], facts: dict[str, Any]) -> dict[str, Any]:
    """Join releases into one history.

    :param found: the releases in any order; of two with one name the later counts.
    :param facts: the content of ``facts.json``.
    :return: the content of ``options.json``.
    """
    by_name = {one.name: one for one in found}
    releases = sorted(by_name.values(), key=lambda one: version_key(one.version))
    names = [one.name for one in releases]
    eras: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for number, one in enumerate(releases):
        for section, options in one.options.items():
            for option, era in options.items():
                extend(eras.setdefault(section, {}).setdefault(option, []), era, names, number)
    for options in eras.values():
        for history in options.values():
            if history[-1]["to"] == names[-1]:
                del history[-1]["to"]
    return {
        "releases": names,
        "points": {one.name: one.version for one in releases},
        "moves": facts["moves"],
        "instead": facts["instead"],
        "sections": {
            section: {option: eras[section][option] for option in sorted(eras[section])}
            for section in in_file_order(eras, facts["sections"])
        },
    }


def extend(history: list[dict[str, Any]], era: dict[str, Any], names: list[str], at: int) -> None:
    """Add one release to an option's history: lengthen its last era or begin a new one."""
    lasts = history and history[-1]["to"] == names[at - 1]
    if lasts and attributes(history[-1]) == era:
        history[-1]["to"] = names[at]
        return
    history.append({"from": names[at], "to": names[at], **era})


def attributes(era: Mapping[str, Any]) -> dict[str, Any]:
    """An era without its releases."""
    return {key: value for key, value in era.items() if key not in ("from", "to")}


def normalized(one: dict[str, Any], facts: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """The options of a dump as attributes of eras."""
    return {
        section: {option: normalize(section, option, raw, facts) for option, raw in names.items()}
        for section, names in one["options"].items()
    }


def normalize(
    section: str, option: str, raw: dict[str, Any], facts: dict[str, Any]
) -> dict[str, Any]:
    """Turn a dumped option into the attributes of an era, leaving out what says nothing."""
    era = dict(raw)
    era["type"] = raw["type"].split(":")[0]
    if era["type"] == "port":
        if era.get("min") == 0:
            del era["min"]
        if era.get("max") == 65535:
            del era["max"]
    if raw.get("deprecated_for_removal"):
        era["deprecated"] = raw.get("deprecated_reason") or True
    era["was"] = old_names(section, option, raw.get("deprecated_names", ()))
    if "choices" in era:
        # Null among the choices means that the option may stay unset, which all of them may.
        era["choices"] = [choice for choice in era["choices"] if choice is not None]
    for extra in facts["attributes"].get(f"{section}/{option}", ()):
        if all(raw.get(key) == value for key, value in extra["where"].items()):
            era.update(extra["set"])
    # A false value says nothing, save for a default: an empty list is not the same as none.
    return {
        name: era[name]
        for name in ATTRIBUTES
        if era.get(name) is not None
        and (name in ("default", "min", "max") or era[name] not in (False, [], ""))
    }


def old_names(section: str, option: str, names: Any) -> list[str]:
    """Old names of an option without the spellings that oslo.config takes for the same name."""
    result = []
    for name in names:
        group, _, old = name.partition("/")
        group = group if group == "DEFAULT" else group.lower()
        plain_name = f"{group}/{old.replace('-', '_')}"
        if plain_name != f"{section}/{option}" and plain_name not in result:
            result.append(plain_name)
    return result


def in_file_order(sections: Any, order: list[str]) -> list[str]:
    """Section names in the order of ``order``, then the rest by name."""
    return [name for name in order if name in sections] + sorted(set(sections) - set(order))


def version_key(version: str) -> tuple[int, ...]:
    """Key that sorts versions such as ``0.10.0`` and ``19.0.0``."""
    return tuple(int(part) for part in version.split("."))


def to_text(data: dict[str, Any]) -> str:
    """Write the data with one option a line, so that a change is a small diff."""
    lines = ["{", *(f"{compact(key)}: {compact(data[key])}," for key in ("releases", "points"))]
    lines += ['"moves": [', ",\n".join(compact(move) for move in data["moves"]), "],"]
    told = [f"{compact(name)}: {compact(data['instead'][name])}" for name in data["instead"]]
    lines += ['"instead": {', ",\n".join(told), "},"]
    lines.append('"sections": {')
    blocks = []
    for section, options in data["sections"].items():
        body = ",\n".join(f"{compact(name)}: {compact(eras)}" for name, eras in options.items())
        blocks.append(f"{compact(section)}: {{\n{body}\n}}")
    lines.append(",\n".join(blocks))
    return "\n".join(lines) + "\n}\n}\n"


def compact(value: Any) -> str:
    """JSON on one line."""
    return json.dumps(value, ensure_ascii=False)


# --- compare: the data against one dump ----------------------------------------------------------


def differences(data: dict[str, Any], one: dict[str, Any], facts: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each difference between the data and a dump of one release.

    ``-`` is only in the data, ``+`` only in the dump, ``~`` differs.
    """
    ours = flat(octavia_schema().view(data, one["release"]))
    theirs = flat(normalized(one, facts))
    for name in sorted(ours.keys() | theirs.keys()):
        label = "/".join(name)
        if name not in theirs:
            yield f"- {label}"
        elif name not in ours:
            yield f"+ {label}"
        else:
            for attribute in ATTRIBUTES:
                old, new = ours[name].get(attribute), theirs[name].get(attribute)
                if old != new:
                    yield f"~ {label} {attribute}: {compact(old)} -> {compact(new)}"


def of_packages(
    data: dict[str, Any], one: dict[str, Any], facts: dict[str, Any]
) -> tuple[list[str], list[str]]:
    """Differences of Octavia's own options from a dump of packages, and those of libraries.

    Packages may be of any version of their release.
    """
    view = octavia_schema().view(data, one["release"])
    own, others = [], []
    for line in differences(data, one, facts):
        sign, label, *_ = line.split(" ")
        section, _, option = label.partition("/")
        later = sign == "-" and view[section][option].get("point")
        if later or line.endswith(" secret: null -> true"):
            continue
        # A later keystoneauth brings its new options to Octavia's sections, too.
        brought = sign == "+" and option in one.get("keystoneauth", ())
        if not brought and (section in facts["owned"] or label in facts["owned"]):
            own.append(line)
        else:
            others.append(line)
    return own, others


def flat(sections: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """``{(section, option): era}`` instead of ``{section: {option: era}}``."""
    return {
        (section, option): era
        for section, options in sections.items()
        for option, era in options.items()
    }


def octavia_schema() -> Any:
    """The module of ``_utils`` that reads the data."""
    folder = str(ROOT / "_utils")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module("octavia_schema")


def load(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def main(argv: list[str] | None = None) -> int:
    """Run one of the three commands; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("dump", help="describe the installed Octavia")
    command.add_argument("release")
    command = commands.add_parser("merge", help="make options.json out of a folder of dumps")
    command.add_argument("folder", type=Path)
    command.add_argument("--onto", type=Path)
    command.add_argument("--output", type=Path, default=DATA)
    command = commands.add_parser("compare", help="show where the data and a dump differ")
    command.add_argument("dump", type=Path)
    command.add_argument("--data", type=Path, default=DATA)
    command.add_argument("--packages", action="store_true")
    args = parser.parse_args(argv)

    if args.command == "dump":
        # A default is made from the name of the program, and arguments are read at import.
        sys.argv = ["<program>"]
        json.dump(dump(args.release), sys.stdout, indent=1, sort_keys=True)
        sys.stdout.write("\n")
        return 0
    if args.command == "merge":
        facts = load(FACTS)
        before = of_data(load(args.onto)) if args.onto else ()
        merged = merge([*before, *of_dumps(args.folder, facts)], facts)
        args.output.write_text(to_text(merged), encoding="utf-8")
        return 0
    if args.packages:
        found, others = of_packages(load(args.data), load(args.dump), load(FACTS))
        print("\n".join(["of libraries:", *others, "", "of Octavia itself:", *found]))
        return 1 if found else 0
    found = list(differences(load(args.data), load(args.dump), load(FACTS)))
    print("\n".join(found) or "no difference")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
