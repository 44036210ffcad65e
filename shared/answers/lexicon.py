"""The word lists in `words/`, read once."""

from functools import cache

from shared.answers.stems import stem
from shared.language.wordlists import read_lines, read_words


@cache
def words(name: str) -> frozenset[str]:
    return read_words("shared.answers", name)


@cache
def meanings() -> dict[str, frozenset[int]]:
    """Maps a stem, or the stems of a phrase with a space between, to the numbers of its meanings."""
    return _lines_by_stem("meanings")


@cache
def column_groups() -> dict[str, frozenset[int]]:
    """Maps a stem to the numbers of the lines of `words/columns.txt` that have it."""
    return _lines_by_stem("columns")


def _lines_by_stem(name: str) -> dict[str, frozenset[int]]:
    table: dict[str, set[int]] = {}
    for number, line in enumerate(read_lines("shared.answers", name)):
        for entry in line.split():
            key = " ".join(stem(word) for word in entry.split("_"))
            table.setdefault(key, set()).add(number)
    return {key: frozenset(numbers) for key, numbers in table.items()}


@cache
def opposites() -> dict[str, frozenset[str]]:
    """Maps a stem to the stems of its antonyms."""
    table: dict[str, set[str]] = {}
    for line in read_lines("shared.answers", "opposites"):
        one, other = (stem(word) for word in line.split())
        table.setdefault(one, set()).add(other)
        table.setdefault(other, set()).add(one)
    return {root: frozenset(others) for root, others in table.items()}
