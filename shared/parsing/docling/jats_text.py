"""Articles in JATS with all that Docling leaves out in places that it reads: paragraphs, lists and titles.

Docling reads text only in paragraphs, captions, cells and titles without elements in them; of equations it reads TeX.
"""

import re
from typing import Any

from lxml import etree

from shared.parsing.equations import mathml_text
from shared.parsing.raised import beside, raised
from shared.parsing.xml_entities import with_html_entities

_MATH = "{http://www.w3.org/1998/Math/MathML}math"
_TEX = re.compile(r"\\begin\{document\}(.*)\\end\{document\}", re.DOTALL)
_SECTIONS = ("app", "glossary", "notes", "bio")
_LINES = ("verse-line", "preformat", "code", "attrib", "speaker", "sig", "deflist-head", "term-head", "def-head")
_HOLDERS = frozenset({"supplementary-material", "media", "boxed-text", "statement", "app", "list", "def-list", "notes"})
_IN_ITEMS = frozenset({"p", "list", "label"})
_STYLES = (
    "italic",
    "bold",
    "sc",
    "roman",
    "sans-serif",
    "monospace",
    "underline",
    "overline",
    "strike",
    "styled-content",
)
"""Docling puts a space on both sides of such an element, inside of a word too."""

_DRAWN = frozenset({"graphic", "inline-graphic", "fig", "table-wrap", "xref", "fn", "ext-link"})


def readable(content: bytes) -> bytes:
    """Raises etree.XMLSyntaxError for what is no XML."""
    parser = etree.XMLParser(resolve_entities="internal", no_network=True, load_dtd=False, remove_comments=True)
    root = etree.fromstring(with_html_entities(content), parser)
    _equations_written(root)
    _scripts_written(root)
    etree.strip_tags(root, *_STYLES)
    _keywords_written(root)
    _titles_flat(root)
    _floats_moved(root)
    _terms_written(root)
    _lines_written(root)
    _feet_moved(root)
    _items_whole(root)
    _lists_apart(root)
    written: bytes = etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")
    return written


def _keywords_written(root: Any) -> None:
    """Puts the keywords before the text, where an article shows them."""
    body = root.find("body")
    for group in reversed(root.findall("front/article-meta/kwd-group")) if body is not None else ():
        title = " ".join("".join(group.xpath("title//text()")).split()).rstrip(":") or "Keywords"
        words = [_line(word) for word in group.iter("kwd", "compound-kwd")]
        if any(words):
            paragraph = etree.Element("p")
            paragraph.text = f"{title}: {', '.join(filter(None, words))}"
            body.insert(0, paragraph)


