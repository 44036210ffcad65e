"""What a text was made from that a caller may send back as part of a later conversation.

The caller holds the conversation; only a text's hash is stored, with its provenance. What an aegis answer of unknown
origin was made from, because it is older or was changed, nobody knows: it counts as confidential, and no cloud model
receives the conversation.
"""

from collections.abc import Sequence
from hashlib import sha256
from itertools import islice

import msgspec

from shared.redis.client import RedisClient
from shared.types.document import CLASSIFICATIONS
from shared.types.errors import StoreUnavailable
from shared.types.provenance import Provenance

LIFETIME_S = 7 * 86_400
_SHORTEST_LINE = 20
"""A shorter line is found in many texts."""

_MOST_LINES = 1000
CONFIDENTIAL = Provenance("confidential")


def lines_of(text: str) -> list[str]:
    """The lines by which a text is found inside another one: the first thousand that are not short."""
    lines = (line.strip() for line in text.splitlines())
    return list(islice((line for line in lines if len(line) >= _SHORTEST_LINE), _MOST_LINES))


class AnswerClasses:
    """The provenance of the texts of one tenant, by the hashes of the whole and of its lines."""

    def __init__(self, redis: RedisClient, tenant_id: str) -> None:
        self._redis = redis
        self._tenant = tenant_id

    async def store(self, text: str, provenance: Provenance) -> None:
        """Stores what a text, and each of its lines, was made from. Without Redis nothing is stored, and an answer
        counts as confidential."""
        if not text.strip():
            return
        encoded = msgspec.json.encode(provenance).decode()
        places = [self._place(one) for one in dict.fromkeys([text.strip(), *lines_of(text)])]
        try:
            await self._redis.batch([("SET", place, encoded, "EX", LIFETIME_S) for place in places])
        except StoreUnavailable:
            return

    async def of(self, texts: Sequence[str]) -> list[Provenance | None]:
        """None for a text that is not known. Without Redis every text counts as confidential."""
        if not texts:
            return []
        try:
            found = await self._redis.call("MGET", *(self._place(text) for text in texts))
        except StoreUnavailable:
            return [CONFIDENTIAL] * len(texts)
        return [_decoded(value) for value in found]

    def _place(self, text: str) -> str:
        return f"said:{self._tenant}:{sha256(text.strip().encode(errors='surrogatepass')).hexdigest()}"


def _decoded(value: str | None) -> Provenance | None:
    """Earlier versions stored the class alone."""
    if value is None:
        return None
    for classification in CLASSIFICATIONS:
        if value == classification:
            return Provenance(classification)
    try:
        return msgspec.json.decode(value, type=Provenance)
    except msgspec.DecodeError:
        return CONFIDENTIAL
