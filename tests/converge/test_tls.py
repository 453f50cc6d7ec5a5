"""Protected connections: nothing goes to database and brokers in the clear."""

from __future__ import annotations

import yaml

from . import suites

SSL = "/etc/octavia/ssl"
SQL = ["mariadb", "--batch", "--skip-column-names", "--execute"]


def test_every_connection_to_the_database_is_encrypted(node):
    sessions = node.run(
        [*SQL, "SELECT id FROM information_schema.processlist WHERE user = 'octavia'"], check=True
    ).stdout.split()
    assert sessions
    ciphers = (
        "SELECT variable_value FROM information_schema.session_status "
        "WHERE variable_name = 'Ssl_cipher'"
    )
    client = ["--protocol=tcp", "--host=127.0.0.1", "--user=octavia", "--password"]
    refused = node.run(["mariadb", *client, "--skip-ssl", "--execute", ciphers], input="wrong\n")
    assert refused.returncode != 0
    demanded = node.run([*SQL, "SHOW CREATE USER octavia@'%'"], check=True).stdout
    assert "REQUIRE X509" in demanded


def test_the_broker_has_encrypted_connections_only(node):
    listeners = node.run(["ss", "--no-header", "--tcp", "--listening", "--numeric"]).stdout
    assert ":5671 " in listeners
    assert ":5672 " not in listeners
    peers = node.run(
        ["rabbitmqctl", "--quiet", "list_connections", "user", "ssl", "peer_cert_subject"]
    )
    rows = [line.split("\t") for line in peers.stdout.splitlines() if "octavia" in line]
    assert rows
    assert all(row[1] == "true" and "sandbox client" in row[2] for row in rows), rows


def test_queues_are_quorum_queues_and_notifications_go_to_their_own_bus(node):
    listing = ["rabbitmqctl", "--quiet", "list_queues", "--vhost"]
    queues = node.run([*listing, "/octavia", "name", "type"], check=True).stdout
    assert "octavia_provisioning_v2\tquorum" in queues
    notified = node.run([*listing, "/notifications", "name", "messages"], check=True).stdout
    assert "notifications.info" in notified, notified
    assert "audit.info" in notified


def test_a_renewed_certificate_restarts_what_reads_it(node):
    before = _starts(node)
    node.run(["touch", f"{SSL}/rabbitmq/client-cert.pem"], check=True)
    run = suites.must_apply(node, "octavia")
    assert {state["name"] for state in run.changed} == set(before)
    after = _starts(node)
    assert not [unit for unit in before if before[unit] == after[unit]]


def test_content_of_the_pillar_becomes_the_files(node, suite):
    paths = {"cacert": "ca-cert", "cert": "client-cert", "key": "client-key"}
    given = {part: node.get(f"{SSL}/mysql/{name}.pem") for part, name in paths.items()}
    files = {
        "ca_file": f"{SSL}/own/ca",
        "cert_file": f"{SSL}/own/cert",
        "key_file": f"{SSL}/own/key",
    }
    database = {"database": {"x509": {**given, **files}}}
    change = yaml.safe_dump({"octavia": {"api": database, "manager": database}})
    node.set_pillar({"octavia.sls": suite.pillar, "change.sls": change})
    try:
        run = suites.must_apply(node, "octavia")
        assert given["key"].splitlines()[1] not in run.stdout + run.stderr
        mode = node.run(["stat", "--format=%U:%G:%a", f"{SSL}/own/key"], check=True).stdout.strip()
        assert mode == "root:octavia:640"
        assert not suites.must_apply(node, "octavia").changed
        tree = suites.load_balancer(node, "own-files")
        assert tree.count("ACTIVE") == suites.objects("ACTIVE"), tree
    finally:
        node.set_pillar({"octavia.sls": suite.pillar})
        suites.must_apply(node, "octavia")


def _starts(node) -> dict[str, str]:
    units = ["octavia-api", "octavia-driver-agent", "octavia-worker", "octavia-health-manager"]
    units.append("octavia-housekeeping")
    show = ["systemctl", "show", "--value", "--property=MainPID"]
    return {unit: node.run([*show, unit], check=True).stdout.strip() for unit in units}
