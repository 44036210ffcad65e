"""A process of its own that tries for leases: `URL NAME SECONDS HOLD_S COUNT`. It starts at a line on its stdin, and
prints when it got a lease and when it gave it back, in the server's microseconds."""

import asyncio
import sys

from shared.counters.leases import Leases
from shared.counters.port import Counters
from shared.counters.redis import over_url


async def server_time(counters: Counters) -> int:
    seconds, microseconds = await counters.call("TIME")
    return int(seconds) * 1_000_000 + int(microseconds)


async def main(url: str, name: str, seconds: str, hold_s: str, count: str) -> None:
    counters = over_url(url)
    leases = Leases(counters)
    await counters.ping()
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(count)):
        async with leases.hold(name, float(seconds)) as ours:
            if ours:
                held = await server_time(counters)
                await asyncio.sleep(float(hold_s))
                print(held, await server_time(counters), flush=True)
        await asyncio.sleep(0.001)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
