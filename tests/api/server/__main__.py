"""
Octavia in one process: its own API and its own worker with its own flows, on SQLite, with its noop
drivers instead of Nova and Neutron.

Usage: python tests/api/server FOLDER PAGE. It writes the URL to standard output when it listens,
and lives as long as its standard input is open, so that it cannot outlive who started it.
PUT /driver-agent/status is what a provider driver tells Octavia by the socket of the driver agent.
"""

from __future__ import annotations

import inspect
import json
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import settings
from accesslog import AccessLog
from identity import Identity
from werkzeug.serving import make_server

STATUS_PATH = "/driver-agent/status"


def _load_octavia(conf: Path) -> Any:
    """The API of Octavia as a WSGI application, with tables and worker ready."""
    real = inspect.getsourcelines

    def no_source(_: Any) -> Any:
        # WSME orders the fields of its 130 types by their source, which takes seconds; without
        # it orders them by name.
        raise OSError

    inspect.getsourcelines = no_source
    try:
        from octavia.api.app import setup_app

        application = setup_app(argv=["octavia-api", "--config-file", str(conf)])
    finally:
        inspect.getsourcelines = real
    import database

    database.prepare(conf.parent)
    _start_worker()

    def closing(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        try:
            return list(application(environ, start))
        finally:
            database.close_sessions()

    return closing


def _start_worker() -> None:
    import oslo_messaging
    from octavia.common import constants, rpc
    from octavia.controller.queue.v2 import endpoints
    from oslo_config import cfg

    target = oslo_messaging.Target(topic=constants.TOPIC_AMPHORA_V2, server=cfg.CONF.host)
    rpc.get_server(target, [endpoints.Endpoints()]).start()


class DriverAgent:
    """
    Lets a test speak as the driver of the provider `noop_driver`, which reports nothing itself.

    :param application: what answers everything else
    """

    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Hands a report to what Octavia's driver agent hands it to."""
        if environ["PATH_INFO"] != STATUS_PATH:
            return self._application(environ, start)
        from octavia.api.drivers.driver_agent.driver_updater import DriverUpdater

        report = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        answer = json.dumps(DriverUpdater().update_loadbalancer_status(report)).encode()
        start("200 OK", [("Content-Type", "application/json")])
        return [answer]


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def main(folder: Path, page: int) -> None:
    """
    Serves until standard input ends.

    :param folder: an empty folder for everything that the server keeps
    :param page: how many objects a page of a list has at most
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    octavia = _load_octavia(settings.write(folder, url, page))
    application = AccessLog(DriverAgent(Identity(octavia)), folder / "requests.log")
    server = make_server("127.0.0.1", 0, application, threaded=True, fd=listener.fileno())
    print(url, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
