"""
The formula's only door to its pillar: reads, checks and translates ``octavia``.

Everything is computed from the pillar and grains of the minion, from the parameter files of the
formula (``salt://octavia/parameters/``), and from Salt's mine where the pillar of a controller has
not all IDs. No service is asked, so all of it works without root and on a machine without Octavia.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import salt.utils.files
import salt.utils.yaml
from salt.exceptions import CommandExecutionError

try:
    import octavia_explain
    import octavia_findings as findings
    import octavia_loadcheck
    import octavia_map
    import octavia_mine
    import octavia_policycheck
    import octavia_releases
    import octavia_version
except ImportError:
    from salt_formula_octavia.utils import (
        octavia_explain,
        octavia_loadcheck,
        octavia_map,
        octavia_mine,
        octavia_policycheck,
        octavia_releases,
        octavia_version,
    )
    from salt_formula_octavia.utils import octavia_findings as findings

__virtualname__ = "octavia_config"

PARAMETERS = {
    "defaults": "defaults.yaml",
    "osfamilies": "osfamilies.yaml",
    "releases": "releases.yaml",
    "policies": "policies.yaml",
    "options": "options.json",
    "version": "version.yaml",
}


#: What octavia_pki asks of octavia.conf.
PKI_OPTIONS = (
    ("certificates", "ca_private_key_passphrase"),
    ("certificates", "server_certs_key_passphrase"),
    ("health_manager", "heartbeat_key"),
    ("health_manager", "controller_ip_port_list"),
    ("health_manager", "bind_ip"),
    ("health_manager", "bind_port"),
    ("health_manager", "heartbeat_interval"),
    ("haproxy_amphora", "bind_port"),
)


def __virtual__():
    return __virtualname__


def _parameters(saltenv: str) -> dict[str, Any]:
    """The parameter files, read once a run."""
    key = f"octavia_config.parameters.{saltenv}"
    if key not in __context__:
        __context__[key] = {name: _load(file, saltenv) for name, file in PARAMETERS.items()}
    return __context__[key]


def _load(name: str, saltenv: str) -> Any:
    source = f"salt://octavia/parameters/{name}"
    path = __salt__["cp.cache_file"](source, saltenv)
    if not path:
        raise CommandExecutionError(
            f"{source} is not in the file roots of saltenv {saltenv}: "
            "add the folder that holds the formula's octavia/ to file_roots"
        )
    with salt.utils.files.fopen(path, "rb") as stream:
        text = stream.read().decode("utf-8")
    return json.loads(text) if name.endswith(".json") else salt.utils.yaml.safe_load(text)


def _build(saltenv: str) -> octavia_map.Build:
    """The node's build, made once for one and the same pillar."""
    pillar = __pillar__.get("octavia")
    key = "octavia_config.build"
    stamp = (saltenv, json.dumps(pillar, default=str))
    if __context__.get(key, (None,))[0] != stamp:
        has_master = __opts__.get("file_client") != "local"
        mine = octavia_mine.Mine(_mined, has_master, octavia_mine.hosts(__grains__))
        known = _parameters(saltenv)
        build = octavia_map.Build(pillar, __grains__, known, mine)
        build.found += octavia_version.check(known["version"]["version"], __file__)
        __context__[key] = (stamp, build)
    return __context__[key][1]


def _mined(function: str, target: str) -> Any:
    """What minions with a pillar path have in the mine; without a master only this one's own."""
    return __salt__["mine.get"](target, function, "pillar")


def map_(saltenv: str = "base") -> dict[str, Any]:
    """
    Everything that the SLS of the formula need to know about this node. Holds no secret.

    :param saltenv: file server environment that holds the formula
    :return: the map; its ``findings`` tell what is wrong with the pillar, and with an error among
        them ``valid`` is False and ``roles`` is empty
    :raises CommandExecutionError: when the formula's parameter files are not in the file roots

    CLI Example:

    .. code-block:: bash

        salt-call octavia_config.map
    """
    # A virtual environment and Salt's own bundle have a prefix of their own.
    system_python = sys.prefix == sys.base_prefix == "/usr"
    return {
        **_build(saltenv).result(),
        "salt_in_system_python": system_python,
        "policy_check": octavia_policycheck.__file__,
    }


def sections(saltenv: str = "base") -> dict[str, dict[str, dict[str, Any]]]:
    """
    The sections of this node's octavia.conf, secrets included: for templates, not for the eye.

    :param saltenv: file server environment that holds the formula
    :return: ``{section: {option: {"text": [lines], "note": why, "origin": where}}}`` in the order
        of the file; where a value comes from is a pillar path, ``the formula``, or
        ``mine FUNCTION of MINION``
    :raises CommandExecutionError: when the pillar has errors; the text lists them

    CLI Example:

    .. code-block:: bash

        salt-call octavia_config.sections
    """
    build = _build(saltenv)
    _refuse_errors(build)
    return {
        section: {
            option: {key: setting[key] for key in ("text", "note", "origin")}
            for option, setting in options.items()
        }
        for section, options in build.sections.items()
    }


