"""The pictures that stand in documents, where it is known at what place of what page."""

from shared.parsing import slides
from shared.parsing.document import PicturePlace
from shared.parsing.limits import ParsingLimits
from shared.parsing.paged import placed


def find(media_type: str, content: bytes, most: int, limits: ParsingLimits) -> tuple[PicturePlace, ...]:
    if media_type == slides.PRESENTATION:
        return slides.find(content, most, limits)
    return placed.find(media_type, content, most, limits)


def crop(media_type: str, content: bytes, place: PicturePlace, limits: ParsingLimits) -> bytes | None:
    """A PNG; None where the picture cannot be shown."""
    if media_type == slides.PRESENTATION:
        return slides.crop(content, place, limits)
    return placed.crop(media_type, content, place, limits)
