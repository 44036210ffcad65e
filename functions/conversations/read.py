"""Shows a conversation: its turns with their citations, oldest first."""

from datetime import datetime

from msgspec import Struct

from shared.conversations.conversations import Conversations
from shared.types.citation import Citation
from shared.types.document import Classification
from shared.types.errors import NotFound


class OneConversation(Struct, frozen=True):
    conversation_id: str


class ShownTurn(Struct, frozen=True):
    """`classification` is the highest of what the turn was made from."""

    question: str
    answered: bool
    answer: str
    citations: tuple[Citation, ...]
    classification: Classification
    created_at: datetime


class ShownConversation(Struct, frozen=True):
    conversation_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    turns: list[ShownTurn]


async def handle(request: OneConversation, conversations: Conversations) -> ShownConversation:
    found = await conversations.read(request.conversation_id)
    if found is None:
        raise NotFound("There is no such conversation; it may have run out a day after its last turn.")
    about, turns = found
    return ShownConversation(
        conversation_id=about.conversation_id,
        title=about.title,
        created_at=about.created_at,
        updated_at=about.updated_at,
        turns=[
            ShownTurn(turn.question, turn.answered, turn.answer, turn.citations, turn.classification, turn.at)
            for turn in turns
        ],
    )
