"""
Whether all controllers agree: fingerprints of what they must have in common, and what differs.

Fingerprints hold no secret. Those of secrets are slow hashes, see :mod:`octavia_pki_secrets`.
"""

# No annotations as text here, see octavia_blocks.
import configparser
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cryptography import x509

try:
    import octavia_findings as findings
    import octavia_pki_load as load
    import octavia_pki_names as names
    import octavia_pki_pem as pem
    import octavia_pki_secrets as secrets
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_pki_load as load
    from salt_formula_octavia.utils import octavia_pki_names as names
    from salt_formula_octavia.utils import octavia_pki_pem as pem
    from salt_formula_octavia.utils import octavia_pki_secrets as secrets

Fingerprints = dict[str, Any]

#: Options that are lists, in some release at least.
LISTS = (secrets.SERVER_CERTS, ("health_manager", "controller_ip_port_list"))
#: What must be the same everywhere: why, where the pillar has it, and whether order counts.
COMMON: dict[str, tuple[str, str]] = {
    "server_ca": (
        "amphorae that one controller makes would not be trusted by another",
        "octavia:manager:certificates:ca_certificate",
    ),
    "server_ca_trusted": (
        "amphorae that one controller reaches would be refused by another",
        "octavia:manager:haproxy_amphora:server_ca",
    ),
    "client_ca_trusted": (
        "amphorae would trust the controllers that trust the same CAs, and no others",
        "octavia:manager:controller_worker:client_ca",
    ),
    "server_certs_key_passphrase": (
        "a flow that one node began could not be continued by another",
        "octavia:manager:certificates:server_certs_key_passphrase",
    ),
    "heartbeat_key": (
        "heartbeats would be accepted by some health managers only, and amphorae look dead",
        "octavia:manager:health_manager:heartbeat_key",
    ),
    "controllers": (
        "amphorae would report to some health managers only",
        "octavia:manager:health_manager:controller_ip_port_list",
    ),
}


def in_force(conf: str, option: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    """
    The values that Octavia reads, whatever the pillar may say by now.

    :param conf: the content of octavia.conf; empty where it is not there
    :param option: a value as octavia.conf would have it, for what the file leaves out
    :return: a value by section and option; lists as lists
    """
    parser = configparser.RawConfigParser(
        strict=False, delimiters=("=",), default_section="", empty_lines_in_values=False
    )
    try:
        parser.read_string(conf)
    except configparser.Error:
        return option

    def value(section: str, name: str) -> Any:
        text = parser.get(section, name, fallback=None)
        if text is None:
            return option(section, name)
        # oslo.config reads two dollars as one.
        plain = text.replace("$$", "$")
        if (section, name) in LISTS:
            return [item.strip() for item in plain.split(",") if item.strip()]
        return plain

    return value


def fingerprints(
    files: Mapping[str, names.File],
    contents: Mapping[str, bytes],
    option: Callable[[str, str], Any],
) -> Fingerprints:
    """
    What tells a controller's certificates and secrets from those of another.

    :param files: the files of the controller
    :param contents: contents by path
    :param option: a value as octavia.conf will have it, by section and option
    :return: fingerprints by name; no secret among them
    """

    def read(name: str) -> list[x509.Certificate]:
        try:
            return load.certificates(contents[files[name].path])
        except (KeyError, pem.BadPem):
            return []

    def of(name: str) -> list[str]:
        return [load.fingerprint(certificate) for certificate in read(name)]

    return {
        "server_ca": of(names.CA)[:1],
        "server_ca_trusted": sorted(of(names.SERVER_TRUST)),
        "client_ca_trusted": sorted(of(names.CLIENT_TRUST)),
        "client_certificate": of(names.BUNDLE)[:1],
        "client_certificate_issuer": _issuer(read(names.BUNDLE), read(names.CLIENT_TRUST)),
        # A list is read from its first item on: the order counts.
        "server_certs_key_passphrase": [
            secrets.fingerprint("server_certs_key_passphrase", item)
            for item in secrets.items(option(*secrets.SERVER_CERTS))
        ],
        "heartbeat_key": secrets.fingerprint(
            "heartbeat_key", str(option(*secrets.HEARTBEAT) or "")
        ),
        "controllers": sorted(secrets.items(option("health_manager", "controller_ip_port_list"))),
    }


def _issuer(bundle: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate]) -> list[str]:
    """The trusted CA at the top of a client certificate."""
    current = bundle[:1]
    for _ in bundle:
        above = [item for item in trusted if load.is_issued_by(current[0], item)]
        if above:
            return [load.fingerprint(above[0])]
        current = [item for item in bundle[1:] if load.is_issued_by(current[0], item)][:1]
        if not current:
            break
    return []


def compare(nodes: Mapping[str, Any]) -> list[findings.Finding]:
    """
    What the controllers do not have in common.

    :param nodes: the fingerprints by node
    :return: a finding for each difference, with the nodes on either side
    """
    found = []
    for node, given in nodes.items():
        if not isinstance(given, Mapping) or not given:
            remedy = "Run octavia_pki.fingerprints there, and mine.update when it answers"
            reason = "has given no fingerprints"
            found.append(findings.error(f"node:{node}", None, reason, remedy))
    answered = {
        node: given for node, given in nodes.items() if isinstance(given, Mapping) and given
    }
    for key, (consequence, path) in COMMON.items():
        groups: dict[str, list[str]] = {}
        for node, given in sorted(answered.items()):
            if key in given:
                groups.setdefault(repr(given[key]), []).append(node)
        if len(groups) > 1:
            sides = " unlike ".join(
                ", ".join(side) for side in sorted(groups.values(), key=len, reverse=True)
            )
            reason = f"is not the same everywhere ({sides}): {consequence}"
            remedy = "Give all of them the same, then compare again"
            found.append(findings.error(path, None, reason, remedy))
    found += _shared_certificates(answered)
    return found


def _shared_certificates(nodes: Mapping[str, Any]) -> list[findings.Finding]:
    owners: dict[str, list[str]] = {}
    for node, given in sorted(nodes.items()):
        for item in given.get("client_certificate") or []:
            owners.setdefault(item, []).append(node)
    return [
        findings.warning(
            "octavia:manager:haproxy_amphora:client_cert",
            None,
            f"is one certificate for {', '.join(sharing)}: who takes it from one has all of them",
            "Give each controller its own, see docs/certificates.rst",
        )
        for sharing in owners.values()
        if len(sharing) > 1
    ]
