"""The duties of upgrades: which there are on a way, and which of them are seen to be done."""

import inspect
import re

import document
import octavia_duties as duties
import octavia_releases as releases
import octavia_schema as schema
import octavia_sections as sections
import pytest
from given import GOOD, PARAMETERS
from hypothesis import given, settings
from hypothesis import strategies as st

RELEASES = PARAMETERS["releases"]
NAMES = [release["name"] for release in RELEASES]
HOPS = document.load("hops.yaml")
DUTIES = {duty["id"]: {**duty, "hop": hop} for hop, listed in HOPS.items() for duty in listed}
CHECKED = settings(max_examples=150, deadline=None, derandomize=True)


def written(release, **changes):
    """What octavia.conf says with a pillar without mistakes, both roles, in a release."""
    pillar = {
        role: {**GOOD[role], "version": release, **changes.get(role, {})}
        for role in ("api", "manager")
    }
    defaults = {**PARAMETERS["defaults"], "ca_bundle": "/etc/ssl/ca.pem"}
    found, _ = sections.sections(pillar, PARAMETERS["options"], release, defaults)
    return {
        section: {name: setting["value"] for name, setting in options.items()}
        for section, options in found.items()
    }


def judge(old, new, facts=None, acknowledged=()):
    """The verdicts on the way from one release to another, by id."""
    found = duties.judge(HOPS, duties.path(RELEASES, old, new), facts or {}, acknowledged)
    return {item["id"]: item for item in found}


def one(name, facts, target=""):
    """Verdict and reason of one duty, on the way to its hop or beyond."""
    hop = DUTIES[name]["hop"]
    item = judge(NAMES[NAMES.index(hop) - 1], target or hop, facts)[name]
    return item["verdict"], item["reason"]


# -- the way --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "passed", "skipped"),
    [
        ("zed", "zed", [], []),
        ("zed", "2023.1", ["2023.1"], []),
        ("zed", "antelope", ["2023.1"], []),
        ("yoga", 2023.2, ["zed", "2023.1", "2023.2"], ["zed", "2023.1"]),
        ("ocata", "2026.2", NAMES[1:], NAMES[1:-1]),
    ],
)
def test_the_way_from_one_release_to_another(old, new, passed, skipped):
    assert duties.path(RELEASES, old, new) == passed
    assert duties.skipped(RELEASES, old, new) == skipped


@pytest.mark.parametrize("ask", [duties.path, duties.skipped])
def test_there_is_no_way_back(ask):
    with pytest.raises(duties.Downgrade, match=r"zed is older than 2023\.1") as caught:
        ask(RELEASES, "antelope", "zed")
    assert (caught.value.old, caught.value.new) == ("2023.1", "zed")
    with pytest.raises(releases.UnknownRelease):
        ask(RELEASES, "zed", "zedd")


@pytest.mark.parametrize(
    ("old", "new", "there"),
    [
        ("wallaby", "xena", False),
        ("xena", "yoga", True),
        ("zed", "2023.1", False),
        ("zed", "2023.2", True),
        ("2025.1", "2026.2", False),
    ],
)
def test_whether_the_database_is_migrated(old, new, there):
    assert duties.migrates(RELEASES, old, new) is there


# -- the data -------------------------------------------------------------------------------------


def test_the_hops_are_the_releases_in_their_order():
    assert list(HOPS) == NAMES[1:]


def test_no_two_duties_have_the_same_id():
    ids = [duty["id"] for listed in HOPS.values() for duty in listed]
    assert len(ids) == len(set(ids))
    assert [name for name in ids if not re.fullmatch(r"[a-z0-9]+([-.][a-z0-9]+)+", name)] == []


@pytest.mark.parametrize("name", DUTIES)
def test_a_duty_is_well_formed(name):
    duty = DUTIES[name]
    assert set(duty) <= {
        *("id", "hop", "text", "why", "blocking", "when", "role", "check", "with", "otherwise"),
        "until",
    }
    assert isinstance(duty["blocking"], bool)
    assert duty["when"] in (duties.BEFORE, duties.AFTER)
    assert duty.get("role") in (None, "api", "manager")
    assert duty.get("otherwise") in (None, duties.CANNOT_TELL)
    assert duty["text"][0].isupper() and not duty["text"].endswith(".")
    assert not duty["why"].endswith(".")
    if "until" in duty:
        assert NAMES.index(duty["until"]) > NAMES.index(duty["hop"])
    if "check" in duty:
        inspect.signature(duties.CHECKS[duty["check"]]).bind({}, **duty.get("with", {}))
    else:
        assert not {"with", "otherwise"} & set(duty)


