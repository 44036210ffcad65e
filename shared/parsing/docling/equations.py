"""Equations of Office (OMML) and of MathML as a line of text."""

from typing import Any

_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_LEFT_OUT = frozenset({"annotation", "annotation-xml"})


def omml_text(equation: Any) -> str:
    """`a/b`, `x^2`, `x_i`, `sqrt(x)`, `sum_(i=1)^n x_i`: what a reader types who asks for it."""
    return " ".join(_office(equation).split())


def mathml_text(equation: Any) -> str:
    return " ".join(_markup(equation).split())


def _office(element: Any) -> str:
    name = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
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
    name = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
    if not name or name in _LEFT_OUT:
        return ""
    children = [child for child in element if isinstance(child.tag, str)]
    parts = [_markup(child) for child in children]
    if not children:
        text = str(element.text or "").strip()
        return f" {text} " if name in {"mo", "mtext"} and len(text) > 1 else text
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
            return f"sqrt({''.join(parts)})"
        case "mroot" if len(parts) == 2:
            return f"root({parts[1]}, {parts[0]})"
        case "mtr" | "mlabeledtr":
            return ", ".join(parts)
        case "mtable":
            return f"[{'; '.join(parts)}]"
        case _:
            return "".join(parts)
