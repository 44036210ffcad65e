"""What stays of a model's words is carried by a sentence of a source."""

import pytest

from shared.answers.citations import AnswerText
from shared.answers.support import SupportCheck
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


def checked(answer: str, *more: str) -> AnswerText:
    """What stays of an answer that comes in these pieces."""
    text = AnswerText({})
    check = SupportCheck(SOURCES, text)
    pieces = [added.text for piece in (answer, *more) for added in check.feed(piece)]
    pieces += [added.text for added in check.finish()]
    assert "".join(pieces) == text.text
    return text


def is_supported(statement: str) -> bool:
    return bool(checked(statement).citations)


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
    found = checked("More stands at https://pumps.example/p-101?page=2 [2].")
    assert [citation.document_id for citation in found.citations] == ["doc_1"]


LONG = """# Answer

The pressure limit of the pump P-101 is 16 bar. [1] It explodes at 900 bar [1]! The pump was serviced by Ada Moreno [2].

- Visitors must not smoke in the hall [1]
- The hall burns at 900 degrees [1]
- Members pay only in cash [1, 2]

More stands at https://pumps.example/p-101?page=2 [1]. NO ANSWER. Laptops are replaced
every four years [1]
"""


@pytest.mark.parametrize("size", [1, 2, 3, 7, 19, 64, 5000])
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(size: int) -> None:
    pieces = [LONG[at : at + size] for at in range(0, len(LONG), size)]
    assert checked(*pieces).text == (
        "The pressure limit of the pump P-101 is 16 bar [1]. The pump was serviced by Ada Moreno [2].\n"
        "- Visitors must not smoke in the hall [3]\n- Members pay only in cash [4]\n\n"
        "More stands at `https://pumps.example/p-101?page=2` [5]. Laptops are replaced\nevery four years [6]"
    )


def test_a_statement_is_given_out_with_the_first_word_behind_it() -> None:
    check = SupportCheck(SOURCES, AnswerText({}))
    assert not list(check.feed("The pressure limit of the pump P-101 is 16 bar [1]. "))
    assert not list(check.feed("It"))
    assert [piece.text for piece in check.feed(" explodes")] == ["The pressure limit of the pump P-101 is 16 bar [1]."]


def test_marks_are_numbered_by_first_use_and_none_is_left_without_its_citation() -> None:
    found = checked("Laptops are replaced every four years [2]. Members pay only in cash [7][1]. Then it rains [1].")
    assert found.text == "Laptops are replaced every four years [1]. Members pay only in cash [2]."
    assert [citation.index for citation in found.citations] == [1, 2]


@pytest.mark.parametrize(
    "hidden",
    [
        "https://evil.example/?q=moreno",
        "ht\u200btps://evil.example/",
        "&#104;ttps://evil.example/x",
        "//evil.example/x",
    ],
)
def test_an_address_that_no_source_has_leaves_in_no_disguise(hidden: str) -> None:
    found = checked(f"More stands at https://pumps.example/p-101?page=2, ![]({hidden}) [1]. Members pay only in cash.")
    assert "evil" not in found.text
    assert found.citations


def test_an_answer_of_sixteen_thousand_stops_is_checked_in_linear_time() -> None:
    for hostile in ("!", "a. ", "[1] ", "\n", "- a\n", "| a | b |\n", "A "):
        assert not checked(hostile * (16_000 // len(hostile))).citations


def test_the_words_of_no_answer_are_none() -> None:
    for words in ("NO ANSWER", "No answer.", "**NO ANSWER**", "NO ANSWER [1]."):
        assert checked(words).text == ""
