"""A parsed document written as Markdown reads like the same document."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.parsing.document import Block, ParsedDocument
from shared.parsing.light.parsers import parse_light
from shared.parsing.limits import ParsingLimits
from shared.parsing.markdown import to_markdown


def again(document: ParsedDocument) -> ParsedDocument:
    return parse_light("text/markdown", to_markdown(document).encode(), ParsingLimits())


def test_structure_survives_the_round() -> None:
    source = (
        "# Guide\n\nText with a line.\n\n## Part *two*\n\n1. one\n2. two\n   - inner\n\n> said\n>\n> twice\n\n"
        "```\nx = `1`\n\n# no heading\n```\n\n| a | b |\n| --- | --- |\n| 1 | x \\| y |\n"
    )
    document = parse_light("text/markdown", source.encode(), ParsingLimits())
    assert again(document) == document


@pytest.mark.parametrize(
    "text",
    [
        "# no heading",
        "1. no list",
        "- no list",
        "> no quote",
        "*no* _emphasis_ `here`",
        "a <b> &amp; c",
        "[a](b)",
        "| a |",
        "===",
        "snake_case ~~x~~ a\\b",
    ],
)
def test_text_that_looks_like_markdown_stays_text(text: str) -> None:
    document = ParsedDocument((Block("paragraph", "words"), Block("paragraph", text)))
    assert again(document).blocks == document.blocks


LINES = st.text(alphabet="ab1 .-+*_`#>|[]()!<&;:=~\\/", min_size=1, max_size=40)


@settings(max_examples=200, deadline=None)
@given(
    st.text(alphabet="ab1 .-+*_`#>|[]()!<&;:=~\\/", min_size=1, max_size=40).map(lambda text: " ".join(text.split()))
)
def test_any_line_of_text_stays_as_it_is(text: str) -> None:
    document = ParsedDocument((Block("paragraph", f"x {text}".strip()), Block("paragraph", "end")))
    assert again(document).blocks == document.blocks