def _refuse_errors(build: octavia_map.Build) -> None:
    wrong = findings.errors(build.found)
    if wrong:
        raise CommandExecutionError(findings.describe(wrong))


def validate(saltenv: str = "base") -> list[dict[str, str]]:
    """
    What is wrong with the pillar ``octavia`` of this minion, all at once.

    :param saltenv: file server environment that holds the formula
    :return: the findings, each with ``level``, ``path``, ``value`` (masked where secret),
        ``reason`` and ``remedy``; an empty list when there is nothing to say

    CLI Example:

    .. code-block:: bash

        salt-call --local octavia_config.validate
    """
    return _build(saltenv).found


def hidden(text: str) -> str:
    """
    A text of someone else, a journal say, without the secrets of this minion's pillar.

    :param text: the text
    :return: the text with the secrets masked

    CLI Example:

    .. code-block:: bash

        salt-call octavia_config.hidden "$(journalctl --unit=octavia-api --lines=5)"
    """
    return findings.hidden(text, __pillar__.get("octavia"))


def load_check(path: str, saltenv: str = "base") -> list[dict[str, str]]:
    """
    Has the node's own Octavia read every option of a configuration file, by one process of the
    system's Python. It takes seconds: for tests and before upgrades, not for every run.

    :param path: the file; what lies beside octavia.conf in the folders of Octavia is read with it
    :param saltenv: file server environment that holds the formula
    :return: the findings, errors all of them; an empty list when Octavia can read everything
    :raises CommandExecutionError: when there is no Octavia, or it ends with another error

    CLI Example:

    .. code-block:: bash

        salt-call octavia_config.load_check /etc/octavia/octavia.conf
    """
    build = _build(saltenv)
    answer = __salt__["cmd.run_all"](
        [build.system.get("python", "python3"), "-I", octavia_loadcheck.__file__, path],
        python_shell=False,
        output_loglevel="quiet",
    )
    if answer["retcode"]:
        last = "\n".join(answer["stderr"].splitlines()[-5:])
        raise CommandExecutionError(f"Octavia could not read {path}: {hidden(last)}")
    # What the libraries log on the way may stand before the answer, never behind it.
    said = json.loads(answer["stdout"].splitlines()[-1])
    if "error" in said:
        remedy = "Correct the file, or name one that Octavia can read"
        return [findings.error(path, None, hidden(said["error"]), remedy)]
    return [
        findings.error(
            f"{path} [{item['section']}] {item['option']}",
            None,
            hidden(item["why"]).rstrip("."),
            "Correct it, or remove it",
        )
        for item in said["wrong"]
    ]


def policies(saltenv: str = "base") -> dict[str, str]:
    """
    The rules of ``octavia:api:policy``: those of the set it names, and its own over them.

    :param saltenv: file server environment that holds the formula
    :return: rules by name

    CLI Example:

    .. code-block:: bash

        salt-call octavia_config.policies
    """
    build = _build(saltenv)
    return dict(build.node.policies) if build.node else {}


def ovn(saltenv: str = "base") -> list[str]:
    """
    The lines of the OVN provider's section, from ``octavia:api:ovn``.

    :param saltenv: file server environment that holds the formula
    :return: ``name = value`` for each option that is set

    CLI Example:

    .. code-block:: bash

        salt-call octavia_config.ovn
    """
    build = _build(saltenv)
    return build.node.ovn_lines() if build.node else []


def tls_content(path: str, saltenv: str = "base") -> str:
    """
    The content of a certificate, or of a key, that the pillar holds: for a template, not for the
    eye.

    :param path: where it lies on the node, one of ``tls_files`` of the map
    :param saltenv: file server environment that holds the formula
    :return: the content in PEM form
    :raises CommandExecutionError: when the pillar does not hold it

    CLI Example:

    .. code-block:: bash

        salt-call octavia_config.tls_content /etc/octavia/ssl/mysql/ca-cert.pem
    """
    build = _build(saltenv)
    if build.node is None or path not in {file["path"] for file in build.node.tls_files()}:
        raise CommandExecutionError(f"the pillar does not hold the content of {path}")
    return build.node.content(path)


def releases(saltenv: str = "base") -> list[dict[str, str]]:
    """
    The releases of OpenStack that the formula knows, oldest first.

    :param saltenv: file server environment that holds the formula
    :return: for each its ``name``, the ``series`` of its Octavia, and its other names

    CLI Example:

    .. code-block:: bash

        salt-call octavia_config.releases
    """
    return _parameters(saltenv)["releases"]


def hops(saltenv: str = "base") -> dict[str, list[dict[str, Any]]]:
    """
    What an operator has to do on the way to each release.

    :param saltenv: file server environment that holds the formula
    :return: the duties by release

    CLI Example:

    .. code-block:: bash

        salt-call octavia_config.hops
    """
    key = f"octavia_config.hops.{saltenv}"
    if key not in __context__:
        __context__[key] = _load("hops.yaml", saltenv)
    return __context__[key]


