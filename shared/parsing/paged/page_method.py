"""Chooses how a page is parsed: from its text layer alone, with layout analysis, or by OCR."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from shared.parsing.paged.text_blocks import TextPage, rows_of_runs
from shared.parsing.paged.text_layer import TextRun

PageMethod = Literal["blank", "plain", "layout", "ocr"]

FEWEST_LETTERS = 100
"""A page with less text than this and pictures on more than `SCANNED` of it is a scan."""

SCANNED = 0.4

MOST_PICTURES = 0.03
"""Share of the page; above it there are captions to be separated from the text."""

_WIDE_GAP = 1.8
_MARK = re.compile(r"[^\w\s]|\(?(?:\d{1,3}|\w|[ivx]{1,4})(?:\.\d{1,3}){0,4}[.):]?")
"""The mark before a list's item or a heading."""


def page_method(page: TextPage) -> PageMethod:
    if not page.runs:
        return "ocr" if page.has_content else "blank"
    if _is_garbled(page.runs) or (page.letters < FEWEST_LETTERS and page.pictures > SCANNED):
        return "ocr"
    return "layout" if _is_laid_out(page) else "plain"


def _is_garbled(runs: Sequence[TextRun]) -> bool:
    """Whether many letters have no Unicode mapping in the file."""
    text = "".join(run.text for run in runs)
    unknown = sum(letter == "\ufffd" or "\ue000" <= letter <= "\uf8ff" or letter < " " for letter in text)
    return unknown > 0.3 * len(text)


def _is_laid_out(page: TextPage) -> bool:
    """Whether the page has columns, tables, pictures, or rotated text."""
    if page.pictures > MOST_PICTURES or not all(run.upright for run in page.runs):
        return True
    rows = rows_of_runs(page.runs)
    most = max(1.0, 0.06 * len(rows))
    # Rows of which one ends left of where the other begins are in different columns.
    apart = sum(
        upper[-1].box[2] < lower[0].box[0] or lower[-1].box[2] < upper[0].box[0] for upper, lower in pairwise(rows)
    )
    return sum(map(_is_split, rows)) > most or apart > 1 + most


def _is_split(row: list[TextRun]) -> bool:
    """Whether runs stand far apart on one line; the mark of a list's item does not count."""
    if len(row) == 2 and _MARK.fullmatch(row[0].text):
        return False
    return any(other.box[0] - one.box[2] > _WIDE_GAP * max(one.size, other.size) for one, other in pairwise(row))
