"""What of a passage is searched: by meaning and by words. Used wherever passages are indexed."""

from shared.types.passage import Passage


def embedded_text(passage: Passage) -> str:
    """The text under its title and headings, which say what "it" and "the device" are."""
    return _joined(passage.context, passage.text)


def indexed_words(passage: Passage) -> str:
    """The title and headings count twice: a word in them says what all of the passage is about."""
    return _joined(passage.context, passage.context, passage.text)


def _joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)
