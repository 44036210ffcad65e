"""What conversations promise: they belong to one, they end, and what a deleted document said in them is gone."""

import asyncio

from shared.conversations.conversations import (
    LIFETIME_S,
    MOST_TURNS,
    Conversations,
    History,
    Turn,
    forget_document,
    forget_tenant,
)
from shared.redis.client import RedisClient
from shared.types.citation import Citation
from shared.types.clock import now


def turn(question: str, *documents: str) -> Turn:
    cited = tuple(
        Citation(n, f"psg_{n}", one, "A title", 1, None, "a quote", 0.5) for n, one in enumerate(documents, 1)
    )
    return Turn(question, bool(cited), "an answer" if cited else "", cited, "internal", now(), documents)


async def test_a_conversation_keeps_its_turns_in_order(redis: RedisClient) -> None:
    mine = Conversations(redis, "ten_a", "key_1")
    conversation_id = await mine.begin("What is the first question?")
    for question in ("one", "two", "three"):
        assert await mine.add(conversation_id, turn(question, "doc_1"), 0.1)
    found = await mine.read(conversation_id)
    assert found is not None
    about, turns = found
    assert [one.question for one in turns] == ["one", "two", "three"]
    assert (about.title, about.turns) == ("What is the first question?", 3)
    assert about.created_at <= about.updated_at


async def test_to_others_it_does_not_exist(redis: RedisClient) -> None:
    conversation_id = await Conversations(redis, "ten_a", "key_1").begin("mine")
    for tenant, owner in (("ten_a", "key_2"), ("ten_b", "key_1")):
        other = Conversations(redis, tenant, owner)
        assert await other.read(conversation_id) is None
        assert await other.list() == []
        assert not await other.add(conversation_id, turn("foreign"), 0.1)
        assert not await other.delete(conversation_id)
    assert await Conversations(redis, "ten_a", "key_1").history(conversation_id) == History(())


async def test_the_newest_is_listed_first_and_a_deleted_one_never(redis: RedisClient) -> None:
    mine = Conversations(redis, "ten_a", "key_1")
    ids = [await mine.begin(f"question {number}") for number in range(4)]
    assert await mine.delete(ids[1])
    assert [one.conversation_id for one in await mine.list()] == [ids[3], ids[2], ids[0]]


async def test_an_answer_that_comes_after_the_deletion_brings_nothing_back(redis: RedisClient) -> None:
    mine = Conversations(redis, "ten_a", "key_1")
    conversation_id = await mine.begin("a question")
    await mine.delete(conversation_id)
    assert not await mine.add(conversation_id, turn("late", "doc_1"), 0.1)
    assert await mine.read(conversation_id) is None


async def test_everything_of_it_ends(redis: RedisClient) -> None:
    mine = Conversations(redis, "ten_a", "key_1")
    conversation_id = await mine.begin("a question")
    await mine.add(conversation_id, turn("a question", "doc_1", "doc_2"), 0.1)
    keys = [key async for key in redis.scan("conversation*")]
    assert len(keys) == 5
    for key in keys:
        assert 0 < await redis.call("TTL", key) <= LIFETIME_S


async def test_one_whose_hash_ran_out_leaves_the_list(redis: RedisClient) -> None:
    mine = Conversations(redis, "ten_a", "key_1")
    gone, stays = await mine.begin("gone"), await mine.begin("stays")
    await redis.call("DEL", f"conversation:ten_a:{gone}")
    assert [one.conversation_id for one in await mine.list()] == [stays]
    assert await redis.call("ZCARD", "conversations:ten_a:key_1") == 1


async def test_only_the_newest_turns_are_kept(redis: RedisClient) -> None:
    mine = Conversations(redis, "ten_a", "key_1")
    conversation_id = await mine.begin("many")
    for number in range(MOST_TURNS + 3):
        await mine.add(conversation_id, turn(str(number)), 0.1)
    history = await mine.history(conversation_id)
    assert history is not None
    assert [one.question for one in (history.turns[0], history.turns[-1])] == ["3", str(MOST_TURNS + 2)]


async def test_turns_from_a_deleted_document_are_gone_and_others_stay(redis: RedisClient) -> None:
    mine, another = Conversations(redis, "ten_a", "key_1"), Conversations(redis, "ten_a", "key_2")
    first, second = await mine.begin("x"), await another.begin("y")
    await mine.add(first, turn("from one", "doc_1"), 0.1)
    await mine.add(first, turn("from both", "doc_1", "doc_2"), 0.1)
    await mine.add(first, turn("from two", "doc_2"), 0.1)
    await another.add(second, turn("also from one", "doc_1"), 0.1)
    await forget_document(redis, "ten_a", "doc_1")
    history = await mine.history(first)
    assert history and ([one.question for one in history.turns], history.is_shortened) == (["from two"], True)
    assert await another.history(second) == History((), is_shortened=True)
    titles = [about.title for own in (mine, another) for about in await own.list()]
    assert titles == ["from two", ""], "the title quotes no question that is erased"


async def test_an_answer_that_is_made_while_its_document_goes_is_not_stored(redis: RedisClient) -> None:
    mine = Conversations(redis, "ten_a", "key_1")
    conversation_id = await mine.begin("a question")
    await forget_document(redis, "ten_a", "doc_1")
    await asyncio.sleep(0.01)
    assert not await mine.add(conversation_id, turn("begun before", "doc_2", "doc_1"), 30)
    assert await mine.history(conversation_id) == History(())
    assert (await mine.list())[0].title == ""
    assert await mine.add(conversation_id, turn("of the same bytes, uploaded again", "doc_1"), 0)
    assert await mine.add(conversation_id, turn("of another document", "doc_2"), 30)


async def test_a_call_of_a_deleted_tenant_that_is_late_begins_and_continues_nothing(redis: RedisClient) -> None:
    mine = Conversations(redis, "ten_a", "key_1")
    before = await mine.begin("a question")
    await forget_tenant(redis, "ten_a")
    late = await mine.begin("a late question")
    for conversation_id in (before, late):
        assert not await mine.add(conversation_id, turn("late"), 0.1)
    assert await mine.list() == []
    assert [key async for key in redis.scan("conversation*")] == ["conversations-of:ten_a:deleted"]
