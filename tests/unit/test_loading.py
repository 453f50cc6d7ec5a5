"""The shared code as Salt's loader loads it: by path, without a place in sys.modules."""

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "_utils"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_a_file_loads_by_its_path_alone(name):
    spec = importlib.util.spec_from_file_location(f"loaded.{name}", FOLDER / f"{name}.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
