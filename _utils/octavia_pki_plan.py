"""
What a controller's certificates and keys shall be: where each part comes from, what has to be made,
and what each file would hold then. Nothing here reads or writes a file.
"""

# No annotations as text here, see octavia_blocks.
import datetime
from collections.abc import Mapping
from typing import Any

from cryptography import x509

try:
    import octavia_pki_chain as chain
    import octavia_pki_load as load
    import octavia_pki_make as make
    import octavia_pki_names as names
    import octavia_pki_pem as pem
except ImportError:
    from salt_formula_octavia.utils import octavia_pki_chain as chain
    from salt_formula_octavia.utils import octavia_pki_load as load
    from salt_formula_octavia.utils import octavia_pki_make as make
    from salt_formula_octavia.utils import octavia_pki_names as names
    from salt_formula_octavia.utils import octavia_pki_pem as pem

Files = Mapping[str, names.File]
Contents = Mapping[str, bytes]

SERVER, CLIENT_CA, CLIENT = "server_ca", "client_ca", "client"
#: The certificate and the key of each CA.
PARTS = {SERVER: (names.CA, names.CA_KEY), CLIENT_CA: (names.CLIENT_TRUST, names.CLIENT_CA_KEY)}
CALLED = {SERVER: "server CA", CLIENT_CA: "client CA", CLIENT: "client certificate"}
#: Where a part comes from.
PILLAR, GENERATED, REMOTE, EXISTING = "pillar", "generated", "remote", "existing"


def sources(settings: Mapping[str, Any], node: str) -> dict[str, str]:
    """
    Where each part comes from on a node.

    :param settings: the settings in force
    :param node: the ID of the minion
    :return: :data:`PILLAR`, :data:`GENERATED`, :data:`REMOTE` or :data:`EXISTING` by part
    """
    here = settings["generate"] and settings["ca_node"] == node
    result = dict.fromkeys((SERVER, CLIENT_CA, CLIENT), GENERATED if here else EXISTING)
    remote = settings["client"].get("ca_server")
    if remote and remote != node:
        result[CLIENT] = REMOTE
    for part in result:
        if settings[part].get("certificate"):
            result[part] = PILLAR
    return result


def from_pillar(files: Files, settings: Mapping[str, Any]) -> dict[str, bytes]:
    """
    The files whose content the pillar gives.

    :param files: the files of the controller
    :param settings: the settings in force, in which nothing is wrong
    :return: contents by path, secrets among them
    """
    server, client_ca, client = (settings[part] for part in (SERVER, CLIENT_CA, CLIENT))
    texts: dict[str, str] = {}
    if server.get("certificate"):
        texts[names.CA] = _text(server, "certificate")
        texts[names.SERVER_TRUST] = _text(server, "certificate") + _text(server, "also_trusted")
        texts[names.CA_KEY] = _text(server, "private_key")
        if names.is_one_ca(files):
            texts[names.CLIENT_TRUST] = texts[names.SERVER_TRUST]
    if client_ca.get("certificate") and names.CLIENT_TRUST not in texts:
        trusted = _text(client_ca, "certificate") + _text(client_ca, "also_trusted")
        texts[names.CLIENT_TRUST] = trusted
    if client_ca.get("private_key") and not names.is_one_ca(files):
        texts[names.CLIENT_CA_KEY] = _text(client_ca, "private_key")
    if client.get("certificate"):
        texts.update(client_files(_text(client, "certificate"), _text(client, "private_key")))
    wanted = by_path(files, texts)
    if server.get("certificate"):
        # Where certificate and trust are one file, it holds all that is trusted.
        path = files[names.SERVER_TRUST].path
        wanted[path] = texts[names.SERVER_TRUST].encode("ascii")
    return wanted


def _text(given: Mapping[str, Any], key: str) -> str:
    return pem.repair(given[key])[0] if given.get(key) else ""


def client_files(certificate: str, key: str) -> dict[str, str]:
    """
    The three files of a controller's certificate.

    :param certificate: the certificate, CAs between it and the trusted one behind it
    :param key: its key
    :return: texts by name; the bundle is first, since it is what Octavia reads
    """
    return {names.BUNDLE: certificate + key, names.CERT: certificate, names.CERT_KEY: key}


def by_path(files: Files, texts: Mapping[str, str]) -> dict[str, bytes]:
    """
    Texts by the paths of their files; what has no file is left out.

    :param files: the files of the controller
    :param texts: texts by name
    :return: contents by path
    """
    return {files[name].path: text.encode("ascii") for name, text in texts.items() if name in files}


def authorities_due(files: Files, come_from: Mapping[str, str], contents: Contents) -> list[str]:
    """
    The CAs that have to be made: the formula makes them here, and a file of theirs is missing.

    :param files: the files of the controller
    :param come_from: where each part comes from
    :param contents: contents by path
    :return: :data:`SERVER`, :data:`CLIENT_CA`, both or neither
    """
    return [
        part
        for part, parts in PARTS.items()
        if come_from[part] == GENERATED
        and not (part == CLIENT_CA and names.is_one_ca(files))
        and any(files[name].path not in contents for name in parts if name in files)
    ]


def orphans(files: Files, part: str, contents: Contents) -> list[str]:
    """
    What is there of a CA that has to be made: it would be overwritten, and may be all that is left.

    :param files: the files of the controller
    :param part: the CA
    :param contents: contents by path
    :return: paths
    """
    return [files[name].path for name in PARTS[part] if files[name].path in contents]


