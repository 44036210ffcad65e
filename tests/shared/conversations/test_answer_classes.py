"""An answer that comes back as an earlier turn has the class that it had, and the highest where nobody knows it."""

import re
from typing import Any, cast

from shared.conversations.answer_classes import CONFIDENTIAL, LIFETIME_S, AnswerClasses, lines_of
from shared.redis.client import RedisClient
from shared.types.errors import StoreUnavailable
from shared.types.provenance import Provenance


class Away:
    async def call(self, *command: Any) -> Any:
        raise StoreUnavailable("counters", "away")

    async def batch(self, commands: Any) -> Any:
        raise StoreUnavailable("counters", "away")


OPEN = Provenance("public", ("doc_1",), ("doc_1",))
OURS = Provenance("internal", ("doc_1", "doc_2"))


async def test_an_answer_is_known_again_whatever_space_is_around_it(redis: RedisClient) -> None:
    classes = AnswerClasses(redis, "ten_one")
    await classes.store("Open to all [1].", OPEN)
    await classes.store("For us [1].", OURS)
    assert await classes.of(["For us [1].\n", " Open to all [1]."]) == [OURS, OPEN]


async def test_what_was_never_sent_from_here_is_not_known(redis: RedisClient) -> None:
    await AnswerClasses(redis, "ten_one").store("Open to all [1].", OPEN)
    assert await AnswerClasses(redis, "ten_one").of(["Open to all [1]. And more."]) == [None]
    assert await AnswerClasses(redis, "ten_two").of(["Open to all [1]."]) == [None]
    assert await AnswerClasses(redis, "ten_one").of([]) == []


async def test_each_line_of_an_answer_is_known_unless_it_is_short(redis: RedisClient) -> None:
    classes = AnswerClasses(redis, "ten_one")
    await classes.store("The limit is 16 bar [1].\n\n- Yes.\n- It is checked every year [2].", OURS)
    assert await classes.of(["- It is checked every year [2].", "The limit is 16 bar [1].", "- Yes."]) == [
        OURS,
        OURS,
        None,
    ]
    assert len(lines_of("a line of twenty letters\n" * 5000)) == 1000


async def test_a_class_that_was_stored_without_its_documents_is_still_read(redis: RedisClient) -> None:
    await AnswerClasses(redis, "ten_one").store("For us [1].", OURS)
    (key,) = await redis.call("KEYS", "said:*")
    for stored, expected in (("public", Provenance("public")), ("{", CONFIDENTIAL)):
        await redis.call("SET", key, stored)
        assert await AnswerClasses(redis, "ten_one").of(["For us [1]."]) == [expected]


async def test_no_text_is_kept_and_nothing_for_ever(redis: RedisClient) -> None:
    await AnswerClasses(redis, "ten_one").store("The price is 41 million.", Provenance("confidential", ("doc_1",)))
    (key,) = await redis.call("KEYS", "said:*")
    assert re.fullmatch(r"said:ten_one:[0-9a-f]{64}", key)
    assert "price" not in await redis.call("GET", key)
    assert 0 < int(await redis.call("TTL", key)) <= LIFETIME_S


async def test_without_redis_nothing_fails_and_nothing_is_trusted() -> None:
    classes = AnswerClasses(cast(RedisClient, Away()), "ten_one")
    await classes.store("Open to all [1].", OPEN)
    assert await classes.of(["Open to all [1]."]) == [CONFIDENTIAL]
