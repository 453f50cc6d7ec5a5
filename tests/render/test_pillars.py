"""Every pillar of the project, on every system, through Salt: what would be done on the node."""

from __future__ import annotations

import configparser
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import harness
import pytest
import yaml
from cases import CASES, Case, secrets
from oslo_config import cfg
from oslo_reader import read_file

OPTIONS = json.loads(
    (harness.ROOT / "octavia" / "parameters" / "options.json").read_text(encoding="utf-8")
)
ROLES = ("api", "manager", "client")
ENTRIES = ("octavia", *(f"octavia.{role}" for role in ROLES))
NODES = [(name, system) for name, case in CASES.items() for system in case.systems]


@dataclass
class Node:
    """A minion with one of the pillars, and what the formula says of it."""

    case: Case
    system: str
    pillar: dict[str, Any]
    minion: harness.Minion
    map: dict[str, Any]

    @property
    def roles(self) -> list[str]:
        """The roles that its pillar enables."""
        return [role for role in ROLES if self.pillar["octavia"].get(role, {}).get("enabled")]


@pytest.fixture(scope="module", params=NODES, ids=["-".join(names) for names in NODES])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    """Each node in turn."""
    name, system = request.param
    pillar = CASES[name].pillar(system)
    with harness.Minion(system, pillar) as minion:
        yield Node(CASES[name], system, pillar, minion, minion.call["octavia_config.map"]())


def conf(node: Node) -> str:
    """The node's octavia.conf."""
    return node.minion.template("salt://octavia/files/octavia.conf")


def eras(release: str) -> dict[str, dict[str, Any]]:
    """Sections and options that a release has."""
    place = OPTIONS["releases"].index
    return {
        section: {
            name: era
            for name, history in options.items()
            for era in history
            if place(era["from"]) <= place(release) <= place(era.get("to", "2026.2"))
        }
        for section, options in OPTIONS["sections"].items()
    }


def test_the_pillar_is_right(node):
    assert [item for item in node.map["findings"] if item["level"] == "error"] == []
    assert node.map["roles"] == node.roles


def test_the_readme_shows_a_pillar_of_each_server_role():
    shown = [case.pillar("debian12") for name, case in CASES.items() if name.startswith("readme_")]
    assert {"api", "manager"} <= {role for pillar in shown for role in pillar["octavia"]}


@pytest.mark.parametrize("sls", ENTRIES)
def test_it_compiles(node, sls):
    chunks = node.minion.low(sls)
    assert harness.unresolved(chunks) == []
    names = [(chunk["__id__"], chunk["state"]) for chunk in chunks]
    assert len(set(names)) == len(names)
    # Nothing is done unless the check has passed.
    assert chunks[0]["__id__"] == "octavia_check"
    assert all("octavia_check" in harness.needs(chunk, chunks) for chunk in chunks[1:])
    role = sls.partition(".")[2]
    assert (len(chunks) > 1) is (role in node.roles if role else bool(node.roles))


def test_things_happen_in_order(node):
    chunks = node.minion.low("octavia")
    needs = {chunk["__id__"]: harness.needs(chunk, chunks) for chunk in chunks}
    for role in set(node.roles) - {"client"}:
        assert f"octavia_{role}_packages" in needs["octavia_config_file"]
        assert "octavia_config_file" in needs["octavia_db"]
        for unit in node.map["units_of"][role]:
            service = f"octavia_service_{unit}"
            assert {"octavia_db", f"octavia_unit_{unit}"} <= needs[service]
            assert service in needs[f"octavia_{role}_up"]


def test_the_database_is_synced_by_the_api_only(node):
    kinds = {chunk["__id__"]: chunk["fun"] for chunk in node.minion.low("octavia")}
    servers = set(node.roles) - {"client"}
    expected = ("db_synced" if "api" in servers else "db_ready") if servers else None
    assert kinds.get("octavia_db") == expected


def test_no_secret_is_where_it_could_be_seen(node):
    hidden = secrets(node.pillar)
    shown = [json.dumps(node.minion.low(sls)) for sls in ENTRIES]
    shown += [json.dumps(node.map), json.dumps(node.minion.call["octavia_config.validate"]())]
    assert [secret for secret in hidden if any(secret in text for text in shown)] == []
    if set(node.roles) - {"client"}:
        assert [secret for secret in hidden if secret in conf(node)] != []


def test_files_with_secrets_are_closed_and_not_shown(node):
    for chunk in node.minion.low("octavia"):
        if chunk["__id__"] in (
            *("octavia_config_file", "octavia_ssh_private_key", "octavia_client_clouds"),
        ):
            assert chunk["show_changes"] is False
            assert chunk["mode"] in ("0600", "0640")
            assert "context" not in chunk or list(chunk["context"]) == ["path"]


