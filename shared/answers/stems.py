"""Words and their stems, with one rule for English and German: to compare words, not to display them."""

import re
import unicodedata
from functools import lru_cache

WORD = re.compile(
    r"[\u4e00-\u9fff\u3005]+|[\u30a1-\u30ff]+|[\u3041-\u309f]+"
    r"|\d+(?:[.,:]\d+)*|[^\W\d_]+(?:[-'’][^\W\d_]+)*|[^\W_]+"
)
"""Japanese, which has no spaces, is read by its scripts: what stands in hiragana inflects or joins the other words."""

_INFLECTION = re.compile(r"[\u3041-\u309f]+")
_ENDINGS = ("ingly", "ments", "ment", "ings", "ing", "edly", "ies", "ied", "ers", "ed", "es", "ly",
            "ern", "en", "er", "em", "e", "s", "n")  # fmt: skip
_SHORTEST = 3
_COMPATIBLE = re.compile("[\ufb00-\ufb06\uff01-\uff5e\uff65-\uff9f\U0001d400-\U0001d6a5\U0001d7ce-\U0001d7ff]+")


def folded(text: str) -> str:
    """Composes letters and replaces ligatures, full-width and mathematical letters by plain ones; powers stay."""
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", text)
    return _COMPATIBLE.sub(lambda found: unicodedata.normalize("NFKC", found.group()), composed)


def is_inflection(word: str) -> bool:
    return _INFLECTION.fullmatch(word) is not None


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """Lower-cases a word and removes the commonest endings; digits stay as they are."""
    low = word.lower().replace("’", "'").removesuffix("'s").removesuffix("'")
    if low[:1].isdigit():
        return low.replace(",", "")
    for ending in _ENDINGS:
        if low.endswith(ending) and len(low) - len(ending) >= _SHORTEST:
            low = low[: -len(ending)]
            break
    if len(low) > _SHORTEST and low[-1] == low[-2] and low[-1] not in "ls":
        low = low[:-1]
    return low[:-1] + "i" if low.endswith("y") else low
