"""Heartbeats: with which key they are signed, read from what amphorae send by UDP."""

import hashlib
import hmac
import json
import socket
import threading
import zlib

import octavia_pki_heartbeat as heartbeat
import pytest
from hypothesis import given
from hypothesis import strategies as st

KEY = "the-key"


def packet(amphora="a", key=KEY, hexadecimal=True):
    """What an amphora sends, made as Octavia's status_message.py makes it."""
    payload = zlib.compress(json.dumps({"id": amphora, "seq": 1, "listeners": {}}).encode(), 9)
    digest = hmac.new(key.encode(), payload, hashlib.sha256)
    return payload + (digest.hexdigest().encode() if hexadecimal else digest.digest())


@pytest.mark.parametrize("hexadecimal", [True, False])
def test_the_key_of_a_heartbeat(hexadecimal):
    assert heartbeat.read(packet(hexadecimal=hexadecimal), KEY) == ("a", True)
    assert heartbeat.read(packet(key="another", hexadecimal=hexadecimal), KEY) == ("a", False)


@given(st.binary(max_size=200))
def test_noise_is_no_heartbeat(noise):
    assert heartbeat.read(noise, KEY) is None


@given(st.data())
def test_a_damaged_heartbeat_never_fits(data):
    whole = packet()
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[place] ^= data.draw(st.integers(1, 255))
    found = heartbeat.read(bytes(damaged), KEY)
    assert found is None or not found.fits


def test_what_unpacks_without_end_is_left_alone(monkeypatch):
    monkeypatch.setattr(heartbeat, "LARGEST_UNPACKED", 10)
    assert heartbeat.read(packet(), KEY) is None


def _free():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
        stream.bind(("127.0.0.1", 0))
        return stream.getsockname()[1]


@pytest.fixture(name="sending")
def _sending():
    """Sends packets to a port, again and again until the test ends, as amphorae do."""
    ended = threading.Event()
    threads = []

    def start(port, *packets):
        def send():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
                while not ended.wait(0.02):
                    for item in packets:
                        stream.sendto(item, ("127.0.0.1", port))

        threads.append(threading.Thread(target=send))
        threads[-1].start()

    yield start
    ended.set()
    for thread in threads:
        thread.join()


def test_it_listens_until_each_has_reported_with_the_key(sending):
    port = _free()
    sending(port, packet("a"), packet("b"), packet("stranger"), b"noise")
    heard = heartbeat.listen("127.0.0.1", port, KEY, ["a", "b"], 60)
    assert heard == {"a": True, "b": True}


def test_it_ends_and_tells_who_has_another_key_and_who_is_silent(sending):
    port = _free()
    sending(port, packet("a"), packet("b", key="another"))
    heard = heartbeat.listen("127.0.0.1", port, KEY, ["a", "b", "c"], 0.5)
    assert heard == {"a": True, "b": False}


def test_a_port_that_the_health_manager_has():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
        stream.bind(("127.0.0.1", 0))
        with pytest.raises(heartbeat.PortTaken, match="cannot be listened on"):
            heartbeat.listen("127.0.0.1", stream.getsockname()[1], KEY, ["a"], 1)
