"""Certificates and keys deployed by Salt's own loader, into folders of the test."""

import copy
import datetime
import grp
import inspect
import os
import socket
import subprocess
from typing import ClassVar

import harness
import octavia_pki_load as load
import octavia_pki_names as names
import pytest
import salt.payload
import yaml
from cases import CASES
from cryptography import x509
from given_pki import (
    CLIENT_AUTH,
    PASSPHRASE,
    authority,
    certificate,
    good,
    key,
    signing,
)
from given_pki import pem as written
from salt.exceptions import CommandExecutionError

SECRETS = {"server_certs": "a-passphrase-of-this-test-only--", "heartbeat": "a heartbeat key"}


class Around:
    """
    The functions of a minion, but for what lies around the formula: the group that Octavia's
    packages make, and a database.

    :param functions: the minion's own
    :param amphorae: what the database answers
    """

    def __init__(self, functions, amphorae):
        self.functions, self.amphorae = functions, amphorae
        self.publish, self.amphora_list, self.config = None, [], "/nowhere"
        self.mine = {}

    def __contains__(self, name):
        return name in self.functions

    def __getitem__(self, name):
        if name == "octavia_db.amphorae":
            return lambda _: dict(self.amphorae)
        if name == "octavia_config.pki":
            return self._pki
        if name == "mine.get" and self.mine:
            return lambda *_: self.mine
        if name == "octaviav2.amphora_list":
            return lambda **_: {"amphorae": self.amphora_list}
        if name == "x509.create_certificate" and self.publish:
            return self._sign
        return self.functions[name]

    def _sign(self, **kwargs):
        """Salt's own function, with another minion in place of the master's way to it."""
        sign = self.functions["x509.create_certificate"].func
        sign.__globals__["__salt__"] = {"publish.publish": self.publish}
        return sign(**kwargs)

    def _pki(self, saltenv):
        group = grp.getgrgid(os.getgid()).gr_name
        given = self.functions["octavia_config.pki"](saltenv)
        return {**given, "group": group, "config": self.config}


class Controller:
    """
    A minion whose certificates lie in a folder of the test.

    :param folder: the folder
    :param pki: the pillar below ``octavia:pki``
    :param amphorae: what the database answers, which nobody runs here
    """

    def __init__(self, folder, pki=None, amphorae=None, one_ca=False, **grains):
        certs = folder / "etc"
        self.paths = {
            names.CA: certs / "server_ca.pem",
            names.CA_KEY: certs / "private" / "server_ca.key",
            names.SERVER_TRUST: certs / "server_ca.pem",
            names.CLIENT_TRUST: certs / ("server_ca.pem" if one_ca else "client_ca.pem"),
            names.CLIENT_CA_KEY: certs / "private" / "client_ca.key",
            names.CERT: certs / "client.pem",
            names.CERT_KEY: certs / "private" / "client.key",
            names.BUNDLE: certs / "client_all.pem",
        }
        pillar = copy.deepcopy(CASES["manager_single"].pillar("debian12"))
        self.manager = pillar["octavia"]["manager"]
        self.manager["version"] = "zed"
        self.manager["certificates"] = {
            "ca_private_key_passphrase": PASSPHRASE,
            "server_certs_key_passphrase": SECRETS["server_certs"],
            **self._named(names.CA, names.CA_KEY),
        }
        self.manager["health_manager"]["heartbeat_key"] = SECRETS["heartbeat"]
        self.manager["haproxy_amphora"] = self._named(
            names.SERVER_TRUST, names.CERT, names.CERT_KEY, names.BUNDLE
        )
        self.manager["controller_worker"].update(self._named(names.CLIENT_TRUST))
        pillar["octavia"]["pki"] = pki or {}
        self.pillar = pillar
        self.minion = harness.Minion("debian12", pillar, **grains)
        answer = {"amphorae": 0} if amphorae is None else amphorae
        self.around = Around(self.minion.call, answer)

    def _named(self, *keys):
        return {name: str(self.paths[name]) for name in keys}

    def call(self, name):
        """A function of the minion; what it calls is what is around it here."""
        return self._within(self.minion.call[name].func, self.around, self.minion.opts)

    def _within(self, function, salt, opts):
        # Salt's loader puts its own names back at each call through it. What decorates a state is
        # of another module.
        inspect.unwrap(function).__globals__.update(__salt__=salt, __opts__=opts)
        return function

    def deploy(self, test=False):
        """What the state returns."""
        state = self.minion.highstate.state.states["octavia_pki.deployed"]
        functions = {"octavia_pki.deploy": self.call("octavia_pki.deploy")}
        return self._within(state.func, functions, {"test": test})("certificates")

    def text(self, name):
        """The content of a file."""
        return self.paths[name].read_text()

    def put(self, texts):
        """Files that are there already."""
        for name, text in texts.items():
            self.paths[name].parent.mkdir(parents=True, exist_ok=True)
            self.paths[name].write_text(text)
            self.paths[name].chmod(0o640)

    def held(self):
        """All files and what they hold."""
        return {path: path.read_text() for path in set(self.paths.values()) if path.exists()}


