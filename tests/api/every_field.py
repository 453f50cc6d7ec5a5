"""
One object of each resource with a value for every field, in the stages of its life.

An object has for each field two values. The first one is never the server's default: the stages
are the first values, the second ones, the first ones again, and then all fields unset.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import octavia_desired as desired
import octavia_fields as kinds
import octavia_resources as resources
from octavia_resources import RESOURCES

FIRST, SECOND, AGAIN, UNSET = range(4)
STAGES = (FIRST, SECOND, AGAIN, UNSET)
#: What is found by its name must be told by its id when its name changes.
FOUND_BY_NAME = ("loadbalancer", "pool", "l7policy", "flavor", "flavorprofile")
FOUND_BY_NAME += ("availabilityzoneprofile",)
#: The fields that a server told by names of other objects holds as ids.
FIELDS = {
    (resource, key): name
    for resource, references in desired.REFERENCES.items()
    for key, (name, _) in references.items()
}


@dataclass(frozen=True)
class IdOf:
    """Stands for an id that only the server knows."""

    resource: str
    name: str


@dataclass
class Thing:
    """
    One object through all stages.

    :ivar resource: name of the resource
    :ivar fixed: fields that stay as they are
    :ivar values: fields with their two values
    :ivar keep: fields that are not unset, since the object cannot do without them
    :ivar last: fields that are changed when the others are unset
    :ivar children: below it, by their key in a declaration
    :ivar controls: the formula's own keys
    """

    resource: str
    fixed: dict[str, Any] = field(default_factory=dict)
    values: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    last: dict[str, Any] = field(default_factory=dict)
    children: dict[str, list[Thing]] = field(default_factory=dict)
    controls: dict[str, Any] = field(default_factory=dict)

    def fields(self, stage: int) -> dict[str, Any]:
        """The declared fields of a stage."""
        chosen = {name: pair[stage % 2] for name, pair in self.values.items()}
        if stage == UNSET:
            chosen = {name: pair[0] for name, pair in self.values.items()}
            gone = self.unset
            chosen = {name: value for name, value in chosen.items() if name not in gone}
            return {**self.fixed, **chosen, **self.last}
        return {**self.fixed, **chosen}

    @property
    def unset(self) -> list[str]:
        """The fields that are unset in the last stage."""
        told = [name for name in self.values if name not in (*self.keep, *self.last)]
        return [name for name in told if can_be_unset(self.resource, field_of(self, name))]

    def declared(self, stage: int, minor: int) -> dict[str, Any]:
        """
        What is declared in a stage.

        :param stage: one of STAGES
        :param minor: minor version of the API; newer fields are left out
        :return: the declaration, with :class:`IdOf` in it
        """
        fits = {
            name: value
            for name, value in self.fields(stage).items()
            if table(self.resource)[field_of(self, name)].since <= minor
        }
        declared = {**fits, **self.controls}
        if stage == UNSET:
            unset = [name for name in self.unset if self._since(name) <= minor]
            declared["unset"] = unset
        if "name" in self.values and stage != FIRST and self.resource in FOUND_BY_NAME:
            declared["adopt"] = IdOf(self.resource, self.fields(stage - 1)["name"])
        for key, things in self.children.items():
            below = [thing.declared(stage, minor) for thing in things]
            declared[key] = below[0] if key in desired.SINGLE else below
        return declared

    def _since(self, name: str) -> int:
        return table(self.resource)[field_of(self, name)].since

    def changes(self, stage: int, minor: int) -> Iterator[tuple[str, str, Any, Any]]:
        """
        What a stage changes: resource, field, old and new value of each.

        :param stage: one of STAGES after the first
        :param minor: minor version of the API
        """
        before, now = self.fields(stage - 1), self.fields(stage)
        for name, value in now.items():
            if self._since(name) <= minor and value != before.get(name):
                yield self.resource, field_of(self, name), before.get(name), value
        for name in self.unset if stage == UNSET else ():
            if self._since(name) <= minor:
                item = table(self.resource)[field_of(self, name)]
                yield self.resource, item.name, before[name], item.reset
        for thing in self.below():
            yield from thing.changes(stage, minor)

    def below(self) -> Iterator[Thing]:
        """Its children."""
        for things in self.children.values():
            yield from things

    def all(self) -> Iterator[Thing]:
        """The object itself and all that is below it."""
        yield self
        for thing in self.below():
            yield from thing.all()


def table(resource: str) -> dict[str, kinds.Field]:
    """The fields of a resource; a quota is told by its project."""
    project = kinds.Field("project_id", "text", create=True)
    return {"project_id": project, **RESOURCES[resource].fields}


def field_of(thing: Thing, key: str) -> str:
    """The field of the API that a declared key stands for."""
    return FIELDS.get((thing.resource, key), key)


def can_be_unset(resource: str, name: str) -> bool:
    """Whether a field can go back to a default that is known."""
    item = table(resource)[name]
    unknown = item.operators and item.default is None and resource != "quota"
    return item.update and not item.required and name != "position" and not unknown


#: What no light server can take, or what is shown elsewhere; all other fields are in the trees.
CERTIFICATES = "its certificate manager has one certificate for everything, and no CA and no CRL"
LEFT_OUT = {
    **{("listener", f"client_{what}"): CERTIFICATES for what in ("authentication",)},
    ("listener", "client_ca_tls_container_ref"): CERTIFICATES,
    ("listener", "client_crl_container_ref"): CERTIFICATES,
    ("pool", "ca_tls_container_ref"): CERTIFICATES,
    ("pool", "crl_container_ref"): CERTIFICATES,
    ("l7policy", "position"): "decided by the order of a list; a test of its own moves a policy",
}


def words(prefix: str = "") -> dict[str, tuple[Any, Any]]:
    """The fields that most resources have."""
    return {
        "name": (f"{prefix}-one", f"{prefix}-two"),
        "description": ("the first", "the second"),
        "admin_state_up": (False, True),
        "tags": (["a", "b"], ["c"]),
    }


def some(prefix: str, *left_out: str) -> dict[str, tuple[Any, Any]]:
    """The same without some of them."""
    return {name: pair for name, pair in words(prefix).items() if name not in left_out}


def rule(first: dict[str, Any], second: dict[str, Any], **more: Any) -> Thing:
    """A rule, known by what it says."""
    pairs = {name: (first[name], second[name]) for name in first}
    return Thing("l7rule", values={**some("", "name", "description"), **pairs}, **more)


def monitor() -> Thing:
    """A health monitor with all that HTTP knows; a domain needs version 1.1."""
    return Thing(
        "healthmonitor",
        fixed={"type": "HTTP", "http_version": 1.1},
        values={
            **some("monitor", "description"),
            "delay": (7, 8),
            "timeout": (5, 6),
            "max_retries": (4, 5),
            "max_retries_down": (4, 5),
            "http_method": ("HEAD", "POST"),
            "url_path": ("/up", "/health?deep=yes"),
            "expected_codes": ("200-204", "200,202"),
            "domain_name": ("one.example.org", "two.example.org"),
        },
    )


def member(address: str, subnet: str, **more: Any) -> Thing:
    """A member with every field, but for what needs a flavor."""
    return Thing(
        "member",
        fixed={"address": address, "protocol_port": 80, "subnet_id": subnet, **more},
        values={
            **some("member", "description"),
            "weight": (7, 8),
            "backup": (True, False),
            "monitor_address": ("10.9.9.1", "10.9.9.2"),
            "monitor_port": (81, 82),
        },
    )


TLS = {
    "tls_ciphers": ("ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384"),
    "tls_versions": (["TLSv1.3"], ["TLSv1.2"]),
    "alpn_protocols": (["http/1.1"], ["http/1.0", "http/1.1"]),
}
URLS = ("http://one.example.org/", "https://two.example.org/")
REF = "http://keys.example.org/v1/containers/{}"


def pools(subnet: str) -> list[Thing]:
    """A pool for HTTP and one for UDP; the others are for listeners to choose from."""
    plain = {"protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}
    often = {"type": "HTTPS", "delay": 5, "timeout": 3, "max_retries": 2}
    versioned = Thing("healthmonitor", fixed=often, values={"http_version": (1.0, 1.1)})
    return [
        Thing(
            "pool",
            fixed={"protocol": "HTTP"},
            values={
                **words("web"),
                "lb_algorithm": ("LEAST_CONNECTIONS", "SOURCE_IP"),
                "session_persistence": (
                    {"type": "APP_COOKIE", "cookie_name": "who"},
                    {"type": "HTTP_COOKIE"},
                ),
                "tls_enabled": (True, False),
                "tls_container_ref": (REF.format(1), REF.format(2)),
                **TLS,
            },
            children={
                "members": [member("10.0.0.1", subnet, request_sriov=True)],
                "healthmonitor": [monitor()],
            },
        ),
        Thing(
            "pool",
            fixed={"name": "udp", "protocol": "UDP", "lb_algorithm": "ROUND_ROBIN"},
            values={
                "session_persistence": tuple(
                    {
                        "type": "SOURCE_IP",
                        "persistence_timeout": seconds,
                        "persistence_granularity": mask,
                    }
                    for seconds, mask in ((60, "255.255.0.0"), (90, "255.255.255.0"))
                )
            },
            # Two that change at once are one batch.
            children={"members": [member(f"10.0.0.{host}", subnet) for host in (2, 3)]},
        ),
        Thing("pool", fixed={"name": "a", **plain}, children={"healthmonitor": [versioned]}),
        Thing("pool", fixed={"name": "b", **plain}),
    ]


def policies() -> list[Thing]:
    """A policy for each kind of redirect."""
    path = {"type": "PATH", "compare_type": "STARTS_WITH", "value": "/a"}
    header = {"type": "HEADER", "compare_type": "EQUAL_TO", "value": "b", "key": "x-who"}
    return [
        Thing(
            "l7policy",
            values={**words("url"), "redirect_url": URLS, "redirect_http_code": (301, 307)},
            fixed={"action": "REDIRECT_TO_URL"},
            keep=("redirect_url",),
            children={
                "rules": [
                    rule(
                        {**header, "invert": True},
                        {**header, "value": "c", "key": "x-what", "invert": False},
                        last={"type": "HOST_NAME"},
                    )
                ]
            },
        ),
        Thing(
            "l7policy",
            fixed={"name": "prefix", "action": "REDIRECT_PREFIX"},
            values={"redirect_prefix": URLS},
            last={"action": "REJECT"},
            children={
                "rules": [rule(path, {**path, "type": "FILE_TYPE", "compare_type": "REGEX"})]
            },
        ),
        Thing(
            "l7policy",
            fixed={"name": "pool", "action": "REDIRECT_TO_POOL"},
            values={"redirect_pool": ("a", "b")},
            last={"action": "REJECT"},
        ),
        Thing(
            "l7policy",
            fixed={"name": "other", "action": "REDIRECT_TO_URL"},
            values={"redirect_url": URLS},
            last={"action": "REJECT"},
        ),
    ]


def listeners() -> list[Thing]:
    """Two listeners for TLS, each of which can do without what the other one needs."""
    numbers = ("client_data", "member_connect", "member_data", "tcp_inspect")
    return [
        Thing(
            "listener",
            fixed={"protocol": "TERMINATED_HTTPS", "protocol_port": 443},
            values={
                **words("tls"),
                "connection_limit": (100, 200),
                "default_pool": ("a", "b"),
                "default_tls_container_ref": (REF.format(3), REF.format(4)),
                "sni_container_refs": ([REF.format(5)], [REF.format(6), REF.format(7)]),
                "insert_headers": (
                    {"X-Forwarded-For": "true"},
                    {"X-Forwarded-Port": "true", "X-SSL-Client-CN": "true"},
                ),
                **{
                    f"timeout_{name}": (place * 1000 + 1, place * 1000 + 2)
                    for place, name in enumerate(numbers, 1)
                },
                **TLS,
                "hsts_max_age": (3600, 7200),
                "hsts_include_subdomains": (True, False),
                "hsts_preload": (True, False),
            },
            keep=("default_tls_container_ref",),
            children={"l7policies": policies()},
        ),
        Thing(
            "listener",
            fixed={"protocol": "TERMINATED_HTTPS", "protocol_port": 444},
            values={
                "default_tls_container_ref": (REF.format(3), REF.format(4)),
                "sni_container_refs": ([REF.format(5)], [REF.format(6), REF.format(7)]),
            },
            keep=("sni_container_refs",),
        ),
    ]


def balancers(prefix: str, networks: list[str], project_id: str) -> list[Thing]:
    """
    Load balancers that have every field between them.

    :param prefix: of the names of what is shared by all projects
    :param networks: six ids that nothing else on the server has
    :param project_id: the project
    """
    network, subnet, second, port, group, other = networks
    rules = {"purge": ["rules"]}
    return [
        Thing(
            "loadbalancer",
            fixed={
                "project_id": project_id,
                "vip_network_id": network,
                "vip_subnet_id": subnet,
                "vip_address": "192.0.2.7",
                "additional_vips": [{"subnet_id": second, "ip_address": "2001:db8::7"}],
                "flavor": f"{prefix}-flavor",
                "availability_zone": f"{prefix}-zone",
                "provider": "amphora",
            },
            values={
                **words("lb"),
                "vip_qos_policy_id": (group, other),
                "vip_sg_ids": ([group], [other, group]),
            },
            children={"pools": pools(subnet), "listeners": listeners()},
            controls=rules,
        ),
        Thing(
            "loadbalancer",
            fixed={
                "name": "port",
                "vip_port_id": port,
                "vip_subnet_id": subnet,
                "vip_address": "192.0.2.8",
            },
            children={
                "listeners": [
                    Thing(
                        "listener",
                        fixed={"protocol": "HTTP", "protocol_port": 80},
                        values={"allowed_cidrs": (["10.0.0.0/8"], ["10.1.0.0/16", "192.0.2.0/24"])},
                    )
                ]
            },
        ),
    ]


def operators(prefix: str, project_id: str) -> dict[str, list[Thing]]:
    """
    What only operators declare, with every field.

    :param prefix: of the names, which are shared by all projects
    :param project_id: a project that nobody uses
    """
    names = (f"{prefix}-one", f"{prefix}-two")
    datas = ({"loadbalancer_topology": "SINGLE"}, {"loadbalancer_topology": "ACTIVE_STANDBY"})
    zones = ({"compute_zone": "one"}, {"compute_zone": "two"})
    provider = {"provider_name": ("amphora", "octavia")}
    more = {"description": ("the first", "the second"), "enabled": (False, True)}
    used = {"name": f"{prefix}-used", "provider_name": "amphora"}
    limits = enumerate(resources.QUOTA, 1)
    return {
        "flavorprofiles": [
            Thing("flavorprofile", values={"name": names, **provider, "flavor_data": datas}),
            Thing("flavorprofile", fixed={**used, "flavor_data": datas[0]}),
        ],
        "flavors": [
            Thing(
                "flavor",
                fixed={"flavor_profile": f"{prefix}-used"},
                values={"name": names, **more},
            )
        ],
        "availabilityzoneprofiles": [
            Thing(
                "availabilityzoneprofile",
                values={"name": names, **provider, "availability_zone_data": zones},
            ),
            Thing("availabilityzoneprofile", fixed={**used, "availability_zone_data": zones[0]}),
        ],
        "availabilityzones": [
            Thing(
                "availabilityzone",
                fixed={"name": names[0], "availability_zone_profile": f"{prefix}-used"},
                values=more,
            )
        ],
        "quotas": [
            Thing(
                "quota",
                fixed={"project_id": project_id},
                values={name: (place + 10, place + 20) for place, name in limits},
            )
        ],
    }
