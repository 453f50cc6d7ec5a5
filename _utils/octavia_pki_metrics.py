"""How long certificates last, in the form that the node exporter's textfile collector reads."""

# No annotations as text here, see octavia_blocks.
import datetime
from collections.abc import Iterable, Mapping
from typing import Any

END = "octavia_certificate_end_seconds"
UNREADABLE = "octavia_certificate_unreadable"
HELP = {
    END: "When a certificate ends, in seconds since 1970.",
    UNREADABLE: "Certificates of which no end is known.",
}


def text(rows: Iterable[Mapping[str, Any]]) -> str:
    """
    The end of certificates as metrics. The end, and not the days that are left, so that what was
    written yesterday is still right today.

    :param rows: as :mod:`octavia_pki_expiry` makes them
    :return: the text of the file; the same for the same certificates, in whatever order they come
    """
    ends: dict[str, int] = {}
    unreadable: dict[str, int] = {}
    for row in rows:
        if row["days_left"] is None:
            unreadable[_labels(row, ("kind", "where"))] = 1
            continue
        end = datetime.datetime.fromisoformat(row["expires"].replace("Z", "+00:00"))
        seconds = int(end.timestamp())
        # Of two certificates of one name in a file the one that ends first is what matters, and the
        # node exporter refuses a file with both.
        labels = _labels(row, ("kind", "where", "name"))
        ends[labels] = min(seconds, ends.get(labels, seconds))
    lines = []
    for name, found in ((END, ends), (UNREADABLE, unreadable)):
        lines += [f"# HELP {name} {HELP[name]}", f"# TYPE {name} gauge"]
        lines += [f"{name}{labels} {value}" for labels, value in sorted(found.items())]
    return "\n".join([*lines, ""])


def _labels(row: Mapping[str, Any], keys: Iterable[str]) -> str:
    return "{" + ",".join(f'{key}="{_escaped(str(row[key]))}"' for key in keys) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
