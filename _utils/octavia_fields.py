"""
The kinds of values that fields of the Octavia API hold.

Each kind knows three things: what is wrong with a declared value (:func:`problem`), how a value is
written into a request (:func:`wire`), and the form in which a declared value and the server's
answer compare (:func:`normal`).
"""

# No annotations as text here, see octavia_blocks.
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

UUID = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
CODES = re.compile(r"\d{3}(\s*,\s*\d{3})*|\d{3}-\d{3}")
DOMAIN = re.compile(r"(?=.{1,253}\.?$)(?:(?!-|[^.]+_)[A-Za-z0-9-_]{1,63}(?<!-)(?:\.|$))+")
VIP_KEYS = ("subnet_id", "ip_address", "port_id")
PERSISTENCE_KEYS = ("type", "cookie_name", "persistence_timeout", "persistence_granularity")
PERSISTENCE_TYPES = ("SOURCE_IP", "HTTP_COOKIE", "APP_COOKIE")


@dataclass(frozen=True)
class Field:
    """
    One field of a resource.

    ``create``, ``update`` and ``tree`` tell where it may be written (``tree``: inside a
    load balancer that one call creates). ``since`` and the values of ``choices`` are minor
    versions of the API. ``minimum`` and ``maximum`` bound a number, or the length of a text.
    ``default`` is what the server fills, and ``reset`` what an unset writes: null, or the default
    where a null means something else; with ``operators`` the default is a setting of the cloud,
    and ``default`` only the one that Octavia ships.
    ``providers`` maps a provider to the values that it takes, none where it refuses the field;
    ``ignored`` names providers that store the field and do nothing about it.
    """

    name: str
    type: str
    create: bool = False
    update: bool = False
    tree: bool = False
    since: int = 0
    required: bool = False
    choices: Mapping[Any, int] | None = None
    minimum: int | None = None
    maximum: int | None = None
    default: Any = None
    reset: Any = None
    operators: bool = False
    providers: Mapping[str, tuple[Any, ...]] | None = None
    ignored: tuple[str, ...] = ()

    def problem(self, value: Any) -> str:
        """What is wrong with a declared value, empty when nothing is."""
        return problem(self, value)

    def wire(self, value: Any) -> Any:
        """A declared value as it is written into a request."""
        return KINDS[self.type].wire(value)

    def normalise(self, value: Any) -> Any:
        """A value, declared or answered, in the form that compares."""
        return KINDS[self.type].normal(value)


@dataclass(frozen=True)
class Kind:
    """How one kind of values is checked, written and compared."""

    problem: Callable[[Any], str]
    wire: Callable[[Any], Any] = lambda value: value
    normal: Callable[[Any], Any] = lambda value: value


def problem(field: Field, value: Any) -> str:
    """
    What is wrong with a declared value.

    :param field: the field
    :param value: what was declared for it
    :return: a reason without a full stop, empty when the value is right
    """
    if value is None:
        return "is null, which means something else for each field of the API"
    return KINDS[field.type].problem(value) or _no_choice(field, value) or _beyond(field, value)


def _no_choice(field: Field, value: Any) -> str:
    if field.choices is None:
        return ""
    items = value if isinstance(value, (list, tuple)) else [value]
    if all(item in field.choices for item in items):
        return ""
    return f"is not one of {', '.join(str(choice) for choice in field.choices)}"


def _beyond(field: Field, value: Any) -> str:
    """A number, or the length of a text, that is out of bounds."""
    low, high = field.minimum, field.maximum
    written = field.wire(value)
    if isinstance(written, str):
        too_long = high is not None and len(written) > high
        return f"has {len(written)} characters, {high} are allowed" if too_long else ""
    if isinstance(written, bool) or not isinstance(written, (int, float)):
        return ""
    if (low is None or written >= low) and (high is None or written <= high):
        return ""
    return f"is below {low}" if high is None else f"is not between {low} and {high}"


