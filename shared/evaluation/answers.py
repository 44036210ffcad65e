"""Judges answers by a set's right answers: right, wrong or refused, with what they cite and quote."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from shared.evaluation.runs import Measure, RunItem, mean, percentile, scores_of, share
from shared.evaluation.sets import GoldQuestion

AnswerOutcome = Literal["right", "wrong", "refused", "invented", "rightly refused"]
"""An answerable question is answered right or wrong, or refused; one without an answer has an invented answer, or is
rightly refused."""

OUTCOMES: tuple[AnswerOutcome, ...] = ("right", "wrong", "refused", "invented", "rightly refused")
_MARK = re.compile(r"\[\d+\]")
_WORD = re.compile(r"\w+")


class Quoted(Struct, frozen=True):
    """A citation: the file it cites, empty for a document that is not of the set, and its quote."""

    document: str
    quote: str
    score: float = 0.0


class GivenAnswer(Struct, frozen=True):
    """What was answered. `found` are the files of the passages that it was to be answered from, best first."""

    answered: bool
    text: str
    citations: tuple[Quoted, ...] = ()
    found: tuple[str, ...] = ()
    seconds: float = 0.0
    cost_usd: float = 0.0
    judged: dict[str, float] = {}


def judge_answer(question: GoldQuestion, given: GivenAnswer) -> RunItem:
    """Compares an answer with the right one."""
    outcome = _outcome(question, given)
    scores = {"seconds": given.seconds, "cost_usd": given.cost_usd, **given.judged}
    if question.is_answerable and question.document:
        scores["found"] = float(question.document in given.found)
    if given.answered:
        scores["confidence"] = given.citations[0].score if given.citations else 0.0
    if given.answered and question.is_answerable:
        first = given.citations[0].quote if given.citations else given.text
        scores["quote_overlap"] = max(
            overlap(first, gold) for gold in ([question.quote] if question.quote else question.gold)
        )
        if question.document and given.citations:
            right = [one.document == question.document for one in given.citations]
            scores["citation_precision"] = sum(right) / len(right)
            scores["citation_recall"] = float(any(right))
    return RunItem(
        id=question.question_id,
        question=question.question,
        outcome=outcome,
        scores=scores,
        tags=question.tags,
        gold=question.gold,
        answer=given.text,
        quotes=tuple(one.quote for one in given.citations),
        found=given.found,
    )


def _outcome(question: GoldQuestion, given: GivenAnswer) -> AnswerOutcome:
    if not question.is_answerable:
        return "invented" if given.answered else "rightly refused"
    if not given.answered:
        return "refused"
    first = [given.citations[0].quote] if given.citations else []
    texts = [*first, _MARK.split(given.text, maxsplit=1)[0]]
    cites = not question.document or not given.citations or given.citations[0].document == question.document
    return "right" if cites and any(holds(text, gold) for text in texts for gold in question.gold) else "wrong"


def holds(text: str, gold: str) -> bool:
    """Whether the text contains the right answer, whatever its case, spaces and compatibility letters; a number is no
    part of a longer one."""
    wanted = _plain(gold)
    begin = r"(?<!\d)(?<!\d[.,])" if wanted[:1].isdigit() else ""
    end = r"(?![.,]?\d)" if wanted[-1:].isdigit() else ""
    return re.search(begin + re.escape(wanted) + end, _plain(text)) is not None


def overlap(one: str, other: str) -> float:
    """The F1 of their words, as SQuAD counts it."""
    left, right = (Counter(_WORD.findall(_plain(_MARK.sub("", text)))) for text in (one, other))
    common = (left & right).total()
    return 2 * common / (left.total() + right.total()) if common else 0.0


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def answer_measures(items: Sequence[RunItem]) -> dict[str, Measure]:
    """The measures of all items, or of one group of them; those of nothing are left out."""
    return {name: measure for name, measure in _measured(items).items() if measure is not None}


def answer_measure_names(*, judged: bool) -> list[str]:
    """All measures that a run can have. `judged`: a model judges the answers."""
    return [name for name in _measured(()) if judged or name not in _JUDGED]


def _measured(items: Sequence[RunItem]) -> dict[str, Measure | None]:
    counts = Counter(item.outcome for item in items)
    right, refused = counts["right"], counts["refused"] + counts["rightly refused"]
    answerable = right + counts["wrong"] + counts["refused"]
    answered = right + counts["wrong"] + counts["invented"]
    precision, recall = share(right, answered), share(right, answerable)
    both = precision.value + recall.value if precision and recall else 0.0
    return {
        "precision": precision,
        "recall": recall,
        "f1": Measure(2 * precision.value * recall.value / both) if precision and recall and both else None,
        "refusal_precision": share(counts["rightly refused"], refused),
        "refusal_recall": share(counts["rightly refused"], counts["rightly refused"] + counts["invented"]),
        "right_decisions": share(right + counts["rightly refused"], len(items)),
        **{name: mean(scores_of(items, name)) for name in _MEANS},
        "seconds_p50": percentile(scores_of(items, "seconds"), 0.5),
        "seconds_p95": percentile(scores_of(items, "seconds"), 0.95),
        "cost_usd": Measure(sum(scores_of(items, "cost_usd"))),
    }


_JUDGED = ("faithfulness", "relevance")
_MEANS = ("found", "quote_overlap", "citation_precision", "citation_recall", *_JUDGED)
