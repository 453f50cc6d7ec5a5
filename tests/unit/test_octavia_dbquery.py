"""
The program that asks a database: what it says where it cannot, and what it looks up, with SQLite as
the server behind a driver that is called as PyMySQL is.
"""

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys

import octavia_dblooks
import octavia_dbquery
import pytest

PASSWORD = "s3cr3t"
URL = f"mysql+pymysql://u:{PASSWORD}@h/octavia"
DRIVER = """
import datetime, decimal, os, re, sqlite3

Error = sqlite3.Error

class Cursor:
    def __init__(self, connection):
        self.connection, self.cursor = connection, connection.cursor()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cursor.close()

    def execute(self, statement, values=None):
        self.cursor.execute(statement)
        self.description = self.cursor.description

    def fetchall(self):
        return [tuple(map(value, row)) for row in self.cursor.fetchall()]

    def fetchone(self):
        return self.fetchall()[0]

def value(item):
    if re.fullmatch("[0-9-]{10} [0-9:]{8}", str(item)):
        return datetime.datetime.fromisoformat(item)
    return decimal.Decimal(item) if isinstance(item, float) else item

class Connection:
    def __init__(self):
        self.base = sqlite3.connect("file:" + os.environ["DATABASE"] + "?mode=ro", uri=True)
        self.base.execute("ATTACH ? AS information_schema", [os.environ["DATABASE"] + ".schema"])
        for name, call in {
            "UTC_TIMESTAMP": lambda: "2026-10-01 12:00:00",
            "DATABASE": lambda: "octavia",
            "CONNECTION_ID": lambda: 9,
            "LOCATE": lambda part, whole: whole.find(part) + 1,
            "CHAR_LENGTH": len,
            "REVERSE": lambda text: text[::-1],
            "SUBSTRING": lambda text, first, length: text[first - 1 : first - 1 + length],
        }.items():
            self.base.create_function(name, -1, call)

    def cursor(self):
        return Cursor(self.base)

    def close(self):
        self.base.close()

def connect(**_):
    return Connection()
"""
STATUSES = ["ACTIVE", "PENDING_CREATE", "PENDING_UPDATE", "PENDING_DELETE", "ERROR", "DELETED"]
#: As of 2026.2; without the columns that stand after a bar, as of Ocata.
SCHEMA = {
    "load_balancer": "id name provisioning_status operating_status created_at updated_at",
    "listener": "id name provisioning_status load_balancer_id created_at updated_at",
    "pool": "id name provisioning_status load_balancer_id created_at updated_at",
    "member": "id name provisioning_status pool_id created_at updated_at",
    "health_monitor": "name provisioning_status pool_id | id created_at updated_at",
    "l7policy": "id name provisioning_status listener_id | created_at updated_at",
    "l7rule": "id provisioning_status l7policy_id | created_at updated_at",
    "amphora": "id status load_balancer_id compute_id lb_network_ip | created_at updated_at",
    "amphora_health": "amphora_id last_update busy",
}
NEWEST = {table: columns.replace("| ", "").split() for table, columns in SCHEMA.items()}
OCATA = {table: columns.partition("|")[0].split() for table, columns in SCHEMA.items()}


def ask(url, *, settings=None, **question):
    """The program's answer, as the formula asks for it."""
    question = question or {"table": "alembic_version"}
    done = subprocess.run(
        [sys.executable, octavia_dbquery.__file__],
        input=json.dumps({"url": url, **question}),
        capture_output=True,
        text=True,
        env={**os.environ, **(settings or {})},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


class Server:
    """A database of Octavia, and what MySQL keeps beside it."""

    def __init__(self, folder, schema):
        (folder / "pymysql").mkdir()
        (folder / "pymysql" / "__init__.py").write_text(DRIVER)
        path = str(folder / "octavia")
        self.schema, self.base = schema, sqlite3.connect(path)
        self.settings = {"PYTHONPATH": str(folder), "DATABASE": path}
        self.base.execute("ATTACH ? AS information_schema", [path + ".schema"])
        for table, columns in {
            **schema,
            "information_schema.columns": ["table_schema", "table_name", "column_name"],
            "information_schema.tables": ["table_schema", "data_length", "index_length"],
            "information_schema.processlist": ["id", "user", "host", "db", "command", "time"],
        }.items():
            self.base.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
        for table, columns in schema.items():
            for column in columns:
                self.base.execute(
                    "INSERT INTO information_schema.columns VALUES ('octavia', ?, ?)",
                    [table, column],
                )

    def add(self, table, **row):
        """A row, with those columns that the schema has."""
        known = {key: row[key] for key in row if key in self.schema.get(table, row)}
        places = ", ".join("?" * len(known))
        self.base.execute(
            f"INSERT INTO {table} ({', '.join(known)}) VALUES ({places})", [*known.values()]
        )

    def look(self, name):
        """The answer of the program, the time of the database left out."""
        self.base.commit()
        answer = ask(URL, settings=self.settings, look=name)
        assert answer.pop("now") == "2026-10-01T12:00:00+00:00"
        assert set(answer) == {"rows"}
        return answer["rows"]


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path, NEWEST)


