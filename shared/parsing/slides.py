"""Pictures of presentations: where they stand on their slides, and each by itself."""

import posixpath
import zipfile
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import Any, NamedTuple

from shared.parsing.document import PicturePlace
from shared.parsing.guards import check
from shared.parsing.limits import ParsingLimits
from shared.types.passage import Box

PRESENTATION = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_MAIN = "ppt/presentation.xml"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_SLIDES = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_LINKS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_LEAST_SHARE = 0.015
_KINDS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
_WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


class _Picture(NamedTuple):
    place: PicturePlace
    part: str


def find_pictures(content: bytes, most: int, limits: ParsingLimits) -> tuple[PicturePlace, ...]:
    check(PRESENTATION, content, limits)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return tuple(picture.place for picture in islice(_pictures(archive), most))


def crop_picture(content: bytes, place: PicturePlace, limits: ParsingLimits) -> bytes | None:
    """A PNG; None where there is none, or one in a format of its own."""
    from PIL import Image, UnidentifiedImageError

    from shared.parsing.paged.page_pictures import png

    check(PRESENTATION, content, limits)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        part = next((picture.part for picture in _pictures(archive) if picture.place == place), None)
        if part is None:
            return None
        try:
            with Image.open(BytesIO(archive.read(part)), formats=_KINDS) as image:
                if image.width * image.height > limits.pixels:
                    return None
                return png(image.convert("RGB"), _WHOLE)
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, KeyError):
            return None


def _pictures(archive: zipfile.ZipFile) -> Iterator[_Picture]:
    main = _read(archive, _MAIN)
    size = main.find(f"{_SLIDES}sldSz")
    width, height = (int(size.get("cx")), int(size.get("cy"))) if size is not None else (9144000, 6858000)
    links = _linked(archive, _MAIN)
    for number, slide in enumerate(main.iter(f"{_SLIDES}sldId"), 1):
        part = links.get(slide.get(f"{_LINKS}id"), "")
        if part in archive.namelist():
            yield from _on_slide(archive, part, number, width, height)


def _on_slide(archive: zipfile.ZipFile, part: str, number: int, width: int, height: int) -> Iterator[_Picture]:
    links = _linked(archive, part)
    for picture in _read(archive, part).iter(f"{_SLIDES}pic"):
        blip, box = picture.find(f".//{_DRAWING}blip"), _box(picture, width, height)
        held = links.get(blip.get(f"{_LINKS}embed"), "") if blip is not None else ""
        if box and held in archive.namelist():
            yield _Picture(PicturePlace(number, box), held)


def _box(picture: Any, width: int, height: int) -> Box | None:
    """None for an ornament, and for what says not where it stands."""
    at, size = picture.find(f".//{_DRAWING}off"), picture.find(f".//{_DRAWING}ext[@cx]")
    if at is None or size is None:
        return None
    x, y, across, down = int(at.get("x")), int(at.get("y")), int(size.get("cx")), int(size.get("cy"))
    left, top, right, bottom = (
        round(min(max(share, 0.0), 1.0), 4)
        for share in (x / width, y / height, (x + across) / width, (y + down) / height)
    )
    return (left, top, right, bottom) if (right - left) * (bottom - top) >= _LEAST_SHARE else None


def _linked(archive: zipfile.ZipFile, part: str) -> dict[str | None, str]:
    """The parts that a part names, by the ids it has for them."""
    folder, name = posixpath.split(part)
    listed = f"{folder}/_rels/{name}.rels"
    if listed not in archive.namelist():
        return {}
    return {
        link.get("Id"): posixpath.normpath(posixpath.join(folder, link.get("Target", ""))).lstrip("/")
        for link in _read(archive, listed)
        if link.get("TargetMode") != "External"
    }


def _read(archive: zipfile.ZipFile, part: str) -> Any:
    from lxml import etree

    return etree.fromstring(archive.read(part), etree.XMLParser(resolve_entities=False, no_network=True))
