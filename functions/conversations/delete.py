"""Deletes a conversation with all its turns."""

from msgspec import Struct

from shared.conversations.conversations import Conversations
from shared.types.errors import NotFound


class DeleteConversation(Struct, frozen=True):
    conversation_id: str


ERRORS = (NotFound,)


async def handle(request: DeleteConversation, conversations: Conversations) -> None:
    if not await conversations.delete(request.conversation_id):
        raise NotFound("There is no such conversation.")
