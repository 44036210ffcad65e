"""What notebooks, outlines and XML become."""

import json

import pytest

from shared.parsing.light.parsers import parse_light
from shared.parsing.limits import ParsingLimits
from shared.parsing.markdown import to_markdown
from shared.types.errors import Rejected


def markdown_of(media_type: str, text: str) -> str:
    return to_markdown(parse_light(media_type, text.encode(), ParsingLimits()))


def test_xml_that_is_prose_keeps_its_structure() -> None:
    topic = (
        "<topic><title>Crane <b>safety</b></title><p>Never stand <i>under</i> a load.</p><section><title>Steps</title>"
        "<ol><li>First <b>check</b>.</li><li>Lift.<ul><li>Slowly</li></ul></li></ol><table><row><entry>Crane</entry>"
        "<entry>Load</entry></row><row><entry>North</entry><entry>40 t</entry></row></table></section></topic>"
    )
    assert markdown_of("application/xml", topic).split("\n\n") == [
        "# Crane safety",
        "Never stand under a load.",
        "## Steps",
        "1. First check.\n2. Lift.\n   - Slowly",
        "| Crane | Load |\n| --- | --- |\n| North | 40 t |\n",
    ]


def test_xml_that_is_data_becomes_a_paragraph_for_each_record() -> None:
    data = '<a><crane id="1"><name>North</name><load unit="t">40</load></crane>'
    data += '<crane id="2"><name>South</name></crane></a>'
    document = parse_light("application/xml", data.encode(), ParsingLimits())
    assert [block.text for block in document.blocks] == [
        "crane.id: 1\nname: North\nload.unit: t\nload: 40",
        "crane.id: 2\nname: South",
    ]


def test_entities_of_the_document_itself_are_read_and_those_from_outside_are_not() -> None:
    own = '<!DOCTYPE a [<!ENTITY port "the harbour">]><a><p>At &port; at noon.</p></a>'
    assert markdown_of("application/xml", own) == "At the harbour at noon.\n"
    outside = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><p>words &x;</p></a>'
    with pytest.raises(Rejected):
        markdown_of("application/xml", outside)


def test_an_outline_keeps_headings_lists_tables_and_code() -> None:
    outline = (
        "#+TITLE: Cranes\n\n* TODO Northern :big:\n:PROPERTIES:\n:ID: 7\n:END:\nLifts *forty* tonnes, see [[http://x][here]].\n"
        "- one\n  - inner\n- two\n\n| a | b |\n|---+---|\n| 1 | 2 |\n\n#+BEGIN_SRC python\nlift(40)\n#+END_SRC\n"
    )
    assert markdown_of("text/x-org", outline).split("\n\n") == [
        "# Cranes",
        "# Northern",
        "Lifts forty tonnes, see here (http://x).",
        "- one\n  - inner\n- two",
        "| a | b |\n| --- | --- |\n| 1 | 2 |",
        "```\nlift(40)\n```\n",
    ]


def test_a_notebook_shows_its_prose_its_code_and_what_the_code_wrote() -> None:
    outputs = [
        {"output_type": "stream", "text": ["40\n"]},
        {"output_type": "display_data", "data": {"image/png": "aGVsbG8=", "text/plain": "a picture"}},
        {"output_type": "error", "ename": "ValueError", "evalue": "too heavy", "traceback": ["long"]},
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# Loads\n", "\n", "- one"]},
        {"cell_type": "code", "source": "lift(40)", "outputs": outputs},
        "no cell at all",
    ]
    document = parse_light("application/x-ipynb+json", json.dumps({"cells": cells}).encode(), ParsingLimits())
    assert [(block.kind, block.text) for block in document.blocks] == [
        ("heading", "Loads"),
        ("list", "- one"),
        ("code", "lift(40)"),
        ("code", "40"),
        ("code", "a picture"),
        ("code", "ValueError: too heavy"),
    ]


def test_what_a_notebook_displays_without_a_plain_form_is_read() -> None:
    outputs = [
        {"output_type": "display_data", "data": {"text/html": ["<table><tr><td>a</td><td>b</td></tr></table>"]}},
        {"output_type": "display_data", "data": {"text/markdown": "**md** words"}},
        {"output_type": "stream", "text": ["\x1b[31mred\x1b[0m"]},
    ]
    cells = [{"cell_type": "code", "source": "x", "outputs": outputs}]
    text = markdown_of("application/x-ipynb+json", json.dumps({"nbformat": 4, "cells": cells}))
    assert text.split("\n\n")[1:] == ["| a | b |\n| --- | --- |", "md words", "```\nred\n```\n"]


def test_restructured_text_includes_nothing_from_outside() -> None:
    text = "Cranes\n======\n\nwords\n\n.. include:: /etc/hostname\n\n.. code:: python\n\n   lift(40)\n"
    assert markdown_of("text/x-rst", text).split("\n\n") == ["# Cranes", "words", "```\nlift(40)\n```\n"]
