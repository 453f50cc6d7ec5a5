"""What is known of each node: one JSON file, so that any later process can find and end it."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from .errors import NodeError
from .host import STATE
from .processes import is_alive, start_time

NODES = STATE / "nodes"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass
class Record:
    """A node as its file tells it; `nspawn` and `leader` are [pid, start time] or None.

    upgrades: {platform key: folder of the apt repository that the node has of it}.
    shared: folder of the host that the node may write to, empty for none. tools: the folder of the
    apt repository with what builds the formula; empty where the node has it not.
    """

    name: str
    platform: str
    salt: str | None
    layers: list[str]
    addresses: list[str]
    owner: list[int] | None
    lowers: list[str] = field(default_factory=list)
    debs: str = ""
    group: str = ""
    namespace: str = ""
    nspawn: list[int] | None = None
    leader: list[int] | None = None
    unified: bool = False
    upgrades: dict[str, str] = field(default_factory=dict)
    shared: str = ""
    tools: str = ""

    def save(self) -> None:
        """Write the file in one go, so that a reader never sees half of it."""
        folder = node_folder(self.name)
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"node.json.{os.getpid()}"
        temporary.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        temporary.replace(folder / "node.json")

    def is_running(self) -> bool:
        """True while the node's container lives."""
        return self.nspawn is not None and is_alive(*self.nspawn)

    def is_stale(self) -> bool:
        """True when the node had an owner which is dead."""
        return self.owner is not None and not is_alive(*self.owner)


def identity(pid: int) -> list[int] | None:
    """[pid, start time] of a living process, or None."""
    started = start_time(pid)
    return None if started is None else [pid, started]


def node_folder(name: str) -> Path:
    """Where a node keeps its disk, log and file. Raises NodeError for a bad name."""
    if not _NAME.fullmatch(name):
        raise NodeError(
            f"node name {name!r} is not usable: use up to 40 of a-z, 0-9 and '-', a letter first"
        )
    return NODES / name


def _read(path: Path) -> Record:
    known = {item.name for item in fields(Record)}
    said = json.loads(path.read_text(encoding="utf-8"))
    # Another version of the project may have made the node, and say more of it.
    return Record(**{key: value for key, value in said.items() if key in known})


def load(name: str) -> Record:
    """The record of a node; raises NodeError when there is none."""
    try:
        return _read(node_folder(name) / "node.json")
    except FileNotFoundError:
        known = ", ".join(record.name for record in load_all()) or "none"
        raise NodeError(f"there is no node {name!r}; existing nodes: {known}") from None


def load_all() -> list[Record]:
    """The records of all nodes, by name."""
    records = []
    for path in sorted(NODES.glob("*/node.json")):
        # A node may be removed by another process meanwhile.
        with suppress(FileNotFoundError):
            records.append(_read(path))
    return records
