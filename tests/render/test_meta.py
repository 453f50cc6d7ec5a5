"""What octavia/meta tells other formulas: of every node something valid, and nothing of no role."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import harness
import octavia_monitoring
import promql
import pytest
import yaml
from cases import CASES, secrets

from tests import environments

META = harness.ROOT / "octavia" / "meta"
DASHBOARD = harness.ROOT / "octavia/files/grafana_dashboards/octavia_prometheus.json"
FILES = sorted(path.stem for path in META.glob("*.yml"))
#: Those that other formulas read where octavia:_support says so; salt.yml is read everywhere.
TOOLS = [name for name in FILES if name != "salt"]
ROLES = ("api", "manager", "client")
SUBSETS = [
    roles for length in range(len(ROLES) + 1) for roles in itertools.combinations(ROLES, length)
]
#: What a formula of this ecosystem takes as having nothing.
EMPTY: dict[str, dict[str, Any]] = {
    "collectd": {"local_plugin": {}},
    "config": {"config": {}},
    "fluentd": {"agent": {"config": {"label": {}}}},
    "grafana": {"dashboard": {}},
    "heka": {"log_collector": {}},
    "prometheus": {"server": {"alert": {}}},
    "sensu": {"check": {}},
    "telegraf": {"agent": {"input": {}}},
}
#: Words that only what belongs to a role's services says.
WORDS = {
    "api": ("octavia-api", "driver-agent", "octavia_api", "OctaviaApi", "9876"),
    "manager": (
        *("octavia-worker", "/worker", "health-manager", "housekeeping"),
        *("Worker", "Amphora", "Failover", "Certificate", "5555"),
    ),
}
#: Pillars and systems: uWSGI, Apache in its place, TLS, all logs in the journal, in JSON.
NODES = {
    "uwsgi": ("aio", "debian12"),
    "packaged": ("aio", "redhat9"),
    "tls": ("api_full", "debian12"),
    "apache": ("part_apache", "ubuntu2404"),
    "journal": ("part_logging", "debian12"),
}
METRICS = yaml.safe_load((harness.ROOT / "tests/render/metrics.yaml").read_text(encoding="utf-8"))
#: How other formulas read a file of this one.
READER = """
{%- macro read() %}{% include 'octavia/meta/NAME.yml' ignore missing %}{% endmacro %}
{%- set content = read() | load_yaml %}
{{- content | json }}
"""


class Strict(yaml.SafeLoader):
    """Reads YAML, and takes no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """What PyYAML does, after a look at the keys."""
        keys = [self.construct_object(key, deep) for key, _ in node.value]
        assert len(keys) == len(set(keys)), keys
        return super().construct_mapping(node, deep)


def read(minion: harness.Minion, name: str) -> dict[str, Any]:
    """The content of a file."""
    return Strict(minion.template(f"salt://octavia/meta/{name}.yml")).get_single_data()


def pillar(node: str, roles: tuple[str, ...] = ROLES) -> tuple[dict[str, Any], str]:
    """The pillar of a node of which only some roles are enabled, and its system."""
    case, system = NODES[node]
    whole = CASES[case].pillar(system)
    octavia = dict(whole["octavia"])
    for role in ROLES:
        enabled = role in roles and role in octavia
        octavia[role] = {**octavia.get(role, {}), "enabled": enabled}
    if "manager" not in roles:
        octavia.pop("pki", None)
    return {**whole, "octavia": octavia}, system


@pytest.fixture(scope="module", params=NODES, name="node")
def _node(request: pytest.FixtureRequest) -> Iterator[tuple[str, harness.Minion]]:
    """A minion for each kind of node, whose pillar the tests set."""
    with harness.Minion(NODES[request.param][1], {}) as minion:
        yield request.param, minion


def turn(minion: harness.Minion, whole: dict[str, Any]) -> None:
    """Gives a minion another pillar."""
    minion.set_pillar(whole)
    minion.forget()


