"""
Certificates and keys against the real amphora agent: who is let in, whose heartbeats count, and
each rotation on a live fleet of one.

The tests go on from one another, in this order.
"""

from __future__ import annotations

import datetime
import json
import os

import octavia_pki_load as load
import octavia_pki_make as make
import octavia_pki_secrets as secrets
import pytest
import yaml

from tests.nodes import Node
from tests.nodes.processes import wait_until

from . import suites
from .live import BUNDLE, SERVER_CA, SERVER_PEM, Fleet, must

KIND = make.Kind("rsa", 2048, "secp384r1")
HEALTH_LOG = "/var/log/octavia/octavia-health-manager.log"


@pytest.fixture(scope="module", name="fleet")
def _fleet(suite, node, platform):
    name = f"{suite.prefix}-agent"
    with Node(name, platform, None, layers=["agent"], owner=os.getpid()) as agent:
        made = Fleet(suite, agent)
        made.build()
        yield made


@pytest.fixture(scope="module", name="table")
def _table(request):
    """Stage by stage what is reached; printed at the end."""
    rows: list[tuple[str, str, str]] = []
    yield rows
    width = max((len(row[0]) for row in rows), default=0)
    shown = request.config.pluginmanager.getplugin("capturemanager")
    with shown.global_and_fixture_disabled():
        print("\n" + "\n".join(f"{what:{width}}  {asked:34}  {how}" for what, asked, how in rows))


def authority(name: str, passphrase: str = "") -> tuple[str, str]:
    """A CA that the formula has not made: certificate and key."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    key = make.new_key(KIND)
    certificate = load.to_pem(make.authority(name, key, 100, now))
    return certificate, make.key_to_pem(key, passphrase)


def bundle(name: str, ca: str, ca_key: str) -> str:
    """A client certificate with its key."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    key = make.new_key(KIND)
    issuer = load.certificates(ca.encode())[0], load.private_key(ca_key.encode(), "")
    return load.to_pem(make.client(name, key, *issuer, 90, now)) + make.key_to_pem(key, "")


def fingerprint(text: str) -> str:
    """The fingerprint of the first certificate of a text."""
    return load.fingerprint(load.certificates(text.encode())[0])


def test_the_controller_is_let_in(fleet):
    assert fleet.ask() == "200"


def must_refuse(fleet: Fleet, shown: str, alert: str) -> None:
    """Nothing is let in; a connection that the agent resets right after its alert may lose it."""
    answers = []

    def is_told() -> bool:
        answers.append(fleet.ask(bundle=shown))
        return alert in answers[-1]

    assert wait_until(is_told, 60), answers
    assert all(answer.startswith("curl: (") for answer in answers), answers


def test_nobody_is_let_in_without_a_certificate(fleet):
    must_refuse(fleet, "", "alert")


def test_nobody_is_let_in_with_a_foreign_certificate(fleet):
    fleet.node.put("/root/foreign.pem", bundle("foreign", *authority("foreign")), 0o600)
    must_refuse(fleet, "/root/foreign.pem", "unknown ca")


def test_the_agent_is_known_by_the_server_ca_only(fleet):
    assert "certificate" in fleet.ask(trusted="/etc/octavia/certs/client_ca.pem")


def test_heartbeats_with_the_key_are_accepted(fleet):
    fleet.must_beat()


def test_heartbeats_with_another_key_are_refused(fleet):
    path = "/etc/octavia/amphora-agent.conf"
    right = fleet.agent.get(path)
    fleet.agent.put(path, right.replace("change-me-heartbeat-key", "another"), 0o600)
    fleet.node.run(["truncate", "--size=0", HEALTH_LOG], check=True)
    fleet.restart_agent()
    refused = ["grep", "--count", "not equal to msg hmac", HEALTH_LOG]
    must("a heartbeat is refused", lambda: fleet.node.run(refused).returncode == 0)
    before = fleet.heartbeat()
    assert not wait_until(lambda: fleet.heartbeat() != before, 6, pause=1)
    fleet.agent.put(path, right, 0o600)
    fleet.restart_agent()
    fleet.must_beat()


