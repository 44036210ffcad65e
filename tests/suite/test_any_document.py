"""Whatever kind of document is taken in, its words are found, quoted, and shown at their place."""

import time
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from msgspec import Struct

from tests.documents.with_text import EXTENSIONS, document_with
from tests.suite.running import FINAL, Caller, Running

BIRDS = ("kestrel", "heron", "falcon", "sparrow", "raven", "pelican")
QUAYS = ("western", "eastern", "northern", "southern", "central")
LOADS = ("timber", "granite", "copper", "barley", "cotton")
CRANES = dict(zip(EXTENSIONS, product(BIRDS, QUAYS), strict=True))
"""Of each format's document: the crane that only it tells of, and the quay where it stands."""

WITHIN_S = 600
PLACED = {"pdf": (2, (0.12, 0.085, 0.65, 0.1)), "docx": (2, None), "pptx": (1, (0.1, 0.13, 0.9, 0.53))}
"""Where the sentence stands in what has pages of text: the page, and the box around its passage."""


class Taken(Struct, frozen=True):
    """What the tenant holds: by extension, the document and the sentence that it was made of."""

    caller: Caller
    documents: dict[str, dict[str, Any]]


def sentence(extension: str) -> str:
    bird, quay = CRANES[extension]
    at = EXTENSIONS.index(extension)
    return f"The {bird} crane of the {quay} quay lifts {at + 11} tonnes of {LOADS[at % len(LOADS)]}."


def question(extension: str) -> str:
    bird, quay = CRANES[extension]
    return f"How many tonnes does the {bird} crane of the {quay} quay lift?"


@pytest.fixture(scope="module")
def taken(server: Running) -> Iterator[Taken]:
    """All thirty uploaded at once, and waited for together."""
    _, caller = server.create_tenant("any document")
    uploaded = {}
    for extension in EXTENSIONS:
        answer = caller.upload(document_with(extension, sentence(extension)), f"file.{extension}")
        assert answer.status_code == 202, (extension, answer.text)
        uploaded[extension] = answer.json()["document_id"]
    listed = _final(caller)
    yield Taken(caller, {extension: listed[document_id] for extension, document_id in uploaded.items()})
    caller.close()


def _final(caller: Caller) -> dict[str, dict[str, Any]]:
    """The documents by their ids, once all are final."""
    until = time.monotonic() + WITHIN_S
    listed = _listed(caller)
    while still := [each for each in listed.values() if each["status"] not in FINAL]:
        assert time.monotonic() < until, still
        time.sleep(0.2)
        listed = _listed(caller)
    return listed


def _listed(caller: Caller) -> dict[str, dict[str, Any]]:
    items = caller.get("/documents", params={"limit": 100}).raise_for_status().json()["items"]
    return {item["document_id"]: item for item in items}


def test_all_thirty_are_listed(taken: Taken) -> None:
    listed = taken.caller.get("/formats").raise_for_status().json()["items"]
    assert {row["extension"] for row in listed} >= set(EXTENSIONS)
    assert len(EXTENSIONS) == 30


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_document_of_any_format_becomes_ready(taken: Taken, extension: str) -> None:
    document = taken.documents[extension]
    assert (document["status"], document["reason"]) == ("ready", None)
    assert document["passages"] >= 1


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_sentence_of_it_is_found_among_all_the_others(taken: Taken, extension: str) -> None:
    first = taken.caller.search(question(extension))[0]
    assert first["document_id"] == taken.documents[extension]["document_id"]
    assert sentence(extension) in one_line(first["text"])


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_an_answer_quotes_it_word_for_word(taken: Taken, extension: str) -> None:
    answer = asked(taken, extension)
    assert answer["answered"]
    citation = answer["citations"][0]
    assert citation["document_id"] == taken.documents[extension]["document_id"]
    assert sentence(extension) in one_line(citation["quote"])
    passages = {found["passage_id"]: found["text"] for found in taken.caller.search(question(extension))}
    assert citation["quote"] in passages[citation["passage_id"]]
    content = taken.caller.get(f"/documents/{citation['document_id']}/content").raise_for_status().text
    assert sentence(extension) in one_line(content)


@pytest.mark.parametrize("extension", PLACED)
def test_a_citation_tells_the_page_and_the_place_on_it(taken: Taken, extension: str) -> None:
    page, box = PLACED[extension]
    citation = (
        taken.caller.post("/ask", json={"question": question(extension)}).raise_for_status().json()["citations"][0]
    )
    assert citation["page"] == page
    assert citation["box"] == (pytest.approx(box, abs=0.02) if box else None)


def asked(taken: Taken, extension: str) -> dict[str, Any]:
    answer = taken.caller.post("/ask", json={"question": question(extension)})
    answered: dict[str, Any] = answer.raise_for_status().json()
    return answered


def one_line(text: str) -> str:
    return " ".join(text.split())
