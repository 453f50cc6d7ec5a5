"""Which metrics a query of Prometheus asks for, by which labels."""

from __future__ import annotations

import re

STRING = re.compile(r'"(?:\\.|[^"\\])*"')
DURATION = re.compile(r"\[[^\]]*\]")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
SELECTOR = re.compile(r"\b([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?(?!\s*\()(?![\w:])")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan"}


def metrics(query: str) -> dict[str, set[str]]:
    """
    The metrics of a query.

    :param query: in PromQL
    :return: names, each with the labels by which it is chosen
    """
    bare = GROUPING.sub(" ", DURATION.sub("", STRING.sub('""', query)))
    found: dict[str, set[str]] = {}
    for name, matchers in SELECTOR.findall(re.sub(r"\b\d[\w.]*", "0", bare)):
        if name not in WORDS:
            found.setdefault(name, set()).update(MATCHER.findall(matchers))
    return found


def groupings(query: str) -> set[str]:
    """
    The labels that a query keeps of its metrics.

    :param query: in PromQL
    :return: names of labels
    """
    kept = ",".join(GROUPING.findall(STRING.sub('""', query)))
    return {label.strip() for label in kept.split(",") if label.strip()}
