"""What the pieces of a document promise."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.chunk.ruler import CountTokens
from functions.chunk.splitter import ChunkDraft, split
from shared.parsing.document import Block, ParsedDocument
from shared.parsing.tables import table_markdown
from shared.types.passage import Box


def count_words(texts: list[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def count_letters(texts: list[str]) -> list[int]:
    return [len("".join(text.split())) for text in texts]


def pieces(*blocks: Block, title: str = "Handbook", most: int = 40) -> list[ChunkDraft]:
    document = ParsedDocument(blocks)
    return split(document, title=title, count_tokens=count_words, detect_language=lambda _: "en", max_tokens=most)


def heading(text: str, level: int = 1) -> Block:
    return Block("heading", text, level=level)


def paragraph(text: str) -> Block:
    return Block("paragraph", text)


def table(*rows: tuple[str, ...]) -> Block:
    return Block("table", table_markdown(rows), rows=rows)


def words(count: int, name: str = "w") -> str:
    return " ".join(f"{name}{number}" for number in range(count))


def sentences(count: int, length: int = 8) -> str:
    return " ".join(f"Sentence {number} {words(length - 3)} end." for number in range(count))


def solid(text: str) -> str:
    return "".join(text.split())


TEXTS = st.text(alphabet="abcé .!?\n漢。-1:", min_size=1, max_size=120).filter(lambda text: text.strip() != "")
PAGES = st.none() | st.integers(1, 3)
BLOCKS = st.one_of(
    st.builds(Block, st.sampled_from(["paragraph", "list", "code", "quote", "picture"]), TEXTS, page=PAGES),
    st.builds(Block, st.just("heading"), TEXTS, level=st.integers(1, 6), page=PAGES),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(BLOCKS, max_size=12), st.integers(1, 60), st.sampled_from([count_words, count_letters]))
def test_the_pieces_hold_every_character_of_the_document_once_and_in_order(
    blocks: list[Block], most: int, count: CountTokens
) -> None:
    document = ParsedDocument(tuple(blocks))
    found = split(document, title="", count_tokens=count, detect_language=lambda _: "en", max_tokens=most)
    text = "".join(solid(piece.text) for piece in found)
    expected = "".join("#" * block.level * (block.kind == "heading") + solid(block.text) for block in blocks)
    assert text.replace("#", "") == expected.replace("#", "")
    assert found == split(document, title="", count_tokens=count, detect_language=lambda _: "en", max_tokens=most)


@settings(max_examples=100, deadline=None)
@given(st.lists(BLOCKS, max_size=12), st.integers(4, 60))
def test_no_piece_is_longer_than_allowed_and_its_tokens_are_counted_right(blocks: list[Block], most: int) -> None:
    for piece in pieces(*blocks, most=most, title=""):
        assert piece.tokens <= most
        assert piece.tokens >= count_words([piece.text])[0]


CELLS = st.text(alphabet="ab1 |", max_size=12).map(str.strip)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5), st.data(), st.integers(3, 60))
def test_a_table_loses_no_cell_however_it_is_cut(width: int, data: st.DataObject, most: int) -> None:
    rows = data.draw(st.lists(st.tuples(*[CELLS] * width), min_size=1, max_size=12))
    rows[0] = tuple(f"h{place}" for place in range(width))
    # a word longer than a piece may be is cut, so cells are looked for without their spaces
    text = solid("".join(piece.text for piece in pieces(table(*rows), most=most, title="")))
    place = 0
    for part in (solid(part) for row in rows for cell in row for part in cell.split("|")):
        place = text.index(part, place) + len(part)
    assert all(f"h{column}" in text for column in range(width))


def test_a_small_document_is_one_piece_with_its_heading() -> None:
    (piece,) = pieces(heading("Holidays"), paragraph("Everybody has 30 days."))
    assert piece.text == "# Holidays\n\nEverybody has 30 days."
    assert piece.context == "Handbook > Holidays"
    assert piece.language == "en"


def test_a_document_without_words_has_no_pieces() -> None:
    assert pieces() == []
    assert pieces(paragraph("  \n ")) == []


def test_the_context_is_the_title_and_the_path_of_headings() -> None:
    found = pieces(
        heading("Staff"), heading("Holidays", 2), paragraph(words(30)), heading("Sickness", 2), paragraph(words(30))
    )
    assert [piece.context for piece in found] == ["Handbook > Staff > Holidays", "Handbook > Staff > Sickness"]


def test_a_title_that_is_the_first_heading_is_said_once() -> None:
    (piece,) = pieces(heading("Staff handbook"), paragraph("words"), title="Staff Handbook")
    assert piece.context == "Staff Handbook"


def test_a_piece_does_not_reach_into_another_section() -> None:
    found = pieces(heading("One"), paragraph(words(25, "a")), heading("Two"), paragraph(words(25, "b")))
    assert [("a0" in piece.text, "b0" in piece.text) for piece in found] == [(True, False), (False, True)]


def test_tiny_sections_share_a_piece_and_keep_their_headings() -> None:
    (piece,) = pieces(
        heading("Contact"),
        *(block for name in ("Phone", "Mail", "Fax") for block in (heading(name, 2), paragraph(f"{name} is 123."))),
    )
    assert piece.text.index("## Mail") < piece.text.index("Mail is 123.") < piece.text.index("## Fax")
    assert piece.context == "Handbook > Contact"


def test_a_tiny_section_does_not_join_the_next_chapter() -> None:
    found = pieces(
        heading("One"), paragraph(words(30)), heading("Tiny", 2), paragraph("x"), heading("Two"), paragraph("y")
    )
    assert not any("# Two" in piece.text and "Tiny" in piece.text for piece in found)


def test_no_heading_is_left_behind_by_what_it_heads() -> None:
    found = pieces(heading("Chapter"), heading("Section", 2), paragraph(sentences(20)))
    assert found[0].text.startswith("# Chapter\n\n## Section\n\nSentence 0")
    assert not any(piece.text.splitlines()[-1].startswith("#") for piece in found)


def test_paragraphs_stay_whole_and_share_a_piece_while_they_fit() -> None:
    found = pieces(*(paragraph(words(12, name)) for name in "abcdef"))
    assert [piece.tokens for piece in found] == [36, 36]
    assert found[0].text == "\n\n".join(words(12, name) for name in "abc")


def test_a_long_paragraph_is_cut_at_the_ends_of_sentences_into_even_pieces() -> None:
    found = pieces(paragraph(sentences(9)))
    assert all(piece.text.endswith("end.") for piece in found)
    assert [piece.tokens for piece in found] == [40, 32]


def test_abbreviations_and_numbers_do_not_end_a_sentence() -> None:
    text = f"{words(20)} as Dr. Who said e.g. Tuesday, No. 5. {words(20, 'W')}"
    first, second = pieces(paragraph(text))
    assert first.text.endswith("No. 5.")
    assert second.text == words(20, "W")


def test_german_dates_and_abbreviations_do_not_end_a_sentence() -> None:
    text = f"{words(16)} am 7. Januar für 30 Mio. Euro im 19. Jahrhundert. {words(20, 'W')}"
    first, second = pieces(paragraph(text))
    assert first.text.endswith("im 19. Jahrhundert.")
    assert second.text == words(20, "W")


def test_a_sentence_too_long_for_a_piece_is_cut_at_words() -> None:
    found = pieces(paragraph(words(200)))
    assert " ".join(piece.text for piece in found) == words(200)
    assert max(piece.tokens for piece in found) <= 40


def test_a_word_without_end_is_cut_too() -> None:
    found = pieces(paragraph("A" * 100_000))
    assert "".join(piece.text for piece in found) == "A" * 100_000
    assert max(len(piece.text) for piece in found) <= 40 * 16


def test_a_table_that_fits_is_whole() -> None:
    (piece,) = pieces(table(("City", "People"), ("Bonn", "330 000"), ("Ulm", "127 000")))
    assert piece.text == "| City | People |\n| --- | --- |\n| Bonn | 330 000 |\n| Ulm | 127 000 |"


def test_every_part_of_a_long_table_has_its_header() -> None:
    found = pieces(heading("Cities"), table(("City", "People"), *((f"City{n}", f"{n}") for n in range(40))))
    assert len(found) > 5
    assert all("| City | People |\n| --- | --- |\n| City" in piece.text for piece in found)
    assert max(piece.tokens for piece in found) <= 40
    assert re.findall(r"City\d+", " ".join(piece.text for piece in found)) == [f"City{n}" for n in range(40)]


def test_a_table_too_wide_is_told_cell_by_cell_under_its_columns() -> None:
    columns = tuple(f"column{n}" for n in range(100))
    found = pieces(table(columns, tuple(f"value{n}" for n in range(100))))
    assert "column63: value63" in "\n".join(piece.text for piece in found)
    assert max(piece.tokens for piece in found) <= 40


def test_a_list_stays_with_the_line_that_announces_it() -> None:
    items = "\n".join(f"- item {n} of the list" for n in range(5))
    found = pieces(paragraph(words(20)), paragraph("You need:"), Block("list", items))
    assert [piece.text for piece in found] == [words(20), f"You need:\n\n{items}"]


def test_a_long_list_is_cut_between_its_items() -> None:
    items = "\n".join(f"- item {n}\n  - below {n} with words" for n in range(20))
    found = pieces(Block("list", items))
    assert all(piece.text.startswith("- item") for piece in found)
    assert "\n".join(piece.text for piece in found) == items


def test_a_long_context_takes_its_room_from_the_piece() -> None:
    blocks = (heading(words(14)), paragraph(sentences(40)))
    document = ParsedDocument(blocks)
    found = split(
        document,
        title=words(10),
        count_tokens=count_words,
        detect_language=lambda _: "en",
        max_tokens=60,
        context_tokens=5,
    )
    assert all(piece.tokens + count_words([piece.context])[0] <= 60 + 5 for piece in found)


def test_a_piece_knows_its_page_and_the_box_around_its_blocks() -> None:
    box: Box = (0.1, 0.1, 0.5, 0.2)
    first, second = pieces(
        Block("paragraph", words(15, "a"), page=3, box=box),
        Block("paragraph", words(15, "b"), page=3, box=(0.2, 0.3, 0.9, 0.4)),
        Block("paragraph", words(30, "c"), page=4, box=box),
    )
    assert (first.page, first.box) == (3, (0.1, 0.1, 0.9, 0.4))
    assert (second.page, second.box) == (4, box)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 30), st.booleans()), max_size=12), st.integers(4, 40))
def test_all_words_of_a_piece_stand_on_its_page(rows: list[tuple[int, int, bool]], most: int) -> None:
    """Each word names the page that it stands on; a heading may end the page before what it leads to."""
    blocks = [
        Block("heading" if heads else "paragraph", words(count, f"page{page}-"), level=2 * heads, page=page)
        for page, count, heads in sorted(rows)
    ]
    for piece in pieces(*blocks, most=most):
        body = [line for line in piece.text.split("\n\n") if not line.startswith("#")]
        assert {int(page) for page in re.findall(r"page(\d)-", " ".join(body))} <= {piece.page}


def test_pages_of_a_few_words_are_pieces_of_their_own_with_the_headings_that_lead_to_them() -> None:
    found = pieces(
        Block("heading", "Cranes", level=1, page=1),
        Block("paragraph", "Alpha is green.", page=1),
        Block("heading", "More", level=1, page=1),
        Block("paragraph", "They say:", page=2),
        Block("list", "- Beta is red", page=3),
    )
    assert [(piece.page, piece.text) for piece in found] == [
        (1, "# Cranes\n\nAlpha is green."),
        (2, "# More\n\nThey say:"),
        (3, "- Beta is red"),
    ]


def test_the_language_is_told_for_each_piece() -> None:
    document = ParsedDocument((heading("Eins"), paragraph("ja " * 30), heading("Two"), paragraph("yes " * 30)))
    found = split(
        document,
        title="",
        count_tokens=count_words,
        detect_language=lambda text: "de" if "ja" in text else "en",
        max_tokens=40,
    )
    assert [piece.language for piece in found] == ["de", "en"]


@pytest.mark.parametrize(
    "block",
    [
        paragraph("word " * 400_000),
        paragraph("Some words of a sentence. " * 80_000),
        Block("code", "x = 1\n" * 100_000),
        table(("a", "b"), *[("one", "two")] * 50_000),
        table(tuple(f"c{n}" for n in range(10_000)), *[tuple(f"{n}" for n in range(10_000))] * 2),
    ],
    ids=["words", "sentences", "code", "rows", "columns"],
)
def test_the_time_for_a_huge_block_is_bounded(block: Block) -> None:
    started = time.process_time()
    assert len(pieces(block, most=220)) > 10
    assert time.process_time() - started < 8
