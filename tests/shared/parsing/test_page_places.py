"""Each block of a document is on the printed page on which it begins."""

import time

import pytest

from shared.parsing.document import Block
from shared.parsing.letters import letters_of
from shared.parsing.page_places import place_blocks

LINE = "Quay {} is closed for repairs until the crane has been moved. "
ONE, TWO = LINE.format(1), LINE.format(2)
LONG = "| berth | ship |\n" + "\n".join(f"| {number} | ship number {number} of the fleet |" for number in range(400))


def paragraph(text: str) -> Block:
    return Block("paragraph", text)


@pytest.mark.parametrize(
    ("pages", "blocks", "expected"),
    [
        (
            ["Harbour report " + ONE, TWO],
            ["Harbour report", ONE, TWO],
            "112",
        ),
        ([ONE, "Header " + ONE, "Header " + TWO], [ONE] * 2, "12"),
        ([ONE, TWO], [ONE, "A picture's description", TWO], "112"),
        ([ONE, "Tides " + TWO], [ONE, "Tides", TWO], "122"),
        ([ONE, "", TWO], [ONE, TWO], "13"),
        (["", ""], ["What is printed nowhere"], "1"),
        (["The ﬁrst quay of three is closed"], ["The first QUAY of three is closed"], "1"),
    ],
    ids=["in order", "repeated", "not printed", "short heading", "empty page", "pages without text", "ligature"],
)
def test_a_block_is_where_its_text_is_printed(pages: list[str], blocks: list[str], expected: str) -> None:
    placed = place_blocks([paragraph(text) for text in blocks], [letters_of(page) for page in pages])
    assert "".join(str(block.page) for block in placed) == expected


def test_what_follows_a_table_over_many_pages_is_found_behind_it() -> None:
    whole = letters_of(LONG)
    pages = [whole[start : start + 3000] for start in range(0, len(whole), 3000)]
    blocks = [Block("table", LONG, page=1, box=(0, 0, 1, 1)), paragraph(ONE)]
    table, after = place_blocks(blocks, [*pages, letters_of(ONE)])
    assert (table.page, after.page) == (1, len(pages) + 1) and table.box is None


def test_the_name_of_a_sheet_is_on_the_page_of_its_first_table() -> None:
    blocks = [Block("heading", "Quays"), paragraph(ONE), Block("heading", "Quay 2 is closed"), paragraph(TWO)]
    pages = [letters_of(page) for page in (f"Quays {ONE}", f"Quays {TWO}")]
    assert [block.page for block in place_blocks(blocks, pages, headings_are_printed=False)] == [1, 1, 2, 2]


def test_a_list_is_found_however_its_items_are_numbered() -> None:
    printed = letters_of("Introduction to the harbour rules") + letters_of("(a) Report to the harbour master")
    rules = Block("list", "1. Report to the harbour master\n2. Wait for a berth")
    assert place_blocks([rules], [letters_of("Front page"), printed])[0].page == 2


def test_a_document_without_printed_pages_stays_as_it_is() -> None:
    block = Block("paragraph", "text", page=4)
    assert place_blocks([block], []) == (block,)


def test_a_document_of_which_nothing_is_printed_takes_no_longer_than_its_text() -> None:
    blocks = [paragraph(f"{number} is nowhere on these pages") for number in range(4000)]
    started = time.process_time()
    place_blocks(blocks, [letters_of(ONE) * 60] * 500)
    assert time.process_time() - started < 5
