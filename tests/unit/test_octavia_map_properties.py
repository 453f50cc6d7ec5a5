"""Whatever the pillar holds: findings, or a file that the release's own schema accepts."""

import copy
import itertools
import json

import octavia_composites as composites
import octavia_findings as findings
import octavia_map
import octavia_schema as schema
import pytest
from given import GOOD, PARAMETERS, SECRETS, at, built, changed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oslo_reader import read_file, write_file
from valid_values import another

OPTIONS = PARAMETERS["options"]
RELEASES = [release["name"] for release in PARAMETERS["releases"]]
EXAMPLES = 2000

#: Every option that a release ever had, with a valid value for one of its eras.
KNOWN = [
    ((section, name), another(f"{section}/{name}", era))
    for section, options in OPTIONS["sections"].items()
    for name, eras in options.items()
    for era in eras
]


def paths(block, above=()):
    """Every key of a block, and of the blocks in it."""
    for name, kind in block.keys.items():
        yield (*above, name)
        if isinstance(kind, composites.Block):
            yield from paths(kind, (*above, name))


#: Every key of the formula's own, and a few that are none.
KEYS = [
    *((key, *path) for key, one in composites.COMPOSITES.items() for path in paths(one)),
    *((key,) for key in (*composites.COMPOSITES, *composites.SCALARS, "config", "ssh", "role")),
    *(("config", "vendor"), ("health_manager", "heartbeat_kye"), ("helth_manager",), ("5",)),
]
TOP = [(key,) for key in (*octavia_map.TOP_LEVEL, "apis")]
WORDS = st.sampled_from(
    [
        *("", "yes", "false", "0", "10.0.0.1", "fd00::1", "[fd00::1]", "db.example.org", "a b"),
        *("10.0.0.1:5555", "https://x.example.org/y", "mysql://u:p@h/n", "x" * 32, "$x", "%", "é"),
        *("line\nbreak", "\0", "\ud800", "a,b", "a:b", '"', " "),
    ]
)
SINGLE = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 70000), st.floats(), WORDS, st.text(max_size=8)
)
JUNK = st.one_of(
    SINGLE,
    st.lists(SINGLE, max_size=3),
    st.dictionaries(st.one_of(WORDS, st.integers(), st.none()), SINGLE, max_size=3),
    st.lists(
        st.dictionaries(st.sampled_from(["host", "port", "x"]), SINGLE, max_size=3), max_size=2
    ),
)
ROLE = st.sampled_from(["api", "manager"])


@st.composite
def pillars(draw):
    """A pillar that is right, for any release, and then changed at some places."""
    release = draw(st.sampled_from(RELEASES))
    roles = draw(st.sampled_from([("api",), ("manager",), ("api", "manager")]))
    pillar = at(release, roles)
    if draw(st.booleans()):
        version = float(release) if release[0] == "2" else release
        pillar = changed(GOOD, {f"{role}:version": version for role in ("api", "manager")})
    changes = []
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.integers(0, 9))
        if kind < 4:
            name, value = draw(st.sampled_from(KNOWN))
            changes.append(((draw(ROLE), *name), value))
        elif kind < 5:
            changes.append(((draw(ROLE), *draw(st.sampled_from(KNOWN))[0]), draw(JUNK)))
        elif kind < 9:
            changes.append(((draw(ROLE), *draw(st.sampled_from(KEYS))), draw(JUNK)))
        else:
            changes.append((draw(st.sampled_from(TOP)), draw(JUNK)))
    for path, value in changes:
        put(pillar, path, value)
    return pillar


def put(pillar, path, value):
    """Sets a value of a pillar, whatever stands on the way to it."""
    place = pillar
    for name in path[:-1]:
        if not isinstance(place.get(name), dict):
            place[name] = {}
        place = place[name]
    place[path[-1]] = value


#: One value of each kind that YAML knows, right for some keys and wrong for most.
KINDS = [
    *(None, True, 0, 2.5, "word", "a b\n"),
    *(["word", "other"], [["word"]], [{"host": 1, "port": "x"}], {"name": "value"}, {1: {2: 3}}),
]


@pytest.mark.parametrize("path", KEYS, ids=[":".join(path) for path in KEYS])
def test_each_key_with_each_kind_of_value(path):
    for release, kind in zip(itertools.cycle(["2026.2", "ocata", "zed"]), KINDS):
        pillar = copy.deepcopy(at(release, ("api",)))
        put(pillar, ("api", *path), kind)
        build = built(pillar)
        result = build.result()
        assert result["valid"] is not bool(findings.errors(build.found))
        assert json.loads(json.dumps(result["roles"])) == (["api"] if result["valid"] else [])
        assert all(isinstance(text, str) for item in build.found for text in item.values())


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    database=None,
)
@given(pillar=pillars())
def test_findings_or_a_file_that_the_release_accepts(pillar, tmp_path_factory):
    build = built(pillar)
    result = build.result()
    assert all(isinstance(text, str) for item in build.found for text in item.values())
    shown = json.dumps(result) + findings.describe(build.found)
    assert [secret for secret in SECRETS if secret in shown] == []
    if findings.errors(build.found):
        assert (result["valid"], result["roles"]) == (False, [])
        return
    assert result["valid"]
    if not build.sections:
        return
    view = schema.view(OPTIONS, build.release["name"])
    eras = {
        section: {name: view[section][name] for name in options if name in view.get(section, {})}
        for section, options in build.sections.items()
    }
    unchecked = [
        setting["note"]
        for section, options in build.sections.items()
        for name, setting in options.items()
        if name not in eras[section]
    ]
    assert all(note.startswith("not checked") for note in unchecked)
    path = tmp_path_factory.getbasetemp() / "octavia.conf"
    read = read_file(write_file(path, build.sections), eras)
    assert {section: list(options) for section, options in read.items()} == {
        section: list(options) for section, options in eras.items()
    }
