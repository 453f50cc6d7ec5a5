"""What may go wrong on a virgin node; each test has a node of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.converge import suites
from tests.converge.report import describe
from tests.converge.verify import facts
from tests.nodes import Node
from tests.nodes.processes import wait_until

HELD = "/run/systemd/system/octavia-api.service.d/00-salt-formula-octavia-install.conf"
REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def virgin(request, platform, salt):
    """A node without anything of Octavia, named after the test."""
    words = re.findall(r"[a-z0-9]+", request.node.name.removeprefix("test_"))
    name = "-".join(words)[-24:].strip("-").lstrip("0123456789-")
    with Node(f"{name}-{platform}", platform, salt, owner=os.getpid()) as node:
        node.run(["salt-call", "--local", "saltutil.sync_all"], check=True)
        yield node


def _sample(name: str) -> str:
    return (suites.PILLARS / f"{name}.sls").read_text(encoding="utf-8")


def _exists(node: Node, path: str) -> bool:
    return node.run(["test", "-e", path]).returncode == 0


def _states(node: Node) -> dict[str, str]:
    show = ["systemctl", "is-active", *facts.ALL]
    return dict(zip(facts.ALL, node.run(show).stdout.split(), strict=True))


def test_killed_in_the_middle_of_an_installation(virgin):
    """What held back the starts is removed by the next run, which ends as if nothing had been."""
    virgin.set_pillar({"octavia.sls": _sample("aio")})
    suites.must_apply(virgin, "sandbox")
    argv = virgin.command(["salt-call", "--local", "state.apply", "octavia"])
    call = subprocess.Popen(argv, env=virgin.environment(), stdout=subprocess.DEVNULL)
    assert wait_until(lambda: _exists(virgin, "/var/lib/dpkg/info/octavia-common.postinst"), 300)
    virgin.run(["pkill", "--signal", "KILL", "--full", "salt-call|apt-get|dpkg"])
    call.wait()
    assert _exists(virgin, HELD)
    assert not _exists(virgin, "/etc/octavia/octavia-api-bind.ini")
    suites.must_apply(virgin, "octavia")
    assert not _exists(virgin, HELD)
    assert set(_states(virgin).values()) == {"active"}
    said = virgin.run(["journalctl", "--unit=octavia-*", "--output=cat", "--no-pager"]).stdout
    assert "Failed with result" not in said and "Main process exited" not in said
    run = suites.must_apply(virgin, "octavia")
    assert not run.changed, describe(run.changed)


def test_noservices(virgin):
    """With the grain, files and packages are as usual, and nothing is started or asked."""
    virgin.put("/etc/salt/grains", "noservices: true\n")
    virgin.set_pillar({"octavia.sls": _sample("aio")})
    suites.must_apply(virgin, "octavia")
    assert set(_states(virgin).values()) == {"inactive"}
    assert "[api_settings]" in virgin.get("/etc/octavia/octavia.conf")
    run = suites.must_apply(virgin, "octavia")
    assert not run.changed, describe(run.changed)


def test_the_server_of_the_api_comes_with_it(virgin):
    """Debian's packages of the API leave uWSGI to whoever installs them."""
    virgin.run(["apt-get", "purge", "--yes", "uwsgi-core", "uwsgi-plugin-python3"], check=True)
    server = "/usr/bin/uwsgi_python3"
    assert not _exists(virgin, server)
    virgin.put("/etc/salt/grains", "noservices: true\n")
    virgin.set_pillar({"octavia.sls": _sample("aio")})
    suites.must_apply(virgin, "octavia")
    assert _exists(virgin, server)


@pytest.mark.parametrize("sample", ["api_single", "manager_single"])
def test_mismatch(virgin, sample, platform):
    """The users' samples say Ocata; a Debian that offers something newer refuses, unchanged."""
    text = _sample(sample).replace("'{{ version }}'", "ocata")
    assert "version: ocata" in text
    virgin.set_pillar({"octavia.sls": text})
    files = ["sh", "-c", "find /etc /run/systemd -xdev -newer /srv/pillar/top.sls -type f"]
    run = suites.apply(virgin, "octavia")
    comment = run.by_id["octavia_check"]["comment"]
    assert [state["__id__"] for state in run.failed][0] == "octavia_check"
    assert "ocata" in comment and "octavia-common" in comment
    assert virgin.platform.release in comment
    assert not run.changed, describe(run.changed)
    assert "octavia" not in virgin.run(files).stdout


