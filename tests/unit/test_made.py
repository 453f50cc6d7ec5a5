"""One command makes the options of all releases and the pages that tell of them."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import generate
import octavia_schema as schema
import pytest
from given import ROOT

NEW, VERSION = "2027.1", "20.0.0"


@pytest.fixture(scope="module", name="command")
def _command():
    """The command's module."""
    sys.path.insert(0, str(ROOT))
    try:
        yield importlib.import_module("tests.schema.__main__")
    finally:
        sys.path.remove(str(ROOT))


@pytest.fixture(name="data")
def _data() -> dict[str, Any]:
    return generate.load(generate.DATA)


@pytest.fixture(name="dump")
def _dump(data, tmp_path):
    """A release with the options of the one before, of which one is gone and one is new."""
    options = {
        section: {name: _raw(era) for name, era in names.items()}
        for section, names in schema.view(data, data["releases"][-1]).items()
    }
    del options["house_keeping"]["cleanup_interval"]
    options["house_keeping"]["cleanup_pause"] = {"type": "integer", "default": 30}
    path = tmp_path / f"{NEW}.json"
    content = {"release": NEW, "octavia": VERSION, "options": options}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _raw(era: dict[str, Any]) -> dict[str, Any]:
    """An option as a dump has it."""
    raw = {key: value for key, value in era.items() if key not in ("from", "to", "point")}
    if "was" in raw:
        raw["deprecated_names"] = raw.pop("was")
    if "deprecated" in raw:
        why = raw.pop("deprecated")
        raw["deprecated_for_removal"] = True
        if isinstance(why, str):
            raw["deprecated_reason"] = why
    return raw


def test_what_is_there_is_what_the_command_makes(command, data):
    texts = command.made(data, generate.load(generate.FACTS), [])
    assert len(texts) == 4
    stale = [path.name for path, text in texts.items() if path.read_text("utf-8") != text]
    assert stale == []


def test_a_release_is_added_by_its_dump_and_nothing_else_changes(command, data, dump):
    texts = command.made(data, generate.load(generate.FACTS), [dump])
    new = json.loads(texts[generate.DATA])
    assert new["releases"] == [*data["releases"], NEW]
    assert new["points"] == {**data["points"], NEW: VERSION}
    changed = {
        (section, name): eras
        for section, options in new["sections"].items()
        for name, eras in options.items()
        if eras != data["sections"][section].get(name)
    }
    last = data["releases"][-1]
    assert changed.pop(("house_keeping", "cleanup_pause")) == [
        {"from": NEW, "type": "integer", "default": 30}
    ]
    assert changed.pop(("house_keeping", "cleanup_interval"))[-1]["to"] == last
    # What is left came to the last release after its first version.
    assert all(eras[-2].get("point") and eras[-1]["from"] == NEW for eras in changed.values())
    assert f"from {NEW}" in next(text for path, text in texts.items() if path.name == "options.rst")


def test_the_same_dump_twice_is_the_same(command, data, dump):
    facts = generate.load(generate.FACTS)
    once = command.made(data, facts, [dump])
    again = command.made(json.loads(once[generate.DATA]), facts, [dump])
    assert again == once


def test_a_release_without_a_name_is_refused_before_anything_is_made(
    command, dump, capsys, monkeypatch
):
    asked = []
    monkeypatch.setattr(command, "made", lambda *given: asked.append(given) or {})
    assert command.main([str(dump)]) == 1
    assert f"releases.yaml does not name {NEW}: add it first" in capsys.readouterr().out
    assert asked == []


def test_only_what_differs_is_written(command, tmp_path, capsys, monkeypatch):
    same, other = tmp_path / "same", tmp_path / "other"
    same.write_text("a", encoding="utf-8")
    stamp = same.stat().st_mtime_ns
    monkeypatch.setattr(command, "made", lambda *_: {same: "a", other: "b"})
    monkeypatch.setattr(command.document, "ROOT", tmp_path)
    assert command.main([]) == 0
    assert capsys.readouterr().out == "written: other\n"
    assert other.read_text(encoding="utf-8") == "b"
    assert same.stat().st_mtime_ns == stamp


def test_what_is_left_to_do_is_told(command, data):
    assert [line.partition(":")[0] for line in command.left(NEW)][:3] == [
        "octavia/parameters/hops.yaml",
        "README.rst",
        "metadata.yml",
    ]
    assert len(list(command.left(data["releases"][-1]))) == 1
