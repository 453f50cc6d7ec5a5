"""
Whether a node is ready for an upgrade: what was seen of it, judged item by item. An item is ``ok``,
a ``stop`` (nothing may be begun), a ``warning``, or ``not checked``, which is never a success.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

try:
    import octavia_duties as duties
    import octavia_findings as findings
    import octavia_idle as idle
except ImportError:
    from salt_formula_octavia.utils import octavia_duties as duties
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_idle as idle

OK, STOP, WARNING, UNCHECKED = "ok", "stop", "warning", "not checked"
RANKS = (STOP, WARNING, UNCHECKED, OK)
MB = 1024 * 1024

Item = dict[str, str]


def item(what: str, state: str, text: str) -> Item:
    """
    One item.

    :param what: what was looked at
    :param state: one of :data:`RANKS`
    :param text: what was seen, and for anything but ``ok`` what to do about it
    :return: the item
    """
    return {"what": what, "state": state, "text": text}


def stops(items: Iterable[Item]) -> list[Item]:
    """The items for which nothing may be begun."""
    return [entry for entry in items if entry["state"] == STOP]


def describe(items: Iterable[Item]) -> str:
    """
    Items as text for a state's comment, what stops first.

    :param items: the items
    :return: a line each, further lines of its text indented
    """
    ranked = sorted(items, key=lambda entry: RANKS.index(entry["state"]))
    return "\n".join(
        f"{entry['state']}: {entry['what']}: " + entry["text"].replace("\n", "\n  ")
        for entry in ranked
    )


def pillar(found: list[findings.Finding], target: str) -> list[Item]:
    """
    What the pillar says, held against the release to come.

    :param found: the findings of its check
    :param target: the release of the pillar
    :return: the items
    """
    what = "pillar"
    if findings.errors(found):
        return [item(what, STOP, findings.describe(found))]
    if found:
        return [item(what, WARNING, findings.describe(found))]
    return [item(what, OK, f"it is valid for {target}" if target else "it is valid")]


def sequence(
    known: list[dict[str, str]], installed: str, target: str, allow_skip: bool, mode: str = "cold"
) -> list[Item]:
    """
    Whether the step from the installed release to the target is one that upstream supports.

    :param known: content of ``parameters/releases.yaml``
    :param installed: the release of the installed packages; empty where there are none
    :param target: the release of the pillar
    :param allow_skip: whether the operator takes the risk of a longer step
    :param mode: ``cold``, or ``rolling`` for one node after the other
    :return: the items
    """
    what = "sequence"
    if not installed:
        text = "no Octavia is installed here: there is nothing to upgrade, apply octavia"
        return [item(what, STOP, text)]
    if installed == target:
        return [item(what, OK, f"{target} is installed already; only later versions of it follow")]
    try:
        skipped = duties.skipped(known, installed, target)
    except duties.Downgrade:
        text = (
            f"{installed} is installed, which is newer than {target}: set version to {installed}. "
            "The way back to an older release is in docs/upgrade.rst"
        )
        return [item(what, STOP, text)]
    migrates = duties.migrates(known, installed, target)
    effect = "migrates the database" if migrates else "leaves the database as it is"
    step = f"{installed} to {target}, which {effect}"
    if migrates and mode == "rolling":
        text = (
            f"{step}: no service of {installed} may run with that of {target}, so it cannot be "
            "rolling. Set octavia:upgrade:mode to cold"
        )
        return [item(what, STOP, text)]
    if not skipped:
        return [item(what, OK, step)]
    left_out = ", ".join(skipped)
    if allow_skip:
        text = f"{step}; {left_out} are skipped since octavia:upgrade:allow_skip says so"
        return [item(what, WARNING, text)]
    text = (
        f"{step}, skips {left_out}. Upstream supports one release after the other: set version to "
        f"{skipped[0]} first, or octavia:upgrade:allow_skip to true if you have tried this step"
    )
    return [item(what, STOP, text)]


def offered(package: Mapping[str, Any], target: str) -> list[Item]:
    """
    Whether the package sources of the node have the release to come.

    :param package: ``name`` and ``release`` of what they offer, empty for none
    :param target: the release of the pillar
    :return: the items
    """
    what = "package sources"
    if package["release"] == target:
        return [item(what, OK, f"they offer {package['name']} {package['version']}, {target}")]
    has = f"{package['version']}, {package['release']}" if package["version"] else "nothing newer"
    text = (
        f"they offer {package['name']} {has}, and the pillar says {target}: point them to {target} "
        "before octavia.upgrade.pkg_latest, which refuses anything else"
    )
    return [item(what, WARNING, text)]


def packages(would: Mapping[str, Any]) -> list[Item]:
    """
    What the packages of the release to come would do to the node.

    :param would: as octavia_upgrade.simulate gives it, an ``error``, or why it is ``unknown``
    :return: the items
    """
    what = "packages"
    if would.get("unknown"):
        return [item(what, UNCHECKED, str(would["unknown"]))]
    if would.get("error"):
        return [item(what, STOP, str(would["error"]))]
    if would["data_plane"]:
        text = (
            f"packages of the data plane would be touched: {', '.join(would['data_plane'])}. "
            "Upgrade them apart first, with the tenants' traffic in mind"
        )
        return [item(what, STOP, text)]
    gone = f", these would go: {', '.join(would['removed'])}" if would["removed"] else ""
    return [item(what, OK, f"{len(would['changes'])} would change{gone}")]


def options(
    written: Iterable[tuple[str, str]], coming: Mapping[str, Mapping[str, Any]], diff: Any
) -> list[Item]:
    """
    What becomes of the options of the octavia.conf in force.

    :param written: section and name of each option in the file
    :param coming: the sections as the formula will write them
    :param diff: what changes between the releases, see :func:`octavia_explain.diff`
    :return: the items
    """
    what = "options"
    here = [f"[{section}] {name}" for section, name in written]
    set_then = {f"[{section}] {name}" for section, names in coming.items() for name in names}
    lines = []
    for name in here:
        if name in diff["removed"]:
            lines.append(f"{name} is gone. {diff['removed'][name]}".rstrip())
        elif name in diff["renamed"]:
            lines.append(f"{name} is {diff['renamed'][name]} now")
        elif name in diff["deprecated"]:
            lines.append(f"{name} is deprecated: {diff['deprecated'][name]}")
    for name, (old, new) in diff["defaults"].items():
        if name not in set_then:
            lines.append(f"{name} is not set, and its default changes from {old} to {new}")
    if not lines:
        return [item(what, OK, "none that is set is removed, renamed or deprecated")]
    return [item(what, WARNING, "\n".join(lines))]


def duty(verdicts: list[dict[str, Any]]) -> list[Item]:
    """
    What an operator has to do for the releases on the way.

    :param verdicts: as :func:`octavia_duties.judge` gives them
    :return: the items
    """
    what = "duties"
    if not verdicts:
        return [item(what, OK, "none on this way")]
    stopping = duties.blocked(verdicts)
    undone = [entry for entry in verdicts if entry["verdict"] in ("not done", "cannot tell")]
    state = STOP if stopping else WARNING if undone else OK
    text = duties.describe(verdicts)
    if stopping:
        names = ", ".join(entry["id"] for entry in stopping)
        text += f"\nDo them, or name in octavia:upgrade:done what is done: {names}"
    return [item(what, state, text)]


def upgrade_check(answer: Mapping[str, Any]) -> list[Item]:
    """
    What Octavia's own check says.

    :param answer: as :func:`octavia_status.read` gives it
    :return: the items
    """
    what = "octavia-status upgrade check"
    told = [f"{check['check']}: {check['result']} {check['details']}" for check in answer["checks"]]
    text = "\n".join([answer.get("why") or answer["state"], *told])
    states = {"passed": OK, "warnings": WARNING, "failed": STOP}
    return [item(what, states.get(answer["state"], UNCHECKED), text)]


def space(folder: str, free: int, needed: int, remedy: str) -> list[Item]:
    """
    Whether there is room on a file system.

    :param folder: where
    :param free: bytes that are free
    :param needed: bytes that are needed
    :param remedy: what to do when there is less
    :return: the items
    """
    what = f"room in {folder}"
    text = f"{free // MB} MB are free, {needed // MB} MB are needed"
    return [item(what, OK, text) if free >= needed else item(what, STOP, f"{text}: {remedy}")]


def database(found: Mapping[str, Any], installed: str, target: str, head: str = "") -> list[Item]:
    """
    Whether the database can be reached, and its schema is that of a known release.

    :param found: as octavia_db.state gives it
    :param installed: the installed release
    :param target: the release of the pillar
    :param head: the revision to which its migrations lead
    :return: the items
    """
    what = "database"
    has = ", ".join(found["revisions"]) or "none"
    state = found["state"]
    if state == "unreadable":
        text = f"it cannot be read ({found.get('error')}): {found.get('text')}"
        return [item(what, STOP, f"{text}. Check the server and the pillar's database")]
    if state == "unknown" and found["revisions"] == [head]:
        return [item(what, OK, f"another node has brought it to revision {has}, that of {target}")]
    if state == "unknown":
        text = f"it is at revision {has}, which {installed} does not know: a newer release made it"
        return [item(what, STOP, f"{text}. Install that release here")]
    if state == "behind" and installed != target:
        text = f"it is at revision {has}, behind {installed}: an earlier upgrade was not ended"
        return [item(what, STOP, f"{text}. Set version to {installed} and apply octavia first")]
    if state == "no migrations":
        return [item(what, UNCHECKED, "the packages hold no migrations to hold it against")]
    return [item(what, OK, f"it can be read, and is at revision {has}, {state} for {installed}")]


def work(answer: Mapping[str, Any]) -> list[Item]:
    """
    Whether Octavia is at work, and objects that nobody works on any more.

    :param answer: ``waiting``, ``stuck`` and ``left`` as :func:`octavia_idle.judge` gives them; or
        an ``error`` in one word with its ``text``
    :return: the items
    """
    what = "objects in PENDING"
    if "error" in answer:
        text = f"the database does not tell ({answer['error']}): {answer['text']}"
        return [item(what, UNCHECKED, text)]
    found = []
    if answer["stuck"]:
        found.append(item(what, WARNING, idle.told_stuck(answer["stuck"])))
    if answer["left"]:
        text = f"though their load balancers are not: {idle.describe(answer['left'])}"
        found.append(item(what, WARNING, text))
    if answer["waiting"]:
        found.append(item(what, OK, f"being worked on: {idle.describe(answer['waiting'])}"))
    return found or [item(what, OK, "none")]


def heartbeats(rows: list[Mapping[str, Any]], timeout: int) -> list[Item]:
    """
    Whether amphorae are alive, as the health managers have heard.

    :param rows: ``amphora`` and ``age`` of the last heartbeat in seconds, None for none
    :param timeout: [health_manager] heartbeat_timeout
    :return: the items
    """
    what = "heartbeats"
    never = [row for row in rows if row["age"] is None]
    late = [row for row in rows if row["age"] is not None and row["age"] > timeout]
    heard = len(rows) - len(never)
    found = []
    if never:
        text = (
            f"{len(never)} of {len(rows)} amphorae have never been heard of: {_named(never)}. No "
            "health manager watches over them"
        )
        found.append(item("amphorae without heartbeats", WARNING, text))
    if late:
        text = (
            f"{len(late)} of {len(rows)} amphorae are late: {_named(late)}. A health manager fails "
            "them over once it runs: see to them, or to the health managers, first"
        )
        found.append(item(what, WARNING, text))
    elif heard:
        oldest = max(row["age"] for row in rows if row["age"] is not None)
        text = f"of {heard} amphorae, the oldest {idle.duration(oldest)} ago"
        found.append(item(what, OK, text))
    return found or [item(what, OK, "there is no amphora in use")]


def late_stops(items: list[Item]) -> list[Item]:
    """
    The same items, a late heartbeat being a ``stop``: before an upgrade it is a matter of care,
    afterwards a sign that something does not work.

    :param items: as :func:`heartbeats` gives them
    :return: the items
    """
    return [{**entry, "state": STOP} if entry in late(items) else entry for entry in items]


def late(items: list[Item]) -> list[Item]:
    """
    The items that tell of late heartbeats.

    :param items: as :func:`heartbeats` gives them
    :return: those of them
    """
    return [entry for entry in items if entry["what"] == "heartbeats" and entry["state"] != OK]


def _named(rows: list[Mapping[str, Any]]) -> str:
    """The first amphorae of some, with the age of their last heartbeat."""
    told = [
        row["amphora"] + ("" if row["age"] is None else f" ({idle.duration(row['age'])})")
        for row in rows[: idle.NAMED]
    ]
    more = len(rows) - idle.NAMED
    return ", ".join(told) + (f" and {more} more" if more > 0 else "")


def agents(versions: Mapping[str, str | None] | None) -> list[Item]:
    """
    Which versions of their API amphorae's agents speak.

    :param versions: as :func:`octavia_agents.versions` gives them; None where nobody could be asked
    :return: the items
    """
    what = "amphora agents"
    if versions is None:
        text = "the database or the certificates to ask them with are not to be had here"
        return [item(what, UNCHECKED, text)]
    if not versions:
        return [item(what, OK, "there is no amphora in use")]
    silent = sorted(name for name, version in versions.items() if version is None)
    found = []
    spoken = sorted({version for version in versions.values() if version is not None})
    if spoken:
        text = f"{len(versions) - len(silent)} of {len(versions)} answer, API {', '.join(spoken)}"
        found.append(item(what, OK, text))
    if silent:
        more = f" and {len(silent) - idle.NAMED} more" if len(silent) > idle.NAMED else ""
        text = f"no answer from {', '.join(silent[: idle.NAMED])}{more}"
        found.append(item(what, UNCHECKED, text))
    return found


def certificates(found: list[findings.Finding]) -> list[Item]:
    """
    Whether the certificates of a controller are right, and last.

    :param found: as octavia_pki.check gives them
    :return: the items
    """
    what = "certificates"
    if not found:
        return [item(what, OK, "they are right, and none is about to end")]
    state = STOP if findings.errors(found) else WARNING
    return [item(what, state, findings.describe(found))]


def release(package: Mapping[str, Any], target: str) -> list[Item]:
    """
    Whether the packages are of the release of the pillar.

    :param package: as octavia_control.package gives it
    :param target: the release of the pillar
    :return: the items
    """
    text = (
        f"{package['name']} {package['version']} is of {package['release'] or 'no known release'}"
    )
    if package["release"] == target:
        return [item("release", OK, text)]
    remedy = "Run octavia.upgrade.upgrade"
    return [item("release", STOP, f"{text}, and the pillar says {target}. {remedy}")]


def running(units: Iterable[Mapping[str, Any]]) -> list[Item]:
    """
    Whether services run, and will after a reboot.

    :param units: as octavia_control.services gives them
    :return: the items
    """
    what = "services"
    wrong = [
        f"{unit['name']} is {unit['state']}{'' if unit['enabled'] else ', not enabled'}"
        for unit in units
        if not unit["active"] or not unit["enabled"]
    ]
    if wrong:
        remedy = "Run octavia.upgrade.service_running"
        return [item(what, STOP, f"{'; '.join(wrong)}. {remedy}")]
    return [item(what, OK, f"{', '.join(unit['name'] for unit in units)} run and are enabled")]


def probed(probes: Mapping[str, Mapping[str, Any]]) -> list[Item]:
    """
    Whether services truly serve.

    :param probes: ``up`` and ``why`` by what was tried
    :return: the items
    """
    return [item(what, OK if probe["up"] else STOP, probe["why"]) for what, probe in probes.items()]


def schema(found: Mapping[str, Any]) -> list[Item]:
    """
    Whether the schema is the one that the packages want.

    :param found: as octavia_db.state gives it
    :return: the items
    """
    has, wanted = (", ".join(found[key]) or "none" for key in ("revisions", "heads"))
    if found["state"] == "at head":
        return [item("schema", OK, f"at head, {has}")]
    text = f"{found['state']}: it is at {has}, the packages want {wanted}. {found.get('text', '')}"
    return [item("schema", STOP, text.strip())]
