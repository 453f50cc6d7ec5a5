"""Fragments of the changelog are well-formed, and become what a release says."""

from __future__ import annotations

import importlib.util

import docutils.core
import docutils.nodes
import pytest
from linters import ROOT

SPEC = importlib.util.spec_from_file_location("assemble", ROOT / "changelog" / "assemble.py")
assemble = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(assemble)

BEFORE = """\
=========
Changelog
=========

2027.1.0, 2027-01-02
====================

- The last one.
"""
WRONG = {
    "Upper.fixed.rst": ("A.\n", "is not called NAME.KIND.rst"),
    "no-kind.rst": ("A.\n", "is not called NAME.KIND.rst"),
    "other.broken.rst": ("A.\n", "use one of added, changed, fixed, removed, security"),
    "nothing.fixed.rst": ("\n", "says nothing"),
    "bullet.fixed.rst": ("- A.\n", "write plain sentences"),
    "heading.fixed.rst": ("A\n=\n\nText.\n", "write plain sentences"),
    "paragraphs.fixed.rst": ("A.\n\nB.\n", "write plain sentences"),
    "stop.fixed.rst": ("A\n", "full stop"),
    "end.fixed.rst": ("A.", "full stop"),
    "wide.fixed.rst": (f"{'a' * 100}.\n", "more than 100 characters"),
}


@pytest.fixture(name="folder")
def _folder(tmp_path):
    """Three fragments of two kinds, beside what is always there."""
    folder = tmp_path / "changelog"
    folder.mkdir()
    for name, text in (
        ("README.rst", "not one of them\n"),
        ("b.fixed.rst", f"{'word ' * 19}\nand it goes\non.\n"),
        ("a.fixed.rst", "One.\n"),
        ("key.security.rst", "``heartbeat_key`` was shown.\n"),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_the_fragments_of_this_tree_are_well_formed():
    assert assemble.problems(assemble.FOLDER) == []


def test_the_changelog_can_be_assembled_now():
    text = assemble.CHANGELOG.read_text(encoding="utf-8")
    new = assemble.assembled(text, "9999.1.0", "9999-01-01", assemble.FOLDER)
    document = docutils.core.publish_doctree(new, settings_overrides={"report_level": 5})
    assert [one.astext() for one in document.findall(docutils.nodes.system_message)] == []
    kept = new.replace(assemble.section("9999.1.0", "9999-01-01", assemble.FOLDER) + "\n", "")
    assert kept == text


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told(tmp_path, name):
    text, said = WRONG[name]
    (tmp_path / name).write_text(text, encoding="utf-8")
    (found,) = assemble.problems(tmp_path)
    assert found.startswith(f"{name}: ")
    assert said in found


def test_a_release_says_what_its_fragments_say(folder):
    assert assemble.problems(folder) == []
    text = assemble.assembled(BEFORE, "2027.2.0", "2027-02-01", folder)
    assert text == BEFORE.replace(
        "2027.1.0, 2027-01-02",
        "2027.2.0, 2027-02-01\n"
        "====================\n\n"
        "Security\n--------\n\n"
        "- ``heartbeat_key`` was shown.\n\n"
        "Fixed\n-----\n\n"
        "- One.\n"
        f"- {'word ' * 19}and\n"
        "  it goes on.\n\n"
        "2027.1.0, 2027-01-02",
    )


def test_a_section_that_waits_for_its_day_takes_them(folder):
    waiting = BEFORE.replace(
        "2027.1.0, 2027-01-02",
        "2027.2.0, not released yet\n==========================\n\n- Told already.\n\n"
        "2027.1.0, 2027-01-02",
    )
    text = assemble.assembled(waiting, "2027.2.0", "2027-02-01", folder)
    top, _, older = text.partition("2027.1.0, 2027-01-02\n")
    assert "2027.2.0, 2027-02-01\n====================\n\n- Told already.\n\nSecurity\n" in top
    assert older == BEFORE.partition("2027.1.0, 2027-01-02\n")[2]
    only = waiting.partition("2027.1.0")[0]
    assert assemble.assembled(only, "2027.2.0", "2027-02-01", folder) == top.rstrip("\n") + "\n"


def test_no_release_is_told_twice(folder):
    with pytest.raises(ValueError, match=r"2027\.1\.0 is in the changelog already"):
        assemble.assembled(BEFORE, "2027.1.0", "2027-02-01", folder)


def test_the_command_writes_and_clears_up(folder, monkeypatch, capsys):
    changelog = folder.parent / "CHANGELOG.rst"
    changelog.write_text(BEFORE, encoding="utf-8")
    monkeypatch.setattr(assemble, "FOLDER", folder)
    monkeypatch.setattr(assemble, "CHANGELOG", changelog)
    assert assemble.main([]) == 0
    assert assemble.main(["2027.2.0", "2027-02-01"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("2027.2.0, 2027-02-01\n")
    assert changelog.read_text(encoding="utf-8") == BEFORE
    assert assemble.main(["2027.2.0", "2027-02-01", "--write"]) == 0
    assert shown in changelog.read_text(encoding="utf-8")
    assert [path.name for path in folder.iterdir()] == ["README.rst"]
    (folder / "x.rst").write_text("x", encoding="utf-8")
    assert assemble.main(["2027.3.0", "2027-03-01", "--write"]) == 1
    assert "x.rst: is not called" in capsys.readouterr().err
