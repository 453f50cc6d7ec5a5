"""The files of Test Kitchen hold what the tools know, and the suites that this project has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from .settings import REPOSITORY, instances, load

KNOWN = yaml.safe_load((Path(__file__).parent / "known_keys.yaml").read_text(encoding="utf-8"))
SUITES = sorted(path.stem for path in (REPOSITORY / "tests" / "pillar").glob("*.sls"))


def provisioners(kitchen: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The settings of the provisioner, by suite."""
    return [(name, sections["provisioner"]) for name, _, sections in instances(kitchen)]


def test_the_suites_are_the_files_of_tests_pillar(kitchen):
    assert sorted(suite["name"] for suite in kitchen["suites"]) == SUITES
    for name, provisioner in provisioners(kitchen):
        assert provisioner["pillars_from_files"]["octavia.sls"] == f"tests/pillar/{name}.sls"


def test_only_keys_that_the_tools_read(kitchen):
    assert set(kitchen) <= set(KNOWN["top"])
    for level, entries in (("platform", kitchen["platforms"]), ("suite", kitchen["suites"])):
        for entry in entries:
            assert set(entry) <= set(KNOWN[level]), entry["name"]
    for name, _, sections in instances(kitchen):
        for section, settings in sections.items():
            known = KNOWN[section][settings["name"]]
            assert set(settings) <= set(known), (name, section)


def test_every_pillar_of_the_top_file_is_there(kitchen):
    for name, provisioner in provisioners(kitchen):
        files = {**provisioner["pillars"], **provisioner["pillars_from_files"]}
        wanted = provisioner["pillars"]["top.sls"]["base"]["*"]
        assert {f"{pillar}.sls" for pillar in wanted} == set(files) - {"top.sls"}, name
        for source in provisioner["pillars_from_files"].values():
            assert (REPOSITORY / source).is_file(), source


def test_every_state_of_the_top_file_is_laid_out(kitchen):
    for name, provisioner in provisioners(kitchen):
        folders = {provisioner["formula"]: REPOSITORY / provisioner["formula"]}
        for dependency in provisioner["dependencies"]:
            assert set(dependency) == set(KNOWN["dependency"])
            folder = REPOSITORY / dependency["path"] / dependency["name"]
            folders[dependency["name"]] = folder
        for sls in provisioner["state_top"]["base"]["*"]:
            formula, *parts = sls.split(".")
            path = folders[formula].joinpath(*parts)
            assert (path / "init.sls").is_file() or path.with_suffix(".sls").is_file(), (name, sls)


def test_each_suite_ends_with_the_formula_itself(kitchen):
    for name, provisioner in provisioners(kitchen):
        assert provisioner["state_top"]["base"]["*"][-1] == "octavia", name
        # A container without its services would show nothing.
        assert not provisioner.get("grains", {}).get("noservices"), name


def test_the_verifier_runs_the_tests_that_make_test_runs(kitchen):
    command = kitchen["verifier"]["command"].split()
    assert (REPOSITORY / command[-1]).is_dir()
    assert any(word.startswith("--hosts=") for word in command)


@pytest.mark.parametrize(
    ("environment", "name", "image"),
    [
        ({}, "debian-12", "saltimages/salt-3008.2-py3:debian-12"),
        ({"OS_VERSION": "13"}, "debian-13", "saltimages/salt-3008.2-py3:debian-13"),
        (
            {"PLATFORM": "ubuntu", "OS_VERSION": "24.04", "SALT_VERSION": "3006.27"},
            "ubuntu-24.04",
            "saltimages/salt-3006.27-py3:ubuntu-24.04",
        ),
        ({"IMAGE": "registry.example.org/salted:1"}, "debian-12", "registry.example.org/salted:1"),
    ],
)
def test_the_image_comes_from_the_environment(environment, name, image):
    (platform,) = load(".kitchen.yml", **environment)["platforms"]
    assert (platform["name"], platform["driver"]["image"]) == (name, image)
    assert platform["driver"]["platform"] == environment.get("PLATFORM", "debian")
