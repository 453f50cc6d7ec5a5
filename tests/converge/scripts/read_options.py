"""
Has the node's own Octavia read every option of its configuration file. Prints how many it read;
exits with 1 and a line for each that it does not know or cannot read.

Runs in a node with the system's Python as root.
"""

import sys
from importlib import metadata

from keystoneauth1 import loading
from octavia.common import config  # registers Octavia's own options
from oslo_config import cfg, iniparser

FILE = "/etc/octavia/octavia.conf"
LIBRARIES = ("octavia", "oslo.", "keystonemiddleware.", "castellan.", "cotyledon")
AUTH_SECTIONS = ("keystone_authtoken", "service_auth", "neutron")


class Sections(iniparser.BaseParser):
    """The sections of a file with their options."""

    def __init__(self):
        super().__init__()
        self.section = ""
        self.found = set()

    def new_section(self, section):
        self.section = section

    def assignment(self, key, value):
        self.found.add((self.section, key))


def register():
    """Registers what the libraries that Octavia uses add to its configuration."""
    for entry in metadata.entry_points(group="oslo.config.opts"):
        if not entry.name.startswith(LIBRARIES):
            continue
        for group, options in entry.load()():
            for option in options:
                try:
                    cfg.CONF.register_opt(option, group=group)
                except (cfg.DuplicateOptError, cfg.ArgsAlreadyParsedError):
                    continue
    for section in AUTH_SECTIONS:
        for option in loading.get_auth_plugin_conf_options("password"):
            try:
                cfg.CONF.register_opt(option, group=section)
            except cfg.DuplicateOptError:
                continue


def main():
    config.init(["--config-file", FILE])
    register()
    parser = Sections()
    with open(FILE) as lines:
        parser.parse(lines)
    wrong = []
    for section, option in sorted(parser.found):
        group = cfg.CONF if section == "DEFAULT" else getattr(cfg.CONF, section, None)
        try:
            getattr(group, option)
        except Exception as problem:  # noqa: BLE001 - whatever it is, it belongs into the list
            wrong.append(f"[{section}] {option}: {type(problem).__name__}: {problem}")
    print(f"{len(parser.found) - len(wrong)} options read")
    print("\n".join(wrong))
    sys.exit(bool(wrong))


main()
