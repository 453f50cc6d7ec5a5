"""
The composite keys of a role: what ``bind``, ``database``, ``identity`` and their like mean in
octavia.conf.

Each composite is one entry of :data:`COMPOSITES`: the keys it knows with their types, those it
cannot do without, the section whose options may stand in it verbatim, and the function that turns
its values into settings. The functions name options as the newest release does; who calls them
finds the name that the release in force has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

try:
    import octavia_urls as urls
except ImportError:
    from salt_formula_octavia.utils import octavia_urls as urls

# How much a setting counts: the formula's own default, a value derived from a composite key, an
# option that the pillar names itself.
DEFAULT, DERIVED, VERBATIM = range(3)


class Setting(NamedTuple):
    """One option of octavia.conf on its way into the file."""

    section: str
    option: str
    value: Any
    path: str
    level: int
    note: str = ""


@dataclass
class Context:
    """
    What a composite may ask about its surroundings.

    :ivar path: pillar path of the composite, ``octavia:api:database``
    :ivar ports: default ports by service
    :ivar role: the whole pillar of the role
    :ivar has: whether the release in force has an option (section, option)
    :ivar settings: what the composite means, filled by its function
    """

    path: str
    ports: dict[str, int]
    role: dict[str, Any]
    has: Callable[[str, str], bool]
    settings: list[Setting] = field(default_factory=list)

    def put(self, section: str, option: str, value: Any, key: str | None = "", **more: Any) -> None:
        """
        Adds one setting.

        :param section: section of octavia.conf
        :param option: option of that section
        :param value: its value; None adds nothing
        :param key: the key of the composite that it comes from; None for a default of the formula,
            which yields to whatever another role says
        :param more: further fields of :class:`Setting`
        """
        if value is None:
            return
        level = DEFAULT if key is None else DERIVED
        path = f"{self.path}:{key}" if key else self.path
        self.settings.append(Setting(section, option, value, path, level, **more))


@dataclass(frozen=True)
class Composite:
    """
    One composite key.

    :ivar keys: the type of each key, as the option data names types; ``members`` is a list of
        mappings with host and port
    :ivar translate: adds the settings to the context, given the checked values, options included
    :ivar required: keys that must be there, alternatives parted by ``|``
    :ivar unless: a key or option that makes the required ones needless
    :ivar choices: the values that a key may have
    :ivar unusable: by key, why the libraries that get its value cannot use it (empty: they can),
        given the value and the whole composite
    :ivar section: the section whose options may stand in the composite verbatim
    """

    keys: dict[str, str]
    translate: Callable[[dict[str, Any], Context], None]
    required: tuple[str, ...] = ()
    unless: str = ""
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unusable: dict[str, Callable[[str, dict[str, Any]], str]] = field(default_factory=dict)
    section: str = ""


def _bind(value: dict[str, Any], context: Context) -> None:
    context.put("api_settings", "bind_host", value.get("address"), "address")
    context.put("api_settings", "bind_port", value.get("port"), "port")


def _is_complete(value: dict[str, Any]) -> bool:
    """Whether the account and its server are there; an option may have made them needless."""
    return {"host", "user", "password"} <= value.keys()


def _database(value: dict[str, Any], context: Context) -> None:
    if not _is_complete(value):
        return
    engine = value.get("engine", "mysql")
    url = urls.database(
        engine,
        value["user"],
        value["password"],
        value["host"],
        value.get("port", context.ports[engine]),
        value["name"],
    )
    context.put("database", "connection", url, note=f"{engine} from the database key")


def _message_queue(value: dict[str, Any], context: Context) -> None:
    if "transport_url" in value:
        context.put("DEFAULT", "transport_url", value["transport_url"], "transport_url")
        return
    default_port = value.get("port", context.ports["rabbitmq"])
    members = value.get("members") or [value]
    url = urls.transport(
        value["user"],
        value["password"],
        [(member["host"], member.get("port", default_port)) for member in members],
        value.get("virtual_host", "/"),
    )
    context.put("DEFAULT", "transport_url", url, note=f"{len(members)} broker(s)")


def _identity(value: dict[str, Any], context: Context) -> None:
    if not _is_complete(value):
        return
    port = value.get("port", context.ports["keystone"])
    url = urls.identity(value.get("protocol", "http"), value["host"], port)
    for section in ("keystone_authtoken", "service_auth", "neutron"):
        context.put(section, "auth_type", "password", None)
        context.put(section, "auth_url", url, "host")
        context.put(section, "username", value["user"], "user")
        context.put(section, "password", value["password"], "password")
        key = "tenant" if "tenant" in value else None
        context.put(section, "project_name", value.get("tenant", "service"), key)
        for domain in ("user_domain_name", "project_domain_name"):
            key = domain if domain in value else None
            context.put(section, domain, value.get(domain, "Default"), key)
    context.put("keystone_authtoken", "www_authenticate_uri", url, "host")
    _identity_region(value, context)
    _identity_interface(value, context)
    _identity_ca(value, context)


def _identity_region(value: dict[str, Any], context: Context) -> None:
    region = value.get("region")
    clients = ("service_auth", "neutron", "nova", "glance", "cinder", "certificates")
    for section in ("keystone_authtoken", *clients):
        context.put(section, "region_name", region, "region")
    context.put("barbican", "barbican_region_name", region, "region")


def _identity_interface(value: dict[str, Any], context: Context) -> None:
    key = "endpoint_type" if "endpoint_type" in value else None
    interface = value.get("endpoint_type", "internal").removesuffix("URL")
    context.put("keystone_authtoken", "interface", interface, key)
    for section in ("service_auth", "neutron"):
        context.put(section, "valid_interfaces", [interface], key)
    older = [] if context.has("neutron", "valid_interfaces") else ["neutron"]
    for section in (*older, "nova", "glance", "cinder", "certificates"):
        context.put(section, "endpoint_type", f"{interface}URL", key)
    context.put("barbican", "barbican_endpoint_type", interface, key)


def _identity_ca(value: dict[str, Any], context: Context) -> None:
    bundle = value.get("cacert_file")
    for section in ("keystone_authtoken", "service_auth", "neutron"):
        context.put(section, "cafile", bundle, "cacert_file")
    older = [] if context.has("neutron", "cafile") else ["neutron"]
    for section in (*older, "nova", "glance", "cinder", "certificates"):
        context.put(section, "ca_certificates_file", bundle, "cacert_file")
    context.put("barbican", "verify_ssl_path", bundle, "cacert_file")


def _cache(value: dict[str, Any], context: Context) -> None:
    default_port = context.ports["memcached"]
    members = value.get("members", [])
    servers = [urls.netloc(m["host"], m.get("port", default_port)) for m in members]
    context.put("keystone_authtoken", "memcached_servers", servers or None, "members")


def _notification(value: dict[str, Any], context: Context) -> None:
    if value.get("enabled", True) and "driver" not in value:
        key = "enabled" if "enabled" in value else ""
        context.put("oslo_messaging_notifications", "driver", ["messagingv2"], key)


def _audit(value: dict[str, Any], context: Context) -> None:
    context.put("audit", "enabled", value.get("enabled", True), "enabled")
    context.put("audit", "audit_map_file", value.get("map_file"), "map_file")


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


def _options_only(value: dict[str, Any], context: Context) -> None:
    del value, context


ACCOUNT = {"user": "string", "password": "string"}

COMPOSITES: dict[str, Composite] = {
    "bind": Composite(
        {
            "address": "hostaddress",
            "port": "port",
            "processes": "integer",
            "threads": "integer",
            "cert_file": "string",
            "key_file": "string",
        },
        _bind,
        section="api_settings",
    ),
    "database": Composite(
        {"engine": "string", "host": "hostaddress", "port": "port", "name": "string", **ACCOUNT},
        _database,
        required=("host", "name", "user", "password"),
        unless="connection",
        choices={"engine": tuple(urls.DATABASE_DRIVERS)},
        unusable={
            "name": lambda name, _: urls.database_name_problem(name),
            "password": lambda password, whole: urls.database_password_problem(
                whole.get("engine", "mysql"), password
            ),
        },
        section="database",
    ),
    "identity": Composite(
        {
            "engine": "string",
            "region": "string",
            "protocol": "string",
            "host": "hostaddress",
            "port": "port",
            "tenant": "string",
            "endpoint_type": "string",
            "user_domain_name": "string",
            "project_domain_name": "string",
            "cacert_file": "string",
            **ACCOUNT,
        },
        _identity,
        required=("host", "user", "password"),
        unless="auth_url",
        choices={
            "engine": ("keystone",),
            "protocol": ("http", "https"),
            "endpoint_type": (
                *("internal", "public", "admin"),
                *("internalURL", "publicURL", "adminURL"),
            ),
        },
        section="keystone_authtoken",
    ),
    "message_queue": Composite(
        {
            "engine": "string",
            "host": "hostaddress",
            "port": "port",
            "virtual_host": "string",
            "members": "members",
            "transport_url": "string",
            **ACCOUNT,
        },
        _message_queue,
        required=("host|members", "user", "password"),
        unless="transport_url",
        choices={"engine": ("rabbitmq",)},
        unusable={
            "user": lambda user, _: urls.broker_account_problem(user),
            "password": lambda password, _: urls.broker_account_problem(password),
            "virtual_host": lambda name, _: urls.virtual_host_problem(name),
        },
        section="oslo_messaging_rabbit",
    ),
    "cache": Composite({"members": "members"}, _cache, section="cache"),
    "notification": Composite(
        {"enabled": "boolean"}, _notification, section="oslo_messaging_notifications"
    ),
    "cors": Composite({}, _options_only, section="cors"),
    "audit": Composite(
        {"enabled": "boolean", "map_file": "string", "filter_factory": "string"},
        _audit,
        section="audit",
    ),
    "logging": Composite({}, _options_only, section="DEFAULT"),
    "haproxy_amphora": Composite(
        {"client_cert": "string", "client_cert_key": "string", "client_cert_all": "string"},
        _haproxy_amphora,
        section="haproxy_amphora",
    ),
    "controller_worker": Composite({}, _controller_worker, section="controller_worker"),
    "health_manager": Composite({}, _health_manager, section="health_manager"),
}

# Keys that hold one value and stand for one option.
SCALARS = {
    "debug": ("DEFAULT", "debug"),
    "api_v1_enabled": ("api_settings", "api_v1_enabled"),
    "api_v2_enabled": ("api_settings", "api_v2_enabled"),
}