def explain(option: str, release: Any = "", saltenv: str = "base") -> list[dict[str, Any]]:
    """
    What the formula knows of an option of octavia.conf, through all releases.

    :param option: ``bind_ip``, ``health_manager.bind_ip`` or ``[health_manager] bind_ip``
    :param release: a release by any of its names, to be told what the option is in it; without it
        that of the pillar, if it names one
    :param saltenv: file server environment that holds the formula
    :return: one entry for each section that has such an option: its eras with type, default and
        limits, its other names, what takes its place where it is gone
    :raises CommandExecutionError: when no release has such an option, or there is no such release

    CLI Example:

    .. code-block:: bash

        salt-call --local octavia_config.explain health_manager.bind_ip release=zed
    """
    known = _parameters(saltenv)
    try:
        if release:
            name = octavia_releases.find(known["releases"], release)["name"]
        else:
            here = _build(saltenv).release
            name = here["name"] if here else ""
        return octavia_explain.explain(known["options"], str(option), name)
    except (octavia_explain.UnknownOption, octavia_releases.UnknownRelease) as problem:
        raise CommandExecutionError(str(problem)) from problem


def diff(from_release: Any, to_release: Any, saltenv: str = "base") -> dict[str, Any]:
    """
    What changes for octavia.conf between two releases.

    :param from_release: the release to come from, by any of its names
    :param to_release: the release to go to, by any of its names
    :param saltenv: file server environment that holds the formula
    :return: the options that are ``added``, ``removed`` (with what takes their place),
        ``renamed``, ``deprecated``, and those whose ``defaults``, ``types`` or ``limits`` change
        (before, after)
    :raises CommandExecutionError: when there is no such release

    CLI Example:

    .. code-block:: bash

        salt-call --local octavia_config.diff zed 2023.1
    """
    known = _parameters(saltenv)
    try:
        names = [
            octavia_releases.find(known["releases"], release)["name"]
            for release in (from_release, to_release)
        ]
    except octavia_releases.UnknownRelease as problem:
        raise CommandExecutionError(str(problem)) from problem
    return octavia_explain.diff(known["options"], *names)


def pki(saltenv: str = "base") -> dict[str, Any]:
    """
    What the certificates of a controller are made of, secrets included: for octavia_pki, not for
    the eye.

    :param saltenv: file server environment that holds the formula
    :return: ``files`` (by name ``path`` and ``pillar``), ``settings``, ``options`` (what
        octavia.conf will have of the shared secrets and controllers, by section), ``user``,
        ``group``, ``config`` (the path of octavia.conf), ``noservices``
    :raises CommandExecutionError: when the pillar has errors, or the node is no controller

    CLI Example:

    .. code-block:: bash

        salt-call octavia_config.pki
    """
    build = _build(saltenv)
    _refuse_errors(build)
    if not build.pki_files:
        raise CommandExecutionError("this node has no role octavia:manager, so no certificates")
    options: dict[str, dict[str, Any]] = {}
    for section, name in PKI_OPTIONS:
        options.setdefault(section, {})[name] = build.option(section, name)
    return {
        "files": {name: file._asdict() for name, file in build.pki_files.items()},
        "settings": build.pki,
        "options": options,
        "user": build.system["user"],
        "group": build.system["group"],
        "config": build.system["config"],
        "noservices": bool(__grains__.get("noservices", False)),
    }


def clouds(path: str) -> dict[str, Any]:
    """
    The content of clouds.yaml, secrets included: the clouds of ``octavia:client:clouds`` beside
    those that stand in the file already.

    :param path: the file
    :return: the content to write
    :raises CommandExecutionError: when the file that stands there is no YAML mapping

    CLI Example:

    .. code-block:: bash

        salt-call octavia_config.clouds /etc/openstack/clouds.yaml
    """
    content: dict[str, Any] = {}
    if os.path.exists(path):
        with salt.utils.files.fopen(path, "rb") as stream:
            content = _mapping(salt.utils.yaml.safe_load(stream.read()) or {}, path)
    wanted = __pillar__.get("octavia", {}).get("client", {}).get("clouds", {})
    return {**content, "clouds": {**_mapping(content.get("clouds") or {}, path), **wanted}}


def resources(cloud_name: str) -> dict[str, Any]:
    """
    What ``octavia:client:resources:<cloud_name>`` declares.

    :param cloud_name: a cloud of clouds.yaml
    :return: lists of load balancers, flavors and so on; empty where nothing is declared

    CLI Example:

    .. code-block:: bash

        salt-call octavia_config.resources octavia
    """
    client = __pillar__.get("octavia", {}).get("client", {})
    return client.get("resources", {}).get(cloud_name, {})


def _mapping(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CommandExecutionError(
            f"{path} is not a clouds.yaml: its content is no mapping. Move it away or mend it; "
            "it was not changed"
        )
    return value


def ssh_private_key() -> str:
    """
    The private key of ``octavia:manager:ssh``, a secret: for a template, not for the eye.

    :return: the key in PEM form

    CLI Example:

    .. code-block:: bash

        salt-call octavia_config.ssh_private_key
    """
    return __pillar__["octavia"]["manager"]["ssh"]["private_key"]


__func_alias__ = {"map_": "map"}
