"""
The composite keys about Octavia itself: the API's address and middlewares, policy, logging, and how
controllers and amphorae know each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

try:
    import octavia_blocks as blocks
except ImportError:
    from salt_formula_octavia.utils import octavia_blocks as blocks

Context = blocks.Context

#: Where the policies of the pillar are written unless it names another file.
POLICY_FILE = "/etc/octavia/policy.yaml"
LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL")


def _bind(value: dict[str, Any], context: Context) -> None:
    context.put("api_settings", "bind_host", value.get("address"), "address")
    context.put("api_settings", "bind_port", value.get("port"), "port")


def _audit(value: dict[str, Any], context: Context) -> None:
    context.put("audit", "enabled", value.get("enabled", True), "enabled")
    context.put("audit", "audit_map_file", value.get("map_file"), "map_file")


def _healthcheck(value: dict[str, Any], context: Context) -> None:
    switch = blocks.enabled(value)
    context.put("api_settings", "healthcheck_enabled", switch, "enabled")


def _policy(value: dict[str, Any], context: Context) -> None:
    if "policy_file" not in value and (value.get("set") or value.get("rules")):
        context.put("oslo_policy", "policy_file", POLICY_FILE, "")
    # These sets are written for tokens with a scope and the new defaults.
    if str(value.get("set", "")).startswith("keystone_default_roles"):
        for option in ("enforce_scope", "enforce_new_defaults"):
            if option not in value:
                context.put("oslo_policy", option, True, "set")


def _logging(value: dict[str, Any], context: Context) -> None:
    context.put("DEFAULT", "use_json", value.get("json"), "json")
    context.put("DEFAULT", "use_journal", value.get("journal"), "journal")
    if value.get("levels"):
        levels = blocks.log_levels(context, value["levels"])
        context.put("DEFAULT", "default_log_levels", levels, "levels")


def _levels_problem(levels: Any, whole: dict[str, Any]) -> str:
    del whole
    wrong = [str(level) for level in levels.values() if str(level).upper() not in LEVELS]
    return f"has no level {wrong[0]}: levels are {', '.join(LEVELS)}" if wrong else ""


def _haproxy_amphora(value: dict[str, Any], context: Context) -> None:
    # No release has an option for the key alone: `client_cert` is one file with both.
    key = "client_cert_all" if "client_cert_all" in value else "client_cert"
    context.put("haproxy_amphora", "client_cert", value.get(key), key)


def _controller_worker(value: dict[str, Any], context: Context) -> None:
    # Where the pillar names no other, the CA that signs the amphorae also signed the client.
    if "client_ca" not in value:
        certificates = context.role.get("certificates")
        if isinstance(certificates, Mapping):
            authority = certificates.get("ca_certificate")
            context.put("controller_worker", "client_ca", authority, None)


def _health_manager(value: dict[str, Any], context: Context) -> None:
    if "bind_ip" in value and "controller_ip_port_list" not in value:
        port = value.get("bind_port", context.ports["heartbeat"])
        receivers = [f"{value['bind_ip']}:{port}"]
        context.put("health_manager", "controller_ip_port_list", receivers, None)


#: How log files are rotated; the words are those of logrotate.
ROTATION = blocks.Block(
    {"every": "string", "keep": "integer", "size": "string", "compress": "boolean"},
    choices={"every": ("hourly", "daily", "weekly", "monthly")},
)

COMPOSITES: dict[str, blocks.Composite] = {
    "bind": blocks.Composite(
        {
            "address": "hostaddress",
            "port": "port",
            "server": "string",
            "processes": "count",
            "threads": "count",
            "cert_file": "string",
            "key_file": "string",
        },
        choices={"server": ("packaged", "apache")},
        translate=_bind,
        section="api_settings",
    ),
    "cors": blocks.Composite({}, section="cors"),
    "audit": blocks.Composite(
        {"enabled": "boolean", "map_file": "string", "filter_factory": "string"},
        unused={"filter_factory": "does nothing: Octavia builds this part of its pipeline itself"},
        translate=_audit,
        section="audit",
    ),
    "healthcheck": blocks.Composite(
        {"enabled": "boolean"}, switch="enabled", translate=_healthcheck, section="healthcheck"
    ),
    "policy": blocks.Composite(
        {"set": "string", "rules": blocks.MAPPING}, translate=_policy, section="oslo_policy"
    ),
    "logging": blocks.Composite(
        {
            "file": "boolean",
            "journal": "boolean",
            "json": "boolean",
            "levels": blocks.MAPPING,
            "rotate": ROTATION,
        },
        unusable={"levels": _levels_problem},
        translate=_logging,
        section="DEFAULT",
    ),
    "haproxy_amphora": blocks.Composite(
        {"client_cert": "string", "client_cert_key": "string", "client_cert_all": "string"},
        translate=_haproxy_amphora,
        section="haproxy_amphora",
    ),
    "controller_worker": blocks.Composite(
        {}, translate=_controller_worker, section="controller_worker"
    ),
    "health_manager": blocks.Composite({}, translate=_health_manager, section="health_manager"),
}
