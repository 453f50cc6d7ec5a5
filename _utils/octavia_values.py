"""Values of octavia.conf: checked as oslo.config checks them, written as it reads them back.

All functions are pure. An *option* is an era of ``octavia_schema``: a mapping with ``type`` and,
where they hold, ``choices``, ``ignore_case``, ``min``, ``max``, ``regex``, ``item_type``,
``item_choices`` and ``item_regex``.

What oslo.config does with a value, in this order (the same in 9.0 and 10.7):

1. it takes a line's text after the first ``=``, strips blanks, and then one pair of like quotes;
   nothing in it starts a comment, and ``%`` has no meaning;
2. it reads ``$name`` as a reference to another option, ``$$`` and ``\\$`` as a dollar;
3. it splits lists at every comma and dicts at every comma and first colon, strips each part, and
   knows no quoting for the parts.
"""

from __future__ import annotations

import math
import re
import socket
from collections.abc import Callable, Mapping
from typing import Any

Option = Mapping[str, Any]

TRUE = ("true", "1", "on", "yes")
FALSE = ("false", "0", "off", "no")

#: Characters that would end the line, or that no configuration file may hold.
FORBIDDEN = {"\n": "a line break", "\r": "a carriage return", "\0": "a NUL character"}

PORTS = (0, 65535)

#: The type that a value of an unknown option suggests. A boolean is an int too, so it comes first.
VALUE_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "float"),
    ((list, tuple), "list"),
    (dict, "dict"),
)


class _Invalid(ValueError):
    """A value does not fit; the text says why and may show the value. ``plain`` never shows it."""

    def __init__(self, why: str, plain: str = "") -> None:
        super().__init__(why)
        self.plain = plain or why


def problem(option: Option, value: Any, secret: bool = False) -> str | None:
    """Say why a value is not valid for an option.

    Numbers and booleans may also be strings that oslo.config would read as such. None is always
    valid: it leaves the option out.

    :param option: the option's era.
    :param value: what the pillar holds: a bool, int, float, str, list, dict or None.
    :param secret: never show the value. An option that the schema marks secret needs no such hint.
    :return: the reason, to be read after the option's name, or None for a valid value.
    """
    try:
        _lines(option, value)
    except _Invalid as error:
        return error.plain if secret or option.get("secret") else str(error)
    return None


def text(option: Option, value: Any) -> list[str]:
    """Write a value so that oslo.config reads it back.

    :param option: the option's era.
    :param value: a value for which ``problem`` found nothing.
    :return: what stands to the right of ``name =``: one string for each line to write. A ``multi``
        option has as many lines as values; None has no line.
    :raises ValueError: for a value that is not valid; the error does not show it.
    """
    try:
        return [_protected(line) for line in _lines(option, value)]
    except _Invalid as error:
        raise ValueError(f"the value {error.plain}") from None


def parsed(option: Option, value: Any) -> Any:
    """What oslo.config reads back from the text of a value.

    :param option: the option's era.
    :param value: a value for which ``problem`` found nothing.
    :return: a bool, int, float, str, list or dict by the option's type; None for no line at all.
        Parts of lists and dicts are text.
    :raises ValueError: for a value that is not valid; the error does not show it.
    """
    try:
        lines = _lines(option, value)
    except _Invalid as error:
        raise ValueError(f"the value {error.plain}") from None
    kind = option["type"]
    if value is None or kind == "multi":
        return lines or None
    (line,) = lines
    if kind == "list":
        return [part.strip() for part in line.split(",")] if line else []
    if kind == "dict":
        return _parsed_dict(line)
    if kind == "boolean":
        return line == "true"
    return {"integer": int, "port": int, "float": float}.get(kind, str)(line)


def untyped(value: Any) -> Option:
    """An option of the type that a value suggests, for an option that no schema knows.

    :param value: what the pillar holds.
    :return: ``{"type": ...}``, to be handed to ``problem`` and ``text``.
    """
    for kind, name in VALUE_TYPES:
        if isinstance(value, kind):
            return {"type": name}
    return {"type": "string"}


def _lines(option: Option, value: Any) -> list[str]:
    """The value's text before protection, one string a line."""
    kind = option["type"]
    if value is None:
        return []
    if kind == "multi":
        return _multi(option, value)
    if kind == "list":
        return [_list(option, value)]
    if kind == "dict":
        return [_dict(value)]
    return [_single(option, value)]


