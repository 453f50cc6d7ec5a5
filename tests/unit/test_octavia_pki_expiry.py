"""When certificates end, and what controllers do not have in common."""

import octavia_pki_compare as compare
import octavia_pki_expiry as expiry
import octavia_pki_names as names
import octavia_pki_secrets as secrets
import pytest
from given_pki import DAY, NOW, files, good, material

AMPHORAE = [
    {"id": "late", "loadbalancer_id": "a", "cert_expiration": (NOW + 20 * DAY).isoformat()},
    {"id": "over", "loadbalancer_id": "b", "cert_expiration": f"{(NOW - DAY):%Y-%m-%dT%H:%M:%S}"},
    {"id": "zulu", "loadbalancer_id": None, "cert_expiration": f"{NOW + DAY:%Y-%m-%dT%H:%M:%SZ}"},
    {"id": "new", "loadbalancer_id": "c", "cert_expiration": None},
    {"id": "gone", "status": "DELETED", "cert_expiration": f"{NOW:%Y-%m-%dT%H:%M:%S}"},
]


def test_the_worst_come_first():
    given = material(good())
    rows = expiry.of_files(given.files, given.contents, NOW) + expiry.of_amphorae(AMPHORAE, NOW)
    found = [(row["where"], row["days_left"]) for row in expiry.worst_first(rows)]
    assert found[:4] == [("new", None), ("over", -1), ("zulu", 1), ("late", 20)]
    assert [days for _, days in found[4:]] == sorted(days for _, days in found[4:])
    assert {where for where, _ in found[4:]} == {
        files()[name].path
        for name in (names.CA, names.SERVER_TRUST, names.CLIENT_TRUST, names.BUNDLE)
    }


def test_what_cannot_be_read_is_told():
    given = material({**good(), names.CA: "x"})
    rows = expiry.of_files(given.files, given.contents, NOW)
    (told,) = [row for row in rows if row["days_left"] is None]
    assert told["problem"].startswith("it holds no PEM")


def prints():
    """The fingerprints of a controller."""
    values = {
        secrets.SERVER_CERTS: ["one", "two"],
        secrets.HEARTBEAT: "key",
        ("health_manager", "controller_ip_port_list"): ["10.0.0.1:5555", "10.0.0.2:5555"],
    }
    given = material(good())
    return compare.fingerprints(given.files, given.contents, lambda *name: values.get(name))


def test_the_issuer_of_a_client_certificate():
    found = prints()
    assert found["client_certificate_issuer"] == found["client_ca_trusted"]
    assert found["client_certificate"] != found["client_ca_trusted"]


def test_controllers_that_agree():
    """Whichever order their lists of CAs and of controllers have."""
    other = {**prints(), "client_certificate": ["of its own"]}
    assert compare.compare({"a": prints(), "b": other}) == []


def test_the_order_of_passphrases_counts():
    """The first one encrypts; who has not it at all cannot read that."""
    other = prints()
    other["server_certs_key_passphrase"] = other["server_certs_key_passphrase"][::-1]
    other["client_certificate"] = []
    (told,) = compare.compare({"a": prints(), "b": other})
    assert told["path"].endswith("server_certs_key_passphrase")


@pytest.mark.parametrize("answer", [None, {}, "Minion did not return"])
def test_a_controller_that_says_nothing(answer):
    (told,) = compare.compare({"a": prints(), "b": answer})
    assert (told["path"], told["level"]) == ("node:b", "error")
    assert "mine.update" in told["remedy"]


def test_an_api_node_is_compared_by_what_it_has():
    assert compare.compare({"a": prints(), "api": {"server_certs_key_passphrase": ["x"]}}) != []
    known = prints()["server_certs_key_passphrase"]
    assert compare.compare({"a": prints(), "api": {"server_certs_key_passphrase": known}}) == []


def test_fingerprints_of_secrets_tell_nothing_of_each_other():
    assert secrets.fingerprint("a", "secret") != secrets.fingerprint("b", "secret")
    assert secrets.fingerprint("a", "secret") == secrets.fingerprint("a", "secret")
    assert secrets.fingerprint("a", "") == ""
