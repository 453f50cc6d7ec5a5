"""What differs between two snapshots of everything that the API shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# By collection and id, the fields of each object.
Snapshot = dict[str, dict[str, dict[str, Any]]]
_NOTHING = object()


def differences(before: Snapshot, after: Snapshot) -> list[str]:
    """
    What is not as it was, field by field.

    Fields that no object of the collection had before are told by :func:`added_fields`. Nothing
    else is left out: an upgrade changes not even ``updated_at``.

    :param before: a snapshot
    :param after: a later one
    :return: lines of the form ``path: old -> new``
    """
    found: list[str] = []
    for collection in sorted({*before, *after}):
        old, new = before.get(collection, {}), after.get(collection, {})
        added = _fields(new) - _fields(old)
        for key in sorted({*old, *new}):
            path = f"{collection}/{_name(old.get(key) or new[key])}"
            if key not in old or key not in new:
                found.append(
                    f"{path}: {'there' if key in old else 'not there'} -> "
                    f"{'there' if key in new else 'gone'}"
                )
                continue
            kept = {name: value for name, value in new[key].items() if name not in added}
            found += _differences(path, old[key], kept)
    return found


def added_fields(before: Snapshot, after: Snapshot) -> list[str]:
    """
    The fields that only objects of the later snapshot have, as a newer API adds them.

    :param before: a snapshot
    :param after: a later one
    :return: ``collection.field`` of each
    """
    return sorted(
        f"{collection}.{name}"
        for collection in after
        for name in _fields(after[collection]) - _fields(before.get(collection, {}))
    )


def not_active(snapshot: Snapshot) -> list[str]:
    """The objects whose provisioning status is another one than ACTIVE, with that."""
    return [
        f"{collection}/{_name(item)}: {item['provisioning_status']}"
        for collection, items in snapshot.items()
        for item in items.values()
        if item.get("provisioning_status", "ACTIVE") != "ACTIVE"
    ]


def _name(item: dict[str, Any]) -> str:
    return f"{item.get('name') or ''}({item['id']})"


def _fields(items: dict[str, dict[str, Any]]) -> frozenset[str]:
    return frozenset(name for item in items.values() for name in item)


def _ordered(value: Any) -> Any:
    """Lists of references in one order: the API gives them in any."""
    if isinstance(value, list) and all(isinstance(item, dict) and "id" in item for item in value):
        return sorted(value, key=lambda item: str(item["id"]))
    return value


def _differences(path: str, old: Any, new: Any) -> Iterator[str]:
    old, new = _ordered(old), _ordered(new)
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted({*old, *new}):
            yield from _differences(
                f"{path}.{name}", old.get(name, _NOTHING), new.get(name, _NOTHING)
            )
    elif old != new:
        yield f"{path}: {_text(old)} -> {_text(new)}"


def _text(value: Any) -> str:
    return "(no such field)" if value is _NOTHING else repr(value)
