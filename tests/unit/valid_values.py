"""Valid values for options of every type."""

from collections.abc import Mapping
from typing import Any

PASSPHRASE = "x" * 32
#: Values that rules about several options want, in place of just any other one.
CHOSEN = {
    "health_manager/controller_ip_port_list": ["10.9.8.7:5556"],
    "health_manager/heartbeat_interval": 7,
    "health_manager/heartbeat_timeout": 77,
    "health_manager/failover_threshold": 20,
    "driver_agent/max_process_warning_percent": 0.5,
    "house_keeping/cert_expiry_buffer": 86400,
    "api_settings/enabled_provider_drivers": {"amphora": "A", "octavia": "B"},
    "api_settings/default_provider_driver": "octavia",
    "api_settings/default_listener_tls_versions": ["TLSv1.3"],
    "api_settings/default_pool_tls_versions": ["TLSv1.3"],
    "api_settings/tls_cipher_prohibit_list": "RC4-MD5",
}
SIMPLE = {
    "ip": "10.9.8.7",
    "hostname": "node.example.org",
    "hostaddress": "node.example.org",
    "uri": "https://node.example.org/x",
    "dict": {"name": "a value"},
}


def another(name: str, era: Mapping[str, Any]) -> Any:
    """
    A valid value for an option that is not its default.

    :param name: the option, ``section/option``
    :param era: what a release says of it
    :return: the value
    """
    kind, default = era["type"], era.get("default")
    if name in CHOSEN:
        return CHOSEN[name]
    if kind == "boolean":
        return not default
    if kind in ("integer", "port", "float"):
        if "choices" in era:
            return next(choice for choice in era["choices"] if choice != default)
        number = int(default or 0) + 1
        return number if number <= era.get("max", number) else number - 2
    if kind in ("list", "multi"):
        item = {"type": era.get("item_type", "string")}
        item |= {key[5:]: era[key] for key in ("item_choices", "item_regex") if key in era}
        return [another("", item)]
    if "choices" in era:
        return next(choice for choice in era["choices"] if choice not in (default, ""))
    return SIMPLE.get(kind, PASSPHRASE)
