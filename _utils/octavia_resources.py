"""
The resources of the Octavia API 2.0 to 2.30, one table each.

Names are the API's own. Numbers after ``since`` and in choices are minor versions of the API: 12
stands for 2.12. Which of the verbs a user may use is decided by the cloud, not here.
"""

# No annotations as text here, see octavia_blocks.
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as member_of
from typing import Any

try:
    from octavia_fields import Field
except ImportError:
    from salt_formula_octavia.utils.octavia_fields import Field

OVN = "ovn"
AMPHORA = "amphora"
REFUSED: tuple[Any, ...] = ()
MAX_TIMEOUT = 24 * 24 * 60 * 60 * 1000
MAX_QUOTA = 2_000_000_000
ALL = ("list", "get", "create", "update", "delete")


@dataclass(frozen=True)
class Resource:
    """
    One resource.

    ``key`` and ``plural`` name an object and a list of them in a JSON body, ``path`` is the
    collection's below ``/v2``, with ``{parent}`` where it lies in an object of ``parent``.
    ``identity`` is the field that stands at the end of an object's path. ``readonly`` are fields
    that the server tells and nobody sets.
    """

    name: str
    key: str
    plural: str
    path: str
    fields: dict[str, Field]
    parent: str = ""
    identity: str = "id"
    verbs: tuple[str, ...] = ALL
    since: int = 0
    readonly: tuple[str, ...] = ()
    providers: dict[str, tuple[Any, ...]] = member_of(default_factory=dict)

    @property
    def immutable(self) -> tuple[str, ...]:
        """The fields that can be given at creation only."""
        return tuple(name for name, item in self.fields.items() if item.create and not item.update)


def _field(name: str, kind: str, where: str, since: int = 0, **more: Any) -> Field:
    """
    One field.

    :param name: its name
    :param kind: a key of ``octavia_fields.KINDS``
    :param where: letters: C in a create, T in a tree, U in an update, R required to create
    :param since: minor version of the API
    :param more: other attributes of the field; choices may be words with versions (``UDP:2``)
    :return: the field
    """
    if isinstance(more.get("choices"), str):
        more["choices"] = _choices(more["choices"])
    return Field(name, kind, "C" in where, "U" in where, "T" in where, since, "R" in where, **more)


def _choices(words: str) -> dict[Any, int]:
    pairs = (word.partition(":") for word in words.split())
    return {value: int(since or 0) for value, _, since in pairs}


def _fields(*items: Iterable[Field] | Field) -> dict[str, Field]:
    found: dict[str, Field] = {}
    for item in items:
        group = [item] if isinstance(item, Field) else item
        found.update((one.name, one) for one in group)
    return found


NAME = _field("name", "text", "CTU", maximum=255, default="")
DESCRIPTION = _field("description", "text", "CTU", maximum=255, default="")
# A null would switch the object off, so an unset says what it means.
ADMIN = _field("admin_state_up", "boolean", "CTU", default=True, reset=True)
TAGS = _field("tags", "strings", "CTU", 5, default=[], reset=[])
COMMON = (NAME, DESCRIPTION, ADMIN, TAGS)
NOT_OVN = {OVN: REFUSED}
HTTP_CHECKS = ("HTTP", "HTTPS")
STATUS = ("id", "provisioning_status", "operating_status", "created_at", "updated_at")

LISTENER_PROTOCOLS = "TCP HTTP HTTPS TERMINATED_HTTPS UDP:2 SCTP:23 PROMETHEUS:25"
POOL_PROTOCOLS = "TCP HTTP HTTPS PROXY UDP:2 PROXYV2:22 SCTP:23"
CHECKS = "HTTP HTTPS PING TCP TLS-HELLO UDP-CONNECT:2 SCTP:23"
CHECK_TYPES = tuple(_choices(CHECKS))
METHODS = "GET HEAD POST PUT DELETE TRACE OPTIONS CONNECT PATCH"
ACTIONS = "REJECT REDIRECT_TO_URL REDIRECT_TO_POOL REDIRECT_PREFIX:9"
RULES = "HOST_NAME PATH FILE_TYPE HEADER COOKIE"
RULES += " SSL_CONN_HAS_CERT:8 SSL_VERIFY_RESULT:8 SSL_DN_FIELD:8"
COMPARISONS = "REGEX STARTS_WITH ENDS_WITH CONTAINS EQUAL_TO"
TLS_VERSIONS = "SSLv3 TLSv1 TLSv1.1 TLSv1.2 TLSv1.3"
ALPN = "http/1.0 http/1.1 h2"
HEADERS = (
    *("X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"),
    *("X-Forwarded-IP", "X-Client-IP", "X-Real-IP"),
)
TLS_HEADERS = (
    *("X-SSL-Client-Verify", "X-SSL-Client-Has-Cert", "X-SSL-Client-DN", "X-SSL-Client-CN"),
    *("X-SSL-Issuer", "X-SSL-Client-SHA1", "X-SSL-Client-Not-Before", "X-SSL-Client-Not-After"),
)

