"""Cuts a sentence into clauses: parts with a statement of their own."""

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import pairwise

from msgspec import Struct

from shared.answers.entailment.amounts import StatedQuantity
from shared.answers.entailment.lexicon import marker


class ClauseKind(Enum):
    MAIN = "main"
    CONDITION = "condition"
    CAUSE = "cause"
    RELATIVE = "relative"


class Clause(Struct, frozen=True):
    """`text[start:end]` of a sentence."""

    start: int
    end: int
    kind: ClauseKind


_AFTER_PAUSE = re.compile(r"(?<!es sei denn)[;,:–—]\s{1,3}")
_ALONE = re.compile(r"(?:while|whereas|but|because(?! of)|unless|except|if|when|so that)\b")
_DENIED = re.compile(r"(?:and (?:no|none|never|not)|und (?:kein\w{0,3}|nicht|nie)|and \w{1,20} by)\b")
_GERMAN_AGENT = re.compile(r"und (?!\d{1,9} )[^,;]{3,60} vo[nm] [^,;]{3,60} \w{1,20}(?:t|en)\b")
_LIMITED = re.compile(r"(?:the|der|die|das) \w{1,30} (?:only|no|not|nur|kein\w{0,3}|nicht)\b")
_INSERTED = re.compile(
    r",\s{1,3}(?:which|who|whose|whom|(?:in |mit |von )?(?:der|die|das|den|dem|deren|dessen))\s[^,;]{3,80},\s{1,3}"
)
_GERMAN_INVERTED = re.compile(
    r"\W{0,3}\w{1,20}(?:t|en) (?:der|die|das|ein|eine|sie|er|es|man) [^,;]{1,200},\s{1,3}"
    r"(?=(?:ist|sind|wird|werden|muss|müssen|darf|dürfen|soll|sollen|kann|können|hat|haben|so|dann)\b)"
)
"""A condition that begins with its verb: "Blinkt die Lampe, ist …"."""

_AND = re.compile(r",\s{1,3}|\s(?=(?:and|und|sowie|or|oder)\s)")
_SPACE = re.compile(r"\s")
_PREPOSITION = re.compile(
    r"(?:in|at|on|for|with|from|im|am|an|auf|bei|mit|nach|von|unter|für|in der|zwischen|ab|under) "
)
_LETTER = re.compile(r"\w")
_BETWEEN = re.compile(r"\b(?:between|from|zwischen|von|both)\b")
_LONG_WORD = re.compile(r"[^\W\d_]{6,}")
_JOINED = re.compile(r"\W{0,3}(?:and|und|or|oder|to|bis)?\W{0,3}")


def clauses_of(low: str, quantities: Sequence[StatedQuantity]) -> list[Clause]:
    """In order; together they are the whole sentence, which is given in lower case."""
    cuts = {cut for cut in _cuts(low) if 0 < cut < len(low)}
    cuts |= {match.end() for match in _AND.finditer(low) if _parts_quantities(low, match, sorted(cuts), quantities)}
    inner = [cut for cut in sorted(cuts) if not any(one.start < cut < one.end for one in quantities)]
    pairs = pairwise([0, *inner, len(low)])
    return [Clause(start, end, _kind(low, start)) for start, end in pairs if end > start]


def _cuts(low: str) -> Iterator[int]:
    joints = marker("condition", "cause", "relative", "contrast")
    for pause in _AFTER_PAUSE.finditer(low):
        is_joint = joints.match(low, pause.end()) or _LIMITED.match(low, pause.end())
        if low[pause.start()] == ";" or is_joint or (low[pause.start()] == "," and _is_parallel(low, pause)):
            yield pause.end()
    for space in _SPACE.finditer(low):
        if any(pattern.match(low, space.end()) for pattern in (_ALONE, _DENIED, _GERMAN_AGENT)):
            yield space.end()
    for inserted in _INSERTED.finditer(low):
        yield inserted.end()
    first = _LETTER.search(low)
    comma = low.find(", ")
    if first and comma > 0 and marker("condition", "cause").match(low, first.start()):
        yield comma + 2
    if inverted := _GERMAN_INVERTED.match(low):
        yield inverted.end()


def _is_parallel(low: str, comma: re.Match[str]) -> bool:
    """Whether a long word stands on both sides: "by simple majority, changes by a majority of two thirds", or a
    preposition begins both: "on weekdays at nine, on Sundays at ten"."""
    opening = _PREPOSITION.match(low, comma.end())
    if opening and low.startswith(opening[0]):
        return True
    before, behind = low[max(0, comma.start() - 100) : comma.start()], low[comma.end() : comma.end() + 100]
    return bool({*_LONG_WORD.findall(before)} & {*_LONG_WORD.findall(behind)})


def _parts_quantities(
    low: str, match: re.Match[str], cuts: Sequence[int], quantities: Sequence[StatedQuantity]
) -> bool:
    """Whether both sides have a number of their own, which is no range such as "2 and 8 °C"."""
    left = max((cut for cut in cuts if cut <= match.start()), default=0)
    right = min((cut for cut in cuts if cut > match.end()), default=len(low))
    befores = [one for one in quantities if left <= one.start and one.end <= match.start()]
    behinds = [one for one in quantities if match.end() <= one.start + 4 and one.end <= right]
    if not befores or not behinds:
        return False
    one, other = befores[-1], behinds[0]
    if _JOINED.fullmatch(low[one.end : other.start]):
        return False
    is_range = len(low[one.end : other.start].split()) <= 2 and one.dimension == other.dimension
    return not (is_range and _BETWEEN.search(low[left : match.start()]))


def _kind(low: str, start: int) -> ClauseKind:
    first = _LETTER.search(low, start)
    if first is None:
        return ClauseKind.MAIN
    if marker("condition").match(low, first.start()) or (start == 0 and _GERMAN_INVERTED.match(low)):
        return ClauseKind.CONDITION
    if marker("cause").match(low, first.start()):
        return ClauseKind.CAUSE
    return ClauseKind.RELATIVE if start and marker("relative").match(low, first.start()) else ClauseKind.MAIN
