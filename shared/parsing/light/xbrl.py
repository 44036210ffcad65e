"""Parses XBRL reports: facts with their value, unit and period; long texts as text."""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree
from msgspec import Struct

from shared.parsing.assembly import Assembly
from shared.parsing.document import ParsedDocument
from shared.parsing.light.html import read_into
from shared.parsing.limits import ParsingLimits
from shared.types.errors import Rejected

INSTANCE = "{http://www.xbrl.org/2003/instance}"
HEADER = ("Fact", "Value", "Unit", "Period", "About")
TITLE = ("Entity Registrant Name", "Document Type")
LONGEST_VALUE = 500
"""Characters; what is longer is a text and stands under its own heading."""

_DIMENSIONS = "{http://xbrl.org/2006/xbrldi}"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TAG = re.compile(r"<[a-zA-Z/][^>]{0,1000}>")


class Fact(Struct, frozen=True):
    label: str
    value: str
    unit: str
    period: str
    about: str


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    assembly = Assembly(limits)
    facts = list(_facts(_tree(content)))
    values = {fact.label: fact.value for fact in reversed(facts)}
    assembly.title = " ".join(values[label] for label in TITLE if label in values)
    if rows := [(fact.label, fact.value, fact.unit, fact.period, fact.about) for fact in facts if not _is_text(fact)]:
        assembly.table([HEADER, *rows])
    for fact in facts:
        if _is_text(fact):
            assembly.heading(2, fact.label)
            read_into(assembly, fact.value, limits)
    return assembly.finish()


def _tree(content: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise Rejected("corrupt", f"it is not valid XML: {str(error)[:200]}") from error


def _facts(report: Any) -> Iterator[Fact]:
    """Yields the facts in the report's order, those in groups too; no footnotes, no descriptions of other facts."""
    contexts = {each.get("id"): each for each in report.iter(f"{INSTANCE}context")}
    units: dict[str, str] = {}
    for each in report.iter(f"{INSTANCE}unit"):  # like `USD` or `USD / shares`
        units[each.get("id")] = " / ".join(measure.rpartition(":")[2] for measure in _texts(each, "measure"))
    for element in report.iter(etree.Element):
        context = contexts.get(element.get("contextRef"))
        value = "".join(element.itertext()).strip()
        if context is not None and value and element.get(_NIL) != "true":
            label, unit = _label(element.tag), units.get(element.get("unitRef"), "")
            period = " to ".join(_texts(context, "instant", "startDate", "endDate"))
            yield Fact(label, value, unit, period, ", ".join(_members(context)))


def _is_text(fact: Fact) -> bool:
    return len(fact.value) > LONGEST_VALUE or _TAG.search(fact.value) is not None


def _label(tag: str) -> str:
    """The words of a name like `NetIncomeLoss`."""
    name = tag.rpartition("}")[2]
    return " ".join(_WORDS.findall(name)) or name


def _texts(element: Any, *names: str) -> Iterator[str]:
    """The texts of the elements with these names inside, in the order of the names."""
    found = (element.iter(f"{INSTANCE}{name}") for name in names)
    return (str(each.text or "").strip() for elements in found for each in elements)


def _members(context: Any) -> Iterator[str]:
    """The parts of the whole that a fact is about: a segment, a product."""
    for member in context.iter(f"{_DIMENSIONS}explicitMember", f"{_DIMENSIONS}typedMember"):
        axis = str(member.get("dimension", "")).rpartition(":")[2].removesuffix("Axis")
        value = "".join(member.itertext()).strip().rpartition(":")[2].removesuffix("Member")
        yield f"{_label(axis)}: {_label(value)}"
