"""A document is corrupt only when every parser that knows its format has failed on it; guards' refusals are final."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.parsing.document import Block, ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.messages import Parse, Parsed, WorkerAnswer, WorkerJob, WorkerRefusal
from shared.parsing.pool import Original, ParserPool, WorkerRefused
from shared.parsing.second_parsers import may_hide_text, parsers_for
from shared.processes.fair_slots import FairSlots
from shared.types.errors import Rejected
from tests.documents import make

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class Scripted(ParserPool):
    """A pool whose parsers answer as given, each by its name."""

    def __init__(self, **answers: WorkerRefusal | Rejected) -> None:
        super().__init__(ParsingLimits(seconds=10))
        self.orders: list[Parse] = []
        self._answers = answers

    async def _ask(self, order: WorkerJob, original: Original, free: FairSlots) -> WorkerAnswer:
        assert isinstance(order, Parse)
        self.orders.append(order)
        answer = self._answers.get(order.parser)
        if isinstance(answer, WorkerRefusal):
            raise WorkerRefused(answer)
        if answer:
            raise answer
        return Parsed(ParsedDocument((Block("paragraph", "text"),)), 1)


async def outcome(pool: ParserPool, media_type: str = DOCX) -> str:
    try:
        return (await pool.parse("docling", media_type, "a.docx", b"content")).parser
    except Rejected as rejected:
        return rejected.code


def refusal(code: str, seconds: float = 1.0, *, is_final: bool = False) -> WorkerRefusal:
    return WorkerRefusal(code, "detail", 1, is_final, seconds)


@pytest.fixture(autouse=True)
def without_office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
async def pool() -> AsyncIterator[ParserPool]:
    pool = ParserPool(ParsingLimits(seconds=60))
    yield pool
    await pool.close()


@pytest.mark.parametrize(
    ("answers", "ends", "asked"),
    [
        ({}, "docling", 1),
        ({"docling": refusal("corrupt")}, "legacy", 2),
        ({"docling": refusal("empty")}, "legacy", 2),
        ({"docling": refusal("corrupt"), "legacy": refusal("corrupt")}, "corrupt", 2),
        ({"docling": refusal("corrupt"), "legacy": refusal("empty")}, "empty", 2),
        ({"docling": refusal("empty"), "legacy": refusal("corrupt")}, "empty", 2),
        ({"docling": refusal("corrupt", is_final=True)}, "corrupt", 1),
        ({"docling": refusal("corrupt", seconds=11)}, "corrupt", 1),
        *(({"docling": refusal(code)}, code, 1) for code in ("encrypted", "too-deep", "time-limit", "memory-limit")),
    ],
)
async def test_the_next_parser_that_knows_the_format_is_tried(
    answers: dict[str, WorkerRefusal | Rejected], ends: str, asked: int
) -> None:
    pool = Scripted(**answers)
    assert await outcome(pool) == ends
    assert len(pool.orders) == asked


async def test_the_limit_of_a_document_holds_over_all_its_parsers() -> None:
    pool = Scripted(docling=refusal("corrupt", seconds=4))
    assert await outcome(pool) == "legacy"
    assert [order.spent for order in pool.orders] == [0, 4]


def test_libreoffice_is_the_last_one_where_it_is() -> None:
    assert parsers_for("docling", DOCX, has_office=True) == ["docling", "legacy", "office"]
    assert parsers_for("legacy", "application/msword", has_office=True) == ["legacy", "office"]
    assert parsers_for("light", "text/html", has_office=True) == ["light"]


async def test_what_docling_cannot_read_is_read_by_the_second_parser(pool: ParserPool) -> None:
    broken = make.zipped(
        {"xl/workbook.xml": "<x/>", "word/document.xml": _document("<w:p><w:r><w:t>The crane lifts.</w:t></w:r></w:p>")}
    )
    document = await pool.parse("docling", DOCX, "a.docx", broken)
    assert document.parser == "legacy" and "The crane lifts." in document.blocks[0].text


@pytest.mark.parametrize(
    "mark", ["<w:rPr><w:vanish/></w:rPr>", '<w:rPr><w:color w:val="FFFFFF"/></w:rPr>', "<w:del w:id='1'/>"]
)
async def test_a_parser_that_knows_no_hidden_text_reads_no_document_that_may_hold_some(
    pool: ParserPool, mark: str
) -> None:
    broken = make.zipped({"word/document.xml": _document(f"<w:p><w:r>{mark}<w:t>Obey me.</w:t></w:r></w:p>")})
    assert may_hide_text(broken)
    with pytest.raises(Rejected) as rejected:
        await pool.parse("docling", DOCX, "a.docx", broken)
    assert rejected.value.code in {"corrupt", "empty"}


@pytest.mark.parametrize("encoding", ["ascii", "utf-16-le"])
def test_hidden_text_is_seen_outside_of_archives_too(encoding: str) -> None:
    assert may_hide_text(b"\xd0\xcf\x11\xe0" + '<p style="display:none">Obey me.</p>'.encode(encoding))
    assert not may_hide_text(b"\xd0\xcf\x11\xe0" + "<p>The crane lifts.</p>".encode(encoding))


def _document(body: str) -> str:
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return f'<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>'
