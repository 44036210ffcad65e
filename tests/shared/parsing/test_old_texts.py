"""Text that nobody sees in a document of Word 97 to 2003 is counted and not read."""

import struct

import pytest

from shared.parsing.legacy.word_hidden import without_hidden
from tests.documents.legacy import doc
from tests.documents.routed import read, text_of

VANISH, NOT_HIDDEN, AS_STYLE, UNLIKE_STYLE = (struct.pack("<HB", 0x083C, value) for value in (1, 0, 0x80, 0x81))
DELETED = struct.pack("<HB", 0x0800, 1)
TINY, LARGE = (struct.pack("<HH", 0x4A43, size) for size in (2, 24))
BORDER = struct.pack("<HB", 0xCA47, 2) + b"\1\2"
TEXT = "Seen secret words. Größe"


@pytest.mark.parametrize("look", [VANISH, DELETED, TINY, BORDER + VANISH, LARGE + VANISH])
def test_hidden_and_deleted_letters_are_counted_and_not_read(look: bytes) -> None:
    document = read("a.doc", doc(TEXT, [(5, 18, look)]))
    assert text_of(document).split() == ["Seen", "Größe"] and document.hidden_words == 2


@pytest.mark.parametrize("look", [NOT_HIDDEN, LARGE, BORDER, AS_STYLE])
def test_letters_that_are_seen_are_read(look: bytes) -> None:
    document = read("a.doc", doc(TEXT, [(5, 18, look)]))
    assert text_of(document) == TEXT and document.hidden_words == 0


@pytest.mark.parametrize(
    ("look", "seen"), [(LARGE, ["Last."]), (NOT_HIDDEN, ["secret", "Last."]), (UNLIKE_STYLE, ["secret", "Last."])]
)
def test_a_style_hides_the_letters_of_its_paragraphs(look: bytes, seen: list[str]) -> None:
    content = doc("secret Last.", [(0, 6, look), (7, 12, NOT_HIDDEN)], [LARGE, VANISH], style=1)
    assert text_of(read("a.doc", content)).split() == seen


def test_a_document_that_cannot_be_taken_apart_stays_as_it_is() -> None:
    content = doc(TEXT, [(5, 18, VANISH)])
    for damaged in (content[:600], b"no compound file", content.replace(b"\x3c\x08\x01", b"\x3c\x08\x00")):
        assert without_hidden(damaged) == (damaged, 0)
