"""What can go wrong while a suite is brought up."""

from __future__ import annotations


class ConvergeError(Exception):
    """A suite could not be brought up; the text says which step failed, how, and where to look."""
