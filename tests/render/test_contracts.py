"""The names by which others call this formula are all there: `contracts.yaml` against the tree."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness
import octavia_mine as mine
import pytest
import salt.loader
import yaml
from cases import CASES

CONTRACTS = yaml.safe_load((Path(__file__).parent / "contracts.yaml").read_text(encoding="utf-8"))
CLASSES = harness.ROOT / "metadata" / "service"
SERVICES = ("octavia_control.running", "octavia_upgrade.stopped", "octavia_control.db_synced")


@pytest.fixture(scope="module", name="minion")
def _minion() -> Iterator[harness.Minion]:
    """A node with all roles."""
    with harness.Minion("debian12", CASES["aio"].pillar("debian12")) as minion:
        yield minion


@pytest.mark.parametrize("sls", CONTRACTS["sls"])
def test_an_sls_may_be_applied(minion, sls):
    chunks = minion.low(sls)
    assert harness.unresolved(chunks) == []
    # More than the check of the pillar.
    assert len(chunks) > 1


def bind(function: Any, call: Any) -> None:
    """
    Fails as Python would where a function does not take a call.

    :param function: the function
    :param call: arguments by name, or a list of arguments by place that ends with those by name
    :raises TypeError: where it does not
    """
    *placed, named = call if isinstance(call, list) else [call]
    inspect.signature(function).bind(*placed, **named)


@pytest.mark.parametrize("name", CONTRACTS["functions"])
def test_a_function_takes_the_calls(minion, name):
    for call in CONTRACTS["functions"][name]:
        bind(minion.call[name], call)


@pytest.mark.parametrize("name", CONTRACTS["states"])
def test_a_state_takes_the_calls(minion, name):
    states = salt.loader.states(minion.opts, minion.call, {}, None)
    for call in CONTRACTS["states"][name]:
        bind(states[name], call)


def test_noservices_keeps_services_and_database_out_of_every_sls():
    given = CASES["aio"].pillar("debian12")

    def acting(**grains: Any) -> set[str]:
        with harness.Minion("debian12", given, **grains) as minion:
            chunks = [chunk for sls in CONTRACTS["sls"] for chunk in minion.low(sls)]
        return {f"{chunk['state']}.{chunk['fun']}" for chunk in chunks} & set(SERVICES)

    assert acting() == set(SERVICES)
    assert acting(noservices=True) == set()


@pytest.mark.parametrize(("role", "syncs"), [(None, True), ("primary", True), ("secondary", False)])
def test_only_a_secondary_leaves_the_schema_alone(role, syncs):
    given = CASES["aio"].pillar("debian12")
    given["octavia"]["api"]["role"] = role
    with harness.Minion("debian12", given) as minion:
        functions = {chunk["fun"] for chunk in minion.low("octavia.db.offline_sync")}
    assert ("db_synced" in functions) is syncs


@pytest.mark.parametrize("name", CONTRACTS["mine"])
def test_the_mine_is_read_by_the_names_that_others_give(name):
    assert mine.FUNCTIONS[name].target == CONTRACTS["mine"][name]


def test_files_have_their_places():
    given = CASES["sample_manager_single"].pillar("debian12")
    with harness.Minion("debian12", given) as minion:
        known = minion.call["octavia_config.map"]()
    files = {"ssh_private_key": known["ssh"]["private_key_file"], "octavia_conf": known["config"]}
    assert files == CONTRACTS["files"]


def test_pipelines_find_the_priority_of_the_upgrade():
    meta = yaml.safe_load((harness.ROOT / "octavia" / "meta" / "salt.yml").read_text("utf-8"))
    applications = meta["orchestration"]["upgrade"]["applications"]
    assert applications["octavia"]["priority"] == CONTRACTS["upgrade_priority"]


def texts(name: str) -> Iterator[str]:
    """
    A class and those that it includes, as texts.

    :param name: name of the class
    :return: the text of each
    :raises FileNotFoundError: when there is no such class
    """
    path = CLASSES.joinpath(*name.removeprefix("service.octavia.").split("."))
    file = path.with_suffix(".yml")
    text = (file if file.exists() else path / "init.yml").read_text("utf-8")
    yield text
    for included in yaml.safe_load(text).get("classes", []):
        yield from texts(included)


@pytest.mark.parametrize("name", CONTRACTS["classes"])
def test_a_class_is_there(name):
    whole = [yaml.safe_load(text) for text in texts(name)]
    assert any("_support" in one.get("parameters", {}).get("octavia", {}) for one in whole)
    is_support = name.endswith(".support")
    assert is_support or whole[0]["applications"] == ["octavia"]


@pytest.mark.parametrize("name", CONTRACTS["parameters"])
def test_a_class_reads_the_parameters(name):
    whole = "\n".join(texts(name))
    unread = [key for key in CONTRACTS["parameters"][name] if f"${{_param:{key}}}" not in whole]
    assert unread == []
