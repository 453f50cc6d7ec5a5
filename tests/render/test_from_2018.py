"""The pillars that models of 2018 have, in the releases of their time, against `from_2018.yaml`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import harness
import octavia_schema as schema
import pytest
import yaml
from oslo_config import cfg
from oslo_reader import read_file

TABLE = yaml.safe_load((Path(__file__).parent / "from_2018.yaml").read_text(encoding="utf-8"))
SAMPLES = Path(__file__).parent / "samples"
OPTIONS = json.loads(
    (harness.ROOT / "octavia" / "parameters" / "options.json").read_text(encoding="utf-8")
)
RELEASES = ("ocata", "pike", "queens")
#: What models of 2018 ran on, and what the nodes of the tests run.
SYSTEMS = ("ubuntu2404", "debian12")


def sample(name: str, release: str, system: str = "debian12") -> dict[str, Any]:
    """
    One of the pillars.

    :param name: its name
    :param release: the release that it is to name
    :param system: a key of harness.SYSTEMS
    :return: the whole pillar
    """
    text = (SAMPLES / f"{name}.sls").read_text(encoding="utf-8")
    given = harness.pillar(text, system, f"from_2018_{name}")
    for role in given["octavia"].values():
        role["version"] = release
    return given


def expected(name: str, release: str) -> dict[str, dict[str, str]]:
    """The sections of the file by the table."""
    found: dict[str, dict[str, str]] = {}
    for part in TABLE["pillars"][name]:
        for when in ("all", release):
            for section, options in TABLE["parts"][part].get(when, {}).items():
                found.setdefault(section, {}).update(options)
    return found


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", TABLE["pillars"])
def test_a_pillar_of_2018_is_written_as_the_table_says(name, release, system, tmp_path):
    with harness.Minion(system, sample(name, release, system)) as minion:
        found = minion.call["octavia_config.validate"]()
        written = tmp_path / "octavia.conf"
        written.write_text(minion.template("salt://octavia/files/octavia.conf"), encoding="utf-8")
    assert [item for item in found if item["level"] == "error"] == []
    parsed: dict[str, dict[str, list[str]]] = {}
    cfg.ConfigParser(str(written), parsed).parse()
    said = expected(name, release)
    assert parsed == {
        section: {option: [text] for option, text in options.items()}
        for section, options in said.items()
    }
    # The release has every one of them, and takes its value.
    known = schema.view(OPTIONS, release)
    read_file(
        str(written),
        {
            section: {option: known[section][option] for option in options}
            for section, options in said.items()
        },
    )


@pytest.mark.parametrize("name", ["api_single", "manager_single"])
def test_the_suite_of_the_same_name_differs_by_its_release_alone(name):
    """So what is tested on nodes is what models of 2018 have."""
    text = (harness.ROOT / "tests" / "pillar" / f"{name}.sls").read_text(encoding="utf-8")
    suite = harness.pillar(text, "debian12", f"suite_{name}")
    assert suite == sample(name, "zed")
