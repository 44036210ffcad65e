"""Requests through API Gateway, function URLs and load balancers are answered as everywhere."""

import asyncio
import base64
import json
from typing import Any

import pytest

from events.envelope import encode
from shared.runtime.aws import web
from tests.shared.runtime.aws.invocations import Lambdas, unique_note
from tests.shared.runtime.aws.messages import Context, request

pytestmark = pytest.mark.xdist_group("lambda")


def problem(answer: Any, status: int) -> Any:
    assert answer["statusCode"] == status, answer
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert answer["isBase64Encoded"] is False
    return json.loads(answer["body"])


def test_a_public_route_is_answered(lambdas: Lambdas) -> None:
    answer = lambdas.invoke("formats", request("GET", "/formats"))
    assert answer["statusCode"] == 200
    assert answer["headers"]["x-request-id"] == "label-0001"
    assert any(item["extension"] == "md" for item in json.loads(answer["body"])["items"])


def test_the_name_of_a_stage_is_no_part_of_the_path(lambdas: Lambdas) -> None:
    assert lambdas.invoke("formats", request("GET", "/prod/formats", stage="prod"))["statusCode"] == 200
    problem(lambdas.invoke("formats", request("GET", "/production/formats", stage="prod")), 404)


def test_a_load_balancer_and_the_older_gateway_may_ask_too(lambdas: Lambdas) -> None:
    balanced = {
        "requestContext": {"elb": {"targetGroupArn": "arn"}},
        "httpMethod": "GET",
        "path": "/formats",
        "queryStringParameters": {},
        "headers": {"host": "example.org", "x-forwarded-for": "203.0.113.9"},
        "body": "",
        "isBase64Encoded": False,
    }
    older = {
        "resource": "/formats",
        "path": "/formats",
        "httpMethod": "GET",
        "headers": {"Host": "example.org"},
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "requestContext": {"identity": {"sourceIp": "203.0.113.9"}, "stage": "prod", "httpMethod": "GET"},
        "body": None,
        "isBase64Encoded": False,
    }
    assert lambdas.invoke("formats", balanced)["statusCode"] == 200
    assert lambdas.invoke("formats", older)["statusCode"] == 200


def test_a_client_cannot_choose_the_address_it_is_counted_by(lambdas: Lambdas) -> None:
    def remaining(forwarded: str) -> int:
        event = {
            "requestContext": {"elb": {"targetGroupArn": "arn"}},
            "httpMethod": "GET",
            "path": "/formats",
            "queryStringParameters": {},
            "headers": {"host": "example.org", "x-forwarded-for": forwarded},
            "body": "",
            "isBase64Encoded": False,
        }
        return int(lambdas.invoke("formats", event)["headers"]["x-ratelimit-remaining"])

    first = remaining("10.0.0.1, 198.51.100.7")
    assert remaining("10.0.0.2, 198.51.100.7") == first - 1


def test_a_call_without_a_credential_is_refused(lambdas: Lambdas) -> None:
    assert problem(lambdas.invoke("search", request("POST", "/search", '{"query": "x"}')), 401)["type"] == (
        "/problems/unauthenticated"
    )


def test_bytes_come_in_and_go_out_whole(lambdas: Lambdas) -> None:
    content = unique_note() + "ü\n".encode()
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="n.md"\r\n\r\n' + content + b"\r\n--x--\r\n"
    event = request("POST", "/upload", base64.b64encode(form).decode(), lambdas.api_key, isBase64Encoded=True)
    event["headers"]["content-type"] = "multipart/form-data; boundary=x"
    uploaded = lambdas.invoke("upload", event)
    assert uploaded["statusCode"] == 202, uploaded
    [stored] = lambdas.emitted("parse")
    path = f"/documents/{stored.subject}/original"
    answer = lambdas.invoke("documents", request("GET", path, key=lambdas.api_key))
    body = answer["body"]
    assert (base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()) == content


def test_a_stream_comes_as_one_piece(lambdas: Lambdas) -> None:
    stored = lambdas.intake("watched.md", unique_note())
    lambdas.travel(stored)
    path = f"/documents/{stored.subject}/events"
    answer = lambdas.invoke("documents", request("GET", path, key=lambdas.api_key))
    assert answer["headers"]["content-type"].startswith("text/event-stream")
    assert answer["body"].count("event: done") == 1


def test_a_stream_ends_before_its_invocation_does(lambdas: Lambdas) -> None:
    stored = lambdas.intake("waited-for.md", unique_note())
    asked = request("GET", f"/documents/{stored.subject}/events", key=lambdas.api_key)
    answer = lambdas.invoke("documents", asked, Context(seconds=2.5))
    assert (answer["statusCode"], answer["headers"]["content-type"].split(";")[0]) == (200, "text/event-stream")
    assert "event: done" not in answer.get("body", "")


def test_a_call_that_outlasts_its_invocation_is_told_so(lambdas: Lambdas, monkeypatch: pytest.MonkeyPatch) -> None:
    async def for_ever(*arguments: Any, **options: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(lambdas.services.gate, "admit", for_ever)
    asked = request("GET", "/documents", key=lambdas.api_key)
    body = problem(lambdas.invoke("documents", asked, Context(seconds=2.1)), 504)
    assert body["type"] == "/problems/deadline"


def test_a_body_over_5_mb_is_refused_and_the_inbox_named(lambdas: Lambdas) -> None:
    for body, encoded in (("x" * (web.LARGEST_BODY + 1), False), ("AAAA" * (web.LARGEST_BODY // 3 + 1), True)):
        event = request("POST", "/upload", body, lambdas.api_key, isBase64Encoded=encoded)
        answer = lambdas.invoke("upload", event)
        refusal = problem(answer, 413)
        assert refusal["type"] == "/problems/too-large"
        assert "t/{tenant}/inbox/" in refusal["detail"]
        assert answer["headers"]["x-request-id"] == "label-0001"


def test_an_answer_larger_than_lambda_sends_is_a_problem(lambdas: Lambdas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "_LARGEST_ANSWER", 500)
    body = problem(lambdas.invoke("formats", request("GET", "/formats")), 413)
    assert "more than the 500 bytes" in body["detail"]


def test_one_event_may_also_be_posted(lambdas: Lambdas) -> None:
    """A broker that speaks HTTP to a function URL gets the next event as the reply."""
    stored = lambdas.intake("posted.md", unique_note())
    event = request("POST", "/", encode(stored).decode())
    event["headers"]["content-type"] = "application/cloudevents+json"
    answer = lambdas.invoke("parse", event)
    assert (answer["statusCode"], json.loads(answer["body"])["subject"]) == (200, stored.subject)
