"""Modules and states of two versions are told, with the place of the modules."""

import octavia_version as version
import pytest
from given import PARAMETERS


def test_of_one_version_there_is_nothing_to_tell():
    assert version.check(PARAMETERS["version"]["version"], "/srv/octavia_config.py") == []


@pytest.mark.parametrize("states", ["1999.1.0", None, 2026.11])
def test_of_two_versions_both_are_told(states):
    (told,) = version.check(states, "/srv/octavia_config.py")
    assert told["level"] == "warning"
    assert told["value"] == ("" if states is None else str(states))
    assert f"of {version.VERSION}, and run from /srv/octavia_config.py" in told["reason"]
    assert "saltutil.sync_all" in told["remedy"]
