"""The first state of every run: is the pillar right, and does it fit the packages?"""

from __future__ import annotations

import os
from typing import Any

import salt.utils.files

try:
    import octavia_findings as findings
    import octavia_releases
    import octavia_states as states
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_releases
    from salt_formula_octavia.utils import octavia_states as states

__virtualname__ = "octavia_config"

#: How the files begin that this formula removes again.
OURS = b"# Written by Salt"


def __virtual__():
    if "octavia_config.validate" in __salt__:
        return __virtualname__
    return False, "the execution module octavia_config is not loaded; run saltutil.sync_all"


def valid(name: str, upgrade: bool = False, saltenv: str = "base", **kwargs: Any) -> dict[str, Any]:
    """
    The pillar ``octavia`` has no error, and its ``version`` is the release of the packages that
    are installed, or else of those that would be.

    :param name: any text
    :param upgrade: whether this is a phase of an upgrade, in which the packages may be of an older
        release than the pillar
    :param saltenv: file server environment that holds the formula
    :return: result False with all findings in the comment, each with its pillar path, reason and
        remedy, and in any case the roles that are switched off; never any changes

    .. code-block:: yaml

        octavia_check:
          octavia_config.valid: []
    """
    del kwargs
    ret = states.ret(name)
    found = __salt__["octavia_config.validate"](saltenv)
    ret["comment"] = findings.describe(found)
    if findings.errors(found):
        ret["result"] = False
        ret["comment"] += "\nNothing was changed."
        return ret
    if found:
        ret["warnings"] = [findings.describe([item]) for item in found]
    known = __salt__["octavia_config.map"](saltenv)
    if known["release"] and not upgrade:
        ret = _fits_packages(ret, known["release"], saltenv)
    ret["comment"] = ret["comment"] or "The pillar is valid."
    for role in known["roles_off"]:
        ret["comment"] += f"\nNothing is done for {role}: octavia:{role}:enabled is false."
    return ret


def _fits_packages(ret: dict[str, Any], wanted: str, saltenv: str) -> dict[str, Any]:
    package = __salt__["octavia_control.package"](not __opts__["test"], saltenv)
    name, version = package["name"], package["version"]
    if not version:
        ret["result"] = None if __opts__["test"] else False
        ret["comment"] = (
            f"The pillar is valid for {wanted}, but no package source of this node offers {name}: "
            f"configure one that holds {wanted}, then run this state again."
        )
        return ret
    if package["release"] == wanted:
        ret["comment"] = (
            ret["comment"] or f"The pillar is valid for {wanted}, so is {name} {version}."
        )
        return ret
    ret["result"] = False
    has = "is installed" if package["installed"] else "would be installed"
    release = package["release"] or "no release that the formula knows"
    ret["comment"] = (
        f"The pillar says version {wanted}, but {name} {version} {has}, which is {release}. "
        f"{_way_out(package, wanted, saltenv)} Nothing was changed."
    )
    return ret


def _way_out(package: dict[str, Any], wanted: str, saltenv: str) -> str:
    if not package["installed"]:
        return f"Set version to {package['release']}, or give the node package sources of {wanted}."
    known = __salt__["octavia_config.releases"](saltenv)
    newer = package["release"] and (
        octavia_releases.position(known, wanted)
        > octavia_releases.position(known, package["release"])
    )
    if newer:
        return (
            f"To upgrade, run octavia.upgrade.pre and then octavia.upgrade.upgrade; "
            f"to stay, set version to {package['release']}."
        )
    return (
        f"Set version to {package['release']}: packages are never taken back to an older release."
    )


def withdrawn(name: str, **kwargs: Any) -> dict[str, Any]:
    """
    A file that this formula wrote for an earlier pillar is gone, since it would stay in force. One
    that somebody else wrote stays.

    :param name: the file
    :return: changes hold that it was removed

    .. code-block:: yaml

        octavia_policy_file:
          octavia_config.withdrawn:
            - name: /etc/octavia/policy.yaml
    """
    del kwargs
    ret = states.ret(name)
    try:
        with salt.utils.files.fopen(name, "rb") as stream:
            ours = stream.read(len(OURS)) == OURS
    except FileNotFoundError:
        ret["comment"] = f"{name} is not there."
        return ret
    if not ours:
        ret["comment"] = f"{name} was not written by this formula, and stays."
        return ret
    ret["changes"] = {"file": {"old": name, "new": None}}
    if __opts__["test"]:
        ret["result"] = None
        ret["comment"] = f"{name} would be removed: the pillar does not speak of it any more."
        return ret
    os.remove(name)
    ret["comment"] = f"{name} was removed: the pillar does not speak of it any more."
    return ret