def shown_type(value: Any) -> str:
    """The type of a value in YAML's words."""
    words: tuple[tuple[Any, str], ...] = (
        *((bool, "a boolean"), ((int, float), "a number"), (str, "a text")),
        *((Mapping, "a mapping"), ((list, tuple), "a list")),
    )
    fitting = (name for kind, name in words if isinstance(value, kind))
    return next(fitting, f"a {type(value).__name__}")


def _must_be(wanted: str, value: Any) -> str:
    return f"must be {wanted}, not {shown_type(value)}"


def _text(value: Any) -> str:
    return "" if isinstance(value, str) else _must_be("a text", value)


def _boolean(value: Any) -> str:
    return "" if isinstance(value, bool) else _must_be("true or false", value)


def _integer(value: Any) -> str:
    right = isinstance(value, int) and not isinstance(value, bool)
    return "" if right else _must_be("a whole number", value)


def _number(value: Any) -> str:
    right = isinstance(value, (int, float)) and not isinstance(value, bool)
    return "" if right else _must_be("a number", value)


def _uuid(value: Any) -> str:
    return _text(value) or ("" if UUID.fullmatch(value) else "is not an id (a UUID)")


def _address(value: Any) -> str:
    try:
        ipaddress.ip_address(value if isinstance(value, str) else "")
    except ValueError:
        return "is not an IPv4 or IPv6 address"
    return ""


def address(value: Any) -> Any:
    """
    An IP address in its canonical form.

    :param value: what was declared or answered
    :return: the canonical text; anything that is no address comes back as it is
    """
    # A number is one, too, to the library.
    if not isinstance(value, str):
        return value
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        return value


def _network(value: Any) -> str:
    return ipaddress.ip_network(value, strict=False).with_prefixlen


def _cidrs(value: Any) -> str:
    if not isinstance(value, (list, tuple)):
        return _must_be("a list of networks", value)
    for item in value:
        try:
            _network(item if isinstance(item, str) else "")
        except ValueError:
            return f"holds {item!r}, which is not an IPv4 or IPv6 network"
    return ""


def _strings(value: Any) -> str:
    if not isinstance(value, (list, tuple)):
        return _must_be("a list of texts", value)
    wrong = [item for item in value if not isinstance(item, str)]
    return f"holds {wrong[0]!r}, which is not a text" if wrong else ""


def _sequence(value: Any) -> str:
    return _strings(value) or ("" if value else "is an empty list, which the API refuses")


def _unique(value: Any) -> list[Any]:
    return list(dict.fromkeys(value))


def _set(value: Any) -> list[Any]:
    return sorted(set(value or ()))


def _mapping(value: Any, keys: tuple[str, ...]) -> str:
    if not isinstance(value, Mapping):
        return _must_be("a mapping", value)
    unknown = [key for key in value if key not in keys]
    return f"has the unknown key {unknown[0]!r}; known are {', '.join(keys)}" if unknown else ""


def _headers(value: Any) -> str:
    if not isinstance(value, Mapping):
        return _must_be("a mapping of header names to values", value)
    wrong = [name for name, item in value.items() if not isinstance(item, (str, bool))]
    return f"has no text for {wrong[0]}" if wrong else ""


def _header_texts(value: Any) -> dict[str, str]:
    texts = {True: "true", False: "false"}
    pairs = (value or {}).items()
    return {name: texts[item] if isinstance(item, bool) else item for name, item in pairs}


def _persistence(value: Any) -> str:
    found = _mapping(value, PERSISTENCE_KEYS)
    if not found and value.get("type") not in PERSISTENCE_TYPES:
        found = f"needs a type, one of {', '.join(PERSISTENCE_TYPES)}"
    return found


def _without_nulls(value: Any) -> dict[str, Any]:
    return {name: item for name, item in (value or {}).items() if item is not None}


