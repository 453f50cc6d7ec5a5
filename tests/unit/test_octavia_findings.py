"""Findings: one line each, and no secret in any of them."""

import octavia_findings as findings
import pytest

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("octavia:api:database:password", SECRET),
        ("octavia:manager:certificates:ca_private_key_passphrase", SECRET),
        ("octavia:manager:health_manager:heartbeat_key", SECRET),
        ("octavia:manager:ssh:private_key", SECRET),
        ("octavia:api:vault:kv_token", SECRET),
        ("octavia:api:database", {"host": "h", "password": SECRET}),
        ("octavia:api:x", {"y": [{"client_secret": SECRET}]}),
        ("octavia:api:database:connection", f"sqlite:///{SECRET}"),
        ("octavia:manager:task_flow:persistence_connection", SECRET),
        ("octavia:manager:task_flow:jobboard_redis_backend_ssl_options", {"ssl_ca": SECRET}),
        ("octavia:api:vault:approle_role_id", SECRET),
        ("octavia:api:database:x509:key", SECRET),
        ("octavia:api:message_queue:transport_url", f"rabbit://u:{SECRET}@h/"),
        ("octavia:api:x", [f"https://u:{SECRET}@h/"]),
        ("octavia:manager:ssh", f"-----BEGIN PRIVATE KEY-----\n{SECRET}"),
    ],
)
def test_a_secret_is_masked(path, value):
    assert findings.masked(path, value) == findings.MASK


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("octavia:api:bind:port", 70000),
        ("octavia:manager:controller_worker:amp_ssh_key_name", "octavia_ssh_key"),
        ("octavia:api:identity:host", "http://keystone:5000"),
        ("octavia:manager:certificates:ca_private_key", "/etc/octavia/certs/private/cakey.pem"),
        ("octavia:manager:haproxy_amphora", {"client_cert_key": "/etc/octavia/certs/client.key"}),
        ("octavia:api:x", {"y": ["z"]}),
    ],
)
def test_what_is_no_secret_is_shown(path, value):
    assert findings.masked(path, value) == value


def test_errors_come_first_and_each_is_one_line():
    found = [
        findings.warning("octavia:b", None, "is old", "Remove it"),
        findings.error("octavia:c", 7, "is wrong", "Correct it"),
        findings.error("octavia:a", "x", "is worse", "Drop it"),
    ]
    assert findings.describe(found).splitlines() == [
        "error: octavia:a = x: is worse. Drop it.",
        "error: octavia:c = 7: is wrong. Correct it.",
        "warning: octavia:b: is old. Remove it.",
    ]
    assert findings.errors(found) == found[1:]


PILLAR = {
    "api": {
        "debug": True,
        "database": {"user": "octavia", "password": "p@ss/$1"},
        "message_queue": {"transport_url": "rabbit://u:first%2B@a:1,u:second@b:1//v"},
        "bind": {"port": 9876},
    },
    "manager": {
        "certificates": {
            "ca_private_key": "/etc/octavia/certs/private/cakey.pem",
            "server_certs_key_passphrase": ["older-one", "newer-one"],
        },
        "ssh": {"private_key": "-----BEGIN KEY-----\n  line-of-the-key\n-----END KEY-----\n"},
        "x": {"pin_token": 123456},
        "task_flow": {"persistence_connection": "mysql://o:of-the-url@h/p"},
        "database": {"x509": {"key": "-----BEGIN PRIVATE KEY-----\npem-line\n-----END"}},
    },
}


@pytest.mark.parametrize(
    "secret",
    [
        *("p@ss/$1", "p@ss/$$1", "p%40ss%2F%241", "p%40ss/%241"),
        *("first%2B", "first+", "second", "older-one", "newer-one", "line-of-the-key", "123456"),
        *("of-the-url", "mysql://o:of-the-url@h/p", "pem-line"),
    ],
)
def test_no_text_shows_a_secret_of_the_pillar(secret):
    said = findings.hidden(f"cannot connect as u:{secret}@a; {secret}", PILLAR)
    assert said == f"cannot connect as u:{findings.MASK}@a; {findings.MASK}"


@pytest.mark.parametrize("text", ["octavia on 9876: True", "/etc/octavia/certs/private/cakey.pem"])
def test_what_is_no_secret_stays_in_a_text(text):
    assert findings.hidden(text, PILLAR) == text


def test_without_a_pillar_a_text_stays_as_it_is():
    assert findings.hidden("a text", None) == "a text"
