"""The messages of a conversation with what each was made from, as far as that is known."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.conversations.answer_classes import CONFIDENTIAL, AnswerClasses, lines_of
from shared.proxy.task import PromptMessage
from shared.retrieval.sources import Library
from shared.types.document import Classification, higher
from shared.types.errors import Forbidden
from shared.types.model import ToolCall
from shared.types.provenance import Provenance


class AnsweredQuestion(Struct, frozen=True):
    """A question with its answer; consecutive messages of one role count as one."""

    question: str
    answer: str
    provenance: Provenance


async def known_provenances(
    messages: Sequence[PromptMessage], classes: AnswerClasses, *, by_line: bool = False
) -> list[Provenance | None]:
    """What is known of each message, or of a part of it; None where nothing is. `by_line`: a line that is known is
    enough, which is for callers who need not know where the rest is from."""
    texts = [_texts(message, by_line=by_line) for message in messages]
    found = iter(await classes.of([text for of_message in texts for text in of_message]))
    known = [[one for _ in of_message if (one := next(found))] for of_message in texts]
    return [one[0].joined(one[1:]) if one else None for one in known]


def _texts(message: PromptMessage, *, by_line: bool) -> list[str]:
    """Each text of a message once: the whole, its parts, what it calls tools with and, if wanted, its lines."""
    calls = (stored_arguments(call) for call in message.tool_calls)
    lines = lines_of(message.text) if by_line else []
    texts = dict.fromkeys([message.text, *(part.text for part in message.parts), *calls, *lines])
    return [text for text in texts if text.strip()]


def stored_arguments(call: ToolCall) -> str:
    """The call as it is recognised when it comes back: clients write its JSON anew."""
    try:
        arguments = msgspec.json.encode(msgspec.json.decode(call.arguments), order="sorted").decode()
    except (msgspec.DecodeError, RecursionError):
        arguments = call.arguments
    return f"{call.name}({arguments})"


def answered_questions(
    messages: Sequence[PromptMessage],
    known: Sequence[Provenance | None],
    asked_class: Classification,
    refusals: Sequence[str],
) -> Iterator[AnsweredQuestion]:
    """Yields the questions that were answered. An answer of unknown origin counts as confidential; a refusal, which is
    the same for all questions, is no answer, and its question has the class that is known of it."""
    question, answer, provenance = "", "", Provenance(asked_class)
    for message, origin in zip(messages, known, strict=True):
        if message.role == "user":
            if answer:
                yield AnsweredQuestion(question, "" if answer in refusals else answer, provenance)
                question, answer, provenance = "", "", Provenance(asked_class)
            question = f"{question}\n{message.text}".strip()
            provenance = provenance.joined([origin] if origin else [])
        elif message.role == "assistant" and question and message.text.strip():
            answer = f"{answer}\n{message.text}".strip()
            is_refusal = message.text.strip() in refusals
            provenance = provenance.joined([] if is_refusal else [origin or CONFIDENTIAL])
    if answer:
        yield AnsweredQuestion(question, "" if answer in refusals else answer, provenance)


async def classified(
    messages: Sequence[PromptMessage], classes: AnswerClasses, library: Library
) -> tuple[tuple[PromptMessage, ...], Provenance]:
    """The messages, each with the class that it has now, for a model that gets them as they are; and what they were
    made from together. Raises `Forbidden` for one that quotes a deleted document, `StoreUnavailable`."""
    known = [one or Provenance("public") for one in await known_provenances(messages, classes, by_line=True)]
    present = await library.present_classes(known)
    result = []
    for number, (message, classification) in enumerate(zip(messages, present, strict=True)):
        if classification is None:
            raise Forbidden(f"/messages/{number} quotes a document that was deleted; leave that message out.")
        parts = [replace(part, classification=higher(part.classification, classification)) for part in message.parts]
        result.append(replace(message, parts=tuple(parts)))
    return tuple(result), Provenance("public").over(known)
