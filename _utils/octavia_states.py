"""What the state functions of the formula have in common."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

State = Callable[..., dict[str, Any]]

POLL_SECONDS = 0.5


def ret(name: str) -> dict[str, Any]:
    """
    The answer of a state that has nothing to tell yet.

    :param name: name of the state
    :return: the answer: no changes, success
    """
    return {"name": name, "changes": {}, "result": True, "comment": ""}


def telling(*errors: type[Exception]) -> Callable[[State], State]:
    """
    What an execution function cannot do is the result of a state, not a traceback.

    :param errors: the errors whose text tells what to do
    :return: the decorator of such state functions
    """

    def decorate(function: State) -> State:
        @functools.wraps(function)
        def told(name: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
            try:
                return function(name, *args, **kwargs)
            except errors as problem:
                return {**ret(name), "result": False, "comment": str(problem)}

        return told

    return decorate


def wait(seconds: float, condition: Callable[[], bool]) -> bool:
    """
    Waits until a condition holds.

    :param seconds: how long at most
    :param condition: the condition
    :return: whether it holds
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= end:
            return False
        time.sleep(POLL_SECONDS)
    return True
