"""The whole pipeline over HTTP against the same parsers, splitter and embedder, warm, bare, on one thread, on the same
files: a mix of all formats without pages and some PDFs. And how long `/health` takes meanwhile.

`python -m tests.speed ingestion [FILES]` (200 by default). Both sides take turns with a part of the files each, so that
a busy machine is busy for both; processor seconds are given beside those of the clock.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
from msgspec import Struct

from functions.chunk.splitter import split
from functions.chunk.tokens import TokenCounter
from shared.embedding.minilm import MiniLM
from shared.embedding.sparse import SparseEncoder
from shared.language.detect import detect
from shared.parsing.dispatch import parse
from shared.parsing.limits import ParsingLimits
from tests.documents.reports import report
from tests.documents.routed import routed
from tests.documents.with_text import LIGHT, document_with
from tests.processes import family, processor_seconds
from tests.suite.running import FINAL, Running

TURNS = 2
KINDS = (*LIGHT, "pdf")
_WARMING = 10_000_000
"""Numbers from here on are reports that only warm."""


class File(Struct, frozen=True):
    name: str
    content: bytes


class Spent(Struct):
    """Seconds by the clock and of processors."""

    wall: float = 0.0
    processors: float = 0.0


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    files = [_file(number) for number in range(count)]
    turns = [files[turn::TURNS] for turn in range(TURNS)]
    with tempfile.TemporaryDirectory() as folder:
        running = Running(Path(folder) / "data").start()
        try:
            bare, whole, health = asyncio.run(_both(running, turns))
        finally:
            running.stop()
    print(f"{count} files of {len(KINDS)} formats, in {TURNS} turns")
    print(f"bare, one thread: {count / bare.wall:.1f}/s, {bare.processors / count:.3f} processor seconds a file")
    print(f"whole pipeline:   {count / whole.wall:.1f}/s, {whole.processors / count:.3f} processor seconds a file")
    print(
        f"ratio {bare.wall / whole.wall:.2f} (bar: 0.85); of processor seconds {bare.processors / whole.processors:.2f}"
    )
    health.sort()
    p99 = health[int(len(health) * 0.99)] * 1000
    print(f"/health meanwhile: p50 {statistics.median(health) * 1000:.1f} ms, p99 {p99:.1f} ms (bar: 100 ms)")


def _file(number: int, extension: str = "") -> File:
    extension = extension or KINDS[number % len(KINDS)]
    return File(f"report-{number}.{extension}", document_with(extension, report(number)))


async def _both(running: Running, turns: Sequence[Sequence[File]]) -> tuple[Spent, Spent, list[float]]:
    bare, whole, health = Spent(), Spent(), list[float]()
    side = Bare()
    headers = {"Authorization": f"Bearer {running.api_key}"}
    async with httpx.AsyncClient(base_url=running.url, headers=headers, timeout=60) as client:
        for round_ in range(2):
            warming = [_file(_WARMING + round_, extension) for extension in KINDS]
            await _ingest(client, warming)
            for file in warming:
                side.take(file)
        for files in turns:
            _add(bare, _bare(side, files))
            stop = asyncio.Event()
            probe = asyncio.create_task(_probe(running.url, stop))
            _add(whole, await _whole(running, client, files))
            stop.set()
            health += await probe
    return bare, whole, health


def _add(sum_: Spent, more: Spent) -> None:
    sum_.wall += more.wall
    sum_.processors += more.processors


class Bare:
    """The crafts of the pipeline, called one after the other."""

    def __init__(self) -> None:
        self._model = MiniLM(threads=1)
        self._counter = TokenCounter()
        self._encoder = SparseEncoder()

    def take(self, file: File) -> None:
        to = routed(file.name, file.content)
        document = parse(to.parser, to.media_type, file.name, file.content, ParsingLimits())
        pieces = split(document, title="", count_tokens=self._counter, detect_language=detect)
        self._model.read([f"{piece.context}\n{piece.text}" for piece in pieces])
        for piece in pieces:
            self._encoder.passage(piece.text, piece.language)


def _bare(side: Bare, files: Sequence[File]) -> Spent:
    wall, processors = time.monotonic(), time.process_time()
    for file in files:
        side.take(file)
    return Spent(time.monotonic() - wall, time.process_time() - processors)


async def _whole(running: Running, client: httpx.AsyncClient, files: Sequence[File]) -> Spent:
    """The clock runs until the last document has become ready, by the server's own word."""
    processors, started = _processors(running), datetime.now(UTC)
    ended = await _ingest(client, files)
    return Spent((ended - started).total_seconds(), _processors(running) - processors)


def _processors(running: Running) -> float:
    return sum(map(processor_seconds, family(running.pid)))


async def _ingest(client: httpx.AsyncClient, files: Sequence[File]) -> datetime:
    """When the last of them had become ready."""
    uploads = asyncio.Semaphore(4)

    async def upload(file: File) -> str:
        async with uploads:
            answer = await client.post("/upload", files={"file": (file.name, file.content)})
        document_id: str = answer.raise_for_status().json()["document_id"]
        return document_id

    waited = await asyncio.gather(*map(upload, files))
    return max([await _ready(client, document_id) for document_id in waited])


async def _ready(client: httpx.AsyncClient, document_id: str) -> datetime:
    while True:
        document = (await client.get(f"/documents/{document_id}")).raise_for_status().json()
        if document["status"] in FINAL:
            assert document["status"] == "ready", document
            return datetime.fromisoformat(document["updated_at"])
        await asyncio.sleep(0.25)


async def _probe(url: str, stop: asyncio.Event) -> list[float]:
    taken = []
    async with httpx.AsyncClient(base_url=url) as client:
        while not stop.is_set():
            started = time.monotonic()
            (await client.get("/health")).raise_for_status()
            taken.append(time.monotonic() - started)
            await asyncio.sleep(0.02)
    return taken


if __name__ == "__main__":
    main()
