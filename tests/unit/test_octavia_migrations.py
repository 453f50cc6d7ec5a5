"""Alembic's scripts, without Alembic: which revision is the head, and where a database stands."""

import octavia_migrations as migrations
import pytest

BASE = '"""base\n\nRevision ID: a1\nRevises: None\n"""\nrevision = "a1"\ndown_revision = None\n'


def script(revision, down, style="plain"):
    """A migration script as Octavia's and TaskFlow's own look."""
    names = {
        "plain": ("revision", "down_revision"),
        "annotated": ("revision: str", "down_revision: Union[str, Sequence[str], None]"),
        "new": ("revision: str", "down_revision: str | tuple[str, ...] | None"),
    }[style]
    return (
        f'"""a step\n\nRevision ID: {revision}\nRevises: {down}\n"""\n\n'
        "from alembic import op\nimport sqlalchemy as sa\n\n"
        f"# revision identifiers, used by Alembic.\n{names[0]} = {revision!r}\n"
        f"{names[1]} = {down}\nbranch_labels = None\n\n\n"
        "def upgrade():\n    revision = 'not this one'\n    op.drop_table('x')\n"
    )


def history(*scripts):
    """The history of these scripts."""
    return migrations.History(scripts)


@pytest.mark.parametrize("style", ["plain", "annotated", "new"])
def test_a_line_of_revisions_has_one_head(style):
    made = history(BASE, script("c3", "'b2'", style), script("b2", "'a1'", style))
    assert (made.known, made.heads) == ({"a1", "b2", "c3"}, {"c3"})


@pytest.mark.parametrize(
    "down",
    ["('b2', 'c3')", "['b2', 'c3']", "(\n    'b2',\n    'c3',\n)", "('b2', 'c3')  # merge"],
)
def test_a_merge_follows_both_its_branches(down):
    branches = [script("b2", "'a1'"), script("c3", "'a1'")]
    assert history(BASE, *branches).heads == {"b2", "c3"}
    assert history(BASE, *branches, script("d4", down)).heads == {"d4"}


def test_a_package_without_scripts_has_no_head():
    assert history().heads == set()
    assert history("", '"""Nothing to see."""\n', "x = 1\n").heads == set()


@pytest.mark.parametrize(
    ("revisions", "state"),
    [
        ([], migrations.EMPTY),
        (["c3"], migrations.AT_HEAD),
        (["b2"], migrations.BEHIND),
        (["a1"], migrations.BEHIND),
        (["f00"], migrations.UNKNOWN),
        (["c3", "f00"], migrations.UNKNOWN),
    ],
)
def test_where_a_database_stands(revisions, state):
    made = history(BASE, script("b2", "'a1'"), script("c3", "'b2'"))
    assert made.compare(revisions) == state


@pytest.mark.parametrize(
    ("revisions", "state"),
    [
        (["b2", "c3"], migrations.AT_HEAD),
        (["c3", "b2"], migrations.AT_HEAD),
        (["b2"], migrations.BEHIND),
    ],
)
def test_two_branches_are_both_at_head_or_behind(revisions, state):
    made = history(BASE, script("b2", "'a1'"), script("c3", "'a1'"))
    assert made.compare(revisions) == state