def options(duty):
    """The options that the check of a duty reads."""
    given = duty.get("with", {})
    named = given.get("options") or list(given.get("known", ()))
    named = named or [given[key] for key in ("option",) if key in given]
    return [(given["section"], name) for name in named]


@pytest.mark.parametrize("name", [name for name in DUTIES if options(DUTIES[name])])
def test_the_options_of_a_check_are_there_as_long_as_the_duty_matters(name):
    """Else an upgrade over several releases would ask for what its last one does not have."""
    duty = DUTIES[name]
    end = duty.get("until")
    lasting = NAMES[NAMES.index(duty["hop"]) : NAMES.index(end) if end else None]
    assert [
        (release, option)
        for release in lasting
        for option in options(duty)
        if schema.option(PARAMETERS["options"], release, *option) is None
    ] == []


@pytest.mark.parametrize("name", [n for n, d in DUTIES.items() if "default" in d.get("with", {})])
def test_the_default_of_an_option_is_that_of_the_releases(name):
    duty = DUTIES[name]
    (option,) = options(duty)
    end = duty.get("until")
    for release in NAMES[NAMES.index(duty["hop"]) : NAMES.index(end) if end else None]:
        era = schema.option(PARAMETERS["options"], release, *option)
        assert era["default"] == duty["with"]["default"]


@pytest.mark.parametrize("new", NAMES[1:])
def test_only_the_newest_image_is_asked_for(new):
    found = judge("ocata", new, {"amphorae": 2})
    images = [name for name in found if name.startswith("image-") and name != "image-by-tag"]
    last = images.pop()
    assert found[last]["verdict"] == duties.CANNOT_TELL
    assert {found[name]["verdict"] for name in images} <= {duties.DONE}


# -- the formula's own pillar ---------------------------------------------------------------------

CALM = {"roles": ["api", "manager"], "policy": False, "amphorae": 0, "providers": ["amphora"]}


@pytest.mark.parametrize(
    ("old", "new", "stopped"),
    [
        ("ocata", "pike", ["users-need-roles"]),
        ("pike", "2024.1", []),
        ("2024.1", "2024.2", ["scope-enforced", "new-defaults-enforced"]),
        ("2024.1", "2025.1", ["scope-enforced", "rbac-roles-lost"]),
        ("2025.1", "2026.1", []),
        ("2026.1", "2026.2", ["service-token-roles"]),
        ("zed", "2026.2", ["rbac-roles-lost", "service-token-roles"]),
        ("ocata", "2026.2", ["rbac-roles-lost", "service-token-roles"]),
    ],
)
def test_what_stops_an_upgrade_with_a_plain_pillar(old, new, stopped):
    verdicts = judge(old, new, {**CALM, "jobboard": False, "sections": written(new)}).values()
    assert [item["id"] for item in duties.blocked(verdicts)] == stopped


def test_what_the_pillar_has_to_say_for_the_last_release():
    api = {
        "policy": {"enforce_new_defaults": False},
        "keystone_authtoken": {"service_token_roles_required": True},
    }
    facts = {**CALM, "sections": written("2026.2", api=api)}
    assert duties.blocked(judge("zed", "2026.2", facts).values()) == []


# -- verdicts -------------------------------------------------------------------------------------


def test_without_facts_nobody_can_tell():
    verdicts = judge("ocata", "2026.2").values()
    told = {item["verdict"] for item in verdicts}
    assert told == {duties.CANNOT_TELL, duties.DONE}
    moot = [item for item in verdicts if item["verdict"] == duties.DONE]
    assert {item["reason"].partition(" from ")[0] for item in moot} == {"it does not matter"}
    assert duties.blocked(verdicts) == []


