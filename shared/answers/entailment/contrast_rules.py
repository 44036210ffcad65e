"""Rules about what a sentence sets against each other: "unlike", "instead of", "except", parts of a list."""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

from shared.answers.entailment.alignment import Alignment, Counterpart
from shared.answers.entailment.clauses import ClauseKind
from shared.answers.entailment.lexicon import marker
from shared.answers.entailment.reading import SentenceReading, Word

_SEGMENT = re.compile(r"[,;](?=\s)")
_OFF = re.compile(
    r"\b(?:turn|switch)(?:ed|s|ing)?\b(?: \w{1,20}){0,3}? off\b|\b(?:disabled?|deactivated?|deaktivier\w{1,3}"
    r"|ausgeschaltet|abgeschaltet)\b"
)
_ON = re.compile(
    r"\b(?:turn|switch)(?:ed|s|ing)?\b(?: \w{1,20}){0,3}? on\b|\b(?:enabled?|activated?|aktivier\w{1,3}|eingeschaltet"
    r"|angeschaltet)\b"
)
_WORDS_BEHIND = 4


def contrasts_otherwise(pair: Alignment) -> bool:
    """What stands behind "unlike" or "instead of" is taken for the other side."""
    theirs = _contrasted(pair.source)
    phrase = marker("contrasted").search(pair.source.low)
    if not theirs or (phrase and any(phrase.end() <= one.start <= phrase.end() + 3 for one in pair.source.quantities)):
        return False
    ours = {word.place for word in _contrasted(pair.statement)}
    inside = {word.place for word in theirs}
    taken = [each for each in pair.counterparts if each.places and set(each.places) <= inside and not each.word.light]
    if marker("contrasted").search(pair.statement.low):
        return any(each.word.place not in ours for each in taken)
    denied = [bool(marker("negation").search(low)) for low in (pair.statement.low, pair.source.low)]
    return bool(taken) and denied[0] == denied[1] and not marker("early").search(pair.statement.low)


def _contrasted(reading: SentenceReading) -> list[Word]:
    """The first words with a content behind the phrase, up to a comma or a verb."""
    match = marker("contrasted").search(reading.low)
    if match is None:
        return []
    _, end = reading.part_around(match.start(), match.end())
    behind = [word for word in reading.content if match.end() <= word.start < end]
    if reading.german:
        nouns = next((at for at, word in enumerate(behind) if word.text[0].isupper()), 0)
        return behind[: nouns + 1]
    return behind[:_WORDS_BEHIND] if end < len(reading.low) else behind[:2]


def drops_an_exception(pair: Alignment) -> bool:
    """ "All buildings", or "no effects", of what has an exception that the statement leaves out or takes in."""
    found = marker("exception").search(pair.source.low)
    if not found or (marker("exception", "negation").search(pair.statement.low) and not _denies_all(pair.statement)):
        return False
    _, end = pair.source.part_around(*found.span())
    behind = {word.place for word in pair.source.content if found.end() <= word.start < end and not word.light}
    taken = behind & pair.used_places
    if taken:
        return 2 * len(taken) >= len(behind) and bool(marker("included").search(pair.statement.low))
    return bool(behind) and (_denies_all(pair.statement) or bool(marker("all").search(pair.statement.low)))


def _denies_all(reading: SentenceReading) -> bool:
    return re.search(r"\b(?:no|none|keine?[nrms]?)\b", reading.low) is not None and not marker("exception").search(
        reading.low
    )


def drops_almost(pair: Alignment) -> bool:
    """ "Completely" of what is almost so."""
    if marker("almost").search(pair.statement.low) or any(one.bound for one in pair.statement.quantities):
        return False
    for match in marker("almost").finditer(pair.source.low):
        behind = next((word for word in pair.source.words if word.start >= match.end()), None)
        number = any(match.end() <= one.start <= match.end() + 2 for one in pair.source.quantities)
        if behind and not number and behind.place in pair.used_places:
            return True
    return False


def limits_another(pair: Alignment) -> bool:
    """ "Only women" of what is only since a year."""
    ours, theirs = marker("only").match(pair.statement.low), marker("only").search(pair.source.low)
    if ours is None or theirs is None:
        return False
    first = next((each for each in pair.counterparts if not each.word.light), None)
    if first is None or not first.places:
        return False
    return all(abs(pair.source.words[place].start - theirs.end()) > _NEAR_ONLY for place in first.places)


_NEAR_ONLY = 25


def switches_otherwise(pair: Alignment) -> bool:
    ours = bool(_ON.search(pair.statement.low)), bool(_OFF.search(pair.statement.low))
    theirs = bool(_ON.search(pair.window_text)), bool(_OFF.search(pair.window_text))
    denied = [len(marker("negation").findall(low)) % 2 for low in (pair.statement.low, pair.window_text)]
    return ours != theirs and ours[0] != ours[1] and theirs[0] != theirs[1] and denied[0] == denied[1]


