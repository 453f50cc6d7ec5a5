"""Commands of the host that are run to their end, or killed with all that they started."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .errors import CommandTimeout
from .processes import kill_group


@dataclass(frozen=True)
class Result:
    """What a command gave."""

    returncode: int
    stdout: str
    stderr: str


def finish(
    argv: Sequence[str],
    shown: Sequence[str],
    input: str | None,
    timeout: float,
    env: Mapping[str, str],
    name: str,
) -> Result:
    """Run a command with exactly the environment `env` and wait for its end.

    `name` and `shown` are what errors call the node and the command.
    Raises CommandTimeout after `timeout` seconds; whatever stops the wait, its group is killed.
    """
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(input, timeout)
    except subprocess.TimeoutExpired as expired:
        kill_group(process.pid)
        partial = (expired.stdout or b"") + (expired.stderr or b"")
        raise CommandTimeout(
            f"{name}: {' '.join(shown)} did not end within {timeout:.0f} s; its output ends:\n"
            f"{partial[-3000:].decode(errors='replace')}"
        ) from None
    except BaseException:
        kill_group(process.pid)
        raise
    return Result(process.returncode, stdout, stderr)