def test_a_verdict_says_what_to_do():
    item = judge("2024.1", "2024.2", {"sections": {}})["scope-enforced"]
    assert item == {
        "hop": "2024.2",
        "id": "scope-enforced",
        "text": DUTIES["scope-enforced"]["text"],
        "why": "by default they are from now on",
        "blocking": True,
        "when": "before",
        "verdict": "not done",
        "reason": "[oslo_policy] enforce_scope is not set",
        "remedy": (
            "Set [oslo_policy] enforce_scope, or list scope-enforced in octavia:upgrade:done "
            "when it is done or does not concern you"
        ),
    }


def test_what_nobody_can_see_is_left_to_the_pillar():
    item = judge("2023.1", "2023.2")["v1-queue-drained"]
    assert (item["verdict"], item["reason"]) == ("cannot tell", "no check can tell")
    assert item["remedy"].startswith("List v1-queue-drained in octavia:upgrade:done")
    item = judge("2023.1", "2023.2", {}, ["v1-queue-drained"])["v1-queue-drained"]
    assert (item["verdict"], item["remedy"]) == ("done", "")
    assert item["reason"] == "octavia:upgrade:done says so"


def test_a_node_is_not_told_of_the_duties_of_a_role_that_it_has_not():
    facts = {"roles": ["manager"], "sections": {}, "policy": False}
    found = judge("2024.1", "2025.1", facts)
    assert found["rbac-roles-lost"]["verdict"] == "not here"
    assert found["rbac-roles-lost"]["reason"] == "this node has not the role api"
    assert duties.blocked(found.values()) == []
    assert one("rbac-roles-lost", {**facts, "roles": ["api"]})[0] == "not done"
    # A duty of every role, and one of a node whose roles are not known.
    assert found["image-2025.1"]["verdict"] == "cannot tell"
    assert one("rbac-roles-lost", {**facts, "roles": None})[0] == "not done"


def test_a_duty_ends_with_the_release_from_which_on_it_does_not_matter():
    facts = {"sections": {}}
    assert one("scope-enforced", facts, "2026.1")[0] == "not done"
    over = ("done", "it does not matter from 2026.2 on")
    assert one("scope-enforced", facts, "2026.2") == over


def test_only_the_hops_that_are_passed_are_judged():
    found = duties.judge(HOPS, ["2023.2", "zed"], {}, [])
    assert list(dict.fromkeys(item["hop"] for item in found)) == ["zed", "2023.2"]
    assert duties.judge(HOPS, [], {}, []) == []


# -- checks ---------------------------------------------------------------------------------------

POLICY = {"section": "oslo_policy", "option": "enforce_new_defaults"}


@pytest.mark.parametrize(
    ("conf", "names", "any_of", "met", "reason"),
    [
        ({"a": 1, "b": False}, ["a", "b"], False, True, "[s] a and b are set"),
        ({"a": 0}, ["a"], False, True, "[s] a is set"),
        ({"a": 1}, ["a", "b", "c"], False, False, "[s] b and c are not set"),
        ({"a": 1}, ["a", "b"], True, True, "[s] a is set"),
        ({"a": "", "b": None}, ["a", "b"], True, False, "[s] a and b are not set"),
        ({}, ["a", "b", "c"], True, False, "[s] a, b and c are not set"),
    ],
)
def test_options_that_are_to_be_set(conf, names, any_of, met, reason):
    seen = duties.option_set({"sections": {"s": conf}}, "s", names, any_of)
    assert (seen.met, seen.reason) == (met, reason)
    assert bool(seen.remedy) is not met


def test_the_remedy_for_options_names_what_is_missing():
    ask = duties.option_set
    assert ask({"sections": {}}, "s", ["a", "b"]).remedy == "Set [s] a and b"
    assert ask({"sections": {}}, "s", ["a", "b"], True).remedy == "Set one of [s] a, b"
    assert ask({"sections": {}}, "s", ["a"], True).remedy == "Set [s] a"


