"""`aegis ask`: streams an answer, then prints its sources and cost."""

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
    convert_to,
    event_json,
    foreign_answer,
    refused,
    with_server,
)
from shared.terminal.connection import Connection, connection_for
from shared.terminal.errors import ExitCode, RequestRefused, Unreachable
from shared.terminal.options import (
    IdParam,
    TextParam,
    TimeParam,
    class_option,
    document_option,
    given,
    limit_option,
    max_cost_option,
    mode_option,
    server_options,
)
from shared.terminal.output import format_usd, indent_text, note, safe_line, safe_text, write, write_json
from shared.terminal.search import FoundPassage, title_line, write_passages
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
    passages: list[FoundPassage]


@click.command()
@click.argument("question", type=TextParam())
@mode_option
@limit_option(8, 50, "Number of passages to answer from.")
@click.option("--quality", type=click.Choice(["fast", "standard", "high"]), help="Quality of the answer.")
@document_option
@class_option
@click.option("--conversation", type=IdParam(), help="Continue this conversation.")
@click.option("--as-of", type=TimeParam(), help="Answer as of this date, such as 2026-03-01.")
@click.option("--max-latency-ms", type=click.IntRange(min=1), help="Maximum time of the answer.")
@max_cost_option
@click.option("--no-stream", is_flag=True, help="Print the answer when it is complete.")
@click.option("--show-context", is_flag=True, help="Also print the passages that were found.")
@server_options
def ask(
    question: str, mode: str, limit: int, data: Path, as_json: bool, no_stream: bool, show_context: bool, **options: Any
) -> None:
    """Ask a question about the documents.

    Exits with 3 when the sources contain no answer.
    """
    if as_json and show_context:
        raise click.UsageError("--show-context and --json do not go together: `aegis search --json` prints passages.")
    connection = connection_for(data)
    request = {"question": question, "mode": mode, "limit": limit, **_limits_and_filters(options)}
    if as_json or (no_stream and not show_context):
        raw = call(connection, "POST", "/ask", json=request, seconds=ASK_SECONDS)
        answer = convert_to(connection, raw, _Answer)
        write_json(raw) if as_json else _write_whole(answer)
    else:
        answer = with_server(
            connection, _Stream(connection, request, live=not no_stream, show_context=show_context).answer
        )
    if not as_json:
        _write_footer(answer)
    if not answer.answered:
        sys.exit(ExitCode.NO_ANSWER)


def _limits_and_filters(options: dict[str, Any]) -> dict[str, Any]:
    fields = given(
        quality=options["quality"],
        document_ids=options["documents"],
        classification=options["classification"],
        conversation_id=options["conversation"],
        as_of=options["as_of"],
        max_latency_ms=options["max_latency_ms"],
    )
    # 0 is a limit, too.
    return fields | ({} if options["max_cost_usd"] is None else {"max_cost_usd": options["max_cost_usd"]})


class _Stream:
    """Prints one answer while it arrives."""

    def __init__(self, connection: Connection, request: dict[str, Any], *, live: bool, show_context: bool) -> None:
        self._connection = connection
        self._request = {**request, "stream": True}
        self._live = live
        self._show_context = show_context
        self._printed = ""
        self._passages: list[FoundPassage] = []

    async def answer(self, server: ServerClient) -> _Answer:
        try:
            async with server.stream("POST", "/ask", json=self._request) as events:
                async for event in events:
                    if (answer := self._take(event)) is not None:
                        self._write_end(answer)
                        return answer
        finally:
            self._end_line()
        raise Unreachable("the stream ended before the answer was complete", "what to do: ask again")

    def _take(self, event: ServerEvent) -> _Answer | None:
        if event.name == "token":
            text = convert_to(self._connection, event_json(self._connection, event), _Token).text
            if self._live and text:
                self._printed += text
                write(safe_text(text), newline=False)
        elif event.name == "retrieved" and self._show_context:
            self._passages = convert_to(self._connection, event_json(self._connection, event), _Retrieved).passages
        elif event.name == "done":
            return convert_to(self._connection, event_json(self._connection, event), _Answer)
        elif event.name == "error":
            raise self._refusal(event)
        return None

    def _write_end(self, answer: _Answer) -> None:
        """The last event is authoritative: an answer that differs from the streamed text is printed again."""
        if not self._printed.strip():
            _write_whole(answer)
        else:
            self._end_line()
            if not answer.answered or answer.answer.strip() != self._printed.strip():
                write("\nAfter its sources were checked:")
                _write_text(answer)
            _write_sources(answer)
        if self._passages:
            write("\nFound:")
            write_passages(self._passages)

    def _end_line(self) -> None:
        if self._printed and not self._printed.endswith("\n"):
            self._printed += "\n"
            write()

    def _refusal(self, event: ServerEvent) -> RequestRefused:
        try:
            problem = msgspec.json.decode(event.data, type=ServerProblem, strict=False)
        except msgspec.MsgspecError as error:
            raise foreign_answer(self._connection) from error
        problem.status = problem.status if problem.status >= 400 else 500
        return refused(self._connection, problem)


def _write_whole(answer: _Answer) -> None:
    _write_text(answer)
    _write_sources(answer)


def _write_text(answer: _Answer) -> None:
    write(safe_text(answer.answer.strip()) if answer.answered else "The sources do not say.")


def _write_sources(answer: _Answer) -> None:
    if answer.citations:
        write("\nSources:")
    for citation in answer.citations:
        write(f"[{citation.index}] {title_line(citation.title, citation.page)}")
        write(indent_text(citation.quote))


def _write_footer(answer: _Answer) -> None:
    usage, execution = answer.usage, answer.execution
    where = " ".join(safe_line(part) for part in (execution.location, execution.model) if part)
    cost = format_usd(usage.cost_usd) + (" (estimated)" if usage.estimated else "")
    tokens = f"{usage.prompt_tokens} + {usage.completion_tokens} tokens"
    reason = f" ({safe_line(execution.reason)})" if execution.reason else ""
    note(f"\n{tokens} · {cost} · {where}{reason} · {safe_line(answer.request_id)}")
    if answer.degraded:
        note(f"note: answered without {', '.join(safe_line(part) for part in answer.degraded)}")
