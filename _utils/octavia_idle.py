"""
What Octavia is at work on: objects that are PENDING, as the database has them. The load balancer is
the lock of its whole tree, so work goes on where a load balancer is PENDING, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

LOAD_BALANCER = "loadbalancer"
#: How many objects a text names.
NAMED = 10

Row = Mapping[str, Any]


def judge(rows: Iterable[Row], now: str, stuck_after: float) -> dict[str, list[dict[str, Any]]]:
    """
    Which objects are worth waiting for.

    :param rows: ``kind``, ``id``, ``name``, ``status``, ``since`` (in UTC), ``loadbalancer_id``
        and ``loadbalancer_status`` of each object that is PENDING
    :param now: the time of the database, in UTC
    :param stuck_after: seconds after which nobody works on a load balancer any more
    :return: ``waiting`` (load balancers that are worked on), ``stuck`` (those that have been
        PENDING for too long) and ``left`` (objects that are PENDING though their load balancer is
        not), each with ``age`` in seconds, None where that is not known
    """
    found: dict[str, list[dict[str, Any]]] = {"waiting": [], "stuck": [], "left": []}
    for row in rows:
        item = {**row, "age": age(row.get("since"), now)}
        if row["kind"] != LOAD_BALANCER:
            if not str(row.get("loadbalancer_status") or "").startswith("PENDING"):
                found["left"].append(item)
        elif item["age"] is not None and item["age"] >= stuck_after:
            found["stuck"].append(item)
        else:
            found["waiting"].append(item)
    for items in found.values():
        items.sort(key=lambda item: (-(item["age"] or 0), str(item["id"])))
    return found


def age(since: Any, now: str) -> int | None:
    """
    How long ago something was.

    :param since: when, in UTC; None or empty for never
    :param now: the time, in UTC
    :return: seconds; None for never
    """
    if not since:
        return None
    return max(0, int((_time(now) - _time(str(since))).total_seconds()))


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def describe(items: list[dict[str, Any]]) -> str:
    """
    Objects in words, the oldest first.

    :param items: as in the answer of :func:`judge`
    :return: kind, name, id, status and age of the first of them, and how many more there are
    """
    told = "; ".join(_one(item) for item in items[:NAMED])
    more = len(items) - NAMED
    return f"{told}; and {more} more" if more > 0 else told


def _one(item: Mapping[str, Any]) -> str:
    name = f" {item['name']}" if item.get("name") else ""
    age = "" if item["age"] is None else f" for {duration(item['age'])}"
    return f"{item['kind']}{name} ({item['id']}) {item['status']}{age}"


def duration(seconds: float) -> str:
    """
    A time span in words.

    :param seconds: the span
    :return: ``42 s``, ``12 min``, ``3 h 5 min`` or ``2 d 4 h``
    """
    whole = int(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    if whole < 172800:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def told_stuck(items: list[dict[str, Any]]) -> str:
    """
    What to do about load balancers that nobody works on any more.

    :param items: the load balancers
    :return: the text; empty for none
    """
    if not items:
        return ""
    return (
        f"Nobody works on these any more, so they are not waited for: {describe(items)}. Once no "
        "worker runs, set their provisioning_status to ERROR in the database, one by one, and fail "
        "them over or delete them afterwards, see docs/upgrade.rst"
    )
