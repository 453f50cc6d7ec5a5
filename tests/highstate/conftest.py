"""Has pytest show what differs where an assertion of what both test files share fails."""

import pytest

pytest.register_assert_rewrite("tests.highstate.course")