def _protected(line: str) -> str:
    """Keep a text safe from the reference and quote rules of oslo.config."""
    # A dollar after a backslash needs the other escape, or the two would be read as one dollar.
    line = line.replace("$", "$$").replace("\\$$", "\\\\$")
    if line != line.strip() or (line and line[0] == line[-1] and line[0] in "\"'"):
        return f'"{line}"'
    return line


def _multi(option: Option, value: Any) -> list[str]:
    values = value if isinstance(value, (list, tuple)) else [value]
    if not values and option.get("default"):
        raise _Invalid("is an empty list, which cannot be written: the default would stay")
    return [_item(option, item, place) for place, item in enumerate(values, 1)]


def _list(option: Option, value: Any) -> str:
    if isinstance(value, str):
        joined = value.strip().rstrip(",")
        values: list[Any] = [part.strip() for part in joined.split(",")] if joined else []
    elif isinstance(value, (list, tuple)):
        values = list(value)
    elif isinstance(value, (bool, dict)):
        raise _Invalid(f"must be a list, not {_kind(value)}")
    else:
        values = [value]
    items = [_item(option, item, place, ",") for place, item in enumerate(values, 1)]
    if items and not items[-1]:
        raise _Invalid(f"item {len(items)} is empty, which cannot be written at the end of a list")
    return ",".join(items)


def _item(option: Option, value: Any, place: int, separators: str = "") -> str:
    """One value of a list or multi option."""
    rules = {
        "type": option.get("item_type", "string"),
        "choices": option.get("item_choices"),
        "regex": option.get("item_regex"),
    }
    return _part(rules, value, f"item {place}", separators)


def _dict(value: Any) -> str:
    if isinstance(value, str):
        value = _parsed_dict(value)
    if not isinstance(value, dict):
        raise _Invalid(f"must be a mapping, not {_kind(value)}")
    pairs: dict[str, str] = {}
    for key, item in value.items():
        name = _part({"type": "string"}, key, "a key", ",:")
        if not name:
            raise _Invalid("has an empty key")
        if name in pairs:
            raise _Invalid(f"has the key {name} twice")
        # Null leaves the key out, as it leaves an option out.
        if item is not None:
            pairs[name] = _part(untyped(item), item, f"the value of {name}", ",")
    return ",".join(f"{name}:{written}" for name, written in pairs.items())


def _parsed_dict(value: str) -> dict[str, str]:
    """Read ``key:value,key:value`` as oslo.config does."""
    result: dict[str, str] = {}
    for pair in value.split(",") if value.strip() else []:
        key, colon, item = (part.strip() for part in pair.partition(":"))
        if not colon:
            raise _Invalid("must be a mapping, or pairs key:value separated by commas")
        if key in result:
            raise _Invalid(f"has the key {key} twice")
        result[key] = item
    return result


def _part(rules: Option, value: Any, what: str, separators: str) -> str:
    """One part of a list, dict or multi option; ``what`` names it in the reason.

    Where there are separators, oslo.config must be able to tell the part from the next one.
    """
    if value is None or isinstance(value, (list, tuple, dict)):
        raise _Invalid(f"{what} must be a single value, not {_kind(value)}")
    try:
        written = _single(rules, value)
    except _Invalid as error:
        raise _Invalid(f"{what} {error}", f"{what} {error.plain}") from None
    for character in separators:
        if character in written:
            why = f"must not contain {character!r}, at which oslo.config would split it"
            raise _Invalid(f"{what} {why}")
    if separators and written != written.strip():
        why = "must not begin or end with a blank, which oslo.config would strip"
        raise _Invalid(f"{what} {why}")
    return written


def _single(option: Option, value: Any) -> str:
    """Check one value and give its text."""
    written = CHECKS[option["type"]](option, value)
    for character, name in FORBIDDEN.items():
        if character in written:
            raise _Invalid(f"must not contain {name}")
    try:
        written.encode()
    except UnicodeEncodeError:
        raise _Invalid("must be text that UTF-8 can encode") from None
    return written


def _string(option: Option, value: Any) -> str:
    if isinstance(value, bool):
        raise _Invalid("must be text, not a boolean; put it in quotes if the word is meant")
    if isinstance(value, float):
        raise _Invalid("must be text, not a number with a point; put it in quotes")
    if not isinstance(value, (str, int)):
        raise _Invalid(f"must be text, not {_kind(value)}")
    written = str(value)
    choices = option.get("choices")
    if choices:
        known = [str(choice) for choice in choices]
        if option.get("ignore_case"):
            fits = written.lower() in [choice.lower() for choice in known]
        else:
            fits = written in known
        if not fits:
            names = ", ".join(choice or "'' (empty)" for choice in known)
            raise _Invalid(f"must be one of {names}, not {value!r}", f"must be one of {names}")
    if option.get("regex"):
        flags = re.IGNORECASE if option.get("ignore_case") else 0
        if not re.search(option["regex"], written, flags):
            wanted = f"must match {option['regex']}"
            raise _Invalid(f"{wanted}, which {value!r} does not", wanted)
    return written


