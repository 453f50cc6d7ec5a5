"""Mistakes in ``octavia:pki`` are told before anything is done, without any secret."""

import octavia_findings as findings
import pytest
from given import GOOD, REMOVED, built, changed
from given_pki import good

ERROR, WARNING = "error", "warning"
TEXTS = good()
CA = {"certificate": TEXTS["ca_certificate"], "private_key": TEXTS["ca_private_key"]}
CLIENT = {"certificate": TEXTS["client_cert"], "private_key": TEXTS["client_cert_key"]}
PASSPHRASES = "manager:certificates:server_certs_key_passphrase"

# What is wrong -> the changes of the good pillar, and level, path, reason and remedy.
BAD = {
    "no mapping": ({"pki": "yes"}, (ERROR, "pki", "is not a mapping", "Write its keys")),
    "an unknown key": (
        {"pki:generat": True},
        (ERROR, "pki:generat", "is an unknown key", "Did you mean generate"),
    ),
    "an unknown key of a CA": (
        {"pki:server_ca:key": "x"},
        (ERROR, "pki:server_ca:key", "is an unknown key", "Known keys: certificate"),
    ),
    "a switch in quotes": (
        {"pki:require_strong_secrets": "yes"},
        (ERROR, "pki:require_strong_secrets", "is neither true nor false", "Correct it"),
    ),
    "another algorithm": (
        {"pki:algorithm": "dsa"},
        (ERROR, "pki:algorithm", "rsa", "Correct it"),
    ),
    "a short key": ({"pki:bits": 1024}, (ERROR, "pki:bits", "at least 2048", "Correct it")),
    "no days": ({"pki:client:days": 0}, (ERROR, "pki:client:days", "at least 1", "Correct it")),
    "no path": (
        {"pki:client_ca:private_key_file": "client.key"},
        (ERROR, "pki:client_ca:private_key_file", "is no absolute path", "from / on"),
    ),
    "nobody to make the CA": (
        {"pki:generate": True},
        (ERROR, "pki:ca_node", "is missing", "the ID of the minion"),
    ),
    "a certificate without its key": (
        {"pki:server_ca:certificate": CA["certificate"]},
        (ERROR, "pki:server_ca:certificate", "is of no use without private_key", "too"),
    ),
    "a key without its certificate": (
        {"pki:client:private_key": CLIENT["private_key"]},
        (ERROR, "pki:client:private_key", "is of no use without certificate", "too"),
    ),
    "trust beside nothing": (
        {"pki:client_ca:also_trusted": TEXTS["client_ca"]},
        (ERROR, "pki:client_ca:also_trusted", "is of no use without certificate", "too"),
    ),
    "two sources": (
        {"pki:client": {**CLIENT, "ca_server": "ctl01", "signing_policy": "x"}},
        (ERROR, "pki:client:ca_server", "contradicts", "the one or the other"),
    ),
    "a signature by no policy": (
        {"pki:client:ca_server": "ctl01"},
        (ERROR, "pki:client:signing_policy", "is missing", "x509_signing_policies"),
    ),
    "renewed all the time": (
        {"pki:client": {"days": 20}},
        (ERROR, "pki:client:renew_days", "is not less than the 20 days", "Lower it"),
    ),
    "two CAs in one file": (
        {"pki:server_ca": CA, "pki:client_ca:certificate": TEXTS["client_ca"]},
        (ERROR, "pki:client_ca:certificate", "both are the content of", "a file of its own"),
    ),
    "a path in place of a PEM": (
        {"pki:server_ca": {**CA, "certificate": "/etc/ca.pem"}},
        (ERROR, "pki:server_ca:certificate", "holds no PEM", "from BEGIN to END"),
    ),
    "a list in place of a PEM": (
        {"pki:server_ca": {**CA, "private_key": ["x"]}},
        (ERROR, "pki:server_ca:private_key", "is no text", "as a block of text"),
    ),
    "half a PEM": (
        {"pki:server_ca": {**CA, "private_key": CA["private_key"][:200]}},
        (ERROR, "pki:server_ca:private_key", "is cut off", "the whole of it"),
    ),
    "a mended PEM": (
        {"pki:server_ca": {**CA, "certificate": CA["certificate"].replace("\n", "\n  ")}},
        (WARNING, "pki:server_ca:certificate", "had indentation in it", "block of text"),
    ),
    "a PEM in place of a path": (
        {"manager:certificates:ca_private_key": CA["private_key"]},
        (ERROR, "manager:certificates:ca_private_key", "wants its path", "server_ca:private_key"),
    ),
    "a published heartbeat key": (
        {"pki:require_strong_secrets": True, "manager:health_manager:heartbeat_key": "insecure"},
        (ERROR, "manager:health_manager:heartbeat_key", "no secret", "new_heartbeat_key"),
    ),
    "a published default": (
        {"pki:require_strong_secrets": True, PASSPHRASES: REMOVED},
        (ERROR, PASSPHRASES, "its default perhaps", "octavia_pki.new_passphrase"),
    ),
    "a published passphrase": (
        {
            "pki:require_strong_secrets": True,
            "manager:certificates:ca_private_key_passphrase": "foobar",
        },
        (ERROR, "manager:certificates:ca_private_key_passphrase", "no secret", "-aes256"),
    ),
}
START = changed(GOOD, {PASSPHRASES: "a-passphrase-of-this-test-only--"})


@pytest.mark.parametrize("name", BAD)
def test_each_mistake_is_one_finding(name):
    changes, (level, path, reason, remedy) = BAD[name]
    (found,) = [
        item
        for item in built(changed(START, changes)).found
        if item["path"] == f"octavia:{path}" or item["level"] == ERROR
    ]
    assert (found["level"], found["path"]) == (level, f"octavia:{path}")
    assert reason in found["reason"]
    assert remedy in found["remedy"]
    text = findings.describe([found])
    assert not any(line in text for line in CA["private_key"].splitlines()[1:-1])
    assert "foobar" not in text


@pytest.mark.parametrize(
    "pki",
    [
        None,
        {},
        {"generate": False},
        {"generate": True, "ca_node": "ctl01", "algorithm": "ecdsa", "curve": "secp521r1"},
        {"server_ca": CA, "client": CLIENT, "warn_days": 60},
        {"server_ca": {**CA, "also_trusted": TEXTS["client_ca"]}},
        {"client": {"ca_server": "ctl01", "signing_policy": "octavia_client"}},
        {"require_strong_secrets": True},
    ],
)
def test_what_is_right_is_not_told(pki):
    assert built(changed(START, {"pki": pki})).found == []


@pytest.mark.parametrize("release", ["2025.1", "2025.2"])
def test_any_item_of_a_list_may_be_the_published_one(release):
    key = "a-passphrase-of-this-test-only--"
    old = "insecure-key-do-not-use-this-key"
    given = changed(
        START,
        {
            "pki:require_strong_secrets": True,
            "api:version": release,
            "manager:version": release,
            PASSPHRASES: [key, old] if release == "2025.2" else old,
        },
    )
    paths = [item["path"] for item in built(given).found if item["level"] == ERROR]
    assert paths == [f"octavia:{PASSPHRASES}"]


def test_no_secret_is_in_the_map():
    known = built(changed(START, {"pki": {"server_ca": CA, "client": CLIENT}})).result()
    assert known["valid"]
    assert "PRIVATE KEY" not in repr(known)
