"""The suite `aio` on the machine itself: `make converge TARGET=host`."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.nodes.node import REPOSITORY_BINDS, Result, pillar_files

from .errors import ConvergeError

REPOSITORY = Path(__file__).resolve().parents[2]
SYSTEMD = Path("/run/systemd/system")
HOME = Path("/var/lib/salt-formula-octavia")


class Host:
    """This machine, with what the suites use of a node."""

    def __init__(self) -> None:
        self.name = platform.node()
        self.address = "127.0.0.1"

    def prepare(self) -> None:
        """
        Lays out file roots, pillar and a minion configuration of their own below :data:`HOME`.

        :raises ConvergeError: where the machine cannot be converged
        """
        if not SYSTEMD.is_dir():
            raise ConvergeError(
                f"TARGET=host: systemd is not running on this machine ({SYSTEMD} is not there), so "
                "no service could be managed. Leave TARGET out: a container with systemd is made"
            )
        if os.geteuid() != 0:
            raise ConvergeError("TARGET=host: this needs root; run it as root")
        if not shutil.which("salt-call"):
            raise ConvergeError("TARGET=host: there is no salt-call on this machine; install Salt")
        for folder in ("salt", "pillar", "conf"):
            (HOME / folder).mkdir(parents=True, exist_ok=True)
        for inside, target in REPOSITORY_BINDS.items():
            link = HOME / "salt" / Path(target).name
            link.unlink(missing_ok=True)
            link.symlink_to(REPOSITORY / inside)
        minion = {
            "id": self.name,
            "file_client": "local",
            "file_roots": {"base": [str(HOME / "salt")]},
            "pillar_roots": {"base": [str(HOME / "pillar")]},
            "features": {"x509_v2": True},
        }
        (HOME / "conf" / "minion").write_text(json.dumps(minion, indent=1), encoding="utf-8")

    def run(
        self,
        argv: Sequence[str],
        input: str | None = None,
        timeout: float = 1800,
        check: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """As `Node.run`, on this machine."""
        if argv[0] == "salt-call":
            argv = ["salt-call", f"--config-dir={HOME / 'conf'}", *argv[1:]]
        done = subprocess.run(
            argv,
            input=input,
            timeout=timeout,
            check=check,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def set_pillar(self, files: Mapping[str, str | Mapping[str, Any]]) -> None:
        """As `Node.set_pillar`, in the pillar of this deployment."""
        for name, text in pillar_files(files).items():
            path = HOME / "pillar" / name
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
