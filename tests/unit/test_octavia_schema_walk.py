"""Every option of every release can be set from the pillar, and is in the file as it was set."""

import octavia_findings as findings
import octavia_schema as schema
import octavia_values as values
import pytest
from given import GOOD, PARAMETERS, REMOVED, built, changed
from oslo_reader import read_file, write_file
from valid_values import another

OPTIONS = PARAMETERS["options"]
RELEASES = schema.releases(OPTIONS)


@pytest.mark.parametrize("release", RELEASES)
def test_every_option_of_a_release_can_be_set(release, tmp_path):
    """All of them at once, Octavia's own and those of its libraries."""
    view = schema.view(OPTIONS, release)
    given = {
        section: {name: another(f"{section}/{name}", era) for name, era in options.items()}
        for section, options in view.items()
    }
    changes = {f"api:{section}": options for section, options in given.items()}
    pillar = changed(GOOD, {"manager": REMOVED, "api:version": release, **changes})
    build = built(pillar)
    assert findings.errors(build.found) == []
    path = write_file(tmp_path / "octavia.conf", build.sections)
    read = read_file(path, view)
    count = 0
    for section, options in view.items():
        for name, era in options.items():
            value = values.parsed(era, given[section][name])
            assert value != era.get("default"), (section, name)
            assert values.problem(era, given[section][name]) is None, (section, name)
            written = values.text(era, given[section][name])
            assert build.sections[section][name]["text"] == written, (section, name)
            seen = read[section][name]
            assert seen == value or list(map(str, seen)) == value, (section, name)
            count += 1
    assert count == sum(len(options) for options in build.sections.values()) > 450
