"""The releases of OpenStack, by whatever name the pillar or a package gives them."""

from __future__ import annotations

import re
from typing import Any

Release = dict[str, str]


class UnknownRelease(ValueError):
    """No release has that name; the text of the error lists the known ones."""

    def __init__(self, version: Any, releases: list[Release]) -> None:
        known = ", ".join(item["name"] for item in releases)
        super().__init__(f"{version!r} is no release of OpenStack that the formula knows: {known}")
        self.version = version
        self.releases = releases


def find(releases: list[Release], version: Any) -> Release:
    """
    The release that the pillar means.

    :param releases: content of ``parameters/releases.yaml``
    :param version: name, codename, number (also as YAML's float) or letter
    :return: the entry of that release
    :raises UnknownRelease: when there is none
    """
    wanted = str(version).strip().lower()
    for item in releases:
        if wanted in (item[key] for key in ("name", "codename", "number", "letter") if key in item):
            return item
    raise UnknownRelease(version, releases)


def of_package(releases: list[Release], version: str) -> Release | None:
    """
    The release of an Octavia package.

    :param releases: content of ``parameters/releases.yaml``
    :param version: the package's version, for example ``1:11.0.0-2+deb12u1``
    :return: the entry of the release, None for a version that is no Octavia release
    """
    upstream = version.rpartition(":")[2] if ":" in version else version
    found = re.match(r"0\.10\b|[1-9]\d*", upstream)
    return next((r for r in releases if found and r["series"] == found.group()), None)


def position(releases: list[Release], name: str) -> int:
    """The place of release ``name`` in the history, oldest 0."""
    return [item["name"] for item in releases].index(name)
