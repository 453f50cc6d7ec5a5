"""
Prints, as JSON, the files that Octavia's worker gives a new amphora, by Octavia's own code and the
octavia.conf of this node: its certificate and key, the CAs by which it checks controllers, and the
configuration of its agent.

Argument: the id of the amphora. Runs in a node with the system's Python.
"""

import json
import sys

from octavia.amphorae.backends.agent import agent_jinja_cfg
from octavia.common import service
from oslo_config import cfg
from stevedore import driver


def text(content):
    """Octavia has certificates and keys as bytes."""
    return content.decode() if isinstance(content, bytes) else content


def main(amphora):
    service.prepare_service(["inject", "--config-file", "/etc/octavia/octavia.conf"])
    conf = cfg.CONF
    generator = driver.DriverManager(
        namespace="octavia.cert_generator",
        name=conf.certificates.cert_generator,
        invoke_on_load=True,
    ).driver
    made = generator.generate_cert_key_pair(
        cn=amphora, validity=conf.certificates.cert_validity_time
    )
    with open(conf.controller_worker.client_ca, encoding="utf-8") as stream:
        trusted = stream.read()
    agent = agent_jinja_cfg.AgentJinjaTemplater().build_agent_config(amphora, "SINGLE")
    files = {
        "/etc/octavia/certs/server.pem": text(made.certificate) + text(made.private_key),
        "/etc/octavia/certs/client_ca.pem": trusted,
        "/etc/octavia/amphora-agent.conf": agent,
    }
    print("ANSWER " + json.dumps(files))


main(*sys.argv[1:])
