"""The options that the formula knows are those that the node's own Octavia reads."""

from __future__ import annotations

import json
from pathlib import Path

import generate

SCHEMA = Path(__file__).resolve().parents[1] / "schema"
PROGRAM = "/root/generate.py"


def test_the_packages_have_the_options_of_the_data(node, platform, capsys):
    """Octavia's own sections are equal; what libraries have otherwise is printed."""
    asked = node.run(["salt-call", "--local", "--out=json", "octavia_config.map"], check=True)
    release = json.loads(asked.stdout)["local"]["release"]
    node.put(PROGRAM, (SCHEMA / "generate.py").read_text(encoding="utf-8"))
    dump = node.run(["/usr/bin/python3", PROGRAM, "dump", release], check=True)
    dumped = json.loads(dump.stdout)
    own, libraries = generate.of_packages(
        generate.load(generate.DATA), dumped, generate.load(generate.FACTS)
    )
    with capsys.disabled():
        print(f"\n{platform}, octavia {dumped['octavia']}, libraries: {len(libraries)} differences")
        print("\n".join(libraries))
    # The archive of testing moves on; a newer release there says so in the check of the packages.
    assert own == []