LOADBALANCER = _fields(
    COMMON,
    _field("project_id", "text", "C", maximum=36),
    _field("vip_subnet_id", "id", "C"),
    _field("vip_network_id", "id", "C"),
    _field("vip_port_id", "id", "C"),
    _field("vip_address", "address", "C"),
    _field("additional_vips", "vips", "C", 26, default=[]),
    _field("vip_qos_policy_id", "id", "CU"),
    _field("vip_sg_ids", "strings", "CU", 29, default=[], reset=[], providers=NOT_OVN),
    _field("provider", "provider", "C", maximum=64),
    _field("flavor_id", "id", "C", 6, providers=NOT_OVN),
    _field("availability_zone", "text", "C", 14, maximum=255),
)


def _timeout(name: str, default: int) -> Field:
    bounds = {"minimum": 0, "maximum": MAX_TIMEOUT, "default": default, "operators": True}
    return _field(name, "integer", "CTU", 1, ignored=(OVN,), **bounds)


LISTENER = _fields(
    COMMON,
    _field(
        *("protocol", "text", "CTR"),
        choices=LISTENER_PROTOCOLS,
        providers={OVN: ("TCP", "UDP", "SCTP")},
    ),
    _field("protocol_port", "integer", "CTR", minimum=1, maximum=65535),
    _field("connection_limit", "integer", "CTU", minimum=-1, default=-1, ignored=(OVN,)),
    _field("default_pool_id", "id", "CU"),
    _field("default_tls_container_ref", "text", "CTU", maximum=255, ignored=(OVN,)),
    _field("sni_container_refs", "strings", "CTU", default=[], reset=[], ignored=(OVN,)),
    _field(
        *("client_authentication", "text", "CTU", 8),
        choices="NONE OPTIONAL MANDATORY",
        default="NONE",
        ignored=(OVN,),
    ),
    _field("client_ca_tls_container_ref", "text", "CTU", 8, maximum=255, ignored=(OVN,)),
    _field("client_crl_container_ref", "text", "CTU", 8, maximum=255, ignored=(OVN,)),
    _field("insert_headers", "headers", "CTU", default={}, ignored=(OVN,)),
    _timeout("timeout_client_data", 50000),
    _timeout("timeout_member_connect", 5000),
    _timeout("timeout_member_data", 50000),
    _timeout("timeout_tcp_inspect", 0),
    _field("allowed_cidrs", "cidrs", "CTU", 12, default=[], reset=[], providers=NOT_OVN),
    _field("tls_ciphers", "text", "CTU", 15, maximum=2048, operators=True, ignored=(OVN,)),
    _field(
        *("tls_versions", "sequence", "CTU", 17),
        choices=TLS_VERSIONS,
        operators=True,
        default=["TLSv1.2", "TLSv1.3"],
        ignored=(OVN,),
    ),
    _field(
        *("alpn_protocols", "sequence", "CTU", 20),
        choices=ALPN,
        operators=True,
        default=["h2", "http/1.1", "http/1.0"],
        ignored=(OVN,),
    ),
    _field("hsts_max_age", "integer", "CTU", 27, minimum=0, ignored=(OVN,)),
    _field("hsts_include_subdomains", "boolean", "CTU", 27, default=False, ignored=(OVN,)),
    _field("hsts_preload", "boolean", "CTU", 27, default=False, ignored=(OVN,)),
)

POOL = _fields(
    COMMON,
    _field(
        *("protocol", "text", "CTR"),
        choices=POOL_PROTOCOLS,
        providers={OVN: ("TCP", "UDP", "SCTP")},
    ),
    _field(
        *("lb_algorithm", "text", "CTUR"),
        choices="ROUND_ROBIN LEAST_CONNECTIONS SOURCE_IP SOURCE_IP_PORT:13",
        providers={
            OVN: ("SOURCE_IP_PORT", "SOURCE_IP"),
            AMPHORA: ("ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP"),
        },
    ),
    _field("session_persistence", "persistence", "CTU", default={}),
    _field("tls_enabled", "boolean", "CTU", 8, default=False, reset=False, ignored=(OVN,)),
    _field("tls_container_ref", "text", "CTU", 8, maximum=255, ignored=(OVN,)),
    _field("ca_tls_container_ref", "text", "CTU", 8, maximum=255, ignored=(OVN,)),
    _field("crl_container_ref", "text", "CTU", 8, maximum=255, ignored=(OVN,)),
    _field("tls_ciphers", "text", "CTU", 15, maximum=2048, operators=True, ignored=(OVN,)),
    _field(
        *("tls_versions", "sequence", "CTU", 18),
        choices=TLS_VERSIONS,
        operators=True,
        default=["TLSv1.2", "TLSv1.3"],
        ignored=(OVN,),
    ),
    _field(
        *("alpn_protocols", "sequence", "CTU", 24),
        choices=ALPN,
        operators=True,
        default=["h2", "http/1.1", "http/1.0"],
        # A null would mean none at all.
        reset=["h2", "http/1.1", "http/1.0"],
        ignored=(OVN,),
    ),
)