def test_a_node_whose_package_sources_have_no_octavia_says_so(virgin):
    virgin.run(["sh", "-c", "rm -rf /var/lib/apt/lists/*; : > /etc/apt/sources.list"], check=True)
    virgin.set_pillar({"octavia.sls": _sample("aio")})
    run = suites.apply(virgin, "octavia")
    comment = run.by_id["octavia_check"]["comment"]
    assert "no package source of this node offers octavia-common" in comment
    assert not run.changed, describe(run.changed)


def test_mismatch_of_installed_packages_names_the_phase(virgin):
    """A version raised before the upgrade stops an ordinary run, which says what to do instead."""
    virgin.put("/etc/salt/grains", "noservices: true\n")
    newer = {"zed": "2023.1", "2025.1": "2025.2", "2026.2": "ocata"}[virgin.platform.release]
    virgin.set_pillar({"octavia.sls": _sample("aio")})
    suites.must_apply(virgin, "octavia")
    before = virgin.get("/etc/octavia/octavia.conf")
    text = _sample("aio").replace("'{{ version }}'", f"'{newer}'")
    virgin.set_pillar({"octavia.sls": text})
    run = suites.apply(virgin, "octavia")
    comment = run.by_id["octavia_check"]["comment"]
    assert newer in comment and virgin.platform.release in comment
    assert "octavia.upgrade.pre" in comment or newer == "ocata"
    assert virgin.get("/etc/octavia/octavia.conf") == before


def test_a_secondary_waits_for_the_schema(virgin):
    """A node that is not the primary starts no service before the schema is at head."""
    virgin.set_pillar(
        {
            "octavia.sls": _sample("aio"),
            "secondary.sls": {"octavia": {"api": {"role": "secondary"}}},
        }
    )
    suites.must_apply(virgin, "sandbox")
    argv = virgin.command(["salt-call", "--local", "--out=json", "state.apply", "octavia"])
    call = subprocess.Popen(argv, env=virgin.environment(), stdout=subprocess.PIPE, text=True)
    assert wait_until(lambda: _exists(virgin, "/etc/default/octavia-api"), 300)
    assert set(_states(virgin).values()) == {"inactive"}
    sync = ["su", "-s", "/bin/sh", "octavia", "-c", "octavia-db-manage upgrade head"]
    virgin.run(sync, check=True)
    said, _ = call.communicate(timeout=300)
    assert call.returncode == 0, said
    assert set(_states(virgin).values()) == {"active"}


def test_the_client_where_salt_runs_in_the_system_s_python(virgin):
    """There the SDK comes as a package; Salt is lent to that Python from its own place."""
    clouds = {"octavia": {"region_name": "RegionOne", "auth": {"auth_url": "http://[::1]:5000/v3"}}}
    virgin.set_pillar({"octavia.sls": {"octavia": {"client": {"enabled": True, "clouds": clouds}}}})
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    lent = virgin.run(["/opt/salt/bin/python", "-c", where], check=True).stdout.strip()
    call = "import sys; from salt.scripts import salt_call; sys.exit(salt_call())"
    argv = ["/usr/bin/python3", "-c", call, "--local", "--out=json", "state.apply", "octavia"]
    for changes in (True, False):
        done = virgin.run(argv, env={"PYTHONPATH": lent}, timeout=900)
        states = json.loads(done.stdout)["local"].values()
        assert all(state["result"] for state in states), done.stdout
        assert any(state["changes"] for state in states) is changes
    assert virgin.run(["/usr/bin/python3", "-c", "import openstack"]).returncode == 0


def test_on_the_machine_itself(virgin):
    """TARGET=host, on a node that plays the machine; and refused where systemd is not running."""
    archive = subprocess.run(
        ["git", "-C", str(REPOSITORY), "ls-files", "-z"], capture_output=True, check=True
    ).stdout
    packed = subprocess.run(
        ["tar", "-C", str(REPOSITORY), "--null", "-T", "-", "-cf", "-"],
        input=archive,
        capture_output=True,
        check=True,
    ).stdout
    unpack = virgin.command(["sh", "-c", "mkdir -p /root/formula && tar -C /root/formula -xf -"])
    subprocess.run(unpack, input=packed, env=virgin.environment(), check=True)
    deploy = "cd /root/formula && TARGET=host /usr/bin/python3 -m tests.converge"
    result = virgin.run(["sh", "-c", deploy], timeout=1500)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "ACTIVE" in result.stdout and "Second run" in result.stdout
    hidden = f"mount -t tmpfs none /run/systemd && {deploy}"
    refused = virgin.run(["unshare", "--mount", "sh", "-c", hidden])
    assert refused.returncode == 1
    assert "systemd is not running" in refused.stderr
