"""Equations of Office (OMML) and of MathML as a line of text."""

import re
from typing import Any

_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_LEFT_OUT = frozenset({"annotation", "annotation-xml", "mphantom"})
_INVISIBLE = re.compile("[\u2061-\u2064\u200b]")
"""Operators of MathML that are not seen."""


def omml_text(equation: Any) -> str:
    """`a/b`, `x^2`, `x_i`, `sqrt(x)`, `sum_(i=1)^n x_i`: what a reader types who asks for it."""
    return " ".join(_office(equation).split())


def mathml_text(equation: Any) -> str:
    return " ".join(_markup(equation).split())


def _name(element: Any) -> str:
    """Returns the tag without its namespace; empty for a comment or an instruction."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _office(element: Any) -> str:
    name = _name(element)
    if name == "t":
        return str(element.text or "")
    if name.endswith("Pr"):
        return ""

    def part(child: str) -> str:
        found = element.find(f"{_M}{child}")
        return "" if found is None else _all(found)

    match name:
        case "f":
            return f" {_group(part('num'))}/{_group(part('den'))} "
        case "sSup":
            return f"{part('e')}^{_group(part('sup'))}"
        case "sSub":
            return f"{part('e')}_{_group(part('sub'))}"
        case "sSubSup":
            return f"{part('e')}_{_group(part('sub'))}^{_group(part('sup'))}"
        case "sPre":
            return f"_{_group(part('sub'))}^{_group(part('sup'))}{part('e')}"
        case "rad":
            degree = part("deg").strip()
            return f"root({degree}, {part('e')})" if degree else f"sqrt({part('e')})"
        case "nary":
            return f"{_sign(element)}{_mark('_', part('sub'))}{_mark('^', part('sup'))} {part('e')} "
        case "limLow":
            return f"{part('e')}_{_group(part('lim'))} "
        case "limUpp":
            return f"{part('e')}^{_group(part('lim'))} "
        case "func":
            return f"{part('fName')} {part('e')}"
        case "d":
            return _delimited(element)
        case "m":
            rows = (", ".join(map(_all, row.findall(f"{_M}e"))) for row in element.findall(f"{_M}mr"))
            return f"[{'; '.join(rows)}]"
        case "eqArr":
            return "; ".join(map(_all, element.findall(f"{_M}e")))
        case _:
            return _all(element)


def _all(element: Any) -> str:
    return "".join(map(_office, element))


def _value(element: Any, path: str, default: str) -> str:
    found = element.find("/".join(f"{_M}{name}" for name in path.split("/")))
    return default if found is None else str(found.get(f"{_M}val", ""))


def _sign(element: Any) -> str:
    sign = _value(element, "naryPr/chr", "∫")
    return {"∑": "sum", "∏": "product"}.get(sign, sign)


def _delimited(element: Any) -> str:
    begin, end = _value(element, "dPr/begChr", "("), _value(element, "dPr/endChr", ")")
    between = _value(element, "dPr/sepChr", "|")
    return begin + between.join(map(_all, element.findall(f"{_M}e"))) + end


def _mark(mark: str, text: str) -> str:
    return f"{mark}{_group(text)}" if text.strip() else ""


def _group(text: str) -> str:
    """In brackets where it is more than one word."""
    text = text.strip()
    return text if text.replace(".", "").replace(",", "").isalnum() or len(text) < 2 else f"({text})"


def _markup(element: Any) -> str:
    name = _name(element)
    if not name or name in _LEFT_OUT:
        return ""
    children = [child for child in element if isinstance(child.tag, str)]
    parts = [_markup(child) for child in children]
    if not children:
        text = _INVISIBLE.sub("", str(element.text or "")).strip()
        return " " if name == "mspace" else f" {text} " if name in {"mo", "mtext"} and len(text) > 1 else text
    match name:
        case "mfrac" if len(parts) == 2:
            return f" {_group(parts[0])}/{_group(parts[1])} "
        case "msup" | "mover" if len(parts) == 2:
            return f"{parts[0]}^{_group(parts[1])}"
        case "msub" | "munder" if len(parts) == 2:
            return f"{parts[0]}_{_group(parts[1])}"
        case "msubsup" | "munderover" if len(parts) == 3:
            return f"{parts[0]}_{_group(parts[1])}^{_group(parts[2])} "
        case "msqrt":
            return f"sqrt({_side_by_side(parts)})"
        case "mroot" if len(parts) == 2:
            return f"root({parts[1]}, {parts[0]})"
        case "mmultiscripts":
            return _with_scripts(list(map(_name, children)), parts)
        case "mfenced":
            return _fenced(element, parts)
        case "mtr" | "mlabeledtr":
            return ", ".join(parts)
        case "mtable":
            return f"[{'; '.join(parts)}]"
        case "maction":
            return parts[0]
        case _:
            return _side_by_side(parts)


def _side_by_side(parts: list[str]) -> str:
    """Two numbers beside each other stay two."""
    text = ""
    for part in parts:
        text += f" {part}" if text[-1:].isdigit() and part[:1].isdigit() else part
    return text


def _with_scripts(names: list[str], parts: list[str]) -> str:
    """A base with pairs of an index and a power, first those behind it, then those before it."""
    before = names.index("mprescripts") if "mprescripts" in names else len(names)

    def scripts(begin: int, end: int) -> str:
        marks = zip("_^" * len(parts), parts[begin:end], strict=False)
        return "".join(_mark(mark, part) for mark, part in marks)

    return f"{scripts(before + 1, len(parts))}{parts[0]}{scripts(1, before)}"


def _fenced(element: Any, parts: list[str]) -> str:
    separator = (element.get("separators", ",").strip() or " ")[0]
    return f"{element.get('open', '(')}{f'{separator} '.join(parts)}{element.get('close', ')')}"
