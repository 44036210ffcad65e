"""Which pages of a document are parsed, and which are missing."""

from collections.abc import Mapping

from msgspec import Struct

from shared.parsing.limits import SLICE_PAGES


class PageRange(Struct, frozen=True, order=True):
    """Consecutive pages, both ends among them, counted from 1."""

    first: int
    until: int

    def __len__(self) -> int:
        return self.until - self.first + 1


OPENING = PageRange(1, 0)
"""The first slice of a document whose number of pages is unknown; its end is open."""


class Parts(Struct, frozen=True):
    """The slices of a document that are stored, each with the name of its part.

    `pages` is the document's number of pages, None until a slice was read; `seconds` is the processor time of reading
    them; `is_refused` says that one of them showed the document to be at fault.
    """

    stored: Mapping[PageRange, str] = {}
    pages: int | None = None
    seconds: float = 0.0
    is_refused: bool = False

    def chain(self) -> list[PageRange]:
        """Returns stored slices from the first page on, each beginning where the one before ends."""
        return self._walk()[0]

    def missing(self) -> list[PageRange]:
        """Returns the slices to be parsed; only the first one while the number of pages is unknown."""
        return self._walk(over_gaps=True)[1] if self.pages else [OPENING]

    def beginning_at(self, page: int) -> PageRange | None:
        """The longest stored slice that does."""
        return max((one for one in self.stored if one.first == page), default=None)

    def _walk(self, over_gaps: bool = False) -> tuple[list[PageRange], list[PageRange]]:
        longest = {one.first: one for one in sorted(self.stored)}
        found: list[PageRange] = []
        gaps: list[PageRange] = []
        page, pages = 1, self.pages or 0
        while page <= pages:
            if page in longest:
                found.append(longest[page])
            elif over_gaps:
                end_of_slice = (page - 1) // SLICE_PAGES * SLICE_PAGES + SLICE_PAGES
                before_next = (one.first - 1 for one in self.stored if one.first > page)
                gaps.append(PageRange(page, min(end_of_slice, pages, *before_next)))
            else:
                break
            page = max(found[-1:] + gaps[-1:], key=lambda one: one.until).until + 1
        return found, gaps
