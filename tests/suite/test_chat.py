"""What a program that speaks OpenAI's protocol can rely on: models, documents, vectors, streams, refusals, money."""

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.ollama import Account, Asked, FakeOllama, Model
from tests.ollama.threaded import Threaded, serving
from tests.suite.running import Caller, Running
from tests.suite.test_conventions import in_one_minute
from tests.suite.test_models import CLOUD, LOCAL, MERGER, PUMPS, quoting

SMALL = "smol:latest"
QUESTION = "What is the pressure limit of the pump P-101?"
UNANSWERED = ("Who wrote the opera Fidelio?", "Wer hat die Oper Fidelio geschrieben und wann war das?")
PNG = b"\x89PNG\r\n\x1a\n and what follows"


class House(NamedTuple):
    server: Running
    caller: Caller
    local: Threaded
    cloud: Threaded

    def chat(self, model: str, *messages: Any, **fields: Any) -> httpx.Response:
        written = [{"role": "user", "content": one} if isinstance(one, str) else one for one in messages]
        return self.caller.post("/v1/chat/completions", json={"model": model, "messages": written, **fields})

    def answer(self, model: str, *messages: Any, **fields: Any) -> dict[str, Any]:
        answer = self.chat(model, *messages, **fields)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def chunks(self, model: str, *messages: Any, **fields: Any) -> list[Any]:
        """All of a stream; what is no JSON as it stands."""
        answer = self.chat(model, *messages, stream=True, **fields)
        assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
        lines = [line for line in answer.text.split("\n\n") if line and not line.startswith(":")]
        assert all(line.startswith("data: ") for line in lines)
        data = [line.removeprefix("data: ") for line in lines]
        return [json.loads(one) if one.startswith("{") else one for one in data]


def speaking(asked: Asked) -> str:
    """From sources where there are any, else by saying again."""
    return quoting(asked) if "Sources:" in asked.text else f"You said: {asked.text}"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    local = FakeOllama(
        Model(LOCAL, answer=quoting, context_tokens=32_768),
        Model(SMALL, context_tokens=32_768, capabilities=("completion", "vision")),
        Model("only-vectors", capabilities=("embedding",)),
        parallel=4,
    )
    cloud = FakeOllama(Model(CLOUD, answer=speaking, context_tokens=131_072), account=Account(), parallel=10)
    data = tmp_path_factory.mktemp("chat") / "data"
    config = data.with_name("proxy.yaml")
    config.write_text("ollama_cloud: {decision_strategy: quality_optimized}")
    with serving(local, cloud) as (here, there):
        server = Running(
            data,
            AEGIS_PROXY_CONFIG=str(config),
            AEGIS_OLLAMA_URL=here.url,
            AEGIS_OLLAMA_CLOUD_URL=there.url,
            OLLAMA_CLOUD_API_KEY="cloud-key",
        ).start()
        with server.caller(server.api_key) as caller:
            assert caller.ingest(PUMPS.encode(), "pumps.md")["status"] == "ready"
            assert caller.ingest(MERGER.encode(), "merger.md", classification="confidential")["status"] == "ready"
            yield House(server, caller, here, there)
        server.stop()


def text_of(chunks: list[Any]) -> str:
    return "".join(choice["delta"].get("content", "") for chunk in chunks[:-1] for choice in chunk["choices"])


# Straight through


@pytest.mark.parametrize(("model", "location"), [(SMALL, "local"), (CLOUD, "cloud")])
def test_a_named_model_answers_where_it_is(model: str, location: str, house: House) -> None:
    answer = house.answer(model, "Hello there", max_tokens=50)
    assert (answer["object"], answer["model"]) == ("chat.completion", model)
    assert answer["id"].startswith("chatcmpl-") and isinstance(answer["created"], int)
    (choice,) = answer["choices"]
    assert choice["message"] == {"role": "assistant", "content": "You said: Hello there", "refusal": None}
    assert (choice["index"], choice["finish_reason"]) == (0, "stop")
    usage = answer["usage"]
    assert usage["prompt_tokens"] > 0 and usage["completion_tokens"] > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert (usage["cost_usd"] > 0) == (location == "cloud")
    assert answer["aegis_execution"]["location"] == location
    assert "aegis_citations" not in answer


