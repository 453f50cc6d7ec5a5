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
    text = rotation.summary([], {}, left, would=True)
    assert "c-MASTER of c, c-BACKUP of c" in text


def test_the_first_problem_ends_it_and_what_was_done_is_told():
    asked = []

    def replace(wave):
        asked.append(wave)
        changes = {key: {"image_id": NEW} for key in wave}
        return ({"b": changes["b"]}, "no") if len(asked) == 2 else (changes, "")

    done, problem = rotation.roll([["a"], ["b", "c"], ["d"]], replace)
    assert (list(done), problem) == (["a", "b"], "no")
    assert asked == [["a"], ["b", "c"]]


def test_what_a_wave_has_changed_and_a_new_amphora_from_another_image():
    wave = [amphora(f"{name}-MASTER", name) for name in "abcd"]
    now = [
        *(amphora(f"{name}-BACKUP", name, "BACKUP") for name in "abc"),
        amphora("good", "a", image=NEW),
        amphora("untold", "b", image=None),
        amphora("strange", "c"),
        # Still there: its failover has come to nothing.
        amphora("d-MASTER", "d"),
        amphora("deleted", "d", status="DELETED"),
    ]
    known = [item["id"] for item in PAIRS] + ["d-MASTER"]
    changes, strange = rotation.replaced(wave, now, known, NEW)
    assert {key: value["image_id"]["new"] for key, value in changes.items()} == {
        "a-MASTER": NEW,
        "b-MASTER": NEW,
        "c-MASTER": OLD,
    }
    assert strange == {"strange": OLD}
