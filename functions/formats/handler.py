"""Lists the supported formats, with the parser and route of each."""

from msgspec import Struct

from shared.formats.router import FormatRouter, ListedFormat


class ListFormats(Struct, frozen=True):
    pass


class Formats(Struct, frozen=True):
    items: list[ListedFormat]


async def handle(request: ListFormats, router: FormatRouter) -> Formats:
    return Formats(router.formats())
