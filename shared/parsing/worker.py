"""The worker process: parses one document after the other until its standard input ends."""

import os
import resource
import signal
import sys
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from shared.parsing import messages
from shared.parsing.attachments import attachments_left_out
from shared.parsing.confinement import confine
from shared.parsing.dispatch import PARSERS, Refused, parse
from shared.parsing.engine import EngineFailed, use_engine
from shared.parsing.limits import MEMORY_EXIT, ParsingLimits
from shared.parsing.markdown import markdown_of
from shared.parsing.messages import (
    Broken,
    CropPicture,
    FindPictures,
    Hello,
    MarkdownWritten,
    Measured,
    MeasurePages,
    PageTextsRead,
    Parse,
    Parsed,
    ParseSlice,
    PicturesFound,
    Preload,
    ReadPageTexts,
    Ready,
    Rendered,
    RenderPage,
    Sliced,
    WorkerAnswer,
    WorkerJob,
    WorkerRefusal,
    WriteMarkdown,
    encode,
)
from shared.parsing.second_parsers import may_hide_text
from shared.parsing.time_limits import processor_seconds, time_limit
from shared.processes import frames
from shared.types.errors import Rejected


def main() -> None:
    orders, answers = _pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hello = messages.orders.decode(frames.read(orders) or b"")
    assert isinstance(hello, Hello)
    confine(hello.limits, hello.parent, has_bounded_addresses=hello.engine.model_bytes is None)
    use_engine(hello.engine)
    if not hello.engine.is_docling:
        sys.modules["torch"] = None  # type: ignore[assignment]  # libraries import it where it is, for nothing
    frames.write(answers, encode(Ready(_resident())))
    while message := frames.read(orders):
        order = messages.orders.decode(message)
        assert not isinstance(order, Hello)
        frames.write(answers, _preloaded(order) if isinstance(order, Preload) else _answer(order, orders, hello.limits))


def _preloaded(order: Preload) -> bytes:
    try:
        devices = import_module(PARSERS[order.parser]).preload()
    except (ImportError, OSError, MemoryError, EngineFailed) as error:
        return encode(Broken(f"{type(error).__name__}: {error}"))
    return encode(Ready(_resident(), devices))


def _answer(order: WorkerJob, orders: BinaryIO, limits: ParsingLimits) -> bytes:
    content = frames.read(orders) or b""
    spent = order.spent if isinstance(order, Parse | ParseSlice) else 0.0
    started = processor_seconds()

    def refusal(code: str, detail: str, *, is_final: bool = False) -> bytes:
        return encode(WorkerRefusal(code, detail, _resident(), is_final, processor_seconds() - started))

    try:
        is_whole = order.with_attachments if isinstance(order, Parse | ParseSlice) else True
        without = nullcontext() if is_whole else attachments_left_out("reading the attachments ended their parser")
        with time_limit(limits.seconds - spent), without:
            answer = _done(order, content, limits)
        return encode(answer)
    except Refused as rejected:
        return refusal(rejected.code, rejected.detail, is_final=True)
    except Rejected as rejected:
        return refusal(rejected.code, rejected.detail)
    except MemoryError:
        os._exit(MEMORY_EXIT)
    except RecursionError:
        return refusal("too-deep", "its elements are nested too deep")
    except (ImportError, PermissionError, EngineFailed) as error:
        return encode(Broken(f"{type(error).__name__}: {error}"))
    except Exception as error:  # noqa: BLE001 - whatever else a library raises over a document, the document is at fault
        return refusal("corrupt", f"its parser gave up ({type(error).__name__})")


def _done(order: WorkerJob, content: bytes, limits: ParsingLimits) -> WorkerAnswer:
    match order:
        case Parse(parser, media_type, filename, is_second=is_second):
            if is_second and may_hide_text(content):
                raise Refused("corrupt", "it may hide text, which only its own parser leaves out")
            return Parsed(parse(parser, media_type, filename, content, limits), _resident())
        case ParseSlice(media_type, first, last):
            from shared.parsing.paged.slices import parse_slice

            return Sliced(parse_slice(media_type, content, first, limits, last), _resident())
        case RenderPage(media_type, page, box):
            from shared.parsing.paged.page_image import render_page

            return Rendered(render_page(media_type, content, page, box, limits), _resident())
        case MeasurePages(media_type):
            from shared.parsing.paged.page_statistics import page_statistics

            return Measured(page_statistics(media_type, content, limits), _resident())
        case FindPictures(media_type, most):
            from shared.parsing import pictures

            return PicturesFound(pictures.find_pictures(media_type, content, most, limits), _resident())
        case ReadPageTexts(media_type):
            from shared.parsing.paged.page_texts import page_texts

            return PageTextsRead(page_texts(media_type, content, limits), _resident())
        case WriteMarkdown():
            return MarkdownWritten(markdown_of(content), _resident())
        case CropPicture(media_type, place):
            from shared.parsing import pictures

            return Rendered(pictures.crop_picture(media_type, content, place, limits), _resident())


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Takes over standard input and output: what a library prints must not be read as an answer."""
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return orders, answers


def _resident() -> int:
    """Returns the resident memory in bytes."""
    return int(Path("/proc/self/statm").read_bytes().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    main()
    sys.exit(0)
