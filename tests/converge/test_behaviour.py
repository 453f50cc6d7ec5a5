"""What a run does, and does not do, to a node that stands: restarts, the address, the schema."""

from __future__ import annotations

import yaml

from . import suites
from .report import describe
from .verify import facts

CONFIG = "/etc/octavia/octavia.conf"


def _pids(node) -> dict[str, str]:
    show = ["systemctl", "show", "--value", "--property=MainPID"]
    return {unit: node.run([*show, unit], check=True).stdout.strip() for unit in facts.ALL}


def _apply_with(node, suite, extra):
    """Applies the suite's pillar with something merged in."""
    change = yaml.safe_dump({"octavia": extra})
    node.set_pillar({"octavia.sls": suite.pillar, "change.sls": change})
    return suites.must_apply(node, "octavia")


def test_a_changed_drop_in_is_reloaded_and_restarts_its_unit_only(node, suite):
    before = _pids(node)
    _apply_with(node, suite, {"services": {"octavia-worker": {"LimitNOFILE": 4096}}})
    after = _pids(node)
    assert {unit for unit in facts.ALL if before[unit] != after[unit]} == {"octavia-worker"}
    limits = node.get(f"/proc/{after['octavia-worker']}/limits")
    assert "4096" in next(line for line in limits.splitlines() if line.startswith("Max open files"))


def test_a_changed_option_restarts_what_reads_it_and_the_api_listens_where_it_should(node, suite):
    before = _pids(node)
    _apply_with(
        node, suite, {"api": {"bind": {"address": "127.0.0.2", "port": 9877, "processes": 3}}}
    )
    after = _pids(node)
    assert not [unit for unit in facts.ALL if before[unit] == after[unit]]
    fetch = ["curl", "--silent", "--fail", "--output", "/dev/null"]
    assert node.run([*fetch, "http://127.0.0.2:9877/"]).returncode == 0
    assert node.run([*fetch, "http://127.0.0.1:9876/"]).returncode != 0
    workers = node.run(["pgrep", "-P", after["octavia-api"]], check=True)
    assert len(workers.stdout.split()) == 3
    again = suites.must_apply(node, "octavia")
    assert not again.changed, describe(again.changed)
    assert _pids(node) == after


def test_the_api_speaks_tls_with_the_pillar_s_certificate(node, suite):
    key, cert = "/etc/octavia/certs/api.key", "/etc/octavia/certs/api.pem"
    make = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout {key} -out {cert}"
    )
    own = f"chgrp octavia {key} && chmod 640 {key}"
    san = "-addext subjectAltName=IP:127.0.0.1"
    assert node.run(["sh", "-ec", f"{make} {san} && {own}"]).returncode == 0
    _apply_with(node, suite, {"api": {"bind": {"cert_file": cert, "key_file": key}}})
    fetch = ["curl", "--silent", "--fail", "--cacert", cert, "https://127.0.0.1:9876/"]
    assert "v2" in node.run(fetch, check=True).stdout
    node.set_pillar({"octavia.sls": suite.pillar})
    restored = suites.must_apply(node, "octavia")
    # The address had not moved: only what uWSGI itself reads has changed.
    assert {state["name"] for state in restored.changed} == {
        "/etc/octavia/octavia-api-bind.ini",
        "octavia-api",
    }


def test_a_run_killed_between_file_and_restart_is_made_good_by_the_next(node):
    before = _pids(node)
    node.run(["touch", CONFIG], check=True)
    predicted = suites.apply(node, "octavia", "test=True")
    assert {state["name"] for state in predicted.changed} == set(facts.ALL)
    suites.must_apply(node, "octavia")
    after = _pids(node)
    assert not [unit for unit in facts.ALL if before[unit] == after[unit]]


def test_a_dead_service_is_started_again(node):
    node.run(["systemctl", "stop", "octavia-housekeeping"], check=True)
    run = suites.must_apply(node, "octavia")
    assert [state["name"] for state in run.changed] == ["octavia-housekeeping"]


