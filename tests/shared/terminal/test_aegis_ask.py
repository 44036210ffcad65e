"""Asking and searching at a prompt."""

import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

from tests.shared.terminal.conftest import KEY, Aegis
from tests.shared.terminal.fake_server import Answer, FakeServer, problem, stream

RUN = "import sys; from shared.terminal.program import main; sys.exit(main())"

CITATION = {
    "index": 1,
    "passage_id": "psg_1",
    "document_id": "doc_1",
    "title": "The pump",
    "page": 3,
    "box": None,
    "quote": "It has two valves.",
    "score": 0.5,
}
ANSWER: dict[str, Any] = {
    "request_id": "req_1",
    "answered": True,
    "answer": "Two valves [1].",
    "citations": [CITATION],
    "conversation_id": "cnv_1",
    "usage": {
        "prompt_tokens": 120,
        "completion_tokens": 8,
        "cached_tokens": 0,
        "embedded_tokens": 5,
        "cost_usd": 0.000001,
        "estimated": False,
    },
    "execution": {"location": "local", "model": "llama3.2:3b", "strategy": "hybrid", "reason": "default"},
    "degraded": [],
}
REFUSED = {**ANSWER, "answered": False, "answer": "", "citations": []}
PASSAGE = {"passage_id": "psg_1", "document_id": "doc_1", "title": "The pump", "page": 3, "text": "A pump.", "score": 1}


def streamed(*tokens: str, done: dict[str, Any] = ANSWER) -> Answer:
    events = [("token", {"text": token}) for token in tokens]
    return stream(
        ("retrieved", {"passages": [PASSAGE]}), *events, ("citation", CITATION), ("usage", {}), ("done", done)
    )


def test_an_answer_is_printed_with_its_sources_and_what_it_cost(aegis: Aegis, served: FakeServer) -> None:
    served.on("POST", "/ask", streamed("Two ", "valves", " [1]."))
    ended = aegis("ask", "How many valves?")
    assert ended.exit == 0
    assert ended.out == "Two valves [1].\n\nSources:\n[1] The pump, page 3\n    It has two valves.\n"
    assert ended.err.strip() == "120 + 8 tokens · $0.000001 · local llama3.2:3b (default) · req_1"


def test_the_question_is_asked_as_it_was_typed(aegis: Aegis, served: FakeServer) -> None:
    served.on("POST", "/ask", streamed("Two valves [1]."))
    aegis(
        "ask", "Wie viele?", "--mode", "graph", "--limit", "3", "--quality", "high", "--document", "doc_1",
        "--document", "doc_2", "--classification", "confidential", "--conversation", "cnv_1", "--as-of", "2026-03-01",
        "--max-latency-ms", "900", "--max-cost-usd", "0",
    )  # fmt: skip
    asked = served.requests("POST", "/ask")[0]
    assert asked.json == {
        "question": "Wie viele?", "mode": "graph", "limit": 3, "quality": "high", "document_ids": ["doc_1", "doc_2"],
        "classification": "confidential", "conversation_id": "cnv_1", "as_of": "2026-03-01",
        "max_latency_ms": 900, "max_cost_usd": 0, "stream": True,
    }  # fmt: skip
    assert asked.headers["authorization"] == f"Bearer {KEY}"


def test_tokens_are_on_the_screen_before_the_answer_is_whole(served: FakeServer) -> None:
    rest = threading.Event()

    def pieces() -> Any:
        yield b'event: token\ndata: {"text": "Two valves"}\n\n'
        rest.wait(20)
        yield f"event: done\ndata: {json.dumps({**ANSWER, 'answer': 'Two valves'})}\n\n".encode()

    served.on("POST", "/ask", Answer(headers={"Content-Type": "text/event-stream"}, pieces=pieces()))
    command = subprocess.Popen([sys.executable, "-c", RUN, "ask", "How many?"], stdout=subprocess.PIPE)
    assert command.stdout is not None
    assert os.read(command.stdout.fileno(), 100) == b"Two valves"
    rest.set()
    assert b"Sources:" in command.communicate(timeout=20)[0]
    assert command.returncode == 0


def test_the_checked_answer_is_printed_where_it_differs_from_the_stream(aegis: Aegis, served: FakeServer) -> None:
    served.on("POST", "/ask", streamed("Two valves and a crank."))
    out = aegis("ask", "How many?").out
    assert out.startswith("Two valves and a crank.\n\nAfter its sources were checked:\nTwo valves [1].\n\nSources:")


def test_an_answer_taken_back_exits_3(aegis: Aegis, served: FakeServer) -> None:
    served.on("POST", "/ask", streamed("Seven.", done=REFUSED))
    ended = aegis("ask", "How many?")
    assert ended.exit == 3
    assert ended.out.endswith("After its sources were checked:\nThe sources do not say.\n")


@pytest.mark.parametrize("more", [(), ("--no-stream",), ("--show-context", "--no-stream")])
def test_sources_that_do_not_say_exit_3(aegis: Aegis, served: FakeServer, more: tuple[str, ...]) -> None:
    def either(asked: Any) -> Answer:
        return streamed(done=REFUSED) if asked.json.get("stream") else Answer(body=REFUSED)

    served.on("POST", "/ask", either)
    ended = aegis("ask", "How many?", *more)
    assert ended.exit == 3
    assert ended.out.startswith("The sources do not say.\n")


