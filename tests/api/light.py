"""Starts and ends the server of `tests/api/server`, and reads its log."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import threading
import urllib.request
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests import environments
from tests.nodes.processes import kill_group

SERVER = Path(__file__).parent / "server"
# What the server calls its database.
DATABASE = "octavia.sqlite"
START_SECONDS = 120
TAIL = 3000
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{32}\b")


class ServerError(Exception):
    """The server does not start."""


@dataclass(frozen=True)
class Request:
    """A request that reached the server."""

    method: str
    path: str
    query: str
    status: int

    @property
    def kind(self) -> str:
        """Method and path, ids left out."""
        return f"{self.method} {UUID.sub('ID', self.path)}"


class Log:
    """
    The requests that reached the server since this object was made, or since the last `clear`.

    :param path: the server's log
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.clear()

    def clear(self) -> None:
        """Forgets what was until now."""
        self._offset = self._path.stat().st_size if self._path.exists() else 0

    @property
    def requests(self) -> list[Request]:
        """All of them, in the order in which they were answered."""
        with open(self._path, encoding="utf-8") as stream:
            stream.seek(self._offset)
            lines = [line.split() for line in stream]
        parts = [(method, *url.partition("?"), status) for method, url, status in lines]
        return [Request(method, path, query, int(code)) for method, path, _, query, code in parts]

    @property
    def octavia(self) -> list[Request]:
        """Those that were for Octavia."""
        return [request for request in self.requests if "/identity" not in request.path]

    @property
    def writes(self) -> list[Request]:
        """Those for Octavia that may have changed something."""
        return [request for request in self.octavia if request.method != "GET"]

    @property
    def kinds(self) -> Counter[str]:
        """How many there were for Octavia, by method and path."""
        return Counter(request.kind for request in self.octavia)


class Server:
    """
    A real Octavia in a process of its own, which ends with this one whatever happens.

    :param folder: an empty folder
    :param page: how many objects a page of a list has at most
    :param release: of Octavia
    """

    def __init__(
        self, folder: Path, page: int = 1000, release: str = environments.NEWEST_OCTAVIA
    ) -> None:
        self.folder = folder
        argv = [environments.octavia(release), SERVER, folder, str(page)]
        with open(folder / "stderr.log", "w", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        # A start that hangs ends with an empty line.
        late = threading.Timer(START_SECONDS, kill_group, [self._process.pid])
        late.start()
        self.url = self._process.stdout.readline().strip()
        late.cancel()
        if not self.url:
            self.close()
            told = (folder / "stderr.log").read_text(encoding="utf-8")[-TAIL:]
            raise ServerError(f"Octavia did not start; it said:\n{told}")

    def log(self) -> Log:
        """The requests from now on."""
        return Log(self.folder / "requests.log")

    def report(self, **statuses: list[dict[str, str]]) -> None:
        """
        Says what a provider's driver says to Octavia's driver agent.

        :param statuses: such as loadbalancers=[{"id": .., "provisioning_status": "ERROR"}]
        """
        url, body = f"{self.url}/driver-agent/status", json.dumps(statuses).encode()
        urllib.request.urlopen(urllib.request.Request(url, body, method="PUT")).close()

    def set_images(self, images: dict[str, str]) -> None:
        """
        Says from which image amphorae were made, which the noop driver for compute cannot know.

        :param images: ids of images by those of amphorae
        """
        with closing(sqlite3.connect(self.folder / DATABASE, timeout=60)) as database, database:
            for amphora, image in images.items():
                row = (image, amphora)
                database.execute("UPDATE amphora SET image_id = ? WHERE id = ?", row)

    def close(self) -> None:
        """Ends it for certain."""
        kill_group(self._process.pid)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            stream.close()
