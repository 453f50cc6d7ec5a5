"""
Whether a policy file may take the place of the one that is there: a program for the system's own
Python, which alone has Octavia. Its argument is the file; it tells what is wrong, a line each, and
ends with status 1.

oslopolicy-validator refuses rules that Octavia does not register, which the published sets of rules
are full of; here a rule is only unknown when nothing in the file refers to it either.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

REFERENCE = re.compile(r"rule:([^\s()]+)")


class Notes(logging.Handler):
    """Keeps what a library complains of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps one record."""
        self.kept.append(record.getMessage())


def unknown(rules: dict[str, str], registered: set[str]) -> list[str]:
    """
    Rules that nothing will ever ask for.

    :param rules: the file
    :param registered: the rules that Octavia knows
    :return: their names
    """
    referred = {name for text in rules.values() for name in REFERENCE.findall(str(text))}
    return sorted(set(rules) - registered - referred)


def check(path: str) -> list[str]:
    """
    What is wrong with a policy file.

    :param path: the file
    :return: a line for each problem
    """
    import yaml
    from octavia.policies import list_rules
    from oslo_config import cfg
    from oslo_policy import policy

    with open(path, encoding="utf-8") as stream:
        try:
            rules: Any = yaml.safe_load(stream) or {}
        except yaml.YAMLError as problem:
            return [f"is no YAML: {problem}"]
    if not isinstance(rules, dict) or not all(isinstance(text, str) for text in rules.values()):
        return ["is no mapping of names to rules in text"]
    registered = list(list_rules())
    names = {rule.name for rule in registered}
    wrong = [f"{name}: is no policy of Octavia" for name in unknown(rules, names)]
    notes = Notes()
    logger = logging.getLogger("oslo_policy")
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    conf = cfg.ConfigOpts()
    conf([], project="octavia", default_config_files=[], default_config_dirs=[])
    enforcer = policy.Enforcer(conf, policy_file=path)
    conf.set_override("policy_dirs", [], group="oslo_policy")
    enforcer.suppress_deprecation_warnings = True
    enforcer.register_defaults(registered)
    enforcer.load_rules(force_reload=True)
    # While it loads, the library only tells what could be left out of the file.
    logger.addHandler(notes)
    for text in rules.values():
        policy.RuleDefault("rule", text)
    if not enforcer.check_rules() and not notes.kept:
        wrong.append("a rule refers to one that is not there, or to itself")
    return wrong + list(dict.fromkeys(notes.kept))


if __name__ == "__main__":
    found = check(sys.argv[1])
    print("\n".join(found))
    sys.exit(bool(found))
