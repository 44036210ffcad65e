"""Turns texts into vectors in OpenAI's format, with the model that embeds the documents."""

import base64
import struct
from collections.abc import Sequence

from functions.chat.messages import EmbeddingsRequest
from functions.chat.openai_types import AEGIS, EmbeddingItem, EmbeddingList, EmbeddingUsage
from shared.embedding.port import Embedding
from shared.embedding.whole import embed_whole
from shared.processes.turns import TenantTurns
from shared.types.errors import Forbidden, InvalidRequest, ModelNotFound
from shared.types.payer import Payer
from shared.types.principal import Principal
from shared.usage.metering import Meter

MOST_TEXTS = 2048
_TOKENS_REFUSED = (
    "send texts: token numbers (of cl100k, say) mean nothing to this model; LangChain sends texts with "
    "`check_embedding_ctx_length=False`"
)


ERRORS = (ModelNotFound,)


async def handle(
    request: EmbeddingsRequest,
    embedding: Embedding,
    turns: TenantTurns,
    meter: Meter,
    payer: Payer,
    principal: Principal,
) -> EmbeddingList:
    if request.model != AEGIS:
        raise ModelNotFound(f"There is no embedding model `{request.model}`; the one that there is is `{AEGIS}`.")
    if "ask" not in principal.scopes:
        raise Forbidden(f"The model `{AEGIS}` takes a key with the scope `ask`.")
    if request.dimensions not in (None, embedding.dimensions):
        detail = f"the vectors have {embedding.dimensions} dimensions; leave `dimensions` away or send that"
        raise InvalidRequest.at("/dimensions", detail)
    texts = _texts(request)
    async with turns.turn(payer.tenant_id):
        embedded = await embed_whole(embedding, texts)
    question = await meter.question(payer, embedded.tokens)
    await question.record("embeddings", ())
    vectors: Sequence[tuple[float, ...] | str] = embedded.vectors
    if request.encoding_format == "base64":
        vectors = [base64.b64encode(struct.pack(f"<{len(one)}f", *one)).decode() for one in embedded.vectors]
    items = tuple(EmbeddingItem(index=index, embedding=vector) for index, vector in enumerate(vectors))
    return EmbeddingList(data=items, model=AEGIS, usage=EmbeddingUsage(embedded.tokens, embedded.tokens))


def _texts(request: EmbeddingsRequest) -> list[str]:
    given = request.input if isinstance(request.input, list) else [request.input]
    if not 1 <= len(given) <= MOST_TEXTS:
        raise InvalidRequest.at("/input", f"send 1 to {MOST_TEXTS} texts")
    for number, text in enumerate(given):
        if not isinstance(text, str):
            raise InvalidRequest.at("/input", _TOKENS_REFUSED)
        if not text:
            pointer = f"/input/{number}" if isinstance(request.input, list) else "/input"
            raise InvalidRequest.at(pointer, "the text is empty")
    return given
