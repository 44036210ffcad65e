"""Files that a document carries, read as parts of it: attachments of mails, files embedded in other documents.

They share one allowance, however deep they lie in each other. What is not read is named in the text.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from typing import NamedTuple

from msgspec.structs import replace

from shared.formats.router import FormatRouter, Routed
from shared.parsing.assembly import Assembly
from shared.parsing.dispatch import PARSERS, parse
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import MIB, ParsingLimits
from shared.parsing.second_parsers import RETRIED, may_hide_text, parsers_for
from shared.parsing.time_limits import interrupted_after, processor_seconds
from shared.types.errors import AegisError, Rejected

MOST_FILES = 200
MOST_BYTES = 256 * MIB
DEEPEST = 4
"""Files inside of files inside of files."""

SHARE_OF_TIME = 0.5
"""Of the processor time that a document may take."""

_CARRIERS = frozenset({"message/rfc822", "application/mbox", "application/vnd.ms-outlook"})
_MARKS = (b"/EmbeddedFile", b"/embeddings/")
"""What a PDF or an office document that carries files holds in plain bytes."""


def may_carry_files(media_type: str, content: bytes) -> bool:
    return media_type in _CARRIERS or any(mark in content for mark in _MARKS)


class Attachment(NamedTuple):
    """`media_type` is what the document says of it, which need not be true."""

    name: str
    content: bytes
    media_type: str = ""


class _Allowance:
    """What may still be read of a document's attachments; nothing where there is a reason to leave them out."""

    def __init__(self, seconds: float, refusal: str = "") -> None:
        self.refusal = refusal
        self.files = MOST_FILES
        self.bytes = MOST_BYTES
        self.depth = 0
        self.seconds = seconds
        self.seen: dict[bytes, str] = {}


_allowance: ContextVar[_Allowance | None] = ContextVar("allowance", default=None)


@contextmanager
def attachments_left_out(reason: str) -> Iterator[None]:
    """Reads no attachment inside the body; each is named with the reason."""
    token = _allowance.set(_Allowance(0.0, reason))
    try:
        yield
    finally:
        _allowance.reset(token)


def write_attachments(
    assembly: Assembly, attachments: Iterable[Attachment], limits: ParsingLimits, level: int = 2
) -> None:
    """Adds each file below its name as a heading of a `level`, and at the end which ones were not read, and why."""
    with _allowed(limits) as allowance:
        files = list(attachments)
        unread = []
        for attachment in files:
            try:
                document = _read(attachment, allowance, replace(limits, expanded_bytes=assembly.bytes_left))
            except AegisError as error:
                unread.append(f"{attachment.name}: {getattr(error, 'detail', '') or error}")
                continue
            assembly.heading(level, attachment.name)
            assembly.include(document, level)
        if unread:
            assembly.paragraph("\n".join([f"Not read: {len(unread)} of {len(files)} attachments", *unread]))


@contextmanager
def _allowed(limits: ParsingLimits) -> Iterator[_Allowance]:
    """The allowance of the document at hand, one file deeper."""
    outer = _allowance.get()
    allowance = outer or _Allowance(SHARE_OF_TIME * limits.seconds)
    token = _allowance.set(allowance)
    allowance.depth += 1
    try:
        yield allowance
    finally:
        allowance.depth -= 1
        _allowance.reset(token)


def _read(attachment: Attachment, allowance: _Allowance, limits: ParsingLimits) -> ParsedDocument:
    """Raises AegisError with the reason why it is not read."""
    if allowance.refusal:
        raise Rejected("corrupt", allowance.refusal)
    if allowance.depth > DEEPEST:
        raise Rejected("too-deep", f"it lies more than {DEEPEST} files deep")
    allowance.files -= 1
    allowance.bytes -= len(attachment.content)
    if allowance.files < 0 or allowance.bytes < 0 or limits.expanded_bytes <= 0:
        raise Rejected("too-large-expanded", "there is more attached than is read")
    digest = sha256(attachment.content).digest()
    if digest in allowance.seen:
        raise Rejected("empty", f"it is the same file as {allowance.seen[digest]}")
    allowance.seen[digest] = attachment.name
    started = processor_seconds()
    try:
        with interrupted_after(allowance.seconds if allowance.depth == 1 else 0.0):
            return _parsed(_routed(attachment), attachment, limits)
    finally:
        if allowance.depth == 1:
            allowance.seconds = max(allowance.seconds - (processor_seconds() - started), 0.001)


def _routed(attachment: Attachment) -> Routed:
    """Text is read as text whatever its name ends in."""
    content, router = attachment.content, FormatRouter()
    try:
        return router.route(attachment.name, attachment.media_type, content, len(content))
    except AegisError:
        return router.route("", attachment.media_type, content, len(content))


def _parsed(routed: Routed, attachment: Attachment, limits: ParsingLimits) -> ParsedDocument:
    first: Rejected | None = None
    for parser in parsers_for(routed.parser, routed.media_type, has_office=False):
        if parser not in PARSERS:
            raise Rejected("needs-libreoffice", "only LibreOffice reads it, which reads no attachments")
        if first and may_hide_text(attachment.content):
            break
        try:
            return parse(parser, routed.media_type, attachment.name, attachment.content, limits)
        except Rejected as rejected:
            first = first or rejected
            if rejected.code not in RETRIED:
                raise
        except RecursionError:
            first = first or Rejected("too-deep", "its elements are nested too deep")
        except MemoryError:
            raise Rejected("memory-limit", "reading it needs too much memory") from None
        except (ImportError, PermissionError):
            raise Rejected("unsupported-format", "its parser is not installed here") from None
        except Exception as error:  # noqa: BLE001 - whatever a library raises over a file, the file is at fault
            first = first or Rejected("corrupt", f"its parser gave up ({type(error).__name__})")
    raise first or Rejected("unsupported-format", "there is no parser for it")
