"""
Whether a certificate is trusted, by the rules that OpenSSL applies to TLS: the chain up to a
self-signed CA that is trusted, dates, CA flags, purposes, and keys that are long enough.
"""

# No annotations as text here, see octavia_blocks.
import datetime
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

try:
    import octavia_pki_load as load
except ImportError:
    from salt_formula_octavia.utils import octavia_pki_load as load

CLIENT, SERVER = "client", "server"
PURPOSES = {
    CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH,
    SERVER: ExtendedKeyUsageOID.SERVER_AUTH,
}
LONGEST = 10


class Problem(NamedTuple):
    """
    Why a certificate is not trusted.

    :ivar certificate: the certificate of the chain that it is about
    :ivar reason: why, a sentence without a full stop
    :ivar remedy: what to do about it, a sentence without a full stop
    """

    certificate: x509.Certificate
    reason: str
    remedy: str


def leaf_problems(
    leaf: x509.Certificate,
    others: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
    purpose: str,
    now: datetime.datetime,
) -> list[Problem]:
    """
    Why the other side would not accept a certificate.

    :param leaf: the certificate
    :param others: what is sent along with it
    :param trusted: the CAs that the other side has
    :param purpose: :data:`CLIENT` or :data:`SERVER`
    :param now: the time it is, in UTC
    :return: the problems; empty where it is accepted
    """
    weak = list(_weak(leaf, False))
    found = [*_dates(leaf, now), *weak, *_leaf_usage(leaf, purpose)]
    # A signature that nobody takes any more is not looked at.
    return found if weak else [*found, *_above(leaf, others, trusted, purpose, now)]


def authority_problems(
    authority: x509.Certificate,
    trusted: Sequence[x509.Certificate],
    purpose: str,
    now: datetime.datetime,
) -> list[Problem]:
    """
    Why a certificate that a CA issues now would not be accepted, when it is sent alone.

    :param authority: the certificate of the CA
    :param trusted: the CAs that the other side has
    :param purpose: of the issued certificate, :data:`CLIENT` or :data:`SERVER`
    :param now: the time it is, in UTC
    :return: the problems; empty where it is accepted
    """
    flaws = list(authority_flaws(authority, purpose, now, 0))
    key = load.public_bytes(authority)
    # A CA that was issued anew with the same name and key is the same one to who checks.
    known = [
        other
        for other in trusted
        if other.subject == authority.subject and load.public_bytes(other) == key
    ]
    if not known:
        reason = "is not among the CAs by which its certificates are checked"
        return [*flaws, Problem(authority, reason, "Add it to them")]
    above = [
        [
            *authority_flaws(other, purpose, now, 0),
            *_above(other, (), trusted, purpose, now, 1),
        ]
        for other in known
    ]
    return list(dict.fromkeys([*flaws, *min(above, key=len)]))


def authority_flaws(
    authority: x509.Certificate, purpose: str, now: datetime.datetime, below: int
) -> Iterator[Problem]:
    """
    What keeps a certificate from being a CA of the chain.

    :param authority: the certificate
    :param purpose: of the certificate at the end of the chain
    :param now: the time it is, in UTC
    :param below: how many CAs there are between it and the end of the chain
    :return: the problems
    """
    yield from _dates(authority, now)
    yield from _weak(authority, load.is_self_signed(authority))
    basic = load.extension(authority, x509.BasicConstraints)
    usage = load.extension(authority, x509.KeyUsage)
    remedy = "Have it issued as a CA: basicConstraints CA:TRUE and keyUsage keyCertSign"
    if basic is None or not basic.ca:
        yield Problem(authority, "is no CA: it has not the CA flag", remedy)
    elif basic.path_length is not None and basic.path_length < below:
        reason = f"allows {basic.path_length} CAs below itself, and there are {below}"
        yield Problem(authority, reason, "Have it issued with a longer pathlen")
    if usage is not None and not usage.key_cert_sign:
        yield Problem(authority, "may not sign certificates, by its key usage", remedy)
    yield from _extended(authority, purpose)
    yield from _unknown(authority)


