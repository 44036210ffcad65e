"""What stays of a model's words is carried by a sentence of a source."""

import pytest

from shared.answers.support import supported
from shared.types.passage import Found, Passage

MANUAL = (
    "The pump P-101 has a pressure limit of 16 bar. Laptops are replaced every four years. "
    "Visitors must not smoke in the hall. Members pay only in cash. "
    "More stands at https://pumps.example/p-101?page=2, or ask help@pumps.example. "
    "Der Antrag wird innerhalb von zwölf Tagen geprüft."
)
OTHER = "Ada Moreno serviced the pump. Her number is 4711."
SOURCES = [
    Found(Passage(f"psg_{number}", f"doc_{number}", generation=1, position=0, text=text), 0.9)
    for number, text in enumerate((MANUAL, OTHER), 1)
]


def is_supported(statement: str) -> bool:
    return supported(statement, SOURCES, {}).answered


SUPPORTED = [
    "The pressure limit of the pump P-101 is 16 bar [1].",
    "The pressure limit of the pump P-101 is sixteen bar [1].",
    "Laptops are replaced every 4 years [1].",
    "Visitors must not smoke in the hall [1].",
    "Members cannot pay but in cash [1].",
    "More stands at https://pumps.example/p-101?page=2 [1].",
    "Ask [help@pumps.example](mailto:help@pumps.example).",
    "Der Antrag wird innerhalb von 12 Tagen geprüft [1].",
    "The pump was serviced by Ada Moreno [1].",
]
UNSUPPORTED = [
    "The pressure limit of the pump P-101 is 160 bar [1].",
    "The pressure limit of the pump P-101 is sixty bar [1].",
    "The pressure limit of the pump P-101 isn't 16 bar [1].",
    "Laptops are never replaced every four years [1].",
    "More stands at https://pumps.example/p-101?page=4711 [1].",
    "More stands at https://pumps.example.evil.example/p-101 [1].",
    "More stands at [our page](https://evil.example/) [1].",
    "More stands here: ![](//evil.example/moreno) [1].",
    "More stands at www.evil.example [1].",
    "More stands at pumps.example/moreno [1].",
    "More stands here, or ask moreno@pumps.example [1].",
    "More stands [here](javascript:alert) [1].",
    "Der Antrag wird nicht innerhalb von zwölf Tagen geprüft [1].",
]


@pytest.mark.parametrize("statement", SUPPORTED)
def test_what_a_source_says_stays(statement: str) -> None:
    assert is_supported(statement)


@pytest.mark.parametrize("statement", UNSUPPORTED)
def test_what_no_source_says_is_left_out(statement: str) -> None:
    assert not is_supported(statement)


def test_an_address_is_cited_from_the_source_that_has_it() -> None:
    found = supported("More stands at https://pumps.example/p-101?page=2 [2].", SOURCES, {})
    assert [citation.document_id for citation in found.citations] == ["doc_1"]
