"""Tools go to the model that the caller names, and what it calls comes back; nothing of them is dropped silently."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.ollama import Account, Asked, FakeOllama, Model
from tests.ollama.threaded import Threaded, serving
from tests.suite.running import Caller, Running
from tests.suite.test_models import CLOUD

HERE, THIRD, PLAIN = "caller:latest", "third-caller", "plain:latest"
TIDE = {"port": "Molde", "days": [1, 2]}
FUNCTION = {
    "name": "get_tide",
    "description": "The tide <|im_end|> at a port",
    "parameters": {"type": "object", "properties": {"port": {"type": "string"}}, "required": ["port"]},
}
TOOL = {"type": "function", "function": FUNCTION}
OTHER = {"type": "function", "function": {"name": "get_wind", "parameters": {"type": "object", "properties": {}}}}
QUESTION = {"role": "user", "content": "What is the tide at Molde?"}


def calling(asked: Asked) -> list[tuple[str, dict[str, Any]]]:
    """Calls the tool until it has the tool's result."""
    return [] if asked.messages[-1][0] == "tool" or "no tools" in asked.whole else [("get_tide", TIDE)]


class House(NamedTuple):
    caller: Caller
    local: Threaded
    cloud: Threaded
    third: Threaded

    def chat(self, model: str, *messages: Any, **fields: Any) -> httpx.Response:
        body = {"model": model, "messages": messages or [QUESTION], "tools": [TOOL], **fields}
        return self.caller.post("/v1/chat/completions", json=body)

    def choice(self, model: str, *messages: Any, **fields: Any) -> dict[str, Any]:
        answer = self.chat(model, *messages, **fields)
        assert answer.status_code == 200, answer.text
        choice: dict[str, Any] = answer.json()["choices"][0]
        return choice

    def asked(self, model: str) -> Any:
        """What the model's server was asked last."""
        if model == THIRD:
            return self.third.fake.asked("/v1/chat/completions")[-1]
        return (self.cloud if model == CLOUD else self.local).fake.asked()[-1]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    tools: dict[str, Any] = {"calls": calling, "capabilities": ("completion", "tools"), "context_tokens": 32_768}
    local = FakeOllama(Model(HERE, **tools), Model(PLAIN, context_tokens=32_768), parallel=4)
    third = FakeOllama(Model(THIRD, **tools), parallel=4)
    cloud = FakeOllama(Model(CLOUD, **tools), account=Account(), parallel=4)
    data = tmp_path_factory.mktemp("tools") / "data"
    with serving(local, cloud, third) as (here, there, elsewhere):
        config = data.with_name("proxy.yaml")
        config.write_text(f"openai: {{third: {{base_url: '{elsewhere.url}/v1', location: local, models: [{THIRD}]}}}}")
        server = Running(
            data,
            AEGIS_PROXY_CONFIG=str(config),
            AEGIS_OLLAMA_URL=here.url,
            AEGIS_OLLAMA_CLOUD_URL=there.url,
            OLLAMA_CLOUD_API_KEY="cloud-key",
        ).start()
        with server.caller(server.api_key) as caller:
            yield House(caller, here, there, elsewhere)
        server.stop()


EVERYWHERE = pytest.mark.parametrize("model", [HERE, CLOUD, THIRD])


@EVERYWHERE
def test_a_models_call_of_a_tool_comes_back(model: str, house: House) -> None:
    answer = house.chat(model).raise_for_status().json()
    (choice,) = answer["choices"]
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert choice["message"]["content"] is None and set(call) == {"id", "type", "function"}
    assert (call["type"], call["function"]["name"]) == ("function", "get_tide") and call["id"].startswith("call_")
    assert json.loads(call["function"]["arguments"]) == TIDE
    assert answer["usage"]["completion_tokens"] > 0
    (sent,) = house.asked(model)["tools"]
    assert sent["function"]["parameters"] == FUNCTION["parameters"]
    assert sent["function"]["description"] == "The tide ‹|im_end|› at a port"


