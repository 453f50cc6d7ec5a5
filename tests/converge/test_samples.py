"""
What the formula writes, the node's own Octavia reads; what the formula refuses, it cannot read.

Sample files have options of the node's release, most of them right and some wrong. One process of
the node reads them all through Octavia's own registry of options.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import given
import octavia_findings as findings
import octavia_schema as schema
import octavia_values as values
from oslo_reader import file_text
from valid_values import another

from tests import run

TESTS = Path(__file__).resolve().parents[1]
LOAD_CHECK = TESTS.parent / "_utils" / "octavia_loadcheck.py"
FILES, OPTIONS = 200, 40
#: Right for some types, wrong for others.
WORDS = (
    *("many", "-1", "0", "1.5", "70000", "yes", "perhaps", "10.0.0.256", "fd00::1", "fd00::g"),
    *("no host", "-bad-.example.org", "http://[", "name", "a:b", "a:b,c", "a,b", "x" * 32),
)
#: Reads the files of a folder in one process, with the program of octavia_config.load_check. Once
#: that has registered the options of all libraries, some of them must have a value.
PROGRAM = """
import importlib.util, json, pathlib, sys
from oslo_config import cfg
spec = importlib.util.spec_from_file_location("loadcheck", sys.argv[1])
loadcheck = importlib.util.module_from_spec(spec)
spec.loader.exec_module(loadcheck)
path = pathlib.Path(sys.argv[2] + ".conf")
required = ""
def read(text):
    global required
    for _ in range(20):
        path.write_text(required + text, "utf-8")
        cfg.CONF.clear()
        try:
            return loadcheck.check(str(path))
        except cfg.RequiredOptError as missing:
            name = missing.opt_name.replace("-", "_")
            required += f"[{missing.group.name}]\\n{name} = http://192.0.2.1\\n"
    raise SystemExit(f"too many options are required: {required}")
files = json.loads(pathlib.Path(sys.argv[2]).read_text("utf-8"))
print(json.dumps({name: read(text) for name, text in files.items()}))
"""


def own_options(release):
    """The options that Octavia itself has, whichever point release of it the packages are."""
    facts = json.loads((TESTS / "schema" / "facts.json").read_text(encoding="utf-8"))
    data = (TESTS.parent / "octavia" / "parameters" / "options.json").read_text(encoding="utf-8")
    owned = set(facts["owned"])
    return {
        (section, name): era
        for section, options in schema.view(json.loads(data), release).items()
        for name, era in options.items()
        if {section, f"{section}/{name}"} & owned and not era.get("point")
    }


def sample(release, options, chance, wrong):
    """A file of 40 options, those of them with a wrong value, and whether it is refused."""
    chosen = {}
    for section, name in chance.sample(sorted(options), OPTIONS):
        value = another(f"{section}/{name}", options[section, name])
        chosen[section, name] = chance.choice(WORDS) if chance.random() < wrong else value
    changes = {f"api:{section}:{name}": value for (section, name), value in chosen.items()}
    build = given.built(given.changed(given.at(release, ("api",)), changes))
    if not findings.errors(build.found):
        return file_text(build.sections), set(), False
    bad = {at for at, value in chosen.items() if values.problem(options[at], value)}
    raw = {section: {} for section, _ in chosen}
    for (section, name), value in chosen.items():
        written = [value] if (section, name) in bad else values.text(options[section, name], value)
        raw[section][name] = {"text": written}
    return file_text(raw), bad, True


def test_octavia_reads_what_the_formula_takes_and_nothing_else(node, platform, capsys):
    asked = node.run(["salt-call", "--local", "--out=json", "octavia_config.map"], check=True)
    release = json.loads(asked.stdout)["local"]["release"]
    options = own_options(release)
    # The commit's, so that a run can be made again; SEED=… makes others.
    seed = os.environ.get("SEED") or run.commit()[:8]
    chance = random.Random(seed)
    samples = {
        str(number): sample(release, options, chance, 0.1 * (number % 2)) for number in range(FILES)
    }
    node.put("/root/load_check.py", LOAD_CHECK.read_text(encoding="utf-8"))
    node.put("/root/samples", json.dumps({name: text for name, (text, *_) in samples.items()}))
    program = ["/usr/bin/python3", "-I", "-c", PROGRAM, "/root/load_check.py", "/root/samples"]
    read = json.loads(node.run(program, check=True).stdout.splitlines()[-1])
    for name, (text, bad, refused) in samples.items():
        told = f"seed {seed}, file {name}: {read[name]}\n{text}"
        if "error" in read[name]:
            # What no option by itself is guilty of.
            assert refused, told
            assert not bad, told
        else:
            assert {(item["section"], item["option"]) for item in read[name]["wrong"]} == bad, told
    refusals = sum(refused for _, _, refused in samples.values())
    assert 20 < refusals < FILES - 20
    with capsys.disabled():
        wrong = sum(len(bad) for _, bad, _ in samples.values())
        print(
            f"\n{platform}, seed {seed}: {FILES} files of {OPTIONS} of {len(options)} options, ",
            end="",
        )
        print(f"{refusals} refused, {wrong} wrong values")