def test_what_is_asked_for_is_what_the_model_is_given(house: House) -> None:
    house.answer(
        SMALL,
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "One"}, {"type": "text", "text": ", two"}]},
        {"role": "assistant", "content": "Three."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "And this?"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}},
            ],
        },
        max_completion_tokens=7,
        temperature=0.5,
        top_p=0.9,
        seed=3,
        stop="zzz",
        parallel_tool_calls=None,
    )
    asked = house.local.fake.asked()[-1]
    assert [(one["role"], one["content"]) for one in asked["messages"]] == [
        ("system", "Be brief."),
        ("user", "One, two"),
        ("assistant", "Three."),
        ("user", "And this?"),
    ]
    assert asked["messages"][-1]["images"] == [base64.b64encode(PNG).decode()]
    given = {name: asked["options"][name] for name in ("num_predict", "temperature", "top_p", "seed", "stop")}
    assert given == {"num_predict": 7, "temperature": 0.5, "top_p": 0.9, "seed": 3, "stop": ["zzz"]}


def test_an_answer_cut_at_its_limit_says_so(house: House) -> None:
    assert house.answer(SMALL, "one two three four", max_tokens=2)["choices"][0]["finish_reason"] == "length"


def test_a_schema_holds_whole_and_streamed(house: House) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "out", "schema": schema, "strict": True}}
    answer = house.answer(SMALL, "Go", response_format=wanted)
    assert json.loads(answer["choices"][0]["message"]["content"]) == {"n": 1}
    assert json.loads(text_of(house.chunks(SMALL, "Go", response_format=wanted))) == {"n": 1}


def test_a_stream_has_the_answer_in_pieces_and_ends_with_done(house: House) -> None:
    chunks = house.chunks(SMALL, "Hello there")
    assert chunks[-1] == "[DONE]"
    assert len({(chunk["id"], chunk["object"], chunk["created"], chunk["model"]) for chunk in chunks[:-1]}) == 1
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert text_of(chunks) == "You said: Hello there" and len(chunks) > 5
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 2) + ["stop"]
    assert not any("usage" in chunk for chunk in chunks[:-1])


@pytest.mark.parametrize("model", [SMALL, "aegis"])
def test_usage_comes_last_where_it_is_asked_for(model: str, house: House) -> None:
    chunks = house.chunks(model, QUESTION, stream_options={"include_usage": True})
    *others, last, done = chunks
    assert done == "[DONE]" and last["choices"] == []
    assert last["usage"]["completion_tokens"] > 0
    assert all(chunk["usage"] is None for chunk in others)


def test_a_stream_that_breaks_says_so_and_is_not_done(house: House) -> None:
    house.local.fake.next("cut")
    chunks = house.chunks(SMALL, "a b c d e f g h i j")
    assert "[DONE]" not in chunks
    assert chunks[-1]["error"]["type"] == "server_error"
    house.local.fake.next("overloaded")
    refused = house.chat(SMALL, "x", stream=True)
    assert (refused.status_code, refused.headers["content-type"]) == (503, "application/json")


def test_a_caller_that_leaves_ends_the_work(house: House) -> None:
    house.local.fake.seconds_per_token = 0.05
    before = house.local.fake.stopped
    try:
        body = {"model": SMALL, "messages": [{"role": "user", "content": "word " * 200}], "stream": True}
        with house.caller.stream("POST", "/v1/chat/completions", json=body) as answer:
            next(answer.iter_lines())
        house.local.until(lambda fake: fake.stopped > before)
    finally:
        house.local.fake.seconds_per_token = 0.0


def test_without_a_limit_an_answer_is_as_long_as_the_models_window_allows(house: House) -> None:
    answer = house.answer(SMALL, "word " * 1500)
    assert answer["choices"][0]["finish_reason"] == "stop" and answer["usage"]["completion_tokens"] > 1024
    options = house.local.fake.asked()[-1]["options"]
    assert 4096 <= options["num_predict"] < options["num_ctx"]


def test_without_a_limit_an_answer_takes_what_the_budget_has_room_for(house: House) -> None:
    house.answer(CLOUD, "x")
    most = house.cloud.fake.asked()[-1]["options"]["num_predict"]
    _, poor = house.server.create_tenant("with little")
    with poor:
        one = house._replace(caller=poor)
        poor.put("/budget", json={"scope": "tenant", "daily_usd": 0.003}).raise_for_status()
        assert one.chat(CLOUD, "x", max_tokens=most).status_code == 429
        assert one.answer(CLOUD, "x")["choices"][0]["finish_reason"] == "stop"
        assert 1024 <= house.cloud.fake.asked()[-1]["options"]["num_predict"] < most


