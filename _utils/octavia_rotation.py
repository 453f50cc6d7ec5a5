"""
The order in which amphorae are replaced: standby before master, and never both of a load balancer
at once. All functions are pure but :func:`roll`, which is handed what acts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Amphora = dict[str, Any]
Changes = dict[str, dict[str, Any]]

IN_USE = "ALLOCATED"
#: The rank of a role; what has no standby comes first as well.
RANKS = {"BACKUP": 0, "STANDALONE": 0, "MASTER": 1}


def waves(
    amphorae: Iterable[Amphora],
    balancers: Iterable[Mapping[str, Any]],
    image_id: str,
    most: int,
) -> tuple[list[list[Amphora]], list[Amphora]]:
    """
    Which amphorae are replaced, and which of them at the same time.

    :param amphorae: all amphorae as the API lists them
    :param balancers: all load balancers as the API lists them
    :param image_id: the image that they must run from
    :param most: how many load balancers may be in a failover at the same time
    :return: the waves one after the other; and the amphorae that are left alone since their load
        balancer is not ACTIVE
    """
    old = [
        amphora
        for amphora in amphorae
        if amphora.get("status") == IN_USE and amphora.get("image_id") != image_id
    ]
    return ordered(old, balancers, most)


def ordered(
    old: Iterable[Amphora], balancers: Iterable[Mapping[str, Any]], most: int
) -> tuple[list[list[Amphora]], list[Amphora]]:
    """
    Amphorae that have to be replaced, in the order in which that is done.

    :param old: the amphorae
    :param balancers: all load balancers as the API lists them
    :param most: how many load balancers may be in a failover at the same time
    :return: as :func:`waves`
    """
    active = {lb["id"] for lb in balancers if lb["provisioning_status"] == "ACTIVE"}
    old = list(old)
    left = [amphora for amphora in old if amphora["loadbalancer_id"] not in active]
    found: list[list[Amphora]] = []
    for rank in sorted(set(RANKS.values())):
        now = [
            amphora
            for amphora in sorted(old, key=lambda item: (item["loadbalancer_id"], item["id"]))
            if amphora not in left and RANKS.get(amphora.get("role") or "", 0) == rank
        ]
        found += _split(now, max(most, 1))
    return found, left


def _split(amphorae: list[Amphora], most: int) -> list[list[Amphora]]:
    """Waves of so many amphorae at most, no two of one load balancer in the same one."""
    result: list[list[Amphora]] = []
    for amphora in amphorae:
        balancer = amphora["loadbalancer_id"]
        for wave in result:
            if len(wave) < most and all(item["loadbalancer_id"] != balancer for item in wave):
                wave.append(amphora)
                break
        else:
            result.append([amphora])
    return result


def roll(
    planned: Iterable[list[Amphora]], replace: Callable[[list[Amphora]], tuple[Changes, str]]
) -> tuple[Changes, str]:
    """
    Replaces wave after wave, up to the first problem.

    :param planned: the waves
    :param replace: replaces the amphorae of one wave and answers what that changed, and what went
        wrong
    :return: changes by the ids of the amphorae that were replaced, and what went wrong, empty for
        nothing
    """
    done: Changes = {}
    for wave in planned:
        changes, problem = replace(wave)
        done.update(changes)
        if problem:
            return done, problem
    return done, ""


def replaced(
    begun: Iterable[Amphora], now: Iterable[Amphora], known: Iterable[str], image_id: str
) -> tuple[Changes, dict[str, str]]:
    """
    What the failovers of a wave have changed. A new amphora may run from another image than it
    should: the tag of the image that Octavia boots from names another one then, and to go on would
    replace the whole fleet for nothing.

    :param begun: the amphorae of the wave whose failover was begun, one a load balancer
    :param now: all amphorae as the API lists them now
    :param known: ids of those that were there before
    :param image_id: the image that they must run from
    :return: changes by the ids of the amphorae that are not in use any more; and, of the new ones
        that run from another image, the image by id. One whose image is not told is right.
    """
    before, used = set(known), [item for item in now if item.get("status") == IN_USE]
    new = [item for item in used if item["id"] not in before]
    images = {item["loadbalancer_id"]: item.get("image_id") or image_id for item in new}
    still = {item["id"] for item in used}
    changes = {
        item["id"]: change(item, images.get(item["loadbalancer_id"], image_id))
        for item in begun
        if item["id"] not in still
    }
    strange = {item["id"]: item["image_id"] for item in new if item.get("image_id")}
    return changes, {key: image for key, image in strange.items() if image != image_id}


def change(amphora: Amphora, image_id: str) -> dict[str, Any]:
    """
    What a replacement changes.

    :param amphora: the amphora that is replaced
    :param image_id: the image of the new one
    :return: old and new image
    """
    return {"image_id": {"old": amphora.get("image_id"), "new": image_id}}


def summary(planned: list[Amphora], done: Changes, left: list[Amphora], would: bool) -> str:
    """
    One line of what was done.

    :param planned: the amphorae to be replaced
    :param done: the changes of those that were
    :param left: those that were left alone
    :param would: whether it is a dry run
    :return: the text
    """
    verb = "would be" if would else "were"
    count = len(planned) if would else len(done)
    text = f"{count} of {len(planned)} amphorae {verb} replaced."
    if not planned:
        text = "All amphorae run from the current image."
    if left:
        names = ", ".join(f"{item['id']} of {item['loadbalancer_id']}" for item in left)
        text += f" Left alone, since their load balancers are not ACTIVE: {names}."
    return text
