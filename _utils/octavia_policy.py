"""The policies of the API: a published set of rules, and the pillar's own over it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

try:
    import octavia_findings as findings
    import octavia_releases as releases
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_releases as releases

PATH = "octavia:api:policy"


def rules(
    policy: Any, sets: Mapping[str, Any], known: list[releases.Release], release: str
) -> tuple[dict[str, str], list[findings.Finding]]:
    """
    The rules for the policy file.

    :param policy: the pillar below ``octavia:api:policy``
    :param sets: content of ``parameters/policies.yaml``
    :param known: content of ``parameters/releases.yaml``
    :param release: name of the release in force
    :return: rules by name, those of the set first; and the findings
    """
    if not isinstance(policy, Mapping):
        return {}, []
    found: list[findings.Finding] = []
    result: dict[str, str] = {}
    name = policy.get("set")
    if name is not None and (not isinstance(name, str) or name not in sets):
        near = difflib.get_close_matches(str(name), sets, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        remedy = f"{hint}Known sets: {', '.join(sets)}"
        found.append(findings.error(f"{PATH}:set", name, "is no set of policies", remedy))
    elif name is not None:
        since = sets[name]["since"]
        if releases.position(known, release) < releases.position(known, since):
            reason = f"is meant for {since} and later, {release} does not know what it refers to"
            remedy = "Use another set, or rules of your own"
            found.append(findings.error(f"{PATH}:set", name, reason, remedy))
        result.update(sets[name]["rules"])
    own = policy.get("rules")
    for rule, text in own.items() if isinstance(own, Mapping) else ():
        if isinstance(text, str):
            result[str(rule)] = text
        else:
            reason = "is no rule: a rule is text in the language of policies"
            remedy = "Write it in quotes, for example 'role:admin'; '!' allows nobody"
            found.append(findings.error(f"{PATH}:rules:{rule}", text, reason, remedy))
    return result, found
