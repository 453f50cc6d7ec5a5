"""
Makes a load balancer with a listener, a pool and a member, and waits for their provisioning status.

Arguments: name, wanted status. Where the wanted status is not ACTIVE, nothing works on the load
balancer, so it gets no children. Runs in a node with the system's openstacksdk.
"""

import sys
import time

import openstack

SUBNET = "00000000-0000-4000-8000-000000000010"
SECONDS = 240


def send(api, path, kind, **body):
    """Makes one object and gives it back; ends the program when the API refuses."""
    answer = api.post(f"/lbaas/{path}", json={kind: body})
    if answer.status_code != 201:
        sys.exit(f"POST {path} answered {answer.status_code}: {answer.text}")
    return answer.json()[kind]


def statuses(tree):
    """The provisioning status of an object and of all its children."""
    yield tree["provisioning_status"]
    for children in ("listeners", "pools", "members"):
        for child in tree.get(children, []):
            yield from statuses(child)


def wait(api, made, wanted):
    """Waits until the load balancer and its children have the status; the tree then."""
    end = time.monotonic() + SECONDS
    while True:
        answer = api.get(f"/lbaas/loadbalancers/{made['id']}/status")
        tree = answer.json()["statuses"]["loadbalancer"]
        states = set(statuses(tree))
        if states == {wanted}:
            return tree
        if time.monotonic() > end or "ERROR" in states:
            sys.exit(f"{made['name']} and its children are {', '.join(states)}, not {wanted}")
        time.sleep(0.3)


def main(name, wanted):
    api = openstack.connect().load_balancer
    address = {"vip_subnet_id": SUBNET, "vip_address": "198.51.100.10"}
    made = send(api, "loadbalancers", "loadbalancer", name=name, provider="amphora", **address)
    tree = wait(api, made, wanted)
    if wanted == "ACTIVE":
        port = {"protocol": "HTTP", "protocol_port": 80}
        listener = send(api, "listeners", "listener", loadbalancer_id=made["id"], **port)
        wait(api, made, wanted)
        balance = {"protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}
        pool = send(api, "pools", "pool", listener_id=listener["id"], **balance)
        wait(api, made, wanted)
        member = {"address": "198.51.100.20", "protocol_port": 8080}
        send(api, f"pools/{pool['id']}/members", "member", **member)
        tree = wait(api, made, wanted)
    print(f"loadbalancer {tree['id']} {name} {tree['provisioning_status']}")
    for listener in tree.get("listeners", []):
        print(f"  listener {listener['id']} {listener['provisioning_status']}")
        for pool in listener.get("pools", []):
            print(f"    pool {pool['id']} {pool['provisioning_status']}")
            for member in pool.get("members", []):
                print(f"      member {member['id']} {member['provisioning_status']}")


main(*sys.argv[1:])
