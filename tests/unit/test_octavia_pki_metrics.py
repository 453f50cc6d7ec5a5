"""The end of certificates as metrics of the node exporter's textfile collector."""

import datetime

import octavia_pki_expiry as expiry
import octavia_pki_metrics as metrics
from given_pki import NOW, files, good, material


def _rows():
    return expiry.of_files(files(), material(good()).contents, NOW)


def test_the_end_of_each_certificate():
    lines = metrics.text(_rows()).splitlines()
    end = int((NOW + datetime.timedelta(days=365)).timestamp())
    bundle = 'kind="file",where="/etc/octavia/certs/client_all.pem",name="ctl01"'
    assert f"octavia_certificate_end_seconds{{{bundle}}} {end}" in lines
    assert "# TYPE octavia_certificate_end_seconds gauge" in lines


def test_the_same_certificates_give_the_same_text_whatever_the_order_and_the_day():
    rows = _rows()
    later = expiry.of_files(files(), material(good()).contents, NOW + datetime.timedelta(days=3))
    assert metrics.text(rows) == metrics.text(reversed(later))


def test_of_two_of_one_name_the_first_end_counts():
    """The node exporter refuses a file with one series twice."""
    row = {"kind": "file", "where": "/ca.pem", "name": "CA", "days_left": 1}
    ends = ("2027-01-02T00:00:00Z", "2027-01-01T00:00:00Z")
    text = metrics.text([{**row, "expires": end} for end in ends])
    (sample,) = [line for line in text.splitlines() if not line.startswith("#")]
    assert sample.endswith(" 1798761600")


def test_what_nobody_knows_is_told_and_names_are_escaped():
    text = metrics.text([expiry.unknown("file", 'a"b\\c', "it is not there")])
    assert 'octavia_certificate_unreadable{kind="file",where="a\\"b\\\\c"} 1' in text