def _boolean(option: Option, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        word = str(value).lower()
        if word in TRUE:
            return "true"
        if word in FALSE:
            return "false"
    wanted = "must be true or false"
    raise _Invalid(f"{wanted}, not {value!r}", wanted)


def _integer(option: Option, value: Any) -> str:
    number = _number(value, int, "a whole number")
    _in_range(option, number, option.get("min"), option.get("max"))
    return str(number)


def _port(option: Option, value: Any) -> str:
    number = _number(value, int, "a port number")
    _in_range(option, number, option.get("min", PORTS[0]), option.get("max", PORTS[1]))
    return str(number)


def _float(option: Option, value: Any) -> str:
    number = _number(value, float, "a number")
    if not math.isfinite(number):
        raise _Invalid("must be a finite number")
    _in_range(option, number, option.get("min"), option.get("max"))
    return str(value) if isinstance(value, int) else repr(number)


def _number(value: Any, wanted: type, name: str) -> Any:
    allowed = (str, int, float) if wanted is float else (str, int)
    if isinstance(value, allowed) and not isinstance(value, bool):
        try:
            return wanted(value)
        except (ValueError, OverflowError):
            pass
    raise _Invalid(f"must be {name}, not {value!r}", f"must be {name}")


def _in_range(option: Option, number: float, low: float | None, high: float | None) -> None:
    choices = option.get("choices")
    if choices:
        if number not in choices:
            wanted = f"must be one of {', '.join(map(str, choices))}"
            raise _Invalid(f"{wanted}, not {number}", wanted)
        return
    if low is not None and number < low:
        raise _Invalid(f"must be at least {low}, not {number}", f"must be at least {low}")
    if high is not None and number > high:
        raise _Invalid(f"must be at most {high}, not {number}", f"must be at most {high}")


def _ip(option: Option, value: Any) -> str:
    return _fitting(value, _is_ip, "an IPv4 or IPv6 address")


def _hostname(option: Option, value: Any) -> str:
    return _fitting(value, _is_hostname, "a host name")


def _hostaddress(option: Option, value: Any) -> str:
    return _fitting(value, lambda host: _is_ip(host) or _is_hostname(host), "a host name or an IP")


def _uri(option: Option, value: Any) -> str:
    return _fitting(value, _is_uri, "a URI with scheme and host")


def _fitting(value: Any, test: Callable[[str], bool], name: str) -> str:
    if isinstance(value, str) and test(value):
        return value
    raise _Invalid(f"must be {name}, not {value!r}", f"must be {name}")


def _is_ip(value: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, value)
            return True
        except (OSError, ValueError):
            continue
    return False


def _is_hostname(value: str) -> bool:
    labels = value.removesuffix(".").split(".")
    fits = all(
        0 < len(label) <= 63
        and all(char.isascii() and (char.isalnum() or char == "-") for char in label)
        and not label.startswith("-")
        and not label.endswith("-")
        for label in labels
    )
    return fits and len(value) <= 253 and not labels[-1].isdigit()


def _is_uri(value: str) -> bool:
    found = re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*@)?([^/?#]*)([/?#].*)?", value)
    if not found or any(char.isspace() for char in value):
        return False
    host = found.group(2)
    inside = re.fullmatch(r"\[(.*)\](:\d*)?", host)
    if inside:
        return ":" in inside.group(1) and _is_ip(inside.group(1))
    name = re.fullmatch(r"([A-Za-z0-9._~!$&'()*+,;=%-]+)(:\d*)?", host)
    if not name:
        return False
    return _is_ip(name.group(1)) or not re.fullmatch(r"\d+(\.\d+){3}", name.group(1))


def _kind(value: Any) -> str:
    """What a value is, in words of YAML."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "text"
    return f"a {type(value).__name__}"


CHECKS: dict[str, Callable[[Option, Any], str]] = {
    "string": _string,
    "boolean": _boolean,
    "integer": _integer,
    "float": _float,
    "port": _port,
    "ip": _ip,
    "hostname": _hostname,
    "hostaddress": _hostaddress,
    "uri": _uri,
}
