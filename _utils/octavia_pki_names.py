"""
The files that controllers and amphorae know each other by: where each lies, and which key of the
pillar says so.

Octavia reads five of them. `client_cert` and `client_cert_key` are the two halves of the file that
it reads as [haproxy_amphora] client_cert, which a pillar calls `client_cert_all` where it has all
three. The key of the client CA is no file of Octavia: only who issues client certificates has it.
"""

# No annotations as text here, see octavia_blocks.
import posixpath
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

CA, CA_KEY = "ca_certificate", "ca_private_key"
SERVER_TRUST, CLIENT_TRUST = "server_ca", "client_ca"
CLIENT_CA_KEY = "client_ca_key"
CERT, CERT_KEY, BUNDLE = "client_cert", "client_cert_key", "client_cert_all"
#: What Octavia reads at the start of a controller's services, or while they run.
READ = (CA, CA_KEY, SERVER_TRUST, CLIENT_TRUST, BUNDLE)
#: Files that hold a private key.
PRIVATE = (CA_KEY, CLIENT_CA_KEY, CERT_KEY, BUNDLE)
OPTIONS = {
    CA: ("certificates", "ca_certificate"),
    CA_KEY: ("certificates", "ca_private_key"),
    SERVER_TRUST: ("haproxy_amphora", "server_ca"),
    CLIENT_TRUST: ("controller_worker", "client_ca"),
    BUNDLE: ("haproxy_amphora", "client_cert"),
}
CLIENT_CA_KEY_NAME = "client_ca.key"


class File(NamedTuple):
    """
    One of the files.

    :ivar path: where it lies
    :ivar pillar: the key of the pillar that says so, or would
    """

    path: str
    pillar: str


def files(
    manager: Mapping[str, Any], pki: Mapping[str, Any], option: Callable[[str, str], Any]
) -> dict[str, File]:
    """
    The files of a controller.

    :param manager: the pillar of the role
    :param pki: the pillar below ``octavia:pki``
    :param option: a value as octavia.conf will have it, by section and option
    :return: the files by the names of this module; those that the pillar does not speak of and
        Octavia does not read are left out
    """
    found = {
        name: File(_path(option(section, key)), f"octavia:manager:{section}:{key}")
        for name, (section, key) in OPTIONS.items()
    }
    found.update(_halves(manager, found))
    found[CLIENT_CA_KEY] = _client_ca_key(pki, found)
    return {name: file for name, file in found.items() if file.path}


def _path(value: Any) -> str:
    return posixpath.normpath(str(value)) if value else ""


def _halves(manager: Mapping[str, Any], found: Mapping[str, File]) -> dict[str, File]:
    """Certificate and key as files of their own, and what the pillar calls the bundle."""
    given = manager.get("haproxy_amphora")
    given = given if isinstance(given, Mapping) else {}
    section = "octavia:manager:haproxy_amphora"
    result = {
        name: File(_path(given[name]), f"{section}:{name}")
        for name in (CERT, CERT_KEY)
        if given.get(name) and _path(given[name]) != found[BUNDLE].path
    }
    if given.get(BUNDLE):
        result[BUNDLE] = File(found[BUNDLE].path, f"{section}:{BUNDLE}")
    else:
        result.pop(CERT, None)
    return result


def _client_ca_key(pki: Mapping[str, Any], found: Mapping[str, File]) -> File:
    pillar = "octavia:pki:client_ca:private_key_file"
    if is_one_ca(found):
        return File(found[CA_KEY].path, found[CA_KEY].pillar)
    given = pki.get("client_ca")
    named = given.get("private_key_file") if isinstance(given, Mapping) else ""
    folder = posixpath.dirname(found[CA_KEY].path)
    return File(_path(named) or posixpath.join(folder, CLIENT_CA_KEY_NAME), pillar)


def is_one_ca(found: Mapping[str, File]) -> bool:
    """
    Whether the CA that signs the amphorae also signs the controllers: the pillar names one file.

    :param found: the files
    :return: True for one CA, False for two
    """
    theirs = {found[name].path for name in (CA, SERVER_TRUST) if name in found}
    return CLIENT_TRUST in found and found[CLIENT_TRUST].path in theirs
