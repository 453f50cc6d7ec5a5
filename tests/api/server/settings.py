"""The folder of a server: octavia.conf, the certificates that it names, the database."""

from __future__ import annotations

import subprocess
from pathlib import Path

# Octavia insists on ids here, and its noop drivers look none of them up.
ANY_ID = "11111111-2222-3333-4444-555555555555"
CONF = """\
[DEFAULT]
transport_url = fake://
log_dir = {folder}
log_file = octavia.log
debug = False
# How many load balancers the worker deals with at the same time.
executor_thread_pool_size = 8

[api_settings]
auth_strategy = testing
api_base_uri = {url}
enabled_provider_drivers = amphora:The amphora driver,octavia:Alias of amphora,\
noop_driver:Reports nothing by itself
pagination_max_limit = {page}

[database]
connection = sqlite:///{folder}/octavia.sqlite

[certificates]
cert_generator = local_cert_generator
cert_manager = noop_cert_manager
ca_certificate = {folder}/ca.pem
ca_private_key = {folder}/ca.key
server_certs_key_passphrase = insecure-key-do-not-use-this-key

[haproxy_amphora]
client_cert = {folder}/ca.pem
server_ca = {folder}/ca.pem

[controller_worker]
amphora_driver = amphora_noop_driver
compute_driver = compute_noop_driver
network_driver = network_noop_driver
image_driver = image_noop_driver
volume_driver = volume_noop_driver
client_ca = {folder}/ca.pem
amp_flavor_id = {any_id}
amp_boot_network_list = {any_id}
amp_image_owner_id = {any_id}

[task_flow]
engine = serial
"""


def write(folder: Path, url: str, page: int) -> Path:
    """
    Makes the files of a server.

    :param folder: an empty folder
    :param url: where the API will listen
    :param page: how many objects a page of a list has at most
    :return: path of octavia.conf
    """
    _make_authority(folder)
    conf = folder / "octavia.conf"
    text = CONF.format(folder=folder, url=url, page=page, any_id=ANY_ID)
    conf.write_text(text, encoding="utf-8")
    return conf


def _make_authority(folder: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    files = ["-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.pem")]
    subprocess.run([*command, *files, "-subj", "/CN=tests"], check=True, capture_output=True)
