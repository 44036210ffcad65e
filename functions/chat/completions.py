"""Answers a chat in OpenAI's shapes: from documents as `aegis`, or by an upstream's model, straight through."""

import time

from functions.chat import documents, straight
from functions.chat.chunks import Chunks
from functions.chat.messages import ChatRequest
from functions.chat.prompting import invalid
from functions.chat.said import Said
from functions.chat.shapes import AEGIS, ChatCompletion
from shared.answers.answering import Answering
from shared.proxy.execution.proxy import ExecutionProxy
from shared.redis.client import RedisClient
from shared.types.call import Call
from shared.types.errors import Forbidden
from shared.types.http import EventStream
from shared.types.payer import Payer
from shared.types.principal import Principal, Scope


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
    chunks = Chunks(_id(call), int(time.time()), request.model, request.includes_usage)
    if request.model == AEGIS:
        answer = documents.stream if request.stream else documents.complete
        return await answer(request, answering, Said(redis, call.tenant_id), payer, call, chunks)
    pass_on = straight.stream if request.stream else straight.complete
    return await pass_on(request, proxy, payer, call, chunks)


def _check(request: ChatRequest, principal: Principal) -> None:
    needed: Scope = "ask" if request.model == AEGIS else "models"
    if needed not in principal.scopes:
        raise Forbidden(f"The model `{request.model}` takes a key with the scope `{needed}`.")
    if request.n not in (None, 1):
        raise invalid("/n", "one answer is made; leave `n` away or send 1")


def _id(call: Call) -> str:
    return f"chatcmpl-{call.request_id.removeprefix('req_')}"