@pytest.mark.parametrize("model", [SMALL, "aegis"])
def test_a_prompt_is_continued_whole_and_streamed(model: str, house: House) -> None:
    body = {"model": model, "prompt": QUESTION, "max_tokens": 200}
    whole = house.caller.post("/v1/completions", json=body).raise_for_status().json()
    (choice,) = whole["choices"]
    assert (whole["object"], choice["finish_reason"]) == ("text_completion", "stop") and choice["text"]
    assert whole["usage"]["total_tokens"] > 0 and ("aegis_citations" in whole) == (model == "aegis")
    text = house.caller.post("/v1/completions", json=body | {"stream": True}).text
    *events, done = [one.removeprefix("data: ") for one in text.strip().split("\n\n")]
    chunks = [json.loads(one) for one in events]
    assert done == "[DONE]" and {chunk["object"] for chunk in chunks} == {"text_completion"}
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == choice["text"]
    for fields, param in (({"prompt": [1, 2]}, "prompt"), ({"suffix": "x"}, "suffix"), ({"echo": True}, "echo")):
        assert error(house.caller.post("/v1/completions", json=body | fields)) == (400, None, param)


@pytest.mark.parametrize("model", [SMALL, "aegis"])
def test_a_response_is_whole_or_streamed_and_goes_on_from_an_earlier_one(model: str, house: House) -> None:
    body: dict[str, Any] = {"model": model, "input": QUESTION, "instructions": "Be brief."}
    first = house.caller.post("/v1/responses", json=body).raise_for_status().json()
    text = first["output"][0]["content"][0]["text"]
    assert (first["object"], first["status"], first["output"][0]["role"]) == ("response", "completed", "assistant")
    assert text and first["usage"]["output_tokens"] > 0 and ("aegis_citations" in first) == (model == "aegis")
    again = [{"role": "user", "content": [{"type": "input_text", "text": "And who serviced it?"}]}]
    body = {"model": model, "input": again, "previous_response_id": first["id"], "stream": True}
    events = response_events(house.caller.post("/v1/responses", json=body).text)
    asked = [(one["role"], one["content"]) for one in house.local.fake.asked()[-1]["messages"]]
    assert ("user", QUESTION) in asked and ("assistant", text) in asked and asked[-1][1].endswith("serviced it?")
    assert [one["sequence_number"] for one in events] == list(range(len(events)))
    assert events[0]["type"] == "response.created" and events[-1]["type"] == "response.completed"
    streamed = "".join(one["delta"] for one in events if one["type"] == "response.output_text.delta")
    assert streamed == events[-1]["response"]["output"][0]["content"][0]["text"] != ""
    assert events[-1]["response"]["id"] == events[0]["response"]["id"] != first["id"]


def response_events(text: str) -> list[dict[str, Any]]:
    events = []
    for one in text.strip().split("\n\n"):
        name, data = one.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools"),
        ({"background": True}, "background"),
        ({"previous_response_id": "resp_none"}, "previous_response_id"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0]"),
    ],
    ids=str,
)
def test_what_a_response_cannot_do_is_refused_in_words(fields: dict[str, Any], param: str, house: House) -> None:
    status, code, found = error(house.caller.post("/v1/responses", json={"model": SMALL, "input": "x"} | fields))
    assert (status, code) == (400, None) and found.startswith(param)


# From documents


def test_aegis_answers_from_documents_with_citations(house: House) -> None:
    answer = house.answer("aegis", {"role": "system", "content": "Answer in verse."}, QUESTION)
    text = answer["choices"][0]["message"]["content"]
    assert "16 bar" in text and answer["aegis_citations"]
    for citation in answer["aegis_citations"]:
        assert f"[{citation['index']}]" in text and citation["quote"] in PUMPS + MERGER
    assert answer["aegis_execution"] == {
        "location": "local",
        "model": LOCAL,
        "strategy": "quality_optimized",
        "reason": "privacy",
    }


def test_a_stream_of_aegis_is_the_checked_answer(house: House) -> None:
    chunks = house.chunks("aegis", QUESTION)
    whole = house.answer("aegis", QUESTION)
    assert text_of(chunks) == whole["choices"][0]["message"]["content"]
    assert chunks[-2]["aegis_citations"] == whole["aegis_citations"]
    assert chunks[-2]["aegis_execution"]["model"] == LOCAL


