"""The order in which amphorae are replaced."""

import itertools

import octavia_rotation as rotation
import pytest

NEW, OLD = "new", "old"


def amphora(name, balancer, role="STANDALONE", image=OLD, status="ALLOCATED"):
    return {
        "id": name,
        "loadbalancer_id": balancer,
        "role": role,
        "image_id": image,
        "status": status,
    }


def active(*names):
    return [{"id": name, "provisioning_status": "ACTIVE"} for name in names]


PAIRS = [amphora(f"{name}-{role}", name, role) for name in "abc" for role in ("MASTER", "BACKUP")]


def ids(waves):
    return [[item["id"] for item in wave] for wave in waves]


def test_standby_comes_before_master():
    waves, left = rotation.waves(PAIRS, active("a", "b", "c"), NEW, 3)
    wanted = [[f"{name}-{role}" for name in "abc"] for role in ("BACKUP", "MASTER")]
    assert (ids(waves), left) == (wanted, [])


@pytest.mark.parametrize("most", [1, 2, 3, 10])
def test_no_more_load_balancers_at_a_time_than_allowed_and_none_twice(most):
    waves, _ = rotation.waves(PAIRS, active("a", "b", "c"), NEW, most)
    assert sorted(itertools.chain(*ids(waves))) == sorted(item["id"] for item in PAIRS)
    for wave in waves:
        balancers = [item["loadbalancer_id"] for item in wave]
        assert len(balancers) == len(set(balancers)) <= most


def test_what_is_current_or_not_in_use_stays():
    there = [amphora("new", "a", image=NEW), amphora("gone", "a", status="DELETED")]
    assert rotation.waves(there, active("a"), NEW, 1) == ([], [])


def test_a_load_balancer_that_is_not_active_is_left_alone():
    waves, left = rotation.waves(PAIRS, active("a", "b"), NEW, 1)
    assert [item["id"] for item in left] == ["c-MASTER", "c-BACKUP"]
    assert not any("c-" in name for wave in ids(waves) for name in wave)
    text = rotation.summary([], [], left, would=True)
    assert "c-MASTER of c, c-BACKUP of c" in text


def test_the_first_problem_ends_it_and_what_was_done_is_told():
    asked = []

    def replace(wave):
        asked.append(wave)
        return (wave[:1], "no") if len(asked) == 2 else (wave, "")

    assert rotation.roll([["a"], ["b", "c"], ["d"]], replace) == (["a", "b"], "no")
    assert asked == [["a"], ["b", "c"]]


def test_a_new_amphora_from_another_image_is_told():
    now = [
        *PAIRS,
        amphora("good", "a", image=NEW),
        amphora("unknown", "b", image=None),
        amphora("deleted", "c", status="DELETED"),
        amphora("strange", "c"),
    ]
    known = [item["id"] for item in PAIRS]
    assert rotation.strangers(now, known, NEW) == {"strange": OLD}
