"""octavia.conf, as the real oslo.config reads it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oslo_config import cfg, types

REAL_TYPES = {
    "string": types.String,
    "boolean": types.Boolean,
    "integer": types.Integer,
    "float": types.Float,
    "port": types.Port,
    "ip": types.IPAddress,
    "hostname": types.Hostname,
    "hostaddress": types.HostAddress,
    "uri": types.URI,
    "list": types.List,
    "dict": types.Dict,
}


def real_type(option: Mapping[str, Any]) -> Any:
    """The type object of oslo.config for an option."""
    limits = {key: option[key] for key in ("choices", "regex", "min", "max") if key in option}
    if option.get("ignore_case"):
        limits["ignore_case"] = True
    if option["type"] == "list":
        item = {"type": option.get("item_type", "string")}
        for key in ("choices", "regex"):
            if f"item_{key}" in option:
                item[key] = option[f"item_{key}"]
        limits["item_type"] = real_type(item)
    return REAL_TYPES[option["type"]](**limits)


def file_text(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """
    Sections as octavia.conf has them.

    :param sections: the sections of a build
    :return: the text of the file
    """
    lines = []
    for section, options in sections.items():
        lines.append(f"[{section}]")
        for name, setting in options.items():
            lines += [f"{name} = {text}" for text in setting["text"]]
    return "\n".join(lines) + "\n"


def write_file(path: Path, sections: Mapping[str, Mapping[str, Any]]) -> str:
    """
    Writes sections as octavia.conf has them.

    :param path: the file
    :param sections: the sections of a build
    :return: the path as text
    """
    path.write_text(file_text(sections), encoding="utf-8")
    return str(path)


def read_file(
    path: str, options: Mapping[str, Mapping[str, Mapping[str, Any]]], command_line: bool = False
) -> dict[str, dict[str, Any]]:
    """
    The values of a file.

    :param path: the file
    :param options: the era of each option to read, by section and name
    :param command_line: whether the options may stand on a command line too
    :return: the values by section and name
    :raises ValueError: when oslo.config does not take a value
    """
    conf = cfg.ConfigOpts()
    register = conf.register_cli_opt if command_line else conf.register_opt
    for section, eras in options.items():
        for name, era in eras.items():
            if era["type"] == "multi":
                real = cfg.MultiStrOpt(name)
            else:
                real = cfg.Opt(name, type=real_type(era))
            # oslo.config has two options of its own in DEFAULT.
            if section != "DEFAULT" or name not in conf:
                register(real, None if section == "DEFAULT" else section)
    conf(["--config-file", path], default_config_dirs=[])
    return {
        section: {
            name: conf[name] if section == "DEFAULT" else conf[section][name] for name in eras
        }
        for section, eras in options.items()
    }
