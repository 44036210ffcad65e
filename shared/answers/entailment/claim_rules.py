"""Rules about how firmly something is claimed: as certain, as likely, as planned, or as said by somebody."""

import re

from shared.answers.entailment.alignment import Alignment
from shared.answers.entailment.lexicon import marker
from shared.answers.entailment.reading import SentenceReading, Word

_EFFECT = re.compile(
    r"\b(?:may|might|could|can)(?: (?:also|even|not|still))? (?=(?:cause|impair|contain|lead|result|increase|decrease"
    r"|reduce|affect|occur|worsen|damage|trigger|harm|raise|lower|induce|produce|weaken|provoke|become|fail|suffer)\b)"
    r"|\b(?:kann|können)\b[^.;,]{0,60}\b(?:beeinträchtigen|verringern|erhöhen|steigern|senken|führen|verursachen"
    r"|auslösen|enthalten|schädigen|auftreten|verstärken|hervorrufen|schwächen|bewirken|mindern|verschlechtern)\b"
)
"""What may happen, which is no permission."""

_NAMED_SOURCE = re.compile(
    r"\b(?:according to|laut|nach angaben|nach ansicht|zufolge|says?|said|sagte|sagt|believes?|warn(?:ed|s|te|t))\b"
)


def drops_a_doubt(pair: Alignment) -> bool:
    """ "Impairs the ability to drive" of what may impair it, or "certainly" of what is likely."""
    ours, window = pair.statement.low, pair.window_text
    if marker("certain").search(ours) and not marker("certain").search(window):
        return True
    if _is_doubtful(ours) or marker("may", "negation").search(ours):
        return False
    return _doubts_what_is_used(pair)


def _is_doubtful(low: str) -> bool:
    return bool(marker("doubt").search(low) or _EFFECT.search(low))


def _doubts_what_is_used(pair: Alignment) -> bool:
    """Whether most of what follows the doubt in its clause is repeated."""
    for pattern in (marker("doubt"), _EFFECT):
        for match in pattern.finditer(pair.source.low):
            number = pair.source.clause_at(match.start())
            if number not in pair.window:
                continue
            clause = pair.source.clauses[number]
            scope = [
                word
                for word in pair.source.content
                if clause.start <= word.start < clause.end and not word.light and word.start >= match.start()
            ][:_SCOPE]
            used = sum(word.place in pair.used_places for word in scope)
            if scope and (2 * used >= len(scope) or scope[0].place in pair.used_places):
                return True
    return False


_SCOPE = 4


def generalizes(pair: Alignment) -> bool:
    """ "Always" or "in all cases" of what the source does not say so of."""
    return pair.adds("always") and not marker("all").search(pair.window_text)


def takes_for_done(pair: Alignment) -> bool:
    """ "Decided to buy" of a purchase that is postponed, refused, or only proposed."""
    if marker("negation").search(pair.statement.low) or _is_unreal(pair.statement):
        return False
    for match in marker("unreal").finditer(pair.source.low):
        if pair.source.clause_at(match.start()) not in pair.window:
            continue
        verb = next((word for word in pair.source.words if word.start >= match.start()), None)
        if verb is None or verb.place in pair.used_places:
            continue
        start, end = pair.source.part_around(verb.start, verb.end)
        around = [word for word in pair.source.content if start <= word.start < end and word.clause == verb.clause]
        beside = around if pair.source.german else [word for word in around if word.place > verb.place]
        scope = [word for word in beside if not word.light and word.place != verb.place][:_SCOPE]
        used = [word for word in scope if word.place in pair.used_places]
        if scope and 2 * len(used) >= len(scope):
            return True
    return False


def _is_unreal(reading: SentenceReading) -> bool:
    return bool(marker("unreal", "plan", "doubt").search(reading.low))


def attributes_to_another(pair: Alignment) -> bool:
    """A name that is said to have said so, where the sentence gives another name."""
    ours, theirs = _NAMED_SOURCE.search(pair.statement.low), _NAMED_SOURCE.search(pair.source.low)
    if ours is None or theirs is None:
        return False
    named = [each for each in pair.counterparts if _is_near(each.word, ours)]
    rivals = [word for word in pair.source.content if _is_near(word, theirs) and word.place not in pair.used_places]
    return bool(named) and bool(rivals) and not any(each.places for each in named)


def _is_near(word: Word, match: re.Match[str]) -> bool:
    return word.text[0].isupper() and abs(word.start - match.start()) <= _NEAR_SPEECH


_NEAR_SPEECH = 40
