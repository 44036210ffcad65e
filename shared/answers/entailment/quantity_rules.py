"""Rules about numbers: what they amount to, what they bound, and what they count."""

import re
from collections.abc import Sequence
from itertools import pairwise

from shared.answers.entailment.alignment import Alignment
from shared.answers.entailment.amounts import StatedQuantity
from shared.answers.entailment.lexicon import word_set
from shared.answers.entailment.likeness import likeness
from shared.answers.entailment.reading import SentenceReading, Word

_UPWARDS = frozenset(["least", "above"])
_DOWNWARDS = frozenset(["most", "below"])
_CAPACITY = word_set("capacity")
_PERIODS = {
    "hour": "hour hourly stunde stündlich stunden",
    "day": "day daily days tag täglich tage tagen",
    "night": "night nightly nacht",
    "week": "week weekly woche wöchentlich",
    "month": "month monthly monat monatlich",
    "quarter": "quarterly vierteljährlich",
    "year": "year yearly annual annually jahr jährlich",
}
_PERIOD_OF = {word: period for period, names in _PERIODS.items() for word in names.split()}
_RATE = frozenset(["a", "an", "per", "each", "every", "im", "pro", "je", "jeden", "jede", "jedes", "am"])


def lacks_a_quantity(pair: Alignment) -> bool:
    """A number, date or time that the sentence does not give, in its unit."""
    return any(not others for _, others in pair.quantities)


def bounds_differ(pair: Alignment) -> bool:
    """ "At most" of what is "at least"."""
    return any(others and all(_bound_differs(one, other, pair) for other in others) for one, others in pair.quantities)


def _bound_differs(one: StatedQuantity, other: StatedQuantity, pair: Alignment) -> bool:
    if one.dimension in ("date", "clock", "times"):
        return False
    pairs = {one.bound, other.bound}
    if "later" in pairs:
        return bool(pairs & _DOWNWARDS)
    if pairs & _UPWARDS and pairs & _DOWNWARDS:
        return True
    if one.bound in ("above", "below") or (one.bound and not other.bound):
        ability = _CAPACITY & {word.low for word in (*pair.statement.words, *pair.source.words)}
        return one.bound != other.bound and not (one.bound in ("most", "about") and (ability or one.bound == "about"))
    return False


def turns_a_pair_round(pair: Alignment) -> bool:
    """ "Eight to nine votes" of nine to eight."""
    for (one, others), (next_one, next_others) in pairwise(pair.quantities):
        if not _PAIRED.fullmatch(pair.statement.low[one.end : next_one.start]):
            continue
        turned = [
            other.start > next_other.start and bool(_PAIRED.fullmatch(pair.source.low[next_other.end : other.start]))
            for other in others
            for next_other in next_others
        ]
        if turned and all(turned):
            return True
    return False


_PAIRED = re.compile(r"(?: (?:votes?|stimmen?))? ?(?:to|against|and|bis|und|zu|gegen|von|of|out of|[:–-]) ?")


def takes_the_whole_for_the_part(pair: Alignment) -> bool:
    """ "22 were present" of 17 of 22."""
    for one, others in pair.quantities:
        if others and all(_is_whole(pair, other) for other in others) and not _is_whole_of(pair.statement, one):
            return True
    return False


def _is_whole(pair: Alignment, quantity: StatedQuantity) -> bool:
    """Whether it is the greater number of "17 of 22", and the smaller one is left out."""
    low, ahead = pair.source.low, (one for one in pair.source.quantities if one.end < quantity.start)
    part = next((one for one in ahead if _PART_OF.fullmatch(low, one.end, quantity.start)), None)
    return part is not None and part.start not in pair.used_numbers


def _is_whole_of(reading: SentenceReading, quantity: StatedQuantity) -> bool:
    return _OF.search(reading.low[max(0, quantity.start - 12) : quantity.start]) is not None