def test_octavia_conf_is_what_the_sections_say(node, tmp_path):
    if not node.map["units"]:
        assert set(node.roles) <= {"client"}
        return
    sections = node.minion.call["octavia_config.sections"]()
    written, expected = tmp_path / "octavia.conf", tmp_path / "expected"
    written.write_text(conf(node), encoding="utf-8")
    lines = []
    for section, options in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{name} = {line}" for name, one in options.items() for line in one["text"]]
    expected.write_text("\n".join(lines) + "\n", encoding="utf-8")
    parsed: list[dict[str, Any]] = [{}, {}]
    for path, into in zip((written, expected), parsed, strict=True):
        cfg.ConfigParser(str(path), into).parse()
    assert parsed[0] == parsed[1]
    assert list(parsed[0]) == list(sections)

    known = eras(node.map["release"])
    roles = [node.pillar["octavia"][role] for role in node.roles]
    added = {name for role in roles for name in role.get("config", {})}
    sections = {name: options for name, options in sections.items() if name not in added}
    unknown = [
        (s, name) for s, options in sections.items() for name in set(options) - set(known[s])
    ]
    assert unknown == []
    used = {s: {name: known[s][name] for name in options} for s, options in sections.items()}
    read = read_file(str(written), used)
    assert {s: set(options) for s, options in read.items() if s not in added} == {
        s: set(options) for s, options in sections.items()
    }


class TestFiles:
    """The other files that are rendered."""

    @pytest.fixture(name="files")
    def _files(self, node: Node) -> dict[str, dict[str, Any]]:
        """The states of files by ID."""
        chunks = node.minion.low("octavia")
        return {chunk["__id__"]: chunk for chunk in chunks if chunk["fun"] == "managed"}

    def test_each_has_a_mode_and_an_owner(self, files):
        for chunk in files.values():
            assert chunk["mode"][0] == "0"
            assert {"user", "group"} <= set(chunk)

    def test_each_is_rendered(self, node, files):
        for chunk in files.values():
            if chunk.get("template") == "jinja":
                text = node.minion.template(chunk["source"], chunk.get("context"))
                assert text.strip()
                assert "{{" not in text
            else:
                assert node.minion.call["cp.cache_file"](chunk["source"])

    def test_units_are_mended_as_the_map_says(self, node, files):
        for name, unit in node.map["units"].items():
            chunk = files[f"octavia_unit_{name}"]
            assert chunk["name"].startswith(f"/etc/systemd/system/{name}.service.d/")
            parser = configparser.ConfigParser(interpolation=None)
            parser.optionxform = str
            parser.read_string(node.minion.template(chunk["source"], chunk["context"]))
            wanted = {key: str(value) for key, value in unit["service"].items()}
            assert dict(parser["Service"]) == wanted

    def test_the_api_is_bound_where_the_packages_would_not(self, node, files):
        if not node.map["uwsgi"]:
            assert "octavia_api_uwsgi" not in files
            return
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(node.minion.template(files["octavia_api_uwsgi"]["source"]))
        bind = node.pillar["octavia"]["api"].get("bind", {})
        address = bind.get("address", "127.0.0.1")
        host = f"[{address}]" if ":" in address else address
        socket = f"{host}:{bind.get('port', 9876)}"
        if "cert_file" in bind:
            protected = f"{socket},{bind['cert_file']},{bind['key_file']}"
            assert parser["uwsgi"]["https-socket"] == protected
        else:
            assert parser["uwsgi"]["http-socket"] == socket
        for key in ("processes", "threads"):
            assert parser["uwsgi"].getint(key) == bind.get(key)
        arguments = node.minion.template(files["octavia_api_defaults"]["source"])
        assert f"--ini {files['octavia_api_uwsgi']['name']}" in arguments

    def test_clouds_are_those_of_the_pillar_beside_those_that_are_there(
        self, node, files, tmp_path
    ):
        if not node.map["clouds_file"]:
            assert "octavia_client_clouds" not in files
            return
        chunk, path = files["octavia_client_clouds"], tmp_path / "clouds.yaml"
        assert chunk["name"] == chunk["context"]["path"] == node.map["clouds_file"]
        path.write_text("clouds: {other: {region_name: x}}\ncache: {}\n", encoding="utf-8")
        written = yaml.safe_load(node.minion.template(chunk["source"], {"path": str(path)}))
        clouds = node.pillar["octavia"]["client"]["clouds"]
        assert written == {"clouds": {"other": {"region_name": "x"}, **clouds}, "cache": {}}

    def test_the_key_to_the_amphorae_is_that_of_the_pillar(self, node, files):
        ssh = node.pillar["octavia"].get("manager", {}).get("ssh", {})
        if not ssh:
            assert "octavia_ssh_private_key" not in files
            return
        text = node.minion.template(files["octavia_ssh_private_key"]["source"])
        assert text.strip() == ssh["private_key"].strip()
        assert files["octavia_ssh_private_key"]["user"] == ssh["user"]
