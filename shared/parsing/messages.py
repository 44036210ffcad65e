"""Messages between a pool of parsers and its workers, as MessagePack in frames of `shared.processes`."""

import msgspec
from msgspec import Struct

from shared.parsing.document import Look, ParsedDocument, PicturePlace, Slice
from shared.parsing.limits import ParsingLimits
from shared.types.passage import Box


class Hello(Struct, frozen=True, tag=True):
    """First from the pool: the limits of every document to come."""

    limits: ParsingLimits
    parent: int


class Parse(Struct, frozen=True, tag=True):
    """A document to parse; its bytes follow in a frame of their own."""

    parser: str
    media_type: str
    filename: str


class Preload(Struct, frozen=True, tag=True):
    """A parser to make ready, its models among it, before there is a document; the answer is `Ready`."""

    parser: str


class ParseSlice(Struct, frozen=True, tag=True):
    """Pages to parse, from `first` on, up to `last` where that is said."""

    media_type: str
    first: int
    last: int | None = None
    parser: str = "paged"


class Draw(Struct, frozen=True, tag=True):
    """A page to show as a picture, with `box` drawn where there is one."""

    media_type: str
    page: int
    box: Box | None
    parser: str = "drawing"


class LookAt(Struct, frozen=True, tag=True):
    """A document of which only the extent is asked for."""

    media_type: str
    parser: str = "drawing"


class FindPictures(Struct, frozen=True, tag=True):
    """A document of which the places of its first `most` pictures are asked for."""

    media_type: str
    most: int
    parser: str = "drawing"


class Crop(Struct, frozen=True, tag=True):
    """A picture of a document, to be shown by itself."""

    media_type: str
    place: PicturePlace
    parser: str = "drawing"


class Ready(Struct, frozen=True, tag=True):
    """First from a worker, once it is confined. Memory is what it has resident, in bytes."""

    memory: int


class Parsed(Struct, frozen=True, tag=True):
    document: ParsedDocument
    memory: int


class Sliced(Struct, frozen=True, tag=True):
    slice: Slice
    memory: int


class Drawn(Struct, frozen=True, tag=True):
    """A PNG; none where the document has no such page."""

    picture: bytes | None
    memory: int


class Placed(Struct, frozen=True, tag=True):
    places: tuple[PicturePlace, ...]
    memory: int


class Looked(Struct, frozen=True, tag=True):
    look: Look
    memory: int


class WorkerRefusal(Struct, frozen=True, tag=True):
    """The document is at fault."""

    code: str
    detail: str
    memory: int


class Broken(Struct, frozen=True, tag=True):
    """We are: a library is missing, say."""

    detail: str


WorkerJob = Parse | ParseSlice | Draw | LookAt | FindPictures | Crop
WorkerAnswer = Ready | Parsed | Sliced | Drawn | Placed | Looked | WorkerRefusal | Broken

encode = msgspec.msgpack.Encoder().encode
orders: msgspec.msgpack.Decoder[Hello | Preload | WorkerJob] = msgspec.msgpack.Decoder(Hello | Preload | WorkerJob)
answers: msgspec.msgpack.Decoder[WorkerAnswer] = msgspec.msgpack.Decoder(WorkerAnswer)
