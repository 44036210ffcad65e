"""A title is one line that can be shown, wherever it comes from."""

import base64
import json

import pytest

from tests.suite.running import Caller, Running

BAD = "Plan\x00 \x1b[31mred\r\nSet-Cookie: a\u202egpj.exe\u2066"
GOOD = "Plan [31mred Set-Cookie: agpj.exe"


@pytest.fixture(scope="module")
def admin(server: Running) -> Caller:
    return server.create_tenant("titles")[1]


def title_of(admin: Caller, document_id: str) -> str:
    return str(admin.final(document_id)["title"])


def test_of_an_upload(admin: Caller) -> None:
    uploaded = admin.upload(b"# Heading\n\nText of an upload.", title=BAD).json()
    assert title_of(admin, uploaded["document_id"]) == GOOD


def test_of_an_event(admin: Caller) -> None:
    content = base64.b64encode(b"# Heading\n\nText of an event.").decode()
    data = {"filename": "note.md", "title": BAD, "content_base64": content}
    event = {"specversion": "1.0", "id": "1", "source": "/test", "type": "aegis.document.submitted.v1", "data": data}
    headers = {"Content-Type": "application/cloudevents+json"}
    answer = admin.post("/events", content=json.dumps(event), headers=headers)
    assert answer.status_code == 202, answer.text
    assert title_of(admin, answer.json()["document_id"]) == GOOD


def test_of_a_change(admin: Caller) -> None:
    document_id = admin.ingest(b"# Heading\n\nText of a change.")["document_id"]
    assert admin.patch(f"/documents/{document_id}", json={"title": BAD}).json()["title"] == GOOD
    assert admin.patch(f"/documents/{document_id}", json={"title": "\u202e\u2066"}).status_code == 400


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("note.md", "---\ntitle: Red\u202e\x1b[0m\n---\n\nText of a front matter."),
        ("page.html", "<title>Red\u202e&#27;[0m</title><p>Text of a page.</p>"),
        ("data.json", json.dumps({"title": "Red\u202e\x1b[0m", "text": "Text of an object."})),
        ("notes.org", "#+TITLE: Red\u202e\x1b[0m\n\nText of notes."),
        ("mail.eml", "Subject: Red\u202e\x1b[0m\nFrom: a@example.com\n\nText of a mail."),
    ],
)
def test_that_was_found_in_a_document(filename: str, content: str, admin: Caller) -> None:
    assert admin.ingest(content.encode(), filename)["title"] == "Red[0m"
