"""The settings that the tests are about."""

from __future__ import annotations

from typing import Any

import pytest

from . import settings


@pytest.fixture(params=["docker", "exec"])
def kitchen(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings in force, by either driver."""
    return settings.in_force(request.param)
