"""`aegis search`: the passages that fit a query best."""

from decimal import Decimal
from pathlib import Path

import rich_click as click
from msgspec import Struct

from shared.terminal.client import call, shaped
from shared.terminal.options import TextParam, document_option, limit_option, mode_option, present, speaks
from shared.terminal.place import locate
from shared.terminal.render import indented, line, note, say, say_json


class PassageView(Struct):
    """A passage as a reader sees it."""

    text: str
    title: str = ""
    page: int | None = None
    score: Decimal | None = None
    passage_id: str = ""


class _Found(Struct):
    passages: list[PassageView]


@click.command()
@click.argument("query", type=TextParam())
@limit_option(8, 50, "How many passages.")
@mode_option
@document_option
@speaks
def search(query: str, limit: int, mode: str, documents: tuple[str, ...], data: Path, as_json: bool) -> None:
    """Find passages."""
    place = locate(data)
    request = {"query": query, "limit": limit, "mode": mode, **present(document_ids=documents)}
    found = call(place, "POST", "/search", json=request)
    passages = shaped(place, found, _Found).passages
    if as_json:
        say_json(found)
    elif passages:
        say_passages(passages)
    else:
        note("nothing found")


def say_passages(passages: list[PassageView]) -> None:
    for number, passage in enumerate(passages, 1):
        score = f"  {passage.score:.4f}" if passage.score is not None else ""
        say(f"{number}. {titled(passage.title, passage.page)}{score}  {line(passage.passage_id)}")
        say(indented(passage.text))


def titled(title: str, page: int | None) -> str:
    """A document's title, with the page where there is one."""
    name = line(title) or "(no title)"
    return f"{name}, page {page}" if page else name