@pytest.mark.parametrize(
    ("found", "wanted", "default", "met", "shown"),
    [
        (False, False, None, True, "false"),
        ("No", False, None, True, "No"),
        ("true", False, None, False, "true"),
        (None, False, True, False, "true"),
        (None, False, None, False, "not set"),
        (None, "", "", True, "empty"),
        ("x", "x", None, True, "x"),
        (3, "3", None, True, "3"),
    ],
)
def test_an_option_that_is_to_have_a_value(found, wanted, default, met, shown):
    facts = {"sections": {"s": {"o": found}}}
    seen = duties.option_is(facts, "s", "o", wanted, default)
    assert (seen.met, seen.reason) == (met, f"[s] o is {shown}")
    assert duties.option_not(facts, "s", "o", wanted, default).met is not met


@pytest.mark.parametrize(
    ("value", "met"),
    [(None, True), ([], True), (["a", "b"], True), ("a, b", True), (["a", "x"], False)],
)
def test_items_that_are_to_be_known(value, met):
    seen = duties.items_known({"sections": {"s": {"o": value}}}, "s", {"o": ["a", "b"]})
    assert seen.met is met
    assert met or (seen.reason, seen.remedy) == ("[s] o has x", "Set [s] o to any of a, b")


@pytest.mark.parametrize(
    ("facts", "value", "met"),
    [
        ({"policy": True}, False, True),
        ({"policy": True, "sections": {}}, False, True),
        ({"policy": False, "sections": {}}, False, False),
        ({"policy": False}, False, None),
        ({"sections": {}}, False, None),
        ({"sections": {"oslo_policy": {"enforce_new_defaults": False}}}, False, True),
        (
            {"policy": False, "sections": {"oslo_policy": {"enforce_new_defaults": True}}},
            None,
            True,
        ),
        (
            {"policy": False, "sections": {"oslo_policy": {"enforce_new_defaults": True}}},
            False,
            False,
        ),
    ],
)
def test_whether_the_pillar_decides_on_policies(facts, value, met):
    seen = duties.policy_decided(facts, **POLICY, value=value)
    assert seen.met is met
    assert seen.met is not False or seen.remedy == (
        "Set octavia:api:policy:set or octavia:api:policy:enforce_new_defaults"
    )


def test_policies_without_an_option_beside_them():
    assert duties.policy_decided({"policy": False}).remedy == "Set octavia:api:policy:set"
    assert duties.policy_decided({}).met is None


@pytest.mark.parametrize(
    ("number", "met", "reason"),
    [
        (None, None, "whether there are amphorae is not known"),
        (0, True, "there are no amphorae"),
        (1, False, "there is one amphora, and the API does not tell which image it runs"),
        (7, False, "there are 7 amphorae, and the API does not tell which image they run"),
    ],
)
def test_amphorae_of_any_image(number, met, reason):
    seen = duties.no_amphorae({"amphorae": number})
    assert (seen.met, seen.reason) == (met, reason)


@pytest.mark.parametrize(
    ("number", "agents", "met", "reason"),
    [
        (0, {}, True, "there are no amphorae"),
        (0, None, True, "there are no amphorae"),
        (None, {}, None, "what the amphorae speak is not known"),
        (2, {}, None, "what the amphorae speak is not known"),
        (2, None, None, "what the amphorae speak is not known"),
        (2, {"a": "1.0", "b": "1.0"}, True, "all amphorae speak 1.0 or later"),
        (None, {"a": "1"}, True, "all amphorae speak 1.0 or later"),
        (1, {"a": "0.10"}, False, "1 of 1 amphorae speak less than 1.0: a (0.10)"),
        (3, {"a": "0.5", "b": None}, False, "1 of 3 amphorae speak less than 1.0: a (0.5)"),
        (2, {"a": "1.0", "b": None}, None, "1 of 2 amphorae did not say what they speak: b"),
        (2, {"a": "1.0", "b": "?"}, None, "1 of 2 amphorae did not say what they speak: b"),
        (3, {"a": "1.0"}, None, "2 of 3 amphorae did not say what they speak"),
        (
            *(7, dict.fromkeys("abcdefg", "0"), False),
            "7 of 7 amphorae speak less than 1.0: a (0), b (0), c (0), d (0), e (0) and 2 more",
        ),
    ],
)
def test_what_the_agents_of_amphorae_speak(number, agents, met, reason):
    seen = duties.agents_speak({"amphorae": number, "agents": agents}, "1.0")
    assert (seen.met, seen.reason) == (met, reason)


