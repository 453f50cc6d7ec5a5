"""Bad certificates and keys: each mistake is told with its key of the pillar, file and remedy."""

import subprocess

import octavia_findings as findings
import octavia_pki_check as check
import octavia_pki_load as load
import octavia_pki_make as make
import octavia_pki_names as names
import octavia_pki_pem as pem
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa as rsa_keys
from given_pki import (
    CLIENT_AUTH,
    DAY,
    FOLDER,
    MANAGER,
    NOW,
    PASSPHRASE,
    SERVER_AUTH,
    authority,
    certificate,
    files,
    good,
    issued,
    key,
    material,
    option,
    signing,
)
from given_pki import pem as written

CLIENT_CA = (authority("client CA", key("client")), key("client"))
OTHER_CA = (authority("other CA", key("other")), key("other"))
ROOT = (authority("root", key("root")), key("root"))
BETWEEN = (authority("between", key("between"), ROOT), key("between"))
# The same name as the right one, and another key.
IMPOSTOR = (authority("client CA", key("impostor")), key("impostor"))


def der(name):
    """A certificate of the good PKI in DER form."""
    (found,) = load.certificates(good()[name].encode())
    return found.public_bytes(serialization.Encoding.DER)


def spoilt(name, spoil):
    """One file of the good PKI with its text changed."""
    return {name: spoil(good()[name])}


def plain(name="controller"):
    """A key without a passphrase."""
    return make.key_to_pem(key(name))


def client_ca(**more):
    """A client CA of another form, and the client certificate that it issued."""
    own = authority("client CA", key("client"), **more)
    return {names.CLIENT_TRUST: written(own), **issued(own, key("client"))}


def chained(*behind, trusted):
    """A client certificate of an intermediate CA, what is sent along, and what is trusted."""
    texts = issued(*BETWEEN)
    texts[names.BUNDLE] = texts[names.CERT] + written(*behind) + plain()
    trust = {names.CLIENT_TRUST: written(*trusted), names.CLIENT_CA_KEY: plain("between")}
    return {**texts, **trust}


