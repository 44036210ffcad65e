"""Tells which formats are taken, and where each goes."""

from msgspec import Struct

from shared.formats.router import FormatRouter, ListedFormat


class ListFormats(Struct, frozen=True):
    pass


class Formats(Struct, frozen=True):
    items: list[ListedFormat]


async def handle(request: ListFormats, router: FormatRouter) -> Formats:
    return Formats(router.formats())
