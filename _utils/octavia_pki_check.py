"""
Whether the certificates and keys of a controller would do: each file by itself, all of them
together, and who may read them. Nothing here reads or writes a file.
"""

# No annotations as text here, see octavia_blocks.
import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

try:
    import octavia_findings as findings
    import octavia_pki_chain as chain
    import octavia_pki_load as load
    import octavia_pki_names as names
    import octavia_pki_pem as pem
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_pki_chain as chain
    from salt_formula_octavia.utils import octavia_pki_load as load
    from salt_formula_octavia.utils import octavia_pki_names as names
    from salt_formula_octavia.utils import octavia_pki_pem as pem

Finding = findings.Finding
Problems = Iterable[chain.Problem]

#: Days before its end at which a certificate is told of.
WARN_DAYS = 30
OTHERS, GROUP_READ, OWNER_READ = 0o007, 0o040, 0o400


class Access(NamedTuple):
    """
    Who may do what with a file.

    :ivar mode: its permission bits
    :ivar user: its owner
    :ivar group: its group
    """

    mode: int
    user: str
    group: str


@dataclass
class Material:
    """
    What a controller has, or would have.

    :ivar files: the files by name, see :mod:`octavia_pki_names`
    :ivar contents: what stands in the files that are there, by path
    :ivar passphrase: what opens the key of the server CA; empty for none
    :ivar access: who may read the files that are there, by path; empty where the formula sets it
    :ivar user: the user that Octavia runs as
    :ivar group: its group
    """

    files: Mapping[str, names.File]
    contents: Mapping[str, bytes]
    passphrase: str = ""
    access: Mapping[str, Access] = field(default_factory=dict)
    user: str = "octavia"
    group: str = "octavia"


def check(material: Material, now: datetime.datetime, warn_days: int = WARN_DAYS) -> list[Finding]:
    """
    What is wrong with the certificates and keys of a controller, all at once.

    :param material: what it has
    :param now: the time it is, in UTC
    :param warn_days: days before its end at which a certificate is told of
    :return: the findings; their values are names of files
    """
    run = _Check(material, now, warn_days)
    run.all()
    return list({tuple(item.values()): item for item in run.found}.values())


