"""Rules about denial, opposites and modality."""

import re
from collections.abc import Mapping

from shared.answers.entailment.alignment import Alignment
from shared.answers.entailment.clauses import ClauseKind
from shared.answers.entailment.lexicon import exclusives, marker, opposites
from shared.answers.entailment.reading import SentenceReading
from shared.answers.entailment.role_rules import is_converse

_WITHOUT = ("without", "ohne")
_CONTRACTED = re.compile(r"n't\b")
_NO_DENIAL = re.compile(
    r"\b(?:not|no|nicht|keine|never|nie) (?:by |um )?"
    r"(?:(?:more|less|fewer|later|longer|higher|earlier|sooner|mehr|weniger|später|länger|höher|früher)"
    r"(?: than| als|(?= \d| (?:a|an|one|two|three|four|five|six|seven|eight|nine|ten|twelve) \w))"
    r"|(?:before|vor|nach|after|until|over|above|under|below|über|unter) (?=\S{0,9}\d|\w{1,20} \w))(?<!nicht mehr )"
    r"|\b(?:not|no|nicht) \w{3,20}er (?:than|als)\b|\bnot only\b|\bnicht nur\b|\bnicht einmal\b|\bnot even\b"
    r"|\bno (?:\w{1,20} )?(?:charge|fee|cost)s?\b"
    r"|\bno matter\b|\bno\.|\bnot (?:be )?exceed|\bnicht (?:überschr|überst|unterschr)"
)
"""What looks like a denial: a bound, "not only", "no fee"."""

_NOTHING_BUT = re.compile(
    r"\b(?:cannot|not|no|nothing|none|nobody|no one|never|kein\w{0,3}|nicht\w{0,2}|niemand\w{0,2})\b[^.;]{0,60}?"
    r"\b(?:but (?!not|no)|except|other than|apart from|aside from|außer|abgesehen von|bis auf|unless|es sei denn)"
)
_RULED_OUT = re.compile(r"\b(?:schließ(?:t|en)|schloss(?:en)?)\b[^.;,]{0,60}\baus\b|\brul(?:e|es|ed) out\b")
_FORBIDDEN = re.compile(
    r"\b(?:must not|mustn't|may not|cannot|can not|can't|could not|not (?:\w{1,20} )?(?:allowed|permitted|possible)"
    r"|forbid\w{0,5}|prohibit\w{0,4}|banned|verboten|untersagt"
    r"|(?:darf|dürfen|kann|können|konnten?)\b[^.;,]{0,80}\b(?:nicht|kein\w{0,3})"
    r"|(?:nicht|kein\w{0,3})\b[^.;,]{0,80}\b(?:gestattet|erlaubt|zulässig|darf|dürfen))\b"
)
_NEEDLESS = re.compile(
    r"\b(?:need not|needn't|not (?:have|need) to|not (?:required|necessary|obligatory|mandatory|obliged)"
    r"|optional|voluntary|freiwillig"
    r"|(?:muss|müssen|braucht?|brauchen)\b[^.;,]{0,80}\bnicht"
    r"|(?:nicht|keine?) (?:\w{1,20} )?(?:nötig|erforderlich|notwendig|verpflichtet))\b"
)
_IS_TO = re.compile(r"\b(?:ist|sind)\b[^.;,]{0,80} (?:zu \w{1,20}n|\w{2,6}zu\w{3,20}n)\b")
_MORE_OR_LESS = frozenset(["mehr", "weniger", "more", "less", "fewer"])
_ONLY_WITHOUT = re.compile(r"\b(?:only|nur) (?:without|ohne)\b")
_EXCEPT_WITH = re.compile(r"\b(?:without|ohne)\b")
_UNLESS = re.compile(r"\b(?:unless|es sei denn)\b")
_MUST_BUT_NOT = re.compile(r"\b(?:must|muss|müssen)\b[^.;]*, (?:not|nicht)\b")
_NOT_BEFORE = re.compile(r"\b(?:not|nicht)\b[^.;]*\b(?:before|vor)\b|\b(?:before|vor)\b[^.;]*\b(?:not|nicht)\b")
_EARLIEST = re.compile(r"\b(?:frühestens|at the earliest|erst (?:ab|im|am|nach)|only (?:from|after))\b")
_OTHERWISE = re.compile(r"\b(?:otherwise|or else|andernfalls|ansonsten|sonst)\b")
_IS_DONE = re.compile(r"\b(?:ist|sind)\b[^,;]{0,80}\b\w{4,}(?:iert|tet|ht|gt|ft|st|en)\W*$")
_NO_MONTHS = frozenset(["may", "mar", "sun", "sat", "dec"])


