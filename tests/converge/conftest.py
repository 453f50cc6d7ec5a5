"""Lets tests import the shared code by its bare names, and what the unit tests start from."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "_utils"), str(ROOT / "tests" / "unit"), str(ROOT / "tests" / "schema")]