@pytest.mark.parametrize(
    ("text", "least", "met"),
    [("1.10", "1.9", True), ("1.9", "1.10", False), ("2", "1.10", True), ("0", "0.1", False)],
)
def test_versions_are_numbers(text, least, met):
    assert duties.agents_speak({"agents": {"a": text}}, least).met is met


@pytest.mark.parametrize(
    ("providers", "met"), [(None, None), ([], True), (["amphora"], True), (["amphorav1"], False)]
)
def test_providers_that_are_gone(providers, met):
    verdict, reason = one("amphorav1-gone", {"providers": providers})
    assert verdict == {None: "cannot tell", True: "done", False: "not done"}[met]
    assert met is not False or reason == "there are load balancers of the provider amphorav1"


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({}, "cannot tell"),
        ({"jobboard": True}, "done"),
        ({"jobboard": False}, "cannot tell"),
        ({"providers": ["amphora"]}, "done"),
        ({"providers": ["amphorav2"]}, "cannot tell"),
        ({"providers": ["amphorav2"], "jobboard": False}, "not done"),
        ({"providers": ["amphorav2"], "jobboard": True}, "done"),
    ],
)
def test_the_jobboard_of_a_provider(facts, verdict):
    assert one("amphorav2-jobboard", facts)[0] == verdict


def test_the_jobboard_may_be_wanted_for_itself():
    assert one("jobboard-chosen", {"jobboard": True}) == ("done", "the jobboard is on")
    assert one("jobboard-chosen", {"jobboard": False}) == ("cannot tell", "the jobboard is off")


# -- what is told ---------------------------------------------------------------------------------


def test_what_stops_is_told_first():
    facts = {**CALM, "amphorae": 1, "agents": {"a": "0.5"}, "sections": written("2024.2")}
    verdicts = judge("zed", "2024.2", facts, ["v1-queue-drained"]).values()
    lines = duties.describe(verdicts).splitlines()
    assert len(lines) == len(verdicts)
    assert lines[0] == (
        "2023.1 old-agents: NOT DONE, blocking: Fail over the amphorae whose agent speaks version "
        "0.5, images of Octavia 4.0.1 and older. 1 of 1 amphorae speak less than 1.0: a (0.5). "
        "Fail them over to a current image first, or list old-agents in octavia:upgrade:done when "
        "it is done or does not concern you."
    )
    ranks = [re.search(r": (NOT DONE|cannot tell|done|not here)", line)[1] for line in lines]
    assert ranks == sorted(ranks, key=["NOT DONE", "cannot tell", "done", "not here"].index)
    (image,) = (line for line in lines if line.startswith("2024.2 image-2024.2: "))
    assert image.startswith("2024.2 image-2024.2: cannot tell, after the upgrade: Build a new")
    assert ". There is one amphora, and the API" in image
    (drained,) = (line for line in lines if "v1-queue-drained" in line)
    assert drained.endswith(" topic names. octavia:upgrade:done says so.")


def verdict(name, **more):
    """A verdict on a blocking duty that is not done."""
    given = {"blocking": True, "when": "before", "verdict": "not done"}
    return {"hop": "zed", "id": name, "text": "Do", "reason": "no", "remedy": "", **given, **more}


def test_what_comes_after_an_upgrade_does_not_stop_it():
    given = [
        verdict("a", blocking=False),
        verdict("b", when="after"),
        verdict("c", verdict="cannot tell"),
        verdict("d"),
        verdict("e", verdict="done"),
        verdict("f", verdict="not here"),
    ]
    assert [item["id"] for item in duties.blocked(given)] == ["d"]
    lines = duties.describe(given[::-1]).splitlines()
    assert [line.split()[1][0] for line in lines] == ["d", "b", "a", "c", "e", "f"]
    assert lines[1] == "zed b: NOT DONE, blocking, after the upgrade: Do. No."
    assert lines[2] == "zed a: NOT DONE: Do. No."
    assert lines[4] == "zed e: done: Do. No."