MEMBER = _fields(
    (NAME, ADMIN, TAGS),
    _field("address", "address", "CTR"),
    _field("protocol_port", "integer", "CTR", minimum=1, maximum=65535),
    _field("weight", "integer", "CTU", minimum=0, maximum=256, default=1, ignored=(OVN,)),
    _field("backup", "boolean", "CTU", 1, default=False, ignored=(OVN,)),
    _field("subnet_id", "id", "CT"),
    _field("monitor_address", "address", "CTU", providers=NOT_OVN),
    _field("monitor_port", "integer", "CTU", minimum=1, maximum=65535, providers=NOT_OVN),
    _field("request_sriov", "boolean", "CT", 30, default=False),
)

HEALTHMONITOR = _fields(
    (NAME, ADMIN, TAGS),
    _field("type", "text", "CTR", choices=CHECKS, providers={OVN: ("TCP", "UDP-CONNECT")}),
    _field("delay", "integer", "CTUR", minimum=0),
    _field("timeout", "integer", "CTUR", minimum=0),
    _field("max_retries", "integer", "CTUR", minimum=1, maximum=10),
    _field("max_retries_down", "integer", "CTU", minimum=1, maximum=10, default=3),
    _field("http_method", "text", "CTU", choices=METHODS, default="GET"),
    _field("url_path", "path", "CTU", default="/"),
    _field("expected_codes", "codes", "CTU", default="200"),
    _field("http_version", "number", "CTU", 10, choices={1.0: 10, 1.1: 10}),
    _field("domain_name", "domain", "CTU", 10, maximum=255),
)

L7POLICY = _fields(
    COMMON,
    _field("action", "text", "CTUR", choices=ACTIONS),
    _field("redirect_pool_id", "id", "CU"),
    _field("redirect_url", "url", "CTU"),
    _field("redirect_prefix", "url", "CTU"),
    _field(
        *("redirect_http_code", "integer", "CTU", 9),
        choices={301: 9, 302: 9, 303: 9, 307: 9, 308: 9},
        default=302,
        reset=302,
    ),
    _field("position", "integer", "CTU", minimum=1, maximum=2_147_483_647),
)

L7RULE = _fields(
    (ADMIN, TAGS),
    _field("type", "text", "CTUR", choices=RULES),
    _field("compare_type", "text", "CTUR", choices=COMPARISONS),
    _field("key", "line", "CTU", maximum=255),
    _field("value", "line", "CTUR", maximum=255),
    _field("invert", "boolean", "CTU", default=False, reset=False),
)


def _limit(name: str, since: int = 0) -> Field:
    bounds = {"minimum": -1, "maximum": MAX_QUOTA, "operators": True}
    return _field(name, "integer", "U", since, **bounds)


QUOTA = _fields(
    [_limit(name) for name in ("loadbalancer", "listener", "member", "pool", "healthmonitor")],
    [_limit(name, 19) for name in ("l7policy", "l7rule")],
)
#: Limits that older servers answer under another name than the one that they take.
RENAMED_LIMITS = {"loadbalancer": "load_balancer", "healthmonitor": "health_monitor"}

ENABLED = _field("enabled", "boolean", "CU", default=True, reset=True)
NAME_KEY = _field("name", "text", "CUR", maximum=255)
PROFILE = (NAME_KEY, _field("provider_name", "text", "CUR", maximum=255))
FLAVOR = _fields((NAME_KEY, DESCRIPTION, ENABLED), _field("flavor_profile_id", "id", "CR"))
FLAVORPROFILE = _fields(PROFILE, _field("flavor_data", "json", "CUR", maximum=4096))
ZONE = _fields(
    _field("name", "text", "CR", maximum=255),
    (DESCRIPTION, ENABLED),
    _field("availability_zone_profile_id", "id", "CR"),
)
ZONEPROFILE = _fields(PROFILE, _field("availability_zone_data", "json", "CUR", maximum=4096))