def test_a_service_that_does_not_start_is_told_with_its_last_words_but_no_secret(node, suite):
    words = "sh -c 'grep -h connection /etc/octavia/octavia.conf; exit 1'"
    broken = {"services": {"octavia-housekeeping": {"ExecStartPre": f"/bin/{words}"}}}
    change = yaml.safe_dump({"octavia": broken})
    node.set_pillar({"octavia.sls": suite.pillar, "change.sls": change})
    try:
        run = suites.apply(node, "octavia")
        (service, *_) = run.failed
        assert service["__id__"] == "octavia_service_octavia-housekeeping"
        assert service["changes"]["state"]["old"] == "active (running)"
        assert "running" not in service["changes"]["state"]["new"]
        assert "settings" not in service["changes"]
        assert "mysql+pymysql://octavia:(hidden)@" in service["comment"]
        assert not [mark for mark in suite.secrets if mark in run.stdout + run.stderr]
    finally:
        node.set_pillar({"octavia.sls": suite.pillar})
        suites.must_apply(node, "octavia")


def test_policies_of_an_earlier_pillar_are_withdrawn_and_those_of_others_stay(node):
    path = "/etc/octavia/policy.yaml"
    node.put(path, "# Of somebody else.\n{}\n")
    assert not suites.must_apply(node, "octavia").changed
    before = _pids(node)
    node.put(path, "# Written by Salt from an earlier pillar.\n{}\n")
    run = suites.must_apply(node, "octavia")
    assert {state["name"] for state in run.changed} == {path, "octavia-api"}
    assert node.run(["test", "-e", path]).returncode != 0
    after = _pids(node)
    assert {unit for unit in facts.ALL if before[unit] != after[unit]} == {"octavia-api"}


def test_a_revision_altered_by_hand_is_seen(node):
    sql = ["mariadb", "octavia", "--batch", "--skip-column-names", "--execute"]
    head = node.run([*sql, "SELECT version_num FROM alembic_version"], check=True).stdout.strip()
    try:
        node.run([*sql, "UPDATE alembic_version SET version_num = '3f8ff3be828e'"], check=True)
        run = suites.apply(node, "octavia", "test=True")
        changes = run.by_id["octavia_db"]["changes"]
        assert changes == {"revision": {"old": "3f8ff3be828e", "new": head}}
        node.run([*sql, "UPDATE alembic_version SET version_num = 'ffffffffffff'"], check=True)
        run = suites.apply(node, "octavia")
        assert [state["__id__"] for state in run.failed][0] == "octavia_db"
        assert "newer release" in run.by_id["octavia_db"]["comment"]
    finally:
        node.run([*sql, f"UPDATE alembic_version SET version_num = '{head}'"], check=True)
    assert not suites.must_apply(node, "octavia").changed


def test_a_database_that_is_down_stops_the_run_before_any_service_is_touched(node):
    before = _pids(node)
    node.run(["systemctl", "stop", "mariadb"], check=True)
    try:
        run = suites.apply(node, "octavia")
        assert "unreachable" in run.by_id["octavia_db"]["comment"]
        assert _pids(node) == before
    finally:
        node.run(["systemctl", "start", "mariadb"], check=True)


def test_a_bad_pillar_leaves_the_node_as_it_was(node, suite):
    before, text = _pids(node), node.get(CONFIG)
    node.set_pillar(
        {
            "octavia.sls": suite.pillar,
            "bad.sls": yaml.safe_dump({"octavia": {"api": {"bind": {"port": 98765}, "bnd": {}}}}),
        }
    )
    try:
        run = suites.apply(node, "octavia")
        assert [state["__id__"] for state in run.states] == ["octavia_check"]
        comment = run.failed[0]["comment"]
        assert "octavia:api:bind:port = 98765" in comment
        assert "octavia:api:bnd" in comment and "bind" in comment
        assert (_pids(node), node.get(CONFIG)) == (before, text)
    finally:
        node.set_pillar({"octavia.sls": suite.pillar})


def test_the_client_s_clouds_stand_beside_those_of_others(node, suite):
    path = "/etc/openstack/clouds.yaml"
    clouds = yaml.safe_load(node.get(path))
    node.put(
        path, yaml.safe_dump({"clouds": {**clouds["clouds"], "other": {"region_name": "R"}}}), 0o600
    )
    run = suites.must_apply(node, "octavia")
    assert set(yaml.safe_load(node.get(path))["clouds"]) == {"octavia", "other"}
    assert not suites.must_apply(node, "octavia").changed, describe(run.changed)
