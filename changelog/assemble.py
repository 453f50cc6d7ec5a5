#!/usr/bin/env python3
"""
Makes the top of CHANGELOG.rst of the fragments in this folder, see README.rst beside it.

`assemble.py` checks them; `assemble.py VERSION DAY` shows what a release would say of them; with
`--write` it is written and the fragments are removed.
"""

from __future__ import annotations

import argparse
import datetime
import re
import sys
import textwrap
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
CHANGELOG = FOLDER.parent / "CHANGELOG.rst"
#: What else is in the folder.
OTHERS = ("README.rst", "assemble.py", "__pycache__")
#: Kinds of changes in the order of their headings.
KINDS = {
    "security": "Security",
    "removed": "Removed",
    "changed": "Changed",
    "added": "Added",
    "fixed": "Fixed",
}
NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\.(?P<kind>[a-z]+)\.rst")
WIDTH = 100
TITLE = re.compile(r"=+\nChangelog\n=+\n\n")
UNRELEASED = ", not released yet"


def fragments(folder: Path) -> list[Path]:
    """
    The fragments of a folder, by their names.

    :param folder: the folder
    :return: their paths
    """
    return sorted(path for path in folder.iterdir() if path.name not in OTHERS)


def problems(folder: Path) -> list[str]:
    """
    What is wrong with fragments.

    :param folder: where they are
    :return: a line for each finding, empty for none
    """
    return [f"{path.name}: {said}" for path in fragments(folder) for said in _problems(path)]


def _problems(path: Path) -> list[str]:
    named = NAME.fullmatch(path.name)
    if not named:
        return ["is not called NAME.KIND.rst, with small letters, digits and - in NAME"]
    if named["kind"] not in KINDS:
        return [f"is of no kind that there is; use one of {', '.join(sorted(KINDS))}"]
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    found = []
    if not text.strip():
        return ["says nothing"]
    if lines[0].startswith(("-", "*", "=", "#", " ")) or any(set(line) <= {"="} for line in lines):
        found.append(
            "has a bullet, a heading, an indentation or an empty line; write plain sentences"
        )
    if not text.endswith(".\n"):
        found.append("does not end with a full stop and the end of the line")
    if any(len(line) > WIDTH for line in lines):
        found.append(f"has a line of more than {WIDTH} characters")
    return found


def section(version: str, day: str, folder: Path) -> str:
    """
    What a release says of the fragments.

    :param version: its number
    :param day: its day
    :param folder: where the fragments are
    :return: the section with its heading
    """
    heading = f"{version}, {day}"
    return f"{heading}\n{'=' * len(heading)}\n\n{_entries(folder)}"


def _entries(folder: Path) -> str:
    blocks = []
    for kind, title in KINDS.items():
        texts = [
            " ".join(path.read_text(encoding="utf-8").split())
            for path in fragments(folder)
            if path.name.endswith(f".{kind}.rst")
        ]
        entries = [
            textwrap.fill(
                text,
                WIDTH,
                initial_indent="- ",
                subsequent_indent="  ",
                break_long_words=False,
                break_on_hyphens=False,
            )
            for text in texts
        ]
        if entries:
            blocks.append(f"{title}\n{'-' * len(title)}\n\n" + "\n".join(entries) + "\n")
    return "\n".join(blocks)


def assembled(text: str, version: str, day: str, folder: Path) -> str:
    """
    The changelog with a release at its top. A section of the same version that is not released yet
    gets the day, and the fragments below what it says already.

    :param text: the changelog
    :param version: number of the release
    :param day: its day
    :param folder: where the fragments are
    :return: the new text
    :raises ValueError: when the changelog has no title, or the version already
    """
    title = TITLE.match(text)
    if not title:
        raise ValueError("the changelog does not begin with its title")
    rest = text[title.end() :]
    if rest.startswith(f"{version}{UNRELEASED}\n"):
        heading = f"{version}, {day}"
        own, mark, older = _parted(rest.partition("\n\n")[2])
        top = f"{heading}\n{'=' * len(heading)}\n\n{own.rstrip()}\n"
        entries = _entries(folder)
        top += f"\n{entries}" if entries else ""
        return title[0] + top + (f"\n{mark}{older}" if mark else "")
    if re.search(rf"^{re.escape(version)}, ", rest, re.MULTILINE):
        raise ValueError(f"{version} is in the changelog already")
    return f"{title[0]}{section(version, day, folder)}\n{rest}"


def _parted(text: str) -> tuple[str, str, str]:
    """A section's text, the heading of the next one, and what comes below it."""
    following = re.search(r"^\d[^\n]*\n=+\n", text, re.MULTILINE)
    if not following:
        return text, "", ""
    return text[: following.start()], following[0], text[following.end() :]


def main(argv: list[str] | None = None) -> int:
    """Check, show or write; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version", nargs="?")
    parser.add_argument("day", nargs="?", type=datetime.date.fromisoformat)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args(argv)
    found = problems(FOLDER)
    if found:
        print("\n".join(found), file=sys.stderr)
        return 1
    if not args.version:
        return 0
    if not args.day:
        parser.error("the day is missing, for example 2027-02-01")
    if not args.write:
        print(section(args.version, args.day.isoformat(), FOLDER), end="")
        return 0
    try:
        text = CHANGELOG.read_text(encoding="utf-8")
        new = assembled(text, args.version, args.day.isoformat(), FOLDER)
    except ValueError as problem:
        print(f"assemble: {problem}", file=sys.stderr)
        return 1
    CHANGELOG.write_text(new, encoding="utf-8")
    for path in fragments(FOLDER):
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
