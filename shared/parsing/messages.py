"""Messages between a pool of parsers and its workers, as MessagePack in frames of `shared.processes`."""

import msgspec
from msgspec import Struct

from shared.parsing.document import PageStatistics, ParsedDocument, PicturePlace, Slice
from shared.parsing.engine import BUILTIN, PdfEngine
from shared.parsing.limits import ParsingLimits
from shared.types.passage import Box


class Hello(Struct, frozen=True, tag=True):
    """The pool's first message: the limits of every document, and the engine that reads pages."""

    limits: ParsingLimits
    parent: int
    engine: PdfEngine = BUILTIN


class Parse(Struct, frozen=True, tag=True):
    """A document to parse; its bytes follow in a frame of their own. Where it `is_second`, other parsers have failed on
    it, with `spent` seconds of processor time. Without attachments, these are only named."""

    parser: str
    media_type: str
    filename: str
    spent: float = 0.0
    is_second: bool = False
    with_attachments: bool = True


class Preload(Struct, frozen=True, tag=True):
    """Loads a parser with its models before the first document; the answer is `Ready`."""

    parser: str


class ParseSlice(Struct, frozen=True, tag=True):
    """Pages to parse, from `first` up to `last` where that is given. The document's other slices took `spent` seconds
    of processor time."""

    media_type: str
    first: int
    last: int | None = None
    spent: float = 0.0
    with_attachments: bool = True
    parser: str = "paged"


class RenderPage(Struct, frozen=True, tag=True):
    """A page to render as an image, with `box` highlighted where there is one."""

    media_type: str
    page: int
    box: Box | None
    parser: str = "drawing"


class MeasurePages(Struct, frozen=True, tag=True):
    """A document of which only `PageStatistics` are needed."""

    media_type: str
    parser: str = "drawing"


class FindPictures(Struct, frozen=True, tag=True):
    """A document in which the first `most` pictures are to be found."""

    media_type: str
    most: int
    parser: str = "drawing"


class CropPicture(Struct, frozen=True, tag=True):
    """A picture to be cut out of its page."""

    media_type: str
    place: PicturePlace
    parser: str = "drawing"


class ReadPageTexts(Struct, frozen=True, tag=True):
    """A document with pages of which only their letters are needed."""

    media_type: str
    parser: str = "drawing"


class WriteMarkdown(Struct, frozen=True, tag=True):
    """A parsed document, in JSON, to be written as Markdown."""

    parser: str = "drawing"


class Ready(Struct, frozen=True, tag=True):
    """A worker's first message, once it is confined, and its answer to `Preload`. `memory` is what it has resident, in
    bytes; `devices` says where the models that it has loaded compute."""

    memory: int
    devices: str = ""


class Parsed(Struct, frozen=True, tag=True):
    document: ParsedDocument
    memory: int


class Sliced(Struct, frozen=True, tag=True):
    slice: Slice
    memory: int


class Rendered(Struct, frozen=True, tag=True):
    """A PNG; None where the document has no such page."""

    image: bytes | None
    memory: int


class MarkdownWritten(Struct, frozen=True, tag=True):
    """The text in UTF-8."""

    text: bytes
    memory: int


class PageTextsRead(Struct, frozen=True, tag=True):
    """The letters and digits of each page, without spaces."""

    texts: tuple[str, ...]
    memory: int


class PicturesFound(Struct, frozen=True, tag=True):
    places: tuple[PicturePlace, ...]
    memory: int


class Measured(Struct, frozen=True, tag=True):
    statistics: PageStatistics
    memory: int


class WorkerRefusal(Struct, frozen=True, tag=True):
    """The document is at fault. `is_final`: a guard has refused it, before any parser; `seconds` is the processor time
    that was spent."""

    code: str
    detail: str
    memory: int
    is_final: bool = False
    seconds: float = 0.0


class Broken(Struct, frozen=True, tag=True):
    """The worker is at fault: a library is missing, for example."""

    detail: str


WorkerJob = Parse | ParseSlice | RenderPage | MeasurePages | FindPictures | CropPicture | ReadPageTexts | WriteMarkdown
WorkerAnswer = (
    Ready
    | Parsed
    | Sliced
    | Rendered
    | MarkdownWritten
    | PicturesFound
    | PageTextsRead
    | Measured
    | WorkerRefusal
    | Broken
)

encode = msgspec.msgpack.Encoder().encode
orders: msgspec.msgpack.Decoder[Hello | Preload | WorkerJob] = msgspec.msgpack.Decoder(Hello | Preload | WorkerJob)
answers: msgspec.msgpack.Decoder[WorkerAnswer] = msgspec.msgpack.Decoder(WorkerAnswer)