@pytest.fixture(name="controller")
def _controller(tmp_path):
    """Makes controllers, and ends them with the test."""
    made = []

    def make(*args, **kwargs):
        made.append(Controller(tmp_path, *args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.minion.highstate.destroy()


def given(**more):
    """A pillar with PEMs of the good PKI."""
    texts = good()
    return {
        "server_ca": {"certificate": texts[names.CA], "private_key": texts[names.CA_KEY]},
        "client_ca": {"certificate": texts[names.CLIENT_TRUST]},
        "client": {"certificate": texts[names.CERT], "private_key": texts[names.CERT_KEY]},
        **more,
    }


#: Fast to make.
GENERATE = {"generate": True, "ca_node": "node", "algorithm": "ecdsa", "curve": "secp256r1"}


def quiet(answer):
    """No line of a key shows."""
    text = repr(answer)
    for name in (names.CA_KEY, names.CERT_KEY, names.CLIENT_CA_KEY):
        assert good()[name].splitlines()[1] not in text
    return PASSPHRASE not in text and not any(secret in text for secret in SECRETS.values())


class TestPillar:
    """PEMs of the pillar."""

    def test_they_are_deployed_once(self, controller):
        one = controller(given())
        foretold = one.deploy(test=True)
        assert one.held() == {}
        done = one.deploy()
        assert (foretold["result"], done["result"]) == (None, True)
        assert foretold["changes"] == done["changes"]
        assert len(done["changes"]) == 6
        assert done["changes"][str(one.paths[names.CA])]["new"].startswith("server CA until 20")
        assert done["changes"][str(one.paths[names.CA_KEY])] == {
            "old": None,
            "new": "a private key",
        }
        assert quiet(done)
        texts = good()
        assert one.text(names.CA) == texts[names.CA]
        assert one.text(names.BUNDLE) == texts[names.BUNDLE]
        assert not one.paths[names.CLIENT_CA_KEY].exists()
        again = one.deploy()
        assert (again["result"], again["changes"]) == (True, {})
        assert one.deploy(test=True)["result"] is True

    def test_nobody_else_can_read_them(self, controller):
        one = controller(
            given(
                client_ca={
                    "certificate": good()[names.CLIENT_TRUST],
                    "private_key": good()[names.CLIENT_CA_KEY],
                }
            )
        )
        one.deploy()
        modes = {name: path.stat().st_mode & 0o777 for name, path in one.paths.items()}
        assert modes.pop(names.CLIENT_CA_KEY) == 0o600
        assert set(modes.values()) == {0o640}

    def test_what_yaml_did_to_them_is_mended(self, controller):
        spoilt = good()[names.CA].replace("\n", "\r\n    ")
        pki = given()
        pki["server_ca"]["certificate"] = spoilt
        one = controller(pki)
        found = one.minion.call["octavia_config.validate"]()
        (told,) = [item for item in found if item["path"].startswith("octavia:pki")]
        assert told["level"] == "warning"
        assert "line ends of another system and indentation" in told["reason"]
        assert one.deploy()["result"] is True
        assert one.text(names.CA) == good()[names.CA]

    def test_old_and_new_are_trusted_in_a_rotation(self, controller):
        pki = given()
        pki["server_ca"]["also_trusted"] = other = written(authority("old", key("other")))
        one = controller(pki)
        assert one.deploy()["result"] is True
        assert one.text(names.SERVER_TRUST) == good()[names.CA] + other

    @pytest.mark.parametrize(
        ("part", "spoil", "reason"),
        [
            ("server_ca", {"private_key": signing(key("other"))[names.CA_KEY]}, "is not that of"),
            ("server_ca", {"private_key": signing(passphrase="no")[names.CA_KEY]}, "does not open"),
            ("client", {"private_key": signing(key("x"), "")[names.CA_KEY]}, "is not that of"),
            ("client_ca", {"certificate": written(authority("y", key("y")))}, "issued by none of"),
        ],
    )
    def test_what_is_wrong_is_never_written(self, controller, part, spoil, reason):
        pki = given()
        pki[part].update(spoil)
        one = controller(pki)
        for test in (True, False):
            answer = one.deploy(test=test)
            assert (answer["result"], answer["changes"]) == (False, {})
            assert reason in answer["comment"]
            assert "Nothing was changed" in answer["comment"]
            assert quiet(answer)
        assert one.held() == {}


class TestGenerate:
    """CAs that the formula makes."""

    def test_everything_is_made_once(self, controller):
        one = controller(GENERATE)
        foretold = one.deploy(test=True)
        assert one.held() == {}
        done = one.deploy()
        assert (foretold["result"], done["result"]) == (None, True)
        assert set(foretold["changes"]) == set(done["changes"])
        assert set(map(str, one.held())) == set(done["changes"])
        assert "a new server CA" in done["comment"]
        held = one.held()
        assert one.call("octavia_pki.check")() == []
        leaf = load.certificates(one.text(names.BUNDLE).encode())[0]
        assert load.common_name(leaf) == "node"
        again = one.deploy()
        assert (again["result"], again["changes"], one.held()) == (True, {}, held)

    def test_one_ca_where_the_pillar_names_one(self, controller):
        one = controller(GENERATE, one_ca=True)
        assert one.deploy()["result"] is True
        assert not one.paths[names.CLIENT_CA_KEY].exists()
        assert len(load.certificates(one.text(names.CA).encode())) == 1
        assert one.call("octavia_pki.check")() == []

    @pytest.mark.parametrize(
        ("amphorae", "reason"),
        [
            ({"amphorae": 3}, "3 amphorae know another"),
            ({"error": "unreachable", "text": "no route"}, "does not tell whether there are"),
        ],
    )
    def test_no_second_ca_where_amphorae_know_the_first(self, controller, amphorae, reason):
        one = controller(GENERATE, amphorae)
        answer = one.deploy()
        assert (answer["result"], answer["changes"], one.held()) == (False, {}, {})
        assert reason in answer["comment"]
        assert "octavia:pki:generate" in answer["comment"]

    def test_a_database_that_cannot_be_asked_yet_is_foretold(self, controller):
        """The first run of all installs what it is asked with."""
        one = controller(GENERATE, {"error": "driver", "text": "No module named 'pymysql'"})
        foretold = one.deploy(test=True)
        assert foretold["result"] is None
        assert any("would ask the database" in line for line in foretold["warnings"])
        assert one.deploy()["result"] is False

    @pytest.mark.parametrize("lost", [names.CA, names.CA_KEY, names.CLIENT_TRUST])
    def test_a_lost_file_is_never_made_up_for(self, controller, lost):
        one = controller(GENERATE)
        one.deploy()
        one.paths[lost].unlink()
        held = one.held()
        answer = one.deploy()
        assert (answer["result"], one.held()) == (False, held)
        assert "Restore" in answer["comment"]

    def test_a_lost_client_certificate_is_issued_anew(self, controller):
        one = controller(GENERATE, {"amphorae": 3})
        one.put(good())
        for name in (names.CERT, names.CERT_KEY, names.BUNDLE):
            one.paths[name].unlink()
        answer = one.deploy()
        assert answer["result"] is True
        assert "a new client certificate for node: there is none" in answer["comment"]
        assert one.text(names.CA) == good()[names.CA]

    def test_a_killed_run_is_ended_by_the_next(self, controller):
        """The bundle, which Octavia reads, is written first."""
        one = controller(GENERATE)
        one.deploy()
        held = one.held()
        one.paths[names.CERT].write_text(good()[names.CERT])
        one.paths[names.CERT_KEY].unlink()
        assert set(one.deploy()["changes"]) == {
            str(one.paths[name]) for name in (names.CERT, names.CERT_KEY)
        }
        assert one.held() == held

    @pytest.mark.parametrize(("days", "renewed"), [(29, True), (40, False)])
    def test_a_client_certificate_is_renewed_in_time(self, controller, days, renewed):
        one = controller(GENERATE)
        one.put(good())
        ca = load.certificates(good()[names.CLIENT_TRUST].encode())[0]
        old = certificate(
            "node", key("controller"), (ca, key("client")), extended=(CLIENT_AUTH,), days=days
        )
        one.put({names.CERT: written(old)})
        one.put({names.BUNDLE: written(old) + good()[names.CERT_KEY]})
        answer = one.deploy()
        assert bool(answer["changes"]) is renewed
        (leaf,) = x509.load_pem_x509_certificates(one.paths[names.BUNDLE].read_bytes())
        left = leaf.not_valid_after_utc - datetime.datetime.now(datetime.timezone.utc)
        assert (left.days >= 364) is renewed
        assert one.deploy()["changes"] == {}

    def test_only_the_node_that_is_named_makes_any(self, controller):
        one = controller({**GENERATE, "ca_node": "another"})
        answer = one.deploy()
        assert (answer["result"], one.held()) == (False, {})
        assert "is not there" in answer["comment"]

    def test_noservices_makes_none_and_fails_not(self, controller):
        one = controller(GENERATE, noservices=True)
        answer = one.deploy()
        assert (answer["result"], answer["changes"], one.held()) == (True, {}, {})
        assert any("does not make the server CA" in line for line in answer["warnings"])


class TestAccess:
    """Owners and modes."""

    def test_files_and_folders_of_octavia_are_closed(self, controller, tmp_path):
        one = controller()
        one.put(good())
        certs = tmp_path / "etc"
        for path in (*one.held(), certs, certs / "private"):
            path.chmod(0o755)
        protect = one.call("octavia_pki.protect")
        assert protect() == {}, "only what is below Octavia's own folders"
        protect.__globals__["OWN_DIRECTORIES"] = (f"{tmp_path}/",)
        foretold = protect(test=True)
        assert protect() == foretold
        assert len(foretold) == len(one.held()) + 2
        group = grp.getgrgid(os.getgid()).gr_name
        old = f"root:{group} 0755"
        assert foretold[str(certs)] == {"old": old, "new": f"root:{group} 0750"}
        assert foretold[str(one.paths[names.BUNDLE])]["new"] == f"root:{group} 0640"
        assert foretold[str(one.paths[names.CLIENT_CA_KEY])]["new"] == "root:root 0600"
        assert protect() == {}


class TestRemote:
    """A client certificate that the node with the client CA signs."""

    PKI: ClassVar = {
        "algorithm": "ecdsa",
        "client": {"ca_server": "ctl01", "signing_policy": "octavia_client"},
    }

    @pytest.fixture(name="asked")
    def _asked(self, tmp_path):
        """What the other node was asked, and its answers."""
        (tmp_path / "ca.pem").write_text(good()[names.CLIENT_TRUST])
        (tmp_path / "ca.key").write_text(good()[names.CLIENT_CA_KEY])
        policy = {
            "minions": "nod*",
            "signing_private_key": str(tmp_path / "ca.key"),
            "signing_cert": str(tmp_path / "ca.pem"),
            "basicConstraints": "critical, CA:false",
            "keyUsage": "critical, digitalSignature, keyEncipherment",
            "extendedKeyUsage": "clientAuth",
            "subjectKeyIdentifier": "hash",
            "authorityKeyIdentifier": "keyid",
        }
        pillar = {"x509_signing_policies": {"octavia_client": policy}}
        asked = []
        with harness.Minion("debian12", pillar) as signer:

            def publish(target, function, arg, timeout):
                arg = salt.payload.loads(salt.payload.dumps(arg))
                asked.append(arg)
                answer = signer.call[function](*arg, __pub_id="node")
                return {target: salt.payload.loads(salt.payload.dumps(answer))}

            yield asked, publish

    def _rest(self):
        texts = good()
        return {name: texts[name] for name in (names.CA, names.CA_KEY, names.CLIENT_TRUST)}

    def test_its_key_stays_where_it_is(self, controller, asked):
        one = controller(self.PKI)
        asked, one.around.publish = asked
        one.put(self._rest())
        assert one.deploy(test=True)["result"] is None
        assert asked == []
        answer = one.deploy()
        assert answer["result"] is True, answer["comment"]
        assert len(asked) == 1
        assert "PRIVATE KEY" not in repr(asked)
        assert one.call("octavia_pki.check")() == []
        (leaf,) = load.certificates(one.text(names.BUNDLE).encode())
        assert load.common_name(leaf) == "node"
        assert (one.deploy()["changes"], len(asked)) == ({}, 1)

    def test_a_signer_that_refuses(self, controller, asked):
        pki = {"client": {**self.PKI["client"], "signing_policy": "another"}, "algorithm": "ecdsa"}
        one = controller(pki)
        _, one.around.publish = asked
        one.put(self._rest())
        held = one.held()
        answer = one.deploy()
        assert (answer["result"], one.held()) == (False, held)
        assert "was not signed by ctl01" in answer["comment"]
        assert "x509_signing_policies" in answer["comment"]

    def test_a_signer_that_does_not_answer(self, controller):
        one = controller(self.PKI)
        one.around.publish = lambda *_, **__: {}
        one.put(self._rest())
        answer = one.deploy()
        assert answer["result"] is False
        assert "did not respond" in answer["comment"]
        assert "peer in the master's configuration" in answer["comment"]


class TestExisting:
    """Files that somebody else brought."""

    def test_they_are_only_checked(self, controller):
        one = controller()
        one.put(good())
        answer = one.deploy()
        assert (answer["result"], answer["changes"]) == (True, {})

    def test_a_controller_without_its_ca_fails_and_says_so(self, controller):
        one = controller()
        texts = good()
        del texts[names.CA_KEY]
        one.put(texts)
        answer = one.deploy()
        assert answer["result"] is False
        assert "octavia:manager:certificates:ca_private_key = " in answer["comment"]
        assert "is not there" in answer["comment"]
        assert "octavia_pki.export_pillar" in answer["comment"]

    def test_the_worker_does_not_start_before_it(self, controller):
        one = controller()
        chunks = {chunk["__id__"]: chunk for chunk in one.minion.low("octavia")}
        for unit in ("worker", "health-manager", "housekeeping"):
            service = chunks[f"octavia_service_octavia-{unit}"]
            assert "octavia_certificates_access" in harness.needs(service, list(chunks.values()))
            assert {"octavia_pki": "octavia_certificates"} in service["watch"]
            assert {str(one.paths[name]) for name in names.READ} <= set(service["reads"])
            assert str(one.paths[names.CLIENT_CA_KEY]) not in service["reads"]


class TestSecrets:
    """Values that everybody knows."""

    def test_they_are_told_and_refused_where_the_pillar_wants_that(self, controller):
        one = controller()
        one.put({**good(), **signing(passphrase="foobar")})
        one.manager["health_manager"]["heartbeat_key"] = "insecure"
        one.manager["certificates"]["ca_private_key_passphrase"] = "foobar"
        del one.manager["certificates"]["server_certs_key_passphrase"]
        one.minion.set_pillar(one.pillar)
        answer = one.deploy()
        paths = {
            "octavia:manager:health_manager:heartbeat_key",
            "octavia:manager:certificates:server_certs_key_passphrase",
            "octavia:manager:certificates:ca_private_key_passphrase",
        }
        assert answer["result"] is True
        assert len(answer["warnings"]) == 3
        assert {item["path"] for item in one.call("octavia_pki.check")()} == paths
        one.pillar["octavia"]["pki"] = {"require_strong_secrets": True}
        one.minion.set_pillar(one.pillar)
        refused = one.minion.call["octavia_config.validate"]()
        assert {item["path"] for item in refused if item["level"] == "error"} == paths
        assert "foobar" not in repr(refused)
        assert "insecure" not in repr(refused)


class TestTelling:
    """What the functions say."""

    def test_check_finds_what_anyone_can_read(self, controller):
        one = controller()
        one.put(good())
        for path in one.held():
            path.chmod(0o644)
        told = [
            item for item in one.call("octavia_pki.check")() if "lets everybody" in item["reason"]
        ]
        assert len(told) == 4
        one.deploy()
        assert {path.stat().st_mode & 0o777 for path in one.held()} == {0o644}

    def test_expiry_is_worst_first(self, controller):
        one = controller()
        one.put({**good(), **signing(days=5)})
        one.paths[names.CLIENT_TRUST].unlink()
        rows = one.call("octavia_pki.expiry")(amphorae=False)
        assert [row["days_left"] for row in rows][:2] == [None, 4]
        assert rows[0]["problem"] == "it is not there"
        assert [row["where"] for row in rows][1] == str(one.paths[names.CA])

    def test_an_exported_pillar_makes_the_same_controller(self, controller, tmp_path):
        one = controller(GENERATE)
        one.deploy()
        text = one.call("octavia_pki.export_pillar")()
        rendered = harness.pillar(text, "debian12", "exported")["octavia"]
        assert rendered["manager"]["health_manager"] == {"heartbeat_key": SECRETS["heartbeat"]}
        (tmp_path / "other").mkdir()
        other = Controller(tmp_path / "other", rendered["pki"], {"amphorae": 7})
        assert other.deploy()["result"] is True
        assert [path.read_text() for path in other.paths.values()] == [
            path.read_text() for path in one.paths.values()
        ]
        prints = {
            name: each.call("octavia_pki.fingerprints")()
            for name, each in (("one", one), ("other", other))
        }
        told = one.call("octavia_pki.compare")(nodes=prints)
        assert [item["level"] for item in told] == ["warning"]
        assert "is one certificate for one, other" in told[0]["reason"]
        other.minion.highstate.destroy()

    def test_the_pillar_for_other_controllers_has_what_they_need(self, controller):
        one = controller(GENERATE)
        one.deploy()
        text = one.call("octavia_pki.export_pillar")(everything=False)
        pki = harness.pillar(text, "debian12", "exported")["octavia"]["pki"]
        assert set(pki) == {"server_ca", "client_ca"}
        assert set(pki["client_ca"]) == {"certificate"}

    def test_secrets_are_encrypted_for_who_is_named(self, controller, tmp_path):
        home = tmp_path / "gnupg"
        home.mkdir(mode=0o700)
        gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", ""]
        name = "backup@example.org"
        subprocess.run([*gpg, "--quick-gen-key", name, "ed25519", "cert"], check=True)
        keys = subprocess.run(
            [*gpg, "--list-keys", "--with-colons"], capture_output=True, text=True, check=True
        ).stdout
        print_ = next(line.split(":")[9] for line in keys.splitlines() if line.startswith("fpr"))
        subprocess.run([*gpg, "--quick-add-key", print_, "cv25519", "encr"], check=True)
        one = controller(GENERATE)
        one.deploy()
        export = one.call("octavia_pki.export_pillar")
        text = export(recipients=name, gnupghome=str(home))
        assert text.startswith("#!yaml|gpg\n")
        assert SECRETS["heartbeat"] not in text
        assert "PRIVATE KEY" not in text
        given = yaml.safe_load(text)["octavia"]
        for message, secret in (
            (given["pki"]["server_ca"]["private_key"], one.text(names.CA_KEY)),
            (given["manager"]["health_manager"]["heartbeat_key"], SECRETS["heartbeat"]),
        ):
            opened = subprocess.run(
                [*gpg, "--decrypt"], input=message, capture_output=True, text=True, check=True
            )
            assert opened.stdout == secret
        with pytest.raises(CommandExecutionError, match="GPG did not encrypt"):
            export(recipients="nobody@example.org", gnupghome=str(home))
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)

    def test_export_says_what_is_missing(self, controller):
        with pytest.raises(CommandExecutionError, match=r"a file is not there: .*server_ca"):
            controller().call("octavia_pki.export_pillar")()

    def test_fingerprints_are_of_what_octavia_reads(self, controller, tmp_path):
        """A new pillar that has not been applied is no new key."""
        one = controller()
        one.put(good())
        foretold = one.call("octavia_pki.fingerprints")()
        conf = tmp_path / "octavia.conf"
        conf.write_text(one.minion.template("salt://octavia/files/octavia.conf"))
        one.around.config = str(conf)
        assert one.call("octavia_pki.fingerprints")() == foretold
        one.manager["health_manager"]["heartbeat_key"] = "another"
        one.minion.set_pillar(one.pillar)
        assert one.call("octavia_pki.fingerprints")() == foretold

    def test_fingerprints_hold_no_secret(self, controller):
        one = controller()
        one.put(good())
        prints = one.call("octavia_pki.fingerprints")()
        assert quiet(prints)
        assert len(prints["heartbeat_key"]) == 16

    @pytest.mark.parametrize(
        ("key_of", "change"),
        [
            ("server_ca", ["0"]),
            ("server_certs_key_passphrase", ["0"]),
            ("heartbeat_key", "0"),
            ("controllers", ["10.0.0.1:5555"]),
        ],
    )
    def test_controllers_that_differ_are_named(self, controller, key_of, change):
        one = controller()
        one.put(good())
        prints = {**one.call("octavia_pki.fingerprints")(), "client_certificate": []}
        nodes = {"a": prints, "b": prints, "c": {**prints, key_of: change}}
        (told,) = one.call("octavia_pki.compare")(nodes=nodes)
        assert told["level"] == "error"
        assert "(a, b unlike c)" in told["reason"]

    def test_the_stage_of_a_rotation(self, controller, tmp_path):
        """An amphora on a port where nobody listens counts as not moved."""
        one = controller()
        one.put(good())
        with socket.create_server(("127.0.0.1", 0)) as listener:
            one.manager["haproxy_amphora"]["bind_port"] = listener.getsockname()[1]
        one.minion.set_pillar(one.pillar)
        amphora = {"id": "x", "status": "ALLOCATED", "lb_network_ip": "127.0.0.1"}
        one.around.amphora_list = [amphora, {"id": "y", "status": "DELETED"}]
        (tmp_path / "new.pem").write_text(written(authority("new", key("other"))))
        new = one.call("octavia_pki.fingerprint")(str(tmp_path / "new.pem"))
        prints = one.call("octavia_pki.fingerprints")()
        (old,) = prints["server_ca"]
        rotation = one.call("octavia_pki.rotation")
        step = rotation("server_ca", old, new, {"ctl01": prints})
        assert (step["stage"], step["where"]) == (1, ["ctl01"])
        prints = {**prints, "server_ca": [new], "server_ca_trusted": [new, old]}
        step = rotation("server_ca", old, new, {"ctl01": prints})
        assert (step["stage"], step["stages"], step["where"]) == (3, 4, ["x"])
        with pytest.raises(CommandExecutionError, match="give health_managers="):
            rotation("heartbeat_key", old, new, {"ctl01": prints})
        with pytest.raises(CommandExecutionError, match="no rotation is called x"):
            rotation("x", old, new, {"ctl01": prints})
        with pytest.raises(CommandExecutionError, match="cannot be read"):
            one.call("octavia_pki.fingerprint")(str(tmp_path / "none.pem"))

    def test_check_finds_a_controller_with_another_ca(self, controller):
        one = controller()
        one.put(good())
        other = {**one.call("octavia_pki.fingerprints")(), "client_certificate": []}
        one.around.mine = {"node": {"server_ca": ["of an hour ago"]}, "ctl02": other}
        check = one.call("octavia_pki.check")
        assert check() == []
        other["server_ca"] = ["another"]
        (told,) = check()
        assert told["path"] == "octavia:manager:certificates:ca_certificate"
        assert "(ctl02 unlike node)" in told["reason"]
        assert check(controllers=False) == []

    def test_new_secrets_fit(self, controller):
        one = controller()
        first, second = (one.call("octavia_pki.new_passphrase")() for _ in range(2))
        assert first != second
        assert len(first) == 32
        assert len(one.call("octavia_pki.new_heartbeat_key")()) >= 32
