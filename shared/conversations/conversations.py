"""A tenant's conversations, in Redis for a day after their last turn and nowhere else.

A conversation belongs to the user, or the key, that began it; to all others of the tenant it does not exist.
"""

import math
import secrets
from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from shared.conversations.answer_classes import AnswerClasses
from shared.redis.client import RedisClient, Script, pairs
from shared.types.citation import Citation
from shared.types.clock import now
from shared.types.document import Classification
from shared.types.paging import microseconds
from shared.types.provenance import Provenance
from shared.types.text import safe_title

LIFETIME_S = 86_400
MOST_TURNS = 200
_TITLE = 120


class Turn(Struct, frozen=True):
    """A question and its answer. `classification` was the highest of all that went into it, when it was answered; what
    it is later follows from `provenance`. `document_ids` are those it was answered from."""

    question: str
    answered: bool
    answer: str
    citations: tuple[Citation, ...]
    classification: Classification
    at: datetime
    document_ids: tuple[str, ...] = ()
    provenance: Provenance | None = None

    @property
    def made_from(self) -> Provenance:
        """Also of a turn that was stored without its provenance."""
        return self.provenance or Provenance(self.classification, self.document_ids, self.document_ids)


class History(Struct, frozen=True):
    """The turns that are left of a conversation. `is_shortened`: others were erased with the documents that they
    quoted."""

    turns: tuple[Turn, ...]
    is_shortened: bool = False


class Conversation(Struct, frozen=True):
    """`title` is the beginning of its first question that is left."""

    conversation_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    turns: int


# KEYS: the conversation, the owner's index, the mark of a deleted tenant.
_BEGIN = Script("""
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'title', ARGV[2], 'created', ARGV[3], 'updated', ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
for i = 1, 2 do redis.call('EXPIRE', KEYS[i], ARGV[5]) end
return 1
""")

# KEYS: the conversation, its turns, the owner's index, then of each document its conversations and the time of its
# deletion. The conversation of another, one that was deleted while its answer was made, and one that ran out stay as
# they are; a turn is not stored where one of its documents was deleted after the call began, and the title of a
# conversation that only such a turn has is erased.
_ADD = Script("""
local owner = redis.call('HGET', KEYS[1], 'owner')
if owner ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local began = time[1] * 1000 + math.floor(time[2] / 1000) - tonumber(ARGV[7])
for i = 4, #KEYS, 2 do
  if tonumber(redis.call('GET', KEYS[i + 1]) or '0') >= began then
    if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('HSET', KEYS[1], 'title', '') end
    return 0
  end
end
redis.call('HSET', KEYS[1], 'updated', ARGV[2])
if redis.call('HGET', KEYS[1], 'title') == '' then redis.call('HSET', KEYS[1], 'title', ARGV[8]) end
redis.call('RPUSH', KEYS[2], ARGV[3])
redis.call('LTRIM', KEYS[2], -tonumber(ARGV[4]), -1)
for i = 1, 3 do redis.call('EXPIRE', KEYS[i], ARGV[5]) end
for i = 4, #KEYS, 2 do
  redis.call('SADD', KEYS[i], ARGV[6])
  redis.call('EXPIRE', KEYS[i], ARGV[5])
end
return 1
""")

_FORBID = Script("""
local time = redis.call('TIME')
return redis.call('SET', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000), 'EX', ARGV[1])
""")
_FORBIDDEN_S = 3600
"""Longer than any call that may still answer from a document or for a tenant that was deleted meanwhile."""


_SHORTENED = "shortened"

# Mark and title are set on a conversation that exists, and never make one.
_ERASE = Script("""
if redis.call('LREM', KEYS[1], 0, ARGV[1]) > 0 and redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('HSET', KEYS[2], ARGV[2], '1', 'title', ARGV[3])
end
return 1
""")


