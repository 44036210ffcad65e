"""File names in the `Content-Disposition` of a form's part, in the encodings that clients use."""

import re
from urllib.parse import unquote_to_bytes

_PARAMETER = re.compile(r""";\s*+([^\s=;"]++)\s*+=\s*+("(?:[^"\\]|\\.)*+"|[^;]*+)""")
_CHARSETS = frozenset({"utf-8", "utf8", "iso-8859-1", "us-ascii"})
"""Those that RFC 8187 names, under the names that clients give them."""


def extended_filename(disposition: str) -> str | None:
    """The value of `filename*` (RFC 6266, RFC 8187), which is preferred to `filename`; None where there is none, or
    where it cannot be decoded."""
    for name, value in _PARAMETER.findall(disposition):
        if name.lower() == "filename*":
            charset, _, rest = value.strip().strip('"').partition("'")
            encoded = rest.partition("'")[2]
            if charset.lower() not in _CHARSETS:
                return None
            try:
                return unquote_to_bytes(encoded).decode(charset) or None
            except UnicodeDecodeError:
                return None
    return None


def decoded_words(name: str) -> str:
    """A name in encoded words (RFC 2047), as .NET sends it; any other name as it is."""
    if not (name.startswith("=?") and name.endswith("?=")):
        return name
    from email.errors import HeaderParseError
    from email.header import decode_header, make_header

    try:
        return str(make_header(decode_header(name)))
    except (HeaderParseError, LookupError, UnicodeDecodeError):
        return name
