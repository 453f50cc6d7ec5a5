"""One line for every request: method, path with query, status."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any


class AccessLog:
    """
    Writes the log; a line is there before the client has its answer.

    :param application: what is logged
    :param path: file of the log
    """

    def __init__(self, application: Any, path: Path) -> None:
        self._application = application
        self._path, self._guard = path, threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answers as the application does."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        query = environ.get("QUERY_STRING")
        started: list[Any] = []

        def remember(status: str, headers: Any, problem: Any = None) -> Callable[..., Any]:
            started[:] = [status, headers]
            return lambda _: None

        body = b"".join(self._application(environ, remember))
        status, headers = started
        line = f"{method} {path}{'?' if query else ''}{query or ''} {status[:3]}\n"
        with self._guard, open(self._path, "a", encoding="utf-8") as stream:
            stream.write(line)
        start(status, headers)
        return [body]
