"""The question and its answer."""

from typing import Annotated

from msgspec import Meta, Struct

from shared.answers.answering import AnswerExecution
from shared.retrieval.retrieve import Mode
from shared.types.citation import Citation
from shared.types.document import Classification
from shared.types.model import Quality
from shared.types.money import Dollars
from shared.types.question import QuestionText
from shared.types.usage import Usage


class Ask(Struct, frozen=True):
    """A question. `classification` can only raise the class that its sources give it; `as_of` is a date or a time.
    `max_latency_ms` is a deadline: a model that takes longer is stopped, and the answer is quoted from the sources."""

    question: QuestionText
    mode: Mode = "hybrid"
    limit: Annotated[int, Meta(ge=1, le=50)] = 8
    stream: bool = False
    quality: Quality = "standard"
    max_latency_ms: Annotated[int, Meta(ge=1)] | None = None
    max_cost_usd: Dollars | None = None
    classification: Classification | None = None
    conversation_id: Annotated[str, Meta(max_length=100)] | None = None
    as_of: str | None = None
    document_ids: Annotated[tuple[str, ...], Meta(max_length=1000)] | None = None


class Answer(Struct, frozen=True):
    """`answered` is false, and `answer` empty, where the sources hold no answer. `[n]` in it is a citation's index."""

    request_id: str
    answered: bool
    answer: str
    citations: tuple[Citation, ...]
    conversation_id: str | None
    usage: Usage
    execution: AnswerExecution
    degraded: tuple[str, ...]