def denies_otherwise(pair: Alignment) -> bool:
    """A denial on one side alone, or a word that contradicts the other side's; both together agree."""
    statement = pair.statement
    conditional = any(clause.kind is ClauseKind.CONDITION for clause in statement.clauses)
    if _is_limited(pair.window_text) and _NOTHING_BUT.search(statement.low):
        return False
    if _NOT_BEFORE.search(statement.low) and _EARLIEST.search(pair.source.low):
        return False
    if conditional and _OTHERWISE.search(pair.window_text):
        return False
    clauses = range(len(statement.clauses))
    denied = {number: len(_denials_used(pair, number)) % 2 for number in pair.window}
    if len(pair.window) == 1 and len(clauses) > 1:
        return sum(_turned(pair, clause) for clause in clauses) % 2 != sum(denied.values())
    if conditional and _UNLESS.search(pair.window_text) and not _UNLESS.search(statement.low):
        return sum(len(_denials(statement, clause)) for clause in clauses) % 2 != sum(denied.values()) % 2
    return any(_differs(pair, clause, denied) for clause in clauses)


def _turned(pair: Alignment, clause: int) -> int:
    """How often a clause of the statement denies or turns what the source has."""
    held = [each for each in pair.counterparts if each.word.clause == clause and each.places]
    opposite = [each for each in held if each.opposite and not _is_compared(pair.statement, each.word.end)]
    starts = {each.word.start for each in opposite}
    denials = [match for match in _denials(pair.statement, clause) if match.start() not in starts]
    lessened = [each for each in opposite if each.word.before[1] in ("weniger", "less")]
    turned = [each for each in opposite if not is_converse(pair, each)]
    return len(denials) + len(turned) - len(lessened)


def _differs(pair: Alignment, clause: int, denied: Mapping[int, int]) -> bool:
    """`denied`: for each clause of the source 1 where it denies what the statement uses of it."""
    held = [each for each in pair.counterparts if each.word.clause == clause and each.places]
    ours = _turned(pair, clause) % 2
    parts = [pair.clauses_held(each) for each in held]
    parts += [
        frozenset(pair.source.clause_at(other.start) for other in others) & frozenset(pair.window)
        for one, others in pair.quantities
        if pair.statement.clause_at(one.start) == clause
    ]
    single = {number for places in parts if len(places) == 1 for number in places}
    used = single or {number for places in parts for number in places}
    if not used:
        return False
    if ours:
        return not any(denied[number] for number in denied if min(used) <= number <= max(used))
    return any(denied[number] for number in used)


def _denials(reading: SentenceReading, clause: int) -> list[re.Match[str]]:
    part = reading.clauses[clause]
    found = [
        match
        for pattern in (marker("negation"), _CONTRACTED, _RULED_OUT)
        for match in pattern.finditer(reading.low, part.start, part.end)
    ]
    if not found or (_NOTHING_BUT.search(reading.low) and not _UNLESS.search(reading.low)):
        return []
    idle = [match.span() for match in _NO_DENIAL.finditer(reading.low)]
    return [match for match in found if not any(start <= match.start() < end for start, end in idle)]


def _denials_used(pair: Alignment, clause: int) -> list[re.Match[str]]:
    """Those of a source's clause; "without" counts where the statement is about what is without, and an exception where
    it is about what is excepted."""
    turned = {pair.source.words[place].start for each in pair.counterparts if each.opposite for place in each.places}
    part = pair.source.clauses[clause]
    found = [
        match
        for match in _denials(pair.source, clause)
        if match.start() not in turned
        and (match.group() not in _WITHOUT or _is_followed_by(pair.source, match.end(), pair.used_in_window))
    ]
    found = [match for match in found if not _is_about_another(pair, match.start())]
    if _NOTHING_BUT.search(pair.source.low):
        return found
    exceptions = marker("exception").finditer(pair.source.low, part.start, part.end)
    excepted = [match for match in exceptions if _is_followed_by(pair.source, match.end(), pair.used_in_window)]
    return found + [match for match in excepted if not marker("exception").search(pair.statement.low)]


def _is_about_another(pair: Alignment, start: int) -> bool:
    """Whether a denial stands behind a comma, with a subject that the statement does not name: "parking is not"."""
    head = next((each for each in pair.counterparts if each.places and not each.word.light), None)
    if head is None:
        return False
    begin, end = pair.source.part_around(start, start)
    inside = [word for word in pair.source.content if begin <= word.start < start and not word.light]
    is_elsewhere = all(not begin <= pair.source.words[place].start < end for place in head.places)
    return is_elsewhere and bool(inside) and inside[0].place not in pair.used_places


