"""
The program that asks the message queue who consumes, against a broker that speaks just enough AMQP
to let one in and to tell of its queues.
"""

import json
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote

import octavia_consumers
import pytest

USER, PASSWORD = "octavia", "p@ss:w%rd/"
ACCOUNT = f"{USER}:{quote(PASSWORD, safe='')}"
QUEUES = {"octavia_provisioning_v2.ctl01": 1, "octavia_provisioning_v2": 3, "idle": 0}
FOLDER = Path(octavia_consumers.__file__).parent


def ask(url, queues=tuple(QUEUES), timeout=None, **question):
    """The program's answer."""
    program = [sys.executable, octavia_consumers.__file__]
    if timeout is not None:
        text = f"import octavia_consumers as c; c.TIMEOUT = {timeout}; c.main()"
        program = [sys.executable, "-c", text]
    done = subprocess.run(
        program,
        input=json.dumps({"url": url, "queues": list(queues), **question}),
        capture_output=True,
        text=True,
        cwd=FOLDER,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert PASSWORD not in done.stdout
    assert quote(PASSWORD, safe="") not in done.stdout
    return json.loads(done.stdout)


def short(text):
    return bytes([len(text)]) + text.encode()


def long(data):
    return struct.pack(">I", len(data)) + data


class Broker:
    """A broker on loopback that serves one connection after the other."""

    def __init__(self, family=socket.AF_INET, stalls_at=None):
        self.listener = socket.create_server(
            ("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), family=family
        )
        self.port = self.listener.getsockname()[1]
        # Where it stops to answer, "start" or "declare", or slows down, "bytes".
        self.stalls_at = stalls_at
        self.asked, self.virtual_hosts, self.endings = [], [], []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.listener.close()

    def url(self, virtual_host="//octavia"):
        return f"rabbit://{ACCOUNT}@127.0.0.1:{self.port}{virtual_host}"

    def _serve(self):
        while True:
            try:
                self.socket, _ = self.listener.accept()
            except OSError:
                return
            with self.socket:
                try:
                    self._talk()
                except (ConnectionError, EOFError) as problem:
                    self.endings.append(problem)

    def _read(self, length):
        data = b""
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def _fall_silent(self):
        while self.socket.recv(1024):
            pass
        raise EOFError

    def _method(self):
        """Channel, class and method, and arguments of the next frame."""
        kind, channel, length = struct.unpack(">BHI", self._read(7))
        payload = self._read(length + 1)
        assert kind == 1
        return channel, struct.unpack(">HH", payload[:4]), payload[4:-1]

    def _send(self, channel, method, arguments=b""):
        payload = struct.pack(">HH", *method) + arguments
        self.socket.sendall(struct.pack(">BHI", 1, channel, len(payload)) + payload + b"\xce")

    def _refuse(self, channel, method, code, text):
        self._send(channel, method, struct.pack(">H", code) + short(text) + bytes(4))

    def _talk(self):
        if self._read(8) != b"AMQP\0\0\x09\x01":
            raise EOFError
        if self.stalls_at == "start":
            self._fall_silent()
        if self.stalls_at == "bytes":
            # Of a frame that is never whole.
            for number in struct.pack(">BHI", 1, 0, 1000) + bytes(60):
                self.socket.sendall(bytes([number]))
                time.sleep(0.1)
            raise EOFError
        self._send(0, (10, 10), b"\0\x09" + long(b"") + long(b"PLAIN") + long(b"en_US"))
        _, _, arguments = self._method()
        if f"\0{USER}\0{PASSWORD}".encode() not in arguments:
            self._refuse(0, (10, 50), 403, "ACCESS_REFUSED - Login was refused")
            self._method()
            return
        self._send(0, (10, 30), struct.pack(">HIH", 100, 131072, 0))
        assert self._method()[1] == (10, 31)
        _, _, arguments = self._method()
        virtual_host = arguments[1 : 1 + arguments[0]].decode()
        self.virtual_hosts.append(virtual_host)
        if virtual_host == "nowhere":
            self._refuse(0, (10, 50), 530, "NOT_ALLOWED - vhost nowhere not found")
            self._method()
            return
        self._send(0, (10, 41), short(""))
        while self._answer(*self._method()):
            pass

    def _answer(self, channel, method, arguments):
        if method == (50, 10):
            self._declare(channel, arguments)
        elif method == (10, 50):
            self._send(0, (10, 51))
            self.endings.append("closed")
            return False
        elif method in ((20, 10), (20, 40)):
            self._send(channel, (20, method[1] + 1), long(b"") if method[1] == 10 else b"")
        return True

    def _declare(self, channel, arguments):
        name = arguments[3 : 3 + arguments[2]].decode()
        self.asked.append(name)
        # Without this bit the broker would make the queue.
        assert arguments[3 + arguments[2]] & 1
        if self.stalls_at == "declare":
            self._fall_silent()
        if name in QUEUES:
            counts = struct.pack(">II", 17, QUEUES[name])
            self._send(channel, (50, 11), short(name) + counts)
        else:
            self._refuse(channel, (20, 40), 404, f"NOT_FOUND - no queue '{name}'")


@pytest.fixture
def broker():
    found = Broker()
    yield found
    found.close()


@pytest.fixture
def closed():
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        yield found.getsockname()[1]


# -- against a broker -----------------------------------------------------------------------------


def test_who_consumes(broker):
    assert ask(broker.url()) == {"queues": QUEUES}
    assert broker.asked == list(QUEUES)
    assert broker.endings == ["closed"]


def test_queues_that_are_not_there(broker):
    names = ["gone", "idle", "gone.too", "octavia_provisioning_v2"]
    answer = {"gone": None, "idle": 0, "gone.too": None, "octavia_provisioning_v2": 3}
    assert ask(broker.url(), names) == {"queues": answer}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("//octavia", "/octavia"),
        ("/octavia", "octavia"),
        ("/%2Foctavia", "/octavia"),
        ("/", "/"),
        ("", "/"),
        ("//octavia?ssl=1", "/octavia"),
    ],
)
def test_the_virtual_host(broker, path, name):
    assert ask(broker.url(path)) == {"queues": QUEUES}
    assert broker.virtual_hosts == [name]


