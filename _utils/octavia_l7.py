"""The order of L7 policies, and which declared rule is which."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

try:
    import octavia_desired as desired
    from octavia_match import Target
    from octavia_snapshot import Object
except ImportError:
    from salt_formula_octavia.utils import octavia_desired as desired
    from salt_formula_octavia.utils.octavia_match import Target
    from salt_formula_octavia.utils.octavia_snapshot import Object

Key = TypeVar("Key", bound=Hashable)


def placements(current: Sequence[Key], wanted: Sequence[Key]) -> dict[Key, int]:
    """
    The moves and insertions that bring some items into an order, as few as possible.

    Items that are not wanted stay where they are, between the others. The operations must run in
    the order of the result, since each of them renumbers the rest.

    :param current: all items in their order on the server
    :param wanted: some of these and new ones, in the order that they shall have
    :return: by item the position, from 1, to which it is moved or at which it is inserted
    """
    place = {item: index for index, item in enumerate(current)}
    kept = _longest_rise([item for item in wanted if item in place], place)
    line = list(current)
    moves: dict[Key, int] = {}
    before: Key | None = None
    for item in wanted:
        if item not in kept:
            if item in place:
                line.remove(item)
            index = _slot(line, before, [one for one in wanted if one in kept])
            line.insert(index, item)
            moves[item] = index + 1
        before = item
    return moves


def _slot(line: list[Key], before: Key | None, kept: list[Key]) -> int:
    if before is not None:
        return line.index(before) + 1
    return line.index(kept[0]) if kept else len(line)


def _longest_rise(items: Sequence[Key], place: Mapping[Key, int]) -> set[Key]:
    """The longest run of items that are in the right order already."""
    ends: list[int] = []
    best: list[Key] = []
    before: dict[Key, Key | None] = {}
    for item in items:
        index = bisect_left(ends, place[item])
        before[item] = best[index - 1] if index else None
        ends[index : index + 1] = [place[item]]
        best[index : index + 1] = [item]
    run: set[Key] = set()
    item_or_none = best[-1] if best else None
    while item_or_none is not None:
        run.add(item_or_none)
        item_or_none = before[item_or_none]
    return run


def pair_rules(
    targets: list[Target], lives: Iterable[Object], spare: bool
) -> tuple[list[Target], list[Object]]:
    """
    Finds declared rules among those of a policy, which have no names: by what they say.

    :param targets: the declared rules
    :param lives: the rules on the server
    :param spare: whether rules that nobody declared may be rewritten into declared ones
    :return: the targets, and the rules that are left over
    """
    left: dict[Any, list[Object]] = {}
    for live in lives:
        left.setdefault(desired.identity("l7rule", live), []).append(live)
    for target in targets:
        alike = left.get(desired.identity("l7rule", target.node.fields))
        if alike:
            target.live = alike.pop(0)
    rest = [live for alike in left.values() for live in alike]
    for target in targets:
        if spare and rest and target.live is None and not target.node.absent:
            target.live = rest.pop(0)
    return targets, rest
