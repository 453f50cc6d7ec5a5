#!/usr/bin/python3
"""Make the databases and users that a JSON file asks for, and tell Salt what changed.

Usage: mariadb.py [--check] FILE

FILE holds {"host", "port", "databases": [{"name", "user", "password"}]}; a database may have "tls":
{"ca", "cert", "key"}, without which its user is not let in then. With --check nothing is changed.
The last line of output is what Salt calls a stateful result.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pymysql

SOCKET = "/run/mysqld/mysqld.sock"


class LoginFailed(Exception):
    """A user that was just made cannot log in."""


def encodings(password: str) -> list[bytes]:
    """Give the forms in which clients send a password.

    PyMySQL sends Latin-1 where the other clients send UTF-8.

    :param password: the password as text
    :return: one form for plain ASCII, up to two for anything else
    """
    forms = [password.encode("utf-8")]
    if not password.isascii() and all(ord(char) < 256 for char in password):
        forms.append(password.encode("latin-1"))
    return forms


def native_hash(password: bytes) -> str:
    """Give the hash that the plugin mysql_native_password keeps.

    :param password: the password as sent by the client
    :return: an asterisk and 40 hexadecimal digits
    """
    return "*" + hashlib.sha1(hashlib.sha1(password).digest()).hexdigest().upper()


def demand(entry: dict[str, Any]) -> str:
    """Give what the server demands of a connection of the user.

    :param entry: name of the database, user, password and TLS
    :return: a word of SQL
    """
    if "tls" not in entry:
        return "NONE"
    return "X509" if entry["tls"]["cert"] else "SSL"


def can_log_in(host: str, port: int, entry: dict[str, Any]) -> bool:
    """Say whether the user gets into the database, with each form of the password.

    :param host: address of the server
    :param port: port of the server
    :param entry: name of the database, user and password
    :return: True if every login works
    """
    for password in encodings(entry["password"]):
        try:
            pymysql.connect(
                host=host,
                port=port,
                user=entry["user"],
                password=password,
                database=entry["name"],
                charset="utf8mb4",
                ssl={name: path for name, path in entry.get("tls", {}).items() if path} or None,
            ).close()
        except pymysql.err.OperationalError:
            return False
    return True


def missing(wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Give what cannot be used as wanted.

    :param wanted: what the file holds
    :return: the entries of databases whose user cannot log in
    """
    host, port = wanted["host"], wanted["port"]
    return [entry for entry in wanted["databases"] if not can_log_in(host, port, entry)]


def make(cursor: Any, entry: dict[str, Any]) -> None:
    """Make the database and the user, or set the user's password.

    :param cursor: a cursor of a connection as root
    :param entry: name of the database, user and password
    :raises pymysql.err.Error: if the server refuses
    """
    database = "`" + entry["name"].replace("`", "``") + "`"
    hashes = [native_hash(form) for form in encodings(entry["password"])]
    methods = " OR ".join(["mysql_native_password USING %s"] * len(hashes))
    cursor.execute(f"CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET utf8mb3")
    cursor.execute("CREATE USER IF NOT EXISTS %s@'%%'", [entry["user"]])
    identified = f"IDENTIFIED VIA {methods} REQUIRE {demand(entry)}"
    cursor.execute(f"ALTER USER %s@'%%' {identified}", [entry["user"], *hashes])
    cursor.execute(f"GRANT ALL PRIVILEGES ON {database}.* TO %s@'%%'", [entry["user"]])


def main() -> None:
    """Read the arguments, do the work, print the result."""
    parser = argparse.ArgumentParser(description="Make databases and users.")
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("wanted", type=Path)
    options = parser.parse_args()
    wanted = json.loads(options.wanted.read_text(encoding="utf-8"))
    entries = missing(wanted)
    names = ", ".join(f"user {entry['user']} of database {entry['name']}" for entry in entries)
    if entries and not options.check:
        with pymysql.connect(unix_socket=SOCKET, user="root", charset="utf8mb4") as root:
            for entry in entries:
                make(root.cursor(), entry)
        if missing(wanted):
            raise LoginFailed(
                f"{names}: no login with the password of the pillar, even after it was set"
            )
    print(json.dumps({"changed": bool(entries), "comment": names or "everything is there"}))


if __name__ == "__main__":
    try:
        main()
    except LoginFailed as error:
        sys.exit(str(error))
