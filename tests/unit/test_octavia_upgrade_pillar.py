"""The pillar ``octavia:upgrade``: what is wrong with it, and the settings in force."""

import copy
import json

import octavia_keys as keys
import octavia_pki_pillar as pki_pillar
import octavia_upgrade_pillar as upgrade
import pytest
from given import GOOD, PARAMETERS, built, changed
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

DEFAULTS = PARAMETERS["defaults"]["upgrade"]
KNOWN = "enabled, mode, allow_skip, done, cloud_name, drain_seconds, idle_timeout, stuck_after"


def build(**given):
    """What the formula makes of such a block."""
    return built(changed(GOOD, {"upgrade": given}))


def only(block):
    """The one thing that is wrong with a pillar with this block."""
    (found,) = built(changed(GOOD, {"upgrade": block})).found
    assert (found["level"], found["path"].partition(":upgrade")[0]) == ("error", "octavia")
    return found


class TestCheck:
    """Everything that is wrong has its path, the value, the reason and a remedy."""

    @pytest.mark.parametrize("block", [None, {}, DEFAULTS, dict.fromkeys(upgrade.KEYS)])
    def test_nothing_is_wrong(self, block):
        result = built(changed(GOOD, {"upgrade": block})).result()
        assert (result["findings"], result["upgrade"]) == ([], DEFAULTS)

    @pytest.mark.parametrize(
        ("path", "near"),
        [("mod", "mode"), ("backup:pth", "path"), ("verify:vip_subnet", "vip_subnet_id")],
    )
    def test_an_unknown_key_has_its_nearest_name(self, path, near):
        found = built(changed(GOOD, {f"upgrade:{path}": 1})).found
        assert [(item["path"], item["value"]) for item in found] == [
            (f"octavia:upgrade:{path}", "")
        ]
        assert found[0]["reason"] == "is an unknown key"
        assert found[0]["remedy"] == f"Did you mean {near}"

    def test_one_that_is_near_to_none(self):
        assert only({"x": 1})["remedy"].startswith(f"Known keys: {KNOWN}")

    @pytest.mark.parametrize(
        ("block", "path", "value", "reason"),
        [
            ({"enabled": "yes"}, "enabled", "yes", "is neither true nor false"),
            ({"allow_skip": 1}, "allow_skip", "1", "is neither true nor false"),
            ({"mode": "warm"}, "mode", "warm", "must be one of cold, rolling, not 'warm'"),
            ({"mode": ["cold"]}, "mode", "['cold']", "must be text, not a list"),
            ({"mode": {"a": 1}}, "mode", "{'a': 1}", "must be text, not a mapping"),
            ({"done": {"a": 1}}, "done", "{'a': 1}", "must be a list, not a mapping"),
            ({"idle_timeout": "long"}, "idle_timeout", "long", "must be a whole number"),
            ({"idle_timeout": True}, "idle_timeout", "True", "must be a whole number"),
            ({"drain_seconds": -1}, "drain_seconds", "-1", "must be at least 0"),
            ({"stuck_after": 604801}, "stuck_after", "604801", "must be at most 604800"),
            ({"check_timeout": 0}, "check_timeout", "0", "must be at least 1"),
            ({"min_free_mb": 0.5}, "min_free_mb", "0.5", "must be a whole number"),
            ({"backup": {"path": "var"}}, "backup:path", "var", "is no absolute path"),
            ({"backup": {"path": 5}}, "backup:path", "5", "is no absolute path"),
            ({"backup": {"keep": 0}}, "backup:keep", "0", "must be at least 1"),
            ({"backup": {"enabled": "no"}}, "backup:enabled", "no", "is neither true nor false"),
            ({"verify": {"timeout": "x"}}, "verify:timeout", "x", "must be a whole number"),
            ({"verify": {"provider": True}}, "verify:provider", "True", "must be text"),
        ],
    )
    def test_wrong_values(self, block, path, value, reason):
        found = only(block)
        assert (found["path"], found["value"]) == (f"octavia:upgrade:{path}", value)
        assert found["reason"].startswith(reason)
        assert found["remedy"]

    @pytest.mark.parametrize(
        ("block", "path"), [("cold", ""), (["mode"], ""), ({"backup": True}, ":backup")]
    )
    def test_what_should_have_keys(self, block, path):
        found = only(block)
        assert (found["path"], found["reason"]) == (f"octavia:upgrade{path}", "is not a mapping")
        assert found["remedy"].startswith("Write its keys below it: enabled, ")

    def test_everything_is_told_at_once(self):
        found = build(mode="warm", drain_seconds="x", backup={"path": "a", "keep": 0}, nix=1).found
        names = ("mode", "drain_seconds", "backup:path", "backup:keep", "nix")
        assert [item["path"] for item in found] == [f"octavia:upgrade:{name}" for name in names]

    def test_with_a_mistake_the_node_has_no_role(self):
        result = build(mode="warm").result()
        assert (result["valid"], result["roles"], result["stop_order"]) == (False, [], [])


