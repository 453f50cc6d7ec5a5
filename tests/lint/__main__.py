"""
Runs linters by themselves, in the versions of the tests: `python3 -m tests.lint [NAME ...]`.
"""

from __future__ import annotations

import subprocess
import sys

from tests import environments
from tests.lint import linters
from tests.nodes.errors import NodesError

SERIES = "3008"


def main(names: list[str]) -> int:
    """
    Runs linters.

    :param names: which; none for all
    :return: exit status, 0 when none has found anything
    """
    known = linters.commands()
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"tests.lint: no linter is called {', '.join(unknown)}; use {', '.join(known)}")
        return 2
    python = environments.python(SERIES)
    found = 0
    for name in names or known:
        done = subprocess.run([python, "-m", *known[name]], cwd=linters.ROOT)
        found = found or done.returncode
    return found


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except NodesError as problem:
        sys.exit(f"tests.lint: {problem}")