@pytest.mark.parametrize("roles", SUBSETS, ids=lambda roles: "-".join(roles) or "none")
def test_each_file_knows_the_roles_of_the_node_and_no_other(node, roles):
    kind, minion = node
    whole, _ = pillar(kind, roles)
    turn(minion, whole)
    here = [role for role in roles if whole["octavia"][role]["enabled"]]
    assert minion.call["octavia_config.map"]()["roles"] == here
    texts = {name: json.dumps(read(minion, name)) for name in FILES}
    assert not [secret for secret in secrets(whole) for text in texts.values() if secret in text]
    for name in TOOLS:
        if not {"api", "manager"} & set(here) and name in EMPTY:
            assert json.loads(texts[name]) == EMPTY[name]
        for role, words in WORDS.items():
            if role not in here:
                assert not [word for word in words if word in texts[name]], (name, role)
    assert list(json.loads(texts["sphinx"])["doc"]["role"]) == here


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("roles", [ROLES, ()], ids=["all", "none"])
def test_other_formulas_can_include_it(name, roles, tmp_path):
    path = tmp_path / "reader"
    path.write_text(READER.replace("NAME", name), encoding="utf-8")
    whole, system = pillar("uwsgi", roles)
    with harness.Minion(system, whole) as minion:
        assert json.loads(minion.template(str(path))) == read(minion, name)


def test_the_address_is_the_node_s_own(node):
    kind, minion = node
    whole, _ = pillar(kind)
    bind = whole["octavia"]["api"].get("bind", {})
    whole["octavia"]["api"]["bind"] = {**bind, "address": "0.0.0.0", "port": 19876}
    turn(minion, whole)
    scheme = "https" if "cert_file" in bind else "http"
    url = f"{scheme}://127.0.0.1:19876/"
    telegraf = read(minion, "telegraf")["agent"]["input"]
    assert telegraf == {"http_response": {"octavia-api": {"address": url, "expected_code": 200}}}
    endpoint = read(minion, "collectd")["local_plugin"]["collectd_check_local_endpoint"]
    assert endpoint == {"endpoint": {"octavia-api": {"expected_code": 200, "url": url}}}
    command = read(minion, "sensu")["check"]["local_octavia_api_answer"]["command"]
    assert "check_http -H 127.0.0.1 -p 19876 -u /" in command
    assert command.endswith("--ssl") == (scheme == "https")
    documented = read(minion, "sphinx")["doc"]["role"]["api"]
    assert documented["endpoint"]["octavia_api"]["address"] == url
    alert = read(minion, "prometheus")["server"]["alert"]["OctaviaApiNodeDown"]["if"]
    assert ':19876/"' in alert


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        ("uwsgi", {"/var/log/octavia/octavia-api.log", "/var/log/octavia/octavia-worker.log"}),
        ("packaged", {"/var/log/octavia/api.log", "/var/log/octavia/worker.log"}),
        ("apache", {"/var/log/apache2/octavia-api-error.log"}),
        ("journal", {"/var/log/octavia/octavia-api.log", "octavia-worker.service"}),
    ],
)
def test_logs_are_read_where_the_services_write_them(kind, where):
    whole, system = pillar(kind)
    with harness.Minion(system, whole) as minion:
        inputs = read(minion, "fluentd")["agent"]["config"]["label"]["openstack_octavia"]["input"]
        heka = read(minion, "heka")["log_collector"]
    assert len(inputs) == 5
    found = {
        item["path"] if item["type"] == "tail" else item["filters"]["_SYSTEMD_UNIT"]
        for item in inputs.values()
    }
    assert where <= found
    assert len({item["pos_file"] for item in inputs.values()}) == len(inputs)
    # Heka reads files alone, and of these not what is in JSON.
    assert len(heka.get("input", {})) == (0 if kind == "journal" else 5)


