"""Every release by every pillar: what the file has, and what is told of the rest. As a table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import harness
import pytest
from cases import CASES
from oslo_reader import read_file

OPTIONS = json.loads(
    (harness.ROOT / "octavia" / "parameters" / "options.json").read_text(encoding="utf-8")
)
RELEASES = OPTIONS["releases"]
SYSTEM = "debian12"
#: The pillars of the suites and the users' own samples; pages show parts of these.
PILLARS = [name for name, case in CASES.items() if SYSTEM in case.systems and len(case.systems) > 1]


@dataclass
class Suite:
    """A minion whose pillar goes through all releases."""

    name: str
    minion: harness.Minion
    text: str
    cells: dict[str, str] = field(default_factory=dict)

    def turn_to(self, release: str, without: tuple[str, ...] = ()) -> None:
        """
        Gives the minion the pillar for a release.

        :param release: its name
        :param without: paths of the pillar to leave out
        """
        pillar = json.loads(self.text)
        for role in ("api", "manager"):
            if role in pillar["octavia"]:
                pillar["octavia"][role]["version"] = release
        for path in without:
            *parents, last = path.split(":")
            place = pillar
            for name in parents:
                place = place[name]
            del place[last]
        self.minion.set_pillar(pillar)

    def findings(self) -> list[dict[str, str]]:
        """What is wrong with the pillar as it is now."""
        return self.minion.call["octavia_config.validate"]()


@pytest.fixture(scope="module")
def table() -> dict[str, dict[str, str]]:
    """The cells by suite and release."""
    return {}


@pytest.fixture(scope="module", params=PILLARS)
def suite(request: pytest.FixtureRequest, table: dict[str, dict[str, str]]) -> Iterator[Suite]:
    """Each pillar in turn."""
    pillar = CASES[request.param].pillar(SYSTEM)
    with harness.Minion(SYSTEM, pillar) as minion:
        one = Suite(request.param, minion, json.dumps(pillar))
        table[request.param] = one.cells
        yield one


def eras(release: str) -> dict[str, dict[str, Any]]:
    """Sections and options that a release has."""
    place = RELEASES.index
    return {
        section: {
            name: era
            for name, history in options.items()
            for era in history
            if place(era["from"]) <= place(release) <= place(era.get("to", RELEASES[-1]))
        }
        for section, options in OPTIONS["sections"].items()
    }


@pytest.mark.parametrize("release", RELEASES)
def test_a_pillar_in_a_release(suite, release, tmp_path):
    suite.turn_to(release)
    found = suite.findings()
    errors = [item for item in found if item["level"] == "error"]
    # A right pillar is refused where it asks for security, or for policies, that are not there.
    why = ("and security hangs on it", "and later, ocata does not know")
    assert [item for item in errors if not any(said in item["reason"] for said in why)] == []
    refused = tuple(item["path"] for item in errors)
    if refused:
        # What the finding advises mends it.
        suite.turn_to(release, refused)
        assert [item for item in suite.findings() if item["level"] == "error"] == []
    written = tmp_path / "octavia.conf"
    conf = suite.minion.template("salt://octavia/files/octavia.conf")
    written.write_text(conf, encoding="utf-8")
    known = eras(release)
    sections = suite.minion.call["octavia_config.sections"]()
    strange = [
        f"[{section}] {option}"
        for section, options in sections.items()
        for option, setting in options.items()
        if option not in known.get(section, {}) and not setting["note"].startswith("not checked")
    ]
    assert strange == []
    count = sum(len(options) for options in sections.values())
    assert count or "client" in suite.name
    # The real oslo.config takes every value for its type.
    own = {
        section: {option: known[section][option] for option in options if option in known[section]}
        for section, options in sections.items()
        if section in known
    }
    read_file(str(written), own)
    # Everything that has no place in the release was told.
    told = [item for item in found if item["level"] == "warning"]
    parts = [f"-{len(told)}" if told else "", f"{len(refused)}!" if refused else ""]
    suite.cells[release] = " ".join(part for part in (str(count), *parts) if part)


def test_the_table(table, capsys):
    """Options written, -warnings, and how many options were refused! and then left out."""
    assert set(table) == set(PILLARS)
    assert all(set(cells) == set(RELEASES) for cells in table.values())
    width = max(map(len, table))
    with capsys.disabled():
        print("\n" + " " * width, *(f"{release:>9}" for release in RELEASES))
        for name, cells in table.items():
            print(f"{name:{width}}", *(f"{cells[release]:>9}" for release in RELEASES))
