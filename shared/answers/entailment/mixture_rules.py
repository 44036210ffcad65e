"""Rules about sentences of several clauses: what one of them says of one thing, another one says of another."""

import re

from shared.answers.entailment.alignment import Alignment
from shared.answers.entailment.amounts import StatedQuantity
from shared.answers.entailment.clauses import ClauseKind
from shared.answers.entailment.lexicon import exclusives, marker, opposites
from shared.answers.entailment.reading import SentenceReading, Word

_MOST_OF_ANOTHER = 0.5
_SUBJECT = re.compile(
    r"(?:\W|if|unless|when|once|wenn|falls|sofern|and|und|while|whereas|but|which|who|that|during|während|aber|die"
    r"|der|das|den|dem|weil|because|dass)*?"
    r"\b(?:the|der|die|das|a|an|ein|eine) (?P<noun>[^\W\d_]+)"
)
_PASSIVE = re.compile(
    r"\b(?:is|are|was|were|be|been) (?:\w+ly )?(?!open\b|even\b|then\b|often\b)\w+(?:ed|en|wn|nt|id|lt|ght)\b"
    r"|\b(?:wird|werden|wurden?|worden)\b"
)


_SPEECH = re.compile(r"\b(?:said|says|sagte|sagt|explained|erklärte|added|according to|zufolge|laut)\b")


def mixes_numbers(pair: Alignment) -> bool:
    """The number of one clause with the words of another one that has its own."""
    if pair.is_of_a_row:
        return False
    used = {id(other) for _, others in pair.quantities for other in others}
    rivals = [one for one in pair.source.quantities if id(one) not in used]
    for one, others in pair.quantities:
        places = {pair.source.clause_at(other.start) for other in others} & set(pair.window)
        if len(places) != 1:
            continue
        number = places.pop()
        if _words_of_a_later(pair, number, one, rivals) or _words_of_an_earlier(pair, number, one, rivals):
            return True
    return False


def _words_of_a_later(pair: Alignment, number: int, one: StatedQuantity, rivals: list[StatedQuantity]) -> bool:
    measured = {pair.source.clause_at(rival.start) for rival in rivals if rival.dimension == one.dimension}
    for each in pair.counterparts:
        held = pair.clauses_held(each)
        if held and not each.word.light and min(held) > number and held <= measured:
            return True
    return False


def _words_of_an_earlier(pair: Alignment, number: int, one: StatedQuantity, rivals: list[StatedQuantity]) -> bool:
    """The clause with the number has words of its own, and the statement uses none of them."""
    if number not in pair.window or not any(
        rival.dimension == one.dimension and pair.source.clause_at(rival.start) < number for rival in rivals
    ):
        return False
    own = _own_words(pair, number)
    return bool(own) and not own & pair.used_in_window


def mixes_cells(pair: Alignment) -> bool:
    """The column of one cell with what stands in another one."""
    if not pair.is_of_a_row:
        return False
    named: set[int] = set()
    filled: set[int] = set()
    for each in pair.counterparts:
        cells = {word.clause: _is_column(pair.source, word) for word in (pair.source.words[at] for at in each.places)}
        if len(cells) == 1 and each.score >= _COLUMN:
            (number, is_column) = next(iter(cells.items()))
            (named if is_column else filled).add(number)
    for _, others in pair.quantities:
        cells_of = {pair.source.clause_at(other.start) for other in others}
        filled |= cells_of if len(cells_of) == 1 else set()
    empty = {number for number in named - filled - {0} if _has_a_value(pair.source, number)}
    kinds = {_is_number(pair.source, number) for number in empty}
    return any(_is_number(pair.source, number) in kinds for number in filled - named - {0})


def _is_number(reading: SentenceReading, number: int) -> bool:
    return any(reading.clause_at(one.start) == number for one in reading.quantities)


def _has_a_value(reading: SentenceReading, number: int) -> bool:
    """Whether its cell holds more than "not allowed"."""
    words = [word for word in reading.content if word.clause == number and not _is_column(reading, word)]
    return any(not word.light for word in words) or _is_number(reading, number)


_COLUMN = 0.8


def _is_column(reading: SentenceReading, word: Word) -> bool:
    """Whether it stands in the name of its column."""
    clause = reading.clauses[word.clause]
    colon = reading.low.find(":", clause.start, clause.end)
    return word.start < colon


def takes_the_rest(pair: Alignment) -> bool:
    """What is said of the rest, or of "shorter ones", of what the sentence begins with."""
    for match in marker("rest").finditer(pair.source.low):
        number = pair.source.clause_at(match.start())
        if marker("rest").search(pair.statement.low) or any(
            match.start() <= pair.source.words[place].start < match.end() for place in pair.used_places
        ):
            continue
        behind = {
            word.place
            for word in pair.source.content
            if word.clause == number and word.start >= match.end() and not word.light
        }
        elsewhere = {word.root for word in pair.source.content if word.start < match.start()}
        taken = {
            place
            for each in pair.counterparts
            for place in behind & {*each.places}
            if pair.source.words[place].root not in elsewhere
            and all(pair.source.words[other].start >= match.start() for other in each.places)
        }
        ahead = any(pair.source.words[place].start < match.start() for place in pair.used_places)
        numbers = any(start < match.start() for start in pair.used_numbers)
        if taken and ahead and (numbers or any(pair.source.words[place].text[0].isupper() for place in taken)):
            return True
    return False


def takes_the_verb_of_another(pair: Alignment) -> bool:
    """ "Profit rose by 8 percent" where revenue rose and profit fell by 8 percent."""
    contraries = opposites(pair.source.german)
    stated = {word.root for word in pair.statement.content}
    for each in pair.counterparts:
        against = contraries.get(each.word.root)
        rivals = {word.clause for word in pair.source.content if against and word.root in against - stated}
        if each.opposite or rivals & pair.clauses_held(each):
            continue
        beside = _clauses_beside(pair, each.word)
        if any({number} in beside and all(number in held for held in beside) for number in rivals):
            return True
    return False


