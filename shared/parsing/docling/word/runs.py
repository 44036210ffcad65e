"""Runs of text as plain text: ruby, symbols, form fields, drop caps, words torn by their formatting."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from shared.parsing.docling.symbols import in_font, symbol
from shared.parsing.docling.word.names import M, W, attribute, child_value, is_on, text_of, text_run, unwrap
from shared.parsing.equations import omml_text
from shared.parsing.raised import ScriptPosition, marked

_LOOKS = tuple(f"{W}{name}" for name in ("b", "bCs", "i", "iCs", "u", "strike", "dstrike", "rStyle"))
_HEX = 16
_SCRIPTS: dict[str, ScriptPosition] = {"superscript": "sup", "subscript": "sub"}


def ruby_written(tree: Any) -> None:
    """Writes a word with ruby as the word, its reading in brackets behind it."""
    for ruby in list(tree.iter(f"{W}ruby")):
        run = ruby.getparent()
        base, reading = (ruby.find(f"{W}{name}") for name in ("rubyBase", "rt"))
        words = "" if base is None else text_of(base)
        reading_text = "" if reading is None else text_of(reading).strip()
        run.replace(ruby, text_run(f"{words}（{reading_text}）" if reading_text else words)[0])


def symbols_written(tree: Any) -> None:
    """Writes characters of symbol fonts as the characters that they show."""
    for sign in list(tree.iter(f"{W}sym")):
        code = attribute(sign, "char")
        view = symbol(attribute(sign, "font"), int(code, _HEX)) if _is_hexadecimal(code) else ""
        sign.getparent().replace(sign, text_run(view)[0])
    for fonts in tree.iter(f"{W}rFonts"):
        run = fonts.getparent().getparent()
        if run is not None and run.tag == f"{W}r":
            for part in run.iterchildren(f"{W}t"):
                part.text = in_font(attribute(fonts, "ascii"), part.text or "")


def equations_written(tree: Any) -> None:
    """Writes equations in the line of text in which they stand."""
    for equation in list(tree.iter(f"{M}oMath")):
        equation.getparent().replace(equation, text_run(f" {omml_text(equation)} "))
    for holder in list(tree.iter(f"{M}oMathPara")):
        for properties in holder.findall(f"{M}oMathParaPr"):
            holder.remove(properties)
        unwrap(holder)


def _is_hexadecimal(code: str) -> bool:
    return 0 < len(code) <= 4 and all(letter in "0123456789abcdefABCDEF" for letter in code)


def form_fields_written(tree: Any) -> None:
    """Writes the state of form fields: a checkbox as [x] or [ ], a list as the entry that is chosen."""
    for field in list(tree.iter(f"{W}ffData")):
        run = field.getparent().getparent()
        box, choices = field.find(f"{W}checkBox"), field.find(f"{W}ddList")
        if box is not None:
            state = box.find(f"{W}checked")
            checked = is_on(state if state is not None else box.find(f"{W}default"))
            texts = (text_of(each) for each in run.itersiblings())
            following = next(filter(None, texts), "")
            run.addprevious(text_run(("[x]" if checked else "[ ]") + ("" if following[:1].isspace() else " ")))
        elif choices is not None:
            entries = [attribute(entry) for entry in choices.findall(f"{W}listEntry")]
            chosen = child_value(choices, "result") or child_value(choices, "default") or "0"
            if chosen.isascii() and chosen.isdigit() and int(chosen) < len(entries):
                run.addprevious(text_run(entries[int(chosen)]))


def powers_written(tree: Any, properties_of: Callable[[Any], list[Any]]) -> None:
    """Writes powers and indices into their line. `properties_of` finds the properties of a run and of its styles."""
    raised = (run for run in tree.iter(f"{W}r") if _script(run, properties_of))
    for holder in {each for run in raised for each in islice(run.iterancestors(f"{W}p"), 1)}:
        own = (run for run in holder.iter(f"{W}r") if next(run.iterancestors(f"{W}p")) is holder)
        runs = [(run, text) for run in own if (text := text_of(run))]
        views = marked((text, _script(run, properties_of)) for run, text in runs)
        for (run, text), view in zip(runs, views, strict=True):
            if view != text:
                for part in run.findall(f"{W}t"):
                    run.remove(part)
                run.append(text_run(view)[0])
            for look in run.findall(f"{W}rPr/{W}vertAlign"):
                look.getparent().remove(look)


def _script(run: Any, properties_of: Callable[[Any], list[Any]]) -> ScriptPosition:
    return next(
        (_SCRIPTS.get(each, "") for each in (child_value(one, "vertAlign") for one in properties_of(run)) if each), ""
    )


def flat_formatting(tree: Any) -> None:
    """Takes off what only changes the look of letters: Docling would end a word wherever it changes."""
    for properties in tree.iter(f"{W}rPr"):
        if properties.getparent().tag == f"{W}r":
            for look in properties.findall("*"):
                if look.tag in _LOOKS:
                    properties.remove(look)


def drop_caps_joined(tree: Any) -> None:
    """Moves a drop cap, which is a paragraph of its own, to the paragraph that it begins."""
    for frame in list(tree.iter(f"{W}framePr")):
        cap = frame.getparent().getparent()
        following = cap.getnext()
        if attribute(frame, "dropCap") in {"", "none"} or following is None or following.tag != f"{W}p":
            continue
        place = 1 if following.find(f"{W}pPr") is not None else 0
        following.insert(place, text_run(text_of(cap).strip()))
        cap.getparent().remove(cap)