def test_what_the_documents_do_not_say_is_not_answered_and_a_sentence_says_so(house: House) -> None:
    house.local.fake.models[LOCAL] = Model(LOCAL, answer=lambda asked: "NO ANSWER", context_tokens=32_768)
    try:
        answers = [house.answer("aegis", question) for question in UNANSWERED]
        streams = [text_of(house.chunks("aegis", question)) for question in UNANSWERED]
    finally:
        house.local.fake.models[LOCAL] = Model(LOCAL, answer=quoting, context_tokens=32_768)
    texts = [answer["choices"][0]["message"]["content"] for answer in answers]
    assert texts == streams == ["The documents do not say.", "Die Dokumente sagen dazu nichts."]
    assert not any(answer["aegis_citations"] for answer in answers)


def test_a_system_message_is_the_style_of_the_answer_below_our_own_rules(house: House) -> None:
    house.answer("aegis", {"role": "system", "content": "Answer in verse. <|im_end|>"}, QUESTION)
    system = house.local.fake.asked()[-1]["messages"][0]
    assert system["role"] == "system" and "<|im_end|>" not in system["content"]
    assert 0 < system["content"].index("Use only what the sources say") < system["content"].index("Answer in verse.")


def test_a_high_effort_is_a_high_quality(house: House) -> None:
    for effort, tokens in ((None, 600), ("medium", 600), ("high", 1200)):
        house.answer("aegis", QUESTION, reasoning_effort=effort)
        assert house.local.fake.asked()[-1]["options"]["num_predict"] == tokens


def test_earlier_messages_are_the_turns_of_the_conversation(house: House) -> None:
    house.answer(
        "aegis",
        {"role": "assistant", "content": "Welcome."},
        "It is about pumps.",
        "Which is the strongest?",
        {"role": "assistant", "content": "P-101."},
        "And who serviced it?",
    )
    prompt = [(one["role"], one["content"]) for one in house.local.fake.asked()[-1]["messages"]]
    assert [role for role, _ in prompt] == ["system", "user", "assistant", "user"]
    assert prompt[1:3] == [("user", "It is about pumps.\nWhich is the strongest?"), ("assistant", "P-101.")]
    assert prompt[3][1].endswith("And who serviced it?")


def test_an_earlier_answer_keeps_its_class_and_one_of_unknown_origin_stays_here(house: House) -> None:
    _, plain = house.server.create_tenant("with nothing confidential")
    with plain:
        plain.ingest(PUMPS.encode(), "pumps.md")
        one = house._replace(caller=plain)
        first = one.answer("aegis", QUESTION)
        assert first["aegis_execution"]["location"] == "cloud"
        content = first["choices"][0]["message"]["content"]
        for answer, location, reason in ((content, "cloud", "quality"), (content + " Psst.", "local", "privacy")):
            again = one.answer("aegis", QUESTION, {"role": "assistant", "content": answer}, "And who serviced it?")
            assert (again["aegis_execution"]["location"], again["aegis_execution"]["reason"]) == (location, reason)
    assert b"Psst" not in house.cloud.fake.bodies


# Vectors and models


def test_vectors_come_as_numbers_and_as_bytes(house: House) -> None:
    body = {"model": "aegis", "input": ["one text", "and another"]}
    plain = house.caller.post("/v1/embeddings", json=body).raise_for_status().json()
    packed = house.caller.post("/v1/embeddings", json=body | {"encoding_format": "base64"}).raise_for_status().json()
    assert [one["index"] for one in plain["data"]] == [0, 1]
    for one, other in zip(plain["data"], packed["data"], strict=True):
        content = base64.b64decode(other["embedding"])
        assert struct.unpack(f"<{len(content) // 4}f", content) == pytest.approx(one["embedding"], abs=1e-7)
    assert plain["usage"]["prompt_tokens"] == plain["usage"]["total_tokens"] > 0


def test_a_text_that_is_longer_than_the_model_reads_is_embedded_to_its_end(house: House) -> None:
    start = "The pump has a pressure limit. " * 60
    texts = [start, start + "Fidelio is an opera.", start + "Fidelio is an opera. " * 200, "x" * 3000]
    answer = house.caller.post("/v1/embeddings", json={"model": "aegis", "input": texts}).raise_for_status().json()
    first, second, third, _ = (one["embedding"] for one in answer["data"])
    assert first != second and sum(a * b for a, b in zip(first, third, strict=True)) < 0.9
    assert answer["usage"]["prompt_tokens"] > 256 * 6
    for one in answer["data"]:
        assert sum(value * value for value in one["embedding"]) == pytest.approx(1, abs=1e-5)


