"""
Asks the message queue who consumes: a program for the system's own Python, which has the client
that Octavia's packages bring along (the one below oslo.messaging and kombu).

Standard input: ``{"url": transport_url, "queues": [name, ..]}``, and ``"ssl": {"ca_file": ..,
"cert_file": .., "key_file": ..}``, all of them optional, where the brokers are spoken to by TLS.
Standard output: ``{"queues": {name: consumers, or null for a queue that is not there}}``, or
``{"error": kind, "text": text}`` where the kind is one of ``unsupported``, ``driver``,
``unreachable``, ``refused``. Nothing is made or changed on the brokers.
"""

from __future__ import annotations

import importlib
import json
import signal
import ssl
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

#: Seconds for all brokers together.
TIMEOUT = 10
SCHEMES = ("rabbit", "kombu")
PORT = 5672
#: Account and password where the URL names none.
GUEST = "guest"


class ConsumersError(Exception):
    """The brokers could not be asked; ``kind`` says why in one word."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class LateError(Exception):
    """The time is over; none of the errors that make one go on to the next broker."""


class Broker(NamedTuple):
    """
    One broker of a transport URL.

    :ivar address: ``host:port``, an IPv6 address in brackets
    :ivar user: account
    :ivar password: its password
    """

    address: str
    user: str
    password: str


def brokers(url: str) -> tuple[list[Broker], str]:
    """
    Takes a transport URL apart as oslo.messaging does, for which Python's own reader has not enough
    hosts.

    :param url: as in ``transport_url``
    :return: the brokers, and the name of the virtual host
    :raises ConsumersError: when it is none of RabbitMQ
    """
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.partition("+")[0] not in SCHEMES:
        raise ConsumersError("unsupported", "only rabbit:// URLs are looked into")
    hosts, _, path = rest.partition("?")[0].partition("/")
    found = []
    for item in filter(None, hosts.split(",")):
        account, mark, host = item.rpartition("@")
        user, _, password = account.partition(":")
        name, port = _host(host)
        address = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
        found.append(Broker(address, unquote(user) or GUEST, unquote(password) or GUEST))
    if not found:
        raise ConsumersError("unsupported", "the URL names no broker")
    return found, unquote(path) or "/"


def _host(text: str) -> tuple[str, int]:
    name, colon, port = text.rpartition(":")
    if not colon or port.endswith("]"):
        name, port = text, ""
    if not (port or str(PORT)).isdecimal() or not name:
        # What stands in it may be a part of the password.
        why = "this is no URL of brokers; user and password must be percent-encoded in it"
        raise ConsumersError("unsupported", why)
    return name.strip("[]"), int(port or PORT)


def consumers(
    url: str, queues: Iterable[str], tls: Mapping[str, str] | None = None
) -> dict[str, int | None]:
    """
    Asks the first broker that answers.

    :param url: as in ``transport_url``
    :param queues: names of queues
    :param tls: files, by ``ca_file``, ``cert_file`` and ``key_file``; None speaks without TLS
    :return: the number of consumers by queue, None for a queue that is not there
    :raises ConsumersError: when no broker can be asked
    """
    where, virtual_host = brokers(url)
    try:
        amqp: Any = importlib.import_module("amqp")
    except ImportError as problem:
        raise ConsumersError("driver", str(problem)) from problem
    wanted, problems = list(queues), []
    for broker in where:
        seconds = TIMEOUT / len(where)
        connection = amqp.Connection(
            host=broker.address,
            userid=broker.user,
            password=broker.password,
            virtual_host=virtual_host,
            ssl=_tls(tls),
            connect_timeout=seconds,
            read_timeout=seconds,
            write_timeout=seconds,
        )
        try:
            connection.connect()
            found = {name: _count(amqp, connection, name) for name in wanted}
            connection.close()
            return found
        except (amqp.AccessRefused, amqp.NotAllowed) as problem:
            problems.append(("refused", broker, problem))
        except (OSError, amqp.AMQPError) as problem:
            problems.append(("unreachable", broker, problem))
        finally:
            # Unlike close this waits for nobody.
            connection.collect()
    # What one broker refuses is worth more than that others do not answer.
    kind = "refused" if any(found[0] == "refused" for found in problems) else "unreachable"
    said = "; ".join(f"{broker.address}: {problem}" for _, broker, problem in problems)
    raise ConsumersError(kind, _hidden(said, where))


def _tls(files: Mapping[str, str] | None) -> dict[str, Any] | bool:
    """As oslo.messaging asks for it: the broker's name is not looked for in its certificate."""
    if files is None:
        return False
    names = {"ca_file": "ca_certs", "cert_file": "certfile", "key_file": "keyfile"}
    found: dict[str, Any] = {names[key]: files[key] for key in names if files.get(key)}
    found["cert_reqs"] = ssl.CERT_REQUIRED if "ca_certs" in found else ssl.CERT_NONE
    return found


def _count(amqp: Any, connection: Any, name: str) -> int | None:
    channel = connection.channel()
    try:
        count: int = channel.queue_declare(queue=name, passive=True).consumer_count
    except amqp.NotFound:
        # With that the broker has closed the channel.
        return None
    channel.close()
    return count


def _hidden(text: str, where: Iterable[Broker]) -> str:
    for broker in where:
        # What everybody knows is no secret, and may be a word in the text.
        for password in {broker.password, quote(broker.password, safe="")} - {GUEST}:
            text = text.replace(password, "***")
    return text


def _late(*_: object) -> None:
    raise LateError(f"no answer within {TIMEOUT} seconds")


def main() -> None:
    """Answers the question on standard input."""
    question = json.load(sys.stdin)
    signal.signal(signal.SIGALRM, _late)
    # Once more should the end of a connection be waited for.
    signal.setitimer(signal.ITIMER_REAL, TIMEOUT, 1)
    answer: dict[str, Any]
    try:
        answer = {
            "queues": consumers(question["url"], question["queues"], question.get("ssl")),
        }
    except ConsumersError as problem:
        answer = {"error": problem.kind, "text": str(problem)}
    except LateError as problem:
        answer = {"error": "unreachable", "text": str(problem)}
    signal.setitimer(signal.ITIMER_REAL, 0)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
