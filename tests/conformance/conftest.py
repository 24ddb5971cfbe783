"""Makes the checks of a case say what they compared."""

import pytest

pytest.register_assert_rewrite("tests.conformance.checks", "tests.conformance.story")
