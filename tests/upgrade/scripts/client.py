"""
A tenant who goes on working while controllers are upgraded, and a balancer in front of their APIs.

Arguments: the file whose appearance ends the work, then the URL of each API. Every worker creates a
load balancer, changes it and deletes it, again and again, each time through an API whose health
check is well. Prints as JSON what was asked, what was accepted, what was lost of that, and for how
long no health check was well. Runs in a node with the system's openstacksdk.
"""

import json
import os
import sys
import threading
import time

import openstack
import requests

SUBNET = "22222222-3333-4444-5555-666666666666"
WORKERS = 3
PROBE = 0.25
# How long an accepted request may take to its end: a controller may be restarted meanwhile.
SETTLE = 1800


class Balancer:
    """Knows which APIs are in service, as a balancer with health checks does."""

    def __init__(self, urls):
        self.urls = urls
        self.up = set(urls)
        self.turn = 0
        self.gap, self.longest, self.since = 0.0, 0.0, time.monotonic()
        self.lock = threading.Lock()

    def look(self):
        """One round of health checks; counts the time without any API."""
        up = {url for url in self.urls if self.is_up(url)}
        now = time.monotonic()
        with self.lock:
            if not up:
                self.gap += now - self.since
            self.up, self.since = up, now

    def is_up(self, url):
        try:
            return requests.get(f"{url}/healthcheck", timeout=20).status_code == 200
        except requests.RequestException:
            return False

    def choose(self):
        """The next API in service; None where there is none."""
        with self.lock:
            known = sorted(self.up)
            self.turn += 1
        return known[self.turn % len(known)] if known else None


class Tenant:
    """What all workers have in common."""

    def __init__(self, balancer, stop):
        self.balancer, self.stop = balancer, stop
        self.connection = openstack.connect()
        self.lock = threading.Lock()
        self.counts = {"asked": 0, "accepted": 0, "refused": 0}
        self.refusals, self.lost = [], []

    def ended(self):
        return os.path.exists(self.stop)

    def ask(self, method, path, body=None):
        """One request; the answer when it was accepted, None otherwise."""
        url = self.balancer.choose()
        if url is None:
            time.sleep(PROBE)
            return None
        headers = {"X-Auth-Token": self.connection.auth_token}
        with self.lock:
            self.counts["asked"] += 1
        try:
            answer = requests.request(
                method, f"{url}/v2/lbaas/{path}", json=body, headers=headers, timeout=120
            )
        except requests.RequestException as problem:
            return self.refuse(f"{method} {path} at {url}: {type(problem).__name__}")
        if answer.status_code >= 300 and answer.status_code != 404:
            return self.refuse(
                f"{method} {path} at {url}: {answer.status_code} {answer.text[:200]}"
            )
        with self.lock:
            self.counts["accepted"] += 1
        return answer

    def refuse(self, why):
        with self.lock:
            self.counts["refused"] += 1
            self.refusals.append(why)

    def lose(self, what):
        with self.lock:
            self.lost.append(what)

    def settled(self, identity):
        """The load balancer once it is not PENDING any more; None when it is gone."""
        end = time.monotonic() + SETTLE
        while time.monotonic() < end:
            answer = self.ask("GET", f"loadbalancers/{identity}")
            if answer is not None:
                if answer.status_code == 404:
                    return None
                found = answer.json()["loadbalancer"]
                if not found["provisioning_status"].startswith("PENDING"):
                    return found
            time.sleep(PROBE)
        return {"provisioning_status": "PENDING for too long"}

    def live(self, number):
        """The life of load balancers, one after the other."""
        turn = 0
        while not self.ended():
            turn += 1
            self.one(f"tenant-{number}-{turn}")

    def one(self, name):
        body = {"name": name, "vip_subnet_id": SUBNET, "provider": "amphora"}
        made = self.ask("POST", "loadbalancers", {"loadbalancer": body})
        if made is None:
            time.sleep(PROBE)
            return
        identity = made.json()["loadbalancer"]["id"]
        self.expect(identity, f"create of {name}", "ACTIVE")
        for text in ("first", "second"):
            change = {"loadbalancer": {"description": text}}
            if self.ask("PUT", f"loadbalancers/{identity}", change) is None:
                continue
            found = self.expect(identity, f"update of {name}", "ACTIVE")
            if found is not None and found.get("description") != text:
                self.lose(f"update of {name}: it is {found.get('description')!r}, not {text!r}")
        while self.ask("DELETE", f"loadbalancers/{identity}?cascade=true") is None:
            time.sleep(PROBE)
        self.expect(identity, f"delete of {name}", "DELETED")

    def expect(self, identity, what, wanted):
        found = self.settled(identity)
        status = "DELETED" if found is None else found["provisioning_status"]
        if status != wanted:
            self.lose(f"{what}: {status}")
        return found


def main(stop, urls):
    balancer = Balancer(urls)
    balancer.look()
    tenant = Tenant(balancer, stop)
    workers = [threading.Thread(target=tenant.live, args=(number,)) for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        balancer.look()
        time.sleep(PROBE)
    answer = {
        **tenant.counts,
        "lost": tenant.lost,
        "refusals": tenant.refusals[:20],
        "seconds_without_api": round(balancer.gap, 1),
    }
    json.dump(answer, sys.stdout)


main(sys.argv[1], sys.argv[2:])
