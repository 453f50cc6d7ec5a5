"""
What takes a master: a client certificate that another node signs, and the progress of long runs on
the bus of events.
"""

from __future__ import annotations

import json
import subprocess

import octavia_pki_load as load
import pytest
import yaml

from tests.nodes.processes import wait_until

from .live import SUBNET
from .master import HOME, OTHER

CERTS = f"/etc/octavia/certs/{OTHER}"
TAG = "salt/octaviav2/progress"


@pytest.fixture(scope="module", autouse=True)
def _pillar(suite, node):
    pillar = {
        "octavia": {
            "pki": {
                "generate": False,
                "client": {"ca_server": node.name, "signing_policy": "octavia_client"},
            },
            "manager": {
                "haproxy_amphora": {
                    "client_cert": f"{CERTS}/client.pem",
                    "client_cert_key": f"{CERTS}/client.key",
                    "client_cert_all": f"{CERTS}/client_all.pem",
                }
            },
        }
    }
    other = f"{{%- if grains.id == '{OTHER}' %}}\n{yaml.safe_dump(pillar)}{{%- endif %}}\n"
    node.set_pillar({"octavia.sls": suite.pillar, "other.sls": other})
    yield
    node.set_pillar({"octavia.sls": suite.pillar})


def _single(master, minion, function, *args):
    (ret,) = master.salt(minion, "state.single", function, *args)[minion].values()
    return ret


def test_a_client_certificate_is_signed_by_the_node_with_the_client_ca(master, node):
    foretold = _single(master, OTHER, "octavia_pki.deployed", "name=alone", "test=True")
    assert foretold["result"] is None, foretold["comment"]
    assert node.run(["test", "-e", CERTS]).returncode == 1
    done = _single(master, OTHER, "octavia_pki.deployed", "name=alone")
    assert done["result"] is True, done["comment"]
    assert set(done["changes"]) == set(foretold["changes"])
    bundle = node.get(f"{CERTS}/client_all.pem")
    (leaf,) = load.certificates(bundle.encode())
    assert load.common_name(leaf) == OTHER
    (authority,) = load.certificates(node.get("/etc/octavia/certs/client_ca.pem").encode())
    leaf.verify_directly_issued_by(authority)
    assert master.salt(OTHER, "octavia_pki.check")[OTHER] == []
    again = _single(master, OTHER, "octavia_pki.deployed", "name=alone")
    assert (again["result"], again["changes"]) == (True, {})
    # Neither the other node, nor the master's cache of jobs, ever saw the key.
    line = bundle.partition("PRIVATE KEY-----\n")[2].splitlines()[0]
    seen = node.run(["grep", "--recursive", "--files-with-matches", line, HOME, "/var/log"])
    assert seen.stdout == ""


def test_a_long_run_tells_on_the_bus_how_far_it_is(master, node):
    worker, what = "octavia-worker", ["name=slow", "cloud_name=octavia"]
    argv, env = master.events(TAG, 1), node.environment()
    before = master.listeners()
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) as listener:
        assert wait_until(lambda: master.listeners() > before, 60)
        node.run(["systemctl", "stop", worker], check=True)
        try:
            present = [*what, f"vip_subnet_id={SUBNET}", "wait_timeout=15"]
            late = _single(master, node.name, "octaviav2.loadbalancer_present", *present)
            assert late["result"] is False
            said, _ = listener.communicate(timeout=30)
        finally:
            listener.kill()
            node.run(["systemctl", "start", worker], check=True)
    tag, _, event = said.splitlines()[0].partition("\t")
    assert tag.startswith(TAG)
    told = json.loads(event)["data"]
    assert (told["done"], told["of"], told["failed"]) == (0, 1, 0)
    assert told["pending"] == ["slow"]
    waits = ["octaviav2.loadbalancer_wait", "slow", "cloud_name=octavia"]
    assert set(master.salt(node.name, *waits)[node.name].values()) == {"ACTIVE"}
    gone = _single(master, node.name, "octaviav2.loadbalancer_absent", *what)
    assert gone["result"] is True, gone["comment"]