_PART_OF = re.compile(r" (?:of|out of|von|der)(?: the| den| insgesamt)? ")
_OF = re.compile(r"\b(?:of|out of|von|der)(?: the| den| insgesamt)? $")
_RELATIONS = {
    "before": "before", "prior to": "before", "vor": "before", "until": "before", "till": "before", "bis": "before",
    "by": "before", "after": "after", "nach": "after", "since": "from", "seit": "from", "ab": "from", "from": "from",
}  # fmt: skip
_RELATION = re.compile(
    rf"\b({'|'.join(sorted(_RELATIONS, key=len, reverse=True))})(?: (?:the|den|dem|zum|ende|anfang|end of|about))* $"
)


def dates_otherwise(pair: Alignment) -> bool:
    """ "Before 2009" of what is in 2009, or "until" of what is "since"."""
    for one, others in pair.quantities:
        if one.dimension != "date" or not others:
            continue
        ours = _relation(pair.statement, one)
        theirs = {_relation(pair.source, other) for other in others}
        if ours == "before" and _FROM_THEN.search(pair.source.low) and _NEVER.search(pair.statement.low):
            continue
        if ours == "before" and not theirs & {"before"} and _word_before(pair.statement, one) in ("before", "vor"):
            return True
        if {ours} | theirs in ({"before", "from"}, {"before", "after"}):
            return True
    return False


_FROM_THEN = re.compile(r"\b(?:frühestens|earliest|erst|only)\b")
_NEVER = re.compile(r"\b(?:not|nicht|no|kein\w{0,2})\b")


def _relation(reading: SentenceReading, quantity: StatedQuantity) -> str:
    return _RELATIONS.get(_word_before(reading, quantity), "")


def _word_before(reading: SentenceReading, quantity: StatedQuantity) -> str:
    match = _RELATION.search(reading.low[max(0, quantity.start - 30) : quantity.start])
    return match[1] if match else ""


def counts_something_else(pair: Alignment) -> bool:
    """ "24 passengers" where the source has 24 cars."""
    return any(others and all(_counts_differ(one, other, pair) for other in others) for one, others in pair.quantities)


def _counts_differ(one: StatedQuantity, other: StatedQuantity, pair: Alignment) -> bool:
    if one.dimension or other.dimension:
        return False
    counted, source = _counted(pair.statement, one), _counted(pair.source, other)
    if not counted or not source or any(word.light for word in (*counted, *source)):
        return False
    return not any(likeness(word, theirs, pair.source.german) for word in counted for theirs in source)


_NEAR_NOUN = 25
"""Characters of the words between a number and its noun."""


def _counted(reading: SentenceReading, quantity: StatedQuantity) -> list[Word]:
    """The noun right behind a bare number, or two words of which one is."""
    following = next((word for word in reading.words if word.start >= quantity.end), None)
    if reading.german and following and following.text[0].islower():
        behind = reading.words[following.place + 1 : following.place + 2]
        return [word for word in behind if word.text[0].isupper() and word.start - quantity.end < _NEAR_NOUN]
    if following is None or not following.content or reading.text[quantity.end : following.start] != " ":
        return []
    found = [following]
    for word in reading.words[following.place + 1 : following.place + 3]:
        if reading.german or reading.text[found[-1].end : word.start] != " " or not word.content:
            break
        found.append(word)
    return found


def periods_differ(pair: Alignment) -> bool:
    """ "A month" of what is "a year"."""
    ours, theirs = _periods(pair.statement.words), _periods(pair.source.words)
    return bool(ours) and bool(theirs) and not ours <= theirs


def _periods(words: Sequence[Word]) -> frozenset[str]:
    found = set()
    for word in words:
        period = _PERIOD_OF.get(word.low)
        adverb = word.low.endswith(("ly", "lich", "nnual"))
        if period and (adverb or word.before[1] in _RATE or word.before[0] in ("per", "pro", "jeden")):
            found.add(period)
    return frozenset(found)
