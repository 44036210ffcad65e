"""Estimates the extent of a document: its pages, and the tokens that embedding it reads."""

from collections.abc import Iterable, Iterator
from math import ceil

from msgspec import Struct

from shared.estimation.token_estimator import TokenEstimator
from shared.parsing.document import Block, PageStatistics, ParsedDocument
from shared.parsing.tables import table_head

PASSAGE_TOKENS = 220
"""What a passage may be long, as the stage that cuts them is set."""

_MARKS = 2
"""Tokens that stand around each text that is embedded."""

_READ = 256
"""Tokens of a passage with its context that are read at most."""

_FILLED = 0.85
"""How full a passage is where a text goes on."""

_SEEN_LETTERS_A_TOKEN = 4.0
"""Of letters that only OCR can read, white space not counted."""

_LAID_OUT = 0.35
"""Share that tables add to the text of pages with a layout, as each of their parts repeats the header."""

_BESIDE_A_TEXT = 0.12
"""What the context of passages adds to a long text."""

_HEADING_TOKENS = 8.0
_PAGE_PASSAGES = 0.6
"""Passages that a page adds by where it ends and by the headings on it."""


class Range(Struct, frozen=True):
    """A range of whole numbers, both ends included."""

    low: int
    high: int

    @classmethod
    def around(cls, middle: float, below: float, above: float) -> "Range":
        """`below` and `above` are factors."""
        low = max(1, ceil(middle * below))
        return cls(low, max(low, min(ceil(middle * above), 3 * low)))


class Extent(Struct, frozen=True):
    """`pages` is 0 where the format has none. Embedding is likely to read `tokens`; `read` is the probable
    range."""

    pages: int
    tokens: int
    read: Range


def extent_of_document(document: ParsedDocument, title: str, *, many_languages: bool = False) -> Extent:
    """Returns the extent of a parsed document, before it is cut into passages."""
    text = "\n".join(block.text for block in document.blocks)
    measure = TokenEstimator(text, many_languages=many_languages)
    tokens = sum(_embedded(section) for section in _sections(document.blocks, title, measure))
    return Extent(document.pages, max(1, round(tokens)), Range.around(tokens, 0.72, 1.4))


def extent_of_pages(statistics: PageStatistics, title: str, *, many_languages: bool = False) -> Extent:
    """Returns the extent of a document that is not parsed, by the letters of some of its pages."""
    measure = TokenEstimator(statistics.sample, many_languages=many_languages)
    text = measure.of_letters(statistics.letters) * (1 + _LAID_OUT * statistics.layout_pages / max(statistics.pages, 1))
    text += statistics.ocr_letters / _SEEN_LETTERS_A_TOKEN
    passages = ceil(text / (_FILLED * PASSAGE_TOKENS)) + _PAGE_PASSAGES * max(0, statistics.pages - 1)
    context = _MARKS + measure.tokens(title) + (_HEADING_TOKENS if statistics.pages > 1 else 0.0)
    tokens = text + passages * context
    return Extent(statistics.pages, max(1, round(tokens)), Range.around(tokens, 0.58, 1.7))


def extent_of_sample(sample: str, letters: int, *, many_languages: bool = False) -> Extent:
    """Returns the extent of a document without pages, by its beginning and its estimated letters."""
    text = TokenEstimator(sample, many_languages=many_languages).of_letters(letters)
    tokens = text * (1 + _BESIDE_A_TEXT)
    return Extent(0, max(1, round(tokens)), Range.around(tokens, 0.58, 1.72))


class _Section(Struct):
    """A section's tokens: those of its context, and those of its text by page."""

    context: float
    pages: dict[int | None, float]

    @property
    def tokens(self) -> float:
        return sum(self.pages.values())


def _embedded(section: _Section) -> float:
    each = min(section.context + _MARKS, _READ / 2)
    passages = sum(
        1 if tokens <= PASSAGE_TOKENS else ceil(tokens / (_FILLED * PASSAGE_TOKENS))
        for tokens in section.pages.values()
    )
    return section.tokens + passages * each


def _sections(blocks: Iterable[Block], title: str, measure: TokenEstimator) -> Iterator[_Section]:
    """Yields the sections; tiny neighbours count as one, as they share a passage."""
    merged: _Section | None = None
    for section in _headed(blocks, title, measure):
        tiny = merged and min(merged.tokens, section.tokens) <= PASSAGE_TOKENS / 5
        if merged and tiny and merged.tokens + section.tokens <= PASSAGE_TOKENS / 2:
            for page, tokens in section.pages.items():
                merged.pages[page] = merged.pages.get(page, 0.0) + tokens
            merged.context = min(merged.context, section.context)
            continue
        if merged:
            yield merged
        merged = section
    if merged:
        yield merged


def _headed(blocks: Iterable[Block], title: str, measure: TokenEstimator) -> Iterator[_Section]:
    title_tokens = measure.tokens(title)
    path: list[tuple[int, float]] = []
    section = _Section(title_tokens, {})
    for block in blocks:
        tokens = measure.tokens(block.text)
        if block.kind in ("title", "heading"):
            if section.pages:
                yield section
            level = 0 if block.kind == "title" else block.level
            path = [above for above in path if above[0] < level]
            if block.text.strip().casefold() != title.casefold():
                path.append((level, tokens))
            section = _Section(title_tokens + sum(one for _, one in path), {})
            tokens += max(level, 1)  # its marks
        elif block.kind == "table" and block.rows and tokens > PASSAGE_TOKENS:
            tokens += _repeated(block, tokens, measure)
        section.pages[block.page] = section.pages.get(block.page, 0.0) + tokens
    if section.pages:
        yield section


def _repeated(block: Block, tokens: float, measure: TokenEstimator) -> float:
    """Returns the tokens that a table's header adds: it is repeated in each part; where it is long, each cell has its
    column's name."""
    header = measure.tokens(table_head(block.rows[0]))
    if header > PASSAGE_TOKENS / 2:
        names = measure.tokens(" ".join(block.rows[0]))
        return max(0.0, (len(block.rows) - 1) * names - 0.3 * tokens)
    return header * max(0, ceil((tokens - header) / (PASSAGE_TOKENS - header)) - 1)
