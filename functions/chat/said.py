"""Of what class an answer was that a caller sends back as an earlier turn.

The caller holds the conversation, so that only the answer's hash is kept here. An answer that is not known, because it
is older or was altered, may have come from anything: it counts as confidential, and its conversation stays here.
"""

from collections.abc import Sequence
from hashlib import sha256

from shared.redis.client import RedisClient
from shared.types.document import CLASSIFICATIONS, Classification
from shared.types.errors import StoreUnavailable

KEPT_S = 7 * 86_400


class Said:
    """The answers that one tenant was given."""

    def __init__(self, redis: RedisClient, tenant_id: str) -> None:
        self._redis = redis
        self._tenant = tenant_id

    async def keep(self, answer: str, classification: Classification) -> None:
        """Without Redis it is not kept, and the answer counts as confidential."""
        try:
            await self._redis.call("SET", self._place(answer), classification, "EX", KEPT_S)
        except StoreUnavailable:
            return

    async def classes(self, answers: Sequence[str]) -> list[Classification]:
        if not answers:
            return []
        try:
            found = await self._redis.call("MGET", *(self._place(answer) for answer in answers))
        except StoreUnavailable:
            found = [None] * len(answers)
        return [next((one for one in CLASSIFICATIONS if one == known), "confidential") for known in found]

    def _place(self, answer: str) -> str:
        return f"said:{self._tenant}:{sha256(answer.strip().encode()).hexdigest()}"
