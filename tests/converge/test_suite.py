"""
A suite from the virgin node on, in this order; `verify/` looks at the node afterwards.

Everything is real: packages, systemd, database, broker, Keystone, Octavia.
"""

from __future__ import annotations

import re

from . import suites
from .report import describe

OCTAVIA_PROGRAM = re.compile(r'execve\("[^"]*/octavia-[a-z-]+"')


def test_on_a_virgin_node_a_test_run_fails_nowhere(virgin):
    assert not virgin.failed, describe(virgin.failed)
    assert virgin.changed


def test_the_first_run_deploys(first):
    assert not first.failed, describe(first.failed)
    assert first.changed


def test_a_second_run_changes_nothing_and_writes_nothing(node):
    stamp = "find /etc /var/lib/octavia -xdev -printf '%p %T@ %C@ %m %u\\n' | sort"
    before = node.run(["sh", "-c", stamp]).stdout
    second = suites.must_apply(node, "octavia")
    assert not second.changed, describe(second.changed)
    assert node.run(["sh", "-c", stamp]).stdout == before


def test_a_test_run_on_a_converged_node_shows_no_change(node):
    run = suites.must_apply(node, "octavia", "test=True")
    assert not run.changed, describe(run.changed)


def test_at_head_no_program_of_octavia_is_started(node):
    suites.must_apply(node, "octavia", before=suites.STRACE)
    starts = node.get(suites.STARTS)
    assert "systemctl" in starts
    assert not OCTAVIA_PROGRAM.findall(starts)


def test_secrets_show_nowhere(node, first, suite):
    debug = suites.apply(node, "octavia", "-l", "debug")
    marks = [*suite.secrets, *suite.ssh_key_lines]
    said = first.stdout + first.stderr + debug.stdout + debug.stderr
    assert not [mark for mark in marks if mark in said]
    # From a file: on a command line the search would find itself.
    node.put("/root/marks", "\n".join([*marks, "no-such-mark"]) + "\n", 0o600)
    places = f"/var/log /var/cache/salt {suites.STARTS} {suites.FIRST_STARTS} /proc/[0-9]*/cmdline"
    # The templates of the sandbox are in the cache as well, and write passwords somewhere.
    grep = "grep -rlsFf /root/marks --exclude-dir=sandbox"
    search = f"{grep} {places}; journalctl | grep -Ff /root/marks"
    assert node.run(["sh", "-c", search]).stdout == ""


def test_a_load_balancer_reaches_its_state(node, suite):
    wanted = suites.EXPECTED.get(suite.name, "ACTIVE")
    tree = suites.load_balancer(node, "first", wanted)
    assert tree.count(wanted) == suites.objects(wanted), tree
