"""A process of its own that tries for leases: `URL NAME SECONDS HOLD_S COUNT`. It starts at a line on its stdin, and
prints when it got a lease and when it gave it back, in the server's microseconds."""

import asyncio
import sys

from shared.redis.client import RedisClient
from shared.redis.connection import over_url
from shared.redis.leases import Leases
from tests.stores import ANSWER_LIMIT_S


async def server_time(redis: RedisClient) -> int:
    seconds, microseconds = await redis.call("TIME")
    return int(seconds) * 1_000_000 + int(microseconds)


async def main(url: str, name: str, seconds: str, hold_s: str, count: str) -> None:
    redis = over_url(url, answer_s=ANSWER_LIMIT_S)
    leases = Leases(redis)
    await redis.ping()
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(count)):
        async with leases.hold(name, float(seconds)) as ours:
            if ours:
                held = await server_time(redis)
                await asyncio.sleep(float(hold_s))
                print(held, await server_time(redis), flush=True)
        await asyncio.sleep(0.001)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
