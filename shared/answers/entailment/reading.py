"""Reads a sentence for comparison: its words with their roots and meanings, its quantities and its clauses."""

import re
from collections.abc import Sequence
from functools import cache, cached_property

from msgspec import Struct

from shared.answers.entailment.amounts import StatedQuantity
from shared.answers.entailment.clauses import Clause, clauses_of
from shared.answers.entailment.lexicon import light, synonyms, word_set
from shared.answers.entailment.quantities import quantities_of
from shared.answers.entailment.roots import PARTICLES, root
from shared.answers.lexicon import words
from shared.answers.stems import WORD
from shared.language.wordlists import read_lines

_FUNCTION_WORDS = words("function") | words("denials")
_HEAVY = word_set("heavy")
_LAST_WORD = re.compile(r"([^\W\d_]+)[\s.!?,;)]*\Z")
LONGEST = 1000
"""Characters of a sentence that are read."""

_LONGEST_PHRASE = 3


class Word(Struct, frozen=True):
    """A word. `content`: it says something by itself; `light`: it says little, and needs no counterpart. `before` are
    the two words before it, in lower case; `clause` is the number of its clause."""

    text: str
    low: str
    root: str
    start: int
    end: int
    place: int
    content: bool
    light: bool
    name: bool
    senses: frozenset[int]
    clause: int
    before: tuple[str, str]


class SentenceReading:
    """A sentence that is read when something of it is asked for. `german`: by the rules of German."""

    def __init__(self, text: str, german: bool) -> None:
        self.text = text[:LONGEST]
        self.german = german

    @cached_property
    def quantities(self) -> list[StatedQuantity]:
        return quantities_of(self.text, self.german)

    @cached_property
    def clauses(self) -> list[Clause]:
        return clauses_of(self.low, self.quantities)

    @cached_property
    def low(self) -> str:
        return self.text.lower().replace("’", "'")

    @cached_property
    def words(self) -> list[Word]:
        found = [match for match in WORD.finditer(self.text) if not self._in_quantity(match.start())]
        roots = [self._root(match, found) for match in found]
        senses = _senses(roots, self.german)
        lows = [match.group().lower() for match in found]
        return [
            Word(
                match.group(),
                low,
                roots[place],
                match.start(),
                match.end(),
                place,
                content=self._is_content(match, low),
                light=roots[place] in light(self.german) and low not in _HEAVY,
                name=self._is_name(match, bool(senses[place])),
                senses=senses[place],
                clause=self.clause_at(match.start()),
                before=(lows[place - 2] if place > 1 else "", lows[place - 1] if place else ""),
            )
            for place, (match, low) in enumerate(zip(found, lows, strict=True))
        ]

    @cached_property
    def content(self) -> list[Word]:
        return [word for word in self.words if word.content]

    def clause_at(self, start: int) -> int:
        return sum(clause.start <= start for clause in self.clauses) - 1

    def part_around(self, start: int, end: int, signs: str = ",") -> tuple[int, int]:
        """Where the part of the sentence begins and ends that holds this span: between two of the signs."""
        begins = max(self.low.rfind(sign, 0, start) for sign in signs) + 1
        return begins, min((at for sign in signs if (at := self.low.find(sign, end)) >= 0), default=len(self.low))

    def _is_content(self, word: re.Match[str], low: str) -> bool:
        if low in ("up", "down"):
            return any(word.end() < quantity.start <= word.end() + 2 for quantity in self.quantities)
        return low not in _FUNCTION_WORDS and not self._is_parted(word, low)

    def _in_quantity(self, start: int) -> bool:
        return any(quantity.start <= start < quantity.end for quantity in self.quantities)

    def _root(self, word: re.Match[str], found: Sequence[re.Match[str]]) -> str:
        """A German verb is put together with the particle at the end of its clause."""
        own = root(word.group(), self.german)
        if not self.german or not _is_verb(word):
            return own
        clause = self.clauses[self.clause_at(word.start())]
        particle = self._particle_of(clause)
        if not particle:
            return own
        verbs = [each for each in found if clause.start <= each.start() < clause.end and _is_verb(each)]
        finite = next(
            (each for each in verbs if each.group().endswith("t") or root(each.group(), True) in _strong()), None
        )
        return f"{particle}{own}" if (finite or verbs[0]) == word else own

    def _particle_of(self, clause: Clause) -> str:
        last = _LAST_WORD.search(self.text[clause.start : clause.end])
        return last[1].replace("ü", "u") if last and last[1] in PARTICLES else ""

    def _is_parted(self, word: re.Match[str], low: str) -> bool:
        """Whether it is the particle of a verb."""
        if not self.german or low not in PARTICLES:
            return False
        clause = self.clauses[self.clause_at(word.start())]
        return not re.search(r"[^\W_]", self.text[word.end() : clause.end])

    def _is_name(self, word: re.Match[str], known: bool) -> bool:
        """Whether another word would be another thing: what holds figures or capitals within, and in English what has a
        capital and does not begin the sentence. A German noun has one anyway."""
        text = word.group()
        if any(letter.isdigit() for letter in text) or any(letter.isupper() for letter in text[1:]):
            return True
        if not text[0].isupper() or text.lower() in _FUNCTION_WORDS:
            return False
        begins = not any(letter.isalnum() for letter in self.text[: word.start()])
        follows = self.text[word.end() : word.end() + 2]
        named = len(follows) == 2 and follows[0] == " " and follows[1].isupper()
        if self.german:
            return not known and named and root(text, True) not in light(True)
        return (not begins) or (named and not known)


def _is_verb(word: re.Match[str]) -> bool:
    text = word.group()
    return text[0].islower() and text not in _FUNCTION_WORDS and text not in PARTICLES


@cache
def _strong() -> frozenset[str]:
    """The roots of the irregular verbs."""
    return frozenset(root(line.split()[0], True) for line in read_lines("shared.answers.entailment", "forms_german"))


def _senses(roots: Sequence[str], german: bool) -> list[frozenset[int]]:
    table = synonyms(german)
    found = [set(table.get(each, ())) for each in roots]
    for size in range(2, _LONGEST_PHRASE + 1):
        for begin in range(len(roots) - size + 1):
            for number in table.get(" ".join(roots[begin : begin + size]), ()):
                for place in range(begin, begin + size):
                    found[place].add(number)
    return [frozenset(numbers) for numbers in found]
