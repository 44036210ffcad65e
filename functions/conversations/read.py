"""Shows a conversation: its turns with their citations, oldest first."""

from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from shared.conversations.conversations import Conversations
from shared.types.citation import Citation
from shared.types.document import Classification
from shared.types.errors import NotFound


class OneConversation(Struct, frozen=True):
    conversation_id: str


class TurnView(Struct, frozen=True):
    """`classification` is the highest of what the turn was made from."""

    question: str
    answered: bool
    answer: str
    citations: tuple[Citation, ...]
    classification: Classification
    created_at: datetime


class ConversationView(Struct, frozen=True):
    conversation_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    turns: list[TurnView]


ERRORS = (NotFound,)


async def handle(request: OneConversation, conversations: Conversations) -> ConversationView:
    found = await conversations.read(request.conversation_id)
    if found is None:
        raise NotFound("There is no such conversation; it may have run out a day after its last turn.")
    conversation, turns = found
    views = [msgspec.convert({**asdict(turn), "created_at": turn.at}, TurnView) for turn in turns]
    return msgspec.convert({**asdict(conversation), "turns": views}, ConversationView)
