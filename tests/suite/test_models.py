"""What a person who asks can rely on where language models are there: local, in the cloud, or both."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.ollama import Account, Asked, FakeOllama, Model
from tests.ollama.threaded import Threaded, serving
from tests.suite.running import Caller, Running

LOCAL, CLOUD = "llama3.2:3b", "gpt-oss:120b"
PUMPS = """# Pump P-101

The pump P-101 was serviced on 12 March 2024 by Ada Moreno. Its pressure limit is 16 bar.
"""
LEAVE = """# Annual leave

Employees have 30 days of annual leave. Leave is approved by the team lead within five days.
"""
MERGER = """# Project Osprey

The merger with Lindgren Ferries closes on Friday. The price of Project Osprey is 41 million euros.
"""
HARD = "Compare the pressure limit of the pump P-101 with the days of annual leave, and why do they differ?"


class House(NamedTuple):
    server: Running
    caller: Caller
    local: Threaded
    cloud: Threaded

    def ask(self, question: str, **fields: Any) -> dict[str, Any]:
        answer = self.caller.post("/ask", json={"question": question, **fields}).raise_for_status()
        body: dict[str, Any] = answer.json()
        return body


def quoting(asked: Asked) -> str:
    """Every sentence of every source, each with its mark; for no sources, what was agreed for that."""
    sources = re.findall(r"\[(\d+)\] .*?\n(.*?)(?=\n\n\[\d|\n\nQuestion:)", asked.text, re.DOTALL)
    found = [(number, sentence) for number, text in sources for sentence in re.findall(r"[A-Z][^.#\n]+(?=\.)", text)]
    return " ".join(f"{sentence} [{number}]." for number, sentence in found) or "NO ANSWER"


def inventing(asked: Asked) -> str:
    return "The pump P-999 explodes at 900 bar [1]."


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    local = FakeOllama(Model(LOCAL, answer=quoting, context_tokens=32_768), parallel=4)
    cloud = FakeOllama(Model(CLOUD, answer=quoting, context_tokens=131_072), account=Account(), parallel=10)
    data = tmp_path_factory.mktemp("models") / "data"
    with serving(local, cloud) as (here, there):
        server = Running(
            data, AEGIS_OLLAMA_URL=here.url, AEGIS_OLLAMA_CLOUD_URL=there.url, OLLAMA_CLOUD_API_KEY="cloud-key"
        )
        server.start()
        with server.caller(server.api_key) as caller:
            for name, text, kind in (("pumps", PUMPS, "public"), ("leave", LEAVE, "internal")):
                assert caller.ingest(text.encode(), f"{name}.md", classification=kind)["status"] == "ready"
            caller.ingest(MERGER.encode(), "merger.md", classification="confidential")
            yield House(server, caller, here, there)
        server.stop()


def test_a_simple_question_is_answered_by_the_local_model(house: House) -> None:
    answer = house.ask("What is the pressure limit of the pump P-101?", limit=1)
    assert answer["answered"]
    assert answer["execution"] == {"location": "local", "model": LOCAL, "strategy": "hybrid", "reason": "default"}
    assert answer["usage"]["completion_tokens"] > 0
    assert answer["usage"]["cost_usd"] == 0
    for citation in answer["citations"]:
        assert citation["quote"] in PUMPS
        assert f"[{citation['index']}]" in answer["answer"]


def test_a_hard_one_goes_to_the_cloud_and_is_billed(house: House) -> None:
    budget = {"scope": "tenant", "window": "day"}
    before = spent(house.caller, **budget)
    ids = documents(house, "public", "internal")
    answer = house.ask(HARD, quality="high", document_ids=ids)
    assert (answer["execution"]["location"], answer["execution"]["reason"]) == ("cloud", "quality")
    cost = answer["usage"]["cost_usd"]
    assert cost > 0
    assert spent(house.caller, **budget) == pytest.approx(before + cost, abs=1e-9)


def test_confidential_passages_never_leave_whatever_the_question_says_of_itself(house: House) -> None:
    for question in (
        "What is the price of Project Osprey, and why?",
        HARD,
        "When does the merger close and with whom?",
    ):
        for fields in ({"classification": "public"}, {"quality": "high", "classification": "public"}, {}):
            answer = house.ask(question, **fields)
            if any("41 million" in citation["quote"] for citation in answer["citations"]):
                assert answer["execution"]["location"] != "cloud"
    sent = house.cloud.fake.bodies
    assert b"Osprey" not in re.sub(rb"Question: [^\"]*", b"", sent)
    assert b"41 million" not in sent
    assert b"Lindgren" not in sent


def test_a_turn_from_confidential_passages_keeps_the_conversation_here(house: House) -> None:
    seen = len(house.cloud.fake.asked())
    first = house.ask("What is the price of Project Osprey?", classification="public")
    assert first["answered"]
    ids = documents(house, "public")
    again = house.ask(HARD, quality="high", conversation_id=first["conversation_id"], document_ids=ids)
    assert (again["execution"]["location"], again["execution"]["reason"]) == ("local", "privacy")
    assert again["conversation_id"] == first["conversation_id"]
    assert len(house.cloud.fake.asked()) == seen


def test_the_model_reads_the_conversation(house: House) -> None:
    first = house.ask("What is the pressure limit of the pump P-101?", limit=1)
    house.ask("And who serviced it?", conversation_id=first["conversation_id"], limit=1, quality="fast")
    messages = house.local.fake.asked()[-1]["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[1]["content"] == "What is the pressure limit of the pump P-101?"
    conversation = house.caller.get(f"/conversations/{first['conversation_id']}").json()
    assert [turn["question"] for turn in conversation["turns"]] == [
        "What is the pressure limit of the pump P-101?",
        "And who serviced it?",
    ]
    assert conversation["turns"][0]["citations"][0]["quote"] in PUMPS


def test_a_conversation_that_is_not_there_is_not_found(house: House) -> None:
    answer = house.caller.post("/ask", json={"question": "What?", "conversation_id": "cnv_000000000000000000000000"})
    assert answer.status_code == 404


def test_what_a_model_invents_is_not_an_answer(house: House) -> None:
    house.local.fake.models[LOCAL] = Model(LOCAL, answer=inventing, context_tokens=32_768)
    try:
        answer = house.ask("What is the pressure limit of the pump P-101?", limit=1)
        stream = house.caller.post("/ask", json={"question": "What is its limit?", "limit": 1, "stream": True}).text
    finally:
        house.local.fake.models[LOCAL] = Model(LOCAL, answer=quoting, context_tokens=32_768)
    assert (answer["answered"], answer["answer"], answer["citations"]) == (False, "", [])
    assert "event: done" in stream
    assert "event: token" not in stream
    assert "900" not in stream


def test_a_stream_ends_with_the_checked_answer(house: House) -> None:
    request = {"question": "What is the pressure limit of the pump P-101?", "stream": True, "limit": 1}
    names, done, tokens = [], {}, ""
    with house.caller.stream("POST", "/ask", json=request) as response:
        for line in response.iter_lines():
            if line.startswith("event: "):
                names.append(line[7:])
            elif line.startswith("data: ") and names[-1] == "done":
                done = json.loads(line[6:])
            elif line.startswith("data: ") and names[-1] == "token":
                tokens += json.loads(line[6:])["text"]
    assert names[0] == "retrieved"
    assert names.count("token") > 1
    assert names[-2:] == ["usage", "done"]
    assert done["answered"]
    assert done["execution"]["location"] == "local"
    assert tokens == done["answer"]


def test_every_cloud_failure_still_has_an_answer(house: House) -> None:
    ids = documents(house, "public", "internal")
    for trouble in ("overloaded", "cut", "error_line"):
        house.cloud.fake.next(trouble)
        answer = house.ask(HARD, quality="high", document_ids=ids)
        assert answer["answered"], trouble
        assert answer["execution"]["location"] == "local"
        assert answer["execution"]["reason"].startswith("fallback_")


def documents(house: House, *classes: str) -> list[str]:
    items = house.caller.get("/documents").json()["items"]
    return [item["document_id"] for item in items if item["classification"] in classes]


def spent(caller: Caller, scope: str, window: str) -> float:
    scopes = caller.get("/budget").raise_for_status().json()["scopes"]
    found: float = next(one["spent_usd"] for one in scopes if one["scope"] == scope and one["window"] == window)
    return found


def test_the_data_folder_holds_no_key_of_the_cloud(house: House) -> None:
    held = [path for path in Path(house.server.data).rglob("*") if path.is_file() and path.stat().st_size < 1 << 24]
    assert held
    assert not [path for path in held if b"cloud-key" in path.read_bytes()]
