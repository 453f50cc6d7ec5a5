"""
Certificates and keys as `cryptography` sees them, and what is asked of one of them alone.
"""

# No annotations as text here, see octavia_blocks.
import datetime
from collections.abc import Iterable
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

try:
    import octavia_pki_pem as pem
except ImportError:
    from salt_formula_octavia.utils import octavia_pki_pem as pem

#: What OpenSSL asks for as Debian and Ubuntu set it up (security level 2).
LEAST_RSA, LEAST_EC = 2048, 224
WEAK_HASHES = ("md5", "sha1")
#: What is signed to try a key.
TRIAL = b"octavia"
#: Of a request and the like it is told that somebody took the wrong file.
OTHERS = {
    "CERTIFICATE REQUEST": "a request for a certificate",
    "NEW CERTIFICATE REQUEST": "a request for a certificate",
    "PUBLIC KEY": "a public key",
    "X509 CRL": "a list of revoked certificates",
    "OPENSSH PRIVATE KEY": "a key of OpenSSH",
}


def certificates(content: bytes) -> list[x509.Certificate]:
    """
    The certificates of a text in PEM form.

    :param content: the content of a file
    :return: the certificates in their order, at least one
    :raises octavia_pki_pem.BadPem: when there is none, or one cannot be read
    """
    blocks = pem.read(content)
    found = []
    for block in blocks:
        if not block.is_certificate():
            continue
        try:
            certificate = x509.load_pem_x509_certificate(_labelled(block))
            # Both are only parsed when they are asked for.
            _ = (certificate.extensions, certificate.public_key())
        except (ValueError, UnsupportedAlgorithm, x509.UnsupportedGeneralNameType) as problem:
            reason = "holds a certificate that cannot be read"
            raise pem.BadPem(reason, "Copy it anew, or have it issued anew") from problem
        found.append(certificate)
    if not found:
        raise pem.BadPem(f"holds {_others(blocks)}, no certificate", "Put the certificate there")
    return found


def _labelled(block: pem.Block) -> bytes:
    return block.text.replace(f" {block.label}-----", " CERTIFICATE-----").encode("ascii")


def private_key(content: bytes, passphrase: str = "") -> Any:
    """
    The private key of a text in PEM form, the first as OpenSSL reads it.

    :param content: the content of a file
    :param passphrase: what opens the key; empty for none
    :return: the key, an object of `cryptography`
    :raises octavia_pki_pem.BadPem: when there is none, or it cannot be opened
    """
    blocks = pem.read(content)
    keys = [block for block in blocks if block.is_key() and block.label not in OTHERS]
    if not keys:
        raise pem.BadPem(f"holds {_others(blocks)}, no private key", "Put the private key there")
    text = keys[0].text.encode("ascii")
    encrypted = "ENCRYPTED" in keys[0].label or b"Proc-Type: 4,ENCRYPTED" in text
    if encrypted and not passphrase:
        reason = "holds an encrypted private key, and there is no passphrase for it"
        raise pem.BadPem(reason, "Give the passphrase, or put a key without one there")
    if passphrase and not encrypted:
        reason = "holds a private key without a passphrase, and a passphrase is given for it"
        raise pem.BadPem(reason, "Encrypt the key with the passphrase, or remove the passphrase")
    try:
        secret = passphrase.encode("utf-8") if passphrase else None
        # Looking for the primes of an RSA key takes half a second of each run; whether the key
        # does what it is for takes none, and tells more.
        key = serialization.load_pem_private_key(text, secret, unsafe_skip_rsa_key_validation=True)
        if isinstance(key, rsa.RSAPrivateKey):
            _try(key)
        return key
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        if encrypted:
            reason = "holds a private key that the passphrase does not open"
            remedy = "Correct the passphrase, or put the key there that it belongs to"
        else:
            reason = "holds a private key that cannot be read"
            remedy = "Copy it anew, from BEGIN to END"
        raise pem.BadPem(reason, remedy) from problem


