"""The alert rules of octavia/meta/prometheus.yml, run by Prometheus's own promtool."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from cases import CASES
from harness import Minion

from tests import environments

MINUTE, DAY = 60, 86400
#: When Prometheus is asked; its time begins at 0 here.
EVALUATED = 2 * 3600
NODE = {"instance": "ctl01:9100"}
BALANCER = {"id": "lb-1", "name": "web", "project_id": "p-1", "provider": "amphora"}
AMPHORA = {"id": "amp-1", "loadbalancer_id": "lb-1", "role": "MASTER"}
FILE = {"kind": "file", "where": "/ca.pem", "name": "CA", **NODE}
API = {"server": "http://127.0.0.1:9876/"}
#: How many errors come in a minute at the rate that may just be, 0.2 a second.
ALLOWED = 12


@dataclass(frozen=True)
class Case:
    """
    What Prometheus has seen, and what it says of it.

    :ivar alert: the alert that is tried
    :ivar metric: the metric that it hangs on
    :ivar labels: labels of the metric
    :ivar values: in the notation of promtool, one a minute
    :ivar fires: the labels of the alert besides its own, None where no alert fires
    :ivar value: what the query then is
    """

    alert: str
    metric: str
    labels: Mapping[str, str]
    values: str
    fires: Mapping[str, str] | None = None
    value: float = 1

    @property
    def series(self) -> str:
        """The series, as promtool reads it."""
        text = ",".join(f'{key}="{value}"' for key, value in self.labels.items())
        return f"{self.metric}{{{text}}}"


def certificate(alert: str, labels: Mapping[str, str], end: int, fires: bool) -> Case:
    """A certificate that ends at a time, in seconds after time began."""
    metric, value = "octavia_certificate_end_seconds", end - EVALUATED
    return Case(alert, metric, labels, f"{end}x150", labels if fires else None, value)


def unit(name: str) -> tuple[Case, Case]:
    """A unit that is down, and one that runs again before anybody need wake up."""
    title = "".join(word.title() for word in name.split("-"))
    labels = {"name": f"{name}.service", "state": "active", "type": "simple", **NODE}
    alert, metric = f"{title}ServiceDown", "node_systemd_unit_state"
    return (
        Case(alert, metric, labels, "0x150", labels, 0),
        Case(alert, metric, labels, "1x112 0x3 1x40"),
    )


def balancer(alert: str, provisioning: str, operating: str, values: str, fires: bool) -> Case:
    """A load balancer, as the exporter tells of it; the value says nothing."""
    labels = {
        **BALANCER,
        "provisioning_status": provisioning,
        "operating_status": operating,
        "vip_address": "192.0.2.1",
        **NODE,
    }
    metric = "openstack_loadbalancer_loadbalancer_status"
    return Case(alert, metric, labels, values, BALANCER if fires else None)


def amphora(alert: str, status: str, values: str, fires: Mapping[str, str] | None) -> Case:
    """An amphora, as the exporter tells of it."""
    labels = {**AMPHORA, "status": status, "compute_id": "c-1", **NODE}
    return Case(alert, "openstack_loadbalancer_amphora_status", labels, values, fires)


def errors(level: str, a_minute: int, fires: bool) -> Case:
    """Lines of a log."""
    labels = {"service": "octavia", "level": level, "host": "ctl01"}
    value = a_minute / MINUTE
    values = f"0+{a_minute}x150"
    only = {"host": "ctl01"} if fires else None
    return Case("OctaviaErrorLogsTooHigh", "log_messages", labels, values, only, value)


# An amphora's certificate lasts 30 days and is renewed 14 days before its end.
AMPHORA_FILE = {"kind": "amphora", "where": "1", "name": "lb", **NODE}
UNREADABLE = {"kind": "file", "where": "/ca.pem", **NODE}
TEXTFILE = {"file": "/x/octavia_certificates.prom", **NODE}
PENDING, DEGRADED = "OctaviaLoadBalancerPending", "OctaviaLoadBalancerDegraded"
SOON, NOW = "OctaviaCertificateEndsSoon", "OctaviaCertificateEndsNow"
NOT_RENEWED, STOPPED = "OctaviaAmphoraCertificateNotRenewed", "OctaviaFailoverStopped"
RULES = (
    Case("OctaviaApiDown", "openstack_loadbalancer_up", NODE, "0x150", NODE, 0),
    Case("OctaviaApiDown", "openstack_loadbalancer_up", NODE, "1x150"),
    # One list that failed.
    Case("OctaviaApiDown", "openstack_loadbalancer_up", NODE, "1x119 0 1x30"),
    Case("OctaviaApiNodeDown", "http_response_result_code", API, "3x150", API, 3),
    Case("OctaviaApiNodeDown", "http_response_http_response_code", API, "503x150", API, 503),
    Case("OctaviaApiNodeDown", "http_response_result_code", API, "0x150"),
    Case("OctaviaApiNodeDown", "http_response_http_response_code", API, "200x150"),
    # Another service of the node.
    Case(
        *("OctaviaApiNodeDown", "http_response_result_code"),
        *({"server": "http://127.0.0.1:9696/"}, "3x150"),
    ),
    balancer("OctaviaLoadBalancerError", "ERROR", "OFFLINE", "2x150", True),
    balancer("OctaviaLoadBalancerError", "ERROR", "OFFLINE", "_x112 2x30", False),
    balancer("OctaviaLoadBalancerError", "ACTIVE", "ONLINE", "0x150", False),
    balancer(DEGRADED, "ACTIVE", "DEGRADED", "-1x150", True),
    balancer(DEGRADED, "ACTIVE", "ERROR", "3x150", True),
    balancer(DEGRADED, "ACTIVE", "DEGRADED", "_x110 -1x30", False),
    balancer(DEGRADED, "ACTIVE", "NO_MONITOR", "4x150", False),
    balancer(PENDING, "PENDING_UPDATE", "ONLINE", "0x150", True),
    balancer(PENDING, "PENDING_CREATE", "OFFLINE", "2x150", True),
    balancer(PENDING, "PENDING_DELETE", "ERROR", "3x150", True),
    # A flow that boots amphorae.
    balancer(PENDING, "PENDING_CREATE", "OFFLINE", "_x95 2x60", False),
    errors("ERROR", ALLOWED + 1, True),
    errors("CRITICAL", ALLOWED + 1, True),
    errors("ERROR", ALLOWED - 1, False),
    errors("INFO", 50 * ALLOWED, False),
    *unit("octavia-driver-agent"),
    *unit("octavia-api"),
    *unit("octavia-worker"),
    *unit("octavia-health-manager"),
    *unit("octavia-housekeeping"),
    amphora("OctaviaAmphoraError", "ERROR", "6x150", AMPHORA),
    amphora("OctaviaAmphoraError", "ERROR", "_x110 6x30", None),
    amphora("OctaviaAmphoraError", "ALLOCATED", "1x150", None),
    # The exporter has no number for it.
    amphora(STOPPED, "FAILOVER_STOPPED", "-1x150", {}),
    amphora(STOPPED, "BOOTING", "0x150", None),
    certificate(SOON, FILE, 29 * DAY, True),
    certificate(SOON, FILE, 15 * DAY, True),
    certificate(SOON, FILE, 31 * DAY, False),
    certificate(NOW, FILE, 13 * DAY, True),
    certificate(NOW, FILE, -DAY, True),
    certificate(NOW, FILE, 31 * DAY, False),
    certificate(NOT_RENEWED, AMPHORA_FILE, 13 * DAY, True),
    certificate(NOT_RENEWED, AMPHORA_FILE, 15 * DAY, False),
    certificate(NOT_RENEWED, AMPHORA_FILE, 29 * DAY, False),
    Case(
        *("OctaviaCertificateUnreadable", "octavia_certificate_unreadable"),
        *(UNREADABLE, "1x150", UNREADABLE),
    ),
    Case("OctaviaCertificateUnreadable", "octavia_certificate_unreadable", UNREADABLE, "0x150"),
    Case(
        *("OctaviaCertificatesUnwatched", "node_textfile_mtime_seconds"),
        *(TEXTFILE, f"{-3 * DAY}x150", TEXTFILE, 3 * DAY + EVALUATED),
    ),
    Case("OctaviaCertificatesUnwatched", "node_textfile_mtime_seconds", TEXTFILE, "1x150"),
)


@pytest.fixture(scope="module", name="rules")
def _rules():
    """The rules of a node with all roles: alerts by name."""
    with Minion("debian12", CASES["aio"].pillar("debian12")) as minion:
        text = minion.template("salt://octavia/meta/prometheus.yml")
    return yaml.safe_load(text)["server"]["alert"]


def _promtool(folder, *args):
    return subprocess.run(
        [environments.promtool(), *args], cwd=folder, capture_output=True, text=True
    )


def _write(folder, rules: Mapping[str, Any]) -> None:
    """Writes the rules as the formula of Prometheus does, which quotes nothing itself."""
    lines = ["groups:", "- name: alert.rules", "  rules:"]
    for name, rule in rules.items():
        lines += [f"  - alert: {name}", "    expr: >-", f"      {rule['if']}"]
        lines += [f"    for: {rule['for']}"] if "for" in rule else []
        for part in ("labels", "annotations"):
            lines += [f"    {part}:"]
            lines += [f'      {key}: "{text}"' for key, text in rule[part].items()]
    (folder / "rules.yml").write_text("\n".join([*lines, ""]), encoding="utf-8")


def test_the_rules_are_valid(rules, tmp_path):
    _write(tmp_path, rules)
    done = _promtool(tmp_path, "check", "rules", "rules.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout


@pytest.mark.parametrize("fires", [True, False])
def test_each_alert_is_tried_both_ways(rules, fires):
    assert {case.alert for case in RULES if (case.fires is not None) is fires} == set(rules)


@pytest.mark.parametrize("alert", sorted({case.alert for case in RULES}))
def test_an_alert_fires_when_it_should_and_no_other(rules, tmp_path, alert):
    _write(tmp_path, rules)
    tests = [_test(rules, case) for case in RULES if case.alert == alert]
    (tmp_path / "test.yml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yml"], "tests": tests}), encoding="utf-8"
    )
    done = _promtool(tmp_path, "test", "rules", "test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def _test(rules, case):
    """A case as promtool reads it: what each alert says."""
    expected = []
    for name, rule in rules.items():
        alerts = []
        if name == case.alert and case.fires is not None:
            labels = {**case.fires, **rule["labels"]}
            said = _annotations(rule, labels, case.value)
            alerts = [{"exp_labels": labels, "exp_annotations": said}]
        expected.append({"eval_time": "2h", "alertname": name, "exp_alerts": alerts})
    return {
        "interval": "1m",
        "input_series": [{"series": case.series, "values": case.values}],
        "alert_rule_test": expected,
    }


def _annotations(rule, labels, value):
    """What the annotations say when they are asked for."""
    shown = {
        "$value": f"{value:g}",
        "$value | printf `%.2f`": f"{value:.2f}",
        "$value | humanizeDuration": _duration(value),
        **{f"$labels.{name}": text for name, text in labels.items()},
    }
    return {
        key: re.sub(r"{{ (.+?) }}", lambda found: shown[found[1]], text)
        for key, text in rule["annotations"].items()
    }


def _duration(seconds):
    sign, seconds = ("-" if seconds < 0 else ""), abs(int(seconds))
    days, rest = divmod(seconds, DAY)
    parts = (f"{rest // 3600}h", f"{rest % 3600 // 60}m", f"{rest % 60}s")
    return sign + " ".join([f"{days}d", *parts] if days else parts)
