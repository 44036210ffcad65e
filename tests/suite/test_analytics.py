"""What users ask and how they rate the answers is counted for their admin, by whatever route it came."""

from pathlib import Path
from typing import Any

from tests.suite.running import Running

TEXT = b"# Halls\n\nThe Quetzalcoatlus is kept in hall nine.\n"
ASKED = "Where is the Quetzalcoatlus kept?"
UNKNOWN = "What does the pension of a miner in Chile amount to?"


def test_questions_of_each_route_are_counted_and_the_unanswered_are_named(server: Running) -> None:
    _, admin = server.create_tenant("asked")
    with admin:
        document = admin.ingest(TEXT)
        document_id = document["document_id"]
        answered = admin.post("/ask", json={"question": ASKED}).raise_for_status().json()
        missed = admin.post("/ask", json={"question": UNKNOWN}).raise_for_status().json()
        assert answered["answered"] and not missed["answered"]
        chat = {"model": "aegis", "messages": [{"role": "user", "content": ASKED}]}
        admin.post("/v1/chat/completions", json=chat).raise_for_status()
        admin.post("/ask", json={"question": ASKED, "stream": True}).raise_for_status()
        admin.post("/search", json={"query": ASKED}).raise_for_status()
        found = admin.get("/analytics").raise_for_status().json()
        assert (found["questions"], found["unanswered"], found["unanswered_rate"]) == (4, 1, 0.25)
        assert found["unanswered_requests"] == [missed["request_id"]]
        assert found["days"][-1]["questions"] == 4
        assert found["documents"] == [{"document_id": document_id, "citations": 3}]
        assert found["latency"]["p95_ms"] >= found["latency"]["p50_ms"] >= 0
        assert found["extraction"] == {"documents": 1, "entities": document["entities"]}
        assert admin.get("/analytics", params={"from": "2026-13-01"}).status_code == 400


def test_a_rating_counts_once_for_each_caller_and_is_no_other_tenants(server: Running) -> None:
    _, admin = server.create_tenant("rated")
    _, stranger = server.create_tenant("a stranger")
    with admin, stranger, server.caller(admin.create_key(role="reader")["api_key"]) as reader:
        first = admin.post("/ask", json={"question": ASKED}, headers={"X-Request-ID": "the-label-1"})
        request_id = first.raise_for_status().json()["request_id"]
        rate(reader, 204, request_id=request_id, rating="up")
        rate(reader, 204, request_id="the-label-1", rating="down", comment="Hall ten, since May.")
        rate(reader, 204, request_id=request_id, rating="down")
        rate(admin, 204, request_id=request_id, rating="up")
        for wrong in ({"rating": "sideways"}, {"rating": "up", "comment": "x" * 4001}):
            rate(reader, 400, request_id=request_id, **wrong)
        rate(stranger, 404, request_id=request_id, rating="up")
        assert admin.get("/analytics").json()["feedback"] == {"up": 1, "down": 1}
        assert stranger.get("/analytics").json()["feedback"] == {"up": 0, "down": 0}
        listed = admin.get("/usage/ledger", params={"request_id": "the-label-1"}).raise_for_status().json()
        assert [(one["rating"], one["comment"]) for one in listed["feedback"]] == [
            ("up", None),
            ("down", "Hall ten, since May."),
        ]
        assert stranger.get("/usage/ledger", params={"request_id": request_id}).json()["feedback"] == []
        assert "feedback" not in admin.get("/usage/ledger").json()
    assert "Hall ten" not in "".join(read_all(server.data / "blobs" / "book"))


def rate(caller: Any, status: int, **fields: str) -> None:
    answer = caller.post("/feedback", json=fields)
    assert answer.status_code == status, answer.text


def read_all(folder: Path) -> list[str]:
    return [path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file()]
