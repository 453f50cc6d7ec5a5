"""
The composite keys that connect Octavia to other services: ``database``, ``identity``,
``message_queue``, ``notification``, ``cache`` and ``jobboard``.
"""

from __future__ import annotations

from typing import Any

try:
    import octavia_blocks as blocks
    import octavia_tls as tls
    import octavia_urls as urls
except ImportError:
    from salt_formula_octavia.utils import octavia_blocks as blocks
    from salt_formula_octavia.utils import octavia_tls as tls
    from salt_formula_octavia.utils import octavia_urls as urls

Context = blocks.Context

ACCOUNT: dict[str, str | blocks.Block] = {"user": "string", "password": "string"}
ADDRESS: dict[str, str | blocks.Block] = {"host": "hostaddress", "port": "port"}


def _is_complete(value: dict[str, Any]) -> bool:
    """Whether the account and its server are there; an option may have made them needless."""
    return {"host", "user", "password"} <= value.keys()


def _database_url(value: dict[str, Any], service: str, context: Context) -> str:
    engine = value.get("engine", "mysql")
    protected = tls.resolve(value, service, context.ca_bundle)
    return urls.database(
        engine,
        value["user"],
        value["password"],
        value["host"],
        value.get("port", context.ports[engine]),
        value["name"],
        urls.database_tls(engine, *protected) if protected else {},
    )


def _database(value: dict[str, Any], context: Context) -> None:
    if _is_complete(value) and "connection" not in value:
        note = f"{value.get('engine', 'mysql')} from the database key"
        url = _database_url(value, "mysql", context)
        context.put("database", "connection", url, note=note)


def _rabbit_url(value: dict[str, Any], protected: bool, context: Context) -> tuple[str, str]:
    """The transport URL of one or more brokers, and what to say about it."""
    service = "rabbitmq_tls" if protected else "rabbitmq"
    default_port = value.get("port", context.ports[service])
    members = value.get("members") or [value]
    url = urls.transport(
        value["user"],
        value["password"],
        [(member["host"], member.get("port", default_port)) for member in members],
        value.get("virtual_host", "/"),
    )
    return url, f"{len(members)} broker(s)"


def _message_queue(value: dict[str, Any], context: Context) -> None:
    protected = tls.resolve(value, "rabbitmq", context.ca_bundle)
    if protected:
        key = "x509" if "x509" in value else "ssl"
        # Where both exist, `ssl` belongs to another driver.
        older = context.has("oslo_messaging_rabbit", "rabbit_use_ssl")
        context.put("oslo_messaging_rabbit", "rabbit_use_ssl" if older else "ssl", True, key)
        context.put("oslo_messaging_rabbit", "ssl_ca_file", protected.ca, key)
        context.put("oslo_messaging_rabbit", "ssl_cert_file", protected.cert or None, key)
        context.put("oslo_messaging_rabbit", "ssl_key_file", protected.key or None, key)
        if not protected.check_hostname:
            option = "ssl_enforce_hostname_verification"
            context.put("oslo_messaging_rabbit", option, False, key)
    if "transport_url" in value:
        context.put("DEFAULT", "transport_url", value["transport_url"], "transport_url")
        return
    url, note = _rabbit_url(value, bool(protected), context)
    context.put("DEFAULT", "transport_url", url, note=note)


def _notification(value: dict[str, Any], context: Context) -> None:
    if not blocks.enabled(value):
        return
    if "driver" not in value:
        key = "enabled" if "enabled" in value else ""
        context.put("oslo_messaging_notifications", "driver", ["messagingv2"], key)
    if "transport" in value:
        # One section of the messaging library holds the TLS settings of both buses.
        queue = context.role.get("message_queue")
        protected = isinstance(queue, dict) and bool(tls.resolve(queue, "", "-"))
        url, note = _rabbit_url(value["transport"], protected, context)
        section = "oslo_messaging_notifications"
        context.put(section, "transport_url", url, "transport", note=note)


def _account_problem(text: str, whole: dict[str, Any]) -> str:
    """Why project and domains are of no use: the account is another one, or there is none."""
    del text
    return "" if "user" in whole else "says nothing without user"


def _identity(value: dict[str, Any], context: Context) -> None:
    _identity_account(value, context)
    _identity_region(value, context)
    _identity_interface(value, context)
    _identity_ca(value, context)