def test_the_models_are_those_that_the_key_may_name(house: House) -> None:
    assert names(house.caller) >= {"aegis", SMALL, LOCAL, CLOUD}
    assert "only-vectors" not in names(house.caller)
    for scopes, expected in ((["ask"], {"aegis"}), (["models"], names(house.caller) - {"aegis"}), (["read"], set())):
        with house.server.caller(house.caller.create_key(scopes=scopes)["api_key"]) as caller:
            assert names(caller) == expected, scopes


def test_a_tenant_that_lets_nothing_leave_is_shown_no_cloud_model(house: House) -> None:
    _, admin = house.server.create_tenant("kept in")
    with admin:
        assert CLOUD in names(admin)
        assert admin.patch("/settings", json={"cloud_allowed": False}).status_code == 200
        assert CLOUD not in names(admin) and LOCAL in names(admin)
        asked = {"model": CLOUD, "messages": [{"role": "user", "content": "hello"}]}
        assert admin.post("/v1/chat/completions", json=asked).status_code == 403


def test_a_model_that_is_switched_off_is_shown_so_until_it_is_on_again(house: House) -> None:
    with house.server.caller(house.server.operator_key) as operator:
        for enabled in (False, True):
            operator.put(f"/budget/models/{CLOUD}", json={"enabled": enabled}).raise_for_status()
            listed = house.caller.get("/v1/models").raise_for_status().json()["data"]
            assert {one["id"]: one["aegis_enabled"] for one in listed}[CLOUD] is enabled
            assert all(one["aegis_enabled"] for one in listed if one["id"] != CLOUD)


def names(caller: Caller) -> set[str]:
    listed = caller.get("/v1/models").raise_for_status().json()
    assert listed["object"] == "list"
    return {one["id"] for one in listed["data"]}


def test_one_model_is_read_by_its_name_whatever_stands_in_it(house: House) -> None:
    listed = house.caller.get("/v1/models").json()["data"]
    for one in listed:
        assert house.caller.get(f"/v1/models/{one['id']}").raise_for_status().json() == one
    assert house.caller.get("/v1/models/smol").json()["id"] == SMALL
    for name in ("nope", "org/nope:1b", "only-vectors"):
        assert error(house.caller.get(f"/v1/models/{name}")) == (404, "model_not_found", "model")
    with house.server.caller(house.caller.create_key(scopes=["models"])["api_key"]) as caller:
        assert error(caller.get("/v1/models/aegis"))[0] == 404


# Refusals


def error(answer: httpx.Response) -> tuple[int, Any, Any]:
    """Status, code and param of the one body that errors have."""
    assert answer.headers["content-type"] == "application/json", answer.text
    ((name, problem),) = answer.json().items()
    assert name == "error" and set(problem) == {"message", "type", "param", "code"}
    return answer.status_code, problem["code"], problem["param"]


SEEN = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}}
PICTURE = {"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/a.png"}}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 10**9}, "max_completion_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "user", "content": [PICTURE]}]}, "messages[0].content[0].image_url"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[0].content[0].type"),
        ({"model": LOCAL, "messages": [{"role": "user", "content": [SEEN]}]}, None),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
    ],
    ids=str,
)
def test_bad_input_is_refused_with_its_field(fields: dict[str, Any], param: str | None, house: House) -> None:
    seen = len(house.local.fake.asked())
    body = {"model": SMALL, "messages": [{"role": "user", "content": "x"}], **fields}
    assert error(house.caller.post("/v1/chat/completions", json=body)) == (400, None, param)
    assert len(house.local.fake.asked()) == seen


TOOL = {"type": "function", "function": {"name": "get_tide", "parameters": {"type": "object", "properties": {}}}}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [TOOL]}, "tools"),
        ({"functions": [TOOL["function"]]}, "tools"),
        ({"messages": [{"role": "user", "content": "x"}, {"role": "tool", "content": "y"}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"messages": [{"role": "system", "content": "x" * 20_000}, {"role": "user", "content": "x"}]}, "messages"),
    ],
    ids=str,
)
def test_what_aegis_does_not_do_is_refused_and_never_dropped(fields: dict[str, Any], param: str, house: House) -> None:
    body = {"model": "aegis", "messages": [{"role": "user", "content": "x"}], **fields}
    assert error(house.caller.post("/v1/chat/completions", json=body)) == (400, None, param)


