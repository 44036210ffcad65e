"""Short forms that a text writes out."""

import pytest

from shared.extraction.aliases import is_short_for, short_forms
from shared.language.entities import entities


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("The World Health Organization (WHO) is in Geneva.", "en", [("World Health Organization", "WHO")]),
        ("The WHO (World Health Organization) is in Geneva.", "en", [("World Health Organization", "WHO")]),
        ("He joined the Department of Defense (DoD).", "en", [("Department of Defense", "DoD")]),
        ("Die Europäische Zentralbank in Frankfurt (EZB) tagt.", "de", []),
        ("Die Deutsche Bahn (DB) fährt, der Deutsche Wetterdienst (DWD) misst.", "de", [("Deutsche Bahn", "DB")]),
        ("Boeing (NYSE) fell, Bell Labs (Murray Hill) did not.", "en", []),
        ("It is made by General Electric (see GE).", "en", []),
    ],
)
def test_a_name_has_the_short_form_that_its_text_writes_out(
    text: str, language: str, found: list[tuple[str, str]]
) -> None:
    assert list(short_forms(text, entities(text, language)))[:1] == found


def test_a_short_form_has_the_initials_of_its_name() -> None:
    assert is_short_for("USA", "United States of America")
    assert is_short_for("BBC", "British Broadcasting Corporation")
    for short, long in (("BBC", "British Library"), ("A", "Apple"), ("abc", "Alpha Beta Corp"), ("WHO", "WHO")):
        assert not is_short_for(short, long), (short, long)
