"""Releases by all the names that people, pillars and packages have for them."""

import octavia_releases as releases
import octavia_schema as schema
import pytest
import yaml
from given import PARAMETERS

RELEASES = PARAMETERS["releases"]


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("ocata", "ocata"),
        ("Queens", "queens"),
        (" zed ", "zed"),
        ("z", "zed"),
        ("2022.2", "zed"),
        (2022.2, "zed"),
        ("2017.1", "ocata"),
        ("antelope", "2023.1"),
        ("Bobcat", "2023.2"),
        ("epoxy", "2025.1"),
        ("2025.1", "2025.1"),
        (2025.1, "2025.1"),
        (yaml.safe_load("2026.2"), "2026.2"),
        (yaml.safe_load("y"), "yoga"),
        ("hibiscus", "2026.2"),
    ],
)
def test_what_the_pillar_may_call_a_release(version, name):
    assert releases.find(RELEASES, version)["name"] == name


@pytest.mark.parametrize("version", ["zedd", "", "2023", 2023, "2023.3", "11", "11.0.0", True, []])
def test_an_unknown_release_is_told_with_the_known_ones(version):
    with pytest.raises(releases.UnknownRelease, match=r"is no release .* zed, 2023\.1") as caught:
        releases.find(RELEASES, version)
    assert (caught.value.version, caught.value.releases) == (version, RELEASES)


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("1:11.0.0-2+deb12u1", "zed"),
        ("11.0.0-2", "zed"),
        ("16.0.0-1", "2025.1"),
        ("1:16.0.1-1.el9s", "2025.1"),
        ("19.0.0~rc1-1", "2026.2"),
        ("1:17.0.0+git2025061009.abc-0ubuntu1", "2025.2"),
        ("0.10.0-0ubuntu1~cloud0", "ocata"),
        ("1.0.1-0ubuntu1", "pike"),
        ("2.0.3", "queens"),
        ("10.1.1", "yoga"),
        ("9.0.0.0rc1", "xena"),
        ("0.9.1-1", None),
        ("0.1.0", None),
        ("99.0.0", None),
        ("1:", None),
        ("", None),
        ("none", None),
    ],
)
def test_the_release_of_a_package(version, name):
    found = releases.of_package(RELEASES, version)
    assert (found and found["name"]) == name


def test_they_are_those_of_the_option_history_in_the_same_order():
    names = [release["name"] for release in RELEASES]
    assert names == schema.releases(PARAMETERS["options"])
    assert [releases.position(RELEASES, name) for name in names] == list(range(len(names)))


@pytest.mark.parametrize("key", ["name", "series", "number", "letter", "codename"])
def test_no_two_have_a_name_in_common(key):
    named = [release[key] for release in RELEASES if key in release]
    assert len(named) == len(set(named))
    assert all(isinstance(name, str) for name in named)
