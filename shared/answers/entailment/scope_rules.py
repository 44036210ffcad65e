"""Rules about what a sentence holds for: all or some, under which condition, for which reason, before or after."""

import re

from shared.answers.entailment.alignment import Alignment
from shared.answers.entailment.clauses import ClauseKind
from shared.answers.entailment.lexicon import marker, word_set
from shared.answers.entailment.mixture_rules import subject_of
from shared.answers.entailment.numerals import number_words
from shared.answers.entailment.reading import SentenceReading

_A_TIME = re.compile(
    rf" (?:\d|(?:one|{number_words(2, 10)}|second|third|fourth|fifth|day|week|month|year|hour|night|morning|evening"
    r"|time|other|tag|woche|monat|jahr|stunde|nacht|morgen|abend)\b)"
)
_SO_MANY_OF = re.compile(rf"%|\b\w{{1,20}} (?:of|von|der) (?:the )?(?:\d|(?:{number_words(2, 12)})\b)")
_ALL_OF = re.compile(r"\b(?:all|every|each|any|alle[rn]?|jede[rnms]?)\s(?=[^\W\d_])")
_ONLY = re.compile(r"\b(?:only|nur)\b")
_UNTIL = re.compile(r"\bbis\b(?! zu\b)")
_FROM_NOW = re.compile(
    r"\bab (?=\d|ende\b|anfang\b|mitte\b|heute\b|sofort\b|dem\b|der\b|januar|februar|märz|april|mai|juni|juli|august"
    r"|september|oktober|november|dezember)"
)
_ORDERED = re.compile(
    r"\b(?:(?P<early>before|prior to|vor)|(?P<late>after|following|nach))\s"
    r"(?:(?:the|an?|der|die|das|dem|den|ein\w{0,2}|seine\w?|ihre\w?|its|his|her)\s)?(?=(?P<noun>[^\W\d_]))"
)
_WHO = re.compile(r"\W{0,3}(?:(?:the|all|an?|any) )?\w{1,30} (?:who|that) (?P<rest>[^,.;]{0,200})")
_GERMAN_WHO = re.compile(r"\W{0,3}(?:eine?|jede\w?) \w{1,30}, (?:der|die|das|den|dem) (?P<rest>[^,;]{0,200})")
_DIRECTIONS = {
    **dict.fromkeys(("by", "um"), "by"),
    **dict.fromkeys(("from", "von", "vom", "aus"), "from"),
    **dict.fromkeys(("to", "nach", "zu", "zum", "zur", "into", "auf", "bis"), "to"),
    **dict.fromkeys(("via", "through", "über"), "via"),
}
_COMPARATIVE = re.compile(
    r"\b(?:\w{2,20}er|\w{2,20}ere[rnms]?|more|less|fewer|mehr|weniger|twice|doppelt|so \w{1,20}|as \w{1,20})"
    r" (?:\w{1,20} ){0,4}?(?:than|as|als|wie)\b"
    r"|\bcompared\b|\bgegenüber\b|\bim vergleich\b"
)
_VERB = re.compile(
    r"\b(?:it|they|he|she|verbraucht|braucht|ist|sind|hat|uses|needs|wurden?|waren?|was|were|had|has|have)\b"
)
_SHORTEST_COMPARATIVE = 5


def takes_part_for_all(pair: Alignment) -> bool:
    """ "All" of what is some, or most of what is some."""
    ours, window = pair.statement.low, pair.window_text
    if _is_of_a_kind(pair):
        return True
    if _means_all(ours):
        if not _means_all(window):
            shares = any(one.dimension == "share" for one in pair.source.quantities)
            return (_means_part(window) or shares) and not _means_part(ours)
        return bool(_ONLY.search(window)) and not _ONLY.search(ours)
    most, some = marker("most"), marker("some")
    return bool(most.search(ours) and some.search(window) and not most.search(window))


def _means_all(low: str) -> bool:
    return any(not _A_TIME.match(low, match.end()) for match in marker("all").finditer(low))


