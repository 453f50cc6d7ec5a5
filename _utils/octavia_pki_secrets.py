"""
The secrets that all controllers share: the passphrase of the server CA's key, the passphrases under
which flows keep private keys, and the key that signs heartbeats.

Values that stand in Octavia's documentation, its defaults, or other deployment tools are known to
everybody; a site that uses one has no secret.
"""

# No annotations as text here, see octavia_blocks.
import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

try:
    import octavia_findings as findings
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings

Option = tuple[str, str]

HEARTBEAT: Option = ("health_manager", "heartbeat_key")
SERVER_CERTS: Option = ("certificates", "server_certs_key_passphrase")
CA_KEY: Option = ("certificates", "ca_private_key_passphrase")
#: Published values by option. The second is the default of `server_certs_key_passphrase` in
#: octavia/certificates/common/local.py, the others stand in Octavia's guides and devstack plugin.
PUBLISHED: dict[Option, tuple[str, ...]] = {
    HEARTBEAT: ("insecure",),
    SERVER_CERTS: ("insecure-key-do-not-use-this-key",),
    CA_KEY: ("foobar", "not-secure-passphrase"),
}
#: How each of them is replaced; none is ever replaced as a side effect.
REMEDIES: dict[Option, str] = {
    HEARTBEAT: (
        "Make one by octavia_pki.new_heartbeat_key; a fleet that runs already takes it by the "
        "rotation of the heartbeat key in docs/certificates.rst, and by nothing else"
    ),
    SERVER_CERTS: (
        "Make one by octavia_pki.new_passphrase and give it to all controllers and API nodes, "
        "before 2025.2 while no load balancer is PENDING"
    ),
    CA_KEY: (
        "Encrypt the CA's key anew (openssl pkey -aes256) with one made by "
        "octavia_pki.new_passphrase, and give both to all controllers; amphorae do not notice"
    ),
}


def new_passphrase() -> str:
    """
    A passphrase that fits `server_certs_key_passphrase` and the key of a CA.

    :return: 32 URL-safe characters that hold 192 random bits
    """
    return secrets.token_urlsafe(24)


def new_heartbeat_key() -> str:
    """
    A key that signs heartbeats.

    :return: 43 URL-safe characters that hold 256 random bits
    """
    return secrets.token_urlsafe(32)


def items(value: Any) -> list[str]:
    """
    The secrets in the value of an option, which may be a list.

    :param value: the value as octavia.conf has it
    :return: its items as text; empty for None
    """
    if value is None or value == "":
        return []
    return [str(item) for item in (value if isinstance(value, list) else [value])]


def published(
    option: Callable[[str, str], Any], paths: Mapping[Option, str], level: str
) -> list[findings.Finding]:
    """
    Which of the shared secrets are published values.

    :param option: a value as octavia.conf will have it, by section and option
    :param paths: the pillar path of each secret that this node uses
    :param level: of the findings, ``warning`` or ``error``
    :return: a finding for each of them
    """
    return list(_published(option, paths, level))


def _published(
    option: Callable[[str, str], Any], paths: Mapping[Option, str], level: str
) -> Iterator[findings.Finding]:
    for name, path in paths.items():
        if any(item in PUBLISHED[name] for item in items(option(*name))):
            reason = "has a published value, its default perhaps, which is no secret"
            yield findings.finding(level, path, findings.MASK, reason, REMEDIES[name])


def fingerprint(purpose: str, secret: str) -> str:
    """
    What tells whether two nodes have the same secret, and nothing of the secret: a slow hash, so
    that a weak one cannot be guessed from it in bulk.

    :param purpose: name of the secret, which keeps equal values of two secrets apart
    :param secret: the secret
    :return: 16 hexadecimal digits; empty for no secret
    """
    if not secret:
        return ""
    salt = f"octavia fingerprint {purpose}".encode()
    return hashlib.scrypt(secret.encode(), salt=salt, n=2**14, r=8, p=1, dklen=8).hex()