def test_the_records_are_parsed_as_they_are_written():
    formats = {}
    for kind in ("uwsgi", "journal"):
        whole, system = pillar(kind)
        with harness.Minion(system, whole) as minion:
            label = read(minion, "fluentd")["agent"]["config"]["label"]["openstack_octavia"]
            formats[kind] = label["filter"]["parse_octavia"]["parser"]
    assert formats["journal"] == {"type": "json"}
    # A group is called in Ruby's way.
    pattern = formats["uwsgi"]["format"].strip("/").replace("(?<", "(?P<")
    line = (
        "2026-11-28 07:00:00.123 4711 ERROR octavia.db.repositories [-] Stale amphora count reached"
    )
    for text in (line, f"[Sat Nov 28 07:00:00 2026] [wsgi:error] [pid 1] {line}"):
        groups = _search(pattern, text)
        assert (groups["levelname"], groups["pid"]) == ("ERROR", "4711")
    assert _search(pattern, '10.0.0.1 - - [28/Nov/2026:07:00:00] "GET / HTTP/1.1" 200') == {}


def _search(pattern: str, text: str) -> dict[str, str]:
    found = re.search(pattern, text)
    return found.groupdict() if found else {}


def test_the_api_in_apache_is_looked_at_by_its_own_unit():
    whole, system = pillar("apache")
    with harness.Minion(system, whole) as minion:
        checks = read(minion, "sensu")["check"]
        alerts = read(minion, "prometheus")["server"]["alert"]
    assert checks["local_octavia_api_unit"]["command"].startswith("systemctl is-active apache2.")
    # All other nodes with an Apache would be told of.
    assert "OctaviaApiServiceDown" not in alerts
    assert "OctaviaApiNodeDown" in alerts


# -- what is wrong ---------------------------------------------------------------------------------

BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "an unknown key": (
        {"clinet": {}},
        ["error: octavia:clinet: is an unknown key. Did you mean client?"],
    ),
    "monitoring of the wrong kind": (
        {"monitoring": ["error_log_rate"]},
        ["error: octavia:monitoring = (hidden): is not a mapping. Write its keys below it: error"],
    ),
    "values of the wrong kind": (
        {
            "monitoring": {
                "error_log_rate": "often",
                "pending_seconds": [1800],
                "fluentd_positions": "positions",
                "error_log_rat": 1,
            }
        },
        [
            "error: octavia:monitoring:error_log_rate = often: must be a number, not 'often'.",
            "error: octavia:monitoring:pending_seconds = [1800]: must be a whole number, not [180",
            "error: octavia:monitoring:fluentd_positions = positions: is no absolute path. Write t",
            "error: octavia:monitoring:error_log_rat: is an unknown key. Did you mean error_log_r",
        ],
    ),
    "no time at all": (
        {"monitoring": {"pending_seconds": 0, "error_log_rate": -1}},
        [
            "error: octavia:monitoring:pending_seconds = 0: must be at least 60, not 0.",
            "error: octavia:monitoring:error_log_rate = -1: must be at least 0, not -1.",
        ],
    ),
    "support of the wrong kind": (
        {"_support": True},
        ["error: octavia:_support = True: is not a mapping. Write the names of tools below it, an"],
    ),
    "tools of the wrong kind": (
        {"_support": {"prometheus": True, "grafana": {"enabled": "yes"}, "sphinx": {}}},
        [
            "error: octavia:_support:prometheus = True: is not a mapping. Write enabled: true or f",
            "error: octavia:_support:grafana:enabled = yes: is neither true nor false. Write true ",
        ],
    ),
    "no release": (
        {"api": {"enabled": True, "version": "zedd"}},
        ["error: octavia:api:version = zedd: is no release of OpenStack that the formula knows."],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_pillar_is_told_of_and_breaks_no_other_formula(name):
    change, said = BAD[name]
    whole, system = pillar("uwsgi")
    whole["octavia"] = {**whole["octavia"], **change}
    with harness.Minion(system, whole) as minion:
        (check,) = minion.low("octavia")
        comment = minion.run(check)["comment"].splitlines()
        contents = {tool: read(minion, tool) for tool in FILES}
    assert comment[-1] == "Nothing was changed."
    for text in said:
        assert [line for line in comment if line.startswith(text)], comment
    # The services that run want to be watched; addresses may be what is wrong.
    alerts = contents["prometheus"]["server"]["alert"]
    assert {"OctaviaApiDown", "OctaviaWorkerServiceDown", "OctaviaFailoverStopped"} <= set(alerts)
    assert alerts["OctaviaErrorLogsTooHigh"]["if"].endswith("> 0.2")
    assert alerts["OctaviaLoadBalancerPending"]["for"] == "1800s"
    assert contents["grafana"]["dashboard"]
    for tool in ("telegraf", "fluentd", "heka", "config"):
        assert contents[tool] == EMPTY[tool]


@pytest.mark.parametrize("given", [None, {}, "octavia", {"api": "x"}, {"api": {"enabled": 1}}])
def test_no_pillar_is_no_role(given):
    with harness.Minion("debian12", {} if given is None else {"octavia": given}) as minion:
        for name, empty in EMPTY.items():
            assert read(minion, name) == empty
        assert read(minion, "sphinx")["doc"]["role"] == {}


def test_an_unknown_system_breaks_nothing():
    whole, system = pillar("uwsgi")
    with harness.Minion(system, whole, os="Plan 9", os_family="Plan 9") as minion:
        assert "OctaviaApiDown" in read(minion, "prometheus")["server"]["alert"]
        assert read(minion, "fluentd") == EMPTY["fluentd"]


def test_without_the_formula_s_modules_there_is_nothing(monkeypatch, tmp_path):
    made = harness.options

    def options(system, **more):
        return {**made(system, **more), "extension_modules": str(tmp_path)}

    monkeypatch.setattr(harness, "options", options)
    whole, system = pillar("uwsgi")
    with harness.Minion(system, whole) as minion:
        assert "octavia_config.map" not in minion.call
        for name, empty in EMPTY.items():
            assert read(minion, name) == empty


def test_a_tool_that_the_formula_has_no_file_for_is_told_of():
    whole, system = pillar("uwsgi")
    whole["octavia"]["_support"] = {"prometeus": {"enabled": True}, "nagios": True}
    with harness.Minion(system, whole) as minion:
        found = minion.call["octavia_config.validate"]()
        assert len(minion.low("octavia")) > 1
    told = [(item["level"], item["path"]) for item in found if "_support" in item["path"]]
    assert told == [("warning", f"octavia:_support:{tool}") for tool in ("prometeus", "nagios")]
    assert found[-2]["reason"] == "has no effect: the formula has no octavia/meta/prometeus.yml"
    assert found[-2]["remedy"].startswith("Did you mean prometheus? Known tools are collectd, ")


# -- what is in force ------------------------------------------------------------------------------


def test_the_settings_of_the_pillar_are_in_force():
    whole, system = pillar("uwsgi")
    folder = "/srv/positions"
    whole["octavia"]["monitoring"] = {
        "error_log_rate": 1.5,
        "pending_seconds": 3600,
        "fluentd_positions": folder,
    }
    with harness.Minion(system, whole) as minion:
        alerts = read(minion, "prometheus")["server"]["alert"]
        label = read(minion, "fluentd")["agent"]["config"]["label"]["openstack_octavia"]
    assert alerts["OctaviaErrorLogsTooHigh"]["if"].endswith("> 1.5")
    assert alerts["OctaviaLoadBalancerPending"]["for"] == "3600s"
    assert label["input"]["octavia_api_in"]["pos_file"] == f"{folder}/octavia-api.pos"


def test_the_nodes_of_a_cloud_tell_the_same_alerts():
    """Prometheus takes an alert from whichever node has it."""
    known: dict[str, Any] = {}
    for roles in SUBSETS:
        whole, system = pillar("uwsgi", roles)
        with harness.Minion(system, whole) as minion:
            for name, rule in read(minion, "prometheus")["server"]["alert"].items():
                assert known.setdefault(name, rule) == rule


def test_what_a_model_switches_on_is_there():
    text = (harness.ROOT / "metadata/service/support.yml").read_text(encoding="utf-8")
    support = yaml.safe_load(text)["parameters"]["octavia"]["_support"]
    assert support == {tool: {"enabled": True} for tool in TOOLS}
    assert sorted(octavia_monitoring.TOOLS) == TOOLS


# -- metrics ---------------------------------------------------------------------------------------


def dashboard() -> dict[str, Any]:
    """The dashboard as it stands in the file."""
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def queries() -> Iterator[tuple[str, str]]:
    """Every query of alerts and dashboard, with where it stands."""
    whole, system = pillar("uwsgi")
    with harness.Minion(system, whole) as minion:
        alerts = read(minion, "prometheus")["server"]["alert"]
    for name, rule in alerts.items():
        yield name, rule["if"]
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


QUERIES = list(queries())
KNOWN = {
    name: {*labels, "job", "instance"}
    for exporter in METRICS.values()
    for name, labels in exporter["metrics"].items()
}


@pytest.mark.parametrize(("where", "query"), QUERIES, ids=[name for name, _ in QUERIES])
def test_a_query_asks_for_what_an_exporter_gives(where, query):
    found = promql.metrics(query)
    assert found
    assert set(found) <= set(KNOWN)
    for name, labels in found.items():
        assert labels <= KNOWN[name]
        assert promql.groupings(query) <= KNOWN[name]


def test_no_metric_is_listed_in_vain():
    totals = {name for name in KNOWN if "_total_" in name and name.startswith("openstack_")}
    asked = {name for _, query in QUERIES for name in promql.metrics(query)}
    assert set(KNOWN) - totals == asked


def test_fluentd_counts_what_alerts_ask_for():
    whole, system = pillar("uwsgi")
    with harness.Minion(system, whole) as minion:
        label = read(minion, "fluentd")["agent"]["config"]["label"]["openstack_octavia"]
    counted = label["filter"]["count_octavia"]
    assert [metric["name"] for metric in counted["metric"]] == list(METRICS["fluentd"]["metrics"])
    labels = {item["name"]: item["value"] for item in counted["label"]}
    assert set(labels) == set(METRICS["fluentd"]["metrics"]["log_messages"])
    # A field of the record, by the name that it has in both forms of Octavia's log.
    assert labels["level"] == "$.levelname"
    assert "(?<levelname>" in label["filter"]["parse_octavia"]["parser"]["format"]


def test_the_dashboard_is_json_before_and_after_it_is_rendered():
    with harness.Minion("debian12", {}) as minion:
        entry = pillar("uwsgi")[0]
        turn(minion, entry)
        told = read(minion, "grafana")["dashboard"]["octavia_prometheus"]
        assert (told["format"], told["datasource"]) == ("json", "prometheus")
        rendered = minion.template(f"salt://{told['template']}")
    assert json.loads(rendered) == dashboard()


def test_the_panels_have_their_places():
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
        if panel["type"] != "row":
            assert panel["title"] and panel["description"] and panel["targets"]
            assert panel["datasource"]["uid"] == "${datasource}"
    names = [variable["name"] for variable in dashboard()["templating"]["list"]]
    assert names == ["datasource", "port"]


def test_prometheus_understands_the_queries_of_the_dashboard(tmp_path):
    rules = [
        {
            "record": f"octavia:{number}",
            "expr": target["expr"].replace("$__rate_interval", "5m").replace("$port", "9876"),
        }
        for number, target in enumerate(
            target for panel in dashboard()["panels"] for target in panel.get("targets", [])
        )
    ]
    groups = {"groups": [{"name": "dashboard", "rules": rules}]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(groups), encoding="utf-8")
    done = subprocess.run(
        [environments.promtool(), "check", "rules", "rules.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