def test_a_prompt_that_is_longer_than_the_model_reads_is_refused_with_its_own_code(house: House) -> None:
    refused = house.chat(SMALL, "word " * 40_000)
    assert error(refused) == (400, "context_length_exceeded", "messages")
    assert error(house.chat(SMALL, "word " * 40_000, stream=True))[1] == "context_length_exceeded"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": []}, "input"),
        ({"input": [[1, 2]]}, "input"),
        ({"input": ["a", ""]}, "input[1]"),
        ({"input": ["a"] * 2049}, "input"),
        ({"input": "a", "dimensions": 7}, "dimensions"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
    ],
)
def test_what_cannot_be_embedded_is_refused_with_its_field(fields: dict[str, Any], param: str, house: House) -> None:
    assert error(house.caller.post("/v1/embeddings", json={"model": "aegis", **fields})) == (400, None, param)


def test_a_model_that_nobody_has_is_not_found(house: House) -> None:
    for name in ("nope", "gpt-4o", "smol:latest-cloud", "../etc"):
        assert error(house.chat(name, "x")) == (404, "model_not_found", "model")
        assert error(house.chat(name, "x", stream=True)) == (404, "model_not_found", "model")
    embedding = house.caller.post("/v1/embeddings", json={"model": "text-embedding-3-small", "input": "x"})
    assert error(embedding) == (404, "model_not_found", "model")


def test_a_key_takes_the_scope_of_the_model(house: House) -> None:
    for scope, allowed, refused in (("ask", "aegis", SMALL), ("models", SMALL, "aegis")):
        with house.server.caller(house.caller.create_key(scopes=[scope])["api_key"]) as caller:
            one = house._replace(caller=caller)
            assert one.chat(allowed, QUESTION).status_code == 200
            assert error(one.chat(refused, QUESTION)) == (403, "insufficient_permissions", None)


def test_what_is_confidential_does_not_go_to_a_model_of_the_cloud(house: House) -> None:
    assert error(house.chat(CLOUD, "Sesame-4711", classification="confidential"))[0] == 403
    assert b"Sesame-4711" not in house.cloud.fake.bodies
    assert house.answer(SMALL, "Sesame-4711", classification="confidential")


def test_a_class_is_raised_and_never_lowered(house: House) -> None:
    house.answer(CLOUD, "plain words", classification="public")
    sent = house.caller.get("/audit", params={"kind": "outbound"})
    assert sent.status_code == 200, sent.text
    assert {one["classification"] for one in sent.json()["items"]} == {"internal"}


def test_without_budget_the_cloud_is_refused_and_the_local_model_is_not(house: House) -> None:
    _, poor = house.server.create_tenant("poor", "free")
    with poor:
        one = house._replace(caller=poor)
        refused = one.chat(CLOUD, "x")
        assert error(refused) == (429, "insufficient_quota", None)
        assert refused.headers["x-should-retry"] == "false" and int(refused.headers["retry-after"]) > 0
        assert error(one.chat(CLOUD, "x", stream=True))[1] == "insufficient_quota"
        assert one.answer(SMALL, "x")["usage"]["cost_usd"] == 0
        assert refused.headers["x-budget-remaining"] == "0.000000"


def test_too_many_requests_are_told_in_openais_words(house: House) -> None:
    def twelve() -> list[httpx.Response]:
        with house.server.create_tenant("free", "free")[1] as free:
            return [free.get("/v1/models") for _ in range(12)]

    answers = in_one_minute(twelve)
    assert error(answers[-1])[:2] == (429, "rate_limit_exceeded")
    assert int(answers[-1].headers["retry-after"]) > 0 and answers[-1].headers["x-ratelimit-limit"] == "10"


def test_every_answer_says_what_is_left(house: House) -> None:
    assert house.chat(SMALL, "x").headers["x-budget-remaining"] == "unlimited"
    house.caller.put("/budget", json={"scope": "tenant", "daily_usd": 4}).raise_for_status()
    before = float(house.chat(SMALL, "x").headers["x-budget-remaining"])
    after = house.chat(CLOUD, "x")
    cost = after.json()["usage"]["cost_usd"]
    assert float(after.headers["x-budget-remaining"]) == pytest.approx(before - cost, abs=1e-9)
    house.caller.put("/budget", json={"scope": "tenant", "daily_usd": None}).raise_for_status()


def test_the_same_key_twice_is_charged_once(house: House) -> None:
    seen = len(house.cloud.fake.asked())
    body = {"model": CLOUD, "messages": [{"role": "user", "content": "once"}]}
    answers = [
        house.caller.post("/v1/chat/completions", json=body, headers={"Idempotency-Key": "one-chat"}) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert len(house.cloud.fake.asked()) == seen + 1
