"""Asking an agent: a real TLS server that wants a certificate, as the amphora's agent does."""

import contextlib
import socket
import ssl
import threading

import octavia_pki_load as load
import octavia_pki_make as make
import octavia_pki_names as names
import octavia_pki_probe as probe
import pytest
from given_pki import SERVER_AUTH, authority, certificate, good, issued, key
from given_pki import pem as written

ANSWER = b"HTTP/1.0 200 OK\r\n\r\n"


@contextlib.contextmanager
def agent(folder, version=None):
    """An agent with a certificate of the server CA, which lets in those of the client CA."""
    server = load.certificates(good()[names.CA].encode())[0]
    own = certificate("amphora", key("amphora"), (server, key("server")), extended=(SERVER_AUTH,))
    (folder / "server.pem").write_text(written(own) + make.key_to_pem(key("amphora")))
    (folder / "client_ca.pem").write_text(good()[names.CLIENT_TRUST])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if version:
        context.maximum_version = version
    context.load_cert_chain(folder / "server.pem")
    context.load_verify_locations(folder / "client_ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def serve():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    wrapped.recv(1000)
                    wrapped.sendall(ANSWER)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.fixture(name="bundles")
def _bundles(tmp_path):
    """Bundles of the right CA and of another."""
    (tmp_path / "right").write_text(good()[names.BUNDLE])
    other = issued(authority("other", key("other")), key("other"))
    (tmp_path / "wrong").write_text(other[names.BUNDLE])
    return tmp_path


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(("bundle", "lets_in"), [("right", True), ("wrong", False)])
def test_what_an_agent_shows_and_whom_it_lets_in(tmp_path, bundles, version, bundle, lets_in):
    with agent(tmp_path, version) as port:
        answer = probe.ask("127.0.0.1", port, str(bundles / bundle))
    assert answer.lets_in is lets_in
    if not lets_in and version == ssl.TLSVersion.TLSv1_2:
        assert answer.certificate is None
        return
    assert load.common_name(answer.certificate) == "amphora"
    server = load.certificates(good()[names.CA].encode())
    other = [authority("server CA", key("other"))]
    assert probe.issuer(answer.certificate, [*other, *server]) == load.fingerprint(server[0])
    assert probe.issuer(answer.certificate, other) == ""


def test_nobody_is_there(bundles):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(probe.NotReached, match=f"127.0.0.1:{port} does not answer"):
        probe.ask("127.0.0.1", port, str(bundles / "right"))


def test_somebody_who_speaks_no_tls(bundles):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"220 ready\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(probe.NotReached, match="does not speak TLS"):
            probe.ask("127.0.0.1", listener.getsockname()[1], str(bundles / "right"))
        thread.join()


def test_nothing_to_ask_with(tmp_path):
    (tmp_path / "empty").write_text("")
    with pytest.raises(probe.NotReached, match="is no bundle to ask with"):
        probe.ask("127.0.0.1", 1, str(tmp_path / "empty"))