def _vips(value: Any) -> str:
    if not isinstance(value, (list, tuple)):
        return _must_be("a list of mappings", value)
    for item in value:
        found = _mapping(item, VIP_KEYS)
        if not found and not item.get("subnet_id"):
            found = "has an entry without subnet_id"
        if found:
            return found
    return ""


def _vip_set(value: Any) -> list[dict[str, Any]]:
    entries = [_without_nulls(item) for item in value or ()]
    for entry in entries:
        if "ip_address" in entry:
            entry["ip_address"] = address(entry["ip_address"])
    return sorted(entries, key=lambda entry: str(entry.get("subnet_id")))


def _json(value: Any) -> str:
    try:
        parsed = _parsed(value)
    except ValueError:
        return "is a text that is not JSON"
    return "" if isinstance(parsed, Mapping) else _must_be("a mapping (or its JSON)", parsed)


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _parsed_or_same(value: Any) -> Any:
    try:
        return _parsed(value)
    except ValueError:
        return value


def _json_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _url(value: Any) -> str:
    if _text(value):
        return _text(value)
    parts = urlsplit(value)
    return "" if parts.scheme in ("http", "https") and parts.netloc else "is not an HTTP(S) URL"


def _path(value: Any) -> str:
    right = isinstance(value, str) and value.startswith("/") and not re.search(r"\s", value)
    return "" if right else "is not a path that begins with a slash"


def _codes(value: Any) -> str:
    right = not isinstance(value, bool) and CODES.fullmatch(str(value))
    return "" if right else "is not a status code, a list (200,202) or a range (200-204) of codes"


def _domain(value: Any) -> str:
    return _text(value) or ("" if DOMAIN.fullmatch(value) else "is not a domain name")


def _line(value: Any) -> str:
    return _text(value) or ("must be one line" if re.search(r"[\r\n]", value) else "")


def _same_provider(value: Any) -> Any:
    # Two names of one driver: the server repeats the one that it was given.
    return "amphora" if value == "octavia" else value


def _empty_as_text(value: Any) -> Any:
    return "" if value is None else value


KINDS = {
    "text": Kind(_text, normal=_empty_as_text),
    "line": Kind(_line, normal=_empty_as_text),
    "provider": Kind(_text, normal=_same_provider),
    "boolean": Kind(_boolean, normal=bool),
    "integer": Kind(_integer),
    "number": Kind(
        _number, wire=float, normal=lambda value: None if value is None else float(value)
    ),
    "id": Kind(_uuid, normal=lambda value: value.lower() if isinstance(value, str) else value),
    "address": Kind(_address, wire=address, normal=address),
    "cidrs": Kind(
        _cidrs,
        wire=lambda value: _unique(_network(item) for item in value),
        normal=lambda value: _set(_network(item) for item in value or ()),
    ),
    "strings": Kind(_strings, wire=_unique, normal=_set),
    # A set that may not be empty.
    "sequence": Kind(_sequence, wire=_unique, normal=_set),
    "headers": Kind(_headers, wire=_header_texts, normal=_header_texts),
    "persistence": Kind(_persistence, wire=_without_nulls, normal=_without_nulls),
    "vips": Kind(_vips, wire=list, normal=_vip_set),
    "json": Kind(_json, wire=_json_text, normal=_parsed_or_same),
    "url": Kind(_url, normal=_empty_as_text),
    "path": Kind(_path),
    "codes": Kind(_codes, wire=str, normal=lambda value: str(value or "").replace(" ", "")),
    "domain": Kind(_domain, normal=_empty_as_text),
}


def same(field: Field, wanted: Any, found: Any) -> bool:
    """
    Whether the server already holds what was declared.

    :param field: the field
    :param wanted: the declared value
    :param found: the server's value
    :return: True when nothing would have to be written; of additional VIPs only what was declared
        counts, since the server fills in the rest
    """
    left, right = field.normalise(wanted), field.normalise(found)
    if field.type != "vips":
        return bool(left == right)
    return len(left) == len(right) and all(
        mine.items() <= theirs.items() for mine, theirs in zip(left, right)
    )
