"""
Mutated PKIs against an oracle: OpenSSL's own programs, and a real TLS handshake between controller
and amphora. The check says of each side that it works exactly where it does work.
"""

import datetime
import random
import re
import ssl
import subprocess
from pathlib import Path

import octavia_findings as findings
import octavia_pki_check as check
import octavia_pki_load as load
import octavia_pki_make as make
import octavia_pki_names as names
import octavia_pki_pem as pem
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from given_pki import (
    CLIENT_AUTH,
    DAY,
    PASSPHRASE,
    SERVER_AUTH,
    authority,
    certificate,
    files,
    good,
    issued,
    key,
    material,
    signing,
)
from given_pki import pem as written

RUNS = 120
SERVER_SIDE = (names.CA, names.CA_KEY, names.SERVER_TRUST)
CLIENT_SIDE = (names.CLIENT_TRUST, names.BUNDLE)
SIDES = {
    **dict.fromkeys((files()[name].pillar for name in SERVER_SIDE), "server"),
    **dict.fromkeys((files()[name].pillar for name in CLIENT_SIDE), "client"),
}
#: A damaged text may be what OpenSSL still takes and Octavia's own library does not.
STRICTER = re.compile("cannot be read|is damaged|is cut off")
#: Octavia's own library takes an indented CA, the other files are for OpenSSL.
INDENTED = re.compile("has more on the line")
AMPHORA = "11111111-2222-4333-8444-555555555555"


# -- what is spoilt -------------------------------------------------------------------------------


def _authority(name, own, chance):
    return authority(
        name,
        own,
        **chance.choice(
            [
                {},
                {"start": -9, "days": -1},
                {"start": 3},
                {"ca": False},
                {"usage": ("digital_signature",)},
                {"usage": None},
                {"extended": (CLIENT_AUTH,)},
                {"extended": (SERVER_AUTH,)},
                {"identifiers": False},
                {"path_length": 0},
                {"critical": False},
            ]
        ),
    )


def _client_side(chance, texts):
    ca = _authority("client CA", key("client"), chance)
    return {**texts, names.CLIENT_TRUST: written(ca), **issued(ca, key("client"))}


def _server_side(chance, texts):
    ca = _authority("server CA", key("server"), chance)
    return {**texts, names.CA: written(ca), names.SERVER_TRUST: written(ca)}


def _leaf(chance, texts):
    ca = load.certificates(good()[names.CLIENT_TRUST].encode())[0]
    more = chance.choice(
        [
            {"start": -9, "days": -1},
            {"start": 3},
            {"extended": (SERVER_AUTH,)},
            {"extended": ()},
            {"usage": ("key_encipherment",)},
            {"usage": ("key_agreement",)},
            {"usage": None},
            {"ca": None},
            {"identifiers": False},
        ]
    )
    return {
        **texts,
        names.CLIENT_TRUST: good()[names.CLIENT_TRUST],
        **issued(ca, key("client"), **more),
    }


def _chain(chance, texts):
    root = authority("root", key("root"), path_length=chance.choice([None, 0, 1]))
    between = authority("between", key("between"), (root, key("root")))
    own = issued(between, key("between"))
    sent = chance.choice(["", written(between), written(root)])
    trusted = chance.choice([(root,), (between,), (between, root), (root, between)])
    bundle = own[names.CERT] + sent + own[names.CERT_KEY]
    return {**texts, **own, names.BUNDLE: bundle, names.CLIENT_TRUST: written(*trusted)}


def _server_chain(chance, texts):
    root = authority("root", key("root"), path_length=chance.choice([None, 0, 1]))
    between = authority("between", key("between"), (root, key("root")))
    trusted = chance.choice([(root,), (between,), (between, root), (root, between)])
    own = signing(key("between"))[names.CA_KEY]
    trust = {names.SERVER_TRUST: written(*trusted), names.CA: written(between), names.CA_KEY: own}
    return {**texts, **trust}


def _others_key(chance, texts):
    other = make.key_to_pem(key("other"), chance.choice(["", PASSPHRASE]))
    name = chance.choice([names.CA_KEY, names.BUNDLE])
    return {**texts, name: other if name == names.CA_KEY else texts[names.CERT] + other}