def new_authority(
    files: Files,
    part: str,
    kind: make.Kind,
    days: int,
    passphrase: str,
    now: datetime.datetime,
) -> dict[str, bytes]:
    """
    A new CA.

    :param files: the files of the controller
    :param part: :data:`SERVER` or :data:`CLIENT_CA`
    :param kind: what keys are made
    :param days: how long it is valid
    :param passphrase: of the server CA's key; empty for none
    :param now: the time it is, in UTC
    :return: contents by path, secrets among them
    """
    key = make.new_key(kind)
    # The date tells the old from the new in a rotation.
    certificate = make.authority(f"Octavia {CALLED[part]} {now:%Y-%m-%d}", key, days, now)
    trust = names.SERVER_TRUST if part == SERVER else names.CLIENT_TRUST
    secret = passphrase if part == SERVER else ""
    texts = {
        PARTS[part][1]: make.key_to_pem(key, secret),
        PARTS[part][0]: load.to_pem(certificate),
    }
    return {**by_path(files, texts), **by_path(files, {trust: load.to_pem(certificate)})}


def trust_added(files: Files, contents: Contents) -> dict[str, bytes]:
    """
    The file by which amphorae are checked, where it lacks the CA that signs them.

    :param files: the files of the controller
    :param contents: contents by path
    :return: its content by path, what stood in it kept; empty where nothing is lacking
    """
    own, trust = (contents.get(files[name].path) for name in (names.CA, names.SERVER_TRUST))
    if own is None:
        return {}
    try:
        authority = load.certificates(own)[0]
        known = load.certificates(trust) if trust else []
    except pem.BadPem:
        return {}
    if authority in known:
        return {}
    text = "".join(map(load.to_pem, [*known, authority]))
    return {files[names.SERVER_TRUST].path: text.encode("ascii")}


def why_client_due(
    files: Files, settings: Mapping[str, Any], contents: Contents, now: datetime.datetime
) -> str:
    """
    Why a controller's certificate has to be issued anew.

    :param files: the files of the controller
    :param settings: the settings in force
    :param contents: contents by path
    :param now: the time it is, in UTC
    :return: the reason; empty where it has not
    """
    bundle = contents.get(files[names.BUNDLE].path)
    if bundle is None:
        return "there is none"
    try:
        leaf, *others = load.certificates(bundle)
        if not load.belong_together(leaf, load.private_key(bundle)):
            return "its key is not its own"
    except pem.BadPem as problem:
        return f"the file {problem.reason}"
    trusted = _trusted(files, contents)
    left = load.days_left(leaf, now)
    longest = max((load.days_left(item, now) for item in trusted), default=0)
    # One that is issued now ends with its CA at the latest.
    if left < settings[CLIENT]["renew_days"] and min(settings[CLIENT]["days"], longest) > left + 1:
        return f"it expires in {left} days" if left >= 0 else "it has expired"
    problems = chain.leaf_problems(leaf, others, trusted, chain.CLIENT, now)
    own = [item for item in problems if item.certificate == leaf]
    return f"it {own[0].reason}" if trusted and own and len(own) == len(problems) else ""


def _trusted(files: Files, contents: Contents) -> list[x509.Certificate]:
    try:
        return load.certificates(contents[files[names.CLIENT_TRUST].path])
    except (KeyError, pem.BadPem):
        return []


def issuer(files: Files, contents: Contents, passphrase: str) -> tuple[x509.Certificate, Any]:
    """
    The CA that issues client certificates here.

    :param files: the files of the controller
    :param contents: contents by path
    :param passphrase: of the server CA's key, for one CA
    :return: its certificate and its key
    :raises octavia_pki_pem.BadPem: when one of them is missing or cannot be read
    """
    file = files[names.CLIENT_CA_KEY]
    if file.path not in contents:
        reason = f"is not there, so no client certificate can be issued here: {file.path}"
        raise pem.BadPem(reason, "Restore it from a backup")
    secret = passphrase if names.is_one_ca(files) else ""
    key = load.private_key(contents[file.path], secret)
    for certificate in _trusted(files, contents):
        if load.belong_together(certificate, key):
            return certificate, key
    reason = f"is the key of no certificate in {files[names.CLIENT_TRUST].path}"
    raise pem.BadPem(reason, "Put the certificate of the client CA there")


def halves(files: Files, contents: Contents) -> dict[str, bytes]:
    """
    Certificate and key as files of their own, as they stand in the bundle.

    :param files: the files of the controller
    :param contents: contents by path
    :return: contents by path
    """
    try:
        blocks = pem.read(contents[files[names.BUNDLE].path])
    except (KeyError, pem.BadPem):
        return {}
    key = next((block.text for block in blocks if block.is_key()), "")
    certificate = "".join(block.text for block in blocks if block.is_certificate())
    if not key or not certificate:
        return {}
    texts = client_files(certificate, key)
    return by_path(files, {name: texts[name] for name in (names.CERT, names.CERT_KEY)})


def describe(content: "bytes | None") -> "str | None":
    """
    What a file holds, without any secret: for changes.

    :param content: its content; None where it is not there
    :return: names, ends and fingerprints of certificates, the fingerprint of a key
    """
    if content is None:
        return None
    try:
        blocks = pem.read(content)
    except pem.BadPem as problem:
        return f"what {problem.reason}"
    said = []
    for block in blocks:
        if block.is_certificate():
            try:
                (found,) = load.certificates(block.text.encode("ascii"))
            except pem.BadPem:
                said.append("a certificate that cannot be read")
                continue
            end = found.not_valid_after_utc
            said.append(f"{load.name(found)} until {end:%Y-%m-%d}, {load.fingerprint(found)[:16]}")
        elif block.is_key():
            said.append("a private key")
    return "; ".join(said)
