"""Measures texts in tokens, in batches and with a cache."""

from collections.abc import Callable, Iterable

from shared.processes.cpu_threads import stop_if_left

CountTokens = Callable[[list[str]], list[int]]

CHARACTERS_A_TOKEN = 16
"""Models read a word beyond any dictionary as one token, however long. It counts as one for each so many characters."""


class Ruler:
    """Lengths in tokens. A text far above `longest` is not counted but estimated by its characters."""

    def __init__(self, count_tokens: CountTokens, longest: int) -> None:
        self._count_tokens = count_tokens
        self._longest = longest
        self._known: dict[str, int] = {}

    def learn(self, texts: Iterable[str]) -> None:
        """Counts texts in one call and caches their lengths."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known and not self._is_vast(text)]
        if new:
            self._known |= zip(new, map(max, self._count_tokens(new), map(_least, new)), strict=True)

    def length(self, text: str) -> int:
        stop_if_left()
        if self._is_vast(text):
            return _least(text)
        if text not in self._known:
            self.learn([text])
        return self._known[text]

    def _is_vast(self, text: str) -> bool:
        return _least(text) > self._longest


def _least(text: str) -> int:
    return -(-len(text) // CHARACTERS_A_TOKEN)
