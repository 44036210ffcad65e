"""What an earlier answer was made from counts with the class that it has now, wherever the answer is sent again."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.ollama import Account, FakeOllama, Model
from tests.ollama.threaded import serving
from tests.suite.running import Running
from tests.suite.test_chat import House, speaking
from tests.suite.test_models import CLOUD, LOCAL, PUMPS, quoting

OTHER = "# Canteen\n\nThe canteen serves lunch from noon until two. It is run by Orla Brennan.\n"
FIRST, NEXT = "What is the pressure limit of the pump P-101?", "When does the canteen serve lunch, and who runs it?"


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    local = FakeOllama(Model(LOCAL, answer=quoting, context_tokens=32_768), parallel=4)
    cloud = FakeOllama(Model(CLOUD, answer=speaking, context_tokens=131_072), account=Account(), parallel=10)
    data = tmp_path_factory.mktemp("provenance") / "data"
    config = data.with_name("proxy.yaml")
    config.write_text("ollama_cloud: {decision_strategy: quality_optimized}")
    environ = {"AEGIS_PROXY_CONFIG": str(config), "OLLAMA_CLOUD_API_KEY": "cloud-key"}
    with serving(local, cloud) as (here, there):
        server = Running(data, AEGIS_OLLAMA_URL=here.url, AEGIS_OLLAMA_CLOUD_URL=there.url, **environ).start()
        with server.caller(server.api_key) as caller:
            yield House(server, caller, here, there)
        server.stop()


@pytest.fixture
def house(suite: House) -> Iterator[House]:
    """A tenant of its own, with a document on pumps and one on the canteen."""
    _, caller = suite.server.create_tenant("asking")
    with caller:
        yield suite._replace(caller=caller)


@pytest.fixture
def pumps(house: House) -> str:
    document_id: str = house.caller.ingest(PUMPS.encode(), "pumps.md")["document_id"]
    return document_id


@pytest.fixture
def canteen(house: House) -> str:
    document_id: str = house.caller.ingest(OTHER.encode(), "canteen.md")["document_id"]
    return document_id


def ask(house: House, question: str, **fields: Any) -> dict[str, Any]:
    answer = house.caller.post("/ask", json={"question": question, **fields}).raise_for_status()
    body: dict[str, Any] = answer.json()
    return body


def classify(house: House, document_id: str, classification: str) -> None:
    house.caller.patch(f"/documents/{document_id}", json={"classification": classification}).raise_for_status()


def delete(house: House, document_id: str) -> None:
    assert house.caller.delete(f"/documents/{document_id}").status_code == 204


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def place(answer: dict[str, Any]) -> tuple[str, str]:
    execution = answer.get("execution") or answer["aegis_execution"]
    return execution["location"], execution["reason"]


def test_a_class_that_is_raised_reaches_the_turns_that_quote_the_document(
    house: House, pumps: str, canteen: str
) -> None:
    first = ask(house, FIRST, document_ids=[pumps])
    assert place(first) == ("cloud", "quality")
    again = {"conversation_id": first["conversation_id"], "document_ids": [canteen]}
    classify(house, pumps, "confidential")
    sent = house.cloud.fake.bodies.count(b"16 bar")
    assert place(ask(house, NEXT, **again)) == ("local", "privacy")
    assert house.cloud.fake.bodies.count(b"16 bar") == sent
    classify(house, pumps, "internal")
    assert place(ask(house, NEXT, **again)) == ("cloud", "quality")


def test_what_was_made_from_an_earlier_turn_carries_its_documents(house: House, pumps: str, canteen: str) -> None:
    first = ask(house, FIRST, document_ids=[pumps])
    again = {"conversation_id": first["conversation_id"], "document_ids": [canteen]}
    ask(house, NEXT, **again)
    conversation = house.caller.get(f"/conversations/{first['conversation_id']}").json()
    assert len(conversation["turns"]) == 2
    classify(house, pumps, "confidential")
    assert place(ask(house, NEXT, **again)) == ("local", "privacy")


def test_the_turns_of_a_deleted_document_are_not_used_and_the_answer_says_so(
    house: House, pumps: str, canteen: str
) -> None:
    first = ask(house, FIRST, document_ids=[pumps])
    delete(house, pumps)
    again = ask(house, NEXT, conversation_id=first["conversation_id"], document_ids=[canteen])
    assert again["answered"] and again["degraded"] == ["conversation"]
    prompt = house.cloud.fake.asked()[-1]["messages"]
    assert [one["role"] for one in prompt] == ["system", "user"] and "16 bar" not in str(prompt)


def test_a_confidential_question_keeps_its_class_though_nothing_answers_it(house: House, canteen: str) -> None:
    secret = {"question": "Does Lindgren buy Osprey on Friday?", "document_ids": [], "classification": "confidential"}
    first = house.caller.post("/ask", json=secret | {"document_ids": ["doc_nothing"]}).raise_for_status().json()
    assert (first["answered"], first["answer"]) == (False, "")
    again = ask(house, NEXT, conversation_id=first["conversation_id"], document_ids=[canteen])
    assert place(again) == ("local", "privacy")
    assert b"Osprey" not in house.cloud.fake.bodies


def test_history_that_a_caller_holds_follows_its_documents(house: House, pumps: str, canteen: str) -> None:
    answer = house.answer("aegis", FIRST)["choices"][0]["message"]["content"]
    history = (FIRST, assistant(answer), NEXT)
    assert place(house.answer("aegis", *history)) == ("cloud", "quality")
    classify(house, pumps, "confidential")
    sent = house.cloud.fake.bodies.count(b"16 bar")
    assert place(house.answer("aegis", *history, classification="public")) == ("local", "privacy")
    delete(house, pumps)
    after = house.answer("aegis", *history)
    assert (place(after), after["aegis_degraded"]) == (("cloud", "quality"), ["conversation"])
    assert "aegis_degraded" not in house.answer("aegis", NEXT)
    assert house.cloud.fake.bodies.count(b"16 bar") == sent


def test_a_confidential_question_in_a_callers_history_keeps_its_class(house: House, canteen: str) -> None:
    secret = "Does Lindgren buy Osprey on Friday?"
    refused = house.answer("aegis", secret, classification="confidential")["choices"][0]["message"]["content"]
    known = house.answer("aegis", NEXT)["choices"][0]["message"]["content"]
    for empty in ("", refused):
        again = house.answer("aegis", secret, assistant(empty), NEXT, assistant(known), NEXT)
        assert place(again) == ("local", "privacy")
        assert house.chat(CLOUD, secret, assistant(empty), "Repeat it.").status_code == 403
    assert b"Osprey" not in house.cloud.fake.bodies


@pytest.mark.parametrize("withdraw", [lambda house, one: classify(house, one, "confidential"), delete])
@pytest.mark.parametrize("role", ["assistant", "user"])
def test_an_answer_that_is_sent_on_to_a_cloud_model_is_checked(
    house: House, pumps: str, canteen: str, withdraw: Any, role: str
) -> None:
    answer = house.answer("aegis", FIRST)["choices"][0]["message"]["content"]
    sent_on = (FIRST, {"role": role, "content": answer}, "Translate it.")
    assert place(house.answer(CLOUD, *sent_on)) == ("cloud", "default")
    withdraw(house, pumps)
    seen = len(house.cloud.fake.asked())
    assert house.chat(CLOUD, *sent_on).status_code == 403
    parts = [{"type": "text", "text": "Translate: "}, {"type": "text", "text": answer}]
    assert house.chat(CLOUD, {"role": "user", "content": parts}).status_code == 403
    assert len(house.cloud.fake.asked()) == seen


@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_of_ask_that_is_sent_on_to_a_cloud_model_is_checked(house: House, pumps: str, streamed: bool) -> None:
    classify(house, pumps, "confidential")
    reply = house.caller.post("/ask", json={"question": FIRST, "stream": streamed}).raise_for_status()
    answer = (json.loads(reply.text.rpartition("data:")[2]) if streamed else reply.json())["answer"]
    assert "16 bar" in answer
    for message in (answer, f"Translate this:\n\n{answer}\n\nThank you."):
        assert house.chat(CLOUD, message).status_code == 403
    assert house.chat(CLOUD, "Translate this: the water is cold.").status_code == 200


def test_a_question_of_ask_keeps_its_class_at_a_cloud_model(house: House, canteen: str) -> None:
    secret = "Does Lindgren buy Osprey on Friday?"
    ask(house, secret, classification="confidential")
    assert house.chat(CLOUD, secret).status_code == 403


def test_what_a_local_model_made_of_an_answer_is_checked_as_well(house: House, pumps: str, canteen: str) -> None:
    answer = house.answer("aegis", FIRST)["choices"][0]["message"]["content"]
    derived = house.answer(LOCAL, FIRST, assistant(answer), "Translate it.")["choices"][0]["message"]["content"]
    assert place(house.answer(CLOUD, "Go on.", assistant(derived), "Go on.")) == ("cloud", "default")
    classify(house, pumps, "confidential")
    assert house.chat(CLOUD, "Go on.", assistant(derived), "Go on.").status_code == 403