def _passphrase(chance, texts):
    secret = chance.choice(["", "wrong", PASSPHRASE])
    return {**texts, names.CA_KEY: make.key_to_pem(key("server"), secret)}


def _others_trust(chance, texts):
    name = chance.choice([names.SERVER_TRUST, names.CLIENT_TRUST])
    other = written(authority("other CA", key("other")))
    return {**texts, name: chance.choice([other, other + texts[name], texts[name] + other])}


def _order(chance, texts):
    found = re.findall(r"-----BEGIN.*?-----END[^\n]*\n", texts[names.BUNDLE], re.DOTALL)
    found.append(good()[names.CLIENT_TRUST])
    chance.shuffle(found)
    return {**texts, names.BUNDLE: "".join(found)}


def _small(chance, texts):
    if chance.random() < 0.5:
        return {**texts, **signing(key("short", "rsa1024"))}
    small = certificate("ctl01", key("tiny", "rsa1024"), _client_ca(), extended=(CLIENT_AUTH,))
    return {**texts, names.BUNDLE: written(small) + make.key_to_pem(key("tiny", "rsa1024"))}


def _client_ca():
    return load.certificates(good()[names.CLIENT_TRUST].encode())[0], key("client")


def _text(chance, texts):
    """What hands, editors and disks do to a text."""
    name = chance.choice([*SERVER_SIDE, *CLIENT_SIDE])
    text = texts[name]
    lines = text.splitlines(True)
    place = chance.randrange(len(lines))
    letter = chance.randrange(len(text))
    spoilt = chance.choice(
        [
            text.replace("\n", "\r\n"),
            "  " + text,
            text.replace("\n", "\n  "),
            text[:letter],
            text[letter:],
            "".join(lines[:place] + lines[place + 1 :]),
            "".join(lines[:place] + lines[place:][::-1]),
            text[:letter] + chance.choice("Az09+/=! ") + text[letter + 1 :],
            "Subject: somebody\n" + text,
            text + "\nthe end",
            "\ufeff" + text,
            " ".join(lines),
            text.rstrip(),
            "",
        ]
    )
    return {**texts, name: spoilt}


MUTATIONS = (
    *(_client_side, _server_side, _leaf, _chain, _server_chain, _others_key, _passphrase),
    *(_others_trust, _order, _small, _text, _text),
)


def mutated(seed):
    """A PKI with one to three things changed, the same for the same seed."""
    chance = random.Random(seed)
    texts = good()
    for spoil in chance.choices(MUTATIONS, k=chance.choice([1, 1, 2, 3])):
        texts = spoil(chance, texts)
    return texts


# -- the oracle -----------------------------------------------------------------------------------


def openssl(*arguments, **more):
    """Whether openssl is content."""
    done = subprocess.run(
        ["openssl", *arguments], capture_output=True, stdin=subprocess.DEVNULL, **more
    )
    return done.returncode == 0


def amphora_of(paths):
    """A new amphora's certificate and key, made as octavia/certificates/generator/local.py does."""
    ca = x509.load_pem_x509_certificate(Path(paths[names.CA]).read_bytes())
    secret = Path(paths[names.CA_KEY]).read_bytes()
    signer = serialization.load_pem_private_key(secret, PASSPHRASE.encode())
    own = certificate(
        AMPHORA,
        key("amphora"),
        (ca, signer),
        days=30,
        identifiers=False,
        usage=("digital_signature", "key_agreement"),
        extended=(SERVER_AUTH, CLIENT_AUTH),
        names=(AMPHORA,),
    )
    return written(own) + make.key_to_pem(key("amphora"))


def server_works(paths, folder):
    """Whether Octavia can sign an amphora's certificate by which a controller knows it."""
    secret = ["-passin", "env:SECRET", "-noout"]
    if not openssl("pkey", "-in", paths[names.CA_KEY], *secret, env={"SECRET": PASSPHRASE}):
        return False
    try:
        (folder / "server.pem").write_text(amphora_of(paths))
    except (ValueError, TypeError):
        return False
    verify = ["verify", "-purpose", "sslserver", "-auth_level", "2", "-no-CApath", "-no-CAstore"]
    trust = ["-CAfile", paths[names.SERVER_TRUST]]
    return openssl(*verify, *trust, str(folder / "server.pem"))


