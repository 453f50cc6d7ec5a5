"""
Has the node's own Octavia read every option of a configuration file: a program for the system's own
Python, which alone has Octavia.

Argument: the file. Standard output: ``{"read": count, "wrong": [{"section": s, "option": o, "why":
text}]}``, or ``{"error": text}`` when Octavia's configuration cannot be loaded at all.
"""

from __future__ import annotations

import json
import sys
from typing import Any

# What Octavia uses and what adds options to its configuration; others have no part in it.
LIBRARIES = ("octavia", "ovn_octavia", "oslo.", "keystonemiddleware.", "castellan.", "cotyledon")
AUTH_SECTIONS = ("keystone_authtoken", "service_auth", "neutron")
AUTH_TYPES = ("password", "v3password", "v3applicationcredential")


def options_of(path: str) -> list[tuple[str, str]]:
    """
    The options that stand in a file, read as oslo.config reads it.

    :param path: the file
    :return: section and name of each, without repetitions
    :raises oslo_config.cfg.ConfigFileParseError: when it is no configuration file
    """
    from oslo_config import cfg

    sections: dict[str, Any] = {}
    cfg.ConfigParser(path, sections).parse()
    return [(section, name) for section, options in sections.items() for name in options]


def register() -> None:
    """Registers what the libraries and the ways of authentication add to the configuration."""
    from importlib import metadata

    from keystoneauth1 import loading
    from oslo_config import cfg

    points: Any = metadata.entry_points()
    # Python 3.9 gives a mapping, later ones a selection.
    group = "oslo.config.opts"
    entries = points.select(group=group) if hasattr(points, "select") else points.get(group, [])
    for entry in entries:
        if not entry.name.startswith(LIBRARIES):
            continue
        for section, options in entry.load()():
            for option in options:
                try:
                    cfg.CONF.register_opt(option, group=section)
                except (cfg.DuplicateOptError, cfg.ArgsAlreadyParsedError):
                    continue
    for section in AUTH_SECTIONS:
        for kind in AUTH_TYPES:
            for option in loading.get_auth_plugin_conf_options(kind):
                try:
                    cfg.CONF.register_opt(option, group=section)
                except cfg.DuplicateOptError:
                    continue


def problem(section: str, option: str) -> str:
    """
    Why Octavia cannot read an option of the file that was loaded.

    :param section: its section
    :param option: its name
    :return: the reason, without the value of an option that is marked as a secret; empty when it
        can be read
    """
    from oslo_config import cfg

    group = None if section == "DEFAULT" else section
    try:
        value = getattr(cfg.CONF if group is None else cfg.CONF[group], option)
    except (cfg.NoSuchOptError, cfg.NoSuchGroupError):
        return _unknown(section, option)
    except (ValueError, cfg.Error) as reason:
        known = cfg.CONF._get_opt_info(option, group)["opt"]
        return "has a value that cannot be read" if known.secret else str(reason)
    del value
    return ""


def _unknown(section: str, option: str) -> str:
    from oslo_config import cfg

    # A name that is only an alias is no attribute, and yet it is read.
    wanted = {(section, option), (None if section == "DEFAULT" else section, option)}
    for _, known in [(None, cfg.CONF._opts), *((n, g._opts) for n, g in cfg.CONF._groups.items())]:
        for info in known.values():
            aliases = info["opt"].deprecated_opts
            if any((alias.group or section, alias.name) in wanted for alias in aliases):
                return ""
    return "is no option of the Octavia that is installed"


def check(path: str) -> dict[str, Any]:
    """
    Has Octavia read every option of a file.

    :param path: the file
    :return: what the program prints
    """
    from octavia.common import config, exceptions
    from oslo_config import cfg

    refused = ""
    try:
        # Without a folder of its own the file would be laid over the drop-ins of the system.
        config.init(["--config-file", path])
    except (cfg.ConfigFilesNotFoundError, cfg.ConfigFileParseError) as reason:
        return {"error": str(reason)}
    except (ValueError, exceptions.APIException) as reason:
        # Octavia looks at a few options as soon as it has the file. All wrong ones are told below.
        refused = str(reason)
    found = options_of(path)
    register()
    wrong = [
        {"section": section, "option": option, "why": why}
        for section, option in found
        if (why := problem(section, option))
    ]
    if refused and not wrong:
        return {"error": refused}
    return {"read": len(found) - len(wrong), "wrong": wrong}


if __name__ == "__main__":
    json.dump(check(sys.argv[1]), sys.stdout)
