"""Rules about who does what to whom."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from shared.answers.entailment.alignment import Alignment, Counterpart
from shared.answers.entailment.lexicon import converses, marker, word_set
from shared.answers.entailment.reading import SentenceReading, Word

_PREPOSITIONS = word_set("prepositions")
_ARTICLES = word_set("articles")
_OBLIQUE = word_set("oblique")
_PARTICIPLE = re.compile(r"(?:ed|en|wn|nt|lt|ght|id|un|ade|eld|old|ound|ung|et|ut|ne|orn|aken|one|rne)$")
_GERMAN_VERB = re.compile(r"(?:t|en)$")
_PLURAL = ("e", "en", "n")
_GERMAN_AGENT = ("von", "vom", "durch")


class Roles(Struct, frozen=True):
    """Who acts and who is acted upon, as places of words. `verb`: the place of the participle of a passive, else -1.
    Not `is_certain`: a German sentence whose articles and names do not show its subject."""

    actors: frozenset[int]
    others: frozenset[int]
    passive: bool
    verb: int = -1
    is_certain: bool = True


_NO_ROLES = Roles(frozenset(), frozenset(), passive=False)


def swaps_roles(pair: Alignment) -> bool:
    """The buyer for the bought one, or another one than the source names as the one who acts."""
    if pair.is_of_a_row:
        return False
    for number in range(len(pair.statement.clauses)):
        held = [each for each in pair.counterparts if each.word.clause == number and each.places]
        images = {each.word.place: frozenset(each.places) for each in held}
        ours = roles_of(pair.statement, number)
        if any(_acts_otherwise(pair, number, clause, ours, images) for clause in pair.window):
            return True
        clause = _clause_of(pair, [pair.clauses_held(each) for each in held])
        if clause is None:
            continue
        inside = {word.place for word in pair.source.words if word.clause == clause}
        if _swapped(pair, number, clause, ours, {place: image & inside for place, image in images.items()}):
            return True
    return False


def _clause_of(pair: Alignment, held: Sequence[frozenset[int]]) -> int | None:
    """The clause of the source with most of the counterparts."""
    counts = {number: sum(number in each for each in held) for number in pair.window}
    best = max(counts, key=lambda number: (counts[number], -number), default=None)
    return best if best is not None and counts[best] else None


def _acts_otherwise(pair: Alignment, number: int, clause: int, ours: Roles, images: dict[int, frozenset[int]]) -> bool:
    """The source says by whom something is done, and the statement says it of another one."""
    theirs = roles_of(pair.source, clause)
    verb = next((place for place, image in images.items() if theirs.verb in image), None)
    if not theirs.passive or verb is None or _is_noun(pair.statement.words[verb]):
        return False
    if ours.passive:
        actors = ours.actors if ours.verb == verb else frozenset[int]()
    elif is_passive(pair.statement, number):
        return False
    else:
        active = ours if pair.source.german else _around(pair.statement, number, verb)
        actors = active.actors
    return bool(actors) and bool(theirs.actors) and not _image(actors, images) & theirs.actors


def _is_noun(word: Word) -> bool:
    return word.before[1] in _ARTICLES or word.text[0].isupper()


def is_passive(reading: SentenceReading, number: int) -> bool:
    clause = reading.clauses[number]
    pattern = marker("werden" if reading.german else "be")
    elliptic = number > 0 and reading.low.startswith(("and ", "und "), clause.start)
    return pattern.search(reading.low, 0 if elliptic else clause.start, clause.end) is not None


def _swapped(pair: Alignment, number: int, clause: int, ours: Roles, images: dict[int, frozenset[int]]) -> bool:
    theirs = roles_of(pair.source, clause)
    if theirs.passive or not theirs.is_certain or not ours.is_certain:
        return False
    if ours.passive and theirs.actors and images.get(ours.verb) and not _image(ours.actors, images):
        return True
    if not pair.source.german:
        if not ours.passive and is_passive(pair.statement, number) != is_passive(pair.source, clause):
            return False
        if not ours.passive:
            return _order_is_swapped(pair, number, images)
        theirs = _around(pair.source, clause, min(images.get(ours.verb) or frozenset([-1])))
    actors, others = _image(ours.actors, images), _image(ours.others, images)
    return bool(actors and theirs.actors and not actors & theirs.actors and actors & theirs.others) and bool(
        ours.passive or others & theirs.actors
    )


_MASCULINE_CASES = {"der": "subject", "den": "object"}


def exchanges_cases(pair: Alignment) -> bool:
    """Two German nouns of which each has the case of the other one: "der Hund … den Mann" of "den Hund … der Mann"."""
    if not pair.source.german:
        return False
    turned = set()
    for each in pair.counterparts:
        ours = _case(each.word)
        theirs = {_case(word) for word in pair.source_words(each)}
        if ours and len(theirs) == 1 and "" not in theirs and ours not in theirs:
            turned.add(ours)
    return len(turned) > 1


def _case(word: Word) -> str:
    if not word.text[0].isupper() or (word.before[0] in _PREPOSITIONS and word.before[0] not in ("als", "wie")):
        return ""
    return _MASCULINE_CASES.get(word.before[1], "")


def is_converse(pair: Alignment, each: Counterpart) -> bool:
    """Whether a word and its opposite are two sides of one act, such as lending and borrowing, and the statement's
    subject is not the one who acts in the source."""
    table = converses(pair.source.german)
    theirs = [pair.source.words[place] for place in each.places]
    if not theirs or not all(word.root in table.get(each.word.root, ()) for word in theirs):
        return False
    subject = next((one for one in pair.counterparts if not one.word.light and one.word is not each.word), None)
    if subject is None:
        return False
    if subject.word.place > each.word.place and not pair.source.german:
        return True
    verb = theirs[0]
    for place in subject.places:
        word = pair.source.words[place]
        if word.place < verb.place and not in_phrase(pair.source, word) and word.clause == verb.clause:
            return False
    return True


def acts_as_recipient(pair: Alignment) -> bool:
    """ "Halden sold the mill" of what somebody else sold to Halden."""
    images = {each.word.place: each for each in pair.counterparts if len(each.places) == 1 and not each.opposite}
    content = pair.statement.content
    for actor, verb in pairwise(content):
        if actor.place not in images or verb.place not in images or is_passive(pair.statement, actor.clause):
            continue
        theirs, done = (pair.source.words[images[word.place].places[0]] for word in (actor, verb))
        is_act = all(word.text[0].islower() and word.before[1] not in _ARTICLES for word in (verb, done))
        if is_act and verb.root == done.root and verb.root not in _MUTUAL_VERBS and _is_actor(pair.statement, actor):
            led = preposition_of(pair.source, theirs) in _TO_SOMEBODY and theirs.clause == done.clause
            if led and done.place < theirs.place and _has_actor_before(pair.source, done):
                return True
    return False


_TO_SOMEBODY = frozenset(["to", "for", "from", "against", "an", "für", "von", "gegen"])
_MUTUAL_VERBS = frozenset(["rent", "leas", "speak", "talk"])
"""Verbs that both sides do."""


def _is_actor(reading: SentenceReading, word: Word) -> bool:
    return word.text[0].isupper() and not in_phrase(reading, word) and not _OBLIQUE & {*word.before}


def _has_actor_before(reading: SentenceReading, verb: Word) -> bool:
    """Whether its clause names one who does it."""
    if is_passive(reading, verb.clause):
        return False
    return any(word.place < verb.place and word.text[0].isupper() for word in _participants(reading, verb.clause))


def _image(places: Iterable[int], images: dict[int, frozenset[int]]) -> frozenset[int]:
    return frozenset[int]().union(*(images.get(place, frozenset()) for place in places))


def _order_is_swapped(pair: Alignment, number: int, images: dict[int, frozenset[int]]) -> bool:
    """Whether two participants change sides of a word between them."""
    ours = _participants(pair.statement, number)
    single = {word.place: min(images[word.place]) for word in ours if len(images.get(word.place, frozenset())) == 1}
    free = {word.place for word in pair.source.content if not in_phrase(pair.source, word)}
    places = [place for place in sorted(single) if single[place] in free]
    for verb in places:
        if pair.statement.words[verb].text[0].isupper():
            continue
        before = [place for place in places if place < verb and single[place] > single[verb]]
        behind = [place for place in places if place > verb and single[place] < single[verb]]
        if before and behind:
            return True
    return False


def roles_of(reading: SentenceReading, number: int) -> Roles:
    return _german(reading, number) if reading.german else _english(reading, number)


def _english(reading: SentenceReading, number: int) -> Roles:
    clause = reading.clauses[number]
    words = [word for word in reading.words if word.clause == number]
    by = next((word for word in words if word.low == "by" and _leads_to_agent(reading, word)), None)
    if by is None:
        return _NO_ROLES
    be = marker("be").search(reading.low, clause.start, by.start)
    verbs = [
        word
        for word in words
        if word.content
        and word.start > (be.end() if be else -1)
        and word.end <= by.start
        and (_is_participle(word) if be else word.low.endswith("ed"))
    ]
    if not verbs:
        return _NO_ROLES
    verb = verbs[-1]
    agents = _noun_phrase(reading, words, by.place)
    others = [word.place for word in words if word.content and word.place < verb.place]
    return Roles(frozenset(agents), frozenset(others), passive=True, verb=verb.place)


def _is_participle(word: Word) -> bool:
    return bool(_PARTICIPLE.search(word.low)) and not word.low.endswith("ly")


def _leads_to_agent(reading: SentenceReading, by: Word) -> bool:
    """Not "by 12 percent"."""
    return not any(by.end <= one.start <= by.end + 6 for one in reading.quantities)


def _noun_phrase(reading: SentenceReading, words: Sequence[Word], place: int) -> list[int]:
    found: list[int] = []
    for word in words:
        if word.place <= place:
            continue
        gap = reading.text[words[0].start if not found else reading.words[found[-1]].end : word.start]
        if (
            _is_preposition(reading, word)
            or (found and any(sign in gap for sign in ",;:("))
            or word.low in ("and", "und")
        ):
            break
        if found and any(reading.words[found[-1]].end <= one.start < word.start for one in reading.quantities):
            break
        if word.content and reading.german and not word.text[0].isupper():
            if found:
                break
        elif word.content:
            found.append(word.place)
        elif word.low not in _ARTICLES:
            break
    return found


def _is_preposition(reading: SentenceReading, word: Word) -> bool:
    return word.low in _PREPOSITIONS and (reading.german or word.low not in ("an", "am", "um"))


def _around(reading: SentenceReading, number: int, verb: int) -> Roles:
    """An active clause in English: who stands before the verb acts."""
    if verb < 0:
        return _NO_ROLES
    participants = _participants(reading, number)
    return Roles(
        frozenset(word.place for word in participants if word.place < verb),
        frozenset(word.place for word in participants if word.place > verb),
        passive=False,
    )


def _participants(reading: SentenceReading, number: int) -> list[Word]:
    return [word for word in reading.content if word.clause == number and not in_phrase(reading, word)]


def in_phrase(reading: SentenceReading, word: Word) -> bool:
    """Whether a preposition leads to it: "at the station"."""
    return bool(preposition_of(reading, word))


def preposition_of(reading: SentenceReading, word: Word) -> str:
    place = word.place - 1
    end = word.start
    while place >= 0:
        other = reading.words[place]
        gap = reading.text[other.end : end].strip()
        if gap and not (gap == "." and other.text in _TITLES):
            return ""
        if _is_preposition(reading, other):
            return other.low
        if other.low not in _ARTICLES and not (other.content and (reading.german or _is_attribute(other))):
            return ""
        end, place = other.start, place - 1
    return ""


_TITLES = frozenset(["Dr", "Mr", "Mrs", "Ms", "Prof", "St"])


def _is_attribute(word: Word) -> bool:
    return word.content and not _PARTICIPLE.search(word.low)


def _german(reading: SentenceReading, number: int) -> Roles:
    words = [word for word in reading.words if word.clause == number]
    nouns = [word for word in words if word.content and word.text[0].isupper()]
    agent = _german_agent(reading, words) if is_passive(reading, number) else None
    if agent is not None:
        agents = _noun_phrase(reading, words, agent.place)
        others = [noun.place for noun in nouns if noun.place not in agents and not in_phrase(reading, noun)]
        verbs = [
            word.place for word in words if word.content and word.text[0].islower() and _GERMAN_VERB.search(word.low)
        ]
        return Roles(frozenset(agents), frozenset(others), passive=True, verb=verbs[-1] if verbs else -1)
    phrases = _phrases(reading, nouns)
    free = [phrase for phrase in phrases if not in_phrase(reading, phrase[0])]
    subject = next((phrase for phrase in free if phrase[0].before[1] == "der"), None) or next(
        (phrase for phrase in free if not _OBLIQUE & frozenset(phrase[0].before)), None
    )
    others = [noun.place for phrase in free if phrase is not subject for noun in phrase]
    is_plural = subject is not None and subject[0].low.endswith(_PLURAL) and not subject[0].before[1]
    nominative = subject is not None and (
        subject[0].before[1] == "der" or (subject[0].before[1] not in _ARTICLES and not is_plural)
    )
    oblique = any(_OBLIQUE & frozenset(phrase[0].before) for phrase in free if phrase is not subject)
    return Roles(
        frozenset(noun.place for noun in subject or ()),
        frozenset(others),
        passive=False,
        is_certain=nominative or oblique,
    )


def _german_agent(reading: SentenceReading, words: Sequence[Word]) -> Word | None:
    """The preposition before the one who acts, of a passive."""
    for word in words:
        if word.low in _GERMAN_AGENT and _leads_to_agent(reading, word):
            phrase = _noun_phrase(reading, words, word.place)
            before = reading.words[word.place - 1] if word.place else None
            is_attribute = before is not None and before.content and before.text[0].isupper() and word.low != "durch"
            following = words[-1].place
            if phrase and (not is_attribute or phrase[-1] + 1 == following or phrase[-1] == following - 1):
                return word
    return None


def _phrases(reading: SentenceReading, nouns: Sequence[Word]) -> list[list[Word]]:
    """Nouns that stand side by side, such as a firm's name, and a genitive with the noun before it."""
    phrases: list[list[Word]] = []
    for noun in nouns:
        previous = phrases[-1][-1] if phrases else None
        between = reading.text[previous.end : noun.start] if previous else ""
        genitive = re.fullmatch(r" (?:der|des|eines|einer) (?:\w+ )?", between) and noun.before[1] in ("des", "eines")
        if previous and (between in (" ", "-", " & ") or genitive):
            phrases[-1].append(noun)
        else:
            phrases.append([noun])
    return phrases
