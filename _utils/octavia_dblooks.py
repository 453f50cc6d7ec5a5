"""
What is looked up in Octavia's database beside its version: statements, as data.

Each of them reads only, and says which columns it cannot do without. In its text ``{table.column}``
is that column where the schema has it, and NULL where it came with a later release.
"""

from __future__ import annotations

import re
from collections.abc import Set
from typing import NamedTuple

MYSQL, POSTGRESQL = "mysql", "postgresql"

#: The database's own time in UTC, and the columns of the schema that is looked into.
NOW = {MYSQL: "SELECT UTC_TIMESTAMP()", POSTGRESQL: "SELECT timezone('utc', now())"}
COLUMNS = {
    engine: "SELECT table_name, column_name FROM information_schema.columns "
    f"WHERE table_schema = {schema}"
    for engine, schema in ((MYSQL, "DATABASE()"), (POSTGRESQL, "current_schema()"))
}
#: Columns of answers that are true or false, which MySQL has no type for.
BOOLEANS = frozenset({"busy"})


class Look(NamedTuple):
    """
    A statement.

    :ivar needs: columns without which it is left out, as ``table.column``, parted by spaces
    :ivar text: the statement
    """

    needs: str
    text: str

    def statement(self, there: Set[str]) -> str:
        """
        The statement for one schema.

        :param there: its columns as ``table.column``
        :return: the statement; empty when what it needs is not there
        """
        if not set(self.needs.split()) <= there:
            return ""
        return _COLUMN.sub(lambda found: found[1] if found[1] in there else "NULL", self.text)


_COLUMN = re.compile(r"\{(\w+\.\w+)\}")

_OBJECT = """
SELECT '{kind}' AS kind, {key} AS id, {{{table}.name}} AS name,
    {table}.provisioning_status AS status, load_balancer.id AS loadbalancer_id,
    load_balancer.provisioning_status AS loadbalancer_status,
    COALESCE({{{table}.updated_at}}, {{{table}.created_at}}) AS since
FROM {table}{joins}
WHERE {table}.provisioning_status IN ('PENDING_CREATE', 'PENDING_UPDATE', 'PENDING_DELETE')
ORDER BY since, id
"""
_BALANCER = " LEFT JOIN load_balancer ON load_balancer.id = {}.load_balancer_id"
_POOL = " LEFT JOIN pool ON pool.id = {}.pool_id" + _BALANCER.format("pool")
_LISTENER = " LEFT JOIN listener ON listener.id = l7policy.listener_id" + _BALANCER.format(
    "listener"
)
_POLICY = " LEFT JOIN l7policy ON l7policy.id = l7rule.l7policy_id" + _LISTENER
# By kind: the table, and the way from it to the load balancer.
_OBJECTS = {
    "loadbalancer": ("load_balancer", ""),
    "listener": ("listener", _BALANCER.format("listener")),
    "pool": ("pool", _BALANCER.format("pool")),
    "member": ("member", _POOL.format("member")),
    "healthmonitor": ("health_monitor", _POOL.format("health_monitor")),
    "l7policy": ("l7policy", _LISTENER),
    "l7rule": ("l7rule", _POLICY),
}
# In Ocata a health monitor has no id of its own.
_KEYS = {"healthmonitor": "COALESCE({health_monitor.id}, health_monitor.pool_id)"}
_AMPHORAE = """
SELECT 'amphora' AS kind, amphora.id AS id, NULL AS name, amphora.status AS status,
    load_balancer.id AS loadbalancer_id,
    load_balancer.provisioning_status AS loadbalancer_status,
    COALESCE({amphora.updated_at}, {amphora.created_at}) AS since
FROM amphora LEFT JOIN load_balancer ON load_balancer.id = amphora.load_balancer_id
WHERE amphora.status IN ('PENDING_CREATE', 'PENDING_DELETE', 'BOOTING')
ORDER BY since, id
"""
_HEARTBEATS = """
SELECT amphora.id AS id, load_balancer.id AS loadbalancer_id,
    load_balancer.name AS loadbalancer_name, amphora.compute_id AS compute_id,
    amphora.lb_network_ip AS lb_network_ip, amphora_health.last_update AS last_update,
    amphora_health.busy AS busy
FROM amphora
    LEFT JOIN load_balancer ON load_balancer.id = amphora.load_balancer_id
    LEFT JOIN amphora_health ON amphora_health.amphora_id = amphora.id
WHERE amphora.status = 'ALLOCATED'
ORDER BY load_balancer.id, amphora.id
"""
_BALANCERS = """
SELECT provisioning_status, operating_status, COUNT(*) AS count FROM load_balancer
GROUP BY provisioning_status, operating_status
ORDER BY provisioning_status, operating_status
"""
_SIZE = {
    MYSQL: """
SELECT COALESCE(SUM(data_length + index_length), 0) AS bytes FROM information_schema.tables
WHERE table_schema = DATABASE()
""",
    POSTGRESQL: """
SELECT COALESCE(SUM(pg_total_relation_size(pg_class.oid)), 0) AS bytes
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace
WHERE nspname = current_schema() AND relkind IN ('r', 'm')
""",
}
# The port of a host follows the last colon. Without the right to see others' sessions MySQL shows
# none of them, and PostgreSQL only that they are there.
_SESSIONS = {
    MYSQL: """
SELECT SUBSTRING(host, 1, CHAR_LENGTH(host) - LOCATE(':', REVERSE(host))) AS host,
    user AS user, command AS command, time AS seconds
FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()
ORDER BY id
""",
    POSTGRESQL: """
SELECT CASE WHEN backend_type IS NOT NULL THEN COALESCE(host(client_addr), 'localhost') END AS host,
    usename AS user, state AS command,
    CAST(EXTRACT(EPOCH FROM clock_timestamp() - state_change) AS INTEGER) AS seconds
FROM pg_stat_activity
WHERE datname = current_database() AND usename IS NOT NULL AND pid <> pg_backend_pid()
    AND COALESCE(backend_type, 'client backend') = 'client backend'
ORDER BY pid
""",
}


def _pending() -> tuple[Look, ...]:
    """Everything that a controller works on, or has left in the middle of it."""
    objects = [
        Look(
            f"{table}.provisioning_status load_balancer.id",
            _OBJECT.format(kind=kind, table=table, joins=joins, key=_KEYS.get(kind, f"{table}.id")),
        )
        for kind, (table, joins) in _OBJECTS.items()
    ]
    return (*objects, Look("amphora.status load_balancer.id", _AMPHORAE))


_COMMON = {
    "pending": _pending(),
    "heartbeats": (Look("amphora.status load_balancer.id amphora_health.busy", _HEARTBEATS),),
    "balancers": (Look("load_balancer.provisioning_status", _BALANCERS),),
}
#: By name and engine.
LOOKS: dict[str, dict[str, tuple[Look, ...]]] = {
    **{name: {MYSQL: looks, POSTGRESQL: looks} for name, looks in _COMMON.items()},
    "size": {engine: (Look("", text),) for engine, text in _SIZE.items()},
    "sessions": {engine: (Look("", text),) for engine, text in _SESSIONS.items()},
}


def statements(name: str, engine: str, there: Set[str]) -> list[str]:
    """
    What has to be asked.

    :param name: a name of :data:`LOOKS`
    :param engine: ``mysql`` or ``postgresql``
    :param there: the columns of the schema as ``table.column``
    :return: statements, all with the same columns
    """
    asked = [look.statement(there) for look in LOOKS[name][engine]]
    return [text for text in asked if text]
