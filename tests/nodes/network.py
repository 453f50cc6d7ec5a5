"""The nodes' network: one namespace with a bridge as the switch, one namespace a node."""

from __future__ import annotations

import ipaddress
import subprocess
from collections.abc import Iterable
from pathlib import Path

from . import host
from .errors import NetworkError
from .processes import wait_until

SWITCH = f"{host.PREFIX}switch"
BRIDGE = "br0"
GATEWAY = ipaddress.ip_interface("10.99.0.1/24")
INTERFACE = "eth0"
NAMESPACES = Path("/run/netns")


def _ip(*argv: str) -> None:
    done = subprocess.run(["ip", *argv], capture_output=True, text=True)
    if done.returncode:
        raise NetworkError(f"ip {' '.join(argv)}: {done.stderr.strip()}")


def namespace(node: str) -> str:
    """The name of a node's network namespace."""
    return f"{host.NODE_PREFIX}{node}"


def allocate(wanted: str | None, taken: Iterable[str]) -> str:
    """The address of a new node with its prefix length: the wanted one, or the first free one.

    Raises NetworkError when the wanted address is bad or taken, or when none is free.
    """
    used = {ipaddress.ip_interface(address).ip for address in taken} | {GATEWAY.ip}
    if wanted is None:
        for candidate in list(GATEWAY.network.hosts())[9:]:
            if candidate not in used:
                return f"{candidate}/{GATEWAY.network.prefixlen}"
        raise NetworkError(f"no address of {GATEWAY.network} is free: remove some nodes")
    text = wanted if "/" in wanted else f"{wanted}/{GATEWAY.network.prefixlen}"
    interface = parse(text)
    if interface.ip not in GATEWAY.network:
        raise NetworkError(
            f"address {wanted!r} is not in {GATEWAY.network}: choose one there, "
            "and give others as extra addresses"
        )
    refuse_taken(text, (f"{ip}/32" for ip in used))
    return text


def refuse_taken(address: str, taken: Iterable[str]) -> None:
    """Raise NetworkError when another node has this address."""
    if parse(address).ip in {parse(other).ip for other in taken}:
        raise NetworkError(f"address {address!r} belongs to another node: choose another")


def parse(address: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
    """An address with its prefix length; raises NetworkError that names a bad one."""
    try:
        return ipaddress.ip_interface(address)
    except ValueError as error:
        raise NetworkError(
            f"{address!r} is not an address such as 10.99.0.20/24: {error}"
        ) from error


def _ensure_switch() -> None:
    """Create the switch unless it is there. The caller holds the network lock."""
    if (NAMESPACES / SWITCH).exists():
        done = subprocess.run(["ip", "-n", SWITCH, "addr", "show", BRIDGE], capture_output=True)
        if str(GATEWAY).encode() in done.stdout:
            return
        # Half made by a run that was killed.
        _ip("netns", "delete", SWITCH)
    _ip("netns", "add", SWITCH)
    _ip("-n", SWITCH, "link", "set", "lo", "up")
    _ip("-n", SWITCH, "link", "add", BRIDGE, "type", "bridge")
    _ip("-n", SWITCH, "link", "set", BRIDGE, "up")
    _ip("-n", SWITCH, "addr", "add", str(GATEWAY), "dev", BRIDGE)


def connect(node: str, addresses: Iterable[str]) -> None:
    """Give a node its namespace with an interface on the switch and these addresses."""
    own = namespace(node)
    addresses = list(addresses)
    port = f"{host.PREFIX}{int(parse(addresses[0]).ip):x}"
    with host.lock("network"):
        _ensure_switch()
        _ip("netns", "add", own)
        _ip(*("-n", SWITCH, "link", "add", port, "type", "veth"), "peer", INTERFACE, "netns", own)
        _ip("-n", SWITCH, "link", "set", port, "master", BRIDGE, "up")
        _ip("-n", own, "link", "set", "lo", "up")
        _ip("-n", own, "link", "set", INTERFACE, "up")
        for address in addresses:
            _ip("-n", own, "addr", "add", address, "dev", INTERFACE)


def names() -> list[str]:
    """All network namespaces of ours that exist now."""
    return sorted(path.name for path in NAMESPACES.glob(f"{host.PREFIX}*"))


def remove(name: str) -> None:
    """Remove a namespace (of a node or the switch) if it exists.

    Its side of a virtual cable takes the other side with it, and a node's side is removed first
    because a namespace itself goes away with a delay.
    """
    if not (NAMESPACES / name).exists():
        return
    if name != SWITCH:
        subprocess.run(["ip", "-n", name, "link", "delete", INTERFACE], capture_output=True)
    # A run that was killed may have left the name without a namespace behind it.
    if subprocess.run(["ip", "netns", "delete", name], capture_output=True).returncode:
        subprocess.run(["umount", "--lazy", str(NAMESPACES / name)], capture_output=True)
        (NAMESPACES / name).unlink(missing_ok=True)
    wait_until(lambda: not (NAMESPACES / name).exists(), timeout=5)
