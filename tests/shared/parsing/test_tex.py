"""LaTeX is read as it is set."""

import pytest

from shared.parsing.docling.parsers import parse
from shared.parsing.limits import ParsingLimits

PAGE = "\\documentclass{article}\n\\begin{document}\nSeen. %s End.\n\\end{document}\n"


def read(body: str) -> tuple[str, int]:
    document = parse("application/x-tex", "a.tex", (PAGE % body).encode(), ParsingLimits())
    return " ".join(" ".join(block.text for block in document.blocks).split()), document.hidden_words


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Table~3 of Dr.\\ Vik", "Table 3 of Dr. Vik"),
        ("pages 3--7 and so --- maybe", "pages 3–7 and so — maybe"),
        ("Ten $10^6$ litres", "Ten 10^6 litres"),
        ("\\begin{verbatim}\na--b~c\n\\end{verbatim}\n", "a--b~c"),
    ],
)
def test_a_line_is_read_as_it_is_set(body: str, text: str) -> None:
    assert read(body) == (f"Seen. {text} End.", 0)


@pytest.mark.parametrize(
    "body",
    [
        "\\iffalse secret words \\fi",
        "\\begin{comment}\nsecret words\n\\end{comment}\n",
        "\\phantom{secret words}",
        "\\textcolor{white}{secret words}",
    ],
)
def test_what_is_not_seen_is_counted_and_not_read(body: str) -> None:
    assert read(body) == ("Seen. End.", 2)
