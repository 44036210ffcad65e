"""`aegis ask`: an answer as it comes, its sources, and what it cost."""

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click
from msgspec import Struct, field

from shared.terminal.client import (
    ASK_SECONDS,
    ServerClient,
    ServerProblem,
    call,
    event_body,
    refused,
    shaped,
    speak,
    stranger,
)
from shared.terminal.failure import Exit, Refused, Unreachable
from shared.terminal.options import (
    Identifier,
    Moment,
    TextParam,
    class_option,
    document_option,
    dollars_option,
    limit_option,
    mode_option,
    present,
    speaks,
)
from shared.terminal.place import Place, locate
from shared.terminal.render import dollars, indented, line, lines, note, say, say_json
from shared.terminal.search import PassageView, say_passages, titled
from shared.terminal.sse import ServerEvent


class _Citation(Struct):
    index: int
    title: str = ""
    page: int | None = None
    quote: str = ""


class _Usage(Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    estimated: bool = False


class _Execution(Struct):
    location: str = ""
    model: str | None = None
    reason: str = ""


class _Answer(Struct):
    answered: bool
    answer: str = ""
    request_id: str = ""
    citations: list[_Citation] = []
    usage: _Usage = field(default_factory=_Usage)
    execution: _Execution = field(default_factory=_Execution)
    degraded: list[str] = []


class _Token(Struct):
    text: str


class _Retrieved(Struct):
    passages: list[PassageView]


@click.command()
@click.argument("question", type=TextParam())
@mode_option
@limit_option(8, 50, "How many passages to answer from.")
@click.option("--quality", type=click.Choice(["fast", "standard", "high"]), help="How good an answer.")
@document_option
@class_option
@click.option("--conversation", type=Identifier(), help="Go on with this conversation.")
@click.option("--as-of", type=Moment(), help="Answer as of this date, such as 2026-03-01.")
@click.option("--max-latency-ms", type=click.IntRange(min=1), help="The longest that the answer may take.")
@dollars_option
@click.option("--no-stream", is_flag=True, help="Print the answer when it is whole.")
@click.option("--show-context", is_flag=True, help="Print the passages that were found, too.")
@speaks
def ask(
    question: str, mode: str, limit: int, data: Path, as_json: bool, no_stream: bool, show_context: bool, **chosen: Any
) -> None:
    """Ask a question of the documents.

    Exits 3 when the sources do not say.
    """
    if as_json and show_context:
        raise click.UsageError("--show-context and --json do not go together: `aegis search --json` prints passages.")
    place = locate(data)
    request = {"question": question, "mode": mode, "limit": limit, **_wishes(chosen)}
    if as_json or (no_stream and not show_context):
        raw = call(place, "POST", "/ask", json=request, seconds=ASK_SECONDS)
        answer = shaped(place, raw, _Answer)
        say_json(raw) if as_json else _say_whole(answer)
    else:
        answer = speak(place, _Stream(place, request, live=not no_stream, show_context=show_context).answer)
    if not as_json:
        _say_footer(answer)
    if not answer.answered:
        sys.exit(Exit.NO_ANSWER)


def _wishes(chosen: dict[str, Any]) -> dict[str, Any]:
    fields = present(
        quality=chosen["quality"],
        document_ids=chosen["documents"],
        classification=chosen["classification"],
        conversation_id=chosen["conversation"],
        as_of=chosen["as_of"],
        max_latency_ms=chosen["max_latency_ms"],
    )
    # Nothing spent is a wish, too.
    return fields | ({} if chosen["max_cost_usd"] is None else {"max_cost_usd": chosen["max_cost_usd"]})


class _Stream:
    """One answer while it comes in."""

    def __init__(self, place: Place, request: dict[str, Any], *, live: bool, show_context: bool) -> None:
        self._place = place
        self._request = {**request, "stream": True}
        self._live = live
        self._show_context = show_context
        self._said = ""
        self._passages: list[PassageView] = []

    async def answer(self, server: ServerClient) -> _Answer:
        try:
            async with server.stream("POST", "/ask", json=self._request) as events:
                async for event in events:
                    if (answer := self._take(event)) is not None:
                        self._say_end(answer)
                        return answer
        finally:
            self._end_line()
        raise Unreachable("the answer broke off before its end", "what to do: ask again")

    def _take(self, event: ServerEvent) -> _Answer | None:
        if event.name == "token":
            self._say(shaped(self._place, event_body(self._place, event), _Token).text)
        elif event.name == "retrieved" and self._show_context:
            self._passages = shaped(self._place, event_body(self._place, event), _Retrieved).passages
        elif event.name == "done":
            return shaped(self._place, event_body(self._place, event), _Answer)
        elif event.name == "error":
            raise self._refusal(event)
        return None

    def _say(self, text: str) -> None:
        if self._live and text:
            self._said += text
            say(lines(text), whole_line=False)

    def _say_end(self, answer: _Answer) -> None:
        """The last event is what counts: where it differs from what was said on the way, it is said again."""
        if not self._said.strip():
            _say_whole(answer)
        else:
            self._end_line()
            if not answer.answered or answer.answer.strip() != self._said.strip():
                say("\nAfter its sources were checked:")
                _say_text(answer)
            _say_sources(answer)
        if self._passages:
            say("\nFound:")
            say_passages(self._passages)

    def _end_line(self) -> None:
        if self._said and not self._said.endswith("\n"):
            self._said += "\n"
            say()

    def _refusal(self, event: ServerEvent) -> Refused:
        try:
            problem = msgspec.json.decode(event.data, type=ServerProblem, strict=False)
        except msgspec.MsgspecError as error:
            raise stranger(self._place) from error
        problem.status = problem.status if problem.status >= 400 else 500
        return refused(self._place, problem)


def _say_whole(answer: _Answer) -> None:
    _say_text(answer)
    _say_sources(answer)


def _say_text(answer: _Answer) -> None:
    say(lines(answer.answer.strip()) if answer.answered else "The sources do not say.")


def _say_sources(answer: _Answer) -> None:
    if answer.citations:
        say("\nSources:")
    for citation in answer.citations:
        say(f"[{citation.index}] {titled(citation.title, citation.page)}")
        say(indented(citation.quote))


def _say_footer(answer: _Answer) -> None:
    usage, execution = answer.usage, answer.execution
    where = " ".join(line(part) for part in (execution.location, execution.model) if part)
    cost = dollars(usage.cost_usd) + (" (estimated)" if usage.estimated else "")
    tokens = f"{usage.prompt_tokens} + {usage.completion_tokens} tokens"
    reason = f" ({line(execution.reason)})" if execution.reason else ""
    note(f"\n{tokens} · {cost} · {where}{reason} · {line(answer.request_id)}")
    if answer.degraded:
        note(f"note: answered without {', '.join(line(part) for part in answer.degraded)}")
