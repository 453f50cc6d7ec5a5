#!/usr/bin/python3
"""Make Keystone's tables, keys and administrator, and tell Salt whether there was need for it.

Usage: bootstrap.py [--check] FILE

FILE holds {"url", "admin_password", "regions"} beside what content.py reads. The work is done when
FILE is another one than the last time; its digest is kept beside it. With --check nothing is done.
The last line of output is what Salt calls a stateful result.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import pwd
import sys
from multiprocessing.context import ForkProcess
from pathlib import Path

HOME = "/var/lib/keystone"
USER = "keystone"
INTERFACES = ("public", "internal", "admin")


class StepFailed(Exception):
    """A command of keystone-manage ended with an error."""


def keystone_manage(arguments: list[str], environment: dict[str, str]) -> None:
    """Run keystone-manage in this process, as the service's own user.

    :param arguments: command and options
    :param environment: variables to add
    """
    user = pwd.getpwnam(USER)
    os.initgroups(USER, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.chdir(HOME)
    os.environ.update(environment, HOME=HOME)
    sys.argv = ["keystone-manage", *arguments]
    from keystone.cmd.manage import main as manage

    manage()


def start(*arguments: str, **environment: str) -> ForkProcess:
    """Start a command of keystone-manage beside this process, without the price of its imports.

    :param arguments: command and options
    :param environment: variables to add
    :return: the running process
    """
    context = multiprocessing.get_context("fork")
    process = context.Process(
        target=keystone_manage, args=(arguments, environment), name=arguments[0]
    )
    process.start()
    return process


def finish(*processes: ForkProcess) -> None:
    """Wait for commands.

    :param processes: the running commands
    :raises StepFailed: if one of them failed
    """
    for process in processes:
        process.join()
    for process in processes:
        if process.exitcode:
            raise StepFailed(f"keystone-manage {process.name}: exit code {process.exitcode}")


def prepare(wanted: dict[str, str]) -> None:
    """Run the steps; each of them changes nothing the second time.

    :param wanted: what FILE holds
    :raises StepFailed: if one of them failed
    """
    import keystone.cmd.manage  # noqa: F401 - once, for all the steps

    owner = (f"--keystone-user={USER}", f"--keystone-group={USER}")
    finish(start("db_sync"), start("fernet_setup", *owner), start("credential_setup", *owner))
    urls = [f"--bootstrap-{interface}-url={wanted['url']}" for interface in INTERFACES]
    region = f"--bootstrap-region-id={wanted['regions'][0]}"
    finish(start("bootstrap", region, *urls, OS_BOOTSTRAP_PASSWORD=wanted["admin_password"]))


def main() -> None:
    """Read the arguments, do the work, print the result."""
    parser = argparse.ArgumentParser(description="Prepare Keystone.")
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("wanted", type=Path)
    options = parser.parse_args()
    done = options.wanted.with_suffix(".done")
    text = options.wanted.read_bytes()
    digest = hashlib.sha256(text).hexdigest()
    changed = not done.exists() or done.read_text(encoding="ascii") != digest
    if changed and not options.check:
        prepare(json.loads(text))
        done.write_text(digest, encoding="ascii")
    comment = "tables, keys and administrator" if changed else "nothing to do"
    print(json.dumps({"changed": changed, "comment": comment}))


if __name__ == "__main__":
    try:
        main()
    except StepFailed as error:
        sys.exit(str(error))
