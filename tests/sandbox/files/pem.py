#!/usr/bin/python3
"""Make the certificates and keys whose paths a JSON file gives, and tell Salt what changed.

Usage: pem.py [--check] FILE

Where the pillar protects connections FILE holds "servers", the folder for the certificates of the
services on this node, "clients", the paths of each connection (ca_file, cert_file, key_file), and
"api", the paths of the API's certificate and key. A file that is there is never touched. With
--check nothing is made. The last line of output is what Salt calls a stateful result.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HOME = Path("/root/sandbox")
GROUP = "octavia"
CONFIG = """
[req]
distinguished_name = name
prompt = no
string_mask = utf8only
[name]
commonName = ${ENV::SUBJECT}
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, cRLSign, keyCertSign, digitalSignature
subjectKeyIdentifier = hash
[client]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[server]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1, DNS:localhost
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


class HalfPair(Exception):
    """One of a certificate and its key is there, the other is not."""


class OpensslFailed(Exception):
    """The openssl command ended with an error."""


class Store:
    """Makes files, and remembers which."""

    def __init__(self, dry: bool) -> None:
        """Remember whether to make files at all."""
        self.dry = dry
        self.made: list[str] = []

    def missing(self, *paths: Path) -> bool:
        """Say whether files are missing, all of them or none.

        :param paths: the files
        :return: True if they are to be made now
        :raises HalfPair: if some are there and some are not
        """
        absent = [path for path in paths if not path.exists()]
        if not absent:
            return False
        if len(absent) < len(paths):
            raise HalfPair(
                f"{absent[0]} is missing, but its counterpart is there; "
                "put it back, or remove the other to have both made"
            )
        self.made += [str(path) for path in paths]
        return not self.dry

    def put(self, path: Path, text: str, mode: int = 0o640) -> None:
        """Write a file that root owns and Octavia may read.

        :param path: where to
        :param text: what
        :param mode: who may read it
        """
        for folder in [*reversed(path.parents)]:
            if not folder.exists():
                folder.mkdir(mode=0o750)
                shutil.chown(folder, "root", GROUP)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            file.write(text)
        shutil.chown(file.name, "root", GROUP)
        Path(file.name).chmod(mode)
        Path(file.name).rename(path)


def certify(subject: str, extensions: str, signer: tuple[Path, Path] | None) -> tuple[str, str]:
    """Make a key and a certificate, of a CA of its own or signed by one.

    :param subject: common name
    :param extensions: section of CONFIG
    :param signer: certificate and key of the CA
    :return: certificate and key, in PEM form
    :raises OpensslFailed: if openssl ends with an error
    """
    with tempfile.TemporaryDirectory(dir=HOME) as folder:
        config, key, certificate = (Path(folder, name) for name in ("config", "key", "certificate"))
        config.write_text(CONFIG, encoding="utf-8")
        command: list[str | Path] = ["openssl", "req", "-x509", "-newkey", "rsa:2048"]
        command += ["-sha256", "-days", "3650"]
        command += ["-config", config, "-extensions", extensions]
        command += ["-keyout", key, "-out", certificate]
        command += ["-noenc"]
        if signer:
            command += ["-CA", signer[0], "-CAkey", signer[1]]
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, "SUBJECT": subject},
        )
        if done.returncode:
            raise OpensslFailed(f"{subject}: openssl exit code {done.returncode}: {done.stderr}")
        return certificate.read_text(encoding="ascii"), key.read_text(encoding="ascii")


def make_pair(
    pair: tuple[Path, Path],
    name: str,
    extensions: str,
    signer: tuple[Path, Path] | None,
    mode: int,
    store: Store,
) -> None:
    """Make a certificate and its key, where they are missing.

    :param pair: their paths
    :param name: what they are for
    :param extensions: section of CONFIG
    :param signer: certificate and key of the CA; none for a CA of its own
    :param mode: who may read them
    :param store: where the files go
    """
    if store.missing(*pair):
        texts = certify(f"sandbox {name}", extensions, signer)
        for path, text in zip(pair, texts, strict=True):
            store.put(path, text, mode)


def protect(
    folder: Path, clients: list[dict[str, str]], api: dict[str, str] | None, store: Store
) -> None:
    """Make the CA of the services, the certificate that they share, and those of their clients.

    :param folder: where the services find theirs
    :param clients: the paths of each connection
    :param api: the paths of the API's certificate and key
    :param store: where the files go
    """
    authority = (folder / "ca.pem", HOME / "services_ca.key")
    if not store.dry:
        # The services read it as users of their own, without Octavia's group.
        folder.mkdir(mode=0o755, exist_ok=True)
    make_pair(authority, "services CA", "ca", None, 0o644, store)
    pairs = {(folder / "server.pem", folder / "server.key"): ("server", 0o644)}
    if api:
        pairs[Path(api["cert_file"]), Path(api["key_file"])] = ("server", 0o640)
    for client in clients:
        if "cert_file" in client:
            pairs[Path(client["cert_file"]), Path(client["key_file"])] = ("client", 0o640)
    for pair, (extensions, mode) in pairs.items():
        make_pair(pair, extensions, extensions, authority, mode, store)
    for client in clients:
        copy = client.get("ca_file") or client.get("cacert_file")
        if copy and store.missing(Path(copy)):
            store.put(Path(copy), authority[0].read_text(encoding="ascii"))


def make(wanted: dict[str, Any], store: Store) -> None:
    """Make what is missing.

    :param wanted: the paths
    :param store: where the files go
    """
    folder = wanted.get("servers")
    if folder:
        protect(Path(folder), wanted.get("clients", []), wanted.get("api"), store)


def main() -> None:
    """Read the arguments, do the work, print the result."""
    parser = argparse.ArgumentParser(description="Make certificates and keys.")
    parser.add_argument("--check", action="store_true", help="make nothing")
    parser.add_argument("wanted", type=Path)
    options = parser.parse_args()
    wanted = json.loads(options.wanted.read_text(encoding="utf-8"))
    store = Store(options.check)
    make(wanted, store)
    comment = ", ".join(store.made) or "all files are there"
    print(json.dumps({"changed": bool(store.made), "comment": comment}))


if __name__ == "__main__":
    try:
        main()
    except (HalfPair, OpensslFailed) as error:
        sys.exit(str(error))