def _above(
    certificate: x509.Certificate,
    others: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
    purpose: str,
    now: datetime.datetime,
    below: int = 0,
) -> list[Problem]:
    """The problems of the best chain of CAs above a certificate."""
    if load.is_self_signed(certificate):
        if certificate in trusted:
            return []
        reason = "is signed by itself, and not among the trusted CAs"
        return [Problem(certificate, reason, "Have it issued by the CA, or trust it")]
    if below > LONGEST:
        return [Problem(certificate, "has too long a chain of CAs above it", "Shorten it")]
    best: list[Problem] | None = None
    for issuer in (*trusted, *others):
        if issuer == certificate or not load.is_issued_by(certificate, issuer):
            continue
        found = [
            *authority_flaws(issuer, purpose, now, below),
            *_above(issuer, others, trusted, purpose, now, below + 1),
        ]
        if best is None or len(found) < len(best):
            best = found
    if best is not None:
        return best
    reason = "was issued by none of the trusted CAs"
    issuer_name = certificate.issuer.rfc4514_string()
    remedy = f"Add the CA that issued it ({issuer_name}) up to its root, or have it issued by one"
    return [Problem(certificate, reason, remedy)]


def _dates(certificate: x509.Certificate, now: datetime.datetime) -> Iterator[Problem]:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if end < now:
        yield Problem(certificate, f"has expired on {end:%Y-%m-%d %H:%M} UTC", "Have it renewed")
    if start > now:
        reason = f"is not valid before {start:%Y-%m-%d %H:%M} UTC"
        yield Problem(certificate, reason, "Check the clock of this node, or have it issued anew")


def _weak(certificate: x509.Certificate, is_root: bool) -> Iterator[Problem]:
    why = load.weakness(certificate, is_root)
    if why:
        yield Problem(certificate, why, "Have it issued anew, with SHA-256 and a longer key")


def _leaf_usage(leaf: x509.Certificate, purpose: str) -> Iterator[Problem]:
    usage = load.extension(leaf, x509.KeyUsage)
    if usage is not None and not (usage.digital_signature or usage.key_agreement):
        reason = "may not be used for TLS, by its key usage"
        yield Problem(leaf, reason, "Have it issued with keyUsage digitalSignature")
    yield from _extended(leaf, purpose)
    yield from _unknown(leaf)


def _extended(certificate: x509.Certificate, purpose: str) -> Iterator[Problem]:
    usage = load.extension(certificate, x509.ExtendedKeyUsage)
    if usage is not None and PURPOSES[purpose] not in usage:
        reason = f"may not be used by a TLS {purpose}, by its extended key usage"
        yield Problem(certificate, reason, f"Have it issued with {purpose}Auth")


def _unknown(certificate: x509.Certificate) -> Iterator[Problem]:
    for item in certificate.extensions:
        if item.critical and isinstance(item.value, x509.UnrecognizedExtension):
            reason = f"has a critical extension that nobody knows, {item.oid.dotted_string}"
            yield Problem(certificate, reason, "Have it issued without")


def strict_flaws(certificate: x509.Certificate) -> list[str]:
    """
    What Python 3.13 and later, which apply RFC 5280 strictly, would refuse in a certificate that
    other versions take.

    :param certificate: a CA, or a certificate issued by one
    :return: the reasons
    """
    basic = _whole(certificate, x509.BasicConstraints)
    is_ca = bool(basic and basic.value.ca)
    found = []
    if is_ca and basic is not None and not basic.critical:
        found.append("its CA flag is not marked critical")
    if is_ca and load.extension(certificate, x509.KeyUsage) is None:
        found.append("it is a CA without a key usage")
    if is_ca and load.extension(certificate, x509.SubjectKeyIdentifier) is None:
        found.append("it is a CA without a subject key identifier")
    if (
        not load.is_self_signed(certificate)
        and load.extension(certificate, x509.AuthorityKeyIdentifier) is None
    ):
        found.append("it has no authority key identifier")
    return found


def _whole(certificate: x509.Certificate, kind: Any) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None
