"""
Asks amphorae's agents for the version of their API, by mutual TLS, as Octavia's controllers do.
"""

# No annotations as text here, see octavia_blocks.
import http.client
import json
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

TIMEOUT = 10
#: How many agents are asked at the same time.
PARALLEL = 16
#: The version of agents that do not know the question yet.
OLDEST = "0.5"


def versions(
    addresses: Mapping[str, str], port: int, bundle: str, authority: str, timeout: float = TIMEOUT
) -> dict[str, "str | None"]:
    """
    The API versions of amphorae's agents.

    :param addresses: their addresses in the management network, by id
    :param port: the port of the agents, [haproxy_amphora] bind_port
    :param bundle: the file with the controller's certificate and key
    :param authority: the file with the CAs by which the agents are checked
    :param timeout: seconds to wait for each answer
    :return: ``1.0``, ``0.5`` and the like by id; None for one that did not answer as an agent does
    """
    try:
        context = ssl.create_default_context(cafile=authority)
        # The name in it is the amphora's id; whose it is does not matter here.
        context.check_hostname = False
        # From Python 3.13 on; CAs of long ago do not have all that it asks for.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.load_cert_chain(bundle, password=_nobody)
    except (OSError, ValueError):
        return dict.fromkeys(addresses)

    def ask(address: str) -> "str | None":
        return _version(address, port, context, timeout)

    with ThreadPoolExecutor(PARALLEL) as pool:
        return dict(zip(addresses, pool.map(ask, addresses.values()), strict=True))


def _nobody() -> str:
    """The password of a key, if there were anybody to ask for it."""
    return ""


def _version(address: str, port: int, context: ssl.SSLContext, timeout: float) -> "str | None":
    connection = http.client.HTTPSConnection(address, port, timeout=timeout, context=context)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        if answer.status == http.client.NOT_FOUND:
            return OLDEST
        said = json.loads(answer.read())
        return str(said["api_version"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    finally:
        connection.close()
