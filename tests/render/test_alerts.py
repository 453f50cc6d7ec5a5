"""The alert rules of octavia/meta/prometheus.yml, run by Prometheus's own promtool."""

import subprocess

import pytest
import yaml
from cases import CASES
from harness import ROOT, Minion

from tests import environments

DAY = 86400
FILE = 'octavia_certificate_end_seconds{kind="file",where="/ca.pem",name="CA",instance="ctl01"}'
AMPHORA = 'octavia_certificate_end_seconds{kind="amphora",where="1",name="lb",instance="ctl01"}'


@pytest.fixture(scope="module", name="rules")
def _rules():
    """The rules as other formulas render them: alerts by name."""
    minion = Minion("debian12", CASES["aio"].pillar("debian12"))
    try:
        return yaml.safe_load(minion.template("salt://octavia/meta/prometheus.yml"))["server"][
            "alert"
        ]
    finally:
        minion.highstate.destroy()


def _promtool(folder, *args):
    return subprocess.run(
        [environments.promtool(), *args], cwd=folder, capture_output=True, text=True
    )


def _write(folder, rules):
    listed = [
        {("expr" if key == "if" else key): value for key, value in {"alert": name, **rule}.items()}
        for name, rule in rules.items()
    ]
    (folder / "rules.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "octavia", "rules": listed}]}), encoding="utf-8"
    )


def test_the_rules_are_valid(rules, tmp_path):
    _write(tmp_path, rules)
    done = _promtool(tmp_path, "check", "rules", "rules.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (ROOT / "octavia" / "meta" / "prometheus.yml").exists()


@pytest.mark.parametrize(
    ("series", "value", "fires"),
    [
        (FILE, 31 * DAY, None),
        (FILE, 29 * DAY, "OctaviaCertificateEndsSoon"),
        (FILE, 15 * DAY, "OctaviaCertificateEndsSoon"),
        (FILE, 13 * DAY, "OctaviaCertificateEndsNow"),
        (FILE, -DAY, "OctaviaCertificateEndsNow"),
        # An amphora's certificate lasts 30 days and is renewed 14 days before its end.
        (AMPHORA, 29 * DAY, None),
        (AMPHORA, 15 * DAY, None),
        (AMPHORA, 13 * DAY, "OctaviaAmphoraCertificateNotRenewed"),
        ('octavia_certificate_unreadable{kind="file",where="/ca.pem"}', 1, "Unreadable"),
        ('node_textfile_mtime_seconds{file="/x/octavia_certificates.prom"}', 1, None),
    ],
)
def test_an_alert_fires_when_it_should_and_no_other(rules, tmp_path, series, value, fires):
    """Prometheus's time begins at 0 here, and two hours later it is asked."""
    _write(tmp_path, rules)
    expected = []
    for name, rule in rules.items():
        labels = dict(part.split("=", 1) for part in series.partition("{")[2][:-1].split(","))
        labels = {key: text.strip('"') for key, text in labels.items()}
        alerts = [{"exp_labels": {**labels, **rule["labels"]}}] if _is(name, fires) else []
        expected.append({"eval_time": "2h", "alertname": name, "exp_alerts": alerts})
    test = {
        "interval": "1m",
        "input_series": [{"series": series, "values": f"{value}x150"}],
        "alert_rule_test": expected,
    }
    for each in expected:
        for alert in each["exp_alerts"]:
            alert["exp_annotations"] = _annotations(rules[each["alertname"]], alert, value)
    (tmp_path / "test.yml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [test]}), encoding="utf-8"
    )
    done = _promtool(tmp_path, "test", "rules", "test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def _is(name, fires):
    return fires is not None and name.endswith(fires)


def _annotations(rule, alert, value):
    """What the annotations say two hours later."""
    said = {}
    for key, text in rule["annotations"].items():
        said[key] = text.replace("{{ $value | humanizeDuration }}", _duration(value - 7200))
        for label, content in {"instance": "", **alert["exp_labels"]}.items():
            said[key] = said[key].replace(f"{{{{ $labels.{label} }}}}", content)
    return said


def _duration(seconds):
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    days, rest = divmod(seconds, DAY)
    parts = (f"{rest // 3600}h", f"{rest % 3600 // 60}m", f"{rest % 60}s")
    return sign + " ".join([f"{days}d", *parts] if days else parts)