_TABLE = (
    Resource(
        *("loadbalancer", "loadbalancer", "loadbalancers", "lbaas/loadbalancers", LOADBALANCER),
        readonly=(*STATUS, "vip_vnic_type", "tenant_id"),
    ),
    Resource(
        *("listener", "listener", "listeners", "lbaas/listeners", LISTENER),
        readonly=(*STATUS, "loadbalancers", "project_id", "tenant_id"),
    ),
    Resource(
        *("pool", "pool", "pools", "lbaas/pools", POOL),
        readonly=(
            *(*STATUS, "loadbalancers", "listeners", "healthmonitor_id"),
            *("project_id", "tenant_id"),
        ),
    ),
    Resource(
        *("member", "member", "members", "lbaas/pools/{parent}/members", MEMBER),
        parent="pool",
        readonly=(*STATUS, "vnic_type", "project_id", "tenant_id"),
    ),
    Resource(
        *("healthmonitor", "healthmonitor", "healthmonitors"),
        *("lbaas/healthmonitors", HEALTHMONITOR),
        readonly=(*STATUS, "pools", "project_id", "tenant_id"),
    ),
    Resource(
        *("l7policy", "l7policy", "l7policies", "lbaas/l7policies", L7POLICY),
        readonly=(*STATUS, "listener_id", "project_id", "tenant_id"),
        providers=NOT_OVN,
    ),
    Resource(
        *("l7rule", "rule", "rules", "lbaas/l7policies/{parent}/rules", L7RULE),
        parent="l7policy",
        readonly=(*STATUS, "project_id", "tenant_id"),
        providers=NOT_OVN,
    ),
    Resource(
        *("quota", "quota", "quotas", "lbaas/quotas", QUOTA),
        identity="project_id",
        verbs=("list", "get", "update", "delete"),
    ),
    Resource(*("flavor", "flavor", "flavors", "lbaas/flavors", FLAVOR), since=6, readonly=("id",)),
    Resource(
        *("flavorprofile", "flavorprofile", "flavorprofiles"),
        *("lbaas/flavorprofiles", FLAVORPROFILE),
        since=6,
        readonly=("id",),
    ),
    Resource(
        *("availabilityzone", "availability_zone", "availability_zones"),
        *("lbaas/availabilityzones", ZONE),
        identity="name",
        since=14,
    ),
    Resource(
        *("availabilityzoneprofile", "availability_zone_profile", "availability_zone_profiles"),
        *("lbaas/availabilityzoneprofiles", ZONEPROFILE),
        since=14,
        readonly=("id",),
    ),
    Resource(
        *("amphora", "amphora", "amphorae", "octavia/amphorae", {}),
        verbs=("list", "get", "delete"),
        since=3,
    ),
    Resource(
        *("provider", "provider", "providers", "lbaas/providers", {}),
        identity="name",
        verbs=("list",),
        since=1,
    ),
)
RESOURCES: dict[str, Resource] = {item.name: item for item in _TABLE}

#: Which pools a listener may use, by their protocols.
POOLS_OF_LISTENERS = {
    "TCP": ("HTTP", "HTTPS", "PROXY", "PROXYV2", "TCP"),
    "HTTP": ("HTTP", "PROXY", "PROXYV2"),
    "HTTPS": ("HTTPS", "PROXY", "PROXYV2", "TCP"),
    "TERMINATED_HTTPS": ("HTTP", "PROXY", "PROXYV2"),
    "UDP": ("UDP",),
    "SCTP": ("SCTP",),
    "PROMETHEUS": (),
}
#: The transport protocols whose ports do not get into each other's way.
TRANSPORTS = {"UDP": "UDP", "SCTP": "SCTP"}


#: The release of Octavia that brought a minor version of the API.
RELEASES = {
    0: "queens",
    2: "rocky",
    10: "stein",
    13: "train",
    16: "ussuri",
    23: "victoria",
    24: "wallaby",
    25: "yoga",
    26: "zed",
    27: "2023.2",
    28: "2024.1",
    30: "2025.1",
}


def release(minor: int) -> str:
    """
    The first release of Octavia that has a version of the API.

    :param minor: minor version of the API
    :return: name of the release
    """
    return next(name for had, name in RELEASES.items() if had >= minor)


def limits(answer: Mapping[str, Any]) -> dict[str, Any]:
    """
    A quota under the names of the table.

    :param answer: a quota as a server answers it, of whatever release
    :return: the same with all limits that it tells
    """
    found = dict(answer)
    for name, renamed in RENAMED_LIMITS.items():
        if found.get(name) is None and renamed in found:
            found[name] = found[renamed]
    return found


def transport(protocol: str) -> str:
    """
    The transport protocol below a listener's.

    :param protocol: protocol of a listener
    :return: ``TCP``, ``UDP`` or ``SCTP``
    """
    return TRANSPORTS.get(protocol, "TCP")
