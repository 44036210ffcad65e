"""A process of its own that fires calls at the gate: `URL KEY POLICY COUNT`. Redis knows the key already.
It starts at a line on its stdin, and prints how many were admitted and how many refused."""

import asyncio
import random
import sys
from collections.abc import Sequence
from typing import Any

from shared.access.accounts import Accounts
from shared.access.credentials import Credentials
from shared.access.gate import Gate
from shared.redis.client import RedisClient, RedisWord, Script
from shared.redis.connection import over_url


class SlowRedis(RedisClient):
    """Redis far away: whoever looks first and writes later finds the place taken."""

    async def run(self, script: Script, keys: Sequence[str] = (), arguments: Sequence[RedisWord] = ()) -> Any:
        await asyncio.sleep(random.uniform(0, 0.03))
        answer = await super().run(script, keys, arguments)
        await asyncio.sleep(random.uniform(0, 0.03))
        return answer


async def main(url: str, key: str, policy: str, count: str) -> None:
    far = over_url(url, connections=200, answer_s=10)
    redis = SlowRedis.over(far)
    gate = Gate(Credentials(Accounts(None, redis)), redis)  # type: ignore[arg-type]
    await redis.ping()
    print("ready", flush=True)
    sys.stdin.readline()
    answers = await asyncio.gather(*(gate.admit(key, policy) for _ in range(int(count))))
    refused = [limits for _, limits in answers if limits.retry_after]
    print(len(answers) - len(refused), len(refused), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