def _clauses_beside(pair: Alignment, verb: Word) -> list[frozenset[int]]:
    """The clauses of the source with each other word and number of the statement's clause."""
    words = [each for each in pair.counterparts if each.word is not verb and each.word.clause == verb.clause]
    held = [pair.clauses_held(each) for each in words if each.places and not each.word.light]
    return held + [
        frozenset(pair.source.clause_at(other.start) for other in others)
        for one, others in pair.quantities
        if others and pair.statement.clause_at(one.start) == verb.clause
    ]


def _own_words(pair: Alignment, number: int) -> set[int]:
    elsewhere = {word.root for word in pair.source.content if word.clause != number}
    return {
        word.place
        for word in pair.source.content
        if word.clause == number and not word.light and word.root not in elsewhere
    }


def mixes_clauses(pair: Alignment) -> bool:
    """The subject of one clause with what is said of another one."""
    if len(pair.window) < 2 or pair.is_of_a_row:
        return False
    used = {word.place for each in pair.counterparts for word in pair.source_words(each) if not each.word.light}
    if _changes_subject(pair, used):
        return True
    passive = bool(_PASSIVE.search(pair.statement.low))
    for number in list(pair.window)[1:]:
        clause = pair.source.clauses[number]
        own = _own_words(pair, number)
        taken = own & used
        if clause.kind is ClauseKind.CAUSE and taken and _takes_part_of_a_cause(pair, number, own, used):
            return True
        names_its_source = _SPEECH.search(pair.source.low, clause.start, clause.end) is not None
        if not taken or clause.kind in (ClauseKind.CONDITION, ClauseKind.CAUSE) or names_its_source:
            continue
        if number not in pair.used_number_clauses and len(taken) <= _MOST_OF_ANOTHER * len(own) and len(own) > 1:
            return True
        subject = subject_of(pair.source, number)
        if subject and not subject & used and not passive and _starts_elsewhere(pair, number):
            return True
    return False


def _takes_part_of_a_cause(pair: Alignment, number: int, own: set[int], used: set[int]) -> bool:
    """ "In the town hall" of what is elsewhere because the town hall is being repaired."""
    is_part = max(own) not in used and bool(own - used) and number not in pair.used_number_clauses
    return is_part and not marker("reason").search(pair.statement.low)


def _changes_subject(pair: Alignment, used: set[int]) -> bool:
    """The first word of a later clause with words of the first one, whose own first word is left out."""
    firsts: dict[int, int] = {}
    for word in pair.source.content:
        if not word.light and word.clause in pair.window:
            firsts.setdefault(word.clause, word.place)
    first = pair.window[0]
    if first not in firsts or firsts[first] in used or not _own_words(pair, first) & used:
        return False
    unused = {pair.source.clause_at(one.start) for one in pair.source.quantities if one.start not in pair.used_numbers}
    return any(
        place in used and number > first and (number in unused or _own_words(pair, number) - used)
        for number, place in firsts.items()
        if pair.source.clauses[number].kind is ClauseKind.MAIN
    )


def subject_of(reading: SentenceReading, number: int) -> set[int]:
    clause = reading.clauses[number]
    match = _SUBJECT.match(reading.low, clause.start, clause.end)
    if not match:
        return set()
    start, end = match.span("noun")
    return {word.place for word in reading.content if start <= word.start < end and not word.light}


def _starts_elsewhere(pair: Alignment, number: int) -> bool:
    """Whether the statement's first word comes from an earlier clause."""
    first = next((each for each in pair.counterparts if each.places), None)
    held = pair.clauses_held(first) if first else frozenset()
    return bool(held) and max(held) < number


def has_another_subject(pair: Alignment) -> bool:
    """Its subject stands in an earlier sentence alone, and the source's sentence has another one."""
    number = pair.window[0]
    subject = subject_of(pair.source, number) or _first_word(pair.source, number)
    first = [each for each in pair.counterparts if not each.word.light][:1]
    return (
        bool(subject) and not subject & pair.used_places and bool(first) and not first[0].places and first[0].score > 0
    )


def _first_word(reading: SentenceReading, number: int) -> set[int]:
    """The word that an English sentence begins with, where it may be its subject."""
    first = reading.words[0] if reading.words else None
    is_subject = first is not None and first.content and not first.light and first.clause == number
    return (
        {first.place}
        if first and is_subject and not reading.german and not first.low.endswith(("ing", "ed"))
        else set()
    )


def measures_otherwise(pair: Alignment) -> bool:
    """ "412 metres tall" of what is 412 metres long."""
    for one, others in pair.quantities:
        ours = _measure_beside(pair.statement, one)
        theirs = {_measure_beside(pair.source, other) for other in others}
        if ours and theirs and None not in theirs and ours not in theirs:
            return True
    return False


def _measure_beside(reading: SentenceReading, quantity: StatedQuantity) -> tuple[int, int] | None:
    """The word such as "long" or "profit" that the number belongs to: the nearest one in its clause."""
    table = exclusives(reading.german)
    clause = reading.clause_at(quantity.start)
    near = [
        (max(word.start - quantity.end, quantity.start - word.end) + (0 if word.start >= quantity.end else 1), word)
        for word in reading.words
        if word.root in table and word.clause == clause and table[word.root].line in _MEASURES
    ]
    if not near:
        return None
    place = table[min(near, key=lambda each: each[0])[1].root]
    return place.line, place.member


_MEASURES = frozenset([4, 5])
"""The lines of the exclusive words that name what is measured: its size, and profit or revenue."""
