"""The PKI of a controller as pillar: for other controllers, and for the day after a fire."""

# No annotations as text here, see octavia_blocks.
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

try:
    import octavia_pki_load as load
    import octavia_pki_names as names
    import octavia_pki_pem as pem
    import octavia_pki_secrets as secrets
except ImportError:
    from salt_formula_octavia.utils import octavia_pki_load as load
    from salt_formula_octavia.utils import octavia_pki_names as names
    from salt_formula_octavia.utils import octavia_pki_pem as pem
    from salt_formula_octavia.utils import octavia_pki_secrets as secrets

Pillar = dict[str, Any]
#: Where a key of the pillar is a secret, and what is shared by all controllers.
SECRET = frozenset(
    {"private_key", "ca_private_key_passphrase", "server_certs_key_passphrase", "heartbeat_key"}
)


def pillar(
    files: Mapping[str, names.File],
    contents: Mapping[str, bytes],
    option: Callable[[str, str], Any],
    everything: bool,
) -> Pillar:
    """
    The PKI of a controller as the pillar has it.

    :param files: the files of the controller
    :param contents: contents by path
    :param option: a value as octavia.conf will have it, by section and option
    :param everything: with what only this node needs: the key of the client CA, and the
        certificate of this controller with its key
    :return: the pillar from ``octavia`` on, secrets included
    :raises octavia_pki_pem.BadPem: when a file is missing or cannot be read
    """

    def certificates(name: str) -> list[str]:
        return [load.to_pem(item) for item in load.certificates(_content(files, contents, name))]

    def key(name: str) -> str:
        blocks = pem.read(_content(files, contents, name))
        return next((block.text for block in blocks if block.is_key()), "")

    own = certificates(names.CA)
    trusted = certificates(names.SERVER_TRUST)
    more = "".join(item for item in trusted if item not in own)
    pki: Pillar = {"server_ca": {"certificate": "".join(own), "private_key": key(names.CA_KEY)}}
    if more:
        pki["server_ca"]["also_trusted"] = more
    if not names.is_one_ca(files):
        pki["client_ca"] = {"certificate": "".join(certificates(names.CLIENT_TRUST))}
        if everything and files[names.CLIENT_CA_KEY].path in contents:
            pki["client_ca"]["private_key"] = key(names.CLIENT_CA_KEY)
    if everything:
        pki["client"] = {
            "certificate": "".join(certificates(names.BUNDLE)),
            "private_key": key(names.BUNDLE),
        }
    manager: Pillar = {}
    for section, name in (secrets.CA_KEY, secrets.SERVER_CERTS, secrets.HEARTBEAT):
        value = option(section, name)
        if value:
            manager.setdefault(section, {})[name] = value
    return {"octavia": {"pki": pki, "manager": manager}}


def _content(files: Mapping[str, names.File], contents: Mapping[str, bytes], name: str) -> bytes:
    path = files[name].path
    if path not in contents:
        raise pem.BadPem(f"is not there: {path}", "Run this on a controller that has it")
    return contents[path]


def encrypted(given: Pillar, encrypt: Callable[[str], str]) -> Pillar:
    """
    The pillar with every secret encrypted.

    :param given: the pillar
    :param encrypt: turns a secret into an armoured message
    :return: a new pillar
    """
    return {name: _encrypted(name, value, encrypt) for name, value in given.items()}


def _encrypted(name: str, value: Any, encrypt: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _encrypted(key, item, encrypt) for key, item in value.items()}
    if name not in SECRET:
        return value
    if isinstance(value, list):
        return [encrypt(str(item)) for item in value]
    return encrypt(str(value))


def text(given: Pillar, renderer: str = "") -> str:
    """
    A pillar as a file.

    :param given: the pillar
    :param renderer: the renderers of Salt that the file needs, ``yaml|gpg``
    :return: YAML, texts of several lines as blocks
    """
    first = [f"#!{renderer}"] if renderer else []
    return "\n".join([*first, *_lines(given, 0)]) + "\n"


def _lines(value: Any, depth: int) -> Iterator[str]:
    margin = "  " * depth
    for name, item in value.items():
        if isinstance(item, Mapping):
            yield f"{margin}{name}:"
            yield from _lines(item, depth + 1)
        elif isinstance(item, list):
            yield f"{margin}{name}:"
            for part in item:
                yield from _leaf(f"{margin}  -", str(part), depth + 2)
        else:
            yield from _leaf(f"{margin}{name}:", str(item), depth + 1)


def _leaf(before: str, value: str, depth: int) -> Iterator[str]:
    if "\n" not in value:
        yield f"{before} {json.dumps(value)}"
        return
    yield f"{before} |"
    for line in value.rstrip("\n").split("\n"):
        yield f"{'  ' * depth}{line}".rstrip()
