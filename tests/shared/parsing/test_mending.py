"""What the text layer adds to blocks that were seen in a page's picture."""

from shared.parsing.document import Block
from shared.parsing.paged.layout_repair import repair_layout
from shared.parsing.paged.table_grid import table_rows
from shared.parsing.paged.table_words import TableWord
from shared.parsing.paged.text_blocks import TextPage, heading_level, joined, marked
from shared.parsing.paged.text_layer import TextRun
from shared.types.passage import Box

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


def run(text: str, left: float, top: float, size: float = 10) -> TextRun:
    return TextRun(text, (left, top, left + 5 * len(text), top + size), size)


def page(*runs: TextRun) -> TextPage:
    return TextPage(runs, 600, 800)


def test_a_paragraph_of_even_rows_is_a_table_whichever_way_its_cells_are_aligned() -> None:
    runs = [run("Year", 50, 50), run("Ducks", 200, 50)]
    runs += [run(str(2019 + place), 72, 70 + 20 * place) for place in range(3)]
    runs += [run(str(120 + place), 240, 70 + 20 * place) for place in range(3)]
    block = Block("paragraph", "Year Ducks 2019 120 2020 121 2021 122", page=1, box=WHOLE)
    table = repair_layout([block], page(*runs), 10)[0]
    assert table.kind == "table" and table.box == WHOLE
    assert table.rows == (("Year", "Ducks"), ("2019", "120"), ("2020", "121"), ("2021", "122"))


def test_a_mark_that_was_read_by_its_glyphs_name_is_an_items_again() -> None:
    def item(text: str, top: float) -> Block:
        return Block("paragraph", text, page=1, box=(0.05, top / 800, 0.9, (top + 12) / 800))

    runs = (run("•", 50, 100), run("grease the crane", 65, 101), run("•", 50, 120), run("ring the bell", 65, 121))
    blocks = repair_layout([item("SM590000 grease the crane", 99), item("∞ ring the bell", 119)], page(*runs), 10)
    assert [(block.kind, block.text) for block in blocks] == [("list", "- grease the crane\n- ring the bell")]


def test_a_sign_that_begins_a_paragraph_is_no_mark_of_an_item() -> None:
    texts = ("§ 5 of the law", "€ 12 an hour", "≥ 18 years", "± 2 mm", "☒ Late arrival", "☑ Insured", "□ Parking")
    for text in texts:
        block = Block("paragraph", text, page=1, box=(0.05, 99 / 800, 0.9, 111 / 800))
        sign, _, words = text.partition(" ")
        for runs in ((run(text, 50, 100),), (run(sign, 50, 100), run(words, 65, 100))):
            assert repair_layout([block], page(*runs), 10) == [block]


def test_a_headings_level_is_by_its_number_or_by_the_size_of_its_letters() -> None:
    assert [heading_level(text, 12, 10) for text in ("3 Cranes", "3.1 Greasing", "3.1.2 Tins")] == [2, 3, 4]
    assert [heading_level("Cranes", size, 10) for size in (20, 14, 11)] == [1, 2, 3]


def test_a_cells_broken_text_stays_in_its_row_and_a_title_joins_no_columns() -> None:
    def word(text: str, left: float, top: float) -> TableWord:
        return TableWord(text, (left, top, left + 6 * len(text), top + 10))

    words = [word("Everything about cranes and vessels", 20, 0)]
    words += [word(text, left, 30) for text, left in (("Name", 10), ("Duty", 120), ("Hours", 260))]
    words += [word("Ada", 10, 60), word("greases the", 120, 60), word("eight", 260, 60), word("cranes", 120, 71)]
    assert table_rows(words)[1:] == [("Name", "Duty", "Hours"), ("Ada", "greases the cranes", "eight")]


def test_divided_words_are_whole_and_marks_are_markdowns() -> None:
    assert joined(iter(["the har-", "bour of", "North-", "Sea"])) == "the harbour of North- Sea"
    assert [marked(item) for item in ("• one", "2) two", "a) three")] == ["- one", "2) two", "- a) three"]
