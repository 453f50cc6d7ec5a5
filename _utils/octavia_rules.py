"""
What fields demand of each other, within an object and along a tree.

A rule sees an object as it will be: what stands on the server with what is declared on top. It
yields the field that is to blame, the reason and the remedy.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

try:
    import octavia_resources as resources
except ImportError:
    from salt_formula_octavia.utils import octavia_resources as resources

Fields = Mapping[str, Any]
Problem = tuple[str, str, str]

TLS_LISTENERS = ("TERMINATED_HTTPS", "PROMETHEUS")
HTTP_LISTENERS = ("HTTP", "TERMINATED_HTTPS")
DATAGRAMS = ("UDP", "SCTP")
CHECKS_OF_DATAGRAMS = ("HTTP", "TCP", "UDP-CONNECT", "SCTP")
ONLY_DATAGRAMS = ("UDP-CONNECT", "SCTP")
TLS_FIELDS = ("default_tls_container_ref", "sni_container_refs", "hsts_max_age")
HTTP_FIELDS = ("http_method", "url_path", "expected_codes")
TARGETS = {
    "REDIRECT_TO_URL": "redirect_url",
    "REDIRECT_PREFIX": "redirect_prefix",
    "REDIRECT_TO_POOL": "redirect_pool_id",
}
#: What the server sets anew when another field is written, by that one.
SET_ANEW = {
    "l7policy": dict.fromkeys(("redirect_url", "redirect_prefix"), "redirect_http_code"),
}
KEYED_RULES = ("HEADER", "COOKIE", "SSL_DN_FIELD")
COMPARISONS = {
    "FILE_TYPE": ("REGEX", "EQUAL_TO"),
    "SSL_CONN_HAS_CERT": ("EQUAL_TO",),
    "SSL_VERIFY_RESULT": ("EQUAL_TO",),
}
MAX_RULES = 50


def problems(resource: str, fields: Fields, above: Mapping[str, Fields]) -> Iterator[Problem]:
    """
    What does not go together.

    :param resource: name of the resource
    :param fields: the object's fields as they will be
    :param above: the same of the objects that it is in, by resource
    :return: field, reason and remedy for each
    """
    if resource in RULES:
        yield from RULES[resource](fields, above)


def inapplicable(resource: str, fields: Fields) -> set[str]:
    """
    The fields that the server refuses for an object of this kind.

    :param resource: name of the resource
    :param fields: the object's fields
    :return: names of fields that must not be sent
    """
    if resource == "healthmonitor" and fields.get("type") not in resources.HTTP_CHECKS:
        return {*HTTP_FIELDS, "http_version", "domain_name"}
    if resource == "listener" and fields.get("protocol") not in TLS_LISTENERS:
        tls = {name for name in resources.LISTENER if name.startswith(("tls_", "alpn_", "hsts_"))}
        return {*tls, *TLS_FIELDS}
    if resource == "l7policy" and fields.get("action") in ("REJECT", "REDIRECT_TO_POOL"):
        return {"redirect_http_code"}
    return set()


def cleared(resource: str, live: Fields, declared: Fields) -> set[str]:
    """
    The fields that the server clears by itself when others are changed.

    :param resource: name of the resource
    :param live: the object as it is
    :param declared: the declared fields
    :return: names of fields whose present values do not count
    """
    action = declared.get("action")
    if resource == "l7policy" and action and action != live.get("action"):
        return {*TARGETS.values(), "redirect_http_code"}
    return set()


def accompanying(resource: str, fields: Fields, changed: Iterable[str]) -> dict[str, Any]:
    """
    What must be written again with a change, since the server would put it back to its default.

    :param resource: name of the resource
    :param fields: the object's fields as they will be
    :param changed: names of the fields that are written
    :return: fields with their values
    """
    table, written = SET_ANEW.get(resource, {}), set(changed)
    names = {table[name] for name in written if name in table} - written
    return {name: fields[name] for name in sorted(names) if fields.get(name) is not None}


def _balancer(fields: Fields, above: Mapping[str, Fields]) -> Iterator[Problem]:
    del above
    subnets = [entry.get("subnet_id") for entry in fields.get("additional_vips") or ()]
    main = fields.get("vip_subnet_id")
    if len(set(subnets)) < len(subnets) or (main and main in subnets):
        reason = "names a subnet twice, each may give one address"
        yield "additional_vips", reason, "Keep one entry a subnet, none for that of the VIP"


def _listener(fields: Fields, above: Mapping[str, Fields]) -> Iterator[Problem]:
    protocol = fields.get("protocol")
    for name in TLS_FIELDS:
        if fields.get(name) and protocol not in TLS_LISTENERS:
            remedy = "Remove it, or make it a TERMINATED_HTTPS listener"
            yield name, f"does not go with the protocol {protocol}", remedy
    for name in ("hsts_include_subdomains", "hsts_preload"):
        if fields.get(name) and fields.get("hsts_max_age") is None:
            yield name, "needs hsts_max_age", "Declare hsts_max_age too"
    if protocol == "TERMINATED_HTTPS" and not _certificates(fields):
        reason = "needs a certificate"
        yield "protocol", reason, "Declare default_tls_container_ref or sni_container_refs"
    yield from _client_certificates(fields)
    yield from _headers(fields)
    yield from _networks(fields, above.get("loadbalancer", {}))
    if protocol == "PROMETHEUS" and fields.get("default_pool_id"):
        yield "default_pool", "is not possible for a PROMETHEUS listener", "Remove it"


def _certificates(fields: Fields) -> bool:
    return bool(fields.get("default_tls_container_ref") or fields.get("sni_container_refs"))


def _client_certificates(fields: Fields) -> Iterator[Problem]:
    trusted = fields.get("client_ca_tls_container_ref")
    if (fields.get("client_authentication") or "NONE") != "NONE" and not trusted:
        remedy = "Declare client_ca_tls_container_ref too"
        yield "client_authentication", "needs the CA of the clients", remedy
    if fields.get("client_crl_container_ref") and not trusted:
        remedy = "Declare client_ca_tls_container_ref too"
        yield "client_crl_container_ref", "needs the CA of the clients", remedy


def _headers(fields: Fields) -> Iterator[Problem]:
    protocol = fields.get("protocol")
    known: tuple[str, ...] = resources.HEADERS
    if protocol == "TERMINATED_HTTPS":
        known = (*known, *resources.TLS_HEADERS)
    names = list(fields.get("insert_headers") or {})
    if names and protocol not in HTTP_LISTENERS:
        reason = f"does not go with the protocol {protocol}"
        yield "insert_headers", reason, f"Only {' and '.join(HTTP_LISTENERS)} can insert headers"
    elif set(names) - set(known):
        wrong = ", ".join(sorted(set(names) - set(known)))
        reason = f"holds {wrong}, which a {protocol} listener does not know"
        yield "insert_headers", reason, f"Known are {', '.join(known)}"


def _networks(fields: Fields, balancer: Fields) -> Iterator[Problem]:
    networks = fields.get("allowed_cidrs") or ()
    if networks and balancer.get("vip_sg_ids"):
        remedy = "Use one of the two"
        yield "allowed_cidrs", "does not go with vip_sg_ids of the load balancer", remedy
    vips = [balancer.get("vip_address")]
    vips += [entry.get("ip_address") for entry in balancer.get("additional_vips") or ()]
    if not all(vips):
        return
    families = {ipaddress.ip_address(vip).version for vip in vips if vip}
    for network in networks:
        if ipaddress.ip_network(network, strict=False).version not in families:
            reason = f"holds {network}, and no VIP is of that family"
            yield "allowed_cidrs", reason, "Remove it, or add a VIP of that family"


def _pool(fields: Fields, above: Mapping[str, Fields]) -> Iterator[Problem]:
    del above
    persistence = fields.get("session_persistence") or {}
    kind, datagrams = persistence.get("type"), fields.get("protocol") in DATAGRAMS
    place = "session_persistence"
    if kind == "APP_COOKIE" and not persistence.get("cookie_name"):
        yield place, "needs a cookie_name for APP_COOKIE", "Declare cookie_name"
    if kind != "APP_COOKIE" and persistence.get("cookie_name"):
        yield place, f"has a cookie_name, which does not go with {kind}", "Remove cookie_name"
    if datagrams and kind and kind != "SOURCE_IP":
        reason = f"cannot be {kind} in a {fields['protocol']} pool"
        yield place, reason, "Use SOURCE_IP"
    timed = {"persistence_timeout", "persistence_granularity"} & {
        name for name, value in persistence.items() if value is not None
    }
    if timed and not (datagrams and kind == "SOURCE_IP"):
        reason = f"has {' and '.join(sorted(timed))}, which go with SOURCE_IP in UDP and SCTP pools"
        yield place, reason, "Remove them"


def _monitor(fields: Fields, above: Mapping[str, Fields]) -> Iterator[Problem]:
    kind, protocol = fields.get("type"), above.get("pool", {}).get("protocol")
    allowed = CHECKS_OF_DATAGRAMS if protocol in DATAGRAMS else ()
    if (allowed and kind not in allowed) or (
        protocol and kind in ONLY_DATAGRAMS and protocol not in DATAGRAMS
    ):
        fitting = allowed or tuple(set(resources.CHECK_TYPES) - set(ONLY_DATAGRAMS))
        reason = f"{kind} cannot check a {protocol} pool"
        yield "type", reason, f"Use one of {', '.join(sorted(fitting))}"
    for name in sorted(inapplicable("healthmonitor", fields)):
        if fields.get(name) is not None:
            yield name, f"does not go with the type {kind}", "Remove it, or use HTTP or HTTPS"
    if fields.get("domain_name") and fields.get("http_version") != 1.1:
        yield "domain_name", "needs http_version 1.1", "Declare http_version: 1.1"


def _policy(fields: Fields, above: Mapping[str, Fields]) -> Iterator[Problem]:
    protocol, action = above.get("listener", {}).get("protocol"), fields.get("action")
    if protocol and protocol not in HTTP_LISTENERS:
        reason = f"cannot be in a {protocol} listener"
        yield "action", reason, f"Use a listener of {' or '.join(HTTP_LISTENERS)}"
    needed = TARGETS.get(str(action), "")
    if needed and not fields.get(needed):
        word = needed.removesuffix("_id")
        yield "action", f"{action} needs {word}", f"Declare {word}"
    for other in sorted(set(TARGETS.values()) - {needed}):
        if fields.get(other):
            word = other.removesuffix("_id")
            yield word, f"does not go with the action {action}", "Remove it"
    if fields.get("redirect_http_code") and action in ("REJECT", "REDIRECT_TO_POOL"):
        yield "redirect_http_code", f"does not go with the action {action}", "Remove it"


def _rule(fields: Fields, above: Mapping[str, Fields]) -> Iterator[Problem]:
    del above
    kind, comparison = fields.get("type"), fields.get("compare_type")
    value, key = fields.get("value"), fields.get("key")
    if kind in KEYED_RULES and not key:
        yield "key", f"is missing, a rule of type {kind} needs it", "Declare key"
    if kind not in KEYED_RULES and key:
        yield "key", f"does not go with a rule of type {kind}", "Remove it"
    allowed = COMPARISONS.get(str(kind), ())
    if allowed and comparison not in allowed:
        reason = f"{comparison} does not go with a rule of type {kind}"
        yield "compare_type", reason, f"Use {' or '.join(allowed)}"
    if comparison == "REGEX" and not _compiles(str(value)):
        yield "value", "is not a regular expression", "Correct it"
    if kind == "SSL_CONN_HAS_CERT" and str(value).lower() != "true":
        yield "value", "must be the text True for SSL_CONN_HAS_CERT", "Write 'True'"
    if kind == "SSL_VERIFY_RESULT" and not str(value).isdigit():
        yield "value", "must be the text of a number for SSL_VERIFY_RESULT", "Write such as '0'"


def _compiles(expression: str) -> bool:
    try:
        re.compile(expression)
    except re.error:
        return False
    return True


RULES = {
    "loadbalancer": _balancer,
    "listener": _listener,
    "pool": _pool,
    "healthmonitor": _monitor,
    "l7policy": _policy,
    "l7rule": _rule,
}


def pool_fits(listener: Any, pool: Any) -> bool:
    """
    Whether a listener can hand its traffic to a pool.

    :param listener: protocol of the listener
    :param pool: protocol of the pool
    :return: True as well when one of the two is not known
    """
    if not listener or not pool:
        return True
    return pool in resources.POOLS_OF_LISTENERS[listener]


def provider_problems(resource: str, declared: Fields, provider: Any) -> Iterator[Problem]:
    """
    What a provider refuses.

    :param resource: name of the resource
    :param declared: the declared fields
    :param provider: name of the provider; nothing is known about most
    :return: field, reason and remedy for each
    """
    table = resources.RESOURCES[resource]
    name = "amphora" if provider == "octavia" else str(provider)
    if name in table.providers:
        yield "", f"cannot be had from the provider {name}", "Remove it, or use another provider"
    for key, value in declared.items():
        item = table.fields.get(key)
        if item is None or item.providers is None or name not in item.providers:
            continue
        takes = item.providers[name]
        unused = not takes and not value
        if value not in takes and not unused:
            remedy = f"Use {' or '.join(takes)}" if takes else "Remove it"
            yield key, f"is refused by the provider {name}", remedy


def ignored(resource: str, declared: Fields, provider: Any) -> list[str]:
    """
    Declared fields that a provider stores without doing anything about them.

    :param resource: name of the resource
    :param declared: the declared fields
    :param provider: name of the provider
    :return: names of fields
    """
    fields = resources.RESOURCES[resource].fields
    return [key for key in declared if key in fields and provider in fields[key].ignored]