@pytest.fixture
def ocata(tmp_path):
    return Server(tmp_path, OCATA)


def test_what_is_pending(server):
    server.add("load_balancer", id="lb", name="shop", provisioning_status="PENDING_UPDATE")
    times = {"created_at": "2026-09-01 10:00:00", "updated_at": "2026-09-02 10:00:00"}
    wanted = {"provisioning_status": "PENDING_CREATE", "created_at": "2026-09-01 10:00:00"}
    server.add("listener", id="li", name="web", load_balancer_id="lb", **{**wanted, **times})
    server.add("pool", id="po", load_balancer_id="lb", **wanted)
    server.add("member", id="me", pool_id="po", **wanted)
    server.add("health_monitor", id="hm", pool_id="po", **wanted)
    server.add("l7policy", id="p", name="old", listener_id="li", **wanted)
    server.add("l7rule", id="r", l7policy_id="p", **wanted)
    server.add("amphora", id="a", status="BOOTING", load_balancer_id="lb", **times)
    server.add("amphora", id="b", status="PENDING_DELETE")
    found = {row["kind"]: row for row in server.look("pending") if row["id"] != "b"}
    assert found["listener"] == {
        "kind": "listener",
        "id": "li",
        "name": "web",
        "status": "PENDING_CREATE",
        "loadbalancer_id": "lb",
        "loadbalancer_status": "PENDING_UPDATE",
        "since": "2026-09-02T10:00:00+00:00",
    }
    assert {kind: row["id"] for kind, row in found.items()} == {
        "loadbalancer": "lb",
        "listener": "li",
        "pool": "po",
        "member": "me",
        "healthmonitor": "hm",
        "l7policy": "p",
        "l7rule": "r",
        "amphora": "a",
    }
    assert {row["loadbalancer_id"] for row in found.values()} == {"lb"}
    assert found["member"]["since"] == "2026-09-01T10:00:00+00:00"
    assert (found["amphora"]["status"], found["amphora"]["name"]) == ("BOOTING", None)
    assert found["loadbalancer"]["since"] is None
    alone = server.look("pending")[-2:]
    assert [row["loadbalancer_id"] for row in alone if row["id"] == "b"] == [None]


@pytest.mark.parametrize("status", STATUSES)
def test_which_states_are_pending(server, status):
    for table, columns in NEWEST.items():
        if "provisioning_status" in columns:
            server.add(table, id="x", provisioning_status=status)
    assert len(server.look("pending")) == (7 if status.startswith("PENDING_") else 0)


@pytest.mark.parametrize("status", ["ALLOCATED", "READY", "ERROR", "DELETED", "FAILOVER_STOPPED"])
def test_amphorae_that_are_not_pending(server, status):
    server.add("amphora", id="a", status=status)
    assert server.look("pending") == []


def test_what_is_pending_in_ocata(ocata):
    ocata.add("load_balancer", id="lb", provisioning_status="PENDING_UPDATE")
    ocata.add("pool", id="po", provisioning_status="PENDING_UPDATE", load_balancer_id="lb")
    ocata.add("health_monitor", pool_id="po", provisioning_status="PENDING_UPDATE")
    ocata.add("l7rule", id="r", provisioning_status="PENDING_UPDATE")
    ocata.add("amphora", id="a", status="PENDING_CREATE")
    found = {row["kind"]: (row["id"], row["since"]) for row in ocata.look("pending")}
    assert found["healthmonitor"] == ("po", None)
    assert found["l7rule"] == ("r", None)
    assert found["amphora"] == ("a", None)