def test_before_an_upgrade_the_agent_s_version_and_its_heartbeats_are_told(fleet):
    def told():
        items = fleet.call("octavia_upgrade.readiness")
        return {item["what"]: (item["state"], item["text"]) for item in items}

    assert fleet.call("octavia_upgrade.agent_versions") == {fleet.amphora: "1.0"}
    found = told()
    assert found["amphora agents"] == ("ok", "1 of 1 answer, API 1.0")
    assert found["heartbeats"][0] == "ok", found
    fleet.agent.run(["systemctl", "stop", "octavia-agent"], check=True)
    # Only the formula is told; the health manager is as patient as before.
    fleet.set_pillar(manager={"health_manager": {"heartbeat_timeout": 3}})
    try:
        must("the heartbeat is late", lambda: told()["heartbeats"][0] == "warning")
        found = told()
        assert fleet.amphora in found["heartbeats"][1]
        assert found["amphora agents"] == ("not checked", f"no answer from {fleet.amphora}")
        (item,) = (
            item
            for item in fleet.call("octavia_control.verify", "api=False")
            if item["what"] == "heartbeats"
        )
        assert item["state"] == "stop", item
    finally:
        fleet.set_pillar(manager={"health_manager": {"heartbeat_timeout": 600}})
        fleet.restart_agent()
    fleet.must_beat()


def test_expiry_tells_of_the_amphora(fleet):
    rows = fleet.call("octavia_pki.expiry", "cloud_name=octavia")
    assert fleet.amphora in [row["where"] for row in rows if row["kind"] == "amphora"]


def test_the_node_exporter_is_told_of_files_and_amphorae(fleet):
    path = "/srv/node-exporter/octavia_certificates.prom"
    fleet.node.run(["mkdir", "-p", "/srv/node-exporter"], check=True)
    fleet.set_pillar(pki={"textfile": path, "textfile_amphorae": True})
    foretold = suites.must_apply(fleet.node, "octavia.certificates", "test=True")
    assert [state["__id__"] for state in foretold.changed] == ["octavia_certificates_textfile"]
    suites.must_apply(fleet.node, "octavia.certificates")
    told = fleet.node.get(path)
    for where in (fleet.amphora, BUNDLE, SERVER_CA):
        assert f'where="{where}"' in told
    assert not suites.must_apply(fleet.node, "octavia.certificates").changed
    fleet.set_pillar(pki={"textfile_amphorae": False})


def test_a_client_certificate_that_is_gone_is_issued_anew(fleet, table):
    before = fleet.node.get(BUNDLE)
    fleet.node.run(["rm", BUNDLE], check=True)
    run = suites.must_apply(fleet.node, "octavia")
    assert "octavia-worker" in {state["name"] for state in run.changed}
    assert fingerprint(fleet.node.get(BUNDLE)) != fingerprint(before)
    table.append(("client certificate", "with the new one", fleet.ask()))
    assert fleet.ask() == "200"


def test_the_exported_pillar_changes_nothing(fleet):
    exported = fleet.call("octavia_pki.export_pillar")
    pki = yaml.safe_load(exported)["octavia"]["pki"]
    fleet.set_pillar(pki={**pki, "generate": False})
    assert not suites.must_apply(fleet.node, "octavia").changed


def _moved(fleet, kind, old, new, *args, test=False):
    prints = json.dumps({"here": fleet.call("octavia_pki.fingerprints")})
    what = [f"kind={kind}", f"old={old}", f"new={new}", f"nodes={prints}", *args]
    return fleet.state("octavia_pki.amphorae_moved", *what, test=test)


