"""The systems which the tests boot: data, and the look-up by any of their names."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import PlatformError

# Has systemd-nspawn give a node the unified control groups, whatever the host has.
UNIFIED = ("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
SALT_PINS = {"3008": "3008.5", "3006": "3006.30"}
SALT_PYTHONS = {
    "3008": ("3.10", "3.11", "3.12", "3.13", "3.14"),
    "3006": ("3.10", "3.11"),
}


@dataclass(frozen=True)
class Platform:
    """A Debian suite with the Octavia release and the Python that it carries.

    `extra_suites` are (archive, suite) pairs besides the main one; `nspawn_env` is added to the
    environment of systemd-nspawn.
    """

    key: str
    suite: str
    release: str
    python: str
    extra_suites: tuple[tuple[str, str], ...] = ()
    nspawn_env: tuple[tuple[str, str], ...] = ()

    @property
    def salts(self) -> tuple[str, ...]:
        """The Salt series that support this platform's Python."""
        return tuple(name for name, pythons in SALT_PYTHONS.items() if self.python in pythons)

    def salt_pin(self, series: str) -> str:
        """The exact Salt version to install for a series such as "3008".

        Raises PlatformError for an unknown series and for one that lacks this Python.
        """
        if series not in SALT_PINS:
            known = ", ".join(SALT_PINS)
            raise PlatformError(f"Salt series {series!r} is not known; use one of: {known}")
        if series not in self.salts:
            pythons = ", ".join(SALT_PYTHONS[series])
            raise PlatformError(
                f"Salt {series} supports Python {pythons} only, and {self.key} has Python "
                f"{self.python}; use one of: {', '.join(self.salts)}"
            )
        return SALT_PINS[series]


PLATFORMS = (
    Platform(
        key="debian12",
        suite="bookworm",
        release="zed",
        python="3.11",
        extra_suites=(("main", "bookworm-updates"), ("security", "bookworm-security")),
    ),
    Platform(
        key="debian13",
        suite="trixie",
        release="2025.1",
        python="3.13",
        extra_suites=(("main", "trixie-updates"), ("security", "trixie-security")),
    ),
    Platform(
        key="testing",
        suite="forky",
        release="2026.2",
        python="3.14",
        # systemd 262 boots on the unified hierarchy only and ends without a word otherwise.
        nspawn_env=(UNIFIED,),
    ),
)


def platform(name: str) -> Platform:
    """Find a platform by key (debian12), Octavia release (zed) or suite (bookworm).

    Raises PlatformError that lists the known names.
    """
    for candidate in PLATFORMS:
        if name in (candidate.key, candidate.release, candidate.suite):
            return candidate
    known = "; ".join(f"{p.key} = {p.release} = {p.suite}" for p in PLATFORMS)
    raise PlatformError(f"platform {name!r} is not known; use one of: {known}")
