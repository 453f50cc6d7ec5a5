"""
Asks an amphora's agent by TLS which certificate it shows, and whether it lets a controller in. The
agent listens on [haproxy_amphora] bind_port (9443) of the amphora's address in the management
network. Nothing is changed there.
"""

# No annotations as text here, see octavia_blocks.
import socket
import ssl
from collections.abc import Sequence

from cryptography import x509

try:
    import octavia_pki_load as load
except ImportError:
    from salt_formula_octavia.utils import octavia_pki_load as load

TIMEOUT = 10
#: The agent answers it to whom it lets in; what it answers does not matter.
QUESTION = b"GET / HTTP/1.0\r\n\r\n"


class NotReached(Exception):
    """The amphora could not be asked; the text says why."""


class Answer:
    """
    What an agent answered.

    :ivar certificate: the certificate that it showed; None where it refused the controller before
        that could be seen, as TLS 1.2 does
    :ivar lets_in: whether it accepted that of the controller
    """

    def __init__(self, certificate: x509.Certificate | None, lets_in: bool) -> None:
        self.certificate = certificate
        self.lets_in = lets_in


def ask(address: str, port: int, bundle: str, timeout: float = TIMEOUT) -> Answer:
    """
    Connects to an agent as a controller does.

    :param address: the amphora's address in the management network
    :param port: the port of its agent
    :param bundle: the file with the controller's certificate and key
    :param timeout: seconds to wait for each answer
    :return: what it answered
    :raises NotReached: when nobody answers there, or not by TLS
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The certificate is what is asked for, whoever issued it.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        context.load_cert_chain(bundle, password=_nobody)
    except (OSError, ValueError) as problem:
        raise NotReached(f"{bundle} is no bundle to ask with: {problem}") from problem
    try:
        connection = socket.create_connection((address, port), timeout)
    except OSError as problem:
        raise NotReached(f"{address}:{port} does not answer: {problem}") from problem
    with connection:
        return _talk(context, connection, f"{address}:{port}")


def _nobody() -> str:
    """The password of a key, if there were anybody to ask for it."""
    return ""


def _talk(context: ssl.SSLContext, connection: socket.socket, where: str) -> Answer:
    shown = None
    wrapped = context.wrap_socket(connection, do_handshake_on_connect=False)
    try:
        wrapped.do_handshake()
        shown = wrapped.getpeercert(binary_form=True)
        # With TLS 1.3 a refusal comes after the handshake.
        wrapped.sendall(QUESTION)
        lets_in = bool(wrapped.recv(1))
    except OSError as problem:
        # Up to TLS 1.2 an alert ends the handshake.
        if shown is None and not _is_alert(problem):
            raise NotReached(f"{where} does not speak TLS: {problem}") from problem
        lets_in = False
    finally:
        wrapped.close()
    return Answer(x509.load_der_x509_certificate(shown) if shown else None, lets_in)


def _is_alert(problem: OSError) -> bool:
    """Whether OpenSSL's code of an error is that of an alert, which only a TLS server sends."""
    return isinstance(problem, ssl.SSLError) and "_ALERT_" in (problem.reason or "")


def issuer(certificate: x509.Certificate, trusted: Sequence[x509.Certificate]) -> str:
    """
    Which of the trusted CAs issued a certificate.

    :param certificate: the certificate
    :param trusted: the CAs
    :return: the fingerprint of the CA; empty for none of them
    """
    found = (item for item in trusted if load.is_issued_by(certificate, item))
    return next(map(load.fingerprint, found), "")
