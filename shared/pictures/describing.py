"""Adds descriptions of a document's pictures to its text. They are optional: a document is parsed without them too."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from events.document import DocumentStored
from shared.estimation.affording import units_microusd
from shared.parsing.document import Block, ParsedDocument, PicturePlace
from shared.parsing.pool import ParserPool
from shared.pictures.describer import PLACED, READ_LETTERS, Describer, Description
from shared.stages.stages import StageWork
from shared.types.errors import AegisError, Rejected
from shared.types.payer import Payer

MARK = "Picture: "
"""What a description begins with, for whoever reads it as a quote."""


class Described(Struct, frozen=True):
    """Descriptions of pictures; `is_whole` is false where another delivery has to continue."""

    blocks: tuple[Block, ...] = ()
    cost_microusd: int = 0
    is_whole: bool = True


class _Found(Struct, frozen=True):
    place: PicturePlace
    description: Description

    @property
    def block(self) -> Block:
        return Block("paragraph", MARK + self.description.text, page=self.place.page, box=self.place.box)


class Describing(Struct, frozen=True):
    """Describes the pictures of one document. `original` is read only where there is something to describe."""

    event: DocumentStored
    work: StageWork
    parsers: ParserPool
    describer: Describer

    @property
    def is_on(self) -> bool:
        return self.describer.most > 0 and self.event.media_type in PLACED

    async def of(self, blocks: Sequence[Block], pages: int) -> Described:
        """Describes the pictures whose text is not in `blocks`."""
        if not self.is_on:
            return Described()
        original = await self.work.read(self.event.original)
        others = units_microusd(self.event, self.work, blocks, pages)
        found: list[_Found] = []
        made, is_whole = 0, True
        for number, place in await self._places(blocks, original):
            if stored := await self._paid.part(str(number)):
                found.append(msgspec.msgpack.decode(stored, type=_Found))
                continue
            if self.work.is_late and made:
                is_whole = False
                break
            description = await self._describe(place, others, original)
            if description is None:
                break
            made += 1
            found.append(_Found(place, description))
            await self._paid.write_part(str(number), msgspec.msgpack.encode(found[-1]))
        cost = sum(one.description.cost_microusd for one in found)
        return Described(tuple(one.block for one in found if one.description.text), cost, is_whole)

    @property
    def _paid(self) -> StageWork:
        """Stores what was paid for apart from the stage's other parts: it survives when those are dropped, so that no
        crash and no repetition of the stage pays for it again."""
        return replace(self.work, key=f"{self.work.key}-pictures")

    async def _places(self, blocks: Sequence[Block], original: bytes) -> list[tuple[int, PicturePlace]]:
        """Returns the pictures with their number in the file, without those of pages whose text was read."""
        try:
            places = await self.parsers.find_pictures(self.event.media_type, original, self.describer.most)
        except AegisError:  # what was read of the document counts without them
            return []
        letters = Counter[int | None]()
        for block in blocks:
            letters[block.page] += len(block.text)
        return [
            (number, place)
            for number, place in enumerate(places)
            if not place.is_page or letters[place.page] < READ_LETTERS
        ]

    async def _describe(self, place: PicturePlace, others: int, original: bytes) -> Description | None:
        """Describes a picture; None where pictures cannot be described at the moment. `others` is what the document may
        cost for its units, in micro-dollars."""
        try:
            picture = await self.parsers.crop_picture(self.event.media_type, original, place)
        except AegisError:
            picture = None
        if picture is None:
            return Description("")
        about = self.work.origin
        record = await self.work.records.document(about.document_id)  # its class as it is now
        if record is None or record.generation != about.generation:
            return None
        most = record.max_cost_microusd
        payer = Payer(
            tenant_id=about.tenant_id,
            key_id=record.uploader if record.uploader.startswith("key_") else "",
            request_id=about.request_id,
            function="parse",
            document_id=about.document_id,
            document_cap_microusd=None if most is None else max(0, most - others),
        )
        return await self.describer.describe(picture, record.classification, payer)


def with_descriptions(read: Callable[[], ParsedDocument], described: Described) -> ParsedDocument:
    """Adds the descriptions to the document. Raises Rejected where it has neither text nor descriptions."""
    try:
        document = read()
    except Rejected as rejected:
        if rejected.code != "empty" or not described.blocks:
            raise
        pages = max(block.page or 1 for block in described.blocks)
        return ParsedDocument(described.blocks, pages=pages)
    return replace(document, blocks=placed_among(document.blocks, described.blocks)) if described.blocks else document


def placed_among(blocks: Sequence[Block], described: Sequence[Block]) -> tuple[Block, ...]:
    """Returns the blocks with each description after the blocks of its page."""
    left = {page: list(those) for page, those in groupby(described, key=lambda block: block.page)}
    return tuple(_woven(blocks, left))


def _woven(blocks: Sequence[Block], left: dict[int | None, list[Block]]) -> Iterator[Block]:
    for page, those in groupby(blocks, key=lambda block: block.page):
        for earlier in sorted(one for one in left if one and page and one < page):
            yield from left.pop(earlier)
        yield from those
        yield from left.pop(page, [])
    for rest in left.values():
        yield from rest
