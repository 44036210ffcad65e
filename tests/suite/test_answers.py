"""What a person who asks can rely on, over 40 documents and the running suite."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.suite.running import Caller, Running

PLACES = (
    "Alder Bay", "Birkfeld", "Caddon", "Dornwick", "Elmstead", "Farrow", "Glenmore", "Hartsel", "Inverloch", "Jarrow",
    "Kelso", "Lindal", "Marden", "Norwell", "Oakhurst", "Penrith", "Quarley", "Rothbury", "Selkirk", "Thornton",
)  # fmt: skip
PEOPLE = ("Ada Moreno", "Ben Okafor", "Clara Nyström", "Dev Patel", "Elif Kaya")

OWN = ("request_id", "conversation_id")
"""What two answers to one question do not share."""

ANSWERED = (
    ("Who keeps the lighthouse of Caddon?", "Clara Nyström"),
    ("How tall is the lighthouse of Dornwick?", "33 metres"),
    ("When was the lighthouse of Kelso built?", "1860"),
    ("How many steps lead up the lighthouse of Marden?", "172"),
    ("What colour is the lighthouse of Selkirk?", "red"),
    ("In which year did they build the lighthouse of Farrow?", "1855"),
    ("What is the height of the lighthouse of Jarrow?", "39 metres"),
    ("Who looks after the lighthouse of Thornton?", "Elif Kaya"),
    ("How many steps does the lighthouse of Birkfeld have?", "161"),
    ("Which colour was the lighthouse of Glenmore painted?", "white"),
    ("What is sold at the market of Alder Bay?", "honey"),
    ("On which day is the market of Elmstead held?", "Friday"),
    ("How many stalls does the market of Hartsel have?", "27"),
    ("When does the market of Lindal open?", "seven"),
    ("What does a stall at the market of Norwell cost?", "53 euros"),
    ("On which weekday does the market of Penrith take place?", "Monday"),
    ("How many stalls are there at the market of Quarley?", "36"),
    ("What can one buy at the market of Rothbury?", "rope"),
    ("What is the price of a stall at the market of Oakhurst?", "54 euros"),
    ("When does the market of Inverloch begin?", "six"),
)
NOT_ANSWERED = (
    "Who designed the lighthouse of Caddon?",
    "How much did the lighthouse of Dornwick cost?",
    "When was the lighthouse of Kelso electrified?",
    "How many ships pass the lighthouse of Marden each year?",
    "Which company insures the lighthouse of Selkirk?",
    "How far out can the lighthouse of Farrow be seen?",
    "What is the salary of the keeper of Jarrow?",
    "When was the keeper Elif Kaya born?",
    "How many windows does the lighthouse of Birkfeld have?",
    "Which bird nests on the lighthouse of Glenmore?",
    "Who founded the market of Alder Bay?",
    "How many visitors come to the market of Elmstead?",
    "Which bank finances the market of Hartsel?",
    "How large is the square of the market of Lindal in square metres?",
    "Who is the mayor of Norwell?",
    "When was the market of Penrith cancelled?",
    "How long is the river in Quarley?",
    "Which prize did the market of Rothbury win?",
    "What is the telephone number of the market of Oakhurst?",
    "Which road leads from Inverloch to the sea?",
)


def _lighthouse(number: int, place: str) -> str:
    colour = "red" if number % 2 == 0 and number > 6 else "white"
    return f"""# The lighthouse of {place}

The lighthouse of {place} was built in {1850 + number}. It is {30 + number} metres tall, and {160 + number} steps lead
up to its lamp.

## Today

The tower is painted {colour}. Its keeper is {PEOPLE[number % 5]}, who lives beside it.
"""


def _market(number: int, place: str) -> str:
    goods = {"Rothbury": "rope"}.get(place, ("honey", "wool", "cheese", "fish", "apples", "rope")[number % 6])
    hour = {"Lindal": "seven", "Inverloch": "six"}.get(place, ("five", "eight")[number % 2])
    day = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")[number % 5]
    return f"""# Market of {place}

The market of {place} is held every {day}. It opens at {hour} in the morning, and {goods} is sold there.

## Rules

