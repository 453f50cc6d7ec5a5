"""
The pillar ``octavia:pki``: its keys, what is wrong with them, and the settings in force.

No certificate is opened here: that takes a library which most runs need not load.
"""

# No annotations as text here, see octavia_blocks.
from collections.abc import Callable, Mapping
from typing import Any

try:
    import octavia_findings as findings
    import octavia_keys as keys
    import octavia_pki_names as names
    import octavia_pki_pem as pem
    import octavia_pki_secrets as secrets
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_keys as keys
    from salt_formula_octavia.utils import octavia_pki_names as names
    from salt_formula_octavia.utils import octavia_pki_pem as pem
    from salt_formula_octavia.utils import octavia_pki_secrets as secrets

Finding = findings.Finding

PATH = "octavia:pki"
PEM, FILE, STRING, BOOLEAN = keys.PEM, keys.FILE, keys.STRING, keys.BOOLEAN
DAYS = {"type": "integer", "min": 1, "max": 36500}
AUTHORITY = {"certificate": PEM, "private_key": PEM, "also_trusted": PEM, "days": DAYS}
KEYS: keys.Keys = {
    "generate": BOOLEAN,
    "ca_node": STRING,
    "require_strong_secrets": BOOLEAN,
    "cloud_name": STRING,
    "textfile": FILE,
    "textfile_amphorae": BOOLEAN,
    "algorithm": {"type": "string", "choices": ("rsa", "ecdsa")},
    "bits": {"type": "integer", "min": 2048, "max": 16384},
    "curve": {"type": "string", "choices": ("secp256r1", "secp384r1", "secp521r1")},
    "warn_days": {"type": "integer", "min": 0},
    "server_ca": AUTHORITY,
    "client_ca": {**AUTHORITY, "private_key_file": FILE},
    "client": {
        "certificate": PEM,
        "private_key": PEM,
        "days": DAYS,
        "renew_days": DAYS,
        "ca_server": STRING,
        "signing_policy": STRING,
    },
}
#: Options that hold a path; a PEM in them is a common mistake. By option the key for the PEM.
CONTENT = {
    ("certificates", "ca_certificate"): "server_ca:certificate",
    ("certificates", "ca_private_key"): "server_ca:private_key",
    ("controller_worker", "client_ca"): "client_ca:certificate",
    ("haproxy_amphora", "server_ca"): "server_ca:certificate",
    ("haproxy_amphora", "client_cert"): "client:certificate",
    ("haproxy_amphora", "client_cert_key"): "client:private_key",
    ("haproxy_amphora", "client_cert_all"): "client:certificate and :private_key",
}


def check(pillar: Any) -> list[Finding]:
    """
    What is wrong with the pillar ``octavia:pki``, without opening a certificate.

    :param pillar: what stands below ``octavia:pki``; None where there is nothing
    :return: the findings
    """
    if pillar is None:
        return []
    found = keys.check(pillar, KEYS, PATH)
    if findings.errors(found):
        return found
    return found + _together(pillar)


def _together(pillar: Mapping[str, Any]) -> list[Finding]:
    found = []
    if pillar.get("generate") and not pillar.get("ca_node"):
        reason = "is missing: CAs are made on one node only, and nothing says on which"
        remedy = "Set it to the ID of the minion that shall make and keep the CAs"
        found.append(findings.error(f"{PATH}:ca_node", None, reason, remedy))
    for key in ("server_ca", "client"):
        given = pillar.get(key) or {}
        for one, other in (("certificate", "private_key"), ("private_key", "certificate")):
            if given.get(one) and not given.get(other):
                path = f"{PATH}:{key}:{one}"
                remedy = f"Set {PATH}:{key}:{other} too"
                found.append(findings.error(path, None, f"is of no use without {other}", remedy))
    for key in ("server_ca", "client_ca"):
        given = pillar.get(key) or {}
        if given.get("also_trusted") and not given.get("certificate"):
            path = f"{PATH}:{key}:also_trusted"
            remedy = f"Set {PATH}:{key}:certificate too"
            found.append(findings.error(path, None, "is of no use without certificate", remedy))
    client = pillar.get("client") or {}
    if client.get("ca_server") and client.get("certificate"):
        reason = "contradicts octavia:pki:client:certificate: only one can be the source"
        remedy = "Remove the one or the other"
        found.append(findings.error(f"{PATH}:client:ca_server", None, reason, remedy))
    if client.get("ca_server") and not client.get("signing_policy"):
        reason = "is missing: the node that signs needs to be told by which of its policies"
        remedy = "Set it to the name of a policy in x509_signing_policies of that node"
        found.append(findings.error(f"{PATH}:client:signing_policy", None, reason, remedy))
    return found


def check_node(
    given: Mapping[str, Any],
    manager: Mapping[str, Any],
    files: Mapping[str, names.File],
    option: Callable[[str, str], Any],
) -> list[Finding]:
    """
    What is wrong with the settings of a controller and with its secrets.

    :param given: the settings in force
    :param manager: the pillar of the role
    :param files: its files
    :param option: a value as octavia.conf will have it, by section and option
    :return: the findings
    """
    found = _contents(manager)
    client = given["client"]
    if client["renew_days"] >= client["days"]:
        reason = f"is not less than the {client['days']} days that a certificate lasts"
        remedy = "Lower it, or raise octavia:pki:client:days"
        path = f"{PATH}:client:renew_days"
        found.append(findings.error(path, client["renew_days"], reason, remedy))
    pems = [given["server_ca"].get("certificate"), given["client_ca"].get("certificate")]
    if all(pems) and names.is_one_ca(files) and pems[0] != pems[1]:
        reason = (
            f"contradicts {PATH}:server_ca:certificate: both are the content of "
            f"{files[names.CLIENT_TRUST].path}"
        )
        remedy = "Give octavia:manager:controller_worker:client_ca a file of its own"
        found.append(findings.error(f"{PATH}:client_ca:certificate", None, reason, remedy))
    if given["require_strong_secrets"]:
        found += secrets.published(option, secret_paths(option), findings.ERROR)
    return found


def secret_paths(option: Callable[[str, str], Any]) -> dict[secrets.Option, str]:
    """
    The secrets that a controller uses.

    :param option: a value as octavia.conf will have it, by section and option
    :return: by option the pillar path of each that has a value
    """
    known = (secrets.HEARTBEAT, secrets.SERVER_CERTS, secrets.CA_KEY)
    return {name: f"octavia:manager:{name[0]}:{name[1]}" for name in known if option(*name)}


def _contents(manager: Mapping[str, Any]) -> list[Finding]:
    found = []
    for (section, name), key in CONTENT.items():
        given = manager.get(section)
        value = given.get(name) if isinstance(given, Mapping) else None
        if isinstance(value, str) and pem.BEGIN in value:
            path = f"octavia:manager:{section}:{name}"
            reason = "is the content of a file, and Octavia wants its path"
            remedy = f"Write the path here, and the content to {PATH}:{key}"
            found.append(findings.error(path, findings.MASK, reason, remedy))
    return found