def _identity_account(value: dict[str, Any], context: Context) -> None:
    if not {"user", "password"} <= value.keys():
        return
    if "auth_url" in value:
        url, key = value["auth_url"], "auth_url"
    else:
        port = value.get("port", context.ports["keystone"])
        url, key = urls.identity(value.get("protocol", "http"), value["host"], port), "host"
    for section in ("keystone_authtoken", "service_auth", "neutron"):
        context.put(section, "auth_type", "password", None)
        context.put(section, "auth_url", url, key)
        context.put(section, "username", value["user"], "user")
        context.put(section, "password", value["password"], "password")
        given = "tenant" if "tenant" in value else None
        context.put(section, "project_name", value.get("tenant", "service"), given)
        for who in ("user", "project"):
            name = f"{who}_domain_name"
            if "domain" in value and name not in value:
                context.put(section, f"{who}_domain_id", value["domain"], "domain")
            else:
                given = name if name in value else None
                context.put(section, name, value.get(name, "Default"), given)
    context.put("keystone_authtoken", "www_authenticate_uri", url, key)


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
    security = value.get("security")
    if security and blocks.enabled(security):
        strategy = security.get("strategy", "ENCRYPT")
        context.put("keystone_authtoken", "memcache_security_strategy", strategy, "security")
        key = security["secret_key"]
        context.put("keystone_authtoken", "memcache_secret_key", key, "security:secret_key")


# What a jobboard's backend is called, where it listens, and how its TLS options are named.
BACKENDS: dict[str, dict[str, Any]] = {
    "redis": {
        "options": "jobboard_redis_backend_ssl_options",
        "switch": "ssl",
        "names": {"ca": "ssl_ca_certs", "cert": "ssl_certfile", "key": "ssl_keyfile"},
    },
    "zookeeper": {
        "options": "jobboard_zookeeper_ssl_options",
        "switch": "use_ssl",
        "names": {"cert": "certfile", "key": "keyfile"},
    },
    "etcd": {
        "options": "jobboard_etcd_ssl_options",
        "switch": "use_ssl",
        "names": {"ca": "ca_cert", "cert": "cert_cert", "key": "cert_key"},
    },
}


def _tls_options(engine: str, protected: tls.Tls) -> dict[str, Any]:
    backend = BACKENDS[engine]
    paths = {name: getattr(protected, part) for part, name in backend["names"].items()}
    return {backend["switch"]: True, **{name: path for name, path in paths.items() if path}}


def _jobboard(value: dict[str, Any], context: Context) -> None:
    def put(option: str, item: Any, key: str) -> None:
        context.put("task_flow", option, item, key)

    put("jobboard_enabled", blocks.enabled(value), "enabled" if "enabled" in value else "")
    if not blocks.enabled(value):
        return
    engine = value.get("engine", "redis")
    sentinel = value.get("sentinel")
    service = "sentinel" if sentinel else engine
    members = value.get("members") or [value]
    ports = {member["port"] for member in members if "port" in member}
    put("jobboard_backend_driver", f"{engine}_taskflow_driver", "engine")
    put("jobboard_backend_hosts", [member["host"] for member in members], "members")
    port = value.get("port") or next(iter(ports), context.ports[service])
    put("jobboard_backend_port", port, "port")
    put("jobboard_backend_username", value.get("user"), "user")
    put("jobboard_backend_password", value.get("password"), "password")
    put("jobboard_backend_namespace", value.get("namespace"), "namespace")
    put("jobboard_redis_backend_db", value.get("database"), "database")
    put("jobboard_expiration_time", value.get("expiration"), "expiration")
    protected = tls.resolve(value, "jobboard", context.ca_bundle)
    if protected:
        put(BACKENDS[engine]["options"], _tls_options(engine, protected), "ssl")
    if sentinel:
        put("jobboard_redis_sentinel", sentinel["name"], "sentinel:name")
        put("jobboard_redis_sentinel_username", sentinel.get("user"), "sentinel:user")
        put("jobboard_redis_sentinel_password", sentinel.get("password"), "sentinel:password")
        protected = tls.resolve(sentinel, "sentinel", context.ca_bundle)
        if protected:
            options = _tls_options("redis", protected)
            put("jobboard_redis_sentinel_ssl_options", options, "sentinel:ssl")
    if "persistence" in value:
        url = _database_url(value["persistence"], "persistence", context)
        put("persistence_connection", url, "persistence")
        context.put("DEFAULT", "default_log_levels", blocks.log_levels(context, {}), None)


def _sentinel_problem(sentinel: Any, whole: dict[str, Any]) -> str:
    del sentinel
    if whole.get("engine", "redis") != "redis":
        return f"is a thing of Redis, and the engine is {whole['engine']}"
    return ""


