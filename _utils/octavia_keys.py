"""
Blocks of the pillar that are the formula's own: their keys, the types of their values, and the
settings in force.
"""

# No annotations as text here, see octavia_blocks.
import difflib
from collections.abc import Mapping
from typing import Any

try:
    import octavia_findings as findings
    import octavia_pki_pem as pem
    import octavia_values as values
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_pki_pem as pem
    from salt_formula_octavia.utils import octavia_values as values

Finding = findings.Finding
#: Keys with the types of their values: those of options, :data:`PEM`, :data:`FILE`, or keys.
Keys = Mapping[str, Any]

PEM, FILE = "pem", "file"
STRING = {"type": "string"}
BOOLEAN = {"type": "boolean"}
LIST = {"type": "list", "item_type": "string"}


def settings(pillar: Any, defaults: Mapping[str, Any], known: Keys) -> dict[str, Any]:
    """
    The settings in force. A default stays where it has keys and the pillar's value has none, or the
    other way round.

    :param pillar: the block as it stands in the pillar; None where there is nothing
    :param defaults: what ``parameters/defaults.yaml`` has for it
    :param known: the keys with the types of their values
    :return: the defaults with the pillar's values over them
    """
    result = {key: dict(value) if _has_keys(value) else value for key, value in defaults.items()}
    for key, value in (pillar if isinstance(pillar, Mapping) else {}).items():
        if value is None or _has_keys(value) is not _has_keys(result.get(key, value)):
            continue
        kind = known.get(key)
        if not _has_keys(value):
            result[key] = _parsed(kind, value)
            continue
        kinds = kind if isinstance(kind, Mapping) else {}
        given = {name: item for name, item in value.items() if item is not None}
        parsed = {name: _parsed(kinds.get(name), item) for name, item in given.items()}
        result[key] = {**result.get(key, {}), **parsed}
    return result


def _parsed(kind: Any, value: Any) -> Any:
    """A value as its type has it: numbers and lists may be written as text."""
    if not _has_keys(kind) or "type" not in kind or values.problem(kind, value):
        return value
    return values.parsed(kind, value)


def _has_keys(value: Any) -> bool:
    return isinstance(value, Mapping)


def check(given: Any, known: Keys, path: str) -> list[Finding]:
    """
    What is wrong with the keys of a block and their values.

    :param given: what stands in the pillar
    :param known: the keys with the types of their values
    :param path: the pillar path
    :return: the findings
    """
    if not isinstance(given, Mapping):
        remedy = f"Write its keys below it: {', '.join(known)}"
        return [findings.error(path, findings.MASK, "is not a mapping", remedy)]
    found = []
    for key, value in given.items():
        where = f"{path}:{key}"
        kind = known.get(key)
        if kind is None:
            near = difflib.get_close_matches(str(key), known, 1)
            remedy = f"Did you mean {near[0]}" if near else f"Known keys: {', '.join(known)}"
            found.append(findings.error(where, None, "is an unknown key", remedy))
        elif value is not None:
            found += _value(kind, value, where)
    return found


def _value(kind: Any, value: Any, path: str) -> list[Finding]:
    if kind == PEM:
        return _pem(value, path)
    if kind == FILE:
        if isinstance(value, str) and value.startswith("/"):
            return []
        shown = findings.masked(path, value)
        return [findings.error(path, shown, "is no absolute path", "Write the path from / on")]
    if "type" not in kind:
        return check(value, kind, path)
    wrong = values.problem(kind, value)
    if kind == BOOLEAN and not isinstance(value, bool):
        wrong = "is neither true nor false"
    if not wrong:
        return []
    shown = findings.masked(path, value)
    return [findings.error(path, shown, wrong.rstrip("."), "Correct it, or leave it out")]


def _pem(value: Any, path: str) -> list[Finding]:
    try:
        if not isinstance(value, str):
            remedy = "Write it as a block of text after |, from BEGIN to END"
            raise pem.BadPem("is no text", remedy)
        _, mended = pem.repair(value)
    except pem.BadPem as problem:
        return [findings.error(path, findings.MASK, problem.reason, problem.remedy)]
    if not mended:
        return []
    reason = f"had {' and '.join(mended)} in it, which was mended"
    remedy = "Write it as a block of text after |, each line below the other"
    return [findings.warning(path, findings.MASK, reason, remedy)]