def test_nothing_to_tell():
    assert duties.describe([]) == ""


def test_ids_of_the_pillar_that_no_duty_has():
    given = ["old-agents", "old-agent", "old-agent", "rbac-roles", "zzz", 7]
    found = duties.unknown_ids(HOPS, given)
    assert list(found) == ["old-agent", "rbac-roles", "zzz", "7"]
    assert found["old-agent"][0] == "old-agents"
    assert found["rbac-roles"][0] == "rbac-roles-lost"
    assert found["zzz"] == []
    assert duties.unknown_ids(HOPS, list(DUTIES)) == {}


# -- whatever is known ----------------------------------------------------------------------------

VALUES = st.one_of(st.none(), st.booleans(), st.text(max_size=5), st.lists(st.text(max_size=5)))
NAMED = sorted({option for duty in DUTIES.values() for option in options(duty)})
CONFS = st.dictionaries(st.sampled_from(NAMED), VALUES).map(
    lambda flat: {
        section: {name: value for (place, name), value in flat.items() if place == section}
        for section, _ in flat
    }
)
VERSIONS = st.one_of(st.none(), st.sampled_from(["0.5", "1.0", "1.1", "", "new"]))
FACTS = st.fixed_dictionaries(
    {},
    optional={
        "roles": st.lists(st.sampled_from(["api", "manager"]), unique=True),
        "sections": CONFS,
        "policy": st.booleans(),
        "amphorae": st.integers(0, 9),
        "agents": st.dictionaries(st.text("abc", min_size=1, max_size=2), VERSIONS),
        "providers": st.lists(st.sampled_from(["amphora", "amphorav1", "amphorav2", "ovn"])),
        "jobboard": st.booleans(),
    },
)
WAYS = st.lists(st.sampled_from(NAMES), min_size=2, max_size=2).map(
    lambda ends: sorted(ends, key=NAMES.index)
)


@CHECKED
@given(WAYS, FACTS, st.sets(st.sampled_from(sorted(DUTIES))))
def test_every_duty_of_the_way_is_judged_once(way, facts, acknowledged):
    passed = duties.path(RELEASES, *way)
    verdicts = duties.judge(HOPS, passed, facts, acknowledged)
    assert [(item["hop"], item["id"]) for item in verdicts] == [
        (hop, duty["id"]) for hop in passed for duty in HOPS[hop]
    ]
    for item in verdicts:
        assert item["verdict"] in duties.VERDICTS
        assert item["reason"]
        assert bool(item["remedy"]) is (item["verdict"] in ("not done", "cannot tell"))
        assert item["id"] not in acknowledged or item["verdict"] == "done"
    assert len(duties.describe(verdicts).splitlines()) == len(verdicts)


@CHECKED
@given(WAYS, FACTS)
def test_nothing_stops_when_all_is_said_to_be_done(way, facts):
    verdicts = judge(*way, facts, list(DUTIES)).values()
    assert duties.blocked(verdicts) == []
    assert {item["verdict"] for item in verdicts} <= {"done"}
    stops = [item["id"] for item in duties.blocked(judge(*way, facts).values())]
    assert duties.blocked(judge(*way, facts, stops).values()) == []


@CHECKED
@given(WAYS, FACTS, st.sampled_from(["sections", "policy", "amphorae", "agents", "providers"]))
def test_to_know_less_never_makes_a_duty_not_done(way, facts, forgotten):
    known = judge(*way, facts)
    less = judge(*way, {key: value for key, value in facts.items() if key != forgotten})
    for name, item in less.items():
        if item["verdict"] == "not done":
            assert known[name]["verdict"] == "not done"


@CHECKED
@given(st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_two_ways_one_after_the_other_are_one(first, second, third):
    a, b, c = sorted((first, second, third), key=NAMES.index)
    whole = duties.path(RELEASES, a, c)
    assert duties.path(RELEASES, a, b) + duties.path(RELEASES, b, c) == whole
    assert duties.skipped(RELEASES, a, c) == whole[:-1]
    if a != c:
        with pytest.raises(duties.Downgrade):
            duties.path(RELEASES, c, a)
