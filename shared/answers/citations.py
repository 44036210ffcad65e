"""Citations: what an answer says and where it stands, checked before it leaves."""

import re
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from shared.answers.extractive import Extracted
from shared.types.passage import Box, Passage

_MARK = re.compile(r" ?\[(\d+)\]")


class Citation(Struct, frozen=True):
    """`quote` stands literally in the passage; `[index]` in the answer refers to it."""

    index: int
    passage_id: str
    document_id: str
    title: str
    page: int | None
    box: Box | None
    quote: str
    score: float


class Checked(Struct, frozen=True):
    """What is left of an answer when every citation that does not hold is dropped."""

    answered: bool
    text: str
    citations: tuple[Citation, ...]


def compose(extracted: Extracted, titles: Mapping[str, str]) -> tuple[str, tuple[Citation, ...]]:
    """The answer's text, each quote followed by its mark, and the citations numbered from 1 by first use; `titles` are
    of the documents, by their id."""
    numbers: dict[tuple[str, str], int] = {}
    citations: list[Citation] = []
    said: list[str] = []
    for statement in extracted.statements if extracted.answered else ():
        passage = statement.passage
        number = numbers.setdefault((passage.passage_id, statement.quote), len(numbers) + 1)
        said.append(f"{statement.quote} [{number}]")
        if number > len(citations):
            citations.append(
                Citation(
                    index=number,
                    passage_id=passage.passage_id,
                    document_id=passage.document_id,
                    title=titles.get(passage.document_id, ""),
                    page=passage.page,
                    box=passage.box,
                    quote=statement.quote,
                    score=round(statement.score, 6),
                )
            )
    return " ".join(said), tuple(citations)


def verify(text: str, citations: Sequence[Citation], passages: Sequence[Passage]) -> Checked:
    """Drops every citation whose quote does not stand in its passage, and every mark without a citation; what is left
    is numbered anew by first use. Without any citation left there is no answer."""
    texts = {passage.passage_id: passage.text for passage in passages}
    good = {one.index: one for one in citations if one.quote and one.quote in texts.get(one.passage_id, "")}
    order = list(dict.fromkeys(number for number in map(int, _MARK.findall(text)) if number in good))
    if not order:
        return Checked(False, "", ())
    places = {number: place for place, number in enumerate(order, 1)}
    renumbered = _MARK.sub(lambda mark: _marked(mark, places), text)
    kept = tuple(msgspec.structs.replace(good[number], index=place) for number, place in places.items())
    return Checked(True, renumbered.strip(), kept)


def _marked(mark: "re.Match[str]", places: Mapping[int, int]) -> str:
    place = places.get(int(mark[1]))
    return f"{mark[0][: mark[0].index('[')]}[{place}]" if place else ""
