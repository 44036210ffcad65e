"""An answer that comes back as an earlier turn has the class that it had, and the highest where nobody knows it."""

import re
from typing import Any, cast

from functions.chat.answer_classes import LIFETIME_S, AnswerClasses
from shared.redis.client import RedisClient
from shared.types.errors import StoreUnavailable


class Away:
    async def call(self, *command: Any) -> Any:
        raise StoreUnavailable("counters", "away")


async def test_an_answer_is_known_again_whatever_space_is_around_it(redis: RedisClient) -> None:
    classes = AnswerClasses(redis, "ten_one")
    await classes.store("Open to all [1].", "public")
    await classes.store("For us [1].", "internal")
    assert await classes.of(["For us [1].\n", " Open to all [1]."]) == ["internal", "public"]


async def test_what_was_never_said_here_counts_as_confidential(redis: RedisClient) -> None:
    await AnswerClasses(redis, "ten_one").store("Open to all [1].", "public")
    assert await AnswerClasses(redis, "ten_one").of(["Open to all [1]. And more."]) == ["confidential"]
    assert await AnswerClasses(redis, "ten_two").of(["Open to all [1]."]) == ["confidential"]
    assert await AnswerClasses(redis, "ten_one").of([]) == []


async def test_no_text_is_kept_and_nothing_for_ever(redis: RedisClient) -> None:
    await AnswerClasses(redis, "ten_one").store("The price is 41 million.", "confidential")
    (key,) = await redis.call("KEYS", "said:*")
    assert re.fullmatch(r"said:ten_one:[0-9a-f]{64}", key)
    assert await redis.call("GET", key) == "confidential"
    assert 0 < int(await redis.call("TTL", key)) <= LIFETIME_S


async def test_without_redis_nothing_fails_and_nothing_is_trusted() -> None:
    classes = AnswerClasses(cast(RedisClient, Away()), "ten_one")
    await classes.store("Open to all [1].", "public")
    assert await classes.of(["Open to all [1]."]) == ["confidential"]
