"""What one tenant does, another can neither see nor feel."""

import http.client
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.suite.running import Caller, Running

CANARY = "Xylophagous-9042"
OURS = {
    "harbour.md": "# The harbour\n\nThe harbour of Varde takes ships of 90 metres. Its pilot is called Maren Holst.\n",
    "lighthouse.md": "# The lighthouse\n\nThe lighthouse was lit in 1858 and stands 46 metres above the harbour.\n",
    "ferry.txt": "The ferry crosses every 20 minutes and takes 30 cars. In winter it stays in the harbour at night.\n",
}
THEIRS = [
    f"# {CANARY} {number}\n\nThe harbour, the lighthouse and the ferry of {CANARY} number {number} carry {number * 7} "
    f"ships. Their pilot is called {CANARY}; the lighthouse was lit in {1700 + number}.\n"
    for number in range(12)
]
QUESTIONS = ("Who is the pilot of the harbour?", "lighthouse 1858", "How many cars does the ferry take?", CANARY)
MODES = ("hybrid", "vector")


@dataclass
class Asked:
    """What our tenant heard before and after the other's uploads."""

    admin: Caller
    other: Caller
    before: dict[Any, bytes]
    after: dict[Any, bytes]


def searches(caller: Caller) -> dict[Any, bytes]:
    """Whole answers, byte by byte."""
    return {
        (question, mode): caller.post("/search", json={"query": question, "mode": mode}).raise_for_status().content
        for question in QUESTIONS
        for mode in MODES
    }


@pytest.fixture(scope="module")
def asked(server: Running) -> Iterator[Asked]:
    _, admin = server.create_tenant("ours")
    _, other = server.create_tenant("theirs")
    for filename, text in OURS.items():
        assert admin.ingest(text.encode(), filename)["status"] == "ready"
    before = searches(admin)
    uploads = [
        other.upload(text.encode(), f"{CANARY} {number}.md", title=f"{CANARY} {number}")
        for number, text in enumerate(THEIRS)
    ]
    for upload in uploads:
        assert other.final(upload.raise_for_status().json()["document_id"])["status"] == "ready"
    yield Asked(admin, other, before, searches(admin))
    admin.close()
    other.close()


def test_another_tenants_uploads_change_neither_order_nor_scores(asked: Asked) -> None:
    assert asked.after == asked.before
    assert all(b'"score":' in answer for (question, _), answer in asked.before.items() if question != CANARY)


def test_the_other_tenant_finds_its_own(asked: Asked) -> None:
    """Else nothing here would be proven."""
    assert len(asked.other.search(CANARY, limit=50)) >= len(THEIRS)


def test_no_answer_shows_another_tenants_text(asked: Asked) -> None:
    answers = list(asked.after.values())
    for question in QUESTIONS:
        answers.append(asked.admin.post("/ask", json={"question": question}).raise_for_status().content)
    for path in ("/documents", "/keys", "/failed"):
        answers.append(asked.admin.get(path).raise_for_status().content)
    assert [answer for answer in answers if CANARY.encode() in answer] == []


def test_no_stream_shows_another_tenants_text(asked: Asked) -> None:
    mine = asked.admin.get("/documents").json()["items"][0]["document_id"]
    streams = [asked.admin.get(f"/documents/{mine}/events").raise_for_status().text]
    for question in QUESTIONS:
        answer = asked.admin.post("/ask", json={"question": question, "stream": True}).raise_for_status()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.text.rstrip().rpartition("event: ")[2].startswith("done")
        streams.append(answer.text)
    assert [stream for stream in streams if CANARY in stream] == []


def test_metrics_name_no_tenant_and_no_text(asked: Asked, nobody: Caller, server: Running) -> None:
    metrics = nobody.get("/metrics").raise_for_status().text
    assert "request_duration_seconds_bucket" in metrics
    assert CANARY not in metrics
    assert "ten_" not in metrics and "doc_" not in metrics


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_metrics_are_not_routed_from_outside(nobody: Caller, header: str) -> None:
    assert nobody.get("/metrics", headers={header: "192.0.2.1"}).status_code == 404


@pytest.mark.parametrize("path", ["//metrics", "/metrics/", "/%6detrics", "/./metrics", "/metrics//"])
def test_metrics_have_one_spelling(path: str, server: Running) -> None:
    """A front refuses `/metrics`, and passes what it reads as another path."""
    address = urlsplit(server.url)
    with closing(http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 404
        assert b"request_duration" not in answer.read()


def test_the_log_holds_no_text_no_question_and_no_key(asked: Asked, server: Running) -> None:
    asked.admin.get("/documents", params={CANARY: CANARY})
    asked.admin.get(f"/{CANARY}")
    asked.admin.get("/documents", headers={"Authorization": f"Bearer {CANARY}"})
    asked.admin.post("/search", content=CANARY.encode(), headers={"Content-Type": "application/json"})
    asked.other.upload(b"\x00\x01" + CANARY.encode(), f"{CANARY}.md")
    log = server.log_after_a_call()
    assert '"tenant":"ten_' in log
    for secret in (CANARY, "Maren Holst", "pilot", asked.admin.key, asked.other.key, server.operator_key):
        assert secret and secret not in log
