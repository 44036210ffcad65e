"""Questions in a source: each is answered by what follows it."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from shared.answers.answer_type import AnswerType
from shared.answers.question import Question, Term, understand
from shared.answers.sentences import SentenceKind, SentenceSpan, sentences_of
from shared.types.passage import Passage

_MARKS = ' \t*_"”“«»)#'
_RELATED = 0.4
"""The weight of a related word: a cat is no dog."""

_ASKED = 0.75
_ASKING = 0.6
"""How much of the reader's question the source's one must meet, and how much of the source's the reader's."""


class FaqAnswer(Struct, frozen=True):
    """The quote stands literally in the passage and answers the question that stands before it."""

    passage: Passage
    quote: str


def is_question(text: str) -> bool:
    return text.rstrip(_MARKS).endswith(("?", "？"))


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
        for before, span in pairwise(sentences_of(passage.text)):
            asked, quote = (passage.text[one.start : one.end] for one in (before, span))
            answers = span.kind is not SentenceKind.HEADING and not is_question(quote)
            if answers and is_question(asked) and _is_alone(passage.text, before):
                yield understand(asked.strip(_MARKS)), FaqAnswer(passage, quote)


def _is_alone(text: str, span: SentenceSpan) -> bool:
    """Whether nothing else stands in its line."""
    return not text[: span.start].rpartition("\n")[2].strip() and text[span.end : span.end + 1] in ("", "\n")


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
