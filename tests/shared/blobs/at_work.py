"""A process of its own that works on the blobs at a place: `WORLD PLACE VERB …`. It is told to start by a line on its
stdin, so that two of them start together."""

import asyncio
import resource
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from shared.blobs.folder import FolderBlobs
from shared.blobs.port import Blobs
from shared.types.errors import DiskFull
from tests.stores import BLOBS

LARGEST_FILE = 64 * 1024


async def create(blobs: Blobs, who: str, count: str) -> None:
    """Tries to be the first at each of many names, slowly; says where it was."""
    if isinstance(blobs, FolderBlobs):
        _delay(blobs)
    for number in range(int(count)):
        if await blobs.create(f"t/race/{number}", who.encode() * 1000):
            print(number, flush=True)


def _delay(blobs: FolderBlobs) -> None:
    """Between the look whether a name is free and the taking of it, so that both processes have looked."""
    part = blobs._part

    def slow(data: bytes) -> Path:
        time.sleep(0.004)
        return part(data)

    blobs._part = slow  # type: ignore[method-assign]


async def write(blobs: Blobs, size: str) -> None:
    """Writes whole blobs of one letter, over and over; says each when it is done."""
    number = 0
    while True:
        letter = chr(ord("a") + number % 26)
        await blobs.write(f"t/written/{number % 7}", letter.encode() * int(size))
        await blobs.create(f"t/created/{number}", letter.encode() * int(size))
        print(number, flush=True)
        number += 1


async def overflow(blobs: Blobs) -> None:
    """Meets the end of the room there is, then works on with less."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    for attempt in (blobs.write("t/large", b"x" * 4 * LARGEST_FILE), blobs.create("t/new", b"x" * 4 * LARGEST_FILE)):
        try:
            await attempt
        except DiskFull as error:
            print("full", error.status)
    await blobs.write("t/small", b"fits")
    print((await blobs.read("t/small")).decode())


VERBS: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {"create": create, "write": write, "overflow": overflow}


async def main(backend: str, place: str, verb: str, *arguments: str) -> None:
    blobs = BLOBS[backend](place)
    await blobs.ping()
    print("ready", flush=True)
    sys.stdin.readline()
    await VERBS[verb](blobs, *arguments)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
