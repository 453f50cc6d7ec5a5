"""What a state run gave, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .errors import ConvergeError


@dataclass(frozen=True)
class Run:
    """
    One run of states.

    :ivar states: the states as Salt returned them, in the order of the run
    :ivar stdout: what salt-call printed
    :ivar stderr: what it said besides
    :ivar seconds: how long it took
    """

    states: list[dict[str, Any]]
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    by_id: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def failed(self) -> list[dict[str, Any]]:
        """The states with result False."""
        return [state for state in self.states if state["result"] is False]

    @property
    def changed(self) -> list[dict[str, Any]]:
        """The states that changed something, or would have in a run with test=True."""
        return [state for state in self.states if state["changes"] or state["result"] is None]

    def summary(self) -> str:
        """One line: how many states, how many of them changed something, how long it took."""
        count, changes = len(self.states), len(self.changed)
        counted = f"{count} states, {changes} with changes, {len(self.failed)} failed"
        return f"{counted}, {self.seconds:.0f} s"


def of_answer(answer: Any, stdout: str, stderr: str, seconds: float) -> Run:
    """
    A run from salt-call's answer.

    :param answer: the parsed answer of state.apply
    :raises ConvergeError: when the states could not even be compiled
    """
    if not isinstance(answer, dict):
        raise ConvergeError(f"the states do not compile: {answer}\n{stderr}")
    states = sorted(answer.values(), key=lambda state: state["__run_num__"])
    by_id = {state["__id__"]: state for state in states}
    return Run(states, stdout, stderr, seconds, by_id)


def describe(states: list[dict[str, Any]]) -> str:
    """The states with their comments, indented, for a person to read."""
    lines = []
    for state in states:
        lines.append(f"{state['__id__']} ({state.get('__sls__')})")
        lines += [f"    {line}" for line in str(state["comment"]).splitlines()]
        if state["changes"]:
            lines.append(f"    changes: {', '.join(state['changes'])}")
    return "\n".join(lines)
