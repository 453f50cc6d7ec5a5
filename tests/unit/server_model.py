"""
What operations do to the objects on a server, as far as plans depend on it.

The real API is looked at elsewhere; this is for properties of plans over many generated trees. It
refuses what the API refuses: a port or an address that is taken, a pool that is in use, a field
that cannot be changed, a reference to what is not there.
"""

import itertools
import uuid

import octavia_operations as operations
import octavia_resources as resources

PROJECT = "5f3b3b3b3b3b4b3b8b3b3b3b3b3b3b3b"
CLEARED = {
    "REJECT": ("redirect_url", "redirect_prefix", "redirect_pool_id", "redirect_http_code"),
    "REDIRECT_TO_URL": ("redirect_prefix", "redirect_pool_id"),
    "REDIRECT_PREFIX": ("redirect_url", "redirect_pool_id"),
    "REDIRECT_TO_POOL": ("redirect_url", "redirect_prefix", "redirect_http_code"),
}


#: Keys of a tree in the order in which the API makes what is below them, and what ties it.
BELOW = {
    "pools": ("pool", "loadbalancer_id"),
    "listeners": ("listener", "loadbalancer_id"),
    "members": ("member", ""),
    "l7policies": ("l7policy", "listener_id"),
    "rules": ("l7rule", ""),
    "healthmonitors": ("healthmonitor", "pool_id"),
}


class Refused(AssertionError):
    """The API would have answered with an error."""


