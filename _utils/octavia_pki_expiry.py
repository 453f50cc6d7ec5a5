"""How long certificates last: those of a controller, and those of all amphorae."""

# No annotations as text here, see octavia_blocks.
import datetime
from collections.abc import Iterable, Mapping
from typing import Any

try:
    import octavia_pki_load as load
    import octavia_pki_names as names
    import octavia_pki_pem as pem
except ImportError:
    from salt_formula_octavia.utils import octavia_pki_load as load
    from salt_formula_octavia.utils import octavia_pki_names as names
    from salt_formula_octavia.utils import octavia_pki_pem as pem

Row = dict[str, Any]
#: Files with certificates; the bundle stands for its halves.
FILES = (names.CA, names.SERVER_TRUST, names.CLIENT_TRUST, names.BUNDLE)


def of_files(
    files: Mapping[str, names.File], contents: Mapping[str, bytes], now: datetime.datetime
) -> list[Row]:
    """
    The certificates in the files of a controller, each file once.

    :param files: the files
    :param contents: contents by path
    :param now: the time it is, in UTC
    :return: for each certificate ``kind`` (``file``), ``where``, ``name``, ``expires`` and
        ``days_left``; of a file that cannot be read ``days_left`` is None and ``problem`` says why
    """
    rows = []
    for path in dict.fromkeys(files[name].path for name in FILES if name in files):
        try:
            found = load.certificates(contents[path])
        except KeyError:
            rows.append(unknown("file", path, "it is not there"))
            continue
        except pem.BadPem as problem:
            rows.append(unknown("file", path, f"it {problem.reason}"))
            continue
        rows += [
            _row("file", path, load.name(item), item.not_valid_after_utc, now) for item in found
        ]
    return rows


def of_amphorae(amphorae: Iterable[Mapping[str, Any]], now: datetime.datetime) -> list[Row]:
    """
    The certificates of amphorae, as the API knows their ends (``cert_expiration``, in UTC).

    :param amphorae: amphorae as the API lists them
    :param now: the time it is, in UTC
    :return: as :func:`of_files`, with the kind ``amphora`` and the load balancer's id as name
    """
    rows = []
    for item in amphorae:
        if item.get("status") == "DELETED":
            continue
        where, end = str(item["id"]), item.get("cert_expiration")
        name = f"load balancer {item.get('loadbalancer_id') or 'none'}"
        if not end:
            rows.append(unknown("amphora", where, "Octavia does not know its end", name))
            continue
        parsed = datetime.datetime.fromisoformat(str(end).replace("Z", "+00:00"))
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=datetime.timezone.utc)
        rows.append(_row("amphora", where, name, parsed, now))
    return rows


def worst_first(rows: Iterable[Row]) -> list[Row]:
    """
    Rows in the order in which somebody should look at them.

    :param rows: the rows
    :return: those of which nothing is known first, then those that end soonest
    """
    return sorted(
        rows,
        key=lambda row: (row["days_left"] is not None, row["days_left"] or 0, row["where"]),
    )


def _row(kind: str, where: str, name: str, end: datetime.datetime, now: datetime.datetime) -> Row:
    left = (end - now) // datetime.timedelta(days=1)
    expires = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"kind": kind, "where": where, "name": name, "expires": expires, "days_left": left}


def unknown(kind: str, where: str, problem: str, name: str = "") -> Row:
    """
    The row of something of which no end is known.

    :param kind: ``file`` or ``amphora``
    :param where: path or id
    :param problem: why nothing is known
    :param name: the name of the certificate, where that is known
    :return: the row
    """
    row: Row = {"kind": kind, "where": where, "name": name, "expires": "", "days_left": None}
    return {**row, "problem": problem}
