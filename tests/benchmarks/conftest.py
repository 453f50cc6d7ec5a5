"""Benchmarks look at the node of a suite, as the converge tests do."""

from tests.converge.conftest import (  # noqa: F401
    first,
    node,
    platform,
    salt,
    suite,
    suite_name,
    virgin,
)
