"""
The formula's only door to its pillar: reads, checks and translates ``octavia``.

Everything is computed from the pillar and grains of the minion and from the parameter files of the
formula (``salt://octavia/parameters/``); no service is asked, so all of it works without root and
on a machine without Octavia.
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
    import octavia_findings as findings
    import octavia_map
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_map

__virtualname__ = "octavia_config"

PARAMETERS = {
    "defaults": "defaults.yaml",
    "osfamilies": "osfamilies.yaml",
    "releases": "releases.yaml",
    "options": "options.json",
}


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
        build = octavia_map.Build(pillar, __grains__, _parameters(saltenv))
        __context__[key] = (stamp, build)
    return __context__[key][1]


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
    return {**_build(saltenv).result(), "salt_in_system_python": system_python}


def sections(saltenv: str = "base") -> dict[str, dict[str, dict[str, Any]]]:
    """
    The sections of this node's octavia.conf, secrets included: for templates, not for the eye.

    :param saltenv: file server environment that holds the formula
    :return: ``{section: {option: {"text": [lines], "note": why}}}`` in the order of the file
    :raises CommandExecutionError: when the pillar has errors; the text lists them

    CLI Example:

    .. code-block:: bash

        salt-call octavia_config.sections
    """
    build = _build(saltenv)
    _refuse_errors(build)
    return {
        section: {
            option: {"text": setting["text"], "note": setting["note"]}
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
