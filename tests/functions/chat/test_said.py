"""An answer that comes back as an earlier turn has the class that it had, and the highest where nobody knows it."""

import re
from typing import Any, cast

from functions.chat.said import KEPT_S, Said
from shared.redis.client import RedisClient
from shared.types.errors import StoreUnavailable


class Away:
    async def call(self, *command: Any) -> Any:
        raise StoreUnavailable("counters", "away")


async def test_an_answer_is_known_again_whatever_space_is_around_it(redis: RedisClient) -> None:
    said = Said(redis, "ten_one")
    await said.keep("Open to all [1].", "public")
    await said.keep("For us [1].", "internal")
    assert await said.classes(["For us [1].\n", " Open to all [1]."]) == ["internal", "public"]


async def test_what_was_never_said_here_counts_as_confidential(redis: RedisClient) -> None:
    await Said(redis, "ten_one").keep("Open to all [1].", "public")
    assert await Said(redis, "ten_one").classes(["Open to all [1]. And more."]) == ["confidential"]
    assert await Said(redis, "ten_two").classes(["Open to all [1]."]) == ["confidential"]
    assert await Said(redis, "ten_one").classes([]) == []


async def test_no_text_is_kept_and_nothing_for_ever(redis: RedisClient) -> None:
    await Said(redis, "ten_one").keep("The price is 41 million.", "confidential")
    (key,) = await redis.call("KEYS", "said:*")
    assert re.fullmatch(r"said:ten_one:[0-9a-f]{64}", key)
    assert await redis.call("GET", key) == "confidential"
    assert 0 < int(await redis.call("TTL", key)) <= KEPT_S


async def test_without_redis_nothing_fails_and_nothing_is_trusted() -> None:
    said = Said(cast(RedisClient, Away()), "ten_one")
    await said.keep("Open to all [1].", "public")
    assert await said.classes(["Open to all [1]."]) == ["confidential"]
