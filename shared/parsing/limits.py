"""The limits of parsing one document."""

from collections.abc import Mapping

from msgspec import Struct

MIB = 1024 * 1024
GIB = 1024 * MIB

SLICE_PAGES = 20
"""Most pages of a slice, and the most that a crash repeats."""

MEMORY_EXIT = 88
"""Exit status of a worker that ran out of memory: it may have none left to send a message."""


class ParsingLimits(Struct, frozen=True):
    """Bounds of one parse, and of the process that it runs in.

    `seconds` bounds the processor time of a document, all its slices together, `memory_bytes` the address space of a
    worker, `expanded_bytes` the UTF-8 of a document's text, `depth` the nesting of its elements, `page_seconds` the
    processor time of one page whose text is there to be read (`ocr_seconds` one that is a picture), `pixels` a picture.
    A worker is replaced after `documents` documents or `worker_pages` pages read in slices, or when it has grown by
    `growth_bytes`, which leaves room for the models that it loads.
    """

    seconds: float = 600.0
    memory_bytes: int = 2048 * MIB
    page_seconds: float = 30.0
    max_pages: int = 2000
    pixels: int = 80_000_000
    depth: int = 256
    expanded_bytes: int = 64 * MIB
    documents: int = 200
    growth_bytes: int = 1024 * MIB
    worker_pages: int = 2000

    @property
    def ocr_seconds(self) -> float:
        return 3 * self.page_seconds

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "ParsingLimits":
        """Reads AEGIS_PARSE_SECONDS, AEGIS_PARSE_SECONDS_PER_PAGE, AEGIS_PARSE_MEMORY_BYTES and AEGIS_PARSE_MAX_PAGES.

        Raises ValueError with the variable's name for anything but a whole number above 0.
        """
        return cls(
            seconds=_positive(environ, "AEGIS_PARSE_SECONDS", 600),
            page_seconds=_positive(environ, "AEGIS_PARSE_SECONDS_PER_PAGE", 30),
            memory_bytes=_positive(environ, "AEGIS_PARSE_MEMORY_BYTES", 2048 * MIB),
            max_pages=_positive(environ, "AEGIS_PARSE_MAX_PAGES", 2000),
        )


def _positive(environ: Mapping[str, str], name: str, default: int) -> int:
    raw = environ.get(name, "").strip()
    if not raw:
        return default
    if not (raw.isascii() and raw.isdigit()) or int(raw) == 0:
        raise ValueError(f"{name} must be a whole number above 0, not {raw[:40]!r}")
    return int(raw)
