"""
Makes a load balancer with a listener, a pool and a member, and waits for its provisioning status.

Arguments: name, wanted status. Runs in a node with the system's openstacksdk.
"""

import sys
import time

import openstack

SUBNET = "00000000-0000-4000-8000-000000000010"
SECONDS = 240


def statuses(tree):
    """The provisioning status of an object and of all its children."""
    yield tree["provisioning_status"]
    for children in ("listeners", "pools", "members"):
        for child in tree.get(children, []):
            yield from statuses(child)


def main(name, wanted):
    api = openstack.connect().load_balancer
    body = {
        "name": name,
        "provider": "amphora",
        "vip_subnet_id": SUBNET,
        "vip_address": "198.51.100.10",
        "listeners": [
            {
                "name": f"{name}-listener",
                "protocol": "HTTP",
                "protocol_port": 80,
                "default_pool": {
                    "name": f"{name}-pool",
                    "protocol": "HTTP",
                    "lb_algorithm": "ROUND_ROBIN",
                    "members": [{"address": "198.51.100.20", "protocol_port": 8080}],
                },
            }
        ],
    }
    answer = api.post("/lbaas/loadbalancers", json={"loadbalancer": body})
    if answer.status_code != 201:
        sys.exit(f"POST answered {answer.status_code}: {answer.text}")
    made = answer.json()["loadbalancer"]
    path = f"/lbaas/loadbalancers/{made['id']}/status"
    end = time.monotonic() + SECONDS
    while True:
        tree = api.get(path).json()["statuses"]["loadbalancer"]
        states = set(statuses(tree))
        if states == {wanted}:
            break
        if time.monotonic() > end or "ERROR" in states:
            sys.exit(f"{name} and its children are {', '.join(sorted(states))}, not {wanted}")
        time.sleep(0.5)
    print(f"loadbalancer {tree['id']} {name} {tree['provisioning_status']}")
    for listener in tree.get("listeners", []):
        print(f"  listener {listener['id']} {listener['provisioning_status']}")
        for pool in listener.get("pools", []):
            print(f"    pool {pool['id']} {pool['provisioning_status']}")
            for member in pool.get("members", []):
                print(f"      member {member['id']} {member['provisioning_status']}")


main(*sys.argv[1:])