def test_json_is_the_answer_alone_to_the_last_digit(aegis: Aegis, served: FakeServer) -> None:
    served.on("POST", "/ask", Answer(body=ANSWER))
    ended = aegis("ask", "How many?", "--json")
    assert (ended.exit, ended.json, ended.err) == (0, ANSWER, "")
    assert '"cost_usd":0.000001' in ended.out
    served.on("POST", "/ask", Answer(body=REFUSED))
    ended = aegis("ask", "How many?", "--json")
    assert (ended.exit, ended.json) == (3, REFUSED)


def test_the_context_is_shown_when_asked_for(aegis: Aegis, served: FakeServer) -> None:
    served.on("POST", "/ask", streamed("Two valves [1]."))
    assert "A pump." not in aegis("ask", "How many?").out
    assert aegis("ask", "How many?", "--show-context").out.endswith(
        "\nFound:\n1. The pump, page 3  1.0000  psg_1\n    A pump.\n"
    )


def test_an_error_in_the_stream_has_its_exit_code(aegis: Aegis, served: FakeServer) -> None:
    refusal = problem(402, "budget-exceeded", "The budget does not allow this call", "0 of 5 USD left")
    served.on("POST", "/ask", stream(("token", {"text": "Two"}), ("error", refusal)))
    ended = aegis("ask", "How many?")
    assert (ended.exit, ended.out) == (5, "Two\n")
    assert ended.err.startswith("error: The budget does not allow this call: 0 of 5 USD left\n")


@pytest.mark.parametrize("drop", [True, False])
def test_a_stream_that_breaks_off_is_unavailable(aegis: Aegis, served: FakeServer, drop: bool) -> None:
    answer = stream(("token", {"text": "Two"}))
    answer.drop = drop
    served.on("POST", "/ask", answer)
    ended = aegis("ask", "How many?")
    assert (ended.exit, ended.out) == (6, "Two\n")


def test_ctrl_c_while_an_answer_comes_exits_130(served: FakeServer) -> None:
    answer = stream(("token", {"text": "Two"}))
    answer.hold = threading.Event()
    served.on("POST", "/ask", answer)
    command = subprocess.Popen(
        [sys.executable, "-c", RUN, "ask", "How many?"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert command.stdout is not None
    assert os.read(command.stdout.fileno(), 3) == b"Two"
    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=20)
    answer.hold.set()
    assert (command.returncode, err) == (130, b"interrupted\n")


def test_no_document_can_steer_the_terminal(aegis: Aegis, served: FakeServer) -> None:
    wild = "\x1b]52;c;aGk=\x07\x9b2J\u202e\x7f"
    citation = {**CITATION, "title": f"T{wild}\n[2] forged", "quote": f"q{wild}\nsecond line"}
    answer = {**ANSWER, "answer": f"A{wild}", "citations": [citation], "degraded": [wild], "request_id": wild}
    events = (("retrieved", {"passages": [{**PASSAGE, "text": wild, "title": wild}]}), ("token", {"text": f"A{wild}"}))
    served.on("POST", "/ask", stream(*events, ("done", answer)))
    ended = aegis("ask", "How many?", "--show-context")
    assert not set(ended.out + ended.err) & set("\x1b\x07\x9b\u202e\x7f\r")
    assert r"A\x1b]52;c;aGk=\x07\x9b2J\u202e\x7f" in ended.out
    assert r"\x0a[2] forged" in ended.out
    assert "    second line" in ended.out
    served.on("POST", "/ask", Answer(body=answer))
    ended = aegis("ask", "How many?", "--json")
    assert ended.json == answer
    assert not set(ended.out) & set("\x1b\x07\x9b\u202e\x7f\r")


def test_no_text_is_hidden_in_characters_of_no_width(aegis: Aegis, served: FakeServer) -> None:
    hidden = "b\u200bu\u2060o\u00ady\U000e0041\U000e0100"
    citation = {**CITATION, "title": hidden, "quote": hidden}
    served.on("POST", "/ask", Answer(body={**ANSWER, "answer": hidden, "citations": [citation]}))
    ended = aegis("ask", "How many?", "--no-stream")
    assert ended.out.count("buoy") == 3


def test_an_answer_without_all_its_stores_says_so(aegis: Aegis, served: FakeServer) -> None:
    served.on("POST", "/ask", Answer(body={**ANSWER, "degraded": ["graph", "model"]}))
    assert "answered without graph, model" in aegis("ask", "How many?", "--no-stream").err


def test_search_prints_passages_best_first(aegis: Aegis, served: FakeServer) -> None:
    found = {"passages": [{**PASSAGE, "score": 0.75}, {**PASSAGE, "page": None, "score": 0.5}], "usage": {}}
    served.on("POST", "/search", Answer(body=found))
    ended = aegis("search", "pumps", "--mode", "vector", "--limit", "2", "--document", "doc_1")
    assert ended.out.splitlines() == [
        "1. The pump, page 3  0.7500  psg_1",
        "    A pump.",
        "2. The pump  0.5000  psg_1",
        "    A pump.",
    ]
    assert served.asked[-1].json == {"query": "pumps", "limit": 2, "mode": "vector", "document_ids": ["doc_1"]}
    assert aegis("search", "pumps", "--json").json == found


def test_search_that_finds_nothing_is_no_failure(aegis: Aegis, served: FakeServer) -> None:
    served.on("POST", "/search", Answer(body={"passages": [], "usage": {}}))
    ended = aegis("search", "pumps")
    assert (ended.exit, ended.out, ended.err) == (0, "", "nothing found\n")
