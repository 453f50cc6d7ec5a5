"""
Heartbeats as amphorae send them by UDP: compressed JSON with an HMAC of the heartbeat key behind
it (octavia/amphorae/backends/health_daemon/status_message.py). While the health manager of a
controller is stopped, its port tells with which key each amphora reports.
"""

# No annotations as text here, see octavia_blocks.
import hashlib
import hmac
import json
import socket
import time
import zlib
from collections.abc import Collection
from typing import NamedTuple

#: The HMAC is written in hexadecimal digits, by amphorae older than Train in bytes.
HEX, RAW = 64, 32
LARGEST = 65535
#: What a heartbeat may unpack to; a load balancer with thousands of members needs a few MB.
LARGEST_UNPACKED = 32 * 1024 * 1024


class Heartbeat(NamedTuple):
    """
    One heartbeat.

    :ivar amphora: the id that it says it comes from
    :ivar fits: whether it is signed with the key
    """

    amphora: str
    fits: bool


class PortTaken(Exception):
    """Heartbeats cannot be received; the text says why."""


def read(packet: bytes, key: str) -> "Heartbeat | None":
    """
    What a packet says.

    :param packet: the packet
    :param key: the heartbeat key
    :return: the heartbeat; None where it is none
    """
    for size in (HEX, RAW):
        payload, given = packet[:-size], packet[-size:]
        name = _amphora(payload)
        if name is None:
            continue
        digest = hmac.new(key.encode("utf-8"), payload, hashlib.sha256)
        wanted = digest.hexdigest().encode("ascii") if size == HEX else digest.digest()
        return Heartbeat(name, hmac.compare_digest(wanted, given))
    return None


def _amphora(payload: bytes) -> "str | None":
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(payload, LARGEST_UNPACKED)
        said = json.loads(text)
    except (zlib.error, ValueError):
        return None
    # What lies behind the end of the compressed part is the rest of an HMAC of another form.
    if not unpacking.eof or unpacking.unused_data or not isinstance(said, dict):
        return None
    name = said.get("id")
    return name if isinstance(name, str) else None


def listen(
    address: str, port: int, key: str, wanted: Collection[str], seconds: float
) -> dict[str, bool]:
    """
    Receives heartbeats until each amphora has sent one with the key, or time is up.

    :param address: where the health manager listens, ``bind_ip``
    :param port: its port, ``bind_port``
    :param key: the heartbeat key
    :param wanted: the ids of the amphorae
    :param seconds: how long to wait at most
    :return: by id whether its last heartbeat was signed with the key; one that sent none is missing
    :raises PortTaken: when the health manager still has the port, or the address is not there
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    heard: dict[str, bool] = {}
    with socket.socket(family, socket.SOCK_DGRAM) as stream:
        try:
            stream.bind((address, port))
        except OSError as problem:
            raise PortTaken(f"{address}:{port} cannot be listened on: {problem}") from problem
        end = time.monotonic() + seconds
        while not all(heard.get(name) for name in wanted):
            left = end - time.monotonic()
            if left <= 0:
                break
            stream.settimeout(left)
            try:
                packet = stream.recv(LARGEST)
            except TimeoutError:
                break
            beat = read(packet, key)
            if beat and beat.amphora in wanted:
                heard[beat.amphora] = beat.fits
    return heard
