"""What the tests start from: the formula's parameters, and a pillar without mistakes."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import octavia_map
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "octavia" / "parameters"
PARAMETERS = {
    **{
        name: yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
        for name in ("defaults", "osfamilies", "releases", "policies", "version")
    },
    "options": json.loads((FOLDER / "options.json").read_text(encoding="utf-8")),
}
#: The users' own samples, as they have them.
SAMPLES = {
    role: yaml.safe_load(
        (ROOT / f"tests/render/samples/{role}_single.sls").read_text(encoding="utf-8")
    )
    for role in ("api", "manager")
}
#: Releases at which what is written to the file changes.
RELEASES = ("ocata", "queens", "train", "zed", "2023.2", "2025.1", "2026.2")
REMOVED = object()

GOOD = yaml.safe_load("""
api:
  enabled: true
  version: zed
  bind: {address: 10.0.0.1, port: 9876}
  database: &database
    {engine: mysql, host: 10.0.0.2, name: octavia, user: octavia, password: db-secret}
  identity: &identity
    {engine: keystone, region: RegionOne, host: 10.0.0.3, user: octavia, password: id-secret}
  message_queue: &message_queue
    {engine: rabbitmq, host: 10.0.0.4, user: openstack, password: mq-secret, virtual_host: /octavia}
manager:
  enabled: true
  version: zed
  database: *database
  identity: *identity
  message_queue: *message_queue
  certificates:
    ca_certificate: /etc/octavia/certs/ca_01.pem
    ca_private_key: /etc/octavia/certs/private/cakey.pem
    ca_private_key_passphrase: ca-secret
  controller_worker:
    amp_image_tag: amphora
    amp_flavor_id: 00000000-0000-4000-8000-000000000001
    amp_boot_network_list: [00000000-0000-4000-8000-000000000002]
    amp_secgroup_list: [00000000-0000-4000-8000-000000000003]
    loadbalancer_topology: SINGLE
  haproxy_amphora:
    client_cert_all: /etc/octavia/certs/client_all.pem
    server_ca: /etc/octavia/certs/ca_01.pem
  health_manager: {bind_ip: 10.0.0.1, heartbeat_key: hm-secret}
  ssh: {private_key: ssh-secret}
client:
  enabled: true
  clouds: {octavia: {auth: {password: cloud-secret}}}
""")
#: All secrets of GOOD.
SECRETS = tuple(f"{name}-secret" for name in ("db", "id", "mq", "ca", "hm", "ssh", "cloud"))


def changed(pillar: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """
    A pillar with some of its values changed.

    :param pillar: the pillar below ``octavia``; it stays as it is
    :param changes: new values by path, ``api:bind:port``; REMOVED takes the key away
    :return: the new pillar
    """
    result = {role: copy.deepcopy(value) for role, value in pillar.items()}
    for path, value in changes.items():
        *parents, last = path.split(":")
        place = result
        for name in parents:
            place = place.setdefault(name, {})
        if value is REMOVED:
            del place[last]
        else:
            place[last] = value
    return result


def built(pillar: Any, **grains: Any) -> octavia_map.Build:
    """
    What the formula makes of a pillar.

    :param pillar: the pillar below ``octavia``
    :param grains: grains of the node beside those of a Debian
    :return: the build
    """
    return octavia_map.Build(pillar, {"os": "Debian", "os_family": "Debian", **grains}, PARAMETERS)


def conf(pillar: Any, **grains: Any) -> dict[str, dict[str, str]]:
    """
    octavia.conf of a pillar in which nothing is wrong.

    :param pillar: the pillar below ``octavia``
    :param grains: grains of the node beside those of a Debian
    :return: ``{section: {option: text}}``, several lines of one option joined
    """
    build = built(pillar, **grains)
    assert [item for item in build.found if item["level"] == "error"] == []
    return {
        section: {name: "\n".join(setting["text"]) for name, setting in options.items()}
        for section, options in build.sections.items()
    }


def at(release: str, roles: tuple[str, ...] = ("api", "manager")) -> dict[str, Any]:
    """
    The users' own samples for another release.

    :param release: name of the release
    :param roles: which of the samples
    :return: the pillar below ``octavia``
    """
    both = {role: SAMPLES[role]["octavia"][role] for role in roles}
    return changed(both, {f"{role}:version": release for role in roles})
