"""The data class of an answer that a caller sends back as an earlier turn.

The caller holds the conversation; only the answer's hash is stored. An unknown answer, because it is older or was
changed, may come from any source: it counts as confidential, and no cloud model receives the conversation.
"""

from collections.abc import Sequence
from hashlib import sha256

from shared.redis.client import RedisClient
from shared.types.document import CLASSIFICATIONS, Classification
from shared.types.errors import StoreUnavailable

LIFETIME_S = 7 * 86_400


class AnswerClasses:
    """The classes of the answers that one tenant received, by their hash."""

    def __init__(self, redis: RedisClient, tenant_id: str) -> None:
        self._redis = redis
        self._tenant = tenant_id

    async def store(self, answer: str, classification: Classification) -> None:
        """Stores the class of an answer; without Redis nothing is stored, and the answer counts as confidential."""
        try:
            await self._redis.call("SET", self._place(answer), classification, "EX", LIFETIME_S)
        except StoreUnavailable:
            return

    async def of(self, answers: Sequence[str]) -> list[Classification]:
        if not answers:
            return []
        try:
            found = await self._redis.call("MGET", *(self._place(answer) for answer in answers))
        except StoreUnavailable:
            found = [None] * len(answers)
        return [next((one for one in CLASSIFICATIONS if one == known), "confidential") for known in found]

    def _place(self, answer: str) -> str:
        return f"said:{self._tenant}:{sha256(answer.strip().encode()).hexdigest()}"
