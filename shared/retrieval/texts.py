"""The texts of a passage that are indexed: for its vector and for its words."""

from shared.types.passage import Passage


def embedded_text(passage: Passage) -> str:
    """The text below its title and headings, which resolve "it" and "the device"."""
    return _joined(passage.context, passage.text)


def indexed_words(passage: Passage) -> str:
    """The text with its title and headings twice: their words are the topic of the whole passage."""
    return _joined(passage.context, passage.context, passage.text)


def _joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)