def test_the_first_broker_is_down(broker, closed):
    url = broker.url().replace("://", f"://{ACCOUNT}@127.0.0.1:{closed},")
    assert ask(url) == {"queues": QUEUES}


def test_the_first_broker_refuses(broker):
    url = broker.url().replace("://", f"://{USER}:wrong@127.0.0.1:{broker.port},")
    assert ask(url) == {"queues": QUEUES}


def test_an_ipv6_address(closed):
    broker = Broker(socket.AF_INET6)
    url = f"rabbit://{ACCOUNT}@127.0.0.1:{closed},{ACCOUNT}@[::1]:{broker.port}//octavia"
    try:
        assert ask(url) == {"queues": QUEUES}
    finally:
        broker.close()


def test_a_wrong_password(broker):
    answer = ask(broker.url().replace(ACCOUNT, f"{USER}:wrong-one"))
    assert answer["error"] == "refused"
    assert "ACCESS_REFUSED" in answer["text"]
    assert "wrong-one" not in answer["text"]


def test_a_virtual_host_that_is_not_there(broker):
    answer = ask(broker.url("/nowhere"))
    assert answer["error"] == "refused"
    assert "vhost nowhere" in answer["text"]


def test_all_brokers_are_down(closed):
    answer = ask(f"rabbit://{ACCOUNT}@127.0.0.1:{closed},{ACCOUNT}@localhost:{closed}//octavia")
    assert answer["error"] == "unreachable"
    assert f"127.0.0.1:{closed}: " in answer["text"]
    assert f"localhost:{closed}: " in answer["text"]


@pytest.mark.parametrize("place", ["start", "declare", "bytes"])
def test_a_broker_that_falls_silent(place):
    broker = Broker(stalls_at=place)
    started = time.monotonic()
    try:
        answer = ask(broker.url(), timeout=0.5)
    finally:
        broker.close()
    assert answer["error"] == "unreachable"
    assert time.monotonic() - started < 5


def test_a_silent_broker_leaves_time_for_the_next(broker):
    silent = Broker(stalls_at="start")
    try:
        url = broker.url().replace("://", f"://{ACCOUNT}@127.0.0.1:{silent.port},")
        assert ask(url, timeout=2) == {"queues": QUEUES}
    finally:
        silent.close()


def test_tls_with_a_broker_that_has_none(broker):
    answer = ask(broker.url(), timeout=2, ssl={})
    assert answer["error"] == "unreachable"
    assert broker.asked == []


def test_a_ca_that_is_not_there(broker):
    answer = ask(broker.url(), ssl={"ca_file": "/nonexistent/ca.pem"})
    assert answer["error"] == "unreachable"


# -- URLs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hosts", "addresses"),
    [
        ("u:p@h1:5673,u:p@h2", ["h1:5673", "h2:5672"]),
        ("u:p@[fd00::1]:5673,u:p@h2:1,u:p@[fd00::2]", ["[fd00::1]:5673", "h2:1", "[fd00::2]:5672"]),
    ],
)
def test_the_brokers_of_a_url(hosts, addresses):
    found, virtual_host = octavia_consumers.brokers(f"rabbit://{hosts}/x")
    assert [broker.address for broker in found] == addresses
    assert {(broker.user, broker.password) for broker in found} == {("u", "p")}
    assert virtual_host == "x"


def test_an_account_in_a_url():
    url = f"rabbit://{quote('a@b', safe='')}:{quote(PASSWORD, safe='')}@h1,h2/"
    (first, second), _ = octavia_consumers.brokers(url)
    assert (first.user, first.password) == ("a@b", PASSWORD)
    assert (second.user, second.password) == ("guest", "guest")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "octavia",
        f"amqp1://{ACCOUNT}@h/x",
        f"kafka://{ACCOUNT}@h:9092/x",
        "rabbit://",
        "rabbit:///octavia",
        f"rabbit://{USER}:{PASSWORD}@h/x",
        f"rabbit://{ACCOUNT}@h:port/x",
        f"rabbit://{ACCOUNT}@:5672/x",
    ],
)
def test_a_url_that_is_none(url):
    answer = ask(url)
    assert answer["error"] == "unsupported"
