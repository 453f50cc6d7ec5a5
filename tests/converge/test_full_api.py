"""An API with TLS, policies, health check and audit."""

from __future__ import annotations

import json

import yaml

from tests.nodes.processes import wait_until

from . import suites
from .report import describe
from .verify import facts

URL = "https://127.0.0.1:9876"
OUT = "/var/lib/octavia/out-of-service"
POLICY = "/etc/octavia/policy.yaml"
AUDITED = "/var/log/octavia/octavia-api.log"


def _fetch(node, path: str, *options: str) -> str:
    curl = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}"]
    return node.run([*curl, "--cacert", facts.AUTHORITY, *options, f"{URL}{path}"]).stdout


def _becomes(node, path: str, wanted: str, seconds: float = 60) -> str:
    """The answer's status once it is the wanted one, or the last one."""
    wait_until(lambda: _fetch(node, path) == wanted, seconds, pause=0.5)
    return _fetch(node, path)


def _as(node, cloud: str, code: str) -> str:
    script = f"import openstack\ncloud = openstack.connect(cloud='{cloud}')\n{code}"
    result = node.run(
        [suites.SYSTEM_PYTHON, "-"],
        input=script,
        env={"OS_CLIENT_CONFIG_FILE": suites.CLOUDS},
        check=True,
    )
    return result.stdout.strip()


def test_plain_http_is_refused(node):
    plain = node.run(["curl", "--silent", "--max-time", "10", "http://127.0.0.1:9876/"])
    assert plain.returncode != 0


def test_the_health_check_says_so_when_an_operator_takes_the_api_out(node):
    assert _becomes(node, "/healthcheck", "200") == "200"
    node.run(["touch", OUT], check=True)
    try:
        assert _becomes(node, "/healthcheck", "503") == "503"
    finally:
        node.run(["rm", OUT], check=True)
    assert _becomes(node, "/healthcheck", "200") == "200"


def test_the_health_check_sees_that_the_database_is_down(node):
    node.run(["systemctl", "stop", "mariadb"], check=True)
    try:
        assert _becomes(node, "/healthcheck", "503") == "503"
    finally:
        node.run(["systemctl", "start", "mariadb"], check=True)
    assert _becomes(node, "/healthcheck", "200") == "200"


def test_policies_are_those_of_the_set_and_of_the_pillar(node):
    # Nobody may list flavors, says the pillar.
    status = "print(cloud.load_balancer.get('/lbaas/flavors', raise_exc=False).status_code)"
    assert _as(node, "admin", status) == "403"
    # A load-balancer_member may make one.
    tree = suites.load_balancer(node, "of-a-member", cloud="demo")
    assert tree.count("ACTIVE") == suites.objects("ACTIVE"), tree


def test_requests_are_audited_under_the_names_of_the_map(node):
    text = node.get(AUDITED)
    assert "typeURI" in text
    assert "service/load-balancer/loadbalancer" in text


def test_limits_of_the_units_are_the_pillar_s(node):
    show = ["systemctl", "show", "--value", "--property"]
    assert node.run([*show, "LimitNOFILE", "octavia-worker"]).stdout.strip() == "65536"
    assert node.run([*show, "MemoryMax", "octavia-api"]).stdout.strip() == str(2 * 1024**3)


def test_logs_are_json(node):
    lines = node.get("/var/log/octavia/octavia-worker.log").splitlines()
    records = [json.loads(line) for line in lines if line.startswith("{")]
    assert {"levelname", "message", "name"} <= set(records[-1])


def test_log_rotation_is_valid_and_the_pillar_s(node):
    path = "/etc/logrotate.d/octavia-common"
    checked = node.run(["logrotate", "--debug", path])
    assert checked.returncode == 0, checked.stderr
    assert "error" not in checked.stderr
    assert "(7 rotations)" in checked.stderr


def test_a_bad_policy_never_takes_the_place_of_a_good_one(node, suite):
    before = node.get(POLICY)
    wrong = {
        "os_load-balancer_api:loadbalancer:post": "rule:nobody-has-this",
        "os_load-balancer_api:no_such_policy": "role:admin",
    }
    for name, rule in wrong.items():
        change = yaml.safe_dump({"octavia": {"api": {"policy": {"rules": {name: rule}}}}})
        node.set_pillar({"octavia.sls": suite.pillar, "change.sls": change})
        try:
            run = suites.apply(node, "octavia")
            assert run.failed[0]["__id__"] == "octavia_policy_file", describe(run.failed)
            assert name.rpartition(":")[2] in run.failed[0]["comment"] or rule in str(run.failed[0])
            assert node.get(POLICY) == before
        finally:
            node.set_pillar({"octavia.sls": suite.pillar})
    assert not suites.must_apply(node, "octavia").changed


def test_load_check_finds_what_octavia_cannot_read(node):
    text = node.get("/etc/octavia/octavia.conf")
    bad = text.replace("default_load_balancer_quota = 10", "default_load_balancer_quota = many")
    bad = bad.replace("[quotas]", "[quotas]\nno_such_option = 1")
    node.put("/root/bad.conf", bad, 0o600)
    call = ["salt-call", "--local", "--out=json", "octavia_config.load_check"]
    found = {
        name: json.loads(node.run([*call, path], check=True).stdout)["local"]
        for name, path in {"good": "/etc/octavia/octavia.conf", "bad": "/root/bad.conf"}.items()
    }
    assert found["good"] == []
    assert {item["path"] for item in found["bad"]} == {
        "/root/bad.conf [quotas] default_load_balancer_quota",
        "/root/bad.conf [quotas] no_such_option",
    }
    assert "change-me" not in json.dumps(found)
