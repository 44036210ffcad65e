"""Parses JSON into text: one paragraph for each object, one `path: value` line for each member."""

import json
import re
from collections.abc import Iterator
from typing import Any

from shared.parsing.assembly import Assembly, too_deep
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.types.errors import Rejected

TITLES = ("title", "name")
"""Members of the outermost object that may name the document."""

_HTML_NAME = re.compile(r"(?:html|rendered)$", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>")

_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)
"""Numbers stay as they are written: nothing is rounded, no number is too long."""


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    values = list(_values(decode(content), limits))
    assembly = Assembly(limits)
    if len(values) == 1:
        named = values[0] if isinstance(values[0], dict) else {}
        titles = (named.get(name) for name in TITLES)
        assembly.title = next((title for title in titles if isinstance(title, str) and title.strip()), "")
        _write(assembly, limits, values[0])
    else:
        _write(assembly, limits, values)
    return assembly.finish()


def _values(text: str, limits: ParsingLimits) -> Iterator[Any]:
    """Yields one value, or each value of JSON lines."""
    place, end = _skip(text, 0), len(text)
    try:
        while place < end:
            value, place = _DECODER.raw_decode(text, place)
            yield value
            place = _skip(text, place)
    except RecursionError:
        raise too_deep(limits) from None
    except json.JSONDecodeError as error:
        raise Rejected("corrupt", f"it is not valid JSON: {error.msg} in line {error.lineno}") from error


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\n\r":
        place += 1
    return place


def _write(assembly: Assembly, limits: ParsingLimits, outermost: Any) -> None:
    """Writes a value in the order of the document; nested values wait on a stack instead of recursion."""
    waiting: list[tuple[str, Any, int]] = [("", outermost, 1)]
    while waiting:
        path, value, depth = waiting.pop()
        if depth > limits.depth:
            raise too_deep(limits)
        if path and _is_markup(path, value):
            from shared.parsing.light import html

            html.read_into(assembly, value, limits)
            continue
        lines, nested = _opened(path, value)
        assembly.paragraph("\n".join(lines))
        waiting.extend((name, inner, depth + 1) for name, inner in reversed(nested))


def _opened(path: str, value: Any) -> tuple[list[str], list[tuple[str, Any]]]:
    """Returns the lines of an object's or array's plain members, and its nested members."""
    lines: list[str] = []
    nested: list[tuple[str, Any]] = []
    for name, member in _members(path, value):
        if _is_nested(member) or _is_markup(name, member):
            nested.append((name, member))
        else:
            lines.append(f"{name}: {_value_text(member)}" if name else _value_text(member))
    return lines, nested


def _members(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        return ((f"{path}.{name}" if path else name, member) for name, member in value.items())
    if isinstance(value, list) and _is_nested(value):
        return ((f"{path}[{place}]", member) for place, member in enumerate(value))
    return iter([(path, value)])


def _is_nested(value: Any) -> bool:
    """Whether a value has objects or arrays inside; a list of plain values is written on one line."""
    if isinstance(value, list):
        return any(isinstance(member, dict | list) for member in value)
    return isinstance(value, dict)


def _is_markup(name: str, value: Any) -> bool:
    """Whether a member holds a part of a web page: `content_html` of a JSON Feed, for example."""
    return isinstance(value, str) and _HTML_NAME.search(name) is not None and _TAG.search(value) is not None


def _value_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_value_text, value))
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return str(value)