class Conversations:
    """The conversations of one owner. Raises `StoreUnavailable`."""

    def __init__(self, redis: RedisClient, tenant_id: str, owner: str) -> None:
        if not tenant_id or not owner:
            raise ValueError("a conversation belongs to somebody of a tenant")
        self._redis = redis
        self._tenant = tenant_id
        self._owner = owner
        self._classes = AnswerClasses(redis, tenant_id)

    async def begin(self, question: str) -> str:
        conversation_id = "cnv_" + secrets.token_hex(12)
        at = microseconds(now())
        place, index = self._place(conversation_id), self._index
        arguments = (self._owner, _title(question), at, conversation_id, LIFETIME_S)
        await self._redis.run(_BEGIN, [place, index, _deleted_tenant(self._tenant)], arguments)
        return conversation_id

    async def add(self, conversation_id: str, turn: Turn, seconds: float) -> bool:
        """Adds a turn whose answer took so many seconds; False where the conversation does not exist any more, and
        where a document that it quotes was deleted within that time. What its texts were made from is stored in either
        case: the caller may send them to a named model."""
        await self._store_classes(turn)
        keys = [self._place(conversation_id), self._turns(conversation_id), self._index]
        for document_id in turn.document_ids:
            keys += [_quoting(self._tenant, document_id), _deleted(self._tenant, document_id)]
        encoded = msgspec.json.encode(turn).decode()
        took_ms = math.ceil(seconds * 1000) + 1
        about = (self._owner, microseconds(now()), encoded, MOST_TURNS, LIFETIME_S, conversation_id, took_ms)
        return bool(await self._redis.run(_ADD, keys, (*about, _title(turn.question))))

    async def _store_classes(self, turn: Turn) -> None:
        if turn.made_from.asked_class == "confidential":
            await self._classes.store(turn.question, Provenance("confidential"))
        if turn.answered:
            await self._classes.store(turn.answer, turn.made_from)

    async def history(self, conversation_id: str) -> "History | None":
        """The turns, oldest first; None where there is no such conversation."""
        found = await self._read(conversation_id)
        return found and History(tuple(found[1]), is_shortened=_SHORTENED in found[0])

    async def read(self, conversation_id: str) -> tuple[Conversation, list[Turn]] | None:
        found = await self._read(conversation_id)
        return found and (_conversation(conversation_id, found[0], len(found[1])), found[1])

    async def _read(self, conversation_id: str) -> tuple[dict[str, str], list[Turn]] | None:
        flat, encoded_turns = await self._redis.batch(
            [("HGETALL", self._place(conversation_id)), ("LRANGE", self._turns(conversation_id), 0, -1)]
        )
        fields = dict(pairs(flat))
        if fields.get("owner") != self._owner:
            return None
        return fields, [msgspec.json.decode(one, type=Turn) for one in encoded_turns]

    async def list(self) -> Sequence[Conversation]:
        """The owner's conversations, newest first."""
        ids: list[str] = await self._redis.call("ZREVRANGE", self._index, 0, -1)
        if not ids:
            return []
        asked: list[tuple[str, ...]] = [("HGETALL", self._place(one)) for one in ids]
        asked += [("LLEN", self._turns(one)) for one in ids]
        found = await self._redis.batch(asked)
        hashes = [dict(pairs(flat)) for flat in found[: len(ids)]]
        gone = [one for one, fields in zip(ids, hashes, strict=True) if not fields]
        if gone:
            await self._redis.call("ZREM", self._index, *gone)
        together = zip(ids, hashes, found[len(ids) :], strict=True)
        return [_conversation(one, fields, count) for one, fields, count in together if fields]

    async def delete(self, conversation_id: str) -> bool:
        """Deletes a conversation; False where there is none."""
        if await self.read(conversation_id) is None:
            return False
        await self._redis.batch(
            [
                ("DEL", self._place(conversation_id), self._turns(conversation_id)),
                ("ZREM", self._index, conversation_id),
            ]
        )
        return True

    @property
    def _index(self) -> str:
        return f"conversations:{self._tenant}:{self._owner}"

    def _place(self, conversation_id: str) -> str:
        return _place(self._tenant, conversation_id)

    def _turns(self, conversation_id: str) -> str:
        return _turns(self._tenant, conversation_id)


async def forget_document(redis: RedisClient, tenant_id: str, document_id: str) -> None:
    """Deletes every turn that was answered from the document; one whose answer is being made is not stored.

    Raises `StoreUnavailable`.
    """
    await redis.run(_FORBID, [_deleted(tenant_id, document_id)], [_FORBIDDEN_S])
    quoting = _quoting(tenant_id, document_id)
    for conversation_id in await redis.call("SMEMBERS", quoting):
        place = _turns(tenant_id, conversation_id)
        turns = {one: msgspec.json.decode(one, type=Turn) for one in await redis.call("LRANGE", place, 0, -1)}
        title = next((_title(one.question) for one in turns.values() if document_id not in one.document_ids), "")
        for encoded, turn in turns.items():
            if document_id in turn.document_ids:
                await redis.run(_ERASE, [place, _place(tenant_id, conversation_id)], [encoded, _SHORTENED, title])
    await redis.call("DEL", quoting)


async def forget_tenant(redis: RedisClient, tenant_id: str) -> None:
    """Deletes all conversations of the tenant, with their titles; late calls begin none. Raises `StoreUnavailable`."""
    await redis.call("SET", _deleted_tenant(tenant_id), "1", "EX", _FORBIDDEN_S)
    for pattern in (_place(tenant_id, "*"), f"conversations:{tenant_id}:*"):
        if found := [key async for key in redis.scan(pattern)]:
            await redis.call("DEL", *found)


def _title(question: str) -> str:
    return safe_title(question)[:_TITLE]


def _deleted_tenant(tenant_id: str) -> str:
    return f"conversations-of:{tenant_id}:deleted"


def _place(tenant_id: str, conversation_id: str) -> str:
    return f"conversation:{tenant_id}:{conversation_id}"


def _turns(tenant_id: str, conversation_id: str) -> str:
    return f"{_place(tenant_id, conversation_id)}:turns"


def _quoting(tenant_id: str, document_id: str) -> str:
    return f"conversations:{tenant_id}:from:{document_id}"


def _deleted(tenant_id: str, document_id: str) -> str:
    return f"{_quoting(tenant_id, document_id)}:deleted"


def _conversation(conversation_id: str, fields: dict[str, str], turns: int) -> Conversation:
    created, updated = (
        datetime.fromtimestamp(int(fields[name]) / 1_000_000, tz=now().tzinfo) for name in ("created", "updated")
    )
    return Conversation(conversation_id, fields.get("title", ""), created, updated, turns)
