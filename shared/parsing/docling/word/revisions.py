"""Tracked changes as if all were accepted, and wrappers that say nothing to a reader taken off."""

from typing import Any

from shared.parsing.docling.word.names import W14, W, attribute, text_of, text_run, unwrap

_DELETED = (f"{W}del", f"{W}moveFrom")
_WRAPPERS = (f"{W}ins", f"{W}moveTo", f"{W}smartTag", f"{W}customXml", f"{W}fldSimple", f"{W}bdo", f"{W}dir")
_BLOCKS = (f"{W}p", f"{W}tbl", f"{W}sectPr")
_TEXTS = (f"{W}t", f"{W}delText")


def settle(tree: Any) -> int:
    """Accepts all changes and takes off content controls; returns how many deleted words were taken out."""
    deleted = 0
    for part in [*tree.iter(f"{W}tr"), *tree.iter(f"{W}tc")]:
        is_deleted = part.find(f"{W}trPr/{W}del") is not None or part.find(f"{W}tcPr/{W}cellDel") is not None
        if is_deleted and any(holder is tree for holder in part.iterancestors()):
            deleted += _words(part)
            _take_out(part)
    for element in list(tree.iter(*_DELETED)):
        if element.getparent() is None or element.getparent().tag in {f"{W}rPr", f"{W}trPr"}:
            continue
        deleted += _words(element)
        element.getparent().remove(element)
    for element in list(tree.iter(*_WRAPPERS)):
        if element.getparent() is not None and element.getparent().tag not in {f"{W}rPr", f"{W}trPr", f"{W}tcPr"}:
            for properties in element.findall(f"{W}smartTagPr") + element.findall(f"{W}customXmlPr"):
                element.remove(properties)
            unwrap(element)
    _controls_taken_off(tree)
    _paragraphs_joined(tree)
    return deleted


def _take_out(part: Any) -> None:
    """Takes out a row or a cell, and the row or the table that has nothing else."""
    holder = part.getparent()
    if holder is None:
        return
    holder.remove(part)
    if holder.tag in {f"{W}tr", f"{W}tbl"} and holder.find(part.tag) is None:
        _take_out(holder)


def deleted_notes(tree: Any) -> set[tuple[str, str]]:
    """The kinds and numbers of footnotes and endnotes whose references are deleted."""
    deleted = set()
    for kind in ("footnote", "endnote"):
        for reference in tree.iter(f"{W}{kind}Reference"):
            if next(reference.iterancestors(*_DELETED), None) is not None:
                deleted.add((kind, attribute(reference, "id")))
    return deleted


def _paragraphs_joined(tree: Any) -> None:
    """Puts a paragraph whose mark is deleted or moved away at the beginning of the next one."""
    for element in list(tree.iter(f"{W}p")):
        properties = element.find(f"{W}pPr")
        mark = None if properties is None else properties.find(f"{W}rPr")
        if mark is None or all(mark.find(name) is None for name in _DELETED):
            continue
        following = next(element.itersiblings(*_BLOCKS), None)
        if following is None or following.tag != f"{W}p" or properties.find(f"{W}sectPr") is not None:
            continue
        place = 0 if following.find(f"{W}pPr") is None else 1
        for child in [child for child in element if child is not properties]:
            following.insert(place, child)
            place += 1
        element.getparent().remove(element)


def _controls_taken_off(tree: Any) -> None:
    """Puts the content of content controls in their place, the state of a checkbox as [x] or [ ]."""
    for control in reversed(list(tree.iter(f"{W}sdt"))):
        content = control.find(f"{W}sdtContent")
        if content is None:
            control.getparent().remove(control)
            continue
        box = control.find(f"{W}sdtPr/{W14}checkbox")
        if box is not None:
            checked = box.find(f"{W14}checked")
            state = "" if checked is None else checked.get(f"{W14}val", attribute(checked))
            _write_state(content, state in {"1", "true", "on"})
        control.getparent().replace(control, content)
        unwrap(content)


def _write_state(content: Any, checked: bool) -> None:
    runs = list(content.iter(f"{W}r"))
    if not runs:
        return
    state = text_run("[x]" if checked else "[ ]")
    runs[0].addprevious(state)
    for run in runs:
        if not any(letter.isalnum() for letter in text_of(run)):
            run.getparent().remove(run)


def _words(element: Any) -> int:
    """The words of an element; deleted text has a name of its own."""
    return len("".join(each.text or "" for each in element.iter(*_TEXTS)).split())
