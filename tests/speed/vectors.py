"""How fast a search is: dense, words and fusion through the port, against a plain dot product in the same run.

    python -m tests.speed.vectors [--passages 10000] [--questions 200] [--threads 1]

Exits 1 when the median through the port takes more than five times as long. The dot product has one thread as the
engine has; with more it is faster on idle cores and many times slower on busy ones, where its threads wait in turn.
"""

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shared.types.passage import Passage
from shared.types.sparse import Sparse
from shared.vectors.edge import EdgeIndex
from shared.vectors.port import Point, Query

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

DIMENSIONS, LIMIT, BAR = 384, 8, 5.0


def unit(count: int, seed: int) -> "Floats":
    import numpy as np

    rows = np.random.default_rng(seed).standard_normal((count, DIMENSIONS), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def words(draw: random.Random, count: int) -> Sparse:
    """Words as frequent as in a language: few of them in most passages, most of them rare."""
    tokens = sorted({int(30_000 * draw.random() ** 3) for _ in range(count)})
    return Sparse(tuple(tokens), tuple(1.0 + draw.random() for _ in tokens))


def points(rows: "Floats") -> list[Point]:
    draw = random.Random(1)
    return [
        Point(
            Passage(f"psg_{n}", f"doc_{n // 20}", 1, n % 20, "A passage of text. " * 50, f"Title {n // 20}"),
            tuple(row),
            words(draw, 90),
        )
        for n, row in enumerate(rows.tolist())
    ]


def brute(rows: "Floats", question: "Floats") -> list[int]:
    import numpy as np

    scores = rows @ question
    best = np.argpartition(-scores, LIMIT)[:LIMIT]
    return [int(place) for place in best[np.argsort(-scores[best])]]


async def timed(call: Callable[[Query], Awaitable[object]], queries: Sequence[Query]) -> list[float]:
    """Milliseconds of each."""
    taken = []
    for query in queries:
        start = time.perf_counter()
        await call(query)
        taken.append((time.perf_counter() - start) * 1000)
    return taken


async def measure(count: int, questions: int) -> dict[str, list[float]]:
    rows = unit(count, seed=1)
    draw = random.Random(3)
    queries = [Query(LIMIT, tuple(row), words(draw, 10)) for row in unit(questions, seed=2).tolist()]
    asked = iter(unit(questions, seed=2))

    async def plain(_: Query) -> object:
        return brute(rows, next(asked))

    with tempfile.TemporaryDirectory() as folder:
        index = EdgeIndex(Path(folder), DIMENSIONS, "measured")
        vectors = index.of("measured")
        given = points(rows)
        start = time.perf_counter()
        await vectors.add(given)
        print(f"{count} passages added in {time.perf_counter() - start:.1f} s")
        await timed(vectors.find, queries[:20])
        taken = {
            "numpy": await timed(plain, queries),
            "dense": await timed(vectors.find, [Query(LIMIT, query.dense) for query in queries]),
            "words": await timed(vectors.find, [Query(LIMIT, sparse=query.sparse) for query in queries]),
            "fused": await timed(vectors.find, queries),
        }
        await index.close()
    return taken


def report(taken: dict[str, list[float]]) -> bool:
    base = statistics.median(taken["numpy"])
    print(f"{'':8}{'p50 ms':>9}{'p95 ms':>9}{'x numpy':>9}")
    for name, times in taken.items():
        median, high = statistics.median(times), statistics.quantiles(times, n=20)[-1]
        print(f"{name:8}{median:9.2f}{high:9.2f}{median / base:9.1f}")
    return statistics.median(taken["fused"]) <= BAR * base


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1, help="of the dot product")
    arguments = parser.parse_args()
    # Read when numpy is first imported, so no module here imports it at its top.
    os.environ["OPENBLAS_NUM_THREADS"] = str(arguments.threads)
    sys.exit(0 if report(asyncio.run(measure(arguments.passages, arguments.questions))) else 1)


if __name__ == "__main__":
    main()
