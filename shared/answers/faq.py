"""Questions in a source: each is answered by what follows it."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from shared.answers.answer_type import AnswerType
from shared.answers.question import Question, Term, understand
from shared.answers.sentences import SentenceKind, SentenceSpan, sentences_of
from shared.types.passage import Passage

_MARKS = ' \t*_"”“«»)#'
_RELATED = 0.4
"""The weight of a related word: a cat is no dog."""

_MOST = 3
"""Sentences behind a question that are read as its answer."""

_ASKED = 0.75
_ASKING = 0.6
"""How much of the reader's question the source's one must meet, and how much of the source's the reader's."""


class FaqAnswer(Struct, frozen=True):
    """`text[start:end]` of the passage answers the question that stands before it."""

    passage: Passage
    start: int
    end: int

    @property
    def quote(self) -> str:
        return self.passage.text[self.start : self.end]


def is_question(text: str) -> bool:
    return text.rstrip(_MARKS).endswith(("?", "？"))


def _question_above(text: str, spans: Sequence[SentenceSpan]) -> list[str]:
    """For each span the question that it answers, or nothing: one of its own line, at most a few sentences before."""
    above: list[str] = []
    asked, left = "", 0
    for span in spans:
        quote = text[span.start : span.end]
        if is_question(quote):
            alone = not text[: span.start].rpartition("\n")[2].strip() and text[span.end : span.end + 1] in ("", "\n")
            asked, left = (quote.strip(_MARKS), _MOST) if alone else ("", 0)
            above.append("")
            continue
        if span.kind is SentenceKind.HEADING or not left:
            asked = ""
        left -= 1
        above.append(asked)
    return above


def look_up_faq(question: Question, passages: Sequence[Passage]) -> FaqAnswer | None:
    """Returns the answer that follows the question most like this one, where they ask for the same."""
    scored = [
        (score, at, answer)
        for at, (asked, answer) in enumerate(_answers(passages))
        if (score := _alike(question, asked))
    ]
    return max(scored, key=lambda one: (one[0], -one[1]))[2] if scored else None


def _answers(passages: Sequence[Passage]) -> Iterator[tuple[Question, FaqAnswer]]:
    for passage in passages:
        if "?" not in passage.text:
            continue
        spans = list(sentences_of(passage.text))
        above = _question_above(passage.text, spans)
        for at, span in enumerate(spans):
            if above[at] and not above[at - 1]:
                yield understand(above[at]), FaqAnswer(passage, span.start, span.end)


def _alike(question: Question, other: Question) -> float:
    """0 where they ask for different things; else how much of each other's words they meet."""
    own, others = (*question.names, *question.terms), (*other.names, *other.terms)
    kinds = {question.answer_type, other.answer_type} - {AnswerType.OTHER}
    if not own or not others or len(kinds) > 1:
        return 0.0
    figures = {term.stem for term in own if term.word[0].isdigit()} ^ {
        term.stem for term in others if term.word[0].isdigit()
    }
    here, there = _met(own, others), _met(others, own)
    return here + there if here >= _ASKED and there >= _ASKING and not figures else 0.0


def _met(terms: Sequence[Term], others: Sequence[Term]) -> float:
    stems = {other.stem for other in others}
    meanings = frozenset[int]().union(*(other.meanings for other in others))
    return sum(1.0 if term.stem in stems else _RELATED * bool(term.meanings & meanings) for term in terms) / len(terms)
