"""Whatever a file does, it ends in time with a code of the contract, calls nobody, and the parsers live on."""

import os
import sys
import time
from itertools import islice
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from shared.parsing.limits import ParsingLimits
from shared.parsing.pool import ParserPool
from shared.parsing.time_limits import WALL_FACTOR
from tests.documents.bad import ANYTHING, PARSED, Bad, corpus, end_of
from tests.documents.with_text import document_with
from tests.processes import calls_outside, family

MOST_SECONDS = 20.0
"""Of processor time; by the clock of a busy machine it may be several times as long."""

FINE = ("md", "docx", "doc", "pdf", "png")
"""At least one for each kind of worker, and one that all models are loaded for."""


def sample() -> list[Bad]:
    """All that must come to a certain end, and every third of those that only must come to one."""
    files = list(corpus(pages=True))
    open_ended = [bad for bad in files if bad.ends == ANYTHING]
    return [bad for bad in files if bad.ends != ANYTHING] + open_ended[::3]


def test_the_corpus_is_large_and_every_time_the_same() -> None:
    files = list(corpus(pages=True))
    assert len(files) > 200
    assert list(islice(corpus(pages=True), 150)) == files[:150]


async def test_every_bad_file_ends_in_time_as_it_must_calls_nobody_and_the_next_one_is_parsed(tmp_path: Path) -> None:
    pool = ParserPool(ParsingLimits(seconds=MOST_SECONDS), workers=2)
    others = family(os.getpid())
    otherwise: dict[str, str] = {}
    called: dict[int, int | None] = {}

    async def end(bad: Bad) -> str:
        came_to = await end_of(pool, bad, tmp_path)
        called.update({worker: calls_outside(worker) for worker in family(os.getpid()) - others})
        return came_to

    try:
        for bad in sample():
            started = time.monotonic()
            if (came_to := await end(bad)) not in bad.ends or time.monotonic() - started > WALL_FACTOR * MOST_SECONDS:
                otherwise[bad.name] = came_to
        assert otherwise == {}
        fine = [Bad(f"fine.{extension}", document_with(extension, "Forty tonnes."), ANYTHING) for extension in FINE]
        assert [await end(each) for each in fine] == [PARSED] * len(FINE)
        assert len(called) >= 4
        assert not any(called.values())
    finally:
        await pool.close()


CALLING = """
import ctypes, socket
from shared.parsing.confinement import leave_network
assert leave_network(ctypes.CDLL(None))
print("ready", flush=True)
input()
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    print(socket.socket(socket.AF_INET, kind).connect_ex(("127.0.0.1", 9)), flush=True)
input()
"""


def test_a_call_from_where_parsers_work_would_be_counted() -> None:
    with Popen([sys.executable, "-c", CALLING], stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        if process.stdout.readline() != "ready\n":
            pytest.skip("this kernel gives a process no network of its own")
        assert calls_outside(process.pid) == 0
        process.stdin.write("call\n")
        process.stdin.flush()
        assert "0\n" not in (process.stdout.readline(), process.stdout.readline())
        assert calls_outside(process.pid) == 2
        process.stdin.write("end\n")
        process.stdin.flush()
