"""AsciiDoc is read as it is seen."""

import pytest

from shared.parsing.docling.parsers import parse
from shared.parsing.limits import ParsingLimits


def lines(text: str) -> tuple[list[str], int]:
    document = parse("text/asciidoc", "a.adoc", text.encode(), ParsingLimits())
    return [block.text for block in document.blocks], document.hidden_words


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Ten 10^6^ litres of H~2~O", ["Ten 10^6 litres of H2O"]),
        ("See https://a.example[the *page*^] and link:b.html[b].", ["See the page (https://a.example) and b."]),
        ("A word.footnote:[Foot words]", ["A word. (Foot words)"]),
        ("Press image:k.png[Key, 20] now", ["Press Key now"]),
        (
            "= T\nAda <a@b.example>\n:version: 2.1\n\nIn {version}, {other}",
            [":version: 2.1", "T", "Ada <a@b.example>", "In 2.1, {other}"],
        ),
        ("|===\n|A |B\n\n|1\n|2\n\n|3 |4\n|===", ["| A | B |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"]),
        ("----\n10^6^ // {x}\n----", ["10^6^ // {x}"]),
    ],
)
def test_a_line_is_read_as_it_is_seen(text: str, read: list[str]) -> None:
    assert lines(text) == (read, 0)


def test_comments_are_counted_and_not_read() -> None:
    assert lines("Open.\n\n// secret words\n\n////\nmore secrets\n////\n\nEnd.") == (["Open.", "End."], 4)
