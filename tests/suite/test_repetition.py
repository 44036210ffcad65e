"""The same `Idempotency-Key` twice: one call, one charge and one answer, of streams and of paid failures too."""

import time
from typing import Any

import httpx
import pytest

from tests.suite import test_chat
from tests.suite.test_chat import QUESTION, House
from tests.suite.test_models import CLOUD

house = test_chat.house
LIVELY = {"model": CLOUD, "messages": [{"role": "user", "content": "Hello there"}], "stream": True}
ASK = {"question": QUESTION, "stream": True}


def post(house: House, path: str, body: dict[str, Any], key: str) -> httpx.Response:
    return house.caller.post(path, json=body, headers={"Idempotency-Key": key})


def without_comments(answer: httpx.Response) -> list[str]:
    return [one for one in answer.text.split("\n\n") if not one.startswith(":")]


@pytest.mark.parametrize(("path", "body"), [("/v1/chat/completions", LIVELY), ("/ask", ASK)])
def test_a_stream_is_given_again_as_the_same_stream(path: str, body: dict[str, Any], house: House) -> None:
    first = post(house, path, body, f"stream {path}")
    asked = len(house.cloud.fake.asked())
    again = post(house, path, body, f"stream {path}")
    assert first.status_code == again.status_code == 200
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert again.headers["content-type"] == first.headers["content-type"]
    assert without_comments(again) == without_comments(first)
    assert len(house.cloud.fake.asked()) == asked
    other = post(house, path, {**body, "stream": False}, f"stream {path}")
    assert other.status_code == 422


def test_a_stream_whose_reader_left_is_finished_and_given_again(house: House) -> None:
    headers = {"Idempotency-Key": "lost connection"}
    asked = len(house.cloud.fake.asked())
    with house.caller.stream("POST", "/v1/chat/completions", json=LIVELY, headers=headers) as stream:
        assert stream.status_code == 200
    until = time.monotonic() + 60
    while (again := post(house, "/v1/chat/completions", LIVELY, "lost connection")).status_code == 409:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.text.rstrip().endswith("data: [DONE]")
    assert len(house.cloud.fake.asked()) == asked + 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_charged_failure_is_remembered_and_invites_no_retry(stream: bool, house: House) -> None:
    key, body = f"charged failure {stream}", {**LIVELY, "stream": stream}
    house.cloud.fake.next("cut")
    first = post(house, "/v1/chat/completions", body, key)
    asked = len(house.cloud.fake.asked())
    again = post(house, "/v1/chat/completions", body, key)
    assert again.headers["idempotent-replayed"] == "true"
    assert len(house.cloud.fake.asked()) == asked
    assert without_comments(again) == without_comments(first)
    if stream:
        assert '"error"' in first.text
        return
    for answer in (first, again):
        assert answer.status_code == 503
        assert answer.headers["x-should-retry"] == "false"
        assert "retry-after" not in answer.headers


def test_a_failure_that_cost_nothing_is_tried_again(house: House) -> None:
    body = {**LIVELY, "stream": False}
    house.cloud.fake.next("rate")
    assert post(house, "/v1/chat/completions", body, "free failure").status_code in (200, 429, 503)
    assert post(house, "/v1/chat/completions", body, "free failure").status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_quotes_a_deleted_document_is_not_given_again(stream: bool, house: House) -> None:
    text = f"The canary of shed {stream} is called Marmalade{stream}. It was born in 1997."
    document = house.caller.ingest(text.encode(), f"canary {stream}.md")
    body = {"question": f"How is the canary of shed {stream} called?", "stream": stream}
    key = f"canary {stream}"
    assert "Marmalade" in post(house, "/ask", body, key).text
    assert "Marmalade" in post(house, "/ask", body, key).text
    assert house.caller.delete(f"/documents/{document['document_id']}").status_code in (202, 204)
    assert "Marmalade" not in post(house, "/ask", body, key).text
