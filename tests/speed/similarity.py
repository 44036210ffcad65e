"""The similarity of two Markdown texts, by their words and by the order of these."""

import html
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

_WORD = re.compile(r"\w+")
_COMMENT = re.compile(r"<!-- beside the text -->.*?<!-- end -->|<!--.*?-->", re.DOTALL)
"""What stands beside the text, reviews of an article for example, is in no ground truth."""


def words(markdown: str) -> list[str]:
    """In small letters, without Markdown's escapes, entities and comments."""
    return _WORD.findall(html.unescape(_COMMENT.sub(" ", markdown.replace("\\", ""))).lower())


def same_words(found: Sequence[str], true: Sequence[str]) -> float:
    """F1 of the words, each counted as often as it stands there."""
    return _f1(found, true)


def same_order(found: Sequence[str], true: Sequence[str]) -> float:
    """F1 of the pairs of neighbours."""
    return _f1(list(pairwise(found)), list(pairwise(true)))


def _f1(found: Iterable[object], true: Iterable[object]) -> float:
    ours, theirs = Counter(found), Counter(true)
    if not ours or not theirs:
        return float(ours == theirs)
    return 2 * (ours & theirs).total() / (ours.total() + theirs.total())
