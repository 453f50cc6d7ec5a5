"""Lets the tests read octavia.conf, and make certificates, as the unit tests do."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / "unit"), str(ROOT / "_utils")]
