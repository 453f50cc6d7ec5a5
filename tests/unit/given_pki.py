"""What the tests of certificates start from: a PKI that is right, and ways to spoil it."""

import datetime
import functools
from typing import Any

import octavia_pki_check as check
import octavia_pki_load as load
import octavia_pki_make as make
import octavia_pki_names
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
PASSPHRASE = "the-passphrase-of-the-server-ca-"
FOLDER = "/etc/octavia/certs"
MANAGER = {
    "certificates": {
        "ca_certificate": f"{FOLDER}/server_ca.pem",
        "ca_private_key": f"{FOLDER}/private/server_ca.key",
    },
    "controller_worker": {"client_ca": f"{FOLDER}/client_ca.pem"},
    "haproxy_amphora": {
        "client_cert": f"{FOLDER}/client.pem",
        "client_cert_key": f"{FOLDER}/private/client.key",
        "client_cert_all": f"{FOLDER}/client_all.pem",
        "server_ca": f"{FOLDER}/server_ca_trust.pem",
    },
}
CLIENT_AUTH, SERVER_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


def option(manager: dict[str, Any]):
    """A value as octavia.conf would have it for a pillar of the role."""

    def value(section: str, name: str) -> Any:
        if (section, name) == ("haproxy_amphora", "client_cert"):
            given = manager["haproxy_amphora"]
            return given.get("client_cert_all") or given.get("client_cert")
        return manager.get(section, {}).get(name)

    return value


def files(manager: dict[str, Any] = MANAGER, **pki: Any) -> dict[str, octavia_pki_names.File]:
    """The files of a controller with this pillar."""
    return octavia_pki_names.files(manager, pki, option(manager))


@functools.cache
def key(name: str, kind: str = "ec") -> Any:
    """A private key, one and the same for one name."""
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:] or 2048))
    return ec.generate_private_key(ec.SECP192R1() if kind == "small" else ec.SECP256R1())


def certificate(
    name: str,
    own: Any,
    by: tuple[x509.Certificate, Any] | None = None,
    *,
    ca: bool | None = False,
    start: int = -1,
    days: int = 100,
    usage: tuple[str, ...] | None = ("digital_signature",),
    extended: tuple[Any, ...] = (),
    path_length: int | None = None,
    identifiers: bool = True,
    critical: bool = True,
    names: tuple[str, ...] = (),
) -> x509.Certificate:
    """
    A certificate with whatever one wants to be wrong with it.

    :param name: its common name
    :param own: its key
    :param by: certificate and key of its issuer; none for one that signs itself
    :param ca: the CA flag; None leaves basicConstraints out
    :param start: the day from which it is valid, from now on
    :param days: the day on which it ends
    :param usage: key usages; None leaves the extension out
    :param extended: extended key usages
    :param path_length: how many CAs there may be below it
    :param identifiers: whether it has key identifiers
    :param critical: whether the CA flag is critical
    :param names: further names of it
    :return: the certificate
    """
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, issuer_key = (by[0].subject, by[1]) if by else (subject, own)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + start * DAY)
        .not_valid_after(NOW + days * DAY)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical)
    if usage is not None:
        flags = {**make._USAGE, **dict.fromkeys(usage, True)}
        builder = builder.add_extension(x509.KeyUsage(**flags), True)
    if extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage(extended), False)
    if names:
        also = x509.SubjectAlternativeName(map(x509.DNSName, names))
        builder = builder.add_extension(also, False)
    if identifiers:
        mine = x509.SubjectKeyIdentifier.from_public_key(own.public_key())
        theirs = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        builder = builder.add_extension(mine, False).add_extension(theirs, False)
    if isinstance(issuer_key, ed25519.Ed25519PrivateKey):
        return builder.sign(issuer_key, None)
    return builder.sign(issuer_key, hashes.SHA256())


def authority(name: str, own: Any, by: Any = None, **more: Any) -> x509.Certificate:
    """A CA; the arguments are those of :func:`certificate`."""
    given = {"ca": True, "usage": ("key_cert_sign", "crl_sign"), "days": 1000, **more}
    return certificate(name, own, by, **given)


def pem(*certificates: x509.Certificate) -> str:
    """Certificates in PEM form, one after the other."""
    return "".join(map(load.to_pem, certificates))


@functools.cache
def _good() -> dict[str, str]:
    server = authority("server CA", key("server"))
    client = authority("client CA", key("client"))
    own = certificate(
        "ctl01", key("controller"), (client, key("client")), extended=(CLIENT_AUTH,), days=365
    )
    plain = make.key_to_pem(key("controller"))
    return {
        octavia_pki_names.CA: pem(server),
        octavia_pki_names.CA_KEY: make.key_to_pem(key("server"), PASSPHRASE),
        octavia_pki_names.SERVER_TRUST: pem(server),
        octavia_pki_names.CLIENT_TRUST: pem(client),
        octavia_pki_names.CLIENT_CA_KEY: make.key_to_pem(key("client")),
        octavia_pki_names.CERT: pem(own),
        octavia_pki_names.CERT_KEY: plain,
        octavia_pki_names.BUNDLE: pem(own) + plain,
    }


def good() -> dict[str, str]:
    """The texts of a controller's files by name, with two CAs; nothing is wrong with them."""
    return dict(_good())


def issued(issuer: x509.Certificate, issuer_key: Any, **more: Any) -> dict[str, str]:
    """The three files of a controller's certificate that this CA issued."""
    given = {"extended": (CLIENT_AUTH,), "days": 365, **more}
    own = certificate("ctl01", key("controller"), (issuer, issuer_key), **given)
    plain = make.key_to_pem(key("controller"))
    return {
        octavia_pki_names.CERT: pem(own),
        octavia_pki_names.CERT_KEY: plain,
        octavia_pki_names.BUNDLE: pem(own) + plain,
    }


def signing(own: Any = None, passphrase: str = PASSPHRASE, **more: Any) -> dict[str, str]:
    """The three files of a server CA."""
    own = own or key("server")
    text = pem(authority("server CA", own, **more))
    return {
        octavia_pki_names.CA: text,
        octavia_pki_names.SERVER_TRUST: text,
        octavia_pki_names.CA_KEY: make.key_to_pem(own, passphrase),
    }


def material(texts: dict[str, str | bytes], **more: Any) -> check.Material:
    """What a controller with these files has."""
    found = files()
    contents = {
        found[name].path: text.encode() if isinstance(text, str) else text
        for name, text in texts.items()
    }
    return check.Material(
        **{"files": found, "contents": contents, "passphrase": PASSPHRASE, **more}
    )
