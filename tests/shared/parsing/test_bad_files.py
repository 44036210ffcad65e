"""Whatever a file does, it ends in time with a code of the contract, and the parsers live on."""

import time
from itertools import islice
from pathlib import Path

from shared.parsing.limits import Limits
from shared.parsing.workers import ParserPool
from tests.documents.bad import ANYTHING, PARSED, Bad, corpus, end_of

MOST_SECONDS = 20.0


def sample() -> list[Bad]:
    """All that must come to a certain end, and every third of those that only must come to one."""
    files = list(corpus())
    open_ended = [bad for bad in files if bad.ends == ANYTHING]
    return [bad for bad in files if bad.ends != ANYTHING] + open_ended[::3]


def test_the_corpus_is_large_and_every_time_the_same() -> None:
    files = list(corpus())
    assert len(files) > 200
    assert list(islice(corpus(), 150)) == files[:150]


async def test_every_bad_file_ends_in_time_as_it_must_and_the_next_one_is_parsed(tmp_path: Path) -> None:
    pool = ParserPool(Limits(seconds=MOST_SECONDS), workers=2)
    otherwise: dict[str, str] = {}
    try:
        for bad in sample():
            started = time.monotonic()
            end = await end_of(pool, bad, tmp_path)
            if end not in bad.ends or time.monotonic() - started > MOST_SECONDS:
                otherwise[bad.name] = end
        assert otherwise == {}
        assert await end_of(pool, Bad("fine.md", b"# Fine\n\nwords", ANYTHING), tmp_path) == PARSED
    finally:
        await pool.close()
