"""The changes of a pool's members: one request for one, one batch for more."""

# No annotations as text here, see octavia_blocks.
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

try:
    import octavia_desired as desired
    import octavia_operations as operations
    import octavia_resources as resources
    from octavia_match import Difference, Target
    from octavia_operations import Operation, Ref
    from octavia_snapshot import Object
except ImportError:
    from salt_formula_octavia.utils import octavia_desired as desired
    from salt_formula_octavia.utils import octavia_operations as operations
    from salt_formula_octavia.utils import octavia_resources as resources
    from salt_formula_octavia.utils.octavia_match import Difference, Target
    from salt_formula_octavia.utils.octavia_operations import Operation, Ref
    from salt_formula_octavia.utils.octavia_snapshot import Object

ADDITIVE_SINCE = 11


@dataclass
class Changes:
    """
    What happens to the members of one pool.

    :ivar pool: id of the pool
    :ivar name: label of the pool
    :ivar created: new members
    :ivar updated: members with what differs
    :ivar deleted: members that go
    :ivar kept: members that stay as they are, declared or not
    """

    pool: str | Ref
    name: str
    locks: str | Ref
    created: list[Target] = field(default_factory=list)
    updated: list[tuple[Target, dict[str, Difference]]] = field(default_factory=list)
    deleted: list[Object] = field(default_factory=list)
    kept: list[Object] = field(default_factory=list)

    def operations(self, minor: int, batch: bool) -> list[Operation]:
        """
        The requests.

        :param minor: minor version of the server's API
        :param batch: whether the provider takes batches
        :return: a batch for more than one change, else what is needed
        """
        count = len(self.created) + len(self.updated) + len(self.deleted)
        if count > 1 and batch:
            return [self._batch(minor)]
        return [
            *(self._delete(live) for live in self.deleted),
            *(self._create(target) for target in self.created),
            *(self._update(*changed) for changed in self.updated),
        ]

    def _label(self, live: Object) -> str:
        return desired.label("member", live, self.name)

    def _delete(self, live: Object) -> Operation:
        label = self._label(live)
        changes = {"deleted": [label]}
        return Operation("delete", "member", live["id"], self.pool, {}, label, changes, self.locks)

    def _create(self, target: Target) -> Operation:
        label = target.node.label
        return Operation(
            *("create", "member", "", self.pool, target.node.fields, label),
            changes={"created": [label]},
            locks=self.locks,
            creates=(target.node.path,),
        )

    def _update(self, target: Target, changed: dict[str, Difference]) -> Operation:
        label = target.node.label
        body = {name: new for name, (_, new) in changed.items()}
        return Operation(
            *("update", "member", target.id, self.pool, body, label),
            changes=operations.updated(label, changed),
            locks=self.locks,
        )

    def _batch(self, minor: int) -> Operation:
        additive = not self.deleted and minor >= ADDITIVE_SINCE
        bodies = [] if additive else [whole(live, {}, minor) for live in self.kept]
        for target, changed in self.updated:
            bodies.append(whole(target.live or {}, changed, minor))
        bodies += [target.node.fields for target in self.created]
        changes = [
            operations.updated(target.node.label, changed) for target, changed in self.updated
        ]
        changes.append({"created": [target.node.label for target in self.created]})
        changes.append({"deleted": [self._label(live) for live in self.deleted]})
        return Operation(
            *(operations.BATCH, "member", "", self.pool),
            {"members": bodies, "additive_only": additive},
            f"members of {self.name}",
            operations.merged(changes),
            self.locks,
        )


def whole(live: Object, changed: Mapping[str, Difference], minor: int) -> dict[str, Any]:
    """
    A member as a batch must name it.

    A batch resets what it does not name, so all fields are written. The address is the server's
    own text, by which the server compares.

    :param live: the member on the server
    :param changed: what becomes of its fields
    :param minor: minor version of the server's API
    :return: all its fields
    """
    body: dict[str, Any] = {}
    for name, item in resources.MEMBER.items():
        # How its port is plugged cannot be told again.
        if name != "request_sriov" and item.since <= minor and live.get(name) is not None:
            body[name] = live[name]
    for name, (_, new) in changed.items():
        # A null in a batch is no unset, and what is not named gets its default, but for texts.
        body[name] = resources.MEMBER[name].default if new is None else new
    return {name: value for name, value in body.items() if value is not None}
