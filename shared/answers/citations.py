"""Puts an answer together from checked statements, each with the mark of its citation."""

from collections.abc import Mapping

from msgspec import Struct

from shared.answers.inert import inert
from shared.types.citation import Citation
from shared.types.passage import Passage

_ITEMS = ("- ", "* ")


class CheckedText(Struct, frozen=True):
    """A checked piece of an answer, and the citation that it is the first to use. All pieces joined are the answer."""

    text: str
    citation: Citation | None = None


class AnswerText:
    """An answer that grows by statements; its citations are numbered from 1 by first use. `titles` maps document ids to
    titles. The text is inert, the quotes stand literally in their passages."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._titles = titles
        self._pieces: list[str] = []
        self._citations: dict[tuple[str, str], Citation] = {}
        self._repeated: frozenset[tuple[str, str]] = frozenset()

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    @property
    def citations(self) -> tuple[Citation, ...]:
        return tuple(self._citations.values())

    def add(self, statement: str, passage: Passage, quote: str, score: float, stop: str = "") -> CheckedText | None:
        """Adds a statement that the quote supports; `stop` are its last characters, which follow the mark. None where
        the quote does not stand in the passage, or was cited before `go_on_elsewhere`."""
        key = (passage.passage_id, quote)
        written = inert(statement).strip()
        if key in self._repeated or not written or not quote.strip() or quote not in passage.text:
            return None
        known = self._citations.get(key)
        citation = known or self._cite(passage, quote, score)
        separator = self._separator(is_item=written.startswith(_ITEMS)) if self._pieces else ""
        piece = f"{separator}{written} [{citation.index}]{stop}"
        self._pieces.append(piece)
        return CheckedText(piece, None if known else citation)

    def go_on_elsewhere(self) -> None:
        """The answerer is replaced by another one. What is there stays, and what it cites is not stated again."""
        self._repeated = frozenset(self._citations)

    def _separator(self, *, is_item: bool) -> str:
        behind_item = self._pieces[-1].lstrip().startswith(_ITEMS)
        return "\n" if is_item else "\n\n" if behind_item else " "

    def _cite(self, passage: Passage, quote: str, score: float) -> Citation:
        citation = Citation(
            index=len(self._citations) + 1,
            passage_id=passage.passage_id,
            document_id=passage.document_id,
            title=self._titles.get(passage.document_id, ""),
            page=passage.page,
            box=passage.box,
            quote=quote,
            score=round(score, 4),
        )
        self._citations[passage.passage_id, quote] = citation
        return citation
