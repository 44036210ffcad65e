"""Finds and crops the pictures of formats in which their page and place are known."""

from shared.parsing import slides
from shared.parsing.document import PicturePlace
from shared.parsing.limits import ParsingLimits
from shared.parsing.paged import page_pictures


def find_pictures(media_type: str, content: bytes, most: int, limits: ParsingLimits) -> tuple[PicturePlace, ...]:
    if media_type == slides.PRESENTATION:
        return slides.find_pictures(content, most, limits)
    return page_pictures.find_pictures(media_type, content, most, limits)


def crop_picture(media_type: str, content: bytes, place: PicturePlace, limits: ParsingLimits) -> bytes | None:
    """Returns a PNG; None where the picture cannot be converted."""
    if media_type == slides.PRESENTATION:
        return slides.crop_picture(content, place, limits)
    return page_pictures.crop_picture(media_type, content, place, limits)