def _jobboard_tls_problem(block: Any, whole: dict[str, Any]) -> str:
    names = ("ca_file", "cacert_file", "cacert")
    if whole.get("engine") == "zookeeper" and any((block or {}).get(name) for name in names):
        return (
            "names a CA, which Octavia cannot hand on to ZooKeeper's client: the server's "
            "certificate must be signed by a CA that the system trusts"
        )
    return ""


def _jobboard_ports_problem(members: Any, whole: dict[str, Any]) -> str:
    given = {member.get("port", whole.get("port")) for member in members}
    return "have different ports, and Octavia has one for all" if len(given) > 1 else ""


DATABASE = blocks.Block(
    {"engine": "string", **ADDRESS, "name": "string", **ACCOUNT, **tls.KEYS},
    required=("host", "name", "user", "password"),
    choices={"engine": tuple(urls.DATABASE_DRIVERS)},
    unusable={
        "name": lambda name, _: urls.database_name_problem(name),
        "password": lambda password, whole: urls.database_password_problem(
            whole.get("engine", "mysql"), password
        ),
    },
)
BROKER = blocks.Block(
    {
        "engine": "string",
        **ADDRESS,
        "virtual_host": "string",
        "members": blocks.MEMBERS,
        **ACCOUNT,
    },
    required=("host|members", "user", "password"),
    choices={"engine": ("rabbitmq",)},
    unusable={
        "user": lambda user, _: urls.broker_account_problem(user),
        "password": lambda password, _: urls.broker_account_problem(password),
        "virtual_host": lambda name, _: urls.virtual_host_problem(name),
    },
)

COMPOSITES: dict[str, blocks.Composite] = {
    "database": blocks.Composite(
        DATABASE.keys,
        required=DATABASE.required,
        unless="connection",
        replaced=("host", "port", "name", "user", "password", "ssl", "x509"),
        choices=DATABASE.choices,
        unusable=DATABASE.unusable,
        translate=_database,
        section="database",
    ),
    "identity": blocks.Composite(
        {
            "engine": "string",
            "region": "string",
            "protocol": "string",
            **ADDRESS,
            "tenant": "string",
            "endpoint_type": "string",
            "domain": "string",
            "user_domain_name": "string",
            "project_domain_name": "string",
            "cacert_file": "string",
            **ACCOUNT,
        },
        required=("host", "user", "password"),
        unless="auth_url",
        replaced=("protocol", "host", "port"),
        together=(("user", "password"),),
        unusable=dict.fromkeys(
            ("tenant", "domain", "user_domain_name", "project_domain_name"), _account_problem
        ),
        choices={
            "engine": ("keystone",),
            "protocol": ("http", "https"),
            "endpoint_type": (
                *("internal", "public", "admin"),
                *("internalURL", "publicURL", "adminURL"),
            ),
        },
        translate=_identity,
        section="keystone_authtoken",
    ),
    "message_queue": blocks.Composite(
        {**BROKER.keys, "transport_url": "string", **tls.KEYS},
        required=BROKER.required,
        unless="transport_url",
        replaced=("host", "port", "virtual_host", "members", "user", "password"),
        choices=BROKER.choices,
        unusable=BROKER.unusable,
        translate=_message_queue,
        section="oslo_messaging_rabbit",
    ),
    "notification": blocks.Composite(
        {"enabled": "boolean", "transport": BROKER},
        switch="enabled",
        translate=_notification,
        section="oslo_messaging_notifications",
    ),
    "cache": blocks.Composite(
        {
            "engine": "string",
            "members": blocks.MEMBERS,
            "security": blocks.Block(
                {"enabled": "boolean", "strategy": "string", "secret_key": "string"},
                required=("secret_key",),
                choices={"strategy": ("MAC", "ENCRYPT")},
            ),
        },
        choices={"engine": ("memcached",)},
        translate=_cache,
        section="cache",
    ),
    "jobboard": blocks.Composite(
        {
            "enabled": "boolean",
            "engine": "string",
            **ADDRESS,
            "members": blocks.MEMBERS,
            **ACCOUNT,
            "namespace": "string",
            "database": "integer",
            "expiration": "integer",
            "sentinel": blocks.Block({"name": "string", **ACCOUNT, **tls.KEYS}, required=("name",)),
            "persistence": DATABASE,
            **tls.KEYS,
        },
        required=("host|members",),
        choices={"engine": tuple(BACKENDS)},
        unusable={
            "sentinel": _sentinel_problem,
            "ssl": _jobboard_tls_problem,
            "x509": _jobboard_tls_problem,
            "members": _jobboard_ports_problem,
        },
        switch="enabled",
        translate=_jobboard,
        section="task_flow",
    ),
}
