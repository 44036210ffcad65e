"""Entities that a text names, found without a model."""

import time

import pytest

from shared.language.entities import LONGEST_NAME, entities
from tests.speed.entities import LANGUAGES, measure


def names(text: str, language: str = "en") -> list[str]:
    return [span.name for span in entities(text, language)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nine_of_ten_labelled_entities_are_found_and_nine_of_ten_found_are_right(language: str) -> None:
    matches, faults = measure(language)
    assert matches.precision >= 0.93, faults
    assert matches.recall >= 0.93, faults


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("In 1969 NASA's Neil Armstrong flew on Apollo 11.", ["NASA", "Neil Armstrong", "Apollo 11"]),
        ("J. K. Rowling moved to St. Louis.", ["J. K. Rowling", "St. Louis"]),
        ("President Obama met Angela Merkel on Monday.", ["Obama", "Angela Merkel"]),
        ("They met the President of France.", ["France"]),
        ("He studied at the University of North Texas.", ["University of North Texas"]),
        ("The valve GX-4400 and max_retries of parseConfig.", ["GX-4400", "max_retries", "parseConfig"]),
        ("It took 16GB, 3.5 km and 20th place in 2010.", []),
        ("Procter & Gamble | Unilever\nNestlé", ["Procter & Gamble", "Unilever", "Nestlé"]),
        ("READ ALL THESE NOTES FIRST", []),
        ("der hund und die katze", []),
        ("", []),
    ],
)
def test_names_acronyms_and_identifiers_are_entities(text: str, found: list[str]) -> None:
    assert names(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Die Bundesregierung und der Fahrgastverband lobten die Entscheidung.", []),
        ("Ursula von der Leyen sprach in Straßburg.", ["Ursula von der Leyen", "Straßburg"]),
        (
            "Der Entwurf von Olaf Scholz liegt der Universität Heidelberg vor.",
            ["Olaf Scholz", "Universität Heidelberg"],
        ),
        ("Bundeskanzlerin Merkel besuchte die Stadt Zürich.", ["Merkel", "Zürich"]),
    ],
)
def test_a_common_noun_in_german_is_no_entity(text: str, found: list[str]) -> None:
    assert names(text, "de") == found


def test_names_stand_where_the_text_has_them() -> None:
    text = "Here Ada Lovelace, there Ada Lovelace's notes."
    assert [text[span.start : span.end] for span in entities(text, "en")] == ["Ada Lovelace", "Ada Lovelace"]


@pytest.mark.parametrize("piece", ["A", "Ab ", "A. ", "Of of ", "A&", "a_1", "Ab-", "9", "Ab'", "Ab of "])
def test_the_time_is_linear_and_no_name_is_endless(piece: str) -> None:
    started = time.process_time()
    found = entities(piece * 10_000, "de") + entities(piece * 10_000, "en")
    assert time.process_time() - started < 5
    assert all(len(span.name) <= LONGEST_NAME for span in found)
