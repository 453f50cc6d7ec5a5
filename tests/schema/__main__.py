"""
Makes all that is made of the options of the releases: `options.json` and the pages of the manual.

`python3 -m tests.schema`
    makes them again from what is there, which changes nothing unless a file of parameters, or
    `facts.json`, was changed.
`python3 -m tests.schema DUMP.json ...`
    adds releases, or takes their options anew: each DUMP is what `generate.py dump RELEASE` has
    written. Then tells what is left to do by hand.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.schema import document, generate

#: Files that name the newest release.
NAMING = ("README.rst", "metadata.yml")


def made(data: Mapping[str, Any], facts: dict[str, Any], dumps: Sequence[Path]) -> dict[Path, str]:
    """
    All that is made.

    :param data: content of ``options.json``
    :param facts: content of ``facts.json``
    :param dumps: dumps of releases that are added
    :return: the new texts by file
    """
    with tempfile.TemporaryDirectory() as folder:
        for dump in dumps:
            shutil.copy(dump, folder)
        added = list(generate.of_dumps(Path(folder), facts))
    merged = generate.merge([*generate.of_data(dict(data)), *added], facts)
    pages = {document.DOCS / name: page(merged) for name, page in document.PAGES.items()}
    return {
        generate.DATA: generate.to_text(merged),
        **{path: text.rstrip() + "\n" for path, text in pages.items()},
    }


def unnamed(dumps: Sequence[Path]) -> list[str]:
    """
    The releases of dumps that ``releases.yaml`` does not name.

    :param dumps: the dumps
    :return: their names
    """
    known = {release["name"] for release in document.load("releases.yaml")}
    found = (generate.load(path).get("release", path.name) for path in dumps)
    return [name for name in found if name not in known]


def left(release: str) -> Iterator[str]:
    """
    What nobody can make of a dump of a new release, and is not there yet.

    :param release: its name
    :return: a line for each
    """
    if release not in document.load("hops.yaml"):
        yield f"octavia/parameters/hops.yaml: what {release} asks of an operator"
    for name in NAMING:
        if f"to {release}" not in (document.ROOT / name).read_text(encoding="utf-8"):
            yield f"{name}: to {release}"
    yield "CONTRIBUTING.rst, A new release: what the tests say, and where it is deployed"


def main(argv: Sequence[str]) -> int:
    """
    Makes them.

    :param argv: the dumps
    :return: exit status
    """
    if any(one.startswith("-") for one in argv):
        print(__doc__.strip())
        return 2
    dumps = [Path(one) for one in argv]
    missing = unnamed(dumps)
    if missing:
        print(f"octavia/parameters/releases.yaml does not name {', '.join(missing)}: add it first")
        return 1
    texts = made(generate.load(generate.DATA), generate.load(generate.FACTS), dumps)
    for path, text in texts.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"written: {path.relative_to(document.ROOT)}")
    for dump in dumps:
        print("\n".join(f"left: {line}" for line in left(generate.load(dump)["release"])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
