"""Composes an answer from statements with citation marks, and verifies each citation against its passage."""

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from shared.answers.extractive import Extracted
from shared.types.citation import Citation
from shared.types.passage import Passage

_MARK = re.compile(r"\s*\[(\d{1,4})\]")


class Verified(Struct, frozen=True):
    """An answer with its verified citations. Without any, `answered` is False and `text` empty."""

    answered: bool
    text: str
    citations: tuple[Citation, ...]


def compose(extracted: Extracted, titles: Mapping[str, str]) -> tuple[str, tuple[Citation, ...]]:
    """Joins the quotes with spaces, each followed by its mark. `titles` maps document ids to titles."""
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
    verified = {
        citation.index: citation
        for citation in citations
        if citation.quote.strip() and (passage := passages.get(citation.passage_id)) and citation.quote in passage.text
    }
    quoted = [quote.span() for one in verified.values() for quote in re.finditer(re.escape(one.quote), answer)]
    used: dict[int, int] = {}

    def renumber(mark: re.Match[str]) -> str:
        if any(start <= mark.start(1) < end for start, end in quoted):
            return mark.group()
        index = int(mark.group(1))
        if index not in verified:
            return ""
        return mark.group().replace(mark.group(1), str(used.setdefault(index, len(used) + 1)))

    text = _MARK.sub(renumber, answer).strip()
    renumbered = tuple(replace(verified[old], index=new) for old, new in used.items())
    return Verified(True, text, renumbered) if renumbered else Verified(False, "", ())


def cite(passage: Passage, quote: str, index: int, score: float, titles: Mapping[str, str]) -> Citation:
    """Creates the citation of a quote. `titles` maps document ids to titles."""
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
