"""Rules about the subject: who acts in the statement, and who does in the source."""

import re

from shared.answers.entailment.alignment import Alignment
from shared.answers.entailment.lexicon import word_set
from shared.answers.entailment.role_rules import in_phrase, is_passive, preposition_of

_ARTICLES = word_set("articles")
_FIRST_PERSON = re.compile(r"\W*(?:i|we|ich|wir)\b")


def replaces_the_first_person(pair: Alignment) -> bool:
    """A name from elsewhere for the "I" or "we" of the source."""
    first = next((each for each in pair.counterparts if not each.word.light), None)
    clause = pair.source.clauses[pair.window[0]]
    is_outside = first is not None and not first.places and first.word.text[0].isupper()
    return is_outside and _FIRST_PERSON.match(pair.source.low, clause.start) is not None


def trades_places(pair: Alignment) -> bool:
    """Who acts is somebody else, and who acts in the source has become a complement: "A pays to B" of "B pays"."""
    ours = next((each for each in pair.counterparts if not each.word.light), None)
    if ours is None or ours.places or not ours.score or in_phrase(pair.statement, ours.word):
        return False
    clause = pair.window[0]
    theirs = next((word for word in pair.source.content if word.clause == clause and not word.light), None)
    if theirs is None or in_phrase(pair.source, theirs) or is_passive(pair.source, clause):
        return False
    return any(
        each.places == (theirs.place,) and preposition_of(pair.statement, each.word) in ("to", "from", "an", "von")
        for each in pair.counterparts
    )


def acts_in_place_of_another(pair: Alignment) -> bool:
    """The name of another part of the sentence, or of another sentence, with a verb that the source gives to a name of
    its own: "Beck conducts" of "Rossi conducts, Beck plays"."""
    if pair.is_of_a_row:
        return False
    content = pair.statement.content
    verb = next((word for word in content if word.text[0].islower() and not word.light), None)
    subject = [word for word in content if verb and word.place < verb.place and word.text[0].isupper()]
    if verb is None or not subject or any(in_phrase(pair.statement, word) for word in subject):
        return False
    images = {each.word.place: each for each in pair.counterparts}
    done = images[verb.place]
    if len(done.places) != 1 or is_passive(pair.statement, verb.clause):
        return False
    place = pair.source.words[done.places[0]]
    begin, end = pair.source.part_around(place.start, place.end, ",;")
    if is_passive(pair.source, place.clause) or any(
        begin <= pair.source.words[at].start < end for word in subject for at in images[word.place].places
    ):
        return False
    behind = {at for each in pair.counterparts if each.word.place > verb.place for at in each.places}
    return any(
        begin <= word.start < end
        and word.name
        and word.before[1] not in _ARTICLES
        and not in_phrase(pair.source, word)
        and (word.place not in pair.used_places or (word.place in behind and word.place < place.place))
        for word in pair.source.content
    )
