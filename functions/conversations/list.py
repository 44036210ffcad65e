"""Lists the caller's conversations, newest first."""

from shared.conversations.conversations import Conversation, Conversations
from shared.types.http import Paged
from shared.types.paging import PageRequest, cut


class ListConversations(PageRequest, frozen=True):
    pass


class ConversationList(Paged, frozen=True, kw_only=True):
    items: list[Conversation]


async def handle(request: ListConversations, conversations: Conversations) -> ConversationList:
    items, cursor = cut(await conversations.list(), request, lambda one: (one.created_at, one.conversation_id))
    return ConversationList(items=items, next_cursor=cursor)
