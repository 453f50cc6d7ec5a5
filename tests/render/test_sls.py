"""The SLS tree: each file is used, and the shape of a node's states follows its grains and role."""

import copy
import sys

import harness
import pytest
import yaml
from cases import CASES

# These only include others.
INCLUDING = {"octavia", "octavia.api", "octavia.client", "octavia.manager"}
INCLUDING |= {"octavia.upgrade.pkgs_latest"}
TREE = harness.ROOT / "octavia"
ALL = {
    ".".join(("octavia", *path.relative_to(TREE).with_suffix("").parts)).removesuffix(".init")
    for path in TREE.rglob("*.sls")
    if "orchestrate" not in path.parts
}
# Actions that the grain `noservices` switches off.
SERVICES = {("octavia_control", name) for name in ("running", "up", "db_synced", "db_ready")}
STAGES = ("health_manager_stopped", "fleet_told", "health_manager_started")
SERVICES |= {("octavia_pki", name) for name in (*STAGES, "heartbeat_key_kept")}
SERVICES |= {("octavia_control", "db_backed_up")}
PHASES = ("clouds_lent", "clouds_returned", "drained", "undrained", "stopped", "verified")
SERVICES |= {("octavia_upgrade", name) for name in (*PHASES, "backups_removed")}


def pillar(name, **api):
    """The pillar of a case, with some keys of its api role changed."""
    changed = copy.deepcopy(CASES[name].pillar("debian12"))
    changed["octavia"].get("api", {}).update(api)
    return changed


def test_every_sls_is_rendered_by_one_of_the_pillars():
    missing = ALL - INCLUDING
    for case in CASES.values():
        system = case.systems[0]
        with harness.Minion(system, case.pillar(system)) as minion:
            for sls in sorted(missing):
                missing -= {chunk["__sls__"] for chunk in minion.low(sls)}
    assert missing == set()


def test_salt_ssh_is_told_where_else_to_render(monkeypatch):
    given, options = pillar("aio"), harness.options
    # What salt-ssh has among its options, and nobody else.
    ssh = {"__master_opts__": {}}
    monkeypatch.setattr(harness, "options", lambda *args, **more: options(*args, **more, **ssh))
    said = pytest.raises(harness.RenderError, match=r"salt-ssh has neither .* salt-call on the")
    with harness.Minion("debian12", given) as minion, said:
        minion.low("octavia")


def test_the_heartbeat_key_is_rotated_in_this_order_whatever_the_master_s_pillar():
    given = {"octavia": {"orchestrate": {"teller": "ctl01"}}}
    with harness.Minion("debian12", given) as minion:
        chunks = minion.low("octavia.orchestrate.heartbeat_key")
        assert harness.unresolved(chunks) == []
    stages = [(chunk["sls"].rpartition(".")[2], chunk["tgt"]) for chunk in chunks]
    everywhere = "I@octavia:manager:enabled:true"
    assert stages == [
        ("stopped", everywhere),
        ("written", everywhere),
        ("told", "ctl01"),
        ("started", everywhere),
    ]
    assert {chunk["sls"] for chunk in chunks} <= ALL
    needs = [chunk.get("require", [{}])[0].get("salt") for chunk in chunks]
    assert needs == [None, *(chunk["__id__"] for chunk in chunks[:-1])]
    with (
        harness.Minion("debian12", {}) as minion,
        pytest.raises(harness.RenderError, match="teller is missing"),
    ):
        minion.low("octavia.orchestrate.heartbeat_key")


@pytest.mark.parametrize("sls", sorted(ALL))
def test_every_sls_may_be_applied_alone(sls):
    with harness.Minion("debian12", pillar("aio")) as minion:
        chunks = minion.low(sls)
    assert harness.unresolved(chunks) == []
    assert chunks[0]["__id__"] == "octavia_check"


@pytest.mark.parametrize(
    "given", [pillar("aio"), pillar("api_single", role="secondary"), pillar("manager_single")]
)
def test_noservices_leaves_services_database_and_network_alone(given):
    with harness.Minion("debian12", given) as minion:
        usual = minion.low("octavia")
    with harness.Minion("debian12", given, noservices=True) as minion:
        chunks = minion.low("octavia")
        assert harness.unresolved(chunks) == []
        conf = minion.template("salt://octavia/files/octavia.conf")
        for sls in ALL:
            assert not SERVICES & {(chunk["state"], chunk["fun"]) for chunk in minion.low(sls)}
    skipped = [chunk for chunk in usual if (chunk["state"], chunk["fun"]) in SERVICES]
    units = {f"octavia_unit_{chunk['name']}" for chunk in skipped if chunk["fun"] == "running"}
    left = {chunk["__id__"] for chunk in usual} - {chunk["__id__"] for chunk in skipped}
    assert units
    assert {chunk["__id__"] for chunk in chunks} == left - units
    assert "[database]" in conf


