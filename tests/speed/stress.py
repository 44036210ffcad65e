"""`python -m tests.speed stress FOLDER [MOST]`: parses the files of a folder while the processors are busy.

Sixteen endless loops run beside the parser. A sound document must not be rejected because of them: the measurement
fails where any document is rejected for its time or does not end.
"""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from shared.formats.router import HEAD_BYTES, FormatRouter
from shared.parsing.limits import ParsingLimits
from shared.parsing.pool import ParserPool
from shared.parsing.process import ParserUnavailable
from shared.types.errors import AegisError, Rejected

LOOPS = 16
_BUSY = (sys.executable, "-c", "while True: pass")


def main() -> int:
    folder, most = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None
    files = sorted(path for path in folder.rglob("*") if path.is_file())[:most]
    loops = [subprocess.Popen(_BUSY) for _ in range(LOOPS)]
    try:
        outcomes = asyncio.run(_outcomes(files))
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    print(f"{len(files)} documents beside {LOOPS} busy loops: {dict(outcomes)}")
    return int(bool(outcomes["time-limit"] or outcomes["unavailable"]))


async def _outcomes(files: list[Path]) -> Counter[str]:
    pool = ParserPool(ParsingLimits())
    outcomes: Counter[str] = Counter()
    try:
        for path in files:
            started = time.monotonic()
            outcome = await _outcome(pool, path)
            outcomes[outcome] += 1
            print(f"{time.monotonic() - started:8.1f} s  {outcome:12}  {path.name}", flush=True)
    finally:
        await pool.close()
    return outcomes


async def _outcome(pool: ParserPool, path: Path) -> str:
    content = path.read_bytes()
    try:
        routed = FormatRouter().route(path.name, None, content[:HEAD_BYTES], len(content), path)
        await pool.parse(routed.parser, routed.media_type, path.name, content)
    except Rejected as rejected:
        return rejected.code
    except ParserUnavailable:
        return "unavailable"
    except AegisError:  # the router takes no such format
        return "unsupported"
    return "parsed"
