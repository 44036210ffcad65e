"""The formats that we take: one row each."""

import re
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

Route = Literal["cpu", "gpu"]


class Format(Struct, frozen=True):
    """`looks` recognises the format in the beginning of a text.

    With `overrules` its word stands against any name; with `required` a name alone is not believed.
    """

    extension: str
    media_type: str
    parser: str = "light"
    route: Route = "cpu"
    looks: Callable[[str], bool] | None = None
    overrules: bool = False
    required: bool = False

    def is_seen_in(self, text: str) -> bool:
        return self.looks is not None and self.looks(text)


_HTML = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,4000}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_JSON = re.compile(
    r"""\s*(?:\{\s*(?:\}|"(?:[^"\\\n]|\\.){0,4000}"\s*:)
          |\[\s*(?:[\[{"]|\]\s*$|(?:-?\d[\d.eE+-]{0,40}|true|false|null)\s*(?:,|\]\s*$)))""",
    re.VERBOSE,
)


def is_html(text: str) -> bool:
    return _HTML.match(text) is not None


def is_json(text: str) -> bool:
    return _JSON.match(text) is not None


FORMATS = (
    Format("md", "text/markdown"),
    Format("txt", "text/plain"),
    Format("html", "text/html", looks=is_html, overrules=True),
    Format("htm", "text/html"),
    Format("csv", "text/csv"),
    Format("json", "application/json", looks=is_json, required=True),
)

PLAIN = next(row for row in FORMATS if row.extension == "txt")
