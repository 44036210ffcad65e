"""`aegis search`: the passages that match a query best."""

from decimal import Decimal
from pathlib import Path

import rich_click as click
from msgspec import Struct

from shared.terminal.client import call, convert_to
from shared.terminal.connection import connection_for
from shared.terminal.options import TextParam, document_option, given, limit_option, mode_option, server_options
from shared.terminal.output import indent_text, note, safe_line, write, write_json


class FoundPassage(Struct):
    """A passage to be printed."""

    text: str
    title: str = ""
    page: int | None = None
    score: Decimal | None = None
    passage_id: str = ""


class _Found(Struct):
    passages: list[FoundPassage]
    degraded: list[str] = []


@click.command()
@click.argument("query", type=TextParam())
@limit_option(8, 50, "Maximum number of passages.")
@mode_option
@document_option
@server_options
def search(query: str, limit: int, mode: str, documents: tuple[str, ...], data: Path, as_json: bool) -> None:
    """Search the documents for passages."""
    connection = connection_for(data)
    request = {"query": query, "limit": limit, "mode": mode, **given(document_ids=documents)}
    found = call(connection, "POST", "/search", json=request)
    result = convert_to(connection, found, _Found)
    if as_json:
        write_json(found)
    elif result.passages:
        write_passages(result.passages)
    else:
        note("nothing found")
    if result.degraded:
        note(f"note: searched without {', '.join(safe_line(part) for part in result.degraded)}")


def write_passages(passages: list[FoundPassage]) -> None:
    for number, passage in enumerate(passages, 1):
        score = f"  {passage.score:.4f}" if passage.score is not None else ""
        write(f"{number}. {title_line(passage.title, passage.page)}{score}  {safe_line(passage.passage_id)}")
        write(indent_text(passage.text))


def title_line(title: str, page: int | None) -> str:
    """A document's title, with the page where there is one."""
    name = safe_line(title) or "(no title)"
    return f"{name}, page {page}" if page else name
