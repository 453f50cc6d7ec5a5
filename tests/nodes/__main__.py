"""The command line of the nodes: python3 -m tests.nodes COMMAND ..."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys

from . import cleanup, host, layers, recipes
from .errors import NodesError
from .node import Node
from .platforms import PLATFORMS, SALT_PINS
from .platforms import platform as find_platform
from .processes import kill_group, say
from .state import load_all


def _up(options: argparse.Namespace) -> int:
    names = [name for name in options.layers.split(",") if name and name != "none"]
    node = Node(
        options.name,
        options.platform,
        salt=None if options.salt == "none" else options.salt,
        layers=names,
        address=options.address,
        extra_addresses=options.extra_address,
        owner=options.owner,
    )
    node.create()
    failed = node.boot()
    if failed:
        say(f"failed units of {options.name}: {', '.join(failed)}")
    print(f"{options.name} {' '.join(node.record.addresses)}")
    return 0


def _exec(options: argparse.Namespace) -> int:
    node = Node.attach(options.name)
    process = subprocess.Popen(
        node.command(options.command), env=node.environment(), start_new_session=True
    )

    def stop(number: int, _: object) -> None:
        kill_group(process.pid)
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    code = process.wait()
    return 128 - code if code < 0 else code


def _shell(options: argparse.Namespace) -> int:
    node = Node.attach(options.name)
    argv = node.command(["/bin/bash", "--login"])
    os.execve(argv[0], argv, node.environment())


def _boot(options: argparse.Namespace) -> int:
    failed = Node.attach(options.name).boot()
    if failed:
        say(f"failed units of {options.name}: {', '.join(failed)}")
    return 0


def _off(options: argparse.Namespace) -> int:
    Node.attach(options.name).power_off()
    return 0


def _list(_: argparse.Namespace) -> int:
    for record in load_all():
        state = "stale" if record.is_stale() else "running" if record.is_running() else "off"
        salt = f"salt-{record.salt}" if record.salt else "no-salt"
        built = ",".join(record.layers) or "base"
        print(record.name, record.platform, salt, built, state, *record.addresses)
    return 0


def _down(options: argparse.Namespace) -> int:
    for name in options.names:
        cleanup.remove_node(name)
    return 0


def _layers(options: argparse.Namespace) -> int:
    platform = find_platform(options.platform)
    series = list(platform.salts) if options.salt == "all" else [options.salt]
    if series == ["none"]:
        series = []
    names = [[name] for name in recipes.INSTALLED]
    trees, salts = layers.stacks(platform, names, series)
    paths = [layers.base(platform), layers.debs(platform), *(tree[0] for tree in trees), *salts]
    print(*paths, sep="\n")
    return 0


def _clean(options: argparse.Namespace) -> int:
    cleanup.clean(stale_only=options.stale)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m tests.nodes", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    keys = "; ".join(f"{p.key} = {p.release} = {p.suite}" for p in PLATFORMS)

    up = commands.add_parser("up", help="create a node and boot it")
    up.add_argument("name")
    up.add_argument("--platform", default="debian12", help=keys)
    up.add_argument("--salt", default="3008", help=f"{', '.join(SALT_PINS)} or none")
    up.add_argument("--layers", default="infra", help="comma-separated, or none for the base only")
    up.add_argument("--address", help="its address on the switch; the first free one by default")
    up.add_argument("--extra-address", action="append", default=[], metavar="ADDRESS/LENGTH")
    up.add_argument("--owner", type=int, metavar="PID", help="with its end the node is stale")
    up.set_defaults(call=_up)

    execute = commands.add_parser("exec", help="run a command in a node: exec NAME -- COMMAND ...")
    execute.add_argument("name")
    execute.add_argument("command", nargs="+")
    execute.set_defaults(call=_exec)

    for word, call, text in (
        ("shell", _shell, "open a login shell in a node"),
        ("boot", _boot, "boot a node that was powered off"),
        ("off", _off, "power a node off in order; its disk stays"),
    ):
        one = commands.add_parser(word, help=text)
        one.add_argument("name")
        one.set_defaults(call=call)

    down = commands.add_parser("down", help="remove nodes with their disks")
    down.add_argument("names", nargs="+", metavar="name")
    down.set_defaults(call=_down)

    commands.add_parser("list", help="show all nodes").set_defaults(call=_list)

    build = commands.add_parser("layers", help="build a platform's layers and print their folders")
    build.add_argument("--platform", default="debian12", help=keys)
    build.add_argument("--salt", default="all", help=f"{', '.join(SALT_PINS)}, all or none")
    build.set_defaults(call=_layers)

    clean = commands.add_parser("clean", help="remove all nodes and all that killed runs left")
    clean.add_argument("--stale", action="store_true", help="only nodes whose owner is dead")
    clean.set_defaults(call=_clean)
    return parser


def main() -> int:
    """Run the command line; errors of this package are one message and exit code 1."""
    options = _parser().parse_args()
    try:
        host.check()
        return int(options.call(options))
    except NodesError as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
