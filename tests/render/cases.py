"""The pillars that are rendered, and what of them is secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import docutils.core
import docutils.nodes
import harness
import yaml
from parts import PARTS

#: Keys whose values are secret wherever they stand. (`ca_private_key` is a path.)
SECRET_KEYS = (
    *("password", "heartbeat_key", "private_key"),
    *("ca_private_key_passphrase", "server_certs_key_passphrase"),
)
SECRET = "s3cr3t"


@dataclass(frozen=True)
class Case:
    """
    A pillar file.

    :ivar name: its name
    :ivar text: its text, before it is rendered
    :ivar systems: where it is rendered
    """

    name: str
    text: str
    systems: tuple[str, ...] = tuple(harness.SYSTEMS)

    def pillar(self, system: str) -> dict[str, Any]:
        """
        The pillar for a system, every secret in it replaced by one that stands nowhere else.

        :param system: one of `systems`
        :return: the whole pillar
        """
        return _marked(harness.pillar(self.text, system, self.name), {})


def _files() -> Iterator[Case]:
    tests = harness.ROOT / "tests"
    pillars = [*sorted((tests / "pillar").glob("*.sls")), harness.ROOT / "pillar.example"]
    # One suite's pillar is pillar.example itself.
    for path in {path.resolve(): path for path in reversed(pillars)}.values():
        yield Case(path.stem, path.read_text(encoding="utf-8"))
    for part in PARTS.values():
        text = yaml.safe_dump({"octavia": part.octavia}, sort_keys=False)
        yield Case(f"part_{part.name}", text, part.systems)
    # The users' own samples, as they have had them since 2017.
    for path in sorted((tests / "render" / "samples").glob("*.sls")):
        yield Case(f"sample_{path.stem}", path.read_text(encoding="utf-8"))


def _pages() -> Iterator[Case]:
    """The pillars that README and manual show."""
    for path in (harness.ROOT / "README.rst", *sorted((harness.ROOT / "docs").glob("*.rst"))):
        text = path.read_text(encoding="utf-8")
        document = docutils.core.publish_doctree(text, settings_overrides={"report_level": 5})
        blocks = [node.astext() for node in document.findall(docutils.nodes.literal_block)]
        pillars = [block for block in blocks if block.startswith("octavia:")]
        for number, block in enumerate(pillars, 1):
            yield Case(f"{path.stem.lower()}_{number}", block + "\n", ("debian12",))


CASES = {case.name: case for case in (*_files(), *_pages())}


def secrets(pillar: Any) -> set[str]:
    """The secrets of a pillar that `Case.pillar` has made."""
    if isinstance(pillar, Mapping):
        return {secret for value in pillar.values() for secret in secrets(value)}
    if isinstance(pillar, list):
        return {secret for value in pillar for secret in secrets(value)}
    return {pillar} if isinstance(pillar, str) and pillar.startswith(SECRET) else set()


def _marked(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_marked(item, known) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: _secret(item, known)
        if name in SECRET_KEYS and isinstance(item, str)
        else _marked(item, known)
        for name, item in value.items()
    }


def _secret(value: str, known: dict[str, str]) -> str:
    # What is the same in the pillar stays the same. The strictest rule for a secret wants 32
    # url-safe characters.
    return known.setdefault(value, f"{SECRET}-{len(known):02}-".ljust(32, "x"))
