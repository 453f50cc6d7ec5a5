"""A small HTTP proxy in front of a real server, which breaks what a test asks it to break."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HOP_BY_HOP = ("connection", "transfer-encoding", "keep-alive", "content-length", "server", "date")


@dataclass
class Fault:
    """
    What happens to some requests.

    :ivar method: HTTP method of the requests
    :ivar path: regular expression that their path begins with
    :ivar first: the number of the first matching request that is hit, from 1
    :ivar times: how many are hit from there on
    :ivar forward: whether the server gets the request
    :ivar status: status of the answer; 0 for the server's own
    :ivar body: what the answer holds, as JSON
    :ivar headers: of the answer
    :ivar drop: close the connection instead of an answer
    :ivar hold: seconds for which an answer is held back, or until the proxy ends
    """

    method: str
    path: str
    first: int = 1
    times: int = 1
    forward: bool = False
    status: int = 0
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    hold: float = 0.0
    seen: int = 0

    @property
    def hits(self) -> int:
        """How many requests were hit."""
        return max(0, min(self.seen - self.first + 1, self.times))


class Proxy:
    """
    Listens on a free port of 127.0.0.1.

    :param upstream: URL of the real server
    """

    def __init__(self, upstream: str) -> None:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                proxy._handle(self)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._upstream = urlsplit(upstream)
        self._faults: list[Fault] = []
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def inject(self, method: str, path: str, **what: Any) -> Fault:
        """
        Breaks something from now on.

        :param method: see Fault
        :param path: see Fault
        :param what: other attributes of Fault
        :return: the fault, which counts what it hits
        """
        fault = Fault(method, path, **what)
        with self._guard:
            self._faults.append(fault)
        return fault

    def heal(self) -> None:
        """Forgets all faults and lets go of the answers that are held back."""
        with self._guard:
            self._faults.clear()
            self._ended.set()
            self._ended = threading.Event()

    def close(self) -> None:
        """Ends it."""
        self.heal()
        self._server.shutdown()
        self._server.server_close()

    def _fault(self, method: str, path: str) -> Fault | None:
        with self._guard:
            for fault in self._faults:
                if fault.method == method and re.match(fault.path, path):
                    fault.seen += 1
                    if fault.first <= fault.seen < fault.first + fault.times:
                        return fault
        return None

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        size = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(size)
        fault = self._fault(request.command, request.path)
        ended = self._ended
        status, headers, content = 0, {}, b""
        if fault is None or fault.forward:
            status, headers, content = self._forward(request, body)
        if fault is not None and fault.hold:
            ended.wait(fault.hold)
        if fault is not None and fault.drop:
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        if fault is not None and fault.status:
            status = fault.status
            headers = {"Content-Type": "application/json", **fault.headers}
            content = json.dumps(fault.body or {}).encode()
        try:
            request.send_response(status)
            for name, value in headers.items():
                request.send_header(name, value)
            request.send_header("Content-Length", str(len(content)))
            request.end_headers()
            request.wfile.write(content)
        except OSError:
            # The client has given up.
            request.close_connection = True

    def _forward(
        self, request: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(
            self._upstream.hostname or "", self._upstream.port, timeout=120
        )
        headers = {k: v for k, v in request.headers.items() if k.lower() != "connection"}
        try:
            connection.request(request.command, request.path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
            kept = {k: v for k, v in answer.getheaders() if k.lower() not in HOP_BY_HOP}
            return answer.status, kept, content
        finally:
            connection.close()