class Server:
    """
    Applies operations to a snapshot.

    :param snapshot: the objects
    """

    def __init__(self, snapshot):
        self.snapshot = snapshot
        self.ids = {}
        self.count = itertools.count(len(snapshot.objects.get("loadbalancer", {})) * 1000 + 1)

    def run(self, plan):
        """Runs a plan's units in an order that their ``after`` allows."""
        done, waiting = set(), list(plan.units)
        while waiting:
            ready = [unit for unit in waiting if not set(unit.after) - done]
            assert ready, "units wait for each other"
            for unit in ready:
                for operation in unit.operations:
                    self.apply(operation)
                done.add(unit.key)
                waiting.remove(unit)
        return self

    def apply(self, operation):
        """Does one operation."""
        if not operation.writes:
            return
        body = operations.resolve(operation.body, self.ids)
        identity = operations.resolve(operation.id, self.ids)
        parent = operations.resolve(operation.parent, self.ids)
        if operation.action == "create":
            made = self.create(operation.resource, body, parent)
            self.ids.update(operations.learn(operation, made))
        elif operation.action == "update":
            self.update(operation.resource, identity, body, parent)
        elif operation.action == "batch":
            self.batch(parent, body["members"], body["additive_only"])
        elif operation.action == "cascade_delete":
            self.snapshot.remove_tree(identity)
        else:
            self.delete(operation.resource, identity, parent)

    def create(self, resource, body, parent=""):
        """Makes an object, or a whole tree."""
        table = resources.RESOURCES[resource]
        body = dict(body)
        below = {key: body.pop(key, None) or [] for key in ("pools", "listeners", "l7policies")}
        below["members"], below["rules"] = body.pop("members", []), body.pop("rules", [])
        monitor = body.pop("healthmonitor", None)
        self._acceptable(table, body)
        made = {name: item.default for name, item in table.fields.items()}
        made.update(body, id=str(uuid.UUID(int=next(self.count))))
        made["provisioning_status"] = "ACTIVE"
        getattr(self, f"_new_{resource}", lambda *_: None)(made, parent)
        if resource not in ("flavor", "flavorprofile", "availabilityzoneprofile"):
            made.setdefault("project_id", PROJECT)
        if resource == "availabilityzone":
            del made["id"]
        self.snapshot.add(resource, made, parent)
        tied = made.get("id")
        if monitor:
            below["healthmonitors"] = [monitor]
        self._create_below(below, tied)
        return made

    def _acceptable(self, table, body):
        for name, item in table.fields.items():
            if item.required and name not in body:
                raise Refused(f"{table.name} without {name}")
        ties = {"loadbalancer_id", "pool_id", "listener_id", "default_pool", "redirect_pool"}
        unknown = set(body) - set(table.fields) - ties
        if unknown:
            raise Refused(f"{table.name} with {unknown}")

    def _create_below(self, below, parent):
        for key, (resource, tie) in BELOW.items():
            for body in below.get(key, ()):
                self.create(resource, {**body, tie: parent} if tie else body, parent)

    def _new_loadbalancer(self, made, parent):
        made["project_id"] = made.get("project_id") or PROJECT
        made["vip_address"] = made.get("vip_address") or "192.0.2.10"

    def _named_pool(self, made, key):
        named = made.pop(key, None)
        if named:
            lb = made["loadbalancers"][0]["id"]
            made[f"{key}_id"] = self._one("pool", lb, named["name"])["id"]

    def _one(self, resource, parent, name):
        found = [item for item in self.snapshot.below(resource, parent) if item["name"] == name]
        assert len(found) == 1, (resource, name)
        return found[0]

    def _new_listener(self, made, parent):
        lb = made.pop("loadbalancer_id")
        made["loadbalancers"] = [{"id": lb}]
        self._named_pool(made, "default_pool")
        self._exists("loadbalancer", lb)
        self._exists("pool", made.get("default_pool_id"))
        key = (resources.transport(made["protocol"]), made["protocol_port"])
        for other in self.snapshot.below("listener", lb):
            if key == (resources.transport(other["protocol"]), other["protocol_port"]):
                raise Refused("port is taken")

    def _new_pool(self, made, parent):
        made["loadbalancers"] = [{"id": made.pop("loadbalancer_id")}]
        made["members"] = []
        self._exists("loadbalancer", made["loadbalancers"][0]["id"])

    def _new_healthmonitor(self, made, parent):
        made["pools"] = [{"id": made.pop("pool_id")}]
        self._exists("pool", made["pools"][0]["id"])
        if self.snapshot.below("healthmonitor", made["pools"][0]["id"]):
            raise Refused("the pool has a health monitor")
        if made["type"] not in ("HTTP", "HTTPS"):
            made.update(http_method=None, url_path=None, expected_codes=None)

    def _new_member(self, made, parent):
        made["vnic_type"] = "direct" if made.pop("request_sriov", False) else "normal"
        self._exists("pool", parent)
        for other in self.snapshot.below("member", parent):
            if (other["address"], other["protocol_port"]) == (
                made["address"],
                made["protocol_port"],
            ):
                raise Refused("member is there")
        self.snapshot.get("pool", parent)["members"].append({"id": made["id"]})

    def _new_l7policy(self, made, parent):
        made["rules"] = []
        self._exists("listener", made["listener_id"])
        made["loadbalancers"] = self.snapshot.get("listener", made["listener_id"])["loadbalancers"]
        self._named_pool(made, "redirect_pool")
        self._exists("pool", made.get("redirect_pool_id"))
        self._settle(made)
        line = self.snapshot.policies(made["listener_id"])
        line.insert((made["position"] or 10**9) - 1, made)
        self._number(line)

    def _new_l7rule(self, made, parent):
        self._exists("l7policy", parent)
        self.snapshot.get("l7policy", parent)["rules"].append({"id": made["id"]})

    def _settle(self, policy):
        for name in CLEARED[policy["action"]]:
            policy[name] = None

    def _number(self, line):
        for position, policy in enumerate(line, 1):
            policy["position"] = position

    def _exists(self, resource, identity):
        if identity and not self.snapshot.get(resource, identity):
            raise Refused(f"no {resource} {identity}")

    def update(self, resource, identity, body, parent=""):
        """Changes some fields of an object."""
        table = resources.RESOURCES[resource]
        if resource in ("member", "l7rule"):
            item = self.snapshot.children[resource, parent][identity]
        elif resource == "quota":
            item = self.snapshot.get(resource, identity) or {"project_id": identity}
        else:
            item = self.snapshot.get(resource, identity)
        assert body, "nothing to update, and still a request"
        fixed = [name for name in body if not table.fields[name].update]
        if fixed:
            raise Refused(f"{resource}: {fixed} cannot be changed")
        position = body.pop("position", None)
        changed = {**item, **body}
        for name, value in body.items():
            if value is None and resource != "quota":
                changed[name] = table.fields[name].default
            if name in ("default_pool_id", "redirect_pool_id"):
                self._exists("pool", value)
        if resource == "l7policy":
            self._settle(changed)
        self.snapshot.add(resource, changed, parent)
        if position:
            others = self.snapshot.policies(item["listener_id"])
            line = [one for one in others if one["id"] != identity]
            line.insert(position - 1, changed)
            self._number(line)

    def batch(self, pool, bodies, additive):
        """Replaces the members of a pool, or adds to them; what is not named is reset."""
        seen = [(body["address"], body["protocol_port"]) for body in bodies]
        if len(set(seen)) < len(seen):
            raise Refused("a member twice")
        here = {
            (item["address"], item["protocol_port"]): item
            for item in self.snapshot.below("member", pool)
        }
        for key, item in here.items():
            if key not in seen and not additive:
                self.delete("member", item["id"], pool)
        for key, body in zip(seen, bodies):
            if key in here:
                kept = {name: here[key][name] for name in ("id", "name", "tags", "vnic_type")}
                reset = {name: item.default for name, item in resources.MEMBER.items()}
                reset["subnet_id"] = here[key]["subnet_id"]
                del reset["request_sriov"]
                status = {"provisioning_status": "ACTIVE", "project_id": PROJECT}
                self.snapshot.add("member", {**reset, **kept, **status, **body}, pool)
            else:
                self.create("member", body, pool)

    def delete(self, resource, identity, parent=""):
        """Removes an object."""
        if resource == "pool":
            self._empty_pool(identity)
        if resource == "listener":
            for policy in self.snapshot.policies(identity):
                self.snapshot.remove("l7policy", policy["id"])
        if resource in ("member", "l7rule"):
            self._unlist(resource, identity, parent)
        elif not self.snapshot.get(resource, identity):
            raise Refused(f"no {resource} {identity}")
        item = self.snapshot.get(resource, identity) if resource == "l7policy" else None
        self.snapshot.remove(resource, identity, parent)
        if item:
            self._number(self.snapshot.policies(item["listener_id"]))

    def _empty_pool(self, pool):
        users = [("l7policy", "redirect_pool_id"), ("listener", "default_pool_id")]
        for resource, name in users:
            for user in self.snapshot.objects.get(resource, {}).values():
                if user[name] == pool:
                    raise Refused(f"the pool is in use by {resource} {user['name']}")
        for monitor in self.snapshot.below("healthmonitor", pool):
            self.snapshot.remove("healthmonitor", monitor["id"])
        self.snapshot.children.pop(("member", pool), None)

    def _unlist(self, resource, identity, parent):
        if identity not in self.snapshot.children[resource, parent]:
            raise Refused(f"no {resource} {identity}")
        above, key = {"member": ("pool", "members"), "l7rule": ("l7policy", "rules")}[resource]
        ids = self.snapshot.get(above, parent)[key]
        ids[:] = [entry for entry in ids if entry["id"] != identity]
