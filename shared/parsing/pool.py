"""A pool of worker processes that parse: a document that breaks its parser breaks nothing else."""

import asyncio
from collections.abc import Awaitable, Callable
from copy import copy
from typing import NamedTuple, Self

from msgspec.structs import replace

from shared.formats.table import PAGED
from shared.parsing.attachments import may_carry_files
from shared.parsing.document import PageStatistics, ParsedDocument, PicturePlace, Slice
from shared.parsing.engine import BUILTIN, PdfEngine
from shared.parsing.limits import MEMORY_EXIT, ParsingLimits
from shared.parsing.messages import (
    Broken,
    CropPicture,
    FindPictures,
    MarkdownWritten,
    Measured,
    MeasurePages,
    PageTextsRead,
    Parse,
    Parsed,
    ParseSlice,
    PicturesFound,
    ReadPageTexts,
    Ready,
    Rendered,
    RenderPage,
    Sliced,
    WorkerAnswer,
    WorkerJob,
    WorkerRefusal,
    WriteMarkdown,
)
from shared.parsing.office.conversion import converted, has_office
from shared.parsing.office.targets import OFFICE, PDF, TARGETS, page_target
from shared.parsing.process import ParserHung, ParserNotStarted, ParserUnavailable, Worker, WorkerDied
from shared.parsing.second_parsers import RETRIED, parsers_for
from shared.parsing.time_limits import HUNG, LOADING_WALL_S, OUT_OF_TIME, wall_seconds
from shared.processes.fair_slots import FairSlots
from shared.types.errors import Rejected
from shared.types.passage import Box

_KILLED = -9
"""Killed by the kernel for lack of memory, or by an operator: so it counts only the second time."""


class WorkerRefused(Rejected):
    """A worker found the document to be at fault. `is_final` holds for every parser; `seconds` is processor time."""

    def __init__(self, refusal: WorkerRefusal) -> None:
        super().__init__(refusal.code, refusal.detail)
        self.is_final = refusal.is_final
        self.seconds = refusal.seconds


class WorkerCrashed(WorkerRefused):
    """Two workers ended on the document."""


Original = bytes | Callable[[], Awaitable[bytes]]
"""A document's bytes, or what reads them once a worker is free: those who wait hold no bytes."""


async def _read(original: Original) -> bytes:
    return original if isinstance(original, bytes) else await original()


class PrintedPages(NamedTuple):
    """The pages of an office document as a PDF, with the letters of each."""

    pdf: bytes
    texts: tuple[str, ...]