def _is_followed_by(reading: SentenceReading, end: int, places: frozenset[int]) -> bool:
    following = [word for word in reading.words if word.start >= end and word.content][:2]
    return any(word.place in places for word in following)


def _is_compared(reading: SentenceReading, end: int) -> bool:
    return _COMPARED.match(reading.low[end : end + 80]) is not None


_COMPARED = re.compile(
    r"\W{1,3}(?:\w{1,20} ){0,3}(?:than|als)\b"
    r"(?! (?:\d|before|planned|expected|usual|last|previous|announced|scheduled|intended|zuvor|vorher|bisher|früher"
    r"|im vor|im letzten|(?:ursprünglich )?(?:geplant|erwartet|vorgesehen|angekündigt|gedacht|üblich)))"
)
"""With another thing; not with a number, nor with another time."""


def swaps_attributes(pair: Alignment) -> bool:
    """ "Western Europe and eastern Asia" for "Eastern Europe and western Asia"."""
    table, contraries = exclusives(pair.source.german), opposites(pair.source.german)
    for each in pair.counterparts:
        if not each.places or not each.word.place:
            continue
        attribute = pair.statement.words[each.word.place - 1]
        ours, contrary = table.get(attribute.root), contraries.get(attribute.root, frozenset())
        if attribute.low in _MORE_OR_LESS or (ours is None and not contrary):
            continue
        theirs = [pair.source.words[place - 1] for place in each.places if place]
        if theirs and all(
            word.root in contrary
            or (ours and (rival := table.get(word.root)) and rival.line == ours.line and rival.member != ours.member)
            for word in theirs
        ):
            return True
    return False


def names_another_of_its_kind(pair: Alignment) -> bool:
    """Another season, colour or side than the one that the source names."""
    table = exclusives(pair.source.german)
    theirs = [table[word.root] for word in pair.source.words if word.root in table and word.clause in pair.window]
    for word in pair.statement.words:
        ours = table.get(word.root)
        if ours is None or word.low in _NO_MONTHS:
            continue
        rivals = {each.member for each in theirs if each.line == ours.line}
        if rivals and ours.member not in rivals:
            return True
    return False


def modality_differs(pair: Alignment) -> bool:
    """What must be is no matter of choice, and what is planned is not done."""
    if any(each.opposite for each in pair.counterparts) or _MUST_BUT_NOT.search(pair.window_text):
        return False
    ours, theirs = _modalities(pair.statement.low), _modalities(pair.window_text)
    if not ours and "plan" in theirs and theirs <= {"plan", "should"}:
        if pair.source.german and _IS_DONE.search(pair.statement.low):
            return True
        done = marker("done")
        return bool(done.search(pair.statement.low)) and not done.search(pair.window_text)
    if "plan" in ours & theirs:
        return False
    ours, theirs = ours - {"plan"}, theirs - {"plan"}
    return bool(ours) and bool(theirs) and not ours & theirs


def _modalities(low: str) -> frozenset[str]:
    found = set()
    rest = low
    for name, pattern in (("may", _FORBIDDEN), ("must", _NEEDLESS), ("must", marker("must")), ("may", marker("may"))):
        rest, count = pattern.subn(" ", rest)
        if count:
            found.add(name)
    if "may" in found and (marker("only").search(low) or (_FORBIDDEN.search(low) and _EXCEPT_WITH.search(low))):
        found.add("must")
    found |= {name for name in ("should", "plan") if marker(name).search(rest)}
    return frozenset(found | {"must"} if _IS_TO.search(low) else found)


def limits_otherwise(pair: Alignment) -> bool:
    """ "Only", where the source does not limit it."""
    if not _is_limited(pair.statement.low) or _is_limited(pair.window_text):
        return False
    return not (_ONLY_WITHOUT.search(pair.statement.low) and _EXCEPT_WITH.search(pair.window_text))


def _is_limited(low: str) -> bool:
    return bool(marker("only").search(low) or _NOTHING_BUT.search(low))


def names_somebody_else(pair: Alignment) -> bool:
    """A name of an earlier sentence, where this sentence has another one."""
    content = pair.statement.content
    unused = [word for word in pair.source.words if word.place not in pair.used_places and word.clause in pair.window]
    rivals = [word for word in unused if word.name]
    return bool(rivals) and any(
        each.word.name and not each.places and each.word.place > content[0].place + 1 for each in pair.counterparts
    )