def no_passphrase():
    """Nobody is there to be asked."""
    return ""


def handshake(bundle, client_trust, amphora, server_trust):
    """Whether controller and amphora agree, each by what it has."""
    try:
        agent = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        agent.load_cert_chain(amphora)
        agent.verify_mode = ssl.CERT_REQUIRED
        agent.load_verify_locations(client_trust)
        controller = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        controller.load_verify_locations(server_trust)
        controller.load_cert_chain(bundle, password=no_passphrase)
    except (ssl.SSLError, OSError, ValueError):
        return False
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        controller.wrap_bio(inward, outward, server_hostname=AMPHORA),
        agent.wrap_bio(outward, inward, server_side=True),
    ]
    # In TLS 1.3 the amphora looks at the controller's certificate after the controller is done.
    for _ in range(6):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return all(end.version() for end in ends)


@pytest.fixture(scope="module", name="reference")
def _reference(tmp_path_factory):
    """An amphora that every controller trusts which has the good PKI's server CA."""
    folder = tmp_path_factory.mktemp("reference")
    paths = {}
    for name, text in good().items():
        paths[name] = str(folder / name)
        (folder / name).write_text(text)
    assert server_works(paths, folder)
    return folder / "server.pem", paths


# -- what is shown --------------------------------------------------------------------------------


def is_stricter(item):
    """Whether a finding may stand where OpenSSL finds nothing."""
    if item["path"] == files()[names.CA].pillar and INDENTED.search(item["reason"]):
        return True
    return STRICTER.search(item["reason"])


def agree(seed, folder, reference):
    """
    One PKI: what the check says of each side, what OpenSSL and TLS say, and whether that fits.

    :return: sides that work, by the check; those that do, by the oracle; and the findings
    """
    texts = mutated(seed)
    paths = {name: str(folder / name) for name in texts}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    found = check.check(material(texts), datetime.datetime.now(datetime.timezone.utc))
    told = findings.errors(found)
    amphora, usual = reference
    works = {
        "server": server_works(paths, folder),
        "client": handshake(
            paths[names.BUNDLE], paths[names.CLIENT_TRUST], amphora, usual[names.SERVER_TRUST]
        ),
    }
    if all(works.values()):
        both = [paths[name] for name in (names.BUNDLE, names.CLIENT_TRUST)]
        assert handshake(*both, folder / "server.pem", paths[names.SERVER_TRUST])
    for side, does in works.items():
        mine = [item for item in told if SIDES.get(item["path"]) == side]
        if does:
            assert all(map(is_stricter, mine)), (seed, side, mine)
        else:
            assert mine, (seed, side, texts)
    return works, told


def test_the_check_agrees_with_openssl_and_tls(tmp_path, reference):
    outcomes = [agree(seed, tmp_path, reference) for seed in range(RUNS)]
    # The mutations spoil some, not all, of both sides.
    for side in ("server", "client"):
        assert RUNS / 8 < sum(works[side] for works, _ in outcomes) < RUNS * 7 / 8
    assert len({item["reason"].partition(" of ")[0] for _, told in outcomes for item in told}) > 10


@pytest.mark.parametrize("seed", range(40))
def test_no_bytes_make_it_crash(seed):
    """Whatever stands in the files, the check ends with findings."""
    chance = random.Random(seed)
    texts = {}
    for name, text in good().items():
        content = bytearray(text.encode())
        for _ in range(chance.randrange(1, 40)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        texts[name] = bytes(content[: chance.randrange(len(content))])
    found = check.check(material(texts), datetime.datetime.now(datetime.timezone.utc))
    assert findings.errors(found)
    for text in texts.values():
        with pytest.raises(pem.BadPem):
            pem.repair(text.decode("latin-1"))


def test_days_of_grace():
    """The clock that is used is the one that is given."""
    later = datetime.datetime.now(datetime.timezone.utc) + 366 * DAY
    told = {item["path"] for item in findings.errors(check.check(material(good()), later))}
    assert told == {files()[names.BUNDLE].pillar}
