"""What can be wrong with the bench."""

from __future__ import annotations


class BenchError(Exception):
    """Something on the bench is not as it must be, and that is not what a test is about."""
