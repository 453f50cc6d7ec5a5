"""What holds on a node of any suite; looks only, so that kitchen can use it as its verifier."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from . import facts

CONFIG = "/etc/octavia/octavia.conf"
# What octavia_config.load_check runs.
LOAD_CHECK = Path(__file__).parents[3] / "_utils" / "octavia_loadcheck.py"


@pytest.fixture
def config(host) -> dict[str, dict[str, str]]:
    """The sections of the node's octavia.conf."""
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in host.file(CONFIG).content_string.splitlines():
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), {})
        elif "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            current[name.strip()] = value.strip()
    return sections


def test_the_units_of_the_suite_run_and_no_other(host, suite_name):
    wanted = facts.UNITS[suite_name]
    for unit in facts.ALL:
        service = host.service(unit)
        if unit in wanted:
            assert service.is_running and service.is_enabled, unit
        else:
            assert not service.exists, unit


def test_no_unit_ever_failed_or_was_restarted_by_systemd(host, suite_name):
    for unit in facts.UNITS[suite_name]:
        properties = host.service(unit).systemd_properties
        assert properties["NRestarts"] == "0", unit
        said = host.run(f"journalctl --unit={unit} --output=cat --no-pager").stdout
        assert "Failed with result" not in said, said
        assert "Main process exited" not in said, said


def test_starts_are_not_held_back_any_more(host, suite_name):
    found = host.run("find /run/systemd/system -name '*salt-formula-octavia*'").stdout
    assert found == ""


def test_the_api_answers_on_its_address(host, suite_name):
    if suite_name in facts.URLS:
        url = facts.URLS[suite_name]
        trust = f"--cacert {facts.AUTHORITY}" if url.startswith("https:") else ""
        answer = host.run(f"curl --silent --fail --globoff {trust} '{url}'")
        assert '"v2.0"' in answer.stdout


def test_the_health_manager_listens_on_its_address(host, suite_name):
    if suite_name in facts.HEARTBEATS:
        assert host.socket(
            f"udp://{facts.HEARTBEATS[suite_name]}".replace("[", "").replace("]", "")
        ).is_listening


def test_octavia_itself_reads_every_option(host):
    script = LOAD_CHECK.read_text(encoding="utf-8")
    answer = host.run(f"/usr/bin/python3 - {CONFIG} <<'END'\n{script}\nEND")
    assert answer.rc == 0, answer.stdout + answer.stderr[-2000:]
    said = json.loads(answer.stdout.splitlines()[-1])
    assert said["wrong"] == []
    assert said["read"] > 20


def test_drivers_and_authentication_are_always_written(config):
    assert config["api_settings"]["auth_strategy"] == "keystone"
    worker = config["controller_worker"]
    assert {"amphora_driver", "compute_driver", "network_driver"} <= set(worker)


@pytest.mark.parametrize(
    ("path", "owner", "group", "mode"),
    [(CONFIG, "root", "octavia", 0o640)],
)
def test_owner_and_mode(host, path, owner, group, mode):
    file = host.file(path)
    assert (file.user, file.group, file.mode) == (owner, group, mode)


def test_packaged_units_are_mended(host, suite_name):
    for unit in facts.UNITS[suite_name]:
        properties = host.service(unit).systemd_properties
        assert properties["RuntimeDirectoryPreserve"] == "yes", unit
    if "octavia-worker" in facts.UNITS[suite_name]:
        worker = host.service("octavia-worker").systemd_properties
        assert worker["TimeoutStopUSec"] == "16min"
    if "octavia-driver-agent" in facts.UNITS[suite_name]:
        agent = host.service("octavia-driver-agent").systemd_properties
        assert agent["TimeoutStopUSec"] == "5s"


def test_the_private_ssh_key_is_for_its_owner_only(host, suite_name):
    if suite_name in ("manager_single", "api_cluster"):
        key = host.file("/etc/octavia/.ssh/octavia_ssh_key")
        assert (key.user, key.group, key.mode) == ("octavia", "octavia", 0o600)
        assert "PRIVATE KEY" in key.content_string
        folder = host.file("/etc/octavia/.ssh")
        assert (folder.user, folder.mode) == ("octavia", 0o700)


def test_the_bundle_is_a_tls_client(host, config):
    if "haproxy_amphora" not in config:
        return
    bundle = config["haproxy_amphora"]["client_cert"]
    authority = config["controller_worker"]["client_ca"]
    load = f"import ssl; ssl.create_default_context().load_cert_chain('{bundle}')"
    loaded = host.run(f'/usr/bin/python3 -c "{load}"')
    assert loaded.rc == 0, loaded.stderr
    assert host.run(f"openssl verify -CAfile {authority} -purpose sslclient {bundle}").rc == 0


def test_clouds_are_for_root_only(host, suite_name):
    if suite_name == "aio":
        clouds = host.file("/etc/openstack/clouds.yaml")
        assert (clouds.user, clouds.mode) == ("root", 0o600)
        python = host.run("/opt/salt/bin/python -c 'import openstack; print(openstack.__name__)'")
        assert python.stdout.strip() == "openstack"
