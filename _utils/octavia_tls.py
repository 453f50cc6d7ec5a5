"""
TLS of Octavia's connections: the blocks ``ssl`` and ``x509`` of the pillar, the files they name,
and what the libraries want to be told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

try:
    import octavia_blocks as blocks
    import octavia_findings as findings
except ImportError:
    from salt_formula_octavia.utils import octavia_blocks as blocks
    from salt_formula_octavia.utils import octavia_findings as findings

#: Where files lie whose content the pillar gives without a path, by what connection needs them.
FOLDER = "/etc/octavia/ssl"
#: What holds the content of a file, the keys that name the file, and its default name.
PARTS = {
    "cacert": (("ca_file", "cacert_file"), "ca-cert.pem"),
    "cert": (("cert_file",), "client-cert.pem"),
    "key": (("key_file",), "client-key.pem"),
}
#: `ssl` is the CA alone in the users' pillars, `x509` has a client certificate; they know the same
#: keys here.
BLOCK = blocks.Block(
    {
        "enabled": "boolean",
        "ca_file": "string",
        "cacert_file": "string",
        "cert_file": "string",
        "key_file": "string",
        "cacert": blocks.PEM,
        "cert": blocks.PEM,
        "key": blocks.PEM,
        "check_hostname": "boolean",
    },
    together=(("cert_file", "key_file"), ("cert", "key")),
    switch="enabled",
)
KEYS: dict[str, str | blocks.Block] = {"ssl": BLOCK, "x509": BLOCK}
#: Where connections with such blocks stand in a role, and the folder of each one's files.
CONNECTIONS = {
    ("database",): "mysql",
    ("message_queue",): "rabbitmq",
    ("jobboard",): "jobboard",
    ("jobboard", "sentinel"): "sentinel",
    ("jobboard", "persistence"): "persistence",
}


class Tls(NamedTuple):
    """
    How a connection is protected.

    :ivar ca: file with the CA certificates by which the server is checked
    :ivar cert: file of the client certificate; empty where there is none
    :ivar key: file of its key
    :ivar check_hostname: whether the server's name must stand in its certificate
    """

    ca: str
    cert: str
    key: str
    check_hostname: bool


class File(NamedTuple):
    """
    A file that a connection needs.

    :ivar path: where it lies
    :ivar pillar_path: the key that names it or holds its content
    :ivar content: its content where the pillar gives it, a secret for a key; None for a file that
        somebody else puts there
    """

    path: str
    pillar_path: str
    content: str | None


def resolve(connection: Mapping[str, Any], service: str, ca_bundle: str) -> Tls | None:
    """
    What the blocks of a connection mean.

    :param connection: the mapping that holds ``ssl`` or ``x509``
    :param service: name of the folder for files without a path of their own
    :param ca_bundle: the CA certificates where the pillar names none
    :return: the files; None where TLS is off
    """
    block = _block(connection)
    if block is None:
        return None
    paths = {part: _path(block, part, service) for part in PARTS}
    return Tls(
        ca=paths["cacert"] or ca_bundle,
        cert=paths["cert"],
        key=paths["key"],
        check_hostname=block.get("check_hostname", True) is not False,
    )


def files(role_path: str, role: Mapping[str, Any]) -> list[File]:
    """
    The files of all protected connections of a role.

    :param role_path: pillar path of the role, ``octavia:api``
    :param role: its pillar, without errors
    :return: the files, those that the pillar only names included
    """
    return [file for keys in CONNECTIONS for file in _files(role_path, role, keys)]


def _files(role_path: str, role: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[File]:
    connection: Any = role
    for key in keys:
        connection = connection.get(key) if isinstance(connection, Mapping) else None
    if not isinstance(connection, Mapping) or (block := _block(connection)) is None:
        return
    for part in PARTS:
        path = _path(block, part, CONNECTIONS[keys])
        if path:
            name = ":".join((role_path, *keys, "x509" if connection.get("x509") else "ssl", part))
            yield File(path, name, block.get(part))


def contradictions(found: list[File]) -> list[findings.Finding]:
    """
    Files that two connections of a node want with different content.

    :param found: the files of all roles
    :return: an error for each
    """
    first: dict[str, File] = {}
    wrong = []
    for file in found:
        other = first.setdefault(file.path, file)
        if None not in (file.content, other.content) and file.content != other.content:
            reason = f"contradicts {other.pillar_path}: both are the content of {file.path}"
            remedy = "Give one of them a file of its own"
            wrong.append(findings.error(file.pillar_path, None, reason, remedy))
    return wrong


def _block(connection: Mapping[str, Any]) -> dict[str, Any] | None:
    """Both blocks as one; that of the client certificate counts for more."""
    result: dict[str, Any] | None = None
    for name in ("ssl", "x509"):
        value = connection.get(name)
        value = {"enabled": value} if isinstance(value, bool) else value
        if isinstance(value, Mapping) and blocks.enabled(value):
            given = {key: item for key, item in value.items() if item is not None}
            result = {**(result or {}), **given}
    return result


def _path(block: Mapping[str, Any], part: str, service: str) -> str:
    names, default = PARTS[part]
    given = next((block[name] for name in names if block.get(name)), "")
    return given or (f"{FOLDER}/{service}/{default}" if block.get(part) else "")
