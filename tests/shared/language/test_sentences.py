"""Sentences of long texts."""

from typing import SupportsIndex

from shared.language.sentences import sentence_spans


class _Counted(str):
    """Counts the characters that are copied out of it."""

    copied = 0

    def __getitem__(self, place: "SupportsIndex | slice") -> str:
        found = super().__getitem__(place)
        self.copied += len(found)
        return found


def test_a_long_text_is_not_copied_for_each_of_its_sentences() -> None:
    text = _Counted("Sentence 3 of a long text. " * 500)
    assert len(list(sentence_spans(text, 0, len(text)))) == 500
    assert text.copied < 10 * len(text)
