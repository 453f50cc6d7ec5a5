"""What is laid out from kitchen's files is whole: Salt would find all that the top files name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from . import layout, settings

REPOSITORY = settings.REPOSITORY


@pytest.fixture
def provisioners(kitchen):
    """The settings of the provisioner, by suite."""
    return {name: sections["provisioner"] for name, _, sections in settings.instances(kitchen)}


def test_salt_finds_states_pillars_and_modules(provisioners):
    for name, provisioner in provisioners.items():
        found = layout.files(provisioner, REPOSITORY)
        minion = yaml.safe_load(found["etc/salt/minion"])
        assert minion["root_dir"] == layout.root(provisioner)
        assert minion["file_roots"]["base"][0] == f"{layout.root(provisioner)}/srv/salt"
        for folder in ("srv/salt", "srv/pillar"):
            top = yaml.safe_load(found[f"{folder}/top.sls"])
            for sls in top["base"]["*"]:
                path = f"{folder}/{sls.replace('.', '/')}"
                assert {f"{path}.sls", f"{path}/init.sls"} & set(found), (name, sls)
        for folder in ("_modules", "_states", "_utils"):
            wanted = {path.name for path in (REPOSITORY / folder).glob("*.py")}
            laid = {Path(path).name for path in found if path.startswith(f"srv/salt/{folder}/")}
            assert laid == wanted
        pillar = (REPOSITORY / "tests" / "pillar" / f"{name}.sls").read_text(encoding="utf-8")
        assert found["srv/pillar/octavia.sls"] == pillar


def test_what_the_filter_names_is_left_out(tmp_path):
    for path in ("octavia/init.sls", "octavia/__pycache__/x", "_utils/a.py", "_utils/b.pyc"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    given = {"formula": "octavia", "state_top": {}, "salt_copy_filter": ["__pycache__", "b.pyc"]}
    found = layout.files(given, tmp_path)
    assert {path for path in found if path.startswith("srv/salt/")} == {
        *("srv/salt/octavia/init.sls", "srv/salt/_utils/a.py", "srv/salt/top.sls")
    }


def test_settings_of_their_own(tmp_path):
    (tmp_path / "pillar").write_text("a: {{ grains.id }}\n")
    given = {
        "formula": "octavia",
        "root_path": "/srv/kitchen",
        "grains": {"noservices": True},
        "state_top": {"base": {"*": ["octavia"]}},
        "pillars": {"one.sls": {"b": 1}, "two.sls": {}},
        "pillars_from_files": {"two.sls": "pillar"},
        "salt_minion_extra_config": {"features": {"x509_v2": True}},
    }
    found = layout.files(given, tmp_path)
    assert yaml.safe_load(found["etc/salt/grains"]) == {"noservices": True}
    assert yaml.safe_load(found["srv/pillar/one.sls"]) == {"b": 1}
    # A file is copied, not read as YAML, and counts for more than what stands in kitchen's file.
    assert found["srv/pillar/two.sls"] == "a: {{ grains.id }}\n"
    assert yaml.safe_load(found["etc/salt/minion"])["features"] == {"x509_v2": True}
    assert "--config-dir=/srv/kitchen/etc/salt" in layout.converge(given)


def test_both_drivers_lay_out_the_same():
    """So one machine shows both of them."""
    first, second = (
        [
            (name, layout.files(sections["provisioner"], REPOSITORY))
            for name, _, sections in settings.instances(settings.in_force(driver))
        ]
        for driver in ("docker", "exec")
    )
    assert first == second


def test_the_verifier_is_told_where_it_is():
    assert layout.environment("api_single", "debian-12.5", container_id="abc") == {
        "KITCHEN_SUITE": "api_single",
        "KITCHEN_PLATFORM": "debian-12.5",
        "KITCHEN_INSTANCE": "api-single-debian-125",
        "KITCHEN_CONTAINER_ID": "abc",
    }


def test_its_command_uses_nothing_but_that(kitchen):
    told = layout.environment("aio", "debian-12", container_id="abc")
    assert set(re.findall(r"\$\{?(\w+)", kitchen["verifier"]["command"])) <= set(told)
