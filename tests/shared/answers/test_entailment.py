"""Statements of the sets in `statements/`: faithful ones stay, false ones are left out."""

import pytest

from tests.speed.statements import LANGUAGES, outcomes_of, parts

LEAST = 0.9
LEAST_HELD_OUT = 0.75
"""Of statements that nobody fitted a rule to: see docs/reference/statements-measured.md."""


@pytest.mark.parametrize("part", parts())
def test_faithful_statements_stay_and_false_ones_are_left_out(part: str) -> None:
    outcomes = list(outcomes_of(part))
    for language in LANGUAGES:
        for is_true in (True, False):
            rows = [one.is_right for one in outcomes if (one.language, one.is_true) == (language, is_true)]
            least = LEAST if part == "development" else LEAST_HELD_OUT
            assert sum(rows) / len(rows) >= least, (language, is_true)
