"""A call with an `Idempotency-Key` is done once, and what it answered is stored no longer than it may be."""

import os

import pytest

from shared.idempotency import calls
from shared.idempotency.calls import (
    IdempotentCall,
    IdempotentCalls,
    StoredAnswer,
    forget_answers_of_document,
    forget_answers_of_tenant,
)
from shared.redis.client import RedisClient
from shared.types.errors import Conflict, IdempotencyMismatch

QUOTING = b'{"answer": "canary", "citations": [{"document_id": "doc_1a2b", "passage_id": "psg_1"}]}'


def of_tenant(redis: RedisClient, tenant_id: str = "ten_a", credential: str = "a secret") -> IdempotentCalls:
    return IdempotentCalls(redis, tenant_id, "key_a", "POST:/ask", credential)


async def begin(redis: RedisClient, key: str = "one", tenant_id: str = "ten_a") -> IdempotentCall:
    call = await of_tenant(redis, tenant_id).begin(key, "the body", 60)
    assert isinstance(call, IdempotentCall)
    return call


async def again(redis: RedisClient, key: str = "one") -> StoredAnswer:
    found = await of_tenant(redis).begin(key, "the body", 60)
    assert isinstance(found, StoredAnswer)
    return found


async def store(redis: RedisClient, body: bytes = QUOTING, key: str = "one") -> StoredAnswer:
    answer = StoredAnswer(200, "application/json", body)
    await (await begin(redis, key)).finish(answer)
    return answer


async def keys(redis: RedisClient) -> str:
    return " ".join([key async for key in redis.scan("*:body")])


@pytest.mark.parametrize("size", [0, 1, 100_000, 8 << 20])
async def test_an_answer_of_up_to_8_mib_is_given_again(redis: RedisClient, size: int) -> None:
    answer = await store(redis, b"0123456789 abcdef" * (size // 17) + b"x" * (size % 17))
    assert len(answer.body) == size
    assert await again(redis) == answer


async def test_while_the_first_runs_and_with_another_body_the_key_is_refused(redis: RedisClient) -> None:
    call = await begin(redis)
    with pytest.raises(Conflict):
        await begin(redis)
    with pytest.raises(IdempotencyMismatch):
        await of_tenant(redis).begin("one", "another body", 60)
    await call.release()
    await begin(redis)


async def test_a_charged_error_is_remembered_with_its_charge(redis: RedisClient) -> None:
    answer = StoredAnswer(503, "application/problem+json", b"{}", is_charged=True)
    await (await begin(redis)).finish(answer)
    assert await again(redis) == answer


async def test_a_stored_answer_is_unreadable_without_the_credential(redis: RedisClient) -> None:
    await store(redis)
    for key in (await keys(redis)).split():
        assert "canary" not in str(await redis.call("GET", key))


async def test_an_answer_that_quotes_a_deleted_document_is_gone_and_its_call_is_not_repeated(
    redis: RedisClient,
) -> None:
    await store(redis)
    other = await store(redis, b'{"document_id": "doc_2"}', "other")
    await forget_answers_of_document(redis, "ten_a", "doc_1a2b")
    with pytest.raises(Conflict, match="deleted"):
        await again(redis)
    assert await again(redis, "other") == other
    assert len((await keys(redis)).split()) == 1


async def test_an_answer_goes_with_a_document_that_it_was_made_from_and_does_not_name(redis: RedisClient) -> None:
    await (await begin(redis)).finish(StoredAnswer(200, "application/json", b"canary"), ["doc_3"])
    await forget_answers_of_document(redis, "ten_a", "doc_3")
    assert await keys(redis) == ""


async def test_an_answer_that_is_made_while_its_document_is_deleted_is_not_stored(redis: RedisClient) -> None:
    call = await begin(redis)
    await forget_answers_of_document(redis, "ten_a", "doc_1a2b")
    await call.finish(StoredAnswer(200, "application/json", QUOTING))
    assert await keys(redis) == ""
    with pytest.raises(Conflict):
        await again(redis)


async def test_bytes_that_are_uploaded_again_after_a_deletion_are_quoted_by_stored_answers(redis: RedisClient) -> None:
    await forget_answers_of_document(redis, "ten_a", "doc_1a2b")
    await redis.call("INCRBY", "idempotency-deleted:ten_a:doc_1a2b", -1)
    answer = await store(redis)
    assert await again(redis) == answer


async def test_a_tenants_answers_take_no_more_than_their_quota(
    redis: RedisClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "TENANT_QUOTA", 10_000)
    random = [os.urandom(3_000) for _ in range(4)]  # 4,000 bytes each as it is stored
    for number, body in enumerate(random):
        await store(redis, body, f"key {number}")
    assert (await again(redis, "key 3")).body == random[3]
    assert (await again(redis, "key 2")).body == random[2]
    for oldest in ("key 0", "key 1"):
        with pytest.raises(Conflict):
            await again(redis, oldest)
    assert int(await redis.call("HGET", "idempotency-sizes:ten_a", "total")) <= 10_000


async def test_an_answer_too_large_to_be_stored_is_not_made_twice(redis: RedisClient) -> None:
    await store(redis, b"x" * ((8 << 20) + 1))
    with pytest.raises(Conflict, match="too large"):
        await again(redis)


async def test_a_deleted_tenant_leaves_no_answer(redis: RedisClient) -> None:
    await store(redis)
    late = await begin(redis, "late")
    await (await begin(redis, "theirs", "ten_b")).finish(StoredAnswer(200, "application/json", QUOTING))
    await forget_answers_of_tenant(redis, "ten_a")
    await late.finish(StoredAnswer(200, "application/json", QUOTING))
    assert len((await keys(redis)).split()) == 1
