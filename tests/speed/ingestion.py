"""The whole pipeline over HTTP against the same parser, splitter and embedder, warm, bare, on one thread; and how long
`/health` takes meanwhile.

`python -m tests.speed.ingestion [FILES]`: makes that many text files of about 3.5 kB (300 by default).
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx

from functions.chunk.splitter import split
from functions.chunk.tokens import TokenCounter
from shared.embedding.minilm import MiniLM
from shared.embedding.sparse import SparseEncoder
from shared.language.detect import detect
from shared.parsing.light.parsers import parse_light
from shared.parsing.limits import Limits
from tests.suite.running import Running

WORDS = """
harbour ferry crane timber cable winter captain ledger ticket passenger engine river bridge storm repair museum council
invoice warehouse lantern signal anchor market village railway granite orchard copper weaver archive
""".split()  # noqa: SIM905 - a list of words is read as words


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    files = [_text(number) for number in range(count)]
    bare = _bare(files)
    with tempfile.TemporaryDirectory() as folder:
        running = Running(Path(folder) / "data").start()
        try:
            whole, health = asyncio.run(_whole(running, files))
        finally:
            running.stop()
    print(f"{count} files; bare, one thread: {count / bare:.1f}/s; whole pipeline: {count / whole:.1f}/s")
    print(f"ratio {bare / whole:.2f} (bar: 0.85)")
    health.sort()
    p99 = health[int(len(health) * 0.99)] * 1000
    print(f"/health meanwhile: p50 {statistics.median(health) * 1000:.1f} ms, p99 {p99:.1f} ms (bar: 100 ms)")


def _text(number: int) -> str:
    """About 3.5 kB of headed paragraphs, different for each number."""
    parts = []
    for section in range(5):
        words = [WORDS[(number * 7 + section * 3 + place * (place % 5 + 1)) % len(WORDS)] for place in range(95)]
        sentences = [" ".join(words[at : at + 12]).capitalize() + f" {number}." for at in range(0, 95, 12)]
        parts.append(f"## Part {section} of {number}\n\n{' '.join(sentences)}")
    return f"# Report {number}\n\n" + "\n\n".join(parts) + "\n"


def _bare(files: list[str]) -> float:
    model, counter, encoder = MiniLM(threads=1), TokenCounter(), SparseEncoder()
    _one(files[0], model, counter, encoder)
    began = time.monotonic()
    for text in files:
        _one(text, model, counter, encoder)
    return time.monotonic() - began


def _one(text: str, model: MiniLM, counter: TokenCounter, encoder: SparseEncoder) -> None:
    document = parse_light("text/markdown", text.encode(), Limits())
    pieces = split(document, title="", count_tokens=counter, detect_language=detect)
    texts = [f"{piece.context}\n{piece.text}" for piece in pieces]
    model.read(texts)
    for piece in pieces:
        encoder.passage(piece.text, piece.language)


async def _whole(running: Running, files: list[str]) -> tuple[float, list[float]]:
    headers = {"Authorization": f"Bearer {running.api_key}"}
    async with httpx.AsyncClient(base_url=running.url, headers=headers, timeout=60) as client:
        await _upload(client, "# Warm\n\nThe first document warms the model.\n")
        await _ready(client, 1)
        stop = asyncio.Event()
        probe = asyncio.create_task(_probe(running.url, stop))
        began = time.monotonic()
        uploads = asyncio.Semaphore(4)

        async def upload(text: str) -> None:
            async with uploads:
                await _upload(client, text)

        await asyncio.gather(*(upload(text) for text in files))
        await _ready(client, len(files) + 1)
        seconds = time.monotonic() - began
        stop.set()
        return seconds, await probe


async def _upload(client: httpx.AsyncClient, text: str) -> None:
    answer = await client.post("/upload", files={"file": ("report.md", text.encode())})
    answer.raise_for_status()


async def _ready(client: httpx.AsyncClient, count: int) -> None:
    while True:
        ready, cursor = 0, ""
        while True:
            page = (
                await client.get("/documents", params={"limit": 100, **({"cursor": cursor} if cursor else {})})
            ).json()
            ready += sum(item["status"] == "ready" for item in page["items"])
            cursor = page["next_cursor"] or ""
            if not cursor:
                break
        if ready == count:
            return
        await asyncio.sleep(0.5)


async def _probe(url: str, stop: asyncio.Event) -> list[float]:
    taken = []
    async with httpx.AsyncClient(base_url=url) as client:
        while not stop.is_set():
            began = time.monotonic()
            (await client.get("/health")).raise_for_status()
            taken.append(time.monotonic() - began)
            await asyncio.sleep(0.02)
    return taken


if __name__ == "__main__":
    main()