def _means_part(low: str) -> bool:
    low = _ALL_OF_NUMBER.sub("", low)
    return bool(marker("part").search(low) or _SO_MANY_OF.search(low))


_ALL_OF_NUMBER = re.compile(r"\b(?:all|every one|alle) (?:of |der )?(?:the )?(?=\d)")


def takes_much_for_little(pair: Alignment) -> bool:
    """ "Many members" of what is few members."""
    ours, theirs = _amounts(pair.statement.low), _amounts(pair.source.low)
    for each in pair.counterparts:
        found = {theirs[word.start] for word in pair.source_words(each) if word.start in theirs}
        if each.word.start in ours and found and ours[each.word.start] not in found:
            return True
    sides = {*ours.values()}, {*_amounts(pair.window_text).values()}
    return len(sides[0]) == len(sides[1]) == 1 and sides[0] != sides[1]


def _amounts(low: str) -> dict[int, bool]:
    """Where the words behind "much" and "little" begin, and whether it is much; not of "a few" and of "so much"."""
    return {
        match.end() + 1: is_much
        for is_much, name in ((True, "much"), (False, "little"))
        for match in marker(name).finditer(low)
        if not _NO_AMOUNT.search(low, max(0, match.start() - 6), match.start())
    }


_NO_AMOUNT = re.compile(r"\b(?:an?|ein|so|as|too|zu|how|wie|not|nicht) $")


def _is_of_a_kind(pair: Alignment) -> bool:
    """ "All customers" where the source is about new customers."""
    low = pair.statement.low
    starts = {match.end() for match in _ALL_OF.finditer(low) if not _A_TIME.match(low, match.end() - 1)}
    for each in pair.counterparts:
        if each.word.start in starts and each.places:
            kinds = [pair.source.words[word.place - 1] for word in pair.source_words(each) if word.place]
            unused = all(kind.place not in pair.used_places for kind in kinds)
            if kinds and unused and all(kind.content and kind.low not in _SIZES for kind in kinds):
                return True
    return False


_SIZES = frozenset(["all", "alle", "both", "beide"])


def drops_a_condition(pair: Alignment) -> bool:
    """A condition, exception or weekday that the statement does not mention, or turns into its contrary."""
    if pair.adds("even"):
        return True
    if marker("recurring").search(pair.window_text) and not marker("day").search(pair.statement.low):
        return True
    mentioned = {number for each in pair.counterparts for number in _clauses_of(pair, each.places)}
    mentioned |= pair.used_number_clauses
    for number, clause in enumerate(pair.source.clauses):
        beside = {number - 1, number + 1} & set(pair.window)
        if clause.kind is ClauseKind.CONDITION and beside and number not in mentioned:
            return True
    return _drops_who(pair)


def _clauses_of(pair: Alignment, places: tuple[int, ...]) -> set[int]:
    """The clause with all of them; the subject of a condition is no part of it."""
    found = {pair.source.words[place].clause for place in places}
    if len(found) != 1 or all(place in subject_of(pair.source, number) for place in places for number in found):
        return set()
    return found