@pytest.mark.parametrize(
    ("role", "fun"), [("primary", "db_synced"), ("secondary", "db_ready"), (None, "db_synced")]
)
@pytest.mark.parametrize("sls", ["octavia", "octavia.api", "octavia.db", "octavia.db.offline_sync"])
def test_a_secondary_waits_for_the_schema(role, fun, sls):
    with harness.Minion("debian12", pillar("api_single", role=role)) as minion:
        found = {chunk["__id__"]: chunk["fun"] for chunk in minion.low(sls)}
    if (sls, fun) == ("octavia.db.offline_sync", "db_ready"):
        assert "octavia_db" not in found
    else:
        assert found["octavia_db"] == fun


def test_persistence_is_migrated_before_the_schema_counts_as_ready():
    url = "mysql+pymysql://octavia:s3cr3t@127.0.0.1/persistence"
    task_flow = {"jobboard_enabled": True, "persistence_connection": url}
    given = pillar("api_single", task_flow=task_flow)
    with harness.Minion("debian13", given) as minion:
        chunks = {chunk["__id__"]: chunk for chunk in minion.low("octavia")}
        conf = minion.template("salt://octavia/files/octavia.conf")
    assert chunks["octavia_db_persistence"]["schema"] == "persistence"
    needed = harness.needs(chunks["octavia_service_octavia-api"], list(chunks.values()))
    assert "octavia_db_persistence" in needed
    assert f"persistence_connection = {url}" in conf


def test_the_audit_map_is_written_where_the_api_reads_it():
    given = pillar("api_single", audit={"enabled": True, "map_file": "/etc/octavia/audit"})
    with harness.Minion("debian12", given) as minion:
        chunks = {chunk["__id__"]: chunk for chunk in minion.low("octavia")}
    service = chunks["octavia_service_octavia-api"]
    assert chunks["octavia_audit_map"]["name"] == "/etc/octavia/audit"
    assert "/etc/octavia/audit" in service["reads"]
    assert "octavia_audit_map" in service["watch"]


def test_tls_of_the_api():
    bind = {"address": "::", "port": 9876, "cert_file": "/api.pem", "key_file": "/api.key"}
    with harness.Minion("debian12", pillar("api_single", bind=bind)) as minion:
        chunks = {chunk["__id__"]: chunk for chunk in minion.low("octavia")}
        text = minion.template("salt://octavia/files/octavia-api-bind.ini")
    assert "https-socket = [::]:9876,/api.pem,/api.key" in text.splitlines()
    assert chunks["octavia_api_up"]["api_url"] == "https://[::1]:9876/"
    assert {"/api.pem", "/api.key"} <= set(chunks["octavia_service_octavia-api"]["reads"])


def part(name, system):
    """A minion with the sample pillar of a feature."""
    return harness.Minion(system, CASES[f"part_{name}"].pillar(system))


@pytest.mark.parametrize(
    ("system", "service", "links"), [("ubuntu2404", "apache2", 3), ("redhat9", "httpd", 0)]
)
def test_apache_takes_the_place_of_the_packaged_server(system, service, links):
    with part("apache", system) as minion:
        chunks = {chunk["__id__"]: chunk for chunk in minion.low("octavia")}
        site = minion.template("salt://octavia/files/octavia-api-apache.conf")
    assert "octavia_service_octavia-api" not in chunks
    assert chunks["octavia_api_packaged_server"]["fun"] == "dead"
    assert "octavia-api" in chunks["octavia_api_packages"]["units"]
    running = chunks["octavia_api_apache_service"]
    assert running["name"] == service
    assert service in chunks["octavia_api_up"]["units"]
    needed = harness.needs(running, list(chunks.values()))
    assert {"octavia_db", "octavia_api_apache_site", "octavia_api_packaged_server"} <= needed
    assert len([name for name in chunks if "mods-enabled" in name]) == links
    lines = [line.strip() for line in site.splitlines()]
    assert "Listen 10.0.0.1:9876" in lines
    assert "WSGIScriptAlias / /usr/bin/octavia-wsgi" in lines
    assert "SSLCertificateFile /etc/octavia/ssl/api/cert.pem" in lines
    assert any("processes=4 threads=4" in line for line in lines)


