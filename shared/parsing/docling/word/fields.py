"""Fields of a Word document whose values are its own, not the text's."""

from typing import Any

from shared.parsing.docling.word.names import W, attribute

_PAGE_FIELDS = frozenset({"PAGE", "NUMPAGES", "SECTIONPAGES", "SECTION", "PAGEREF"})


def without_page_numbers(tree: Any) -> None:
    """Empties the fields that number pages. A number that somebody has typed stays."""
    for field in tree.iter(f"{W}fldSimple"):
        if _is_page_field(attribute(field, "instr")):
            for text in field.iter(f"{W}t"):
                text.text = ""
    for sign in list(tree.iter(f"{W}pgNum")):
        sign.getparent().remove(sign)
    opened: list[list[str]] = []  # the code of each field that is open, and whether its result has begun
    for part in tree.iter(f"{W}fldChar", f"{W}instrText", f"{W}t"):
        if part.tag == f"{W}t":
            if any(len(field) > 1 and _is_page_field(field[0]) for field in opened):
                part.text = ""
        elif part.tag == f"{W}instrText":
            if opened:
                opened[-1][0] += part.text or ""
        elif (kind := attribute(part, "fldCharType")) == "begin":
            opened.append([""])
        elif kind == "separate" and opened:
            opened[-1].append("")
        elif kind == "end" and opened:
            opened.pop()


def _is_page_field(code: str) -> bool:
    return "".join(code.split()[:1]).upper() in _PAGE_FIELDS
