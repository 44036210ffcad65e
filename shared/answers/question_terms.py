"""Finds the words of a question that an answer has to repeat, and those that tell a thing from others of its kind."""

import re
from collections.abc import Iterator
from itertools import pairwise

from shared.answers.answer_type import AnswerType
from shared.answers.definitions import defined_term
from shared.answers.lexicon import words
from shared.answers.question import Question, Term, word_before
from shared.answers.stems import stem

_SIDE_BY_SIDE = re.compile("[ \u00a0-]?")
_YES_OR_NO = re.compile(
    r"(?:is|are|was|were|am|do|does|did|can|could|may|might|must|should|will|would|has|have|had)\b", re.IGNORECASE
)
_JA_ODER_NEIN = re.compile(
    r"(?:ist|sind|war|waren|kann|können|darf|dürfen|muss|müssen|soll|sollen|hat|haben|gibt|wird|werden)\b",
    re.IGNORECASE,
)
_PERMITTED = frozenset(stem(word) for word in words("permitted"))
_COMPOUND = 8
_PRONOUNS = frozenset(["i", "we", "you", "one", "they", "he", "she", "it", "ich", "wir", "man", "sie", "er", "es"])
_BEFORE_NOUNS = frozenset(
    ["the", "a", "an", "of", "in", "on", "at", "for", "with", "which", "what", "to", "from", "by", "is", "are", "its",
     "her", "his", "their", "our", "your", "my"]
)  # fmt: skip


def numbered(question: Question) -> dict[str, str]:
    """The question's numbers by the stem of the word right before each."""
    return {
        word.stem: number.stem
        for word, number in pairwise(question.in_order)
        if number.word[0].isdigit()
        and not word.word[0].isdigit()
        and _SIDE_BY_SIDE.fullmatch(question.text[word.end : number.start])
    }


def required_terms(question: Question) -> tuple[Term, ...]:
    """The words that an answer repeats: the term of a definition, and all that a question of yes or no is about."""
    if term := defined_term(question):
        return tuple(one for one in question.in_order if one.word.lower() in term.lower().split())
    if question.answer_type is not AnswerType.OTHER:
        return ()
    opening = _JA_ODER_NEIN if question.german else _YES_OR_NO
    if not opening.match(question.text) or _is_german_was(question):
        return ()
    own = [term for term in question.in_order if not term.hint and term.stem not in _PERMITTED]
    subjects = [term for term in own if word_before(question.text, term.start) not in _PRONOUNS]
    return tuple(subjects or own)


def _is_german_was(question: Question) -> bool:
    """Whether it begins with "was" and has no other word that only English has."""
    return question.text[:4].lower() == "was " and question.words.isdisjoint(words("english"))


def modified_nouns(question: Question) -> Iterator[tuple[Term, Term]]:
    """The pairs of words of the question that stand side by side, of which the first one may tell which is meant."""
    for modifier, noun in pairwise(question.terms):
        beside = _SIDE_BY_SIDE.fullmatch(question.text[modifier.end : noun.start])
        opens = word_before(question.text, modifier.start) in _BEFORE_NOUNS
        if beside and opens and not modifier.hint and not modifier.counted and not modifier.word[0].isdigit():
            yield modifier, noun


def german_compounds(question: Question) -> tuple[Term, ...]:
    """German nouns that are long enough to be put together."""
    if not question.german:
        return ()
    nouns = (term for term in question.terms if term.word[0].isupper() and term.start)
    return tuple(term for term in nouns if len(term.stem) >= _COMPOUND and not term.hint)
