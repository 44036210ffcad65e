"""Memory over many conversions of all formats, mixed, in the parsers' own pool: of the process that serves, and of its
workers, which are recycled as configured.

`python -m tests.speed memory [CONVERSIONS]` (1,000 by default); ends with status 1 where memory has grown by 10 % or
more from after the warm-up to the end.
"""

import asyncio
import os
import statistics
import sys
from collections.abc import Iterator, Sequence

from msgspec import Struct

from shared.parsing.limits import MIB, ParsingLimits
from shared.parsing.pool import ParserPool
from tests.documents.reports import report
from tests.documents.routed import parsed
from tests.documents.with_text import EXTENSIONS, document_with
from tests.processes import family, resident

WORKERS = 2
WINDOWS = 10
MOST_GROWTH = 0.10


class Memory(Struct, frozen=True):
    """Bytes in use after a conversion; how many workers there were, and how many had ever been."""

    service: int
    workers: int
    alive: int
    ever: int


class Grown(Struct, frozen=True):
    """Medians in bytes of each tenth of the run. The first is the warm-up."""

    service: list[int]
    workers: list[int]
    last: Memory

    @property
    def service_growth(self) -> float:
        return self.service[-1] / self.service[1] - 1

    @property
    def workers_growth(self) -> float:
        return self.workers[-1] / self.workers[1] - 1

    @property
    def is_flat(self) -> bool:
        return max(self.service_growth, self.workers_growth) < MOST_GROWTH


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 1000
    grown = asyncio.run(measure(count))
    print(f"{'conversions':>12} {'service MiB':>12} {'workers MiB':>12}")
    for tenth, (service, workers) in enumerate(zip(grown.service, grown.workers, strict=True), 1):
        print(f"{count * tenth // WINDOWS:12} {service / MIB:12.1f} {workers / MIB:12.1f}")
    print(f"{grown.last.alive} workers at the end, {grown.last.ever} in all")
    print(f"service {grown.service_growth:+.1%}, workers {grown.workers_growth:+.1%} since the warm-up (bar: 10 %)")
    return 0 if grown.is_flat else 1


async def measure(count: int, extensions: Sequence[str] = EXTENSIONS) -> Grown:
    """Converts `count` documents, `WORKERS` at a time."""
    seen: list[Memory] = []
    ever: set[int] = set()
    documents = _documents(count, extensions)
    pool = ParserPool(ParsingLimits(), workers=WORKERS)

    async def work() -> None:
        for extension, content in documents:
            assert (await parsed(pool, f"file.{extension}", content)).blocks
            seen.append(_now(ever))

    try:
        await asyncio.gather(*(work() for _ in range(WORKERS)))
    finally:
        await pool.close()
    tenths = [seen[len(seen) * n // WINDOWS : len(seen) * (n + 1) // WINDOWS] for n in range(WINDOWS)]
    return Grown(
        [int(statistics.median(one.service for one in tenth)) for tenth in tenths],
        [int(statistics.median(one.workers for one in tenth)) for tenth in tenths],
        seen[-1],
    )


def _documents(count: int, extensions: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Every format in turn, never the same words."""
    for number in range(count):
        extension = extensions[number % len(extensions)]
        yield extension, document_with(extension, report(number, sentences=4 + number % 9))


def _now(ever: set[int]) -> Memory:
    workers = family(os.getpid()) - {os.getpid()}
    ever |= workers
    return Memory(resident(os.getpid()), sum(map(resident, workers)), len(workers), len(ever))


if __name__ == "__main__":
    sys.exit(main())