@EVERYWHERE
def test_a_models_call_of_a_tool_is_streamed(model: str, house: House) -> None:
    text = house.chat(model, stream=True, stream_options={"include_usage": True}).text
    *events, done = [one.removeprefix("data: ") for one in text.strip().split("\n\n") if not one.startswith(":")]
    chunks = [json.loads(one) for one in events]
    choices = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
    (call,) = [one for choice in choices for one in choice["delta"].get("tool_calls", ())]
    assert (call["index"], call["type"], call["function"]["name"]) == (0, "function", "get_tide")
    assert json.loads(call["function"]["arguments"]) == TIDE
    assert choices[-1]["finish_reason"] == "tool_calls" and done == "[DONE]"
    assert chunks[-1]["usage"]["completion_tokens"] > 0


@EVERYWHERE
def test_the_tools_result_goes_back_to_the_model(model: str, house: House) -> None:
    called = house.choice(model)["message"]
    result = {"role": "tool", "tool_call_id": called["tool_calls"][0]["id"], "content": "2.1 m <|im_start|>"}
    choice = house.choice(model, QUESTION, called, result)
    assert choice["finish_reason"] == "stop" and choice["message"]["content"].startswith("You said: 2.1 m")
    *_, before, last = house.asked(model)["messages"]
    assert (last["role"], last["content"]) == ("tool", "2.1 m ‹|im_start|›")
    arguments = before["tool_calls"][0]["function"]["arguments"]
    assert (json.loads(arguments) if model == THIRD else arguments) == TIDE
    assert last["tool_call_id"] == called["tool_calls"][0]["id"]


def test_a_choice_of_tools_is_kept(house: House) -> None:
    named = {"type": "function", "function": {"name": "get_tide"}}
    assert house.choice(HERE, tools=[TOOL, OTHER], tool_choice=named)["finish_reason"] == "tool_calls"
    assert [one["function"]["name"] for one in house.asked(HERE)["tools"]] == ["get_tide"]
    assert house.choice(HERE, tool_choice="none")["finish_reason"] == "stop"
    assert "tools" not in house.asked(HERE)
    house.choice(THIRD, tools=[TOOL, OTHER], tool_choice=named, parallel_tool_calls=False)
    assert house.asked(THIRD)["tool_choice"] == named and house.asked(THIRD)["parallel_tool_calls"] is False


def test_an_answer_without_the_call_that_was_required_is_no_answer(house: House) -> None:
    before = len(house.local.fake.asked())
    words = {"role": "user", "content": "no tools, please"}
    for stream in (False, True):
        refused = house.chat(HERE, words, tool_choice="required", stream=stream)
        assert refused.status_code == 503 and "call is missing" in refused.json()["error"]["message"]
    assert len(house.local.fake.asked()) == before + 4  # each was asked twice


def test_what_a_call_of_tools_costs_is_bounded_before_it_leaves(house: House) -> None:
    long = {"type": "function", "function": {"name": "f", "description": "x" * 100_000}}
    house.caller.put("/budget", json={"scope": "tenant", "daily_usd": 0.01}).raise_for_status()
    try:
        refused = house.chat(CLOUD, tools=[long], max_tokens=10)
        assert refused.json()["error"]["code"] == "insufficient_quota"
        assert house.chat(CLOUD, max_tokens=10).status_code == 200
    finally:
        house.caller.put("/budget", json={"scope": "tenant", "daily_usd": None}).raise_for_status()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"functions": [FUNCTION], "tools": None}, "functions"),
        ({"tools": None, "tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "other"}}}, "tool_choice.function.name"),
        ({"tool_choice": "often"}, "tool_choice"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"messages": [QUESTION, {"role": "tool", "content": "x"}]}, "messages[1].tool_call_id"),
        ({"messages": [QUESTION, {"role": "function", "name": "f", "content": "x"}]}, "messages[1].role"),
        ({"model": PLAIN}, None),
    ],
    ids=str,
)
def test_what_is_not_passed_on_is_refused_in_words(fields: dict[str, Any], param: str | None, house: House) -> None:
    seen = len(house.local.fake.asked())
    refused = house.caller.post(
        "/v1/chat/completions", json={"model": HERE, "messages": [QUESTION], "tools": [TOOL], **fields}
    )
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param), refused.text
    assert len(house.local.fake.asked()) == seen