def test_heartbeats(server):
    server.add("load_balancer", id="lb", name="shop", provisioning_status="ACTIVE")
    address = {"compute_id": "c", "lb_network_ip": "192.0.2.1", "load_balancer_id": "lb"}
    for name, status in {
        "a": "ALLOCATED",
        "b": "ALLOCATED",
        "c": "BOOTING",
        "d": "DELETED",
    }.items():
        server.add("amphora", id=name, status=status, **address)
    server.add("amphora_health", amphora_id="a", last_update="2026-10-01 11:59:58", busy=1)
    server.add("amphora_health", amphora_id="gone", last_update="2026-10-01 11:59:58", busy=0)
    first, second = server.look("heartbeats")
    assert first == {
        "id": "a",
        "loadbalancer_id": "lb",
        "loadbalancer_name": "shop",
        "compute_id": "c",
        "lb_network_ip": "192.0.2.1",
        "last_update": "2026-10-01T11:59:58+00:00",
        "busy": True,
    }
    assert first["busy"] is True
    assert (second["id"], second["last_update"], second["busy"]) == ("b", None, None)


def test_balancers(server):
    for name, status in {"a": "ACTIVE", "b": "ACTIVE", "c": "ERROR"}.items():
        row = {"provisioning_status": status, "operating_status": "ONLINE"}
        server.add("load_balancer", id=name, **row)
    online = {"operating_status": "ONLINE"}
    assert server.look("balancers") == [
        {"provisioning_status": "ACTIVE", "count": 2, **online},
        {"provisioning_status": "ERROR", "count": 1, **online},
    ]


def test_size(server):
    table = "information_schema.tables"
    server.add(table, table_schema="octavia", data_length=100.0, index_length=20.0)
    server.add(table, table_schema="octavia", data_length=3.0, index_length=0.0)
    server.add(table, table_schema="nova", data_length=5000.0, index_length=0.0)
    assert server.look("size") == [{"bytes": 123}]


def test_sessions(server):
    table, other = "information_schema.processlist", {"user": "octavia", "db": "octavia"}
    server.add(table, id=1, host="192.0.2.1:4711", command="Query", time=3, **other)
    server.add(table, id=2, host="2001:db8::1:4711", command="Sleep", time=70, **other)
    server.add(table, id=3, host="localhost", command="Sleep", time=0, **other)
    server.add(table, id=4, host="192.0.2.2:1", command="Sleep", time=0, user="nova", db="nova")
    server.add(table, id=9, host="192.0.2.3:1", command="Query", time=0, **other)
    rows = server.look("sessions")
    assert rows[0] == {"host": "192.0.2.1", "user": "octavia", "command": "Query", "seconds": 3}
    assert [row["host"] for row in rows] == ["192.0.2.1", "2001:db8::1", "localhost"]


@pytest.mark.parametrize("name", ["pending", "heartbeats", "balancers"])
def test_a_database_without_tables(tmp_path, name):
    assert Server(tmp_path, {}).look(name) == []


def test_something_that_is_not_looked_up(server):
    answer = ask(URL, settings=server.settings, look="everything")
    assert answer["error"] == "unsupported"
    assert "pending" in answer["text"]


@pytest.mark.parametrize("engine", [octavia_dblooks.MYSQL, octavia_dblooks.POSTGRESQL])
@pytest.mark.parametrize("schema", [OCATA, NEWEST])
def test_a_look_only_reads(engine, schema):
    there = {f"{table}.{column}" for table, columns in schema.items() for column in columns}
    for name in octavia_dblooks.LOOKS:
        statements = octavia_dblooks.statements(name, engine, there)
        assert statements
        for text in statements:
            assert re.match(r"\s*SELECT\b", text)
            assert not re.search(r"\b(UPDATE|INSERT|DELETE|DROP|FOR UPDATE)\s", text)
            assert "{" not in text


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


@pytest.mark.parametrize("question", [{"amphorae": True}, {"look": "pending"}])
def test_a_database_that_cannot_be_asked(question):
    answer = ask(f"mysql+pymysql://u:{PASSWORD}@127.0.0.1:1/octavia", **question)
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


def test_a_file_of_tls_that_is_not_there():
    answer = ask(f"{URL}?ssl_ca=/nonexistent/ca.pem", look="size")
    assert answer["error"] == "other"
    assert PASSWORD not in answer["text"]
