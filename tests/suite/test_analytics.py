"""What users ask is counted for their admin, by whatever route it came."""

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