There are {20 + number} stalls. A stall costs {40 + number} euros a month.
"""


@pytest.fixture(scope="module")
def reader(server: Running) -> Iterator[Caller]:
    """A tenant with 40 documents."""
    _, caller = server.create_tenant("lighthouses and markets")
    texts = [make(number, place) for make in (_lighthouse, _market) for number, place in enumerate(PLACES)]
    documents = [caller.upload(text.encode()).raise_for_status().json()["document_id"] for text in texts]
    for document_id in documents:
        assert caller.final(document_id, 120)["status"] == "ready"
    yield caller
    caller.close()


def ask(caller: Caller, question: str, **fields: Any) -> dict[str, Any]:
    answer: dict[str, Any] = caller.post("/ask", json={"question": question, **fields}).raise_for_status().json()
    return answer


def streamed(caller: Caller, question: str) -> list[tuple[str, Any]]:
    with caller.stream("POST", "/ask", json={"question": question, "stream": True}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        return list(_events(answer))


def _events(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_a_fact_in_one_of_forty_documents_is_found_cited_and_quoted_literally(reader: Caller) -> None:
    planted = "# Notes of the harbour office\n\nThe spare key to the boathouse of Kelso hangs behind the third buoy.\n"
    document = reader.ingest(planted.encode(), "notes.md")
    answer = ask(reader, "Where does the spare key to the boathouse of Kelso hang?")
    assert answer["answered"]
    (citation,) = answer["citations"]
    assert citation["document_id"] == document["document_id"]
    assert "behind the third buoy" in citation["quote"]
    passages = {found["passage_id"]: found["text"] for found in reader.search("spare key boathouse Kelso")}
    assert citation["quote"] in passages[citation["passage_id"]]
    assert f"[{citation['index']}]" in answer["answer"]
    assert answer["execution"] == {
        "location": "extractive", "model": "extractive", "strategy": "hybrid", "reason": "no_model",
    }  # fmt: skip


def test_a_picture_in_a_document_is_quoted_and_never_rendered(reader: Caller) -> None:
    address = "https://evil.example/plan.png?of=kelso"
    sentence = f"The plan of the cellar of Kelso is ![the plan]({address}) and hangs in the hall."
    document = reader.ingest(f"# Notes of the cellar\n\n{sentence}\n".encode(), "cellar.txt")
    question = "Where does the plan of the cellar of Kelso hang?"
    answer = ask(reader, question, document_ids=[document["document_id"]])
    assert [citation["quote"] for citation in answer["citations"]] == [sentence]
    assert answer["answer"] == (
        f"The plan of the cellar of Kelso is [the plan] (`{address}`) and hangs in the hall. [1]"
    )
    message = {"role": "user", "content": question}
    chat = reader.post("/v1/chat/completions", json={"model": "aegis", "messages": [message]}).raise_for_status()
    assert "![" not in chat.json()["choices"][0]["message"]["content"]


def test_the_stream_says_the_same_as_the_whole_answer(reader: Caller) -> None:
    question = "How many stalls does the market of Hartsel have?"
    events = streamed(reader, question)
    whole = ask(reader, question)
    names = [name for name, _ in events]
    assert names[0] == "retrieved"
    assert names[-1] == "done"
    assert names.count("done") == 1
    assert "error" not in names
    done = events[-1][1]
    assert {k: v for k, v in done.items() if k not in OWN} == {k: v for k, v in whole.items() if k not in OWN}
    assert "".join(data["text"] for name, data in events if name == "token") == whole["answer"]
    assert [data for name, data in events if name == "citation"] == whole["citations"]


def test_most_questions_that_the_documents_answer_are_answered_rightly(reader: Caller) -> None:
    answers = {question: ask(reader, question) for question, _ in ANSWERED}
    wrong = [question for question, gold in ANSWERED if gold not in answers[question]["answer"]]
    assert len(wrong) <= 4, wrong


def test_most_near_misses_are_refused(reader: Caller) -> None:
    answered = [question for question in NOT_ANSWERED if ask(reader, question)["answered"]]
    assert len(answered) <= 4, answered


def test_a_refusal_is_empty_and_has_no_citation(reader: Caller) -> None:
    answer = ask(reader, "What is the boiling point of tungsten on Jupiter?")
    assert (answer["answered"], answer["answer"], answer["citations"]) == (False, "", [])


def test_a_question_can_be_held_to_some_documents(reader: Caller) -> None:
    found = reader.search("lighthouse of Caddon keeper")[0]["document_id"]
    other = next(p["document_id"] for p in reader.search("market stalls") if p["document_id"] != found)
    assert ask(reader, "Who keeps the lighthouse of Caddon?", document_ids=[found])["answered"]
    assert not ask(reader, "Who keeps the lighthouse of Caddon?", document_ids=[other])["answered"]
    assert not ask(reader, "Who keeps the lighthouse of Caddon?", document_ids=[])["answered"]


def test_a_search_says_what_it_went_without(reader: Caller) -> None:
    found = [
        reader.post("/search", json={"query": "a lighthouse", "mode": mode}).json() for mode in ("graph", "vector")
    ]
    assert [answer["degraded"] for answer in found] == [[], []]
    assert all(passage["via"] == [] for answer in found for passage in answer["passages"])


def test_an_extractive_answer_is_explained_with_its_place_and_reason(reader: Caller) -> None:
    answer = reader.post("/ask", json={"question": "Who keeps the lighthouse of Caddon?"}).json()
    assert answer["execution"]["location"] == "extractive"
    records = reader.get("/usage/ledger", params={"request_id": answer["request_id"]}).json()["items"]
    assert [(one["location"], one["model"], one["reason"]) for one in records] == [
        ("extractive", "extractive", answer["execution"]["reason"])
    ]
