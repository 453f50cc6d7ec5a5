"""
The duties of upgrades: what an operator has to do for each release that is passed, and which of it
is seen to be done. The duties are data, ``parameters/hops.yaml``; what is known of a node and of
the cloud are facts, all of which may be missing.

Several releases may be passed at once. A duty that asks for an option is then judged by the
octavia.conf of the last of them, the only one that is written. A duty with ``until`` does not
matter when the last one is that release or a later one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

try:
    import octavia_releases as releasing
except ImportError:
    from salt_formula_octavia.utils import octavia_releases as releasing

#: A duty judged: ``hop``, ``id``, ``text``, ``why``, ``blocking``, ``when``, ``verdict``,
#: ``reason`` and ``remedy``; sentences without a full stop, ``remedy`` is empty where none is due.
Verdict = dict[str, Any]
Hops = Mapping[str, Sequence[Mapping[str, Any]]]
Facts = Mapping[str, Any]

NOT_DONE, CANNOT_TELL, DONE, NOT_HERE = "not done", "cannot tell", "done", "not here"
#: In the order in which they are told.
VERDICTS = (NOT_DONE, CANNOT_TELL, DONE, NOT_HERE)
BEFORE, AFTER = "before", "after"
#: Where the pillar lists the ids of duties that were done by hand.
PILLAR = "octavia:upgrade:done"
#: So many ids are named, and so many names offered.
NAMED, OFFERED = 5, 3
WORDS = {True: ("true", "1", "yes", "on"), False: ("false", "0", "no", "off")}


class Downgrade(ValueError):
    """
    The way leads back, which Octavia cannot go.

    :ivar old: the release to come from
    :ivar new: the older release to go to
    """

    def __init__(self, old: str, new: str) -> None:
        super().__init__(f"{new} is older than {old}, and Octavia cannot be downgraded")
        self.old = old
        self.new = new


# -- the way --------------------------------------------------------------------------------------


def path(releases: list[releasing.Release], old: str, new: str) -> list[str]:
    """
    The releases that an upgrade passes.

    :param releases: content of ``parameters/releases.yaml``
    :param old: the release to come from, by any of its names
    :param new: the release to go to
    :return: the names of the releases after ``old``, with ``new``; empty when both are the same
    :raises Downgrade: when ``new`` is older
    :raises octavia_releases.UnknownRelease: for a name that no release has
    """
    names = [item["name"] for item in releases]
    first, last = (releasing.find(releases, name)["name"] for name in (old, new))
    if names.index(last) < names.index(first):
        raise Downgrade(first, last)
    return names[names.index(first) + 1 : names.index(last) + 1]


def skipped(releases: list[releasing.Release], old: str, new: str) -> list[str]:
    """
    The releases that a jump from one to another leaves out.

    :param releases: content of ``parameters/releases.yaml``
    :param old: the release to come from
    :param new: the release to go to
    :return: the releases between them, mostly none
    :raises Downgrade: when ``new`` is older
    """
    return path(releases, old, new)[:-1]


def migrates(releases: list[releasing.Release], old: str, new: str) -> bool:
    """
    Whether the database has to be migrated from one release to another.

    :param releases: content of ``parameters/releases.yaml``
    :param old: the release to come from
    :param new: the release to go to
    :return: True when their migrations end at different revisions
    """
    first, last = (releasing.find(releases, name)["head"] for name in (old, new))
    return first != last


# -- checks ---------------------------------------------------------------------------------------


class Seen(NamedTuple):
    """
    What a check saw.

    :ivar met: whether the duty is done; None where that cannot be told
    :ivar reason: what was seen
    :ivar remedy: what to do about it
    """

    met: bool | None
    reason: str
    remedy: str = ""


NO_CONF = Seen(None, "what octavia.conf will say is not known")


def option_set(facts: Facts, section: str, options: Sequence[str], any_of: bool = False) -> Seen:
    """
    Whether options are set, to whatever value.

    :param facts: of these ``sections`` is read
    :param section: their section
    :param options: their names
    :param any_of: whether one of them is enough
    :return: what was seen
    """
    if facts.get("sections") is None:
        return NO_CONF
    there = [name for name in options if _is_set(_value(facts, section, name))]
    missing = [name for name in options if name not in there]
    if there and (any_of or not missing):
        return Seen(True, f"[{section}] {_both(there)} {_are(there)} set")
    wanted = f"one of [{section}] {', '.join(missing)}" if any_of and len(missing) > 1 else ""
    wanted = wanted or f"[{section}] {_both(missing)}"
    return Seen(False, f"[{section}] {_both(missing)} {_are(missing)} not set", f"Set {wanted}")


def option_is(facts: Facts, section: str, option: str, value: Any, default: Any = None) -> Seen:
    """
    Whether an option has a value.

    :param facts: of these ``sections`` is read
    :param section: its section
    :param option: its name
    :param value: the wanted value
    :param default: what it is where it is not set
    :return: what was seen
    """
    if facts.get("sections") is None:
        return NO_CONF
    found = _value(facts, section, option, default)
    reason = f"[{section}] {option} is {_shown(found)}"
    return Seen(_same(found, value), reason, f"Set [{section}] {option} to {_shown(value)}")


def option_not(facts: Facts, section: str, option: str, value: Any, default: Any = None) -> Seen:
    """
    Whether an option has another value than one.

    :param facts: of these ``sections`` is read
    :param section: its section
    :param option: its name
    :param value: the value that it must not have
    :param default: what it is where it is not set
    :return: what was seen
    """
    seen = option_is(facts, section, option, value, default)
    if seen.met is None:
        return seen
    return Seen(not seen.met, seen.reason, f"Set [{section}] {option} to another value")


def items_known(facts: Facts, section: str, known: Mapping[str, Sequence[str]]) -> Seen:
    """
    Whether options have only items that are known.

    :param facts: of these ``sections`` is read
    :param section: their section
    :param known: by option, what its items may be
    :return: what was seen
    """
    if facts.get("sections") is None:
        return NO_CONF
    for option, allowed in known.items():
        wrong = [item for item in _items(_value(facts, section, option)) if item not in allowed]
        if wrong:
            reason = f"[{section}] {option} has {', '.join(wrong)}"
            remedy = f"Set [{section}] {option} to any of {', '.join(allowed)}"
            return Seen(False, reason, remedy)
    return Seen(True, f"[{section}] names nothing else")


def policy_decided(facts: Facts, section: str = "", option: str = "", value: Any = None) -> Seen:
    """
    Whether the pillar says who may do what, so that no default of Octavia's code does.

    :param facts: of these ``policy`` is read, and ``sections`` where there is an option
    :param section: section of an option that decides it too
    :param option: its name
    :param value: the value by which it does; None for any
    :return: what was seen
    """
    if facts.get("policy"):
        return Seen(True, "octavia:api:policy names policies")
    remedy = "Set octavia:api:policy:set"
    if option:
        # The option is one of those that stand beside the policies in the pillar.
        seen = (
            option_set(facts, section, [option])
            if value is None
            else option_is(facts, section, option, value)
        )
        if seen.met:
            return seen
        remedy += f" or octavia:api:policy:{option}"
    if facts.get("policy") is None or (option and facts.get("sections") is None):
        return Seen(None, "which policies the pillar names is not known")
    also = f" and {seen.reason}" if option else ""
    return Seen(False, f"octavia:api:policy names no policies{also}", remedy)


def no_amphorae(facts: Facts) -> Seen:
    """
    Whether there is no amphora, and so none of an older image.

    :param facts: of these ``amphorae`` is read
    :return: what was seen
    """
    number = facts.get("amphorae")
    if number is None:
        return Seen(None, "whether there are amphorae is not known")
    if not number:
        return Seen(True, "there are no amphorae")
    there, they = f"there are {number} amphorae", "they run"
    if number == 1:
        there, they = "there is one amphora", "it runs"
    return Seen(False, f"{there}, and the API does not tell which image {they}")


def agents_speak(facts: Facts, least: str) -> Seen:
    """
    Whether the agents of all amphorae speak a version of their API.

    :param facts: of these ``amphorae`` and ``agents`` are read
    :param least: the oldest version that is enough
    :return: what was seen
    """
    agents = facts.get("agents")
    if facts.get("amphorae") == 0 and not agents:
        return Seen(True, "there are no amphorae")
    if not agents:
        return Seen(None, "what the amphorae speak is not known")
    total = max(len(agents), facts.get("amphorae") or 0)
    spoken = {name: _version(text) for name, text in agents.items()}
    wanted = _version(least) or ()
    old = [
        f"{name} ({agents[name]})" for name, it in spoken.items() if it is not None and it < wanted
    ]
    if old:
        reason = f"{len(old)} of {total} amphorae speak less than {least}: {_some(old)}"
        return Seen(False, reason, "Fail them over to a current image first")
    silent = [name for name, it in spoken.items() if it is None]
    unknown = len(silent) + total - len(agents)
    if unknown:
        told = f": {_some(silent)}" if silent else ""
        return Seen(None, f"{unknown} of {total} amphorae did not say what they speak{told}")
    return Seen(True, f"all amphorae speak {least} or later")


def no_provider(facts: Facts, providers: Sequence[str]) -> Seen:
    """
    Whether no load balancer is of certain providers.

    :param facts: of these ``providers`` is read
    :param providers: the names of the providers
    :return: what was seen
    """
    used = facts.get("providers")
    if used is None:
        return Seen(None, "which providers load balancers are of is not known")
    found = [name for name in providers if name in used]
    if not found:
        return Seen(True, f"no load balancer is of the provider {' or '.join(providers)}")
    reason = f"there are load balancers of the provider {_both(found)}"
    return Seen(False, reason, "Make them anew with another provider")


def jobboard(facts: Facts, providers: Sequence[str] = ()) -> Seen:
    """
    Whether the jobboard is on, or the providers that want it are not used.

    :param facts: of these ``jobboard`` is read, and ``providers`` where some are named
    :param providers: the names of those providers; empty when it is wanted anyway
    :return: what was seen
    """
    if facts.get("jobboard"):
        return Seen(True, "the jobboard is on")
    seen = no_provider(facts, providers) if providers else Seen(False, "")
    if seen.met:
        return seen
    if facts.get("jobboard") is None:
        return Seen(None, "whether the jobboard is on is not known")
    if seen.met is None:
        return seen
    also = f", and {seen.reason}" if seen.reason else ""
    return Seen(False, f"the jobboard is off{also}", "Set jobboard in the pillar")


#: The checks that the data may name.
CHECKS: dict[str, Callable[..., Seen]] = {
    check.__name__: check
    for check in (
        *(option_set, option_is, option_not, items_known, policy_decided),
        *(no_amphorae, agents_speak, no_provider, jobboard),
    )
}


def _value(facts: Facts, section: str, option: str, default: Any = None) -> Any:
    found = facts["sections"].get(section, {}).get(option)
    return default if found is None else found


def _is_set(value: Any) -> bool:
    return value is not None and value != ""


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool):
        return str(found).strip().lower() in WORDS[wanted]
    return str(found).strip() == str(wanted)


def _items(value: Any) -> list[str]:
    if value is None:
        return []
    parts = value if isinstance(value, (list, tuple)) else str(value).split(",")
    return [text for text in (str(part).strip() for part in parts) if text]


def _version(text: Any) -> tuple[int, ...] | None:
    """A version as numbers, without zeros at its end; None for what is none."""
    if not re.fullmatch(r"\d+(\.\d+)*", str(text)):
        return None
    numbers = [int(part) for part in str(text).split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) or "empty"


def _both(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _are(names: Sequence[str]) -> str:
    return "are" if len(names) > 1 else "is"


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


# -- verdicts -------------------------------------------------------------------------------------


def judge(
    hops: Hops, passed: Iterable[str], facts: Facts, acknowledged: Iterable[Any]
) -> list[Verdict]:
    """
    Which duties are done.

    :param hops: content of ``parameters/hops.yaml``
    :param passed: the releases that the upgrade passes, see :func:`path`
    :param facts: what is known; what is not makes the verdict ``cannot tell``. ``roles``: the
        server roles of the node. ``sections``: what the octavia.conf of the last release will say,
        value by option by section. ``policy``: whether the pillar names a set of policies or rules.
        ``amphorae``: how many there are. ``agents``: by the id of an amphora, the version of the
        API that its agent speaks, None where it could not be asked. ``providers``: names of
        providers that load balancers are of. ``jobboard``: whether it is on
    :param acknowledged: ids of duties that the pillar says are done
    :return: the verdicts on all duties of the releases passed, in the order of the data
    """
    here = set(passed)
    order = list(hops)
    last = max((order.index(name) for name in here if name in order), default=-1)
    by_hand = {str(name) for name in acknowledged}
    over = set(order[: last + 1])
    return [
        {
            "hop": hop,
            **{key: duty[key] for key in ("id", "text", "why", "blocking", "when")},
            **_verdict(duty, facts, by_hand, over),
        }
        for hop in order
        if hop in here
        for duty in hops[hop]
    ]


def _verdict(
    duty: Mapping[str, Any], facts: Facts, by_hand: set[str], over: set[str]
) -> dict[str, str]:
    """Verdict, reason and remedy; ``over`` are the last release of the way and all before it."""
    roles, role, until = facts.get("roles"), duty.get("role"), duty.get("until")
    if duty["id"] in by_hand:
        return _told(DONE, f"{PILLAR} says so")
    if role and roles is not None and role not in roles:
        return _told(NOT_HERE, f"this node has not the role {role}")
    if until in over:
        return _told(DONE, f"it does not matter from {until} on")
    seen = Seen(None, "no check can tell")
    if "check" in duty:
        seen = CHECKS[duty["check"]](facts, **duty.get("with", {}))
    if seen.met:
        return _told(DONE, seen.reason)
    listed = f"list {duty['id']} in {PILLAR} when it is done or does not concern you"
    if seen.met is None:
        return _told(CANNOT_TELL, seen.reason, listed[0].upper() + listed[1:])
    verdict = duty.get("otherwise", NOT_DONE)
    remedy = f"{seen.remedy}, or {listed}" if seen.remedy else listed[0].upper() + listed[1:]
    return _told(verdict, seen.reason, remedy)


def _told(verdict: str, reason: str, remedy: str = "") -> dict[str, str]:
    return {"verdict": verdict, "reason": reason, "remedy": remedy}


def blocked(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """
    The verdicts that stop an upgrade.

    :param verdicts: the verdicts
    :return: those on blocking duties that are due before it and are not done
    """
    return [
        item
        for item in verdicts
        if item["blocking"] and item["when"] == BEFORE and item["verdict"] == NOT_DONE
    ]


def unknown_ids(hops: Hops, acknowledged: Iterable[Any]) -> dict[str, list[str]]:
    """
    What the pillar lists as done and is no duty of any release.

    :param hops: content of ``parameters/hops.yaml``
    :param acknowledged: the ids that the pillar lists
    :return: by such an id the ids that may be meant, nearest first
    """
    known = [duty["id"] for duties in hops.values() for duty in duties]
    names = dict.fromkeys(str(name) for name in acknowledged)
    return {name: get_close_matches(name, known, OFFERED) for name in names if name not in known}


def describe(verdicts: Iterable[Verdict]) -> str:
    """
    Verdicts as text for a state's comment: what stops first, then what else is open.

    :param verdicts: the verdicts
    :return: one line a duty: release, id, verdict, what to do, what was seen, remedy
    """
    ranked = sorted(
        verdicts, key=lambda item: (VERDICTS.index(item["verdict"]), not item["blocking"])
    )
    return "\n".join(_line(item) for item in ranked)


def _line(item: Verdict) -> str:
    verdict = item["verdict"]
    words = [verdict.upper() if verdict == NOT_DONE else verdict]
    if verdict in (NOT_DONE, CANNOT_TELL):
        words += ["blocking"] if item["blocking"] else []
        words += ["after the upgrade"] if item["when"] == AFTER else []
    said = (item["text"], _sentence(item["reason"]), item["remedy"])
    return f"{item['hop']} {item['id']}: {', '.join(words)}: {'. '.join(filter(None, said))}."


def _sentence(text: str) -> str:
    """A text as the beginning of a sentence; a path of the pillar stays as it is."""
    path = ":" in text.partition(" ")[0]
    return text if path else text[:1].upper() + text[1:]
