"""Asking agents for their version: a real TLS server that wants a certificate, as theirs does."""

import contextlib
import json
import socket
import ssl
import threading
import time

import octavia_agents as agents
import octavia_pki_load as load
import octavia_pki_make as make
import octavia_pki_names as names
import pytest
from given_pki import (
    PASSPHRASE,
    SERVER_AUTH,
    authority,
    certificate,
    good,
    issued,
    key,
)
from given_pki import pem as written

NEW = json.dumps({"api_version": "1.0"})


def answer(body, status="200 OK"):
    """An answer of HTTP."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@contextlib.contextmanager
def agent(folder, said, by=None, address="127.0.0.1"):
    """An agent that lets in those of the client CA, and says one and the same to all."""
    by = by or (load.certificates(good()[names.CA].encode())[0], key("server"))
    own = certificate("amphora", key("amphora"), by, extended=(SERVER_AUTH,))
    (folder / "server.pem").write_text(written(own) + make.key_to_pem(key("amphora")))
    (folder / "client_ca.pem").write_text(good()[names.CLIENT_TRUST])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    context.load_verify_locations(folder / "client_ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    ended = threading.Event()
    asked = []
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listener:
        listener.settimeout(0.1)

        def serve():
            while not ended.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = listener.accept()
                    connection.settimeout(5)
                    with context.wrap_socket(connection, server_side=True) as wrapped:
                        asked.append(wrapped.recv(1000).decode())
                        wrapped.sendall(said)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], asked
        finally:
            ended.set()
            thread.join()


@pytest.fixture(name="files")
def _files(tmp_path):
    """The files that a controller asks with."""
    other = issued(authority("other", key("other")), key("other"))
    for name, text in {
        "bundle": good()[names.BUNDLE],
        "trust": good()[names.SERVER_TRUST],
        "another_bundle": other[names.BUNDLE],
        "another_trust": written(authority("server CA", key("other"))),
        "locked": good()[names.CERT] + make.key_to_pem(key("controller"), PASSPHRASE),
        "empty": "",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def ask(files, port, bundle="bundle", trust="trust", addresses=("127.0.0.1",), **more):
    """The versions of agents at some addresses, in their order."""
    asked = {f"id{number}": address for number, address in enumerate(addresses)}
    found = agents.versions(asked, port, str(files / bundle), str(files / trust), **more)
    assert list(found) == list(asked)
    return list(found.values())


@pytest.mark.parametrize(
    ("said", "version"),
    [
        (answer(NEW), "1.0"),
        (answer(json.dumps({"api_version": "0.5"})), "0.5"),
        (answer("<html>", "404 NOT FOUND"), "0.5"),
        (answer(json.dumps({"versions": []})), None),
        (answer("<html>"), None),
        (answer("null"), None),
        (answer('"1.0"'), None),
        (answer("[]"), None),
        (answer(NEW, "500 INTERNAL SERVER ERROR")[:20], None),
        (b"220 ready\r\n", None),
        (b"", None),
    ],
)
def test_what_an_agent_says(files, said, version):
    with agent(files, said) as (port, asked):
        assert ask(files, port) == [version]
    assert asked[0].startswith("GET / HTTP/1.1\r\n")


def test_many_are_asked_at_the_same_time_and_keep_their_order(files):
    count = 2 * agents.PARALLEL + 1
    with agent(files, answer(NEW)) as (port, asked):
        versions = ask(files, port, addresses=["127.0.0.1", *["127.0.0.2"] * count])
    assert versions == ["1.0", *[None] * count]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("bundle", "trust"),
    [("another_bundle", "trust"), ("bundle", "another_trust")],
)
def test_a_server_or_a_controller_of_another_ca(files, bundle, trust):
    with agent(files, answer(NEW)) as (port, asked):
        assert ask(files, port, bundle, trust) == [None]
    assert asked == [] or bundle == "another_bundle"


def test_an_agent_of_another_ca(files):
    by = (authority("server CA", key("other")), key("other"))
    with agent(files, answer(NEW), by) as (port, asked):
        assert ask(files, port) == [None]
    assert asked == []


@pytest.mark.parametrize("spoilt", [{"identifiers": False}, {"critical": False}, {}])
def test_a_ca_that_octavia_itself_is_content_with(files, monkeypatch, spoilt):
    """It was made long ago; Python 3.13 would refuse it, which this makes any version do."""
    made = ssl.create_default_context

    def strict(**given):
        context = made(**given)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    by = (authority("server CA", key("server"), **spoilt), key("server"))
    (files / "old").write_text(written(by[0]))
    with agent(files, answer(NEW), by) as (port, _):
        assert ask(files, port, trust="old") == ["1.0"]


def test_by_ipv6(files):
    with agent(files, answer(NEW), address="::1") as (port, asked):
        assert ask(files, port, addresses=["::1"]) == ["1.0"]
    assert f"Host: [::1]:{port}" in asked[0]


def test_nobody_is_there(files):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert ask(files, port) == [None]


def test_one_that_says_nothing_is_not_waited_for_longer(files):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()
        assert ask(files, listener.getsockname()[1], timeout=0.2) == [None]
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("bundle", "trust"),
    [("empty", "trust"), ("missing", "trust"), ("locked", "trust"), ("bundle", "empty")],
)
def test_nothing_to_ask_with(files, bundle, trust):
    with agent(files, answer(NEW)) as (port, asked):
        assert ask(files, port, bundle, trust) == [None]
        assert ask(files, port, "bundle", "missing") == [None]
    assert asked == []


def test_nobody_to_ask(files):
    assert ask(files, 1, addresses=[]) == []
