"""Lets tests import the shared code by its bare names, as Salt does, and the schema tool."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "_utils"), str(ROOT / "tests" / "schema")]
