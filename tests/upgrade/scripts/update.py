"""
Changes every load balancer and one member of every pool, and waits each time until all load
balancers are ACTIVE again.

Arguments: the URL of the API, a text to describe the load balancers by, the members' new weight.
Prints how many were changed, as JSON. Runs on the node of the cloud with the system's openstacksdk.
"""

import json
import sys
import time

import openstack

SECONDS = 300


def main(url, text, weight):
    session = openstack.connect().session
    base = f"{url}/v2.0/lbaas"

    def read(path, key):
        return session.get(f"{base}/{path}").json()[key]

    def settle():
        end = time.monotonic() + SECONDS
        while True:
            found = read("loadbalancers", "loadbalancers")
            left = {item["name"]: item["provisioning_status"] for item in found}
            left = {name: status for name, status in left.items() if status != "ACTIVE"}
            if not left:
                return found
            if time.monotonic() > end or "ERROR" in left.values():
                sys.exit(f"not ACTIVE after a change: {left}")
            time.sleep(0.3)

    def change(path, kind, **fields):
        session.put(f"{base}/{path}", json={kind: fields})

    balancers = settle()
    for item in balancers:
        change(f"loadbalancers/{item['id']}", "loadbalancer", description=text)
    settle()
    pools = read("pools", "pools")
    for item in pools:
        member = item["members"][0]["id"]
        change(f"pools/{item['id']}/members/{member}", "member", weight=int(weight))
    changed = {item["description"] for item in settle()}
    if changed - {text}:
        sys.exit(f"descriptions are {changed} and not {text}")
    print(json.dumps({"loadbalancers": len(balancers), "members": len(pools)}))


main(*sys.argv[1:])