# What is wrong -> the files that differ, the file that is told, and words of reason and remedy.
BAD = {
    "the key of another CA": (
        {names.CA_KEY: make.key_to_pem(key("other"), PASSPHRASE)},
        {names.CA_KEY: ("a key that is not that of the certificate of server CA", "was made with")},
    ),
    "a wrong passphrase": (
        {names.CA_KEY: make.key_to_pem(key("server"), "another")},
        {names.CA_KEY: ("that the passphrase does not open", "Correct the passphrase")},
    ),
    "a passphrase for a plain key": (
        {names.CA_KEY: plain("server")},
        {names.CA_KEY: ("without a passphrase, and a passphrase is given", "Encrypt the key")},
    ),
    "an expired CA": (
        signing(start=-20, days=-1),
        {names.CA: ("the certificate of server CA has expired on", "renewed")},
    ),
    "a CA not yet valid": (
        signing(start=2),
        {names.CA: ("is not valid before", "Check the clock")},
    ),
    "a CA without CA flag": (signing(ca=False), {names.CA: ("is no CA", "CA:TRUE")}),
    "a CA without constraints": (signing(ca=None), {names.CA: ("is no CA", "CA:TRUE")}),
    "a CA that may not sign": (
        signing(usage=("digital_signature",)),
        {names.CA: ("may not sign certificates", "keyCertSign")},
    ),
    "a CA for clients alone": (
        signing(extended=(CLIENT_AUTH,)),
        {names.CA: ("may not be used by a TLS server", "serverAuth")},
    ),
    "a CA that Octavia cannot sign with": (
        signing(key("edwards", "ed25519")),
        {names.CA_KEY: ("cannot sign with", "RSA or ECDSA")},
    ),
    "a CA with a small key": (
        signing(key("short", "rsa1024")),
        {names.CA: ("RSA key of 1024 bits", "longer key")},
    ),
    "a CA that is not trusted": (
        {names.SERVER_TRUST: written(OTHER_CA[0])},
        {names.SERVER_TRUST: ("is not among the CAs", "Add it to them")},
    ),
    "an intermediate CA without its root": (
        {
            names.CA: written(BETWEEN[0]),
            names.CA_KEY: make.key_to_pem(key("between"), PASSPHRASE),
            names.SERVER_TRUST: written(BETWEEN[0]),
        },
        {names.SERVER_TRUST: ("was issued by none of the trusted CAs", "CN=root")},
    ),
    "an expired client certificate": (
        issued(*CLIENT_CA, start=-20, days=-1),
        {names.BUNDLE: ("the certificate of ctl01 has expired on", "renewed")},
    ),
    "a client certificate not yet valid": (
        issued(*CLIENT_CA, start=2),
        {names.BUNDLE: ("is not valid before", "clock")},
    ),
    "a certificate for servers": (
        issued(*CLIENT_CA, extended=(SERVER_AUTH,)),
        {names.BUNDLE: ("may not be used by a TLS client", "clientAuth")},
    ),
    "a certificate for encryption": (
        issued(*CLIENT_CA, usage=("key_encipherment",)),
        {names.BUNDLE: ("may not be used for TLS", "digitalSignature")},
    ),
    "a certificate of another CA": (
        issued(*OTHER_CA),
        {names.BUNDLE: ("was issued by none of the trusted CAs", "CN=other CA")},
    ),
    "a certificate of another CA with the same name": (
        issued(*IMPOSTOR),
        {names.BUNDLE: ("was issued by none of the trusted CAs", "CN=client CA")},
    ),
    "a client CA without CA flag": (client_ca(ca=False), {names.CLIENT_TRUST: ("no CA", "TRUE")}),
    "an expired client CA": (
        client_ca(start=-20, days=-1),
        {names.CLIENT_TRUST: ("the certificate of client CA has expired", "renewed")},
    ),
    "a chain without its middle": (
        chained(trusted=(ROOT[0],)),
        {
            names.BUNDLE: ("was issued by none of the trusted CAs", "CN=between"),
            names.CLIENT_CA_KEY: ("is the key of no certificate", "or the CA's certificate"),
        },
    ),
    "a root that allows no CA below it": (
        {
            **issued(
                between := authority(
                    "between", key("between"), (authority("r", key("root")), key("root"))
                ),
                key("between"),
            ),
            names.CLIENT_TRUST: written(between, authority("r", key("root"), path_length=0)),
            names.CLIENT_CA_KEY: plain("between"),
        },
        {names.CLIENT_TRUST: ("allows 0 CAs below itself, and there are 1", "pathlen")},
    ),
    "the key of another controller": (
        {
            names.BUNDLE: good()[names.CERT] + plain("other"),
            names.CERT_KEY: plain("other"),
        },
        {names.BUNDLE: ("a key that is not that of the certificate of ctl01", "made together")},
    ),
    "a bundle in the wrong order": (
        {names.BUNDLE: written(CLIENT_CA[0]) + good()[names.BUNDLE]},
        {
            names.BUNDLE: ("is in the wrong order", "controller's certificate first"),
            names.CERT: ("is not the certificate in", "anew"),
        },
    ),
    "a bundle without its key": (
        {names.BUNDLE: good()[names.CERT]},
        {names.BUNDLE: ("holds a certificate, no private key", "Put the private key there")},
    ),
    "a bundle without its certificate": (
        {names.BUNDLE: plain()},
        {names.BUNDLE: ("holds private key, no certificate", "Put the certificate there")},
    ),
    "a client key with a passphrase": (
        {
            names.BUNDLE: good()[names.CERT] + make.key_to_pem(key("controller"), "x"),
        },
        {names.BUNDLE: ("holds an encrypted private key, and there is no pass", "without one")},
    ),
    "halves of another bundle": (
        {names.CERT: written(CLIENT_CA[0]), names.CERT_KEY: plain("other")},
        {
            names.CERT: (f"is not the certificate in {FOLDER}/client_all.pem", "anew"),
            names.CERT_KEY: (f"is not the key in {FOLDER}/client_all.pem", "anew"),
        },
    ),
    "the key of another client CA": (
        {names.CLIENT_CA_KEY: plain("other")},
        {names.CLIENT_CA_KEY: ("is the key of no certificate in", "the key of the client CA")},
    ),
    "a certificate in DER form": (
        {names.CA: der(names.CA), names.CLIENT_TRUST: der(names.CLIENT_TRUST)},
        {
            names.CA: ("is in DER form", "-inform DER"),
            names.CLIENT_TRUST: ("is in DER form", "-inform DER"),
        },
    ),
    "a truncated PEM": (
        spoilt(names.CA, lambda text: text[:300]),
        {names.CA: ("is cut off or damaged", "from BEGIN to END")},
    ),
    "a PEM without a line": (
        spoilt(names.CLIENT_TRUST, lambda text: "".join([*text.splitlines(True)[:3], text[-26:]])),
        {names.CLIENT_TRUST: ("is damaged: characters are missing", "Copy it anew")},
    ),
    "a PEM that is no base64": (
        spoilt(names.CLIENT_TRUST, lambda text: text.replace("MII", "M!!")),
        {names.CLIENT_TRUST: ("is no base64", "Copy it anew")},
    ),
    "an indented PEM": (
        spoilt(names.CA, lambda text: text.replace("-----BEGIN", "  -----BEGIN")),
        {names.CA: ("has more on the line of a -----BEGIN", "Leave nothing before")},
    ),
    "an empty file": ({names.SERVER_TRUST: ""}, {names.SERVER_TRUST: ("is empty", "in PEM form")}),
    "a text that is no PEM": (
        {names.SERVER_TRUST: "see the wiki"},
        {names.SERVER_TRUST: ("holds no PEM", "from BEGIN to END")},
    ),
    "a certificate in place of a key": (
        {names.CA_KEY: good()[names.CA]},
        {names.CA_KEY: ("holds a certificate, no private key", "Put the private key there")},
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_each_mistake_is_told(name):
    spoiling, expected = BAD[name]
    found = check.check(material({**good(), **spoiling}), NOW)
    where = {file.pillar: name for name, file in files().items()}
    told = {where[item["path"]]: item for item in found if item["level"] == findings.ERROR}
    assert set(told) == set(expected)
    for file, (reason, remedy) in expected.items():
        assert told[file]["value"] == files()[file].path
        assert reason in told[file]["reason"]
        assert remedy in told[file]["remedy"]
    assert_quiet(found)


def assert_quiet(found):
    """No finding shows a secret."""
    text = findings.describe(found)
    assert PASSPHRASE not in text
    assert "PRIVATE KEY-----" not in text
    for line in "".join(good().values()).splitlines():
        assert "-----" in line or line not in text


@pytest.mark.parametrize("name", names.READ)
def test_a_missing_file_is_told(name):
    texts = good()
    del texts[name]
    (found,) = check.check(material(texts), NOW)
    assert (found["path"], found["value"]) == (files()[name].pillar, files()[name].path)
    assert (found["level"], found["reason"]) == (findings.ERROR, "is not there")
    assert "octavia_pki.export_pillar" in found["remedy"]


def test_a_damaged_rsa_key_is_told():
    """Its parts fit its public half, and it signs wrongly."""
    numbers = key("rsa server", "rsa").private_numbers()
    broken = rsa_keys.RSAPrivateNumbers(
        p=numbers.p,
        q=numbers.q,
        d=numbers.d + 2,
        dmp1=numbers.dmp1 + 2,
        dmq1=numbers.dmq1,
        iqmp=numbers.iqmp,
        public_numbers=numbers.public_numbers,
    ).private_key(unsafe_skip_rsa_key_validation=True)
    texts = {**good(), **signing(key("rsa server", "rsa"))}
    texts[names.CA_KEY] = make.key_to_pem(broken, PASSPHRASE)
    (found,) = check.check(material(texts), NOW)
    assert found["path"] == "octavia:manager:certificates:ca_private_key"
    assert found["level"] == findings.ERROR


def test_a_missing_passphrase_is_told():
    (found,) = check.check(material(good(), passphrase=""), NOW)
    assert found["path"] == "octavia:manager:certificates:ca_private_key"
    assert found["reason"].startswith("holds an encrypted private key, and there is no passphrase")


def test_an_option_that_names_no_file():
    found = check.check(check.Material(files({**MANAGER, "controller_worker": {}}), {}), NOW)
    told = {item["path"]: item["reason"] for item in found}
    assert told["octavia:manager:controller_worker:client_ca"].startswith("is not set")


RIGHT = {
    "two CAs": {},
    "an intermediate CA, its root trusted": chained(BETWEEN[0], trusted=(ROOT[0],)),
    "an intermediate CA, both trusted": chained(trusted=(BETWEEN[0], ROOT[0])),
    "old and new CAs trusted": {
        names.SERVER_TRUST: written(OTHER_CA[0]) + good()[names.SERVER_TRUST],
        names.CLIENT_TRUST: written(OTHER_CA[0]) + good()[names.CLIENT_TRUST],
    },
    "an expired CA beside the right one": {
        names.CLIENT_TRUST: written(authority("old", key("old"), start=-9, days=-1))
        + good()[names.CLIENT_TRUST],
    },
    "RSA": {
        **signing(key("rsa server", "rsa")),
        names.CLIENT_TRUST: written(rsa := authority("client CA", key("rsa client", "rsa"))),
        names.CLIENT_CA_KEY: make.key_to_pem(key("rsa client", "rsa")),
        **issued(rsa, key("rsa client", "rsa")),
    },
    "the key first": {names.BUNDLE: plain() + good()[names.CERT]},
    "line ends of another system": spoilt(names.CA, lambda text: text.replace("\n", "\r\n")),
    "words before the certificate": spoilt(names.CLIENT_TRUST, lambda text: f"Issuer: x\n{text}"),
    "a certificate without usages": issued(*CLIENT_CA, usage=None, extended=()),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_not_told(name):
    assert check.check(material({**good(), **RIGHT[name]}), NOW) == []


@pytest.mark.parametrize(("days", "told"), [(29, 1), (31, 0)])
def test_what_ends_soon_is_a_warning(days, told):
    found = check.check(material({**good(), **issued(*CLIENT_CA, days=days + 1)}), NOW + DAY)
    assert [item["level"] for item in found] == [findings.WARNING] * told
    assert all(f"expires in {days} days" in item["reason"] for item in found)


def test_what_newer_pythons_refuse_is_a_warning():
    texts = {**good(), **signing(critical=False, identifiers=False)}
    (found,) = check.check(material(texts), NOW)
    assert found["level"] == findings.WARNING
    assert "its CA flag is not marked critical" in found["reason"]
    assert "without a subject key identifier" in found["reason"]


@pytest.mark.parametrize(
    ("name", "access", "reason"),
    [
        (names.CA_KEY, (0o644, "root", "octavia"), "holds a private key, and its mode 0644 lets"),
        (names.BUNDLE, (0o666, "octavia", "octavia"), "holds a private key, and its mode 0666"),
        (names.CA_KEY, (0o640, "root", "root"), "cannot be read by octavia: it is root:root 0640"),
        (names.CA, (0o600, "root", "octavia"), "cannot be read by octavia"),
        (names.CA, (0o644, "root", "root"), None),
        (names.CA_KEY, (0o600, "octavia", "octavia"), None),
        (names.CLIENT_CA_KEY, (0o600, "root", "root"), None),
    ],
)
def test_who_may_read_a_file(name, access, reason):
    given = material(good(), access={files()[name].path: check.Access(*access)})
    found = check.check(given, NOW)
    assert len(found) == bool(reason)
    if reason:
        assert found[0]["reason"].startswith(reason)
        assert "chmod 0640" in found[0]["remedy"]


def test_a_certificate_signed_over_sha1(tmp_path):
    """No tool of today makes one by itself; old CAs have made many."""
    ca, ca_key = tmp_path / "ca", tmp_path / "key"
    ca.write_text(good()[names.CLIENT_TRUST])
    ca_key.write_text(good()[names.CLIENT_CA_KEY])
    (tmp_path / "own").write_text(plain())
    request = ["openssl", "req", "-new", "-key", "own", "-subj", "/CN=ctl01", "-out", "request"]
    sign = "openssl x509 -req -in request -CA ca -CAkey key -days 9 -sha1 -out certificate".split()
    for command in (request, sign):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    old = (tmp_path / "certificate").read_text()
    texts = {**good(), names.CERT: old, names.BUNDLE: old + plain()}
    told = [item for item in check.check(material(texts), NOW + DAY) if item["level"] == "error"]
    assert [item["path"] for item in told] == [files()[names.BUNDLE].pillar]
    assert "is signed over SHA1" in told[0]["reason"]


class TestNames:
    """Which file is which."""

    def test_the_users_sample_has_one_ca(self):
        """Its keys keep their meaning: client_cert_all is what Octavia reads."""
        sample = {
            "certificates": {
                "ca_private_key": "/etc/octavia/certs/private/cakey.pem",
                "ca_certificate": "/etc/octavia/certs/ca_01.pem",
            },
            "controller_worker": {"client_ca": "/etc/octavia/certs/ca_01.pem"},
            "haproxy_amphora": {
                "client_cert": "/etc/octavia/certs/client.pem",
                "client_cert_key": "/etc/octavia/certs/client.key",
                "client_cert_all": "/etc/octavia/certs/client_all.pem",
                "server_ca": "/etc/octavia/certs/ca_01.pem",
            },
        }
        found = names.files(sample, {}, option(sample))
        assert names.is_one_ca(found)
        assert found[names.CLIENT_CA_KEY] == found[names.CA_KEY]
        assert found[names.BUNDLE] == (
            "/etc/octavia/certs/client_all.pem",
            "octavia:manager:haproxy_amphora:client_cert_all",
        )
        assert found[names.CERT].path == "/etc/octavia/certs/client.pem"

    def test_client_cert_alone_is_the_bundle(self):
        given = {**MANAGER, "haproxy_amphora": {"client_cert": "/b.pem", "server_ca": "/s.pem"}}
        found = names.files(given, {}, option(given))
        assert found[names.BUNDLE] == ("/b.pem", "octavia:manager:haproxy_amphora:client_cert")
        assert names.CERT not in found
        assert names.CERT_KEY not in found

    def test_the_key_of_the_client_ca(self):
        assert files()[names.CLIENT_CA_KEY].path == f"{FOLDER}/private/client_ca.key"
        named = files(client_ca={"private_key_file": "/root/client_ca.key"})
        assert named[names.CLIENT_CA_KEY].path == "/root/client_ca.key"


class TestRepair:
    """What YAML and editors do to a PEM is mended where only one thing can have been meant."""

    TEXT = good()[names.BUNDLE]

    @pytest.mark.parametrize(
        ("spoil", "mended"),
        [
            (lambda text: text, []),
            (lambda text: text.replace("\n", "\r\n"), ["line ends of another system"]),
            (lambda text: "\ufeff" + text, ["a byte order mark"]),
            (lambda text: text.replace("\n", "\n    "), ["indentation"]),
            (lambda text: text.replace("\n", "\\n"), None),
            (lambda text: " ".join(text.split("\n")), ["lines joined by spaces"]),
            (lambda text: text.replace("\n", "\n\n"), []),
            (lambda text: text.replace("\n", "  \n"), []),
        ],
    )
    def test_one_meaning(self, spoil, mended):
        text, notes = pem.repair(spoil(self.TEXT))
        assert text == self.TEXT
        assert mended is None or notes == mended

    def test_an_old_encrypted_key_keeps_its_headers(self):
        encryption = serialization.BestAvailableEncryption(b"x")
        old = key("server").private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            encryption,
        )
        text, _ = pem.repair(old.decode().replace("\n", "\n  "))
        assert text == old.decode()
        assert load.private_key(text.encode(), "x")
        with pytest.raises(pem.BadPem, match="headers were joined"):
            pem.repair(" ".join(old.decode().split("\n")))
        with pytest.raises(pem.BadPem, match="the passphrase does not open"):
            load.private_key(text.encode(), "y")

    @pytest.mark.parametrize("length", range(0, len(TEXT), 97))
    def test_nothing_is_made_up(self, length):
        """A text that was cut off is refused, wherever it was cut."""
        with pytest.raises(pem.BadPem):
            pem.repair(self.TEXT[length : length + len(self.TEXT) - 98])


class TestMake:
    """What the formula makes itself."""

    @pytest.mark.parametrize(
        "kind",
        [make.Kind(make.RSA, bits=2048), *(make.Kind("ecdsa", curve=c) for c in make.CURVES)],
    )
    def test_it_passes_the_check(self, kind):
        server, client, own = (make.new_key(kind) for _ in range(3))
        authorities = [
            make.authority(name, one, 3650, NOW)
            for name, one in (("server", server), ("client", client))
        ]
        issued_one = make.client("ctl01", own, authorities[1], client, 365, NOW)
        texts = {
            names.CA: written(authorities[0]),
            names.SERVER_TRUST: written(authorities[0]),
            names.CA_KEY: make.key_to_pem(server, PASSPHRASE),
            names.CLIENT_TRUST: written(authorities[1]),
            names.CLIENT_CA_KEY: make.key_to_pem(client),
            names.CERT: written(issued_one),
            names.CERT_KEY: make.key_to_pem(own),
            names.BUNDLE: written(issued_one) + make.key_to_pem(own),
        }
        assert check.check(material(texts), NOW) == []
        assert load.common_name(issued_one) == "ctl01"
        assert texts[names.CA_KEY].startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")

    def test_a_client_certificate_ends_with_its_ca(self):
        ca = make.authority("client", key("client"), 100, NOW)
        own = make.client("ctl01", key("controller"), ca, key("client"), 365, NOW)
        assert own.not_valid_after_utc == ca.not_valid_after_utc

    def test_any_ca_may_issue(self):
        """One that another tool made may have a key of a third kind, and no identifier."""
        edwards = key("edwards", "ed25519")
        ca = authority("client CA", edwards, identifiers=False)
        own = make.client("ctl01", key("controller"), ca, edwards, 365, NOW)
        assert load.is_issued_by(own, ca)
        assert certificate("x", edwards).signature_hash_algorithm is None
