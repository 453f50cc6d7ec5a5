"""The program that reads a version table: what it says where it cannot."""

import json
import socket
import subprocess
import sys

import octavia_dbquery
import pytest

PASSWORD = "s3cr3t"


def ask(url, **question):
    """The program's answer, as the formula asks for it."""
    question = question or {"table": "alembic_version"}
    done = subprocess.run(
        [sys.executable, octavia_dbquery.__file__],
        input=json.dumps({"url": url, **question}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////var/lib/octavia/octavia.sqlite", "sqlite"),
        (f"mssql+pyodbc://u:{PASSWORD}@h/octavia", "mssql"),
    ],
)
def test_a_database_of_another_kind(url, shown):
    answer = ask(url)
    assert answer["error"] == "unsupported"
    assert shown in answer["text"]
    assert PASSWORD not in answer["text"]


def test_amphorae_of_a_database_that_cannot_be_asked():
    answer = ask(f"mysql+pymysql://u:{PASSWORD}@127.0.0.1:1/octavia", amphorae=True)
    assert set(answer) == {"error", "text"}
    assert PASSWORD not in answer["text"]


@pytest.mark.parametrize(
    "url",
    [
        "octavia",
        "",
        f"mysql://u:{PASSWORD}/x@h/octavia",
        f"mysql+pymysql://u:{PASSWORD}@h:port/octavia",
        f"mysql+pymysql://u:{PASSWORD}@h:99999/octavia",
        f"mysql://u:{PASSWORD}@[fd00::1/octavia",
        f"postgresql://u:{PASSWORD}\u2100@h/octavia",
    ],
)
def test_a_url_that_is_none(url):
    answer = ask(url)
    assert answer["error"] == "unsupported"
    assert "percent-encoded" in answer["text"]
    assert PASSWORD not in answer["text"]


@pytest.mark.parametrize(
    ("scheme", "driver"), [("mysql+pymysql", "pymysql"), ("postgresql", "psycopg2")]
)
def test_a_server_that_is_not_there(scheme, driver):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        answer = ask(f"{scheme}://u:{PASSWORD}@127.0.0.1:{port}/octavia")
    try:
        __import__(driver)
    except ImportError:
        assert answer["error"] == "driver"
        assert driver in answer["text"]
    else:
        assert answer["error"] == "unreachable"
    assert PASSWORD not in answer["text"]