def takes_a_later_part(pair: Alignment) -> bool:
    """The subject or place of a later part of the sentence with what is said in the first one: "dogs travel at half
    price, guide dogs free"."""
    if pair.is_of_a_row:
        return False
    parts = list(_parts(pair.source))
    if len(parts) < 2:
        return False
    used = pair.used_places
    first, *later = parts
    if any(_has_its_own_number(pair, part) for part in later):
        return True
    head = next((word for word in first if not word.light), None)
    numbers = sum(pair.source.words[0].start <= start <= first[-1].end for start in pair.used_numbers)
    if head is None or head.place in used or sum(word.place in used for word in first) + numbers < _MUCH:
        return False
    rest = {word.root for word in first}
    for part in later:
        if pair.source.clauses[part[0].clause].kind is not ClauseKind.MAIN:
            continue
        own = [word for word in part if not word.light and word.root not in rest]
        taken = [word for word in own if word.place in used]
        low = pair.source.low[part[0].start : part[-1].end + len(" nicht")]
        if marker("negation").search(low) and (
            marker("negation").search(pair.statement.low) or any(each.opposite for each in pair.counterparts)
        ):
            continue
        numbered = any(part[0].start <= start <= part[-1].end for start in pair.used_numbers)
        if taken and taken[0] is own[0] and len(taken) < len(own) and not numbered:
            return True
    return False


_MUCH = 2


def _has_its_own_number(pair: Alignment, part: Sequence[Word]) -> bool:
    """Whether the statement takes words of a later part alone, and its number from elsewhere: "for students half"."""
    start, end = part[0].start - 1, part[-1].end + 25
    stop = next((at for sign in ",;" if (at := pair.source.low.find(sign, part[-1].end)) > 0), len(pair.source.low))
    numbers = [one for one in pair.source.quantities if start <= one.start < min(end, stop)]
    if pair.source.clauses[part[0].clause].kind is not ClauseKind.MAIN:
        return False
    if not numbers or not pair.used_numbers or any(one.start in pair.used_numbers for one in numbers):
        return False
    own = [word.place for word in part if not word.light]
    taken = any(each.places and {*own}.issuperset(each.places) for each in pair.counterparts)
    return taken and own[0] in pair.used_places


def _parts(reading: SentenceReading) -> Iterator[list[Word]]:
    """The words with a content between commas."""
    cuts = [match.start() for match in _SEGMENT.finditer(reading.text)]
    for start, end in zip([0, *cuts], [*cuts, len(reading.text)], strict=True):
        if words := [word for word in reading.content if start <= word.start < end]:
            yield words


def gives_a_title_to_another(pair: Alignment) -> bool:
    """ "Malo is the leader" where the source has "leader Orlova"."""
    for each in pair.counterparts:
        if each.word.light or not each.places or each.word.name:
            continue
        same = [place for place in each.places if pair.source.words[place].root == each.word.root] or each.places
        holders = [_name_behind(pair.source, place) for place in same]
        if not all(holders) or any(word.place in pair.used_places for words in holders for word in words):
            continue
        beside = _named_with(pair, each.word)
        if beside and all(set(other.places).isdisjoint(each.places) for other in beside):
            return True
    return False


def _name_behind(reading: SentenceReading, place: int) -> Sequence[Word]:
    """The words with a capital right behind a word, as a name stands behind a title."""
    found: list[Word] = []
    for word in reading.words[place + 1 : place + 4]:
        gap = reading.text[reading.words[word.place - 1].end : word.start]
        if gap != " " or not word.text[0].isupper() or not (word.name or not word.senses):
            break
        found.append(word)
    return found


def _named_with(pair: Alignment, title: Word) -> list[Counterpart]:
    """The name that the statement gives the title to: right behind it, or before "is the"."""
    words = pair.statement.words
    ahead = [word.low for word in words[max(0, title.place - 3) : title.place]]
    behind = {word.place for word in _name_behind(pair.statement, title.place)}
    is_named = bool({"is", "was", "ist", "war"} & {*ahead})
    return [
        each
        for each in pair.counterparts
        if each.word.text[0].isupper()
        and each.places
        and (each.word.place in behind or (is_named and each.word.place < title.place and each.word.name))
    ]


def mislabels_a_number(pair: Alignment) -> bool:
    """ "The default is 16" of "default 4, maximum 16"."""
    if pair.is_of_a_row:
        return False
    labels = {}
    for one in pair.source.quantities:
        before = next((word for word in reversed(pair.source.words) if word.end <= one.start), None)
        if before and before.content and pair.source.text[before.end : one.start] in (" ", ": "):
            labels[one.start] = before.place
    for _, others in pair.quantities:
        own = {labels.get(other.start, -1) for other in others}
        foreign = {place for start, place in labels.items() if start not in pair.used_numbers}
        if own and -1 not in own and not own & pair.used_places and foreign & pair.used_places:
            return True
    return False


def crosses_numbers(pair: Alignment) -> bool:
    """ "64 in the 2.4 GHz band" of 64 in the 5 GHz band and 32 in the 2.4 GHz band."""
    placed = [(one, {pair.source.clause_at(other.start) for other in others}) for one, others in pair.quantities]
    unused = {
        (pair.source.clause_at(rival.start), rival.dimension)
        for rival in pair.source.quantities
        if rival.start not in pair.used_numbers
    }
    for (one, places), (other, other_places) in combinations(placed, 2):
        rivals = any((place, other.dimension) in unused for place in places)
        own = any((place, one.dimension) in unused for place in other_places)
        if rivals and own and places.isdisjoint(other_places):
            return True
    return False


def tops_a_row(pair: Alignment) -> bool:
    """A row alone does not say that its value is the highest one."""
    return pair.is_of_a_row and pair.adds("superlative")
