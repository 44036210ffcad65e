"""Answers a chat in OpenAI's format: from documents as `aegis`, or by an upstream's model, passed through."""

import time

from functions.chat import documents, passthrough
from functions.chat.chunks import Chunks
from functions.chat.messages import ChatRequest
from functions.chat.openai_types import AEGIS, ChatCompletion
from shared.answers.answering import Answering
from shared.conversations.answer_classes import AnswerClasses
from shared.proxy.execution.proxy import ExecutionProxy
from shared.redis.client import RedisClient
from shared.types.call import Call
from shared.types.errors import BudgetExceeded, Forbidden, InvalidRequest, ModelNotFound
from shared.types.http import EventStream
from shared.types.payer import Payer
from shared.types.principal import Principal, Scope

ERRORS = (BudgetExceeded, ModelNotFound)


async def handle(
    request: ChatRequest,
    proxy: ExecutionProxy,
    answering: Answering,
    redis: RedisClient,
    payer: Payer,
    principal: Principal,
    call: Call,
) -> ChatCompletion | EventStream:
    _check(request, principal)
    completion_id = f"chatcmpl-{call.request_id.removeprefix('req_')}"
    chunks = Chunks(completion_id, int(time.time()), request.model, request.includes_usage)
    classes = AnswerClasses(redis, call.tenant_id)
    if request.model == AEGIS:
        answer = documents.stream if request.stream else documents.complete
        return await answer(request, answering, classes, payer, call, chunks)
    prepared = await passthrough.prepare(request, answering.library, classes, payer, call)
    pass_on = passthrough.stream if request.stream else passthrough.complete
    return await pass_on(prepared, proxy, chunks)


def _check(request: ChatRequest, principal: Principal) -> None:
    needed: Scope = "ask" if request.model == AEGIS else "models"
    if needed not in principal.scopes:
        raise Forbidden(f"The model `{request.model}` takes a key with the scope `{needed}`.")
    if request.n not in (None, 1):
        raise InvalidRequest.at("/n", "one answer is made; leave `n` away or send 1")