def _line(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def _equations_written(root: Any) -> None:
    for formula in list(root.iter("disp-formula", "inline-formula", "tex-math", _MATH)):
        if formula.getparent() is None or not any(above is root for above in formula.iterancestors()):
            continue
        text, is_apart = _equation(formula), formula.tag == "disp-formula"
        label = formula.find("label")
        if label is not None:
            text = f"{text} {''.join(label.itertext()).strip()}"
        if is_apart and next(formula.iterancestors("p", "td", "th", "title"), None) is None:
            line = etree.Element("p")
            line.text, line.tail = text, formula.tail
            formula.getparent().replace(formula, line)
        else:
            _written(formula, text, is_word=True)


def _equation(formula: Any) -> str:
    """In MathML where it is there, as that reads in a line, else in TeX, else the words in it."""
    math = formula if formula.tag == _MATH else next(formula.iter(_MATH), None)
    if math is not None and (text := mathml_text(math)):
        return text
    tex = formula if formula.tag == "tex-math" else next(formula.iter("tex-math"), None)
    if tex is None:
        words = (text for text in formula.itertext() if text is not getattr(formula.find("label"), "text", None))
        return " ".join("".join(words).split())
    found = _TEX.search(tex.text or "")
    return " ".join((found[1] if found else tex.text or "").strip().strip("$").split())


def _scripts_written(root: Any) -> None:
    for script in list(root.iter("sup", "sub")):
        if not any(inner.tag in _DRAWN for inner in script.iter()):
            _written(script, raised(_before(script), "".join(script.itertext()), script.tag))


def _before(element: Any) -> str:
    """The text that an element stands behind in its line."""
    while element is not None and element.tag not in {"p", "td", "th", "title"}:
        previous = element.getprevious()
        text = (element.getparent().text if previous is None else previous.tail or "".join(previous.itertext())) or ""
        if text or previous is not None:
            return text
        element = element.getparent()
        if element is None or element.getparent() is None:
            return ""
    return ""


def _written(element: Any, text: str, *, is_word: bool = False) -> None:
    """Writes a text in the place of an element; one that is a word of its own stays apart from those beside it."""
    parent, previous = element.getparent(), element.getprevious()
    tail = element.tail or ""
    text = beside(_before(element), text) + beside(text, tail) if is_word else text + tail
    parent.remove(element)
    if previous is not None:
        previous.tail = (previous.tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _titles_flat(root: Any) -> None:
    for title in root.iter("article-title", "subtitle"):
        if title.getparent().tag == "title-group":
            for note in title.findall("xref") + title.findall("fn"):
                _written(note, "")
            title.text = _line(title)
            for inner in list(title):
                title.remove(inner)
    for section in root.iter("sec", "app"):
        label, title = section.find("label"), section.find("title")
        if label is not None and title is not None:
            title.text = f"{''.join(label.itertext()).strip()} {title.text or ''}"
            section.remove(label)


def _floats_moved(root: Any) -> None:
    """Puts figures and tables that stand apart from the text behind it."""
    body = root.find("body")
    for group in root.findall("floats-group") if body is not None else ():
        body.extend(list(group))
        root.remove(group)
    for drawn in root.iter("fig", "table-wrap"):
        if drawn.find("caption") is None:
            etree.SubElement(etree.SubElement(drawn, "caption"), "p")
    for abstract in list(root.iter("trans-abstract")):
        abstract.tag = "abstract"


def _terms_written(root: Any) -> None:
    """Writes lists of definitions as lists of `term: definition`."""
    for listed in list(root.iter("def-list")):
        listed.tag = "list"
        for item in listed.findall("def-item"):
            item.tag = "list-item"
            words = [_line(part) for part in item.findall("*")]
            for part in list(item):
                item.remove(part)
            item.text = None
            etree.SubElement(item, "p").text = ": ".join(filter(None, words))


def _lines_written(root: Any) -> None:
    """Makes paragraphs of lines that are none, and sections of what has a title."""
    for element in list(root.iter(*_LINES)):
        if next(element.iterancestors("p"), None) is None:
            element.tag = "p"
    for title in list(root.iter("title", "label")):
        parent = title.getparent()
        is_caption = parent.tag == "caption" and parent.getparent().tag not in {"fig", "table-wrap"}
        if is_caption or (parent.tag in _HOLDERS and (parent.tag, title.tag) != ("app", "title")):
            title.tag = "p"
    for element in list(root.iter(*_SECTIONS)):
        if element.find("title") is not None:
            element.tag = "sec"


def _feet_moved(root: Any) -> None:
    """Puts the notes under a table behind it."""
    for foot in list(root.iter("table-wrap-foot")):
        holder = foot.getparent()
        texts = [each for each in foot.iter("p", "attrib") if next(each.iterancestors("p"), None) is None] or [foot]
        for each in reversed(texts):
            line = etree.Element("p")
            label = each.getprevious() if each is not foot else None
            mark = "".join(label.itertext()) if label is not None and label.tag == "label" else ""
            line.text = " ".join(f"{mark} {''.join(each.itertext())}".split())
            holder.addnext(line)
        holder.remove(foot)


def _items_whole(root: Any) -> None:
    """Makes paragraphs of what stands in a list's item beside them; tables and figures go behind the list."""
    for item in root.iter("list-item"):
        for part in list(item):
            if part.tag in _IN_ITEMS:
                continue
            if part.tag in {"fig", "table-wrap"}:
                outermost = list(item.iterancestors("list"))[-1]
                outermost.addnext(part)
            else:
                words = " ".join(" ".join(part.itertext()).split())
                for inner in list(part):
                    part.remove(inner)
                part.tag, part.text = "p", words


def _lists_apart(root: Any) -> None:
    """Puts each list into a paragraph: what follows one that stands alone, Docling takes for a part of it. Appendices
    behind the sources are lifted out of their group for the same reason."""
    for group in list(root.iter("app-group")):
        for part in reversed(group):
            group.addnext(part)
    for listed in list(root.iter("list")):
        if listed.getparent().tag not in {"p", "list-item", "list"}:
            holder = etree.Element("p")
            holder.tail, listed.tail = listed.tail, None
            listed.getparent().replace(listed, holder)
            holder.append(listed)
