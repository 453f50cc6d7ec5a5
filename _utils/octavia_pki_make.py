"""
Makes CAs, keys and client certificates.

What is made satisfies RFC 5280 to the letter (critical CA flag, key usage, key identifiers), since
Python 3.13 and later refuse anything less.
"""

# No annotations as text here, see octavia_blocks.
import datetime
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

try:
    import octavia_pki_load as load
except ImportError:
    from salt_formula_octavia.utils import octavia_pki_load as load

RSA, ECDSA = "rsa", "ecdsa"
CURVES: dict[str, type[ec.EllipticCurve]] = {
    "secp256r1": ec.SECP256R1,
    "secp384r1": ec.SECP384R1,
    "secp521r1": ec.SECP521R1,
}
#: How far back a new certificate is valid, for clocks of amphorae that are behind.
BACK = datetime.timedelta(hours=1)
EXPONENT = 65537


class Kind(NamedTuple):
    """
    What keys are made.

    :ivar algorithm: :data:`RSA` or :data:`ECDSA`
    :ivar bits: size of an RSA key
    :ivar curve: name of the elliptic curve, one of :data:`CURVES`
    """

    algorithm: str = RSA
    bits: int = 4096
    curve: str = "secp384r1"


class Pair(NamedTuple):
    """
    A certificate and its key, in PEM form.

    :ivar certificate: the certificate
    :ivar key: the private key
    """

    certificate: str
    key: str


def new_key(kind: Kind) -> Any:
    """
    A new private key.

    :param kind: what key
    :return: the key, an object of `cryptography`
    """
    if kind.algorithm == ECDSA:
        return ec.generate_private_key(CURVES[kind.curve]())
    return rsa.generate_private_key(EXPONENT, kind.bits)


def key_to_pem(key: Any, passphrase: str = "") -> str:
    """
    A private key in PEM form (PKCS#8).

    :param key: the key
    :param passphrase: what it is encrypted with; empty for a plain key
    :return: the text, a secret
    """
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        protection = serialization.BestAvailableEncryption(passphrase.encode("utf-8"))
    form = serialization.PrivateFormat.PKCS8
    return str(key.private_bytes(serialization.Encoding.PEM, form, protection).decode("ascii"))


def authority(
    name: str, key: Any, days: int, now: datetime.datetime, path_length: int = 0
) -> x509.Certificate:
    """
    The self-signed certificate of a new CA.

    :param name: its common name
    :param key: its key
    :param days: how long it is valid
    :param now: the time it is, in UTC
    :param path_length: how many CAs there may be below it
    :return: the certificate
    """
    subject = _name(name)
    usage = {**_USAGE, "digital_signature": True, "key_cert_sign": True, "crl_sign": True}
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACK)
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )


def client(
    name: str,
    key: Any,
    issuer: Any,
    issuer_key: Any,
    days: int,
    now: datetime.datetime,
) -> x509.Certificate:
    """
    The certificate of a controller, which ends no later than its CA.

    :param name: its common name, the ID of the minion
    :param key: the controller's key
    :param issuer: certificate of the client CA
    :param issuer_key: key of the client CA
    :param days: how long it is valid
    :param now: the time it is, in UTC
    :return: the certificate
    """
    end = min(now + datetime.timedelta(days=days), issuer.not_valid_after_utc)
    usage = {**_USAGE, "digital_signature": True}
    usage["key_encipherment"] = isinstance(key, rsa.RSAPrivateKey)
    own = load.extension(issuer, x509.SubjectKeyIdentifier)
    by = (
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        if own is None
        else x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
    )
    algorithm = (
        hashes.SHA256()
        if isinstance(issuer_key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey))
        else None
    )
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(now - BACK, issuer.not_valid_before_utc))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(by, critical=False)
        .sign(issuer_key, algorithm)
    )


def _name(common_name: str) -> x509.Name:
    # A common name has 64 characters at most.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


_USAGE = dict.fromkeys(
    (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    ),
    False,
)
