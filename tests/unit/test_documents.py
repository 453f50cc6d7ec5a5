"""The pages that are made from the data say what it says now."""

import document
import pytest
from given import PARAMETERS

OPTIONS = PARAMETERS["options"]


@pytest.mark.parametrize("name", document.PAGES)
def test_a_page_is_up_to_date(name):
    """Otherwise run `python3 -m tests.schema`."""
    text = (document.DOCS / name).read_text(encoding="utf-8")
    assert text == document.PAGES[name](OPTIONS).rstrip() + "\n"


def test_each_option_is_on_the_page_with_its_releases():
    page = document.options_page(OPTIONS)
    for section, options in OPTIONS["sections"].items():
        part = page.partition(f"\n[{section}]\n")[2].partition("\n[")[0]
        assert [name for name in options if f"\n``{name}`` " not in part] == []
    rows = [line.split() for line in page.splitlines() if line.startswith("``heartbeat_key``")]
    assert rows == [["``heartbeat_key``", "string", "all"]]
    (spares,) = (line for line in page.splitlines() if line.startswith("``spare_amphora_pool"))
    assert spares.endswith("to wallaby, deprecated in victoria")


def test_the_first_versions_are_those_of_the_releases():
    for release in PARAMETERS["releases"]:
        last = OPTIONS["points"][release["name"]]
        assert last.startswith(f"{release['series']}.")
        assert release["first"] in (last, f"{release['series']}.0.0")
