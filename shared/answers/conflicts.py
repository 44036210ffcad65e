"""Tells which sentences cannot answer a question, by their words alone: they are about another number, year or part,
have no figure where one is asked for, or lack what a question of yes or no is about."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from shared.answers.answer_type import AnswerType
from shared.answers.evidence import Candidate, Evidence
from shared.answers.lexicon import words
from shared.answers.question import Question, Term
from shared.answers.stems import WORD, folded, stem
from shared.answers.type_match import MONTH, has_quantity, is_number

_SIDE_BY_SIDE = re.compile("[ \u00a0-]?")
_YEAR = re.compile(r"(?<![\d.,/-])(?:1[5-9]|20)\d\d(?![\d/]|[.,]\d)")
_DATED = re.compile(
    r"(?:\b(?:in|between|zwischen|since|until|till|year|im|jahr|seit|bis|ab|nach|vor|after|before|early|late|"
    rf"{MONTH})\.? |\()(?:{_YEAR.pattern})",
    re.IGNORECASE,
)
_SPAN = re.compile(r"((?:1[5-9]|20)\d\d) ?(?:-|–|to|and|until|bis|und) ?((?:1[5-9]|20)\d\d)")
_FUNCTION_WORDS = words("function")
_FIGURES = frozenset(
    [AnswerType.NUMBER, AnswerType.MONEY, AnswerType.PERCENT, AnswerType.WEIGHT, AnswerType.LENGTH, AnswerType.SPEED,
     AnswerType.TEMPERATURE, AnswerType.AREA, AnswerType.SIZE, AnswerType.PHONE, AnswerType.EMAIL]
)  # fmt: skip
_GIVING = frozenset(stem(word) for word in words("giving"))
_RECEIVING = frozenset(["to", "an"])
_ARTICLES = frozenset(["the", "a", "der", "die", "das", "den", "dem", "einen", "eine", "ein"])
_MISSPELT = 0.75
_ENDING = 4
_BEGINNING = 3
"""The least letters of the last part that two German compounds share, and of what stands before it."""

_SUFFIX = re.compile(r".{0,3}(?:ung|heit|keit|schaft|tion|ität|ismus|nis|chen|lich|isch|enz|anz)(?:en|e|s)?")
"""Endings that make a noun of another word, and are no word themselves."""


def conflicts(evidence: Evidence, candidate: Candidate) -> bool:
    question = evidence.question
    return (
        _gives_another_number(evidence, candidate)
        or _gives_another_year(question, candidate)
        or (question.answer_type in _FIGURES and not has_quantity(question.answer_type, candidate.text, question.words))
        or _lacks_required(evidence, candidate)
        or _is_about_rival(evidence, candidate)
        or _turns_roles(question, candidate)
    )


def _gives_another_number(evidence: Evidence, candidate: Candidate) -> bool:
    """Whether it, or what was last said before it, is of another number: kilometre 133 where 21 is asked for."""
    for word, number in evidence.numbered.items():
        stated = _followers(candidate.words.stems, word) or _followers(evidence.title(candidate).stems, word)
        if number not in stated if stated else _follows_another(candidate, word, number):
            return True
    return False


def _follows_another(candidate: Candidate, word: str, number: str) -> bool:
    """Whether the passage numbers the word before the sentence, and last by another number."""
    before = [stem(found) for found in WORD.findall(folded(candidate.passage.text[: candidate.start]))]
    at = max((at for at, root in enumerate(before) if root == word), default=0)
    return bool(_followers(before, word)) and number not in before[at:]


def _followers(stems: Sequence[str], word: str) -> list[str]:
    return [after for one, after in pairwise(stems) if one == word and after[0].isdigit()]


def _gives_another_year(question: Question, candidate: Candidate) -> bool:
    years = set(_YEAR.findall(question.text))
    if len(years) != 1:
        return False
    year = years.pop()
    if year in _YEAR.findall(candidate.text) or not _DATED.search(candidate.text):
        return False
    return not any(one <= year <= other for one, other in _SPAN.findall(candidate.text))


def _lacks_required(evidence: Evidence, candidate: Candidate) -> bool:
    """Whether its passage lacks a word that a question of yes or no, or for a definition, is about, or the sentence and
    its neighbours have none of them."""
    required = evidence.required
    near = [evidence.is_near(term, candidate) for term in required]
    if evidence.defines:
        return not all(near)
    return bool(required) and not (any(near) and all(evidence.in_passage(term, candidate) for term in required))


def _is_about_rival(evidence: Evidence, candidate: Candidate) -> bool:
    """Whether it has the question's noun with another word before it, and its own word is nowhere in the passage: the
    purge cycle where the rinse cycle is asked for."""
    for modifier, noun in evidence.modified:
        if evidence.in_passage(modifier, candidate):
            continue
        spans = candidate.words.spans
        for at, root in enumerate(candidate.words.stems):
            if root != noun.stem or at == 0:
                continue
            between = candidate.text[spans[at - 1][1] : spans[at][0]]
            before = candidate.text[spans[at - 1][0] : spans[at - 1][1]].lower()
            is_word = _SIDE_BY_SIDE.fullmatch(between) and before not in _FUNCTION_WORDS and not is_number(before)
            if is_word and SequenceMatcher(None, before, modifier.word.lower()).ratio() < _MISSPELT:
                return True
    return any(_has_other_compound(evidence, term, candidate) for term in evidence.compounds)


def _turns_roles(question: Question, candidate: Candidate) -> bool:
    """Whether it says of the giver what the question says of the receiver, or the other way round, by the same verb."""
    verbs = [term.stem for term in question.terms if term.stem in _GIVING and term.stem in candidate.words.stems]
    if not verbs:
        return False
    for name in question.names:
        places = [at for at, root in enumerate(candidate.words.stems) if root == name.stem]
        receives = [_is_receiver(candidate.text, candidate.words.spans[at][0]) for at in places]
        asked = _is_receiver(question.text, name.start)
        if receives and name.word[0].isupper() and all(one is not asked for one in receives):
            return True
    return False


def _is_receiver(text: str, start: int) -> bool:
    """Whether the name that begins there stands behind "to" or "an", with articles and its own words between."""
    before = text[:start].split()
    while before and (before[-1][0].isupper() or before[-1].lower() in _ARTICLES):
        if before.pop().lower() in _RECEIVING:
            return True
    return bool(before) and before[-1].lower() in _RECEIVING


def _has_other_compound(evidence: Evidence, term: Term, candidate: Candidate) -> bool:
    """Whether it has another German compound of the same last part, and the passage has neither word."""
    if evidence.in_passage(term, candidate):
        return False
    return any(root != term.stem and _ends_alike(root, term.stem) for root in candidate.words.stems)


def _ends_alike(one: str, other: str) -> bool:
    """Whether two words have a last part in common that is a word, and different first parts."""
    ending = _common_ending(one, other)
    is_part = len(ending) >= _ENDING and not _SUFFIX.fullmatch(ending)
    return is_part and min(len(one), len(other)) - len(ending) >= _BEGINNING


def _common_ending(one: str, other: str) -> str:
    at = 0
    while at < min(len(one), len(other)) and one[-1 - at] == other[-1 - at]:
        at += 1
    return one[len(one) - at :]
