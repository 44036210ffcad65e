"""What can be quoted: sentences, items and rows, cut where a reader would cut them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.answers.sentences import SentenceKind, sentences_of

FRAGMENTS = st.sampled_from(
    """Dr. Mills |paid 3.5 million. |Why? |~|~~|# Head~|- item |1. first~|e.g. this |end.|“Quoted.” |No. 5 |U.S. |\t| |
    z. B. hier. |Key: value~|¦ a ¦ b ¦~|¦---¦---¦~""".replace("~", "\n").split("|")
).map(lambda fragment: fragment.replace("¦", "|"))
TEXTS = st.one_of(st.text(max_size=200), st.lists(FRAGMENTS, max_size=12).map("".join))


def quotes(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentences_of(text) if span.kind is not SentenceKind.HEADING]


@given(TEXTS)
def test_pieces_are_in_order_and_nothing_but_white_space_is_lost(text: str) -> None:
    end = 0
    for span in sentences_of(text):
        assert span.start >= end
        assert not text[end : span.start].strip()
        assert span.end > span.start
        end = span.end
    assert not text[end:].strip()


@given(TEXTS)
def test_no_piece_begins_or_ends_with_white_space(text: str) -> None:
    for span in sentences_of(text):
        assert text[span.start : span.end] == text[span.start : span.end].strip()


@pytest.mark.parametrize(
    "sentence",
    [
        "Dr. A. Smith met Mrs. Jones at 3.30 p.m. on the pier.",
        "It costs 3.5 million, i.e. more than planned.",
        "Das Fest beginnt am 3. Oktober um 18 Uhr, vgl. Abb. 4.",
        "Version 2.1.4 fixes e.g. the import (see fig. 3).",
        "The U.S. troops left in 1946.",
    ],
)
def test_abbreviations_and_decimals_do_not_end_a_sentence(sentence: str) -> None:
    assert quotes(f"{sentence} Then came another.") == [sentence, "Then came another."]


def test_a_lone_capital_ends_a_sentence_where_another_begins() -> None:
    assert quotes("Meet behind building C. The porter calls.") == ["Meet behind building C.", "The porter calls."]


def test_questions_exclamations_and_closing_quotes_end_sentences() -> None:
    assert quotes("Is it open? Yes! He said “no.” Then he left.") == [
        "Is it open?",
        "Yes!",
        "He said “no.”",
        "Then he left.",
    ]


def test_headings_are_no_statements() -> None:
    assert quotes("# Opening hours\n\nWe open at nine.\n\nPrices\n\nEntry is free.") == [
        "We open at nine.",
        "Entry is free.",
    ]


def test_each_item_of_a_list_stands_alone() -> None:
    assert quotes("- bring boots\n- bring a coat\n  that is warm\n2) leave") == [
        "- bring boots",
        "- bring a coat\n  that is warm",
        "2) leave",
    ]


def test_a_row_of_a_table_is_read_with_its_head() -> None:
    text = "| Model | Price |\n|---|---|\n| Zephyr | 3.50 |\n| Nimbus | 9.00 |"
    rows = [span for span in sentences_of(text) if span.kind is SentenceKind.ROW]
    assert [text[row.start : row.end] for row in rows] == ["| Zephyr | 3.50 |", "| Nimbus | 9.00 |"]
    assert {row.lead for row in rows} == {"| Model | Price |"}


def test_a_wrapped_sentence_stays_one() -> None:
    assert quotes("The line was laid\nin 1926 and leaks.") == ["The line was laid\nin 1926 and leaks."]


def test_lines_of_a_form_stand_alone() -> None:
    assert quotes("Name: Ada Marsh\nPrice: 12 euros") == ["Name: Ada Marsh", "Price: 12 euros"]
