"""Rules about numbers: what they amount to, what they bound, and what they count."""

from collections.abc import Sequence

from shared.answers.entailment.alignment import Alignment, likeness
from shared.answers.entailment.lexicon import word_set
from shared.answers.entailment.quantities import StatedQuantity
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


def _counted(reading: SentenceReading, quantity: StatedQuantity) -> list[Word]:
    """The noun right behind a bare number, or two words of which one is."""
    following = next((word for word in reading.words if word.start >= quantity.end), None)
    if following is None or not following.content or reading.text[quantity.end : following.start] != " ":
        return []
    after = reading.words[following.place + 1 : following.place + 2]
    adjoins = after and reading.text[following.end : after[0].start] == " " and after[0].content
    return [following, *(after if adjoins and not reading.german else [])]


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
