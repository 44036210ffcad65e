"""Sentences in large letters are told from headings."""

from shared.parsing.document import Block, ElementKind
from shared.parsing.paged.sentence_repair import repair_sentences


def block(kind: ElementKind, text: str, top: float, left: float = 0.1) -> Block:
    return Block(kind, text, level=int(kind == "heading"), page=1, box=(left, top, left + 0.3, top + 0.05))


def shape(*blocks: Block) -> list[tuple[str, int, str]]:
    return [(one.kind, one.level, one.text) for one in repair_sentences(blocks)]


def test_a_heading_that_ends_as_a_sentence_does_is_a_paragraph() -> None:
    texts = ("The gate is locked.", "Is the gate locked?", "Lock it!", "“It is locked.”")
    assert all(shape(block("heading", text, 0.1)) == [("paragraph", 0, text)] for text in texts)
    assert shape(block("heading", "Gates", 0.1)) == [("heading", 1, "Gates")]


def test_a_sentence_that_goes_on_close_below_is_one_paragraph_with_one_box() -> None:
    for kind in ("heading", "paragraph"):
        upper, lower = block(kind, "The crane lifts", 0.1), block("paragraph", "forty tonnes.", 0.17)
        [whole] = repair_sentences([upper, lower])
        assert (whole.kind, whole.text) == ("paragraph", "The crane lifts forty tonnes.")
        assert whole.box == (0.1, 0.1, 0.4, 0.17 + 0.05)


def test_a_heading_on_two_lines_stays_one() -> None:
    upper, lower = block("heading", "Cranes of the", 0.1), block("heading", "northern quay", 0.16)
    assert shape(upper, lower) == [("heading", 1, "Cranes of the northern quay")]


def test_a_heading_keeps_apart_from_what_begins_anew_or_far_away_or_beside_it() -> None:
    heading = block("heading", "Cranes", 0.1)
    for other in (
        block("paragraph", "They lift timber.", 0.16),
        block("paragraph", "forty tonnes of timber", 0.4),
        block("paragraph", "forty tonnes of timber", 0.12, left=0.6),
        block("list", "- forty tonnes", 0.16),
    ):
        assert repair_sentences([heading, other]) == [heading, other]
