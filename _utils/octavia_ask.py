"""
Asks the formula's own small programs that need the libraries of Octavia's packages, and so run with
the Python of those: a question in JSON goes in, an answer in JSON comes out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

LAST_LINES = 5


class AskError(Exception):
    """A program ended without an answer; the text is what it said last."""


def ask(
    run: Callable[..., dict[str, Any]], python: str, program: str, question: dict[str, Any]
) -> dict[str, Any]:
    """
    Asks a program. What is asked, which may hold passwords, is on no command line and in no log.

    :param run: Salt's cmd.run_all
    :param python: the Python that has the libraries
    :param program: path of the program
    :param question: what it is asked
    :return: its answer
    :raises AskError: when there is none
    """
    answer = run(
        [python, program],
        stdin=json.dumps(question),
        python_shell=False,
        output_loglevel="quiet",
    )
    said = answer["stderr"] or answer["stdout"]
    if not answer["retcode"]:
        try:
            return json.loads(answer["stdout"])
        except ValueError:
            said = answer["stdout"] or "it said nothing"
    raise AskError("\n".join(said.splitlines()[-LAST_LINES:]))
