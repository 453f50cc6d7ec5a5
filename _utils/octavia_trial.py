"""
The load balancer by which an upgraded API is tried: one of each kind of object, its changes, and
whether it has settled.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

NAME = "salt-formula-octavia-trial-{node}"
#: Addresses that are nobody's (RFC 5737).
MEMBERS = ("192.0.2.10", "192.0.2.11")


def tree(name: str, provider: str, vip_subnet_id: str) -> dict[str, Any]:
    """
    The declaration of a load balancer with one of each kind of object.

    :param name: its name
    :param provider: its provider
    :param vip_subnet_id: the subnet of its address
    :return: the declaration
    """
    return {
        "name": name,
        "description": "Made by Salt to try Octavia after an upgrade; it goes away by itself.",
        "provider": provider,
        "vip_subnet_id": vip_subnet_id,
        "pools": [
            {
                "name": "trial",
                "protocol": "HTTP",
                "lb_algorithm": "ROUND_ROBIN",
                "members": [{"address": MEMBERS[0], "protocol_port": 80, "weight": 1}],
                "healthmonitor": {"type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 2},
            }
        ],
        "listeners": [
            {
                "name": "trial",
                "protocol": "HTTP",
                "protocol_port": 80,
                "default_pool": "trial",
                "l7policies": [
                    {
                        "name": "trial",
                        "action": "REJECT",
                        "rules": [
                            {"type": "PATH", "compare_type": "STARTS_WITH", "value": "/trial"},
                        ],
                    }
                ],
            }
        ],
    }


def changed(declared: Mapping[str, Any]) -> dict[str, Any]:
    """
    The same load balancer with something else in it, on each level.

    :param declared: what :func:`tree` gave
    :return: another declaration
    """
    result = copy.deepcopy(dict(declared))
    result["description"] = f"{result['description']} It has been changed once."
    pool, listener = result["pools"][0], result["listeners"][0]
    pool["members"][0]["weight"] = 2
    pool["members"].append({"address": MEMBERS[1], "protocol_port": 80, "weight": 1})
    pool["healthmonitor"]["delay"] = 10
    listener["connection_limit"] = 1000
    listener["l7policies"][0]["description"] = "changed"
    return result


def unsettled(status: Mapping[str, Any]) -> str:
    """
    Which objects of a tree are not ACTIVE.

    :param status: the answer of ``/status``
    :return: in words; empty when all of them are
    """
    top = status.get("statuses", status)["loadbalancer"]
    found = [
        f"{kind} {item.get('name') or item['id']} is {item['provisioning_status']}"
        for kind, item in _objects("loadbalancer", top)
        if item["provisioning_status"] != "ACTIVE"
    ]
    return "; ".join(found)


def _objects(kind: str, item: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if "provisioning_status" in item:
        yield kind, item
    for below in ("listeners", "pools", "members", "l7policies", "rules"):
        for child in item.get(below) or []:
            yield from _objects(below, child)
    for below in ("health_monitor", "healthmonitor"):
        if item.get(below):
            yield from _objects(below, item[below])


def pending_row(balancer: Mapping[str, Any]) -> dict[str, Any] | None:
    """
    A load balancer of the API that is PENDING, as the database would tell of it.

    :param balancer: the load balancer
    :return: the row; None for one that is not PENDING
    """
    if not balancer["provisioning_status"].startswith("PENDING"):
        return None
    return {
        "kind": "loadbalancer",
        "id": balancer["id"],
        "name": balancer["name"],
        "status": balancer["provisioning_status"],
        "loadbalancer_id": balancer["id"],
        "loadbalancer_status": balancer["provisioning_status"],
        "since": balancer.get("updated_at") or balancer.get("created_at"),
    }
