"""Certificates and keys of a controller: what the pillar says of them, and who may read them."""

from __future__ import annotations

from typing import Any

try:
    import octavia_findings as findings
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings

__virtualname__ = "octavia_pki"


def __virtual__():
    if "octavia_pki.deploy" in __salt__:
        return __virtualname__
    return False, "the execution module octavia_pki is not loaded; run saltutil.sync_all"


def deployed(name: str, saltenv: str = "base", **kwargs: Any) -> dict[str, Any]:
    """
    Certificates and keys are those that the pillar says: its own PEMs, those that are made here, a
    client certificate that another node signs, or those that are there already. They are checked,
    all of them together, before the first file is written; secrets that everybody knows are told.

    :param name: any text
    :param saltenv: file server environment that holds the formula
    :return: changes hold for each file what it held and what it holds now, never a key; result
        False with all findings in the comment, and nothing written

    .. code-block:: yaml

        octavia_certificates:
          octavia_pki.deployed: []
    """
    del kwargs
    ret: dict[str, Any] = {"name": name, "changes": {}, "result": True, "comment": ""}
    answer = __salt__["octavia_pki.deploy"](__opts__["test"], saltenv)
    found = answer["findings"]
    if answer["refused"]:
        ret["result"] = False
        said = findings.describe(found)
        ret["comment"] = f"{said}\nNothing was changed. See docs/certificates.rst."
        return ret
    if found:
        ret["warnings"] = [findings.describe([item]) for item in found]
    ret["changes"] = answer["changes"]
    verb = "would be" if __opts__["test"] else "was"
    lines = [f"{what}: it {verb} made" for what in answer["done"]]
    if ret["changes"]:
        ret["result"] = None if __opts__["test"] else True
        verb = "would be" if __opts__["test"] else "were"
        lines.append(f"{len(ret['changes'])} files {verb} written.")
    else:
        lines.append("Certificates and keys are right.")
    ret["comment"] = "\n".join(lines)
    return ret


def protected(name: str, saltenv: str = "base", **kwargs: Any) -> dict[str, Any]:
    """
    Certificates, keys and their directories belong to root and Octavia's group, and nobody else can
    read them. Only what lies below Octavia's own directories is touched.

    :param name: any text
    :param saltenv: file server environment that holds the formula
    :return: changes hold old and new owner and mode

    .. code-block:: yaml

        octavia_certificates_access:
          octavia_pki.protected: []
    """
    del kwargs
    ret: dict[str, Any] = {"name": name, "changes": {}, "result": True, "comment": ""}
    ret["changes"] = __salt__["octavia_pki.protect"](__opts__["test"], saltenv)
    ret["comment"] = "Owners and modes are right."
    if ret["changes"]:
        ret["result"] = None if __opts__["test"] else True
        verb = "would be" if __opts__["test"] else "were"
        ret["comment"] = f"Owner and mode of {len(ret['changes'])} files {verb} corrected."
    return ret
