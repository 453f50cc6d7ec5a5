"""
What an upgrade of Octavia has to know before it touches anything: whether this node is ready for
the release of the pillar, and what its packages would do.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from typing import Any

import salt.utils.files
import salt.utils.yaml
from salt.exceptions import CommandExecutionError

try:
    import octavia_agents
    import octavia_duties as duties
    import octavia_packages as packages
    import octavia_readiness as readiness
    import octavia_releases as releases
except ImportError:
    from salt_formula_octavia.utils import octavia_agents
    from salt_formula_octavia.utils import octavia_duties as duties
    from salt_formula_octavia.utils import octavia_packages as packages
    from salt_formula_octavia.utils import octavia_readiness as readiness
    from salt_formula_octavia.utils import octavia_releases as releases

__virtualname__ = "octavia_upgrade"

#: From this release on there is a program that checks.
STATUS_SINCE = "stein"
APT_PREFERENCES = "/etc/apt/preferences"
#: The first line of a clouds.yaml that is taken away again after the upgrade.
BORROWED = b"# Written by Salt for the time of an upgrade of Octavia."
#: Who lends a clouds.yaml, and under which name it is in the mine.
LENDERS = "I@keystone:client:os_client_config:enabled:true"
LENT = "keystone_os_client_config"


def __virtual__():
    return __virtualname__


def readiness_(refresh: bool = False, saltenv: str = "base") -> list[dict[str, str]]:
    """
    Whether this node is ready to be upgraded to the release of its pillar. Changes nothing.

    :param refresh: ask the package sources anew
    :param saltenv: file server environment that holds the formula
    :return: the items, each with ``what`` was looked at, its ``state`` (``ok``, ``stop``,
        ``warning``, ``not checked``) and the ``text``

    CLI Example:

    .. code-block:: bash

        salt-call octavia_upgrade.readiness
    """
    known = __salt__["octavia_config.map"](saltenv)
    found = readiness.pillar(known["findings"], known["release"])
    if not known["valid"] or not known["release"]:
        return found
    all_releases = __salt__["octavia_config.releases"](saltenv)
    installed = __salt__["octavia_control.package"](False, saltenv)
    old = installed["release"] if installed["installed"] else ""
    if installed["installed"] and not old:
        text = f"{installed['name']} {installed['version']} is of no release that the formula knows"
        return [*found, readiness.item("sequence", readiness.STOP, text)]
    settings = known["upgrade"]
    found += readiness.sequence(
        all_releases, old, known["release"], settings["allow_skip"], settings["mode"]
    )
    if not old:
        return found
    offer = offered(refresh, saltenv)
    found += readiness.offered(offer, known["release"])
    if offer["release"] == known["release"]:
        found += readiness.packages(_foretold(known, saltenv))
    found += _options(known, old, saltenv)
    found += _room(known, saltenv)
    agents: dict[str, str | None] | None = None
    if not known["noservices"]:
        found += _database(known, old, saltenv)
        if "manager" in known["roles"]:
            agents = agent_versions(saltenv)
            found += readiness.agents(agents)
    if "manager" in known["roles"]:
        found += readiness.certificates(__salt__["octavia_pki.check"](True, saltenv))
    found += _duties(known, old, agents, saltenv)
    return found


def _foretold(known: dict[str, Any], saltenv: str) -> dict[str, Any]:
    """What the packages would do; what stands in their way as ``error``."""
    if not shutil.which("apt-get"):
        return {"unknown": "no package manager here can be asked what it would do"}
    try:
        return simulate(along(known["release_packages"], saltenv), known["data_plane"])
    except CommandExecutionError as problem:
        return {"error": str(problem)}


def _options(known: dict[str, Any], old: str, saltenv: str) -> list[dict[str, str]]:
    """What becomes of the options of the octavia.conf in force."""
    if old == known["release"]:
        return []
    written, section = [], ""
    try:
        with salt.utils.files.fopen(known["config"], "r", encoding="utf-8") as stream:
            lines = stream.read().splitlines()
    except FileNotFoundError:
        return []
    for line in lines:
        if line.startswith("["):
            section = line.strip().strip("[]")
        elif "=" in line and not line.startswith(("#", " ", "\t")):
            written.append((section, line.partition("=")[0].strip()))
    coming = __salt__["octavia_config.sections"](saltenv)
    try:
        diff = __salt__["octavia_config.diff"](old, known["release"], saltenv)
    except CommandExecutionError:
        return []
    return readiness.options(dict.fromkeys(written), coming, diff)


def _room(known: dict[str, Any], saltenv: str) -> list[dict[str, str]]:
    needed = known["upgrade"]["min_free_mb"] * readiness.MB
    remedy = "make room, or lower octavia:upgrade:min_free_mb"
    found = readiness.space("/var", shutil.disk_usage("/var").free, needed, remedy)
    backup = known["upgrade"]["backup"]
    if backup["enabled"] and known["syncs_db"] and not known["noservices"]:
        answer = __salt__["octavia_db.backup_room"](saltenv)
        if "error" not in answer:
            remedy = "make room, or set octavia:upgrade:backup:path to another file system"
            found += readiness.space(backup["path"], answer["free"], answer["needed"], remedy)
    return found


def _database(known: dict[str, Any], old: str, saltenv: str) -> list[dict[str, str]]:
    """The database and what it tells; what hangs on it is left out where it cannot be read."""
    state = __salt__["octavia_db.state"]("octavia", saltenv)
    all_releases = __salt__["octavia_config.releases"](saltenv)
    head = releases.find(all_releases, known["release"])["head"]
    found = readiness.database(state, old, known["release"], head)
    check = "octavia-status upgrade check"
    since = releases.position(all_releases, STATUS_SINCE)
    if releases.position(all_releases, old) < since:
        found.append(readiness.item(check, readiness.UNCHECKED, f"{old} does not have it"))
    else:
        found += readiness.upgrade_check(__salt__["octavia_control.upgrade_check"](0, saltenv))
    if state["state"] == "unreadable":
        return found
    found += readiness.work(__salt__["octavia_control.pending"](saltenv=saltenv))
    try:
        heard = __salt__["octavia_control.heartbeats"](saltenv)
    except CommandExecutionError as problem:
        return [*found, readiness.item("heartbeats", readiness.UNCHECKED, str(problem))]
    return found + readiness.heartbeats(heard["amphorae"], heard["timeout"])


def _duties(
    known: dict[str, Any], old: str, agents: dict[str, str | None] | None, saltenv: str
) -> list[dict[str, str]]:
    hops = __salt__["octavia_config.hops"](saltenv)
    all_releases = __salt__["octavia_config.releases"](saltenv)
    try:
        passed = duties.path(all_releases, old, known["release"])
    except duties.Downgrade:
        return []
    acknowledged = known["upgrade"]["done"]
    verdicts = duties.judge(hops, passed, _facts(known, agents, saltenv), acknowledged)
    found = readiness.duty(verdicts)
    unknown = duties.unknown_ids(hops, acknowledged)
    if unknown:
        text = f"octavia:upgrade:done names duties that there are not: {unknown}"
        found.append(readiness.item("duties", readiness.WARNING, text))
    return found


def _facts(
    known: dict[str, Any], agents: dict[str, str | None] | None, saltenv: str
) -> dict[str, Any]:
    """What of this node duties hang on; what is not known is left out."""
    sections = __salt__["octavia_config.sections"](saltenv)
    facts: dict[str, Any] = {
        "roles": [role for role in known["roles"] if role != "client"],
        "sections": {
            section: {name: ", ".join(setting["text"]) for name, setting in names.items()}
            for section, names in sections.items()
        },
        "policy": bool(known["policy"].get("wanted")),
        "jobboard": sections.get("task_flow", {}).get("jobboard_enabled", {}).get("text")
        == ["true"],
    }
    if not known["noservices"]:
        counted = __salt__["octavia_db.amphorae"](saltenv)
        if "amphorae" in counted:
            facts["amphorae"] = counted["amphorae"]
    if agents is not None:
        facts["agents"] = agents
    return facts


def agent_versions(saltenv: str = "base") -> dict[str, str | None] | None:
    """
    Which version of its API the agent of each amphora in use speaks, asked by mutual TLS.

    :param saltenv: file server environment that holds the formula
    :return: the versions by amphora, None for one that does not answer; None as a whole when the
        database cannot be read, or the node has no certificates to ask with

    CLI Example:

    .. code-block:: bash

        salt-call octavia_upgrade.agent_versions
    """
    answer = __salt__["octavia_db.look"]("heartbeats", saltenv)
    if "error" in answer:
        return None
    node = __salt__["octavia_config.pki"](saltenv)
    bundle, trust = (node["files"].get(name) for name in ("client_cert_all", "server_ca"))
    if not bundle or not trust:
        return None
    addresses = {row["id"]: row["lb_network_ip"] for row in answer["rows"] if row["lb_network_ip"]}
    port = int(node["options"]["haproxy_amphora"]["bind_port"])
    return octavia_agents.versions(addresses, port, bundle["path"], trust["path"])


def offered(refresh: bool = True, saltenv: str = "base") -> dict[str, str]:
    """
    Which release of Octavia the package sources of this node offer, installed or not.

    :param refresh: ask the package sources anew
    :param saltenv: file server environment that holds the formula
    :return: ``name`` of the package that tells, its newest ``version`` and its ``release``, empty
        where the sources have none

    CLI Example:

    .. code-block:: bash

        salt-call octavia_upgrade.offered
    """
    if refresh:
        __salt__["pkg.refresh_db"]()
    name = __salt__["octavia_config.map"](saltenv)["release_package"]
    version = __salt__["pkg.latest_version"](name, refresh=False)
    version = version if isinstance(version, str) else version.get(name, "")
    version = version or __salt__["pkg.version"](name)
    release = releases.of_package(__salt__["octavia_config.releases"](saltenv), version or "")
    return {"name": name, "version": version, "release": release["name"] if release else ""}


def along(pkgs: list[str], saltenv: str = "base") -> list[str]:
    """
    Packages, and those that are installed and that they need of the kinds that go along in an
    upgrade.

    :param pkgs: the packages
    :param saltenv: file server environment that holds the formula
    :return: all of them
    :raises CommandExecutionError: when apt does not answer, or there is none

    CLI Example:

    .. code-block:: bash

        salt-call octavia_upgrade.along '[octavia-api, octavia-worker]'
    """
    _must_be_apt()
    patterns = __salt__["octavia_config.map"](saltenv)["upgraded_along"]
    names = pkgs.split(",") if isinstance(pkgs, str) else pkgs
    parts = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
    answer = __salt__["cmd.run_all"](
        ["apt-cache", "depends", "--recurse", *(f"--no-{part}" for part in parts), *names],
        python_shell=False,
        env={"LC_ALL": "C"},
        output_loglevel="quiet",
    )
    if answer["retcode"]:
        raise CommandExecutionError(f"apt does not know these packages: {answer['stderr']}")
    there = __salt__["pkg.list_pkgs"]()
    needed = packages.needed(answer["stdout"], patterns)
    return list(dict.fromkeys([*names, *(name for name in needed if name in there)]))


def _must_be_apt() -> None:
    if not shutil.which("apt-get"):
        raise CommandExecutionError(
            "there is no apt-get here, and no other package manager can be asked what it would do: "
            "bring the packages to their latest version by hand, then go on with "
            "octavia.upgrade.render_config"
        )


def simulate(pkgs: list[str], data_plane: list[str] | None = None) -> dict[str, Any]:
    """
    What bringing packages to their latest version would do, by apt's own simulation.

    :param pkgs: the packages; those that are not there would be installed
    :param data_plane: patterns of packages that apt shall leave alone, if it finds a way without
    :return: ``changes`` (old and new version by package), ``removed`` (packages that would go) and
        ``data_plane`` (those of the patterns that would be touched all the same)
    :raises CommandExecutionError: when apt finds no way, with what it says, or there is no apt

    CLI Example:

    .. code-block:: bash

        salt-call octavia_upgrade.simulate '[octavia-api, octavia-worker]'
    """
    patterns = data_plane or []
    answer = _apt_get(["--simulate"], pkgs, patterns)
    if answer["retcode"]:
        raise CommandExecutionError(f"apt finds no way to these packages:\n{_last_words(answer)}")
    held = packages.held(answer["stdout"])
    if held:
        raise CommandExecutionError(
            f"these packages are held, and would have to change: {', '.join(held)}. Run apt-mark "
            "unhold on them, or leave this upgrade"
        )
    found = packages.of_apt(answer["stdout"])
    return {
        "changes": found.changes,
        "removed": found.removed,
        "data_plane": found.touched(patterns),
    }


def install(pkgs: list[str], data_plane: list[str] | None = None) -> str:
    """
    Brings packages to their latest version, as :py:func:`simulate` foretells it. Changed
    configuration files stay, nobody is asked, and services that use a library are not restarted.

    :param pkgs: the packages; those that are not there are installed
    :param data_plane: patterns of packages that apt leaves alone
    :return: why it failed, empty otherwise
    :raises CommandExecutionError: when there is no apt

    CLI Example:

    .. code-block:: bash

        salt-call octavia_upgrade.install '[octavia-api, octavia-worker]'
    """
    keep = ["-o", "DPkg::Options::=--force-confdef", "-o", "DPkg::Options::=--force-confold"]
    answer = _apt_get(["--yes", *keep], pkgs, data_plane or [])
    return _last_words(answer) if answer["retcode"] else ""


def _apt_get(options: list[str], pkgs: list[str], data_plane: list[str]) -> dict[str, Any]:
    """Runs apt-get install with a preference for the data plane as it is."""
    _must_be_apt()
    names = pkgs.split(",") if isinstance(pkgs, str) else pkgs
    own = ""
    if os.path.exists(APT_PREFERENCES):
        with salt.utils.files.fopen(APT_PREFERENCES, "r", encoding="utf-8") as stream:
            own = stream.read()
    # A kill of Salt must not take apt with it.
    alone = "--simulate" not in options and os.path.isdir("/run/systemd/system")
    scope = ["systemd-run", "--scope", "--quiet"] if alone else []
    with tempfile.NamedTemporaryFile("w", prefix="salt-formula-octavia-", encoding="utf-8") as file:
        file.write(packages.preferences(data_plane) + own)
        file.flush()
        os.chmod(file.name, 0o644)
        preferences = ["-o", f"Dir::Etc::Preferences={file.name}"]
        return __salt__["cmd.run_all"](
            [*scope, "apt-get", "--quiet", *preferences, *options, "install", *names],
            python_shell=False,
            output_loglevel="quiet",
            env={
                "LC_ALL": "C",
                "DEBIAN_FRONTEND": "noninteractive",
                "APT_LISTCHANGES_FRONTEND": "none",
                "NEEDRESTART_SUSPEND": "1",
            },
        )


def _last_words(answer: dict[str, Any]) -> str:
    said = f"{answer['stdout']}\n{answer['stderr']}".strip().splitlines()
    return __salt__["octavia_config.hidden"]("\n".join(said[-15:]))


def borrowed(path: str) -> bool:
    """
    Whether a clouds.yaml was written by this formula for the time of an upgrade.

    :param path: the file
    :return: True for a borrowed one; False for any other, and for none

    CLI Example:

    .. code-block:: bash

        salt-call octavia_upgrade.borrowed /etc/openstack/clouds.yaml
    """
    try:
        with salt.utils.files.fopen(path, "rb") as stream:
            return stream.readline().rstrip() == BORROWED
    except FileNotFoundError:
        return False


def _is_masked(value: Any) -> bool:
    """Whether a value, or one within it, is hidden by Salt."""
    if isinstance(value, dict):
        return any(_is_masked(item) for item in value.values())
    return isinstance(value, str) and len(value) > 1 and not value.strip("*")


def lend_clouds(path: str, test: bool = False) -> str:
    """
    Writes a clouds.yaml from the mine, ``keystone_os_client_config`` of the minions that match
    ``I@keystone:client:os_client_config:enabled:true``, for root alone, where there is none.

    :param path: the file
    :param test: only tell what would be done
    :return: ``there`` (nothing to do), ``none`` (nobody lends one), or the minion that lends it
    :raises CommandExecutionError: when what the mine holds is no clouds.yaml, or Salt has hidden
        its values

    CLI Example:

    .. code-block:: bash

        salt-call octavia_upgrade.lend_clouds /etc/openstack/clouds.yaml
    """
    stem = os.path.splitext(path)[0]
    if any(os.path.exists(f"{stem}{ending}") for ending in (".yaml", ".yml")):
        return "there"
    mine = __salt__["mine.get"](LENDERS, LENT, "compound")
    if not mine:
        return "none"
    lender = sorted(mine)[0]
    content = mine[lender]
    if not isinstance(content, dict) or not isinstance(content.get("clouds"), dict):
        raise CommandExecutionError(
            f"{LENT} of {lender} in the mine is no clouds.yaml: it has no mapping clouds. Correct "
            "the mine of that minion, or write the file by hand"
        )
    if _is_masked(content):
        raise CommandExecutionError(
            f"{LENT} of {lender} in the mine holds asterisks in place of values, as pillar.get of "
            "Salt 3008 gives them. Add unmask: true to that mine function, update the mine, then "
            "run this again"
        )
    if not test:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        text = salt.utils.yaml.safe_dump(content, default_flow_style=False)
        # A kill in the middle leaves no file that would be taken for the operator's own.
        part = f"{path}.part"
        with contextlib.suppress(FileNotFoundError):
            os.remove(part)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(BORROWED + b"\n" + text.encode("utf-8"))
            # Unlike a rename it never takes the place of a file that came in between.
            os.link(part, path)
        finally:
            os.remove(part)
    return lender


__func_alias__ = {"readiness_": "readiness"}