def test_a_unit_that_the_packages_do_not_have_is_supplied():
    with harness.Minion("redhat9", pillar("api_single", version="yoga")) as minion:
        chunks = {chunk["__id__"]: chunk for chunk in minion.low("octavia")}
        unit = chunks["octavia_supplied_unit_octavia-driver-agent"]
        written = minion.template(unit["source"], unit["context"])
    running = chunks["octavia_service_octavia-driver-agent"]
    assert unit["name"] == "/etc/systemd/system/octavia-driver-agent.service"
    assert {"file": unit["__id__"]} in running["watch"]
    assert "octavia_api_packages" in harness.needs(unit, list(chunks.values()))
    assert "ExecStart=/usr/bin/octavia-driver-agent --config-file" in written
    assert "User=octavia\nGroup=octavia\n" in written


def test_content_of_certificates_is_written_before_anything_reads_it():
    with part("database_tls", "debian13") as minion:
        chunks = {chunk["__id__"]: chunk for chunk in minion.low("octavia")}
        name = "octavia_tls_/etc/octavia/ssl/mysql/client-key.pem"
        written = minion.template("salt://octavia/files/pem", chunks[name]["context"])
    assert written.startswith("-----BEGIN PRIVATE KEY-----")
    assert chunks[name]["show_changes"] is False
    assert "octavia_api_packages" in harness.needs(chunks[name], list(chunks.values()))
    for unit in ("octavia-api", "octavia-worker"):
        service = chunks[f"octavia_service_{unit}"]
        assert {"file": name} in service["watch"]
        assert chunks[name]["name"] in service["reads"]
    assert name in harness.needs(chunks["octavia_db"], list(chunks.values()))


def test_policies_are_checked_before_they_are_in_force():
    with part("policy_scoped", "debian13") as minion:
        chunks = {chunk["__id__"]: chunk for chunk in minion.low("octavia")}
        text = minion.template("salt://octavia/files/policy.yaml")
    state = chunks["octavia_policy_file"]
    assert state["fun"] == "managed"
    assert state["check_cmd"].startswith("/usr/bin/python3 -I ")
    assert "octavia_policy_file" in chunks["octavia_service_octavia-api"]["watch"]
    rules = yaml.safe_load(text)
    assert rules["system_admin"] == "role:admin and system_scope:all"
    assert rules["os_load-balancer_api:loadbalancer:put_failover"].startswith("role:member")


@pytest.mark.parametrize("name", ["octavia_policy_file", "octavia_ovn_file"])
def test_what_an_earlier_pillar_wanted_is_taken_away(name):
    with harness.Minion("debian12", pillar("aio")) as minion:
        chunks = {chunk["__id__"]: chunk for chunk in minion.low("octavia")}
    assert (chunks[name]["state"], chunks[name]["fun"]) == ("octavia_config", "withdrawn")
    assert chunks[name]["name"].startswith("/etc/octavia/")


RESOURCES = """
octavia:
  client:
    enabled: true
    resources:
      tenant:
        loadbalancers:
          - {name: web, vip_subnet_id: 7a2f7a3c-0c5c-4b8e-8f0e-0d6c5a6c3f11}
"""


def test_resources_of_the_pillar_are_managed_after_the_client_is_there():
    with harness.Minion("debian12", harness.pillar(RESOURCES, "debian12", "resources")) as minion:
        chunks = {chunk["__id__"]: chunk for chunk in minion.low("octavia")}
    state = chunks["octavia_client_resources_tenant"]
    assert (state["state"], state["fun"]) == ("octaviav2", "resources_managed")
    assert state["cloud_name"] == "tenant"
    assert {"sls": "octavia.client.package"} in state["require"]


def test_a_mistake_in_a_declared_resource_is_found_before_anything_is_done():
    text = RESOURCES.replace("vip_subnet_id", "vip_subnet")
    with harness.Minion("debian12", harness.pillar(text, "debian12", "resources")) as minion:
        (check,) = minion.low("octavia")
        done = minion.run(check)
    assert (check["__id__"], done["result"]) == ("octavia_check", False)
    assert "octavia:client:resources:tenant:loadbalancers:web:vip_subnet: " in done["comment"]


def test_a_program_that_breaks_is_told_and_is_no_lack_of_migrations(tmp_path, monkeypatch):
    program = tmp_path / "broken.py"
    program.write_text("import json, sys\nraise RuntimeError(json.load(sys.stdin)['url'])\n")
    given = CASES["jobboard_redis"].pillar("debian12")
    with harness.Minion("debian12", given) as minion:
        ask = minion.call["octavia_db.state"]
        monkeypatch.setattr(sys.modules["octavia_jobtables"], "__file__", str(program))
        found = ask("persistence")
    assert found["state"] == "unreadable"
    assert "RuntimeError" in found["text"]
    password = given["octavia"]["manager"]["jobboard"]["persistence"]["password"]
    assert password not in str(found)
