"""Events of outside producers at `POST /events`, in the forms that SDKs send."""

import base64
import json
from typing import Any

import httpx
import pytest

from tests.suite.running import Caller

STRUCTURED = "application/cloudevents+json"
DATA = {"filename": "crane.txt", "content_base64": "VGhlIGNyYW5lIGxpZnRzIDMgdG9ubmVzLg=="}
ATTRIBUTES = {"specversion": "1.0", "type": "aegis.document.submitted.v1", "source": "/erp", "id": "e-1"}
BINARY = {f"ce-{name}": value for name, value in ATTRIBUTES.items()} | {"content-type": "application/json"}


def send(caller: Caller, event: dict[str, Any], media_type: str = STRUCTURED) -> httpx.Response:
    return caller.post("/events", content=json.dumps(event), headers={"content-type": media_type})


def test_every_form_of_an_event_submits_the_document(tenant: Caller) -> None:
    encoded = base64.b64encode(json.dumps(DATA).encode()).decode()
    answers = [
        send(tenant, {**ATTRIBUTES, "data": DATA}),
        send(tenant, {**ATTRIBUTES, "data_base64": encoded, "datacontenttype": "application/json"}),
        tenant.post("/events", content=json.dumps(DATA), headers=BINARY),
    ]
    assert all(answer.status_code in (200, 202) for answer in answers), [answer.text for answer in answers]
    [document_id] = {answer.json()["document_id"] for answer in answers}
    assert tenant.final(document_id)["filename"] == "crane.txt"


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_event_without_a_required_attribute_is_refused(name: str, tenant: Caller) -> None:
    for bad in ({**ATTRIBUTES, name: ""}, {key: value for key, value in ATTRIBUTES.items() if key != name}):
        assert send(tenant, {**bad, "data": DATA}).status_code == 400
        binary = {f"ce-{key}": value for key, value in bad.items()} | {"content-type": "application/json"}
        assert tenant.post("/events", content=json.dumps(DATA), headers=binary).status_code == 400
    assert tenant.get("/documents").json()["items"] == []


def test_what_is_in_no_form_of_an_event_is_refused_by_its_media_type(tenant: Caller) -> None:
    for media_type in ("text/plain", "application/cloudevents-batch+json", "application/xml"):
        assert send(tenant, {**ATTRIBUTES, "data": DATA}, media_type).status_code == 415
    assert send(tenant, {**ATTRIBUTES, "data": DATA}, "application/json").status_code == 400, "no ce- headers"


def _structured(members: str) -> str:
    return json.dumps(ATTRIBUTES)[:-1] + f", {members}}}"


UNREADABLE = {
    "a key twice": _structured('"id": "e-2", "data": ' + json.dumps(DATA)),
    "a key of the data twice": _structured('"data": {"filename": "a.txt", "filename": "b.txt", "content_base64": ""}'),
    "deep": _structured('"data": ' + "[" * 100 + "]" * 100),
    "many values": _structured('"data": [' + "[]," * 200_000 + "[]]"),
    "many values in base64": _structured(
        f'"data_base64": "{base64.b64encode(b"[" + b"[]," * 200_000 + b"[]]").decode()}"'
    ),
    "no object": "[]",
    "no JSON": "{",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_an_event_that_cannot_be_read_is_refused_before_it_becomes_objects(body: str, tenant: Caller) -> None:
    for media_type in (STRUCTURED, "application/json"):
        headers = {**BINARY, "content-type": media_type}
        answer = tenant.post("/events", content=body, headers=headers)
        assert answer.status_code == 400, answer.text
