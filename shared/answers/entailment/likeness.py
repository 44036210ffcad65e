"""How alike two words are: the same, of one meaning, spelled alike, or one denies the other."""

import re

from shared.answers.entailment.reading import Word
from shared.answers.entailment.roots import root

SAME = 1.0
SENSE = 0.9
ALIKE = 0.8
_PART = 0.6
_LONG_ENOUGH = 4
_NAME_ENDINGS = (
    "",
    "s",
    "es",
    "n",
    "en",
    "er",
    "ern",
    "an",
    "ean",
    "ian",
    "ish",
    "isch",
    "ische",
    "ischen",
    "ischer",
    "al",
)


def denies(one: str, other: str, german: bool) -> bool:
    """Whether one of two words is the other one with a prefix or ending that denies it: "unchanged", "fearless"."""
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < _LONG_ENOUGH or len(longer) - len(shorter) > _LONGEST_DENIAL:
        return False
    if longer.startswith("un") and not longer.startswith(_UN_AS_LETTERS):
        rest = longer.removeprefix("un")
        return root(rest, german) == root(shorter, german) or (german and rest == f"ver{shorter}")
    return longer.startswith(shorter) and _JOINT.sub("", longer[len(shorter) :]) in _ENDINGS_THAT_DENY


_LONGEST_DENIAL = 8
_JOINT = re.compile(r"^(?:en|es|s|n|e)(?=frei|los)")
_ENDINGS_THAT_DENY = frozenset(
    ["less", "los", "lose", "losen", "loser", "loses", "frei", "freie", "freien", "freies", "freier"]
)
_UN_AS_LETTERS = (
    "unter", "under", "until", "unit", "univers", "unif", "uniq", "union", "uncle", "ungarn", "unfall", "unternehm",
    "unwetter", "unless", "unkosten", "unmeng",
)  # fmt: skip


def likeness(word: Word, other: Word, german: bool) -> float:
    """1 for the same word, less for one of the same meaning or nearly the same letters."""
    if word.root == other.root and (not word.name or _same_name(word.low, other.low)):
        return SAME
    if word.name and any(letter.isdigit() for letter in word.text):
        return SAME if word.low == other.low else 0.0
    if word.senses & other.senses and other.content:
        return SENSE
    if word.name and word.text[0].isupper() and not german:
        return ALIKE if other.text[0].isupper() and _same_name(word.low, other.low) else 0.0
    if not other.content:
        return 0.0
    return _spelled(word.root, other.root, german)


def _same_name(one: str, other: str) -> bool:
    """With no more than an inflection between them: "Europe" and "European"."""
    shorter, longer = sorted((one.removesuffix("'s"), other.removesuffix("'s")), key=len)
    if shorter == longer:
        return True
    base = shorter[:-1] if shorter.endswith("e") else shorter
    return longer.startswith(base) and longer[len(base) :] in _NAME_ENDINGS[: None if len(base) > 4 else 5]


def _spelled(one: str, other: str, german: bool) -> float:
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < _LONG_ENOUGH or longer[0].isdigit():
        return 0.0
    if longer.startswith(shorter[: max(5, round(0.7 * len(longer)))]):
        return ALIKE
    if not german:
        return 0.0
    if longer.endswith(shorter):
        return ALIKE
    return _PART if longer.startswith(shorter) else 0.0