def test_the_server_ca_is_rotated_without_a_failover(fleet, table):
    passphrase = "change-me-ca-passphrase"
    old = fleet.pillar["pki"]["server_ca"]
    new, new_key = authority("server CA 2", passphrase)
    prints = fingerprint(old["certificate"]), fingerprint(new)
    known = fleet.amphorae()
    fleet.node.put("/root/new_ca.pem", new)
    fleet.node.put("/root/old_ca.pem", old["certificate"])

    def check(stage, old_ca, new_ca):
        asked = {"the controller's trust": SERVER_CA}
        asked |= {"the old CA": "/root/old_ca.pem", "the new CA": "/root/new_ca.pem"}
        for what, trusted in asked.items():
            table.append((f"server CA, {stage}", what, fleet.ask(trusted=trusted)))
        assert fleet.ask() == "200", stage
        assert (fleet.ask(trusted="/root/old_ca.pem") == "200") is old_ca, stage
        assert (fleet.ask(trusted="/root/new_ca.pem") == "200") is new_ca, stage

    check("before", True, False)
    too_early = _moved(fleet, "server_ca", *prints)
    assert too_early["result"] is False
    assert "stage 1 is due" in too_early["comment"]
    fleet.apply(pki={"server_ca": {"also_trusted": new}})
    check("stage 1", True, False)
    signing = {"certificate": new, "private_key": new_key, "also_trusted": old["certificate"]}
    fleet.apply(pki={"server_ca": signing})
    check("stage 2", True, False)
    before = fleet.agent.get(SERVER_PEM)
    ways = ("way=renewal", "cloud_name=octavia", "timeout=120")
    foretold = _moved(fleet, "server_ca", *prints, *ways, test=True)
    assert foretold["result"] is None
    assert fleet.agent.get(SERVER_PEM) == before
    done = _moved(fleet, "server_ca", *prints, *ways)
    assert done["result"] is True, done["comment"]
    assert done["changes"] == foretold["changes"]
    assert set(done["changes"]) == {fleet.amphora}
    check("stage 3", False, True)
    again = _moved(fleet, "server_ca", *prints, *ways)
    assert (again["result"], again["changes"]) == (True, {})
    fleet.apply(pki={"server_ca": {"also_trusted": None}})
    check("stage 4", False, True)
    assert fleet.amphorae() == known
    fleet.must_beat()


def test_the_passphrase_of_the_server_ca_is_changed_together_with_its_key(fleet, table):
    old = fleet.pillar["pki"]["server_ca"]["private_key"]
    key = load.private_key(old.encode(), "change-me-ca-passphrase")
    secret = {"ca_private_key_passphrase": "change-me-new-ca-passphrase"}
    before = fleet.node.get("/etc/octavia/octavia.conf")
    units = fleet.call("octavia_control.units", "octavia-worker")
    fleet.set_pillar(manager={"certificates": secret})
    refused = suites.apply(fleet.node, "octavia")
    assert [state["__id__"] for state in refused.failed][0] == "octavia_certificates"
    assert "passphrase" in refused.failed[0]["comment"]
    assert fleet.node.get("/etc/octavia/octavia.conf") == before
    assert fleet.call("octavia_control.units", "octavia-worker") == units
    new = make.key_to_pem(key, secret["ca_private_key_passphrase"])
    fleet.apply(pki={"server_ca": {"private_key": new}})
    fleet.renewed()
    table.append(("server CA, new passphrase", "with the bundle", fleet.ask()))
    assert fleet.ask() == "200"


def test_the_passphrase_of_flows_is_rotated(fleet, platform, table):
    old, new = "change-me-32-url-safe-characters", "change-me-32-url-safe-characterz"
    # What octavia.conf has, the stage that is due before, and which of the earlier texts it reads.
    stages = (
        ([old, new], 1, [True]),
        ([new, old], 2, [True, True]),
        ([new], 4, [False, False, True]),
    )

    def certificates(value):
        given = {"certificates": {"server_certs_key_passphrase": value}}
        return {"manager": given, "api": given}

    fleet.set_pillar(**certificates([old, new]))
    if platform in ("debian12", "debian13"):
        # Zed and 2025.1 have one value: the formula writes the first and says so.
        told = " ".join(item["reason"] for item in fleet.call("octavia_config.validate"))
        assert "takes one value here: the first of 2 was written" in told
        table.append(("passphrase of flows", "a list", "the first is written up to 2025.1"))
        fleet.apply(**certificates(new))
        fleet.renewed()
        assert fleet.ask() == "200"
        return
    prints = [secrets.fingerprint("server_certs_key_passphrase", item) for item in (old, new)]
    fleet.set_pillar(**certificates([old]))
    texts = [fleet.script("fernet.py")["new"]]
    for value, due, read in stages:
        here = json.dumps({"here": fleet.call("octavia_pki.fingerprints")})
        step = fleet.call(
            "octavia_pki.rotation", "server_certs_key_passphrase", *prints, f"nodes={here}"
        )
        assert step["stage"] == due
        fleet.apply(**certificates(value))
        answer = fleet.script("fernet.py", *texts)
        told = " ".join("yes" if item else "no" for item in answer["read"])
        table.append((f"passphrase of flows, stage {due}", "reads what was written before", told))
        assert answer["read"] == read
        texts.append(answer["new"])
        fleet.renewed()
        assert fleet.ask() == "200"


