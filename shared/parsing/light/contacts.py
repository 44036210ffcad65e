"""vCard: a heading for each contact and a line for each thing that is known of it."""

import quopri
import re
from collections.abc import Iterator

from shared.parsing.assembly import Assembly
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.light.content_lines import ContentLine, content_lines, unescaped
from shared.parsing.limits import ParsingLimits
from shared.types.errors import Rejected

_LABELS = {"TEL": "Phone", "EMAIL": "Mail", "ADR": "Address", "LABEL": "Address", "ORG": "Organization"}
_LABELS |= {"TITLE": "Title", "ROLE": "Role", "URL": "Link", "BDAY": "Birthday", "ANNIVERSARY": "Anniversary"}
_LABELS |= {"NICKNAME": "Nickname", "CATEGORIES": "Categories", "NOTE": "Note", "IMPP": "Messenger"}
_LABELS |= {"X-SKYPE": "Skype", "RELATED": "Related", "MEMBER": "Member", "LANG": "Language", "TZ": "Time zone"}
_LABELS |= {"GENDER": "Gender", "GEO": "Place", "X-ABRELATEDNAMES": "Related", "X-SOCIALPROFILE": "Profile"}
_KINDS_OF_ALL = frozenset(
    {"PREF", "INTERNET", "VOICE", "QUOTED-PRINTABLE", "CHARSET", "UTF-8", "POSTAL", "PARCEL", "DOM"}
)
_PARTS = re.compile(r"(?<!\\);")
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)")


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    assembly = Assembly(limits)
    names: list[str] = []
    lines: list[str] = []
    structured = ""
    for line in content_lines("\n".join(_whole_lines(decode(content)))):
        value = _value(line)
        if line.name == "BEGIN":
            names, lines, structured = [], [], ""
        elif line.name == "END":
            assembly.heading(1, (names or [structured])[0])
            assembly.paragraph("\n".join([*(f"Name: {name}" for name in names[1:]), *lines]))
        elif line.name == "FN":
            names.append(" ".join(value.split()))
        elif line.name == "N":
            family, given, *rest = (*_parts(value), "", "")[:5]
            structured = " ".join(filter(None, (*rest[1:2], given, *rest[:1], family, *rest[2:])))
        elif line.name in _LABELS and value.strip():
            lines.append(f"{_label(line)}: {_visible(line.name, value)}")
    return assembly.finish()


def _whole_lines(text: str) -> Iterator[str]:
    """Joins what quoted-printable has divided: vCard 2.1 folds such lines in no other way."""
    held = ""
    for line in text.split("\n"):
        held += line
        if held.endswith("=") and "QUOTED-PRINTABLE" in held.partition(":")[0].upper():
            held = held[:-1]
        else:
            yield held
            held = ""
    yield held


def _value(line: ContentLine) -> str:
    """The value; one of vCard 2.1 may be in quoted-printable, in a character set that it names."""
    encoding = f"{line.parameters.get('ENCODING', '')},{line.parameters.get('TYPE', '')}".upper()
    if "QUOTED-PRINTABLE" not in encoding:
        return line.value
    try:
        return decode(quopri.decodestring(line.value.encode()), line.parameters.get("CHARSET"))
    except Rejected:
        return line.value


def _label(line: ContentLine) -> str:
    kinds = [kind.strip() for kind in line.parameters.get("TYPE", "").split(",")]
    named = dict.fromkeys(kind.lower() for kind in kinds if kind and kind.upper() not in _KINDS_OF_ALL)
    return f"{_LABELS[line.name]} ({', '.join(named)})" if named else _LABELS[line.name]


def _visible(name: str, value: str) -> str:
    if name in {"ADR", "ORG", "GENDER"}:
        return ", ".join(" ".join(part.split()) for part in _parts(value) if part.strip())
    if name in {"BDAY", "ANNIVERSARY"} and (found := _DATE.fullmatch(value.strip())):
        return "-".join(found.groups())
    text = " ".join(unescaped(value).split("\n"))
    return text.removeprefix("tel:").removeprefix("mailto:") if name in {"TEL", "EMAIL"} else text


def _parts(value: str) -> list[str]:
    return [unescaped(part) for part in _PARTS.split(value)]
