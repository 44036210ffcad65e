"""The result of every parser: blocks in reading order."""

from typing import Literal

from msgspec import Struct

from shared.types.passage import Box

ElementKind = Literal["title", "heading", "paragraph", "list", "table", "code", "quote", "picture"]


class Block(Struct, frozen=True, omit_defaults=True):
    """One element. `level` is that of a heading (1 to 6); `rows` are a table's cells, the first row its header;
    `text` is always filled, for a table with its rows as Markdown, for a list with one item a line, marked. What is
    `aside` stands beside the document's own text: a speaker's notes, a review of it."""

    kind: ElementKind
    text: str
    level: int = 0
    rows: tuple[tuple[str, ...], ...] = ()
    page: int | None = None
    box: Box | None = None
    aside: bool = False


class PicturePlace(Struct, frozen=True):
    """A picture of a document, by where it stands."""

    page: int
    box: Box

    @property
    def is_page(self) -> bool:
        """Whether the picture covers most of its page, as a scan does."""
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top) > 0.5


TextSource = Literal["native", "ocr", "mixed"]


class PageReading(Struct, frozen=True, omit_defaults=True):
    """How a page was read: from its text layer (`native`), by OCR, or both. `confidence` is the mean score of the lines
    that OCR returned, in thousandths, None without OCR. Of the `words_in` that the text layer holds, `words_out` are in
    the document; both are 0 where the page has none. `hidden_words` are those that a reader does not see and that are
    left out."""

    page: int
    text_source: TextSource
    confidence: int | None
    words_in: int
    words_out: int
    hidden_words: int = 0


class ParsedDocument(Struct, frozen=True, omit_defaults=True):
    """A parsed document. `pages` is 0 where the format has none; `hidden_words` were left out because a reader of the
    document does not see them; `parser` is the one that read it, with the encoding where that was guessed. Of the
    `words_in` that another reader finds in it, `words_out` are in the blocks; both are 0 where nothing else can count
    them."""

    blocks: tuple[Block, ...]
    title: str = ""
    pages: int = 0
    hidden_words: int = 0
    page_readings: tuple[PageReading, ...] = ()
    parser: str = ""
    words_in: int = 0
    words_out: int = 0


class Slice(Struct, frozen=True, omit_defaults=True):
    """Some consecutive pages of a document that has `pages` in all. `until` is the last one that was read; `unread`
    counts those that are pictures, where nothing is here to read pictures; `seconds` is its processor time."""

    blocks: tuple[Block, ...]
    until: int
    pages: int
    title: str = ""
    unread: int = 0
    seconds: float = 0.0
    hidden_words: int = 0
    page_readings: tuple[PageReading, ...] = ()


class PageStatistics(Struct, frozen=True):
    """The estimated extent of a paged document: its pages and letters of text, the pages that need OCR with about
    `ocr_letters` on them, and the pages that need layout analysis. `sample` is some of its text."""

    pages: int
    letters: int
    ocr_pages: int = 0
    ocr_letters: int = 0
    layout_pages: int = 0
    sample: str = ""
