"""
Remembers members and rules from one run to the next.

Every change of a member changes ``updated_at`` of its pool, and one of a rule that of its policy,
so a parent that still has the same one still has the same children. The file holds what the API
shows to whoever reads it, nothing secret; it is written for root alone all the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

Object = dict[str, Any]

FORMAT = 1
#: Seconds for which the version of the API is believed.
VERSION_AGE = 24 * 60 * 60
#: Timestamps may have whole seconds, so a younger parent could change without showing it.
SETTLED_AGE = 2.0


class Parents:
    """
    What is known of one project on one server.

    :param folder: where the file lies, such as a folder of Salt's cachedir
    :param endpoint: URL of the server
    :param project_id: the project
    """

    def __init__(self, folder: str | Path, endpoint: str, project_id: str) -> None:
        self._about = {"format": FORMAT, "endpoint": endpoint, "project_id": project_id}
        name = hashlib.sha256(f"{endpoint} {project_id}".encode()).hexdigest()[:32]
        self._path = Path(folder) / f"{name}.json"
        self._old = self._load()
        self._new: dict[str, Object] = {}
        #: The server's clock when the parents were listed, by resource of the children.
        self.dates: dict[str, float | None] = {}

    def _load(self) -> Object:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        fits = isinstance(found, dict) and self._about.items() <= found.items()
        return found if fits else {}

    @property
    def api_version(self) -> tuple[int, int] | None:
        """The version of the server's API, None when it must be asked anew."""
        version, at = self._old.get("api_version"), self._old.get("version_at", 0)
        if not version or not 0 <= time.time() - at < VERSION_AGE:
            return None
        return (version[0], version[1])

    def children(self, resource: str, parent: Mapping[str, Any]) -> list[Object] | None:
        """
        The children of a parent that has not changed.

        :param resource: ``member`` or ``l7rule``
        :param parent: the pool or policy as the server lists it now
        :return: the children, None when they must be read
        """
        key = f"{resource} {parent['id']}"
        entry = self._old.get("parents", {}).get(key)
        if not entry or not parent.get("updated_at"):
            return None
        if entry["updated_at"] != parent["updated_at"]:
            return None
        self._new[key] = entry
        children: list[Object] = entry["children"]
        return children

    def record(self, resource: str, parent: Mapping[str, Any], children: list[Object]) -> None:
        """
        Takes in what was read, where it can be told from later changes.

        :param resource: ``member`` or ``l7rule``
        :param parent: the pool or policy as it was listed before its children were read
        :param children: them
        """
        updated, date = parent.get("updated_at"), self.dates.get(resource)
        if not updated or date is None or parent.get("provisioning_status") != "ACTIVE":
            return
        moment = datetime.fromisoformat(updated).replace(tzinfo=timezone.utc)
        if date - moment.timestamp() >= SETTLED_AGE:
            self._new[f"{resource} {parent['id']}"] = {"updated_at": updated, "children": children}

    def save(self, api_version: tuple[int, int]) -> None:
        """
        Writes the file, at once or not at all; parents that nobody asked for are forgotten.

        :param api_version: of the server
        :raises OSError: when it cannot be written
        """
        known = self.api_version == api_version
        content = {
            **self._about,
            "api_version": list(api_version),
            "version_at": self._old["version_at"] if known else time.time(),
            "parents": self._new,
        }
        if content == self._old:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=self._path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(content, stream)
            os.replace(temporary, self._path)
        except BaseException:
            os.unlink(temporary)
            raise
