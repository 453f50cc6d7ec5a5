"""Where Debian packages come from: the mirrors that the host's own apt is configured with."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from .errors import HostError
from .host import KEYRING
from .platforms import Platform
from .processes import say

_LABELS = {"Debian": "main", "Debian-Security": "security"}


def archives() -> dict[str, str]:
    """The host's archives: {"main": URI, "security": URI}; the second may be missing.

    Raises HostError when the host's apt knows no Debian archive.
    """
    argv = ["apt-get", "indextargets", "--format", "$(LABEL)|$(REPO_URI)", "Created-By: Packages"]

    def read() -> dict[str, str]:
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        pairs = (line.split("|", 1) for line in done.stdout.splitlines())
        return {_LABELS[label]: uri for label, uri in pairs if label in _LABELS}

    found = read()
    if "main" not in found:
        # The labels are known only when the lists were fetched.
        subprocess.run(["apt-get", "update"], capture_output=True, stdin=subprocess.DEVNULL)
        found = read()
    if "main" not in found:
        raise HostError(
            "the host's apt knows no archive with the label 'Debian': add one to its sources and "
            "run apt-get update"
        )
    return found


def _is_reachable(uri: str, suite: str) -> bool:
    """True when the archive holds the suite, asked through apt's own transport and settings."""
    with tempfile.TemporaryDirectory() as folder:
        target = f"{folder}/InRelease"
        url = f"{uri.rstrip('/')}/dists/{suite}/InRelease"
        done = subprocess.run(
            ["/usr/lib/apt/apt-helper", "download-file", url, target], capture_output=True
        )
        return done.returncode == 0 and Path(target).exists()


def sources(platform: Platform) -> str:
    """The sources.list of a platform: its suite and those of its extra suites that are reachable.

    Raises HostError when the host's apt knows no Debian archive.
    """
    known = archives()
    lines = [_line(known["main"], platform.suite)]
    for archive, suite in platform.extra_suites:
        uri = known.get(archive)
        if uri and _is_reachable(uri, suite):
            lines.append(_line(uri, suite))
        else:
            say(f"{suite} is not reachable from this host; go on with {platform.suite} only")
    return "".join(lines)


def _line(uri: str, suite: str) -> str:
    return f"deb [signed-by={KEYRING}] {uri} {suite} main\n"


def host_options() -> list[Path]:
    """The host's local apt settings (99*), which the builders need as well."""
    return sorted(Path("/etc/apt/apt.conf.d").glob("99*"))