class ParserPool:
    """Up to `workers` processes that parse and as many that render, started when first needed and reused; of each one
    more for a tenant that has none at work.

    A pool belongs to one event loop. A worker serves one parser only, so that a small document never waits for a
    worker with a large library.
    """

    def __init__(self, limits: ParsingLimits, workers: int = 1, engine: PdfEngine = BUILTIN) -> None:
        self._limits = limits
        self._engine = engine
        self._free = FairSlots(workers)
        self._quick = FairSlots(workers)
        self._idle: dict[str, list[Worker]] = {}
        self._busy: set[Worker] = set()
        self._closing = asyncio.Event()
        self._tenant_id = ""
        self._longest_wait_s: float | None = None

    def of(self, tenant_id: str) -> Self:
        """The same pool for the work of one tenant."""
        view = copy(self)
        view._tenant_id = tenant_id
        return view

    def within(self, longest_wait_s: float) -> Self:
        """The same pool for a caller that waits no longer for a slot: its calls raise `RateLimited`."""
        view = copy(self)
        view._longest_wait_s = longest_wait_s
        return view

    @property
    def _closed(self) -> bool:
        return self._closing.is_set()

    async def parse(self, parser: str, media_type: str, filename: str, content: Original) -> ParsedDocument:
        """Parses a document; where its parser fails or finds no words, the others that know the format are tried,
        within the limits of the one document. Raises Rejected where it is at fault, and ParserUnavailable where the
        parser is.

        A worker that dies is replaced and the document is tried once more. Cancelling ends the worker.
        """
        refusals: list[Rejected] = []
        spent = 0.0
        for one in parsers_for(parser, media_type, has_office=has_office()):
            order = Parse(one, media_type, filename, spent, is_second=bool(refusals))
            try:
                return await self._parse_by(order, content)
            except WorkerRefused as refused:
                refusals.append(refused)
                spent += refused.seconds
                if refused.is_final:
                    break
            except Rejected as rejected:  # by the pool or LibreOffice, after which no other parser is tried
                refusals.append(rejected)
            if refusals[-1].code not in RETRIED or spent >= self._limits.seconds:
                break
        raise next((one for one in refusals if one.code == "empty"), refusals[0])

    async def _parse_by(self, order: Parse, content: Original) -> ParsedDocument:
        parser = order.parser
        if parser == OFFICE:
            target = TARGETS[order.media_type]
            async with self._free.slot(self._tenant_id, self._longest_wait_s):
                remaining = replace(self._limits, seconds=self._limits.seconds - order.spent)
                content = await converted(target, await _read(content), remaining)
            # It is read by the parser that leaves hidden text out.
            order = replace(order, parser=target.parser, media_type=target.media_type, is_second=False)
        answer = await self._ask(order, content, self._free)
        assert isinstance(answer, Parsed)
        return replace(answer.document, parser=parser)

    async def parse_slice(
        self, media_type: str, content: bytes, first: int, spent: float = 0.0, last: int | None = None
    ) -> Slice:
        """Parses pages from `first` on, as many as one slice holds, none after `last`; raises like `parse`. `spent` is
        the processor time of the document's other slices, which counts against its limit."""
        if spent >= self._limits.seconds:
            raise self._out_of_time()
        answer = await self._ask(ParseSlice(media_type, first, last, spent), content, self._free)
        assert isinstance(answer, Sliced)
        return answer.slice

    async def render_page(self, media_type: str, content: Original, page: int, box: Box | None = None) -> bytes | None:
        """Returns a page as PNG; None where the document has no such page. Raises like `parse`."""
        answer = await self._ask(RenderPage(media_type, page, box), content, self._quick)
        assert isinstance(answer, Rendered)
        return answer.image

    async def page_statistics(self, media_type: str, content: Original) -> PageStatistics:
        """Estimates the extent of a paged document. Raises like `parse`."""
        answer = await self._ask(MeasurePages(media_type), content, self._quick)
        assert isinstance(answer, Measured)
        return answer.statistics

    async def find_pictures(self, media_type: str, content: Original, most: int) -> tuple[PicturePlace, ...]:
        """Returns the places of the first pictures of a document. Raises like `parse`."""
        answer = await self._ask(FindPictures(media_type, most), content, self._quick)
        assert isinstance(answer, PicturesFound)
        return answer.places

    async def crop_picture(self, media_type: str, content: Original, place: PicturePlace) -> bytes | None:
        """Returns a picture as PNG; None where it cannot be converted. Raises like `parse`."""
        answer = await self._ask(CropPicture(media_type, place), content, self._quick)
        assert isinstance(answer, Rendered)
        return answer.image

    async def print_pages(self, media_type: str, content: Original) -> PrintedPages | None:
        """Returns the pages of a document with LibreOffice; None where that is not installed or does not read the
        format. Raises like `parse`."""
        target = page_target(media_type)
        if target is None or not has_office():
            return None
        async with self._free.slot(self._tenant_id, self._longest_wait_s):
            pdf = await converted(target, await _read(content), self._limits)
        answer = await self._ask(ReadPageTexts(PDF), pdf, self._quick)
        assert isinstance(answer, PageTextsRead)
        return PrintedPages(pdf, answer.texts)

    async def markdown(self, parsed: Original) -> bytes:
        """Returns a parsed document, given in JSON, as Markdown in UTF-8. Raises like `parse`."""
        answer = await self._ask(WriteMarkdown(), parsed, self._quick)
        assert isinstance(answer, MarkdownWritten)
        return answer.text

    async def _ask(self, order: WorkerJob, original: Original, free: FairSlots) -> WorkerAnswer:
        async with free.slot(self._tenant_id, self._longest_wait_s):
            content = await _read(original)
            try:
                return await self._two_attempts(order, content)
            except Rejected as rejected:
                if isinstance(rejected, WorkerRefused) and not isinstance(rejected, WorkerCrashed):
                    raise
                if not (isinstance(order, Parse | ParseSlice) and may_carry_files(order.media_type, content)):
                    raise
            # What ended the workers may have been in an attachment.
            return await self._two_attempts(replace(order, with_attachments=False), content)

    async def _two_attempts(self, order: WorkerJob, content: bytes) -> WorkerAnswer:
        try:
            return await self._attempt(order, content)
        except WorkerDied as died:
            self._blame(died, {MEMORY_EXIT})
            spent = died.seconds
        try:
            return await self._attempt(order, content)
        except WorkerDied as died:
            self._blame(died, {MEMORY_EXIT, _KILLED})
            if died.status == -HUNG:
                raise ParserHung("a parser's process did not finish, twice, with processor time left") from died
            crashed = WorkerRefusal("corrupt", "its parser crashed on it, twice", 0, seconds=spent + died.seconds)
            raise WorkerCrashed(crashed) from died

    def _blame(self, died: WorkerDied, short_of_memory: set[int]) -> None:
        """Raises Rejected where the worker's exit status shows that the document is at fault."""
        if died.status in short_of_memory:
            detail = f"parsing needs more than {self._limits.memory_bytes} bytes of memory"
            raise Rejected("memory-limit", detail) from died
        if died.status == -OUT_OF_TIME:
            raise self._out_of_time() from died

    def _out_of_time(self) -> Rejected:
        page, whole = self._limits.page_seconds, self._limits.seconds
        detail = f"parsing takes more than {whole:g} s of processor time, or more than {page:g} s for one page"
        return Rejected("time-limit", f"{detail} (three times that for a picture)")

    async def close(self) -> None:
        """Ends every worker; what they are parsing is lost."""
        self._closing.set()
        workers = [*(worker for idle in self._idle.values() for worker in idle), *self._busy]
        self._idle.clear()
        await asyncio.gather(*(worker.end() for worker in workers))

    async def _attempt(self, order: WorkerJob, content: bytes) -> WorkerAnswer:
        worker = await self._worker(order.parser)
        self._busy.add(worker)
        answer: WorkerAnswer | None = None
        try:
            async with asyncio.timeout(wall_seconds(self._limits.seconds) + LOADING_WALL_S):
                answer = await worker.do(order, content)
        except WorkerDied:
            self._refuse_when_closed()
            raise
        except TimeoutError:  # a process that is stopped, whose own timers do not end it
            raise WorkerDied(-HUNG) from None
        finally:
            self._busy.discard(worker)
            reason = "closed" if self._closed else "ended" if answer is None else worker.why_spent(answer)
            if reason := reason or self._why_else(worker):
                await worker.end()
                self._retired(order.parser, reason)
            else:
                self._idle.setdefault(order.parser, []).append(worker)
        return _judged(answer)

    def _why_else(self, worker: Worker) -> str:
        """Returns a further reason to end the worker, for subclasses; empty for none."""
        return ""

    def _retired(self, parser: str, reason: str) -> None:
        """Called when a worker was ended, for subclasses; it is replaced when one is needed."""

    async def _worker(self, parser: str) -> Worker:
        self._refuse_when_closed()
        idle = self._idle.get(parser, [])
        while idle:
            worker = idle.pop()
            if worker.is_alive():
                return worker
        worker = await self._started(parser)
        if self._closed:  # meanwhile, when `close` did not know of it
            await worker.end()
        self._refuse_when_closed()
        return worker

    async def _started(self, parser: str) -> Worker:
        """Only what reads pages needs the engine's models, and the memory for them."""
        return await Worker.start(self._limits, self._engine if parser == PAGED else BUILTIN)

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise ParserNotStarted("the parsers are closed")


def _judged(answer: WorkerAnswer) -> WorkerAnswer:
    match answer:
        case WorkerRefusal():
            raise WorkerRefused(answer)
        case Broken(detail=detail):
            raise ParserUnavailable(detail)
        case Ready():
            raise ParserUnavailable("a parser's process answered out of turn")
        case _:
            return answer
