"""
Prints every object of every load balancer as JSON: {collection: {id: object}}, as the API gives it.

Arguments: the URL of the API. Runs on the node of the cloud with the system's openstacksdk.
"""

import json
import sys

import openstack

LISTS = {
    "loadbalancers": "/lbaas/loadbalancers",
    "listeners": "/lbaas/listeners",
    "pools": "/lbaas/pools",
    "healthmonitors": "/lbaas/healthmonitors",
    "l7policies": "/lbaas/l7policies",
    "amphorae": "/octavia/amphorae",
}


def main(url):
    session = openstack.connect().session

    def read(path, key):
        return session.get(f"{url}/v2.0{path}").json()[key]

    lists = {name: read(path, name) for name, path in LISTS.items()}
    lists["members"] = [
        member
        for pool in lists["pools"]
        for member in read(f"/lbaas/pools/{pool['id']}/members", "members")
    ]
    lists["rules"] = [
        rule
        for policy in lists["l7policies"]
        for rule in read(f"/lbaas/l7policies/{policy['id']}/rules", "rules")
    ]
    print(json.dumps({name: {item["id"]: item for item in lists[name]} for name in lists}))


main(*sys.argv[1:])
