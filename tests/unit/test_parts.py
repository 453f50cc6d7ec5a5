"""Every sample pillar of a feature, on every release that has the feature."""

import octavia_schema
import pytest
from given import PARAMETERS, built, changed
from parts import PARTS

RELEASES = [release["name"] for release in PARAMETERS["releases"]]
GRAINS = {
    "debian13": {},
    "ubuntu2404": {"os": "Ubuntu"},
    "redhat9": {"os": "RedHat", "os_family": "RedHat"},
}
NODES = [
    (part.name, release, system)
    for part in PARTS.values()
    for release in RELEASES[RELEASES.index(part.since) :]
    for system in part.systems
]
# What a release says of an option that it has.
TOLD = ("is deprecated in", "came to")


@pytest.mark.parametrize(("name", "release", "system"), NODES)
def test_it_is_right_on_every_release_that_has_it(name, release, system):
    versions = {f"{role}:version": release for role in ("api", "manager")}
    build = built(changed(PARTS[name].octavia, versions), **GRAINS[system])
    # Of the part itself nothing is left out, of a wrong type, or without effect.
    told = [item for item in build.found if not item["reason"].startswith(TOLD)]
    own = _paths(PARTS[name].octavia) - _paths(PARTS["systemd"].octavia)
    assert [item for item in told if item["level"] == "error"] == []
    assert [item for item in told if item["path"] in own] == []
    view = octavia_schema.view(PARAMETERS["options"], release)
    unchecked = {"f5"}
    for section in set(build.sections) - unchecked:
        assert set(build.sections[section]) <= set(view[section]), section


def _paths(value, path="octavia"):
    if not isinstance(value, dict):
        return {path}
    return {
        path,
        *(found for key, item in value.items() for found in _paths(item, f"{path}:{key}")),
    }


def test_each_feature_begins_with_a_release():
    assert {part.since for part in PARTS.values()} <= set(RELEASES)
