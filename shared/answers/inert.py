"""Makes the text of an answer inert: nothing in it is loaded by a client that renders it as Markdown or HTML.

A picture, a tag or a link preview sends a request without a click, and with it whatever stands in the address. The
words and addresses stay readable: an address becomes a code span, a tag gets brackets that open none, a link or picture
loses the punctuation that makes it one. Quotes of citations are not touched: they stand literally in their passages.
"""

import html
import re
import unicodedata

_BLANK_CONTROLS = "\r\t\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029"
_INVISIBLE_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_DROPPED_CATEGORIES = ("Cc", "Cf", "Co", "Cs")
_VARIATION_SELECTORS = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
"""They select a glyph, and a sequence of them can carry hidden text."""

_ENTITY = re.compile(r"&(?:amp;|#0*38;|#x0*26;)*+(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,24});?")
_STRUCTURAL = frozenset("<>![](){}`:/\\&~")
"""Characters that Markdown or HTML give a meaning; encoded as entities they are read as themselves."""

_TAG = re.compile(r"<(?=[A-Za-z/!?])([^<>]*+)>")
_OPEN_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_PICTURE = re.compile(r"(?<!!)!++(?=\\?\[)")
_LINK_END = re.compile(r"\](?=[(\[:{])")
_ATTRIBUTES = re.compile(r"\{(?=:|[^{}\n]*=)")
_DIRECTIVE = re.compile(r"(?:(?<=\n)|\A)([ \t]*+)\.\.[ \t]++(?=\S+::)")
_TEX = re.compile(
    r"(?<!\\)\\++(?=(?:include(?:graphics|svg|pdf)?|input|import|href|url|hyperref|html\w*|cssId|class|style|require"
    r"|movie|animategraphics)\b)"
)
_FENCE = re.compile(r"~{3,}+")
_UNPAIRED_CODE = re.compile(r"``|\\`")
_ADDRESS = re.compile(
    r"""(?:(?<![A-Za-z0-9+.-])[A-Za-z0-9+.-]++://|(?<![/\w])(?<!\w:)//(?=[\w-]+\.)|(?<![A-Za-z0-9])www\.(?=\w)"""
    r"""|(?<![A-Za-z0-9])(?:https?|ftp|javascript|vbscript|data|file|blob):(?=\S)"""
    r"""|\b(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}/)[^\s<>"'`‹›\[\]]*""",
    re.IGNORECASE,
)
_ESCAPED_CODE = re.compile(r"(?<!\\)\\++(?=`)")
_AFTER_ADDRESS = ".,;:!?)*_"


def visible(text: str) -> str:
    """The text without control characters, marks of direction and characters of no width. Each character is judged
    alone; tabs and other blanks become spaces, line feeds stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character == "\n":
        return character
    if character in _BLANK_CONTROLS:
        return " "
    if character in _INVISIBLE_LETTERS or unicodedata.category(character) in _DROPPED_CATEGORIES:
        return ""
    code = ord(character)
    return "" if any(first <= code <= last for first, last in _VARIATION_SELECTORS) else character


def decoded(text: str) -> str:
    """The text with those entities decoded that stand for a character with a meaning in Markdown or HTML."""
    return _ENTITY.sub(_decoded, text) if "&" in text else text


def _decoded(entity: re.Match[str]) -> str:
    character = html.unescape(f"&{entity[1]};")
    return character if character in _STRUCTURAL else entity[0]


def inert(text: str) -> str:
    """The text as it may be rendered: nothing in it makes a client load an address by itself."""
    text = _FENCE.sub("", decoded(visible(text)))
    addressed = _ADDRESS.search(text) is not None
    if addressed or _UNPAIRED_CODE.search(text) or text.count("`") % 2:
        text = text.replace("`", "")
    # What is dropped may join what it stood between, so tags, links and attributes come after it.
    text = _PICTURE.sub("", _TEX.sub("", text))
    text = _OPEN_TAG.sub("‹", _TAG.sub(r"‹\1›", text))
    text = _ATTRIBUTES.sub("(", _LINK_END.sub("] ", text))
    text = _DIRECTIVE.sub(r"\1", text)
    return _ESCAPED_CODE.sub("", _ADDRESS.sub(_as_code, text))


def _as_code(address: re.Match[str]) -> str:
    written = address[0].rstrip(_AFTER_ADDRESS)
    return f"`{written}`{address[0][len(written) :]}"
