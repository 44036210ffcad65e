"""Puts an answer together from its statements, each with the mark of its citation, and checks citations literally."""

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from shared.answers.extractive import Extracted
from shared.types.citation import Citation
from shared.types.passage import Passage

_MARK = re.compile(r"\s*\[(\d{1,4})\]")


class Verified(Struct, frozen=True):
    """What is left of an answer. Without a single citation nothing is: `answered` is False and `text` empty."""

    answered: bool
    text: str
    citations: tuple[Citation, ...]


def compose(extracted: Extracted, titles: Mapping[str, str]) -> tuple[str, tuple[Citation, ...]]:
    """The quotes joined by a space, each followed by its mark. `titles` maps document ids to titles."""
    citations: dict[tuple[str, str], Citation] = {}
    parts = []
    for statement in extracted.statements:
        key = (statement.passage.passage_id, statement.quote)
        new = cite(statement.passage, statement.quote, len(citations) + 1, statement.score, titles)
        citation = citations.setdefault(key, new)
        parts.append(f"{statement.quote} [{citation.index}]")
    return " ".join(parts), tuple(citations.values())


def verify(answer: str, citations: Sequence[Citation], passages: Mapping[str, Passage]) -> Verified:
    """Drops every citation whose quote does not stand in its passage, and every mark without a citation; the rest are
    numbered anew from 1 by first use. `passages` maps passage ids to passages. A bracketed number inside a quote is
    text, not a mark."""
    held = {citation.index: citation for citation in citations if _stands(citation, passages)}
    quoted = _quoted(answer, held.values())
    used: dict[int, int] = {}

    def renumber(mark: re.Match[str]) -> str:
        if any(start <= mark.start(1) < end for start, end in quoted):
            return mark.group()
        index = int(mark.group(1))
        if index not in held:
            return ""
        return mark.group().replace(mark.group(1), str(used.setdefault(index, len(used) + 1)))

    text = _MARK.sub(renumber, answer).strip()
    kept = tuple(replace(held[old], index=new) for old, new in used.items())
    return Verified(True, text, kept) if kept else Verified(False, "", ())


def cite(passage: Passage, quote: str, index: int, score: float, titles: Mapping[str, str]) -> Citation:
    """`titles` maps document ids to titles."""
    return Citation(
        index=index,
        passage_id=passage.passage_id,
        document_id=passage.document_id,
        title=titles.get(passage.document_id, ""),
        page=passage.page,
        box=passage.box,
        quote=quote,
        score=round(score, 4),
    )


def _stands(citation: Citation, passages: Mapping[str, Passage]) -> bool:
    passage = passages.get(citation.passage_id)
    return passage is not None and bool(citation.quote.strip()) and citation.quote in passage.text


def _quoted(answer: str, citations: Iterable[Citation]) -> list[tuple[int, int]]:
    """Where the quotes stand in the answer, word for word."""
    found = (re.finditer(re.escape(citation.quote), answer) for citation in citations)
    return [each.span() for quote in found for each in quote]
