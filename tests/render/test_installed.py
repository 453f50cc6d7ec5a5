"""Each way to install the formula, without a node: what lies where, and that Salt finds it."""

from __future__ import annotations

import sys
from pathlib import Path

import harness
import pytest
import salt.utils.yaml
from installation import FOLDERS, Minion, environment, files, run, set_version

from tests import manual
from tests.manual import clone

PAGE = manual.blocks("docs/install.rst")
MADE = "share/salt-formulas"
OTHER = "1999.1.0"
# Of each role one state that needs what the map says.
STATES = {"octavia_check", "octavia_config_file", "octavia_manager_up", "octavia_client_clouds"}


def settings(name: str, **places: Path) -> dict:
    """Settings of a minion from the manual, with folders of the test in place of the manual's."""
    text = PAGE[f"{name}-minion"]
    for old, new in places.items():
        assert f"/{old}/" in text
        text = text.replace(f"/{old}/", f"{new}/")
    return salt.utils.yaml.safe_load(text)


def finds_all(minion: Minion, **environment: str) -> None:
    """The states of all roles compile, which they do only with a pillar that was found right."""
    low = minion.call("state.show_low_sls", "octavia", **environment)
    assert {chunk["__id__"] for chunk in low} >= STATES


@pytest.fixture(scope="module", name="source")
def _source(tmp_path_factory):
    return clone(tmp_path_factory.mktemp("source") / "salt-formula-octavia")


@pytest.fixture(scope="module", name="python")
def _python(tmp_path_factory, source):
    """An environment into which the formula was installed by pip, without an index."""
    made = tmp_path_factory.mktemp("pip") / "opt" / "salt"
    python = environment(made)
    install = ["-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-index", "."]
    run([python, *install], source)
    return python


def test_pip_needs_no_sync(python, tmp_path):
    prefix = python.parents[1]
    minion = Minion(tmp_path, python)
    minion.configure(settings("pip", **{"opt/salt": prefix}))
    finds_all(minion)
    # Not without a cloud, but it is there, and so is all that it needs.
    assert "octaviav2.versions" in minion.call("sys.list_functions", "octaviav2")
    assert files(prefix / MADE / "env/octavia") == files(harness.ROOT / "octavia")
    classes = prefix / MADE / "reclass/service/octavia"
    assert files(classes) == files(harness.ROOT / "metadata/service")


def test_which_modules_win_is_told(python, source, tmp_path):
    """Those of pip until others are synchronized, and again once these are gone."""
    minion = Minion(tmp_path, python)
    other = clone(tmp_path / "other")
    set_version(other, OTHER)
    ours = (source / "metadata.yml").read_text(encoding="utf-8")
    version = salt.utils.yaml.safe_load(ours)["version"]

    def told() -> list[tuple[str, str, str]]:
        """Of each finding the version of the states, and what it says of the modules."""
        found = minion.call("octavia_config.validate")
        assert {item["level"] for item in found} <= {"warning"}
        return [(item["value"], *item["reason"].split(", and run from ")) for item in found]

    def says(states: str, modules: str, folder: Path) -> list[tuple[str, str, str]]:
        reason = f"is the version of the states, but the modules are of {modules}"
        return [(states, reason, f"{folder}/octavia_config.py")]

    minion.configure({"file_client": "local", "file_roots": {"base": [str(other)]}})
    (installed,) = python.parents[1].glob("lib/python3*/site-packages/salt_formula_octavia/modules")
    assert told() == says(OTHER, version, installed)
    minion.call("saltutil.sync_all")
    assert told() == []
    minion.configure(settings("pip", **{"opt/salt": python.parents[1]}))
    synced = tmp_path / "var/cache/salt/minion/extmods/modules"
    assert told() == says(version, OTHER, synced)
    minion.call("saltutil.sync_all")
    assert told() == []


def test_make_installs_what_salt_synchronizes(source, tmp_path):
    run(["make", "install", f"DESTDIR={tmp_path}/made"], source)
    env = tmp_path / "made/usr" / MADE / "env"
    minion = Minion(tmp_path / "minion")
    minion.configure(settings("make", usr=tmp_path / "made/usr"))
    synced = minion.call("saltutil.sync_all")
    assert "modules.octaviav2" in synced["modules"]
    finds_all(minion)
    for part in ("_modules", "_states", "_utils", "octavia"):
        assert files(env / part) == files(harness.ROOT / part)
    classes = env.parent / "reclass/service/octavia"
    assert files(classes) == files(harness.ROOT / "metadata/service")
    modes = {path.stat().st_mode & 0o777 for path in env.rglob("*") if path.is_file()}
    assert modes == {0o644}


def test_make_takes_away_what_it_installed_and_nothing_else(source, tmp_path):
    variables = [f"DESTDIR={tmp_path}", "PREFIX=/opt/formulas"]
    run(["make", "install", *variables], source)
    (made,) = tmp_path.glob("opt/formulas/share")
    assert files(made)
    others = made / "salt-formulas/env/_modules/neutronv2.py"
    others.write_text("# of another formula\n", encoding="utf-8")
    run(["make", "uninstall", *variables], source)
    assert list(files(tmp_path)) == [str(others.relative_to(tmp_path))]


def test_the_packed_source_is_the_whole_formula(source, tmp_path):
    run([sys.executable, "setup.py", "--quiet", "sdist", "--dist-dir", tmp_path], source)
    (packed,) = tmp_path.glob("*.tar.gz")
    run(["tar", "--extract", f"--file={packed}"], tmp_path)
    (top,) = tmp_path.glob("salt*/")
    for folder in FOLDERS:
        assert files(top / folder) == files(harness.ROOT / folder)
    run(["make", "install", f"DESTDIR={tmp_path}/made"], top)


def test_gitfs_needs_no_root_of_its_own(source, tmp_path):
    """The repository of the manual, with its address led to a folder, as git can do for anyone."""
    manual.publish(clone(tmp_path / "work"), tmp_path / manual.REPOSITORY)
    git = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{tmp_path}/.insteadOf",
        "GIT_CONFIG_VALUE_0": manual.SERVER,
    }
    minion = Minion(tmp_path / "minion")
    minion.configure(settings("gitfs"))
    minion.call("saltutil.sync_all", **git)
    finds_all(minion, **git)
