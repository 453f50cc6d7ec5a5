"""
The jobboard's own schema: by its migrations, and where the packages leave these out, by TaskFlow's
description of its tables.
"""

from __future__ import annotations

import yaml

from . import suites

PASSWORD = "change-me-persistence"
SQL = f"""
CREATE DATABASE octavia_persistence;
CREATE USER persistence@localhost IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON octavia_persistence.* TO persistence@localhost;
"""
JOBBOARD = {
    "jobboard_enabled": True,
    "persistence_connection": (
        f"mysql+pymysql://persistence:{PASSWORD}@localhost/octavia_persistence"
        "?unix_socket=/run/mysqld/mysqld.sock"
    ),
}


def test_the_persistence_schema(node, suite):
    node.run(["mariadb"], input=SQL, check=True)
    change = yaml.safe_dump({"octavia": {"manager": {"task_flow": JOBBOARD}}})
    node.set_pillar({"octavia.sls": suite.pillar, "change.sls": change})
    try:
        run = suites.apply(node, "octavia.db.offline_sync")
        state = run.by_id["octavia_db_persistence"]
        assert PASSWORD not in run.stdout + run.stderr
        assert state["result"], state["comment"]
        assert state["changes"]["revision"]["old"] == "none"
        again = suites.must_apply(node, "octavia.db.offline_sync")
        assert not again.changed
    finally:
        node.set_pillar({"octavia.sls": suite.pillar})
        suites.must_apply(node, "octavia")