class TestSettings:
    """The pillar's values over the defaults."""

    def test_they_are_merged_one_by_one(self):
        given = {"mode": "rolling", "backup": {"path": "/srv"}, "verify": {"timeout": None}}
        wanted = copy.deepcopy(DEFAULTS)
        wanted["mode"] = "rolling"
        wanted["backup"]["path"] = "/srv"
        assert build(**given).result()["upgrade"] == wanted

    def test_the_defaults_stay_as_they_are(self):
        before = copy.deepcopy(DEFAULTS)
        build(mode="rolling", backup={"path": "/srv"}, verify={"provider": "ovn"})
        assert before == DEFAULTS

    def test_a_null_leaves_the_default(self):
        assert build(idle_timeout=None, backup=None).result()["upgrade"] == DEFAULTS

    @pytest.mark.parametrize(
        ("block", "path", "value"),
        [
            ({"idle_timeout": "60"}, ["idle_timeout"], 60),
            ({"min_free_mb": "0"}, ["min_free_mb"], 0),
            ({"backup": {"keep": "7"}}, ["backup", "keep"], 7),
            ({"verify": {"timeout": "7"}}, ["verify", "timeout"], 7),
            ({"done": "old-agents, rbac"}, ["done"], ["old-agents", "rbac"]),
            ({"done": "old-agents"}, ["done"], ["old-agents"]),
            ({"done": ["a", 1]}, ["done"], ["a", "1"]),
            ({"cloud_name": 5}, ["cloud_name"], "5"),
        ],
    )
    def test_numbers_and_lists_may_be_written_as_text(self, block, path, value):
        build = built(changed(GOOD, {"upgrade": block}))
        found = build.result()["upgrade"]
        for name in path:
            found = found[name]
        assert (build.found, found, type(found)) == ([], value, type(value))

    def test_those_of_certificates_as_well(self):
        pki = {"warn_days": "14", "client": {"days": "100"}}
        found = built(changed(GOOD, {"pki": pki})).pki
        assert (found["warn_days"], found["client"]["days"]) == (14, 100)

    def test_the_modules_need_not_fear_a_pillar_with_mistakes(self):
        for name, value in DEFAULTS.items():
            other = "x" if isinstance(value, dict) else {"x": 1}
            assert type(build(**{name: other}).result()["upgrade"][name]) is type(value)


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 10**6),
    st.floats(),
    st.text(max_size=4),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=3)), max_size=2),
    st.dictionaries(st.sampled_from(["path", "keep", "x"]), st.integers(), max_size=2),
)
BLOCKS = st.dictionaries(
    st.sampled_from([*upgrade.KEYS, "x", 1]),
    st.one_of(
        JUNK,
        st.dictionaries(
            st.sampled_from(["enabled", "path", "keep", "provider", "timeout", "x"]), JUNK
        ),
    ),
    max_size=5,
)


def shape(value):
    """The types of a block, key by key."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return type(value)


@settings(max_examples=400, deadline=None, derandomize=True)
@drawn(block=BLOCKS)
def test_findings_or_settings_of_the_form_of_the_defaults(block):
    found = upgrade.check(block)
    assert all(item["path"].startswith("octavia:upgrade") for item in found)
    assert all(isinstance(text, str) for item in found for text in item.values())
    result = keys.settings(block, DEFAULTS, upgrade.KEYS)
    if not found:
        assert shape(result) == shape(DEFAULTS)
        assert json.loads(json.dumps(result)) == result
        assert upgrade.check(result) == []
        assert keys.settings(result, DEFAULTS, upgrade.KEYS) == result


def test_the_defaults_have_the_keys_that_are_known():
    for known, defaults in ((upgrade.KEYS, DEFAULTS), (pki_pillar.KEYS, PARAMETERS["defaults"])):
        for key in defaults if known is upgrade.KEYS else defaults["pki"]:
            assert key in known
    assert DEFAULTS.keys() == upgrade.KEYS.keys()
    for name in ("backup", "verify"):
        assert DEFAULTS[name].keys() == upgrade.KEYS[name].keys()