def _try(key: rsa.RSAPrivateKey) -> None:
    """Signs something; a ValueError tells that the signature is wrong."""
    signature = key.sign(TRIAL, padding.PKCS1v15(), hashes.SHA256())
    try:
        key.public_key().verify(signature, TRIAL, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as problem:
        raise ValueError("the parts of the key do not belong together") from problem


def _others(blocks: Iterable[pem.Block]) -> str:
    names = (
        "a certificate" if block.is_certificate() else OTHERS.get(block.label, block.label.lower())
        for block in blocks
    )
    return next(iter(names), "nothing")


def public_bytes(holder: Any) -> bytes:
    """
    The public key of a certificate or of a private key, in a form that can be compared.

    :param holder: a certificate or a private key
    :return: its public key in DER form
    """
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(holder.public_key().public_bytes(encoding, form))


def belong_together(certificate: x509.Certificate, key: Any) -> bool:
    """
    Whether a private key is that of a certificate.

    :param certificate: the certificate
    :param key: the private key
    :return: True where they have one public key
    """
    return public_bytes(certificate) == public_bytes(key)


def to_pem(certificate: x509.Certificate) -> str:
    """
    A certificate in PEM form.

    :param certificate: the certificate
    :return: the text
    """
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def fingerprint(certificate: x509.Certificate) -> str:
    """
    The fingerprint of a certificate, as ``openssl x509 -fingerprint -sha256`` has it.

    :param certificate: the certificate
    :return: SHA-256 in hexadecimal digits, without colons
    """
    return certificate.fingerprint(hashes.SHA256()).hex()


def name(certificate: x509.Certificate) -> str:
    """
    What a certificate is called where it is spoken of.

    :param certificate: the certificate
    :return: its common name, or else its whole subject
    """
    return common_name(certificate) or certificate.subject.rfc4514_string() or "without a name"


def common_name(certificate: x509.Certificate) -> str:
    """
    The common name of a certificate.

    :param certificate: the certificate
    :return: its first common name; empty where it has none
    """
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def days_left(certificate: x509.Certificate, now: datetime.datetime) -> int:
    """
    How long a certificate is valid yet.

    :param certificate: the certificate
    :param now: the time it is, in UTC
    :return: whole days, negative for one that is over
    """
    return (certificate.not_valid_after_utc - now) // datetime.timedelta(days=1)


def weakness(certificate: x509.Certificate, is_root: bool) -> str:
    """
    Why TLS of today would not take a certificate, whatever it says: a key that is too short, or a
    signature over a hash that can be forged.

    :param certificate: the certificate
    :param is_root: whether it is a self-signed CA, whose own signature nobody looks at
    :return: the reason; empty for none
    """
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < LEAST_RSA:
            return f"has an RSA key of {key.key_size} bits, too short: TLS wants {LEAST_RSA}"
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.key_size < LEAST_EC:
            return f"has a key on {key.curve.name}, which is too small a curve for TLS"
    elif not isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
        return "has a key that is neither RSA nor of an elliptic curve"
    used = certificate.signature_hash_algorithm
    if used is not None and used.name in WEAK_HASHES and not is_root:
        return f"is signed over {used.name.upper()}, which TLS does not take any more"
    return ""


def is_self_signed(certificate: x509.Certificate) -> bool:
    """
    Whether a certificate is a root, as OpenSSL sees it: names and key identifiers tell, its own
    signature proves nothing and is not looked at.

    :param certificate: the certificate
    :return: True for a root
    """
    return certificate.issuer == certificate.subject and _identifiers_fit(certificate, certificate)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """
    Whether a certificate was issued by another: names, key identifiers and signature.

    :param certificate: the certificate
    :param issuer: the one that may have signed it
    :return: True where it did
    """
    if not _identifiers_fit(certificate, issuer):
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _identifiers_fit(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    wanted = extension(certificate, x509.AuthorityKeyIdentifier)
    known = extension(issuer, x509.SubjectKeyIdentifier)
    if wanted is None or known is None or wanted.key_identifier is None:
        return True
    return bool(wanted.key_identifier == known.digest)


def extension(certificate: x509.Certificate, kind: Any) -> Any:
    """
    The value of an extension.

    :param certificate: the certificate
    :param kind: the class of the extension
    :return: the value; None where there is no such extension
    """
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
