"""The options of octavia.conf, release by release.

All functions are pure and take the parsed content of ``octavia/parameters/options.json`` as
``data``. An *era* is one entry of an option's history: a mapping with ``from``, ``to`` (missing
while it lasts), ``type`` and what else holds for those releases. Eras are handed out as they lie in
``data``, not copied: treat them as read-only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

try:
    import octavia_findings as findings
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings

Data = Mapping[str, Any]
Era = Mapping[str, Any]
Name = tuple[str, str]
Edges = Callable[[Data, Name], list[Name]]

#: Options with such an ending that hold a path or a switch.
PUBLIC = frozenset({("certificates", "ca_private_key"), ("barbican", "send_service_user_token")})

#: How similar a name must be to be offered for a typo, and how many are offered.
SIMILARITY = 0.7
OFFERED = 3


class UnknownRelease(ValueError):
    """The data has no release of that name. ``release`` is the name, ``known`` are the others."""

    def __init__(self, release: Any, known: list[str]) -> None:
        names = ", ".join(known)
        super().__init__(f"{release!r} is not a release with known options; use one of {names}")
        self.release = release
        self.known = known


class Found(NamedTuple):
    """The name under which a release knows an option, and how that name was found.

    ``how`` is ``same`` (it bears the name asked for), ``alias`` (the release still reads the old
    name asked for), ``renamed`` (it reads that old name no longer) or ``older`` (the name asked for
    came later, this is the one before it).
    """

    section: str
    option: str
    era: Era
    how: str


class History(NamedTuple):
    """What became of one name.

    ``since`` is None for a name that was only ever an alias; ``until`` and ``removed_in`` are None
    while the newest release has the option. ``spans`` are pairs of first and last release.
    """

    since: str | None
    until: str | None
    removed_in: str | None
    renamed_to: list[Name]
    renamed_from: list[Name]
    spans: list[tuple[str, str]]


def releases(data: Data) -> list[str]:
    """Names of all releases, oldest first.

    :param data: content of ``options.json``.
    :return: the names.
    """
    return list(data["releases"])


def view(data: Data, release: str) -> dict[str, dict[str, Era]]:
    """Sections and options that a release has, in the order of octavia.conf.

    :param data: content of ``options.json``.
    :param release: name of the release.
    :return: ``{section: {option: era}}``; the eras are shared with ``data``.
    :raises UnknownRelease: for a name that is not in ``releases(data)``.
    """
    places = _places(data)
    at = _place(data, release)
    result: dict[str, dict[str, Era]] = {}
    for section, options in data["sections"].items():
        found = {}
        for name, eras in options.items():
            for era in eras:
                if places[era["from"]] <= at and ("to" not in era or at <= places[era["to"]]):
                    found[name] = era
                    break
        if found:
            result[section] = found
    return result


def option(data: Data, release: str, section: str, name: str) -> Era | None:
    """The era of one option in one release.

    :param data: content of ``options.json``.
    :param release: name of the release.
    :param section: section of octavia.conf.
    :param name: name of the option.
    :return: the era, or None where the release has no option of just this name.
    :raises UnknownRelease: for a name that is not in ``releases(data)``.
    """
    at = _place(data, release)
    names = data["releases"]
    eras: list[Era] = data["sections"].get(section, {}).get(name, [])
    for era in eras:
        if names.index(era["from"]) <= at and ("to" not in era or at <= names.index(era["to"])):
            return era
    return None


def find(data: Data, release: str, section: str, name: str) -> Found | None:
    """Find the name under which a release knows an option.

    :param data: content of ``options.json``.
    :param release: name of the release.
    :param section: section as the pillar has it.
    :param name: option as the pillar has it, by an old, the present or a later name.
    :return: the name and its era, or None where the release has no such option or where several
        older ones could be meant; ``why_unknown`` then tells which.
    :raises UnknownRelease: for a name that is not in ``releases(data)``.
    """
    era = option(data, release, section, name)
    if era is not None:
        return Found(section, name, era, "same")
    asked = (section, name)
    for edges, how in ((_edges_to_newer, "renamed"), (_edges_to_older, "older")):
        reached = _reach(data, release, asked, edges)
        if len(reached) == 1:
            ((there, era),) = reached.items()
            still_read = edges is _edges_to_newer and _label(asked) in era.get("was", ())
            return Found(*there, era, "alias" if still_read else how)
    return None


def aliases(data: Data, release: str) -> dict[Name, Name]:
    """Old names that a release itself still reads.

    :param data: content of ``options.json``.
    :param release: name of the release.
    :return: old (section, option) to present (section, option). A name that is an option of its own
        in this release, or that several options read, is not among the old ones.
    :raises UnknownRelease: for a name that is not in ``releases(data)``.
    """
    result: dict[Name, Name] = {}
    shared = set()
    sections = view(data, release)
    for section, options in sections.items():
        for name, era in options.items():
            for old in map(_name, era.get("was", ())):
                if old in result:
                    shared.add(old)
                if old[1] not in sections.get(old[0], {}):
                    result[old] = (section, name)
    return {old: new for old, new in result.items() if old not in shared}


def history(data: Data, section: str, name: str) -> History | None:
    """What became of one name through all releases.

    :param data: content of ``options.json``.
    :param section: section of octavia.conf.
    :param name: name of the option.
    :return: the history, or None for a name that no release ever read.
    """
    names = data["releases"]
    asked = (section, name)
    eras = data["sections"].get(section, {}).get(name, [])
    renamed_to = _edges_to_newer(data, asked)
    if not eras and not renamed_to:
        return None
    spans: list[tuple[str, str]] = []
    for era in eras:
        last = era.get("to", names[-1])
        if spans and names.index(spans[-1][1]) + 1 == names.index(era["from"]):
            spans[-1] = (spans[-1][0], last)
        else:
            spans.append((era["from"], last))
    ended = bool(spans) and spans[-1][1] != names[-1]
    until = spans[-1][1] if ended else None
    return History(
        since=spans[0][0] if spans else None,
        until=until,
        removed_in=names[names.index(until) + 1] if until else None,
        renamed_to=renamed_to,
        renamed_from=_edges_to_older(data, asked),
        spans=spans,
    )


def nearest_sections(data: Data, release: str, name: str) -> list[str]:
    """Sections of a release that a misspelled name may mean, the most similar first.

    :param data: content of ``options.json``.
    :param release: name of the release.
    :param name: what was written.
    :return: at most ``OFFERED`` names.
    :raises UnknownRelease: for a name that is not in ``releases(data)``.
    """
    return _close(name, list(view(data, release)))


def nearest_options(data: Data, release: str, section: str, name: str) -> list[Name]:
    """Options of a release that a misspelled or misplaced name may mean.

    :param data: content of ``options.json``.
    :param release: name of the release.
    :param section: section that was written.
    :param name: option that was written.
    :return: at most ``OFFERED`` (section, option): similar names of the section first, then the
        very same name in other sections.
    :raises UnknownRelease: for a name that is not in ``releases(data)``.
    """
    sections = view(data, release)
    near = [(section, other) for other in _close(name, list(sections.get(section, {})))]
    elsewhere = [(other, name) for other, options in sections.items() if name in options]
    return (near + elsewhere)[:OFFERED]


def why_unknown(data: Data, release: str, section: str, name: str) -> str:
    """Say in one sentence why a release has no such option, for where ``find`` gave None.

    :param data: content of ``options.json``.
    :param release: name of the release.
    :param section: section that was written.
    :param name: option that was written.
    :return: the sentence.
    :raises UnknownRelease: for a name that is not in ``releases(data)``.
    """
    shown = f"[{section}] {name}"
    for edges in (_edges_to_newer, _edges_to_older):
        choice = list(_reach(data, release, (section, name), edges))
        if choice:
            return f"{shown} can mean {_or(choice)} in {release}; name the one that is meant."
    past = history(data, section, name)
    if past and past.spans:
        return f"{shown} {_presence(data, release, past)}."
    if past:
        return f"{shown} is an old name of {_or(past.renamed_to)}, which {release} does not have."
    if section not in data["sections"]:
        near = nearest_sections(data, release, section)
        hint = f"; did you mean {' or '.join(f'[{other}]' for other in near)}?" if near else "."
        return f"no release has a section [{section}]{hint}"
    offers = nearest_options(data, release, section, name)
    hint = f"; did you mean {_or(offers)}?" if offers else "."
    return f"no release has an option {shown}{hint}"


def is_secret(section: str, name: str, era: Era | None = None) -> bool:
    """Whether the value of an option must not be shown.

    The schemas mark some secrets only in later releases and miss others, so the name decides too.
    It also does for sections that no schema knows.

    :param section: section of octavia.conf.
    :param name: name of the option.
    :param era: what the release says of the option, if it has it.
    :return: True for a secret.
    """
    if era and era.get("secret"):
        return True
    if (section, name) in PUBLIC:
        return False
    return findings.is_secret(str(name))


def _places(data: Data) -> dict[str, int]:
    return {name: place for place, name in enumerate(data["releases"])}


def _place(data: Data, release: str) -> int:
    known = data["releases"]
    if release not in known:
        raise UnknownRelease(release, list(known))
    return int(known.index(release))


def _name(label: str) -> Name:
    section, _, name = label.partition("/")
    return section, name


def _label(name: Name) -> str:
    return f"{name[0]}/{name[1]}"


def _or(names: list[Name]) -> str:
    return " or ".join(f"[{section}] {name}" for section, name in names)


def _close(name: str, others: list[str]) -> list[str]:
    return get_close_matches(str(name), others, OFFERED, SIMILARITY)


def _edges_to_newer(data: Data, old: Name) -> list[Name]:
    """Names that replaced ``old`` in any release."""
    label = _label(old)
    found = [_name(new) for was, new in data["moves"] if was == label]
    for section, options in data["sections"].items():
        for name, eras in options.items():
            if (section, name) not in found and any(label in era.get("was", ()) for era in eras):
                found.append((section, name))
    return found


def _edges_to_older(data: Data, new: Name) -> list[Name]:
    """Names that ``new`` replaced in any release."""
    label = _label(new)
    found = [_name(was) for was, other in data["moves"] if other == label]
    for era in data["sections"].get(new[0], {}).get(new[1], ()):
        found += [old for old in map(_name, era.get("was", ())) if old not in found]
    return found


def _reach(data: Data, release: str, asked: Name, edges: Edges) -> dict[Name, Era]:
    """The names nearest to ``asked``, by steps of renaming, that the release has."""
    seen, step = {asked}, [asked]
    while step:
        step = [there for name in step for there in edges(data, name) if there not in seen]
        seen.update(step)
        eras = {name: option(data, release, *name) for name in step}
        there = {name: era for name, era in eras.items() if era is not None}
        if there:
            return there
    return {}


def _presence(data: Data, release: str, past: History) -> str:
    """In which releases an option is, seen from one that lacks it."""
    names = data["releases"]
    at = names.index(release)
    before = [last for _first, last in past.spans if names.index(last) < at]
    after = [first for first, _last in past.spans if names.index(first) > at]
    parts = []
    if before:
        parts.append(f"was removed in {names[names.index(before[-1]) + 1]}")
    if after:
        parts.append(f"comes {'again ' if before else ''}in {after[0]}")
    return " and ".join(parts)
