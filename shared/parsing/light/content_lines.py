"""Content lines of iCalendar and vCard: folded, with parameters, with escaped text."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_FOLD = re.compile(r"\n[ \t]")
_PARAMETER = re.compile(r';([\w-]+)(?:=("[^"]*"|[^";:]*))?')
_NAME = re.compile(r"(?:[\w-]+\.)?([\w-]+)")
_ESCAPED = re.compile(r"\\([nN,;:\\])")


class ContentLine(NamedTuple):
    """`parameters` by their names in capitals; those without a value, of vCard 2.1, have their name as `TYPE`."""

    name: str
    parameters: dict[str, str]
    value: str


def content_lines(text: str) -> Iterator[ContentLine]:
    for line in _FOLD.sub("", text).split("\n"):
        found = _NAME.match(line)
        place = found.end() if found else 0
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(line, place):
            name, value = parameter[1].upper(), (parameter[2] or "").strip('"')
            name, value = ("TYPE", name) if parameter[2] is None else (name, value)
            parameters[name] = ",".join(filter(None, (parameters.get(name), value)))
            place = parameter.end()
        if found and line[place : place + 1] == ":":
            yield ContentLine(found[1].upper(), parameters, line[place + 1 :])


def unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda escaped: "\n" if escaped[1] in "nN" else escaped[1], value).strip()
