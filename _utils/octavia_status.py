"""
What ``octavia-status upgrade check`` says. From Wallaby to 2025.1 the program ends with a traceback
before its first check, with codes that also mean warnings: only its table of results counts.
"""

from __future__ import annotations

import re
from typing import Any

TITLE = "Upgrade Check Results"
PASSED, WARNINGS, FAILED, UNAVAILABLE = "passed", "warnings", "failed", "unavailable"

_SUCCESS, _WARNING, _FAILURE = range(3)
_RESULTS = {"Success": _SUCCESS, "Warning": _WARNING, "Failure": _FAILURE}
_STATES = {_SUCCESS: PASSED, _WARNING: WARNINGS, _FAILURE: FAILED}
_KEY = re.compile(r"(Check|Result|Details): ?(.*)")
# The check of what only the jobboard uses; since 2025.2 it is made without a jobboard as well.
_JOBBOARD_CHECK = "AmphoraV2 Check"
_JOBBOARD_DETAILS = re.compile("persistence|jobboard", re.IGNORECASE)


def read(output: str, returncode: int | None, jobboard: bool) -> dict[str, Any]:
    """
    Reads what the program wrote.

    :param output: all of it, in the language C
    :param returncode: the code that it ended with; None when it was stopped since it did not end
    :param jobboard: whether Octavia is set to use the jobboard
    :return: ``state`` (``passed``, ``warnings``, ``failed``, or ``unavailable`` when it gave no
        results), ``why`` (empty for ``passed``), and ``checks``, each with ``check``, ``result``
        (in the program's words), ``details`` and whether it is ``relevant``: what is not does not
        count
    """
    checks = _checks(output)
    if returncode is None:
        return _unavailable("it did not end in time")
    if not checks or returncode not in _STATES:
        return _unavailable(f"it ended with {returncode}: {_last_words(output)}")
    for check in checks:
        check["relevant"] = jobboard or not _is_of_jobboard(check)
    # A word that is not known is taken for the worst.
    ranks = [_RESULTS.get(check["result"], _FAILURE) for check in checks]
    worst = max(rank if check["relevant"] else _SUCCESS for rank, check in zip(ranks, checks))
    if returncode > max(ranks):
        worst = max(worst, returncode)
    bad = [
        f"{check['check']}: {check['details'] or check['result']}"
        for rank, check in zip(ranks, checks)
        if check["relevant"] and rank != _SUCCESS
    ]
    why = "; ".join(bad) if bad or worst == _SUCCESS else f"it ended with {returncode}"
    return {"state": _STATES[worst], "why": why, "checks": checks}


def _is_of_jobboard(check: dict[str, Any]) -> bool:
    return (
        check["check"] == _JOBBOARD_CHECK
        and check["result"] != "Success"
        and bool(_JOBBOARD_DETAILS.search(check["details"]))
    )


def _unavailable(why: str) -> dict[str, Any]:
    return {"state": UNAVAILABLE, "why": why, "checks": []}


def _checks(output: str) -> list[dict[str, Any]]:
    """The rows of the table; its lines are wrapped."""
    checks: list[dict[str, Any]] = []
    for line in output.partition(TITLE)[2].splitlines():
        if not line.startswith("|"):
            continue
        text = line.strip().strip("|").strip()
        found = _KEY.fullmatch(text)
        if found and found[1] == "Check":
            checks.append({"check": found[2], "result": "", "details": ""})
        elif found and checks:
            checks[-1][found[1].lower()] = found[2]
        elif checks:
            checks[-1]["details"] = f"{checks[-1]['details']} {text}".strip()
    for check in checks:
        if check["details"] == "None":
            check["details"] = ""
    return checks


def _last_words(output: str) -> str:
    """The error of the last traceback, or the last line."""
    _, mark, traceback = output.rpartition("Traceback (most recent call last):")
    lines = [line for line in traceback.splitlines() if line.strip()]
    if mark:
        for line in lines:
            if not line[0].isspace():
                return line.strip()
    return lines[-1].strip() if lines else "nothing"
