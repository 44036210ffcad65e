"""A deleted document's text is nowhere, and while it is there it is only where the list says."""

from functions.documents.access import OneDocument
from shared.conversations.conversations import Conversations, Turn
from shared.erasure.places import place_of
from shared.redis.client import RedisClient
from shared.types.citation import Citation
from shared.types.clock import now
from tests.pipeline.suite import TENANT, Suite

CANARY = "Quetzalcoatlus"
_READERS = {
    "string": ("GET",),
    "hash": ("HGETALL",),
    "set": ("SMEMBERS",),
    "list": ("LRANGE", "0", "-1"),
    "zset": ("ZRANGE", "0", "-1"),
    "stream": ("XRANGE", "-", "+"),
}


async def keys_with(redis: RedisClient, text: str) -> list[str]:
    found = []
    async for key in redis.scan("*"):
        command, *bounds = _READERS[await redis.call("TYPE", key)]
        if text in str(await redis.call(command, key, *bounds)):
            found.append(key)
    return found


async def blobs_with(suite: Suite, text: str) -> list[str]:
    names = [name for prefix in ("t/", "open/", "failed/", "platform/") for name in await suite.blobs.names(prefix)]
    return [name for name in names if text.encode() in await suite.blobs.read(name)]


async def test_a_documents_text_is_where_the_list_says_and_after_its_deletion_nowhere(suite: Suite) -> None:
    await suite.bus.publish(suite.stored(record := await suite.store(f"# {CANARY}\n\nThe {CANARY} flies.")), "upload")
    await suite.run_dry()
    conversations = Conversations(suite.redis, TENANT, "key_1")
    conversation_id = await conversations.begin("Which one flies?")
    quoted = Citation(1, "psg_1", record.document_id, CANARY, 1, None, f"The {CANARY} flies.", 0.5)
    turn = Turn("Which one?", True, f"{CANARY} [1]", (quoted,), "internal", now(), (record.document_id,))
    assert await conversations.add(conversation_id, turn, 0.1)
    blobs, keys = await blobs_with(suite, CANARY), await keys_with(suite.redis, CANARY)
    assert blobs
    assert keys
    assert [name for name in blobs if not place_of("blobs", name)] == []
    assert [name for name in keys if not place_of("redis", name)] == []
    await suite.call("documents", "delete", OneDocument(record.document_id))
    await suite.tick()
    assert await blobs_with(suite, CANARY) == []
    assert await keys_with(suite.redis, CANARY) == []