def test_another_heartbeat_key_is_refused_while_the_health_manager_runs(fleet):
    before = fleet.node.get("/etc/octavia/octavia.conf")
    fleet.set_pillar(manager={"health_manager": {"heartbeat_key": "change-me-new-heartbeat-key"}})
    run = suites.apply(fleet.node, "octavia")
    assert [state["__id__"] for state in run.failed][0] == "octavia_heartbeat_key"
    assert fleet.node.get("/etc/octavia/octavia.conf") == before
    fleet.must_beat()


def _rotate(master, test=False):
    name = master.node.name
    pillar = {"octavia": {"orchestrate": {"teller": name, "controllers": name}}}
    states = master.orchestrate("octavia.orchestrate.heartbeat_key", pillar, test=test)
    return {state["__id__"].rpartition("_")[2]: state for state in states}


def test_the_heartbeat_key_is_rotated_without_a_failover(fleet, master, table):
    known = fleet.amphorae()
    early = suites.apply(fleet.node, "octavia.rotate.heartbeat_key.started")
    assert "octavia.conf has not the heartbeat key" in early.failed[0]["comment"]
    before = fleet.node.get("/etc/octavia/octavia.conf")
    foretold = _rotate(master, test=True)
    assert [state["result"] for state in foretold.values()][:1] == [None]
    assert fleet.node.get("/etc/octavia/octavia.conf") == before
    fleet.must_beat()
    stages = _rotate(master)
    table.append(("heartbeat key, stage 2", "with the bundle", fleet.ask()))
    if not stages["told"]["result"]:
        # An agent with Launchpad bug 2121691 has the new key in its file and the old one in mind.
        assert "still signs with another key" in json.dumps(stages["told"])
        assert "change-me-new-heartbeat-key" in fleet.agent.get("/etc/octavia/amphora-agent.conf")
        assert stages["started"]["result"] is False
        table.append(("heartbeat key, stage 3", "told by the API", "needs a restart of the agent"))
        fleet.restart_agent()
        stages = _rotate(master)
    assert [state["result"] for state in stages.values()] == [True] * 4
    fleet.must_beat()
    table.append(("heartbeat key, stage 4", "with the bundle", fleet.ask()))
    assert fleet.amphorae() == known
    again = _rotate(master)
    assert [(state["result"], state["changes"]) for state in again.values()] == [(True, {})] * 4
    # The API reads the file too, and needs nothing of what has changed: the next run restarts it.
    rest = suites.must_apply(fleet.node, "octavia")
    assert {state["name"] for state in rest.changed} == {"octavia-api", "octavia-driver-agent"}


def test_the_client_ca_is_rotated_by_new_amphorae(fleet, table):
    old = fleet.pillar["pki"]["client_ca"]
    new, new_key = authority("client CA 2")
    prints = fingerprint(old["certificate"]), fingerprint(new)
    own = bundle("controller", new, new_key)
    probe = "/root/probe.pem"
    fleet.node.put(probe, own, 0o600)

    def check(stage, lets_new_in):
        for what, shown in (("the controller's", BUNDLE), ("one of the new CA", probe)):
            table.append((f"client CA, {stage}", what, fleet.ask(bundle=shown)))
        assert fleet.ask() == "200", stage
        assert (fleet.ask(bundle=probe) == "200") is lets_new_in, stage

    check("before", False)
    refused = _moved(fleet, "client_ca", *prints, "way=renewal", f"probe={probe}")
    assert "only when it is built" in refused["comment"]
    fleet.apply(pki={"client_ca": {"also_trusted": new}})
    check("stage 1", False)
    foretold = _moved(
        fleet, "client_ca", *prints, f"probe={probe}", "cloud_name=octavia", test=True
    )
    assert foretold["result"] is None
    assert set(foretold["changes"]) == {fleet.amphora}
    assert "Not reachable meanwhile" in foretold["comment"]
    # What a failover does: a new amphora gets its files from the worker. Nobody builds one here.
    fleet.inject()
    check("stage 2", True)
    done = _moved(fleet, "client_ca", *prints, f"probe={probe}", "cloud_name=octavia")
    assert (done["result"], done["changes"]) == (True, {})
    certificate, _, key = own.partition("-----BEGIN PRIVATE")
    client = {"certificate": certificate, "private_key": f"-----BEGIN PRIVATE{key}"}
    fleet.apply(pki={"client": client})
    check("stage 3", True)
    authorities = {"certificate": new, "private_key": new_key, "also_trusted": None}
    fleet.apply(pki={"client_ca": authorities})
    check("stage 4", True)
    fleet.must_beat()
