"""The sample pillars of single features: what each needs of a node, and the node around it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[1] / "pillar" / "parts"
HEADER = re.compile(r"^# (since|systems): (.+)$", re.MULTILINE)
#: The node that the features are added to.
BASE = yaml.safe_load("""
octavia:
  api:
    enabled: true
    version: 2025.1
    bind: {address: 10.0.0.1, port: 9876}
    database: &database
      {engine: mysql, host: 10.0.0.2, name: octavia, user: octavia, password: secret}
    identity: &identity
      {engine: keystone, region: RegionOne, host: 10.0.0.3, user: octavia, password: secret}
    message_queue: &message_queue
      {engine: rabbitmq, host: 10.0.0.4, user: octavia, password: secret, virtual_host: /octavia}
  manager:
    enabled: true
    version: 2025.1
    database: *database
    identity: *identity
    message_queue: *message_queue
    certificates:
      ca_certificate: /etc/octavia/certs/ca_01.pem
      ca_private_key: /etc/octavia/certs/private/cakey.pem
      ca_private_key_passphrase: secret
    controller_worker:
      amp_flavor_id: 00000000-0000-4000-8000-000000000001
      amp_boot_network_list: [00000000-0000-4000-8000-000000000002]
      amp_secgroup_list: [00000000-0000-4000-8000-000000000003]
    haproxy_amphora:
      client_cert_all: /etc/octavia/certs/client_all.pem
      server_ca: /etc/octavia/certs/ca_01.pem
    health_manager: {bind_ip: 10.0.0.1, heartbeat_key: secret}
""")
# A part says the whole of these, since what it leaves out must be gone.
WHOLE = ("bind", "database", "message_queue")


@dataclass(frozen=True)
class Part:
    """
    A sample pillar of one feature.

    :ivar name: its name
    :ivar since: the first release that has the feature
    :ivar systems: where it is rendered
    :ivar octavia: the pillar of a node with it, below ``octavia``
    """

    name: str
    since: str
    systems: tuple[str, ...]
    octavia: dict[str, Any]


def _merged(base: Any, over: Any, whole: bool = False) -> Any:
    if whole or not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    keys = {**base, **over}
    return {
        key: _merged(base[key], over[key], key in WHOLE)
        if key in base and key in over
        else keys[key]
        for key in keys
    }


def _part(path: Path) -> Part:
    text = path.read_text(encoding="utf-8")
    header = dict(HEADER.findall(text))
    systems = tuple(header.get("systems", "debian13").split())
    pillar = _merged(BASE, yaml.safe_load(text))
    return Part(path.stem, header["since"], systems, pillar["octavia"])


#: All of them by name.
PARTS = {part.name: part for part in map(_part, sorted(FOLDER.glob("*.sls")))}
