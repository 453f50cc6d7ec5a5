"""URLs as Octavia's libraries read them: percent-encoded, IPv6 addresses in brackets."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

DATABASE_DRIVERS = {"mysql": "mysql+pymysql", "postgresql": "postgresql"}


def broker_account_problem(text: str) -> str:
    """
    Why the brokers' library cannot use a user name or password, however the URL is written.

    :param text: user name or password
    :return: the reason, to be read after the key's name; empty when it can
    """
    # oslo.messaging decodes the URL, and encodes it anew for kombu without the slash.
    if "/" in text:
        return "holds '/', which oslo.messaging hands on unescaped: no service could connect"
    return ""


def virtual_host_problem(text: str) -> str:
    """
    Why the brokers' library cannot use the name of a virtual host.

    :param text: the name
    :return: the reason, to be read after the key's name; empty when it can
    """
    # It decodes the name a second time, after oslo.messaging.
    if any(character in text for character in "?#%;"):
        return "holds one of ?#%;, at which the brokers' library would cut or change it"
    return ""


def database_password_problem(engine: str, text: str) -> str:
    """
    Why the database's driver cannot use a password.

    :param engine: ``mysql`` or ``postgresql``
    :param text: the password
    :return: the reason, to be read after the key's name; empty when it can
    """
    if engine == "mysql" and any(ord(character) > 0xFF for character in text):
        return "holds a character beyond Latin-1, which is all that PyMySQL can send as a password"
    return ""


def database_name_problem(text: str) -> str:
    """
    Why a database's name cannot stand in the URL, of which SQLAlchemy decodes no name.

    :param text: the name
    :return: the reason, to be read after the key's name; empty when it can
    """
    return "holds '?', where SQLAlchemy ends the name" if "?" in text else ""


def netloc(host: str, port: int | str) -> str:
    """``host:port``, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def credentials(user: str, password: str) -> str:
    """``user:password``, both percent-encoded whatever they hold."""
    return f"{quote(user, safe='')}:{quote(password, safe='')}"


def database(
    engine: str,
    user: str,
    password: str,
    host: str,
    port: int | str,
    name: str,
    query: Mapping[str, str] | None = None,
) -> str:
    """
    The URL for ``[database] connection``.

    :param engine: ``mysql`` or ``postgresql``
    :param user: account
    :param password: its password
    :param host: name or address
    :param port: port
    :param name: name of the database
    :param query: arguments of the driver
    :return: a URL that SQLAlchemy reads
    """
    driver = DATABASE_DRIVERS[engine]
    account = credentials(user, password)
    arguments = [f"{key}={quote(value, safe='/')}" for key, value in (query or {}).items()]
    ending = f"?{'&'.join(arguments)}" if arguments else ""
    return f"{driver}://{account}@{netloc(host, port)}/{name}{ending}"


def database_tls(
    engine: str, ca: str, cert: str, key: str, check_hostname: bool = True
) -> dict[str, str]:
    """
    The arguments that make a database's driver use TLS, and check the server by a CA.

    :param engine: ``mysql`` or ``postgresql``
    :param ca: file with the CA certificates
    :param cert: file of the client certificate, empty where there is none
    :param key: file of its key, empty where there is none
    :param check_hostname: whether the server's name must stand in its certificate
    :return: arguments for the query of :func:`database`
    """
    if engine == "postgresql":
        mode = "verify-full" if check_hostname else "verify-ca"
        query = {"sslmode": mode, "sslrootcert": ca, "sslcert": cert, "sslkey": key}
    else:
        # PyMySQL checks both the certificate and the name by itself once it has a CA.
        hostname = "" if check_hostname else "false"
        query = {"ssl_ca": ca, "ssl_cert": cert, "ssl_key": key, "ssl_check_hostname": hostname}
    return {name: value for name, value in query.items() if value}


def transport(user: str, password: str, members: list[tuple[str, int]], virtual_host: str) -> str:
    """
    The URL for ``transport_url``.

    :param user: account
    :param password: its password
    :param members: host and port of every broker
    :param virtual_host: name of the virtual host as RabbitMQ knows it; ``/openstack`` gives
        ``//openstack``, since the first slash only ends the hosts
    :return: a URL that oslo.messaging reads; brokers with IPv6 addresses stand last in it
    """
    account = credentials(user, password)
    # Python's urlsplit takes the host after the last @ for the whole URL's, and refuses brackets
    # anywhere when that one has none: so IPv6 addresses come last.
    ordered = sorted(members, key=lambda member: ":" in member[0])
    hosts = ",".join(f"{account}@{netloc(host, port)}" for host, port in ordered)
    return f"rabbit://{hosts}/{quote(virtual_host, safe='/')}"


def identity(scheme: str, host: str, port: int | str) -> str:
    """The URL of Keystone's third API."""
    return f"{scheme}://{netloc(host, port)}/v3"