class _Check:
    """One check on its way."""

    def __init__(self, material: Material, now: datetime.datetime, warn_days: int) -> None:
        self.given = material
        self.now = now
        self.warn_days = warn_days
        self.found: list[Finding] = []

    def all(self) -> None:
        """Checks everything."""
        for name in names.READ:
            if name not in self.given.files:
                self._unnamed(name)
        self._server_ca()
        self._client()
        self._client_ca_key()
        for name, file in self.given.files.items():
            if file.path in self.given.access:
                self._access(name, file)

    def _add(self, name: str, level: str, reason: str, remedy: str) -> None:
        file = self.given.files[name]
        self.found.append(findings.finding(level, file.pillar, file.path, reason, remedy))

    def _unnamed(self, name: str) -> None:
        path = "octavia:manager:" + ":".join(names.OPTIONS[name])
        reason = "is not set, and Octavia cannot work without it"
        self.found.append(findings.error(path, None, reason, f"Set {path} to the path of the file"))

    def _load(self, name: str, read: Callable[[bytes], Any], needed: bool = True) -> Any:
        """What a file holds; None where it is not there or cannot be read."""
        file = self.given.files.get(name)
        if file is None:
            return None
        if file.path not in self.given.contents:
            if needed:
                remedy = (
                    "Put it there, restore it from a backup, or give it by the pillar octavia:pki; "
                    "octavia_pki.export_pillar makes that pillar on a node that has it"
                )
                self._add(name, findings.ERROR, "is not there", remedy)
            return None
        try:
            return read(self.given.contents[file.path])
        except pem.BadPem as problem:
            self._add(name, findings.ERROR, problem.reason, problem.remedy)
            return None

    def _tell(self, name: str, problems: Problems) -> None:
        for problem in problems:
            reason = f"{_called(problem.certificate)} {problem.reason}"
            self._add(name, findings.ERROR, reason, problem.remedy)

    def _aging(self, name: str, certificates: Sequence[x509.Certificate], remedy: str) -> None:
        """Tells of certificates that end soon, and of what newer Pythons refuse."""
        for certificate in certificates:
            days = load.days_left(certificate, self.now)
            if 0 <= days < self.warn_days:
                reason = f"{_called(certificate)} expires in {days} days"
                self._add(name, findings.WARNING, reason, remedy)
            flaws = chain.strict_flaws(certificate)
            if flaws:
                reason = (
                    f"{_called(certificate)} is refused by Python 3.13 and later, which "
                    f"controllers and amphorae may get by an upgrade: {', '.join(flaws)}"
                )
                self._add(name, findings.WARNING, reason, "Have it issued anew before that")

    def _server_ca(self) -> None:
        certificates = self._load(names.CA, load.certificates)
        key = self._load(
            names.CA_KEY, lambda content: load.private_key(content, self.given.passphrase)
        )
        trusted = self._load(names.SERVER_TRUST, load.certificates)
        if key is not None and not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
            reason = "holds a key that Octavia cannot sign with; it knows RSA and elliptic curves"
            self._add(names.CA_KEY, findings.ERROR, reason, "Make a CA with RSA or ECDSA")
        if certificates is None:
            return
        authority = certificates[0]
        if key is not None and not load.belong_together(authority, key):
            reason = f"holds a key that is not that of {_called(authority)}"
            remedy = "Put the key there that was made with the certificate of the CA"
            self._add(names.CA_KEY, findings.ERROR, reason, remedy)
        flaws = list(chain.authority_flaws(authority, chain.SERVER, self.now, 0))
        self._tell(names.CA, flaws)
        if trusted is not None:
            above = chain.authority_problems(authority, trusted, chain.SERVER, self.now)
            self._tell(names.SERVER_TRUST, [item for item in above if item not in flaws])
        remedy = "Begin the rotation of the server CA, see docs/certificates.rst"
        self._aging(names.CA, certificates[:1], remedy)

    def _client(self) -> None:
        bundle = self._load(names.BUNDLE, load.certificates)
        key = self._load(names.BUNDLE, load.private_key) if bundle is not None else None
        trusted = self._load(names.CLIENT_TRUST, load.certificates)
        if bundle is None:
            return
        leaf, others = bundle[0], bundle[1:]
        if key is not None and not load.belong_together(leaf, key):
            self._not_the_key_of(leaf, others, key)
        elif trusted is not None:
            found = chain.leaf_problems(leaf, others, trusted, chain.CLIENT, self.now)
            own = [item for item in found if item.certificate == leaf]
            self._tell(names.BUNDLE, own)
            self._tell(names.CLIENT_TRUST, [item for item in found if item not in own])
        remedy = "Renew it, see docs/certificates.rst"
        self._aging(names.BUNDLE, [leaf], remedy)
        if trusted is not None:
            remedy = "Begin the rotation of the client CA, see docs/certificates.rst"
            self._aging(names.CLIENT_TRUST, trusted, remedy)
        self._halves(leaf, key)

    def _not_the_key_of(
        self, leaf: x509.Certificate, others: Sequence[x509.Certificate], key: Any
    ) -> None:
        if any(load.belong_together(other, key) for other in others):
            reason = f"is in the wrong order: {_called(leaf)} stands before the controller's own"
            remedy = "Write the controller's certificate first, then the CAs between, then the key"
        else:
            reason = f"holds a key that is not that of {_called(leaf)}"
            remedy = "Write certificate and key there that were made together"
        self._add(names.BUNDLE, findings.ERROR, reason, remedy)

    def _halves(self, leaf: x509.Certificate, key: Any) -> None:
        """Whether the halves of the bundle, where they are files of their own, are those in it."""
        bundle = self.given.files[names.BUNDLE].path
        remedy = f"Make {bundle} of the two files anew, or copy both out of it"
        certificates = self._load(names.CERT, load.certificates)
        if certificates is not None and certificates[0] != leaf:
            reason = f"is not the certificate in {bundle}, which Octavia reads"
            self._add(names.CERT, findings.ERROR, reason, remedy)
        own = self._load(names.CERT_KEY, load.private_key)
        if None not in (own, key) and load.public_bytes(own) != load.public_bytes(key):
            reason = f"is not the key in {bundle}, which Octavia reads"
            self._add(names.CERT_KEY, findings.ERROR, reason, remedy)

    def _client_ca_key(self) -> None:
        """Who issues client certificates has a key, which must be that of a trusted CA."""
        files = self.given.files
        if names.CLIENT_CA_KEY not in files or names.is_one_ca(files):
            return
        key = self._load(names.CLIENT_CA_KEY, load.private_key, needed=False)
        file = files.get(names.CLIENT_TRUST)
        if key is None or file is None:
            return
        # The certificate of an intermediate CA may stand in the bundle alone.
        trusted = self._known(names.CLIENT_TRUST)
        known = [*trusted, *self._known(names.BUNDLE)]
        if trusted and not any(load.belong_together(certificate, key) for certificate in known):
            reason = f"is the key of no certificate in {file.path}: what it signs is not trusted"
            remedy = "Put the key of the client CA there, or the CA's certificate into that file"
            self._add(names.CLIENT_CA_KEY, findings.ERROR, reason, remedy)

    def _known(self, name: str) -> list[x509.Certificate]:
        """The certificates of a file of which everything else has been told already."""
        file = self.given.files.get(name)
        try:
            return load.certificates(self.given.contents[file.path]) if file else []
        except (KeyError, pem.BadPem):
            return []

    def _access(self, name: str, file: names.File) -> None:
        mode, user, group = self.given.access[file.path]
        if name in names.PRIVATE and mode & OTHERS:
            reason = f"holds a private key, and its mode {mode:04o} lets everybody at it"
            self._add(name, findings.ERROR, reason, f"chmod 0640 {file.path}, and chgrp it")
        if name == names.CLIENT_CA_KEY and not names.is_one_ca(self.given.files):
            return
        readable = (
            (mode & OWNER_READ and user == self.given.user)
            or (mode & GROUP_READ and group == self.given.group)
            or mode & 0o004
        )
        if name in names.READ and not readable:
            reason = f"cannot be read by {self.given.user}: it is {user}:{group} {mode:04o}"
            remedy = f"chown root:{self.given.group} {file.path} && chmod 0640 {file.path}"
            self._add(name, findings.ERROR, reason, remedy)


def _called(certificate: x509.Certificate) -> str:
    return f"the certificate of {load.name(certificate)}"