def _drops_who(pair: Alignment) -> bool:
    """ "Employees who work at home …": not all employees."""
    match = _WHO.match(pair.source.low) or _GERMAN_WHO.match(pair.source.low)
    if not match or 0 not in pair.window:
        return False
    start, end = match.span("rest")
    end = min(end, start + 2 * (end - start) // 3) if match.re is _WHO else end
    inside = {word.place for word in pair.source.content if start <= word.start < end}
    numbers = any(start <= number < end for number in pair.used_numbers)
    return bool(inside) and not inside & pair.used_places and not numbers


def swaps_cause(pair: Alignment) -> bool:
    """The reason for the effect, or a reason that the source does not give."""
    ours, theirs = marker("reason").search(pair.statement.low), marker("reason").search(pair.source.low)
    if not ours or not theirs:
        return False
    begin, end = _cause_span(pair.statement, ours)
    cause_begin, cause_end = _cause_span(pair.source, theirs)
    inside = [each for each in pair.counterparts if begin <= each.word.start < end and not each.word.light]
    found = [any(cause_begin <= pair.source.words[place].start < cause_end for place in each.places) for each in inside]
    return bool(inside) and (sum(found) < len(found) / 2 or _is_contrary_cause(pair, (begin, end)))


def _is_contrary_cause(pair: Alignment, cause: tuple[int, int]) -> bool:
    """ "Because of lower prices" where the source has higher ones."""
    denied = marker("negation").search(pair.statement.low) or marker("negation").search(pair.source.low)
    return not denied and any(each.opposite and cause[0] <= each.word.start < cause[1] for each in pair.counterparts)


def _cause_span(reading: SentenceReading, match: re.Match[str]) -> tuple[int, int]:
    end = reading.clauses[reading.clause_at(match.start())].end
    if reading.german and match.start() == 0:
        nouns = [word for word in reading.words if match.end() <= word.start < end and word.text[0].isupper()]
        end = next((word.start for word in reading.words if nouns and word.place > nouns[0].place), end)
    return match.end(), end


def turns_time_round(pair: Alignment) -> bool:
    """ "Before" what is after, and the reverse."""
    if _order_differs(pair) or _names_another_event(pair):
        return True
    early, late = _is_early(pair.statement.low), _is_late(pair.statement.low)
    source_early, source_late = _is_early(pair.window_text), _is_late(pair.window_text)
    sides = _sides(pair)
    if sides is not None and early != late and source_early != source_late:
        return sides == (early == source_early)
    return early != late and source_early != source_late and early != source_early


def _sides(pair: Alignment) -> bool | None:
    """Whether what stands behind "before" or "after" is what stands ahead of it in the source, and the reverse. None
    where too little stands on either side."""
    ours, theirs = _order_span(pair.statement), _order_span(pair.source)
    if ours is None or theirs is None:
        return None
    inside: list[bool] = []
    outside: list[bool] = []
    for each in pair.counterparts:
        places = [pair.source.words[place].start for place in each.places if not each.word.light]
        if places:
            within = all(theirs[0] <= start < theirs[1] for start in places)
            (inside if ours[0] <= each.word.start < ours[1] else outside).append(within)
    if not inside or not outside:
        return None
    if not any(inside) and sum(outside) > len(outside) / 2:
        return True
    return False if all(inside) and not all(outside) else None


def _order_span(reading: SentenceReading) -> tuple[int, int] | None:
    """The rest of the clause behind "before" or "after"."""
    found = list(_ORDER.finditer(reading.low))
    if len(found) != 1:
        return None
    _, end = reading.part_around(*found[0].span())
    return found[0].end(), end if found[0].start() < _AT_THE_BEGINNING else len(reading.low)


_ORDER = re.compile(r"\b(?:before|after|prior to|bevor|nachdem|vor|nach)\b")
_AT_THE_BEGINNING = 4


def _is_early(low: str) -> bool:
    return bool(marker("early").search(low) or _UNTIL.search(low))


def _is_late(low: str) -> bool:
    return bool(marker("late").search(low) or _FROM_NOW.search(low))


def _names_another_event(pair: Alignment) -> bool:
    """ "Five years after signature" of five years after the end of the contract."""
    theirs = {match.start("noun") for match in _ORDERED.finditer(pair.source.low)}
    rivals = [word for word in pair.source.content if word.start in theirs]
    for match in _ORDERED.finditer(pair.statement.low):
        ours = next((each for each in pair.counterparts if each.word.start == match.start("noun")), None)
        if ours and ours.score == 0 and any(word.place not in pair.used_places for word in rivals):
            return True
    return False


def _order_differs(pair: Alignment) -> bool:
    """ "Before the event" of what is after the event."""
    theirs = {match.start("noun"): bool(match["early"]) for match in _ORDERED.finditer(pair.source.low)}
    ours = {match.start("noun"): bool(match["early"]) for match in _ORDERED.finditer(pair.statement.low)}
    for each in pair.counterparts:
        if each.word.start in ours:
            found = {theirs[word.start] for word in pair.source_words(each) if word.start in theirs}
            if found and ours[each.word.start] not in found:
                return True
    return False


def turns_direction_round(pair: Alignment) -> bool:
    """ "From" where the source goes "to"."""
    words = [(each.word.start, [word.start for word in pair.source_words(each)], False) for each in pair.counterparts]
    numbers = [(one.start, [other.start for other in others], True) for one, others in pair.quantities]
    apart = _APART.search(pair.statement.low) or _APART.search(pair.source.low)
    for start, others, is_number in () if apart else (*words, *numbers):
        ours = _direction(pair.statement, start)
        theirs = {_direction(pair.source, other) for other in others} - {""}
        if is_number and not ours and theirs == {"by"} and _AT.search(pair.statement.low, 0, start):
            return True
        if ours and theirs and ours not in theirs and (is_number or "by" not in (ours, *theirs)):
            return True
    return _AGAINST.search(pair.source.low) is not None and any(
        each.word.before[1] in _AGAINSTS
        and bool(pair.source_words(each))
        and not any(_AGAINSTS & {*word.before} for word in pair.source_words(each))
        for each in pair.counterparts
        if each.word.name
    )


_AT = re.compile(r"\b(?:bei|at|of|is|was|are|were|beträgt|betrug|betragen|lag|liegt)[ ]$")
_APART = re.compile(r"\b(?:abstand|entfernt|entfernung|distance|away)\b")
_AGAINSTS = frozenset(["against", "gegen"])
_AGAINST = re.compile(r"\b(?:against|gegen)\b")


def _direction(reading: SentenceReading, start: int) -> str:
    before = [word for word in re.findall(r"\w+", reading.low[max(0, start - 30) : start]) if word not in _PASSED_OVER]
    return _DIRECTIONS.get(before[-1], "") if before else ""


_PASSED_OVER = word_set("articles") | {"about", "etwa", "rund"}


def compares_otherwise(pair: Alignment) -> bool:
    """The greater one for the lesser one."""
    ours, theirs = _comparison(pair.statement), _comparison(pair.source)
    if ours is None or theirs is None:
        return False
    turned = any(each.opposite for each in pair.counterparts) or _more_or_less(pair)
    sides = [
        (
            ours[0] <= each.word.start < ours[1],
            {theirs[0] <= pair.source.words[at].start < theirs[1] for at in each.places},
        )
        for each in pair.counterparts
        if each.places and not each.word.light and not _is_comparative(each.word.low)
    ]
    sides += [
        (ours[0] <= one.start < ours[1], {theirs[0] <= other.start < theirs[1] for other in others})
        for one, others in pair.quantities
        if one.dimension == "date" and others
    ]
    moved = any(len(were) == 1 and behind not in were for behind, were in sides)
    stayed = any(behind and were == {True} for behind, were in sides)
    return (moved and not turned) or (turned and stayed and not moved)


def _more_or_less(pair: Alignment) -> bool:
    more, less = marker("more"), marker("less")
    ours = (bool(more.search(pair.statement.low)), bool(less.search(pair.statement.low)))
    theirs = (bool(more.search(pair.source.low)), bool(less.search(pair.source.low)))
    return ours != theirs and ours[0] != ours[1] and theirs[0] != theirs[1]


def _is_comparative(low: str) -> bool:
    return low.endswith(("er", "ere", "erer")) and len(low) >= _SHORTEST_COMPARATIVE


def _comparison(reading: SentenceReading) -> tuple[int, int] | None:
    """Where the second side of a comparison stands."""
    if not _COMPARATIVE.search(reading.low):
        return None
    match = list(marker("compared").finditer(reading.low))[-1:]
    if not match:
        return None
    start = match[0].end()
    if any(one.dimension != "date" and start <= one.start <= start + 2 for one in reading.quantities):
        return None
    clause = reading.clauses[reading.clause_at(match[0].start())]
    _, end = reading.part_around(match[0].start(), start)
    verb = _VERB.search(reading.low, start)
    return start, min(clause.end, end, verb.start() if verb else end)
