"""Recognises lines of headers and footers that say only on which page they stand."""

import re

_PAGE_NUMBER = re.compile(r"[\W_]*+(?:page|seite|p\.|s\.)?[\W_]*+\d*+[\W_]*+(?:(?:of|von)[\W_]*+\d*+)?[\W_]*+")


def is_page_number(line: str) -> bool:
    """Whether a line says only on which page it stands."""
    return _PAGE_NUMBER.fullmatch(line.casefold()) is not None
