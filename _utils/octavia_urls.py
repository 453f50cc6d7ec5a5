"""URLs as Octavia's libraries read them: percent-encoded, IPv6 addresses in brackets."""

from __future__ import annotations

from urllib.parse import quote

DATABASE_DRIVERS = {"mysql": "mysql+pymysql", "postgresql": "postgresql"}


def netloc(host: str, port: int | str) -> str:
    """``host:port``, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def credentials(user: str, password: str) -> str:
    """``user:password``, both percent-encoded whatever they hold."""
    return f"{quote(user, safe='')}:{quote(password, safe='')}"


def database(engine: str, user: str, password: str, host: str, port: int | str, name: str) -> str:
    """
    The URL for ``[database] connection``.

    :param engine: ``mysql`` or ``postgresql``
    :param user: account
    :param password: its password
    :param host: name or address
    :param port: port
    :param name: name of the database
    :return: a URL that SQLAlchemy reads
    """
    driver = DATABASE_DRIVERS[engine]
    account = credentials(user, password)
    return f"{driver}://{account}@{netloc(host, port)}/{quote(name, safe='')}"


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
