"""
What becomes of an option whose name or form is another in the release in force.

The option history knows renames (:func:`octavia_schema.find`). Here is what it cannot know: options
that were joined or split, values whose form changed with the name, and options that must not be
left out in silence because security hangs on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

try:
    import octavia_schema as schema
    import octavia_values as values
except ImportError:
    from salt_formula_octavia.utils import octavia_schema as schema
    from salt_formula_octavia.utils import octavia_values as values

Name = tuple[str, str]

#: A release that lacks one of these refuses the pillar that asks for it.
SECURITY: frozenset[Name] = frozenset(
    {
        ("certificates", "server_certs_key_passphrase"),
        ("certificates", "ca_private_key_passphrase"),
        ("api_settings", "minimum_tls_version"),
        ("api_settings", "tls_cipher_prohibit_list"),
        ("amphora_agent", "agent_tls_protocol"),
        ("networking", "reserved_ips"),
        ("networking", "denylist_vip_networks"),
        ("oslo_policy", "enforce_scope"),
        ("oslo_policy", "enforce_new_defaults"),
        ("oslo_messaging_rabbit", "ssl_enforce_hostname_verification"),
    }
)
#: Switches that were removed because they are always on from that release.
ALWAYS_ON: dict[Name, str] = {("oslo_policy", "enforce_scope"): "2026.2"}


class Translated(NamedTuple):
    """
    An option as the release in force has it.

    :ivar section: its section
    :ivar option: its name
    :ivar era: what the release says of it
    :ivar value: the value in the form that it takes there
    :ivar lost: what of the value has no place there, to be told; mostly empty
    """

    section: str
    option: str
    era: Mapping[str, Any]
    value: Any
    lost: str = ""


def translate(
    options: Mapping[str, Any], release: str, name: Name, value: Any, beside: Mapping[str, Any]
) -> Translated | None:
    """
    Finds an option's name and form in a release.

    :param options: content of ``parameters/options.json``
    :param release: name of the release
    :param name: section and option as the pillar has them
    :param value: its value
    :param beside: the options that stand beside it in the pillar, itself included
    :return: the option as the release has it; None where it has nothing of the kind, or more than
        one thing that could be meant
    """
    known = schema.find(options, release, *name)
    if known is None:
        return _joined(options, release, name, value, beside)
    converted, lost = value, ""
    if isinstance(value, (list, tuple)) and _takes_one(options, name, known.era):
        converted = value[0] if value else None
        if len(value) > 1:
            lost = f"{release} takes one value here: the first of {len(value)} was written"
    return Translated(known.section, known.option, known.era, converted, lost)


def _takes_one(options: Mapping[str, Any], name: Name, era: Mapping[str, Any]) -> bool:
    """Whether an option that is a list in later releases takes one value in this one."""
    history = options["sections"].get(name[0], {}).get(name[1], [])
    later = any(other["type"] == "list" for other in history)
    return later and era["type"] not in ("list", "multi", "dict")


def _joined(
    options: Mapping[str, Any], release: str, name: Name, value: Any, beside: Mapping[str, Any]
) -> Translated | None:
    """An option for which an older release has another one, made by a rule of :data:`JOINED`."""
    rule = JOINED.get(name)
    if rule is None:
        return None
    target, convert = rule(beside)
    era = schema.option(options, release, *target)
    if era is None:
        return None
    converted, lost = convert(value, beside)
    return Translated(*target, era, converted, lost)


Convert = Callable[[Any, Mapping[str, Any]], tuple[Any, str]]
Rule = Callable[[Mapping[str, Any]], tuple[Name, Convert]]


def _interface(value: Any, beside: Mapping[str, Any]) -> tuple[Any, str]:
    """`valid_interfaces` as the `endpoint_type` of the clients of old."""
    del beside
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, (list, tuple)) or not value:
        return None if value == [] else value, ""
    lost = f"only the first of {len(value)} interfaces was written" if len(value) > 1 else ""
    first = value[0]
    return (f"{first.removesuffix('URL')}URL" if isinstance(first, str) else first), lost


def _more_threads(value: Any, beside: Mapping[str, Any]) -> tuple[Any, str]:
    """One number of threads for health and statistics: the greater of the two."""
    names = ("health_update_threads", "stats_update_threads")
    numbers = []
    for item in (value, *(beside.get(name) for name in names)):
        if item is not None and values.problem({"type": "integer"}, item):
            return value, ""
        if item is not None:
            numbers.append(int(item))
    return (max(numbers) if numbers else None), ""


def _as_it_is(value: Any, beside: Mapping[str, Any]) -> tuple[Any, str]:
    del beside
    return value, ""


def _to(section: str, option: str, convert: Convert) -> Rule:
    return lambda _beside: ((section, option), convert)


def _of_backend(option: str) -> Rule:
    """What memcached and Redis have in common since 2026.1 had a name for each before."""

    def rule(beside: Mapping[str, Any]) -> tuple[Name, Convert]:
        backend = "redis" if "redis" in str(beside.get("backend")) else "memcache"
        return ("cache", f"{backend}_{option}"), _as_it_is

    return rule


#: What older releases have in place of an option, beyond renames.
JOINED: dict[Name, Rule] = {
    ("neutron", "valid_interfaces"): _to("neutron", "endpoint_type", _interface),
    ("health_manager", "health_update_threads"): _to(
        "health_manager", "status_update_threads", _more_threads
    ),
    ("health_manager", "stats_update_threads"): _to(
        "health_manager", "status_update_threads", _more_threads
    ),
    ("cache", "username"): _of_backend("username"),
    ("cache", "password"): _of_backend("password"),
    ("cache", "socket_timeout"): _of_backend("socket_timeout"),
}


def refuses(options: Mapping[str, Any], release: str, name: Name, value: Any) -> bool:
    """
    Whether an option that the release lacks must not just be left out.

    :param options: content of ``parameters/options.json``
    :param release: name of the release
    :param name: section and option as the pillar has them
    :param value: its value
    :return: True where security hangs on it and the release would do otherwise
    """
    if name not in SECURITY or value is None:
        return False
    era = options["sections"][name[0]][name[1]][-1]
    wanted = value if values.problem(era, value) else values.parsed(era, value)
    places = options["releases"].index
    since = ALWAYS_ON.get(name)
    if since and places(release) >= places(since):
        return wanted is not True
    return bool(wanted)


def instead(options: Mapping[str, Any], name: Name) -> str:
    """
    What takes the place of an option that is gone.

    :param options: content of ``parameters/options.json``
    :param name: section and option
    :return: a sentence without a full stop, empty where nothing is known
    """
    told: str = options["instead"].get("/".join(map(str, name)), "")
    return told
