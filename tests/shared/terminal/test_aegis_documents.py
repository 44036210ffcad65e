"""Looking at documents, and what happens to them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.shared.terminal.conftest import Aegis
from tests.shared.terminal.fake_server import Answer, Asked, FakeServer, document, stream

RUN = "import sys; from shared.terminal.program import main; sys.exit(main())"

STAGES = [
    {"stage": "parse", "status": "done", "attempts": 1, "seconds": 0.25, "cost_usd": 0, "reason": None},
    {
        "stage": "chunk",
        "status": "failed",
        "attempts": 5,
        "seconds": None,
        "cost_usd": 0.000012,
        "reason": {"code": "internal", "detail": "away"},
    },
]
WHOLE = document("doc_1", "failed", pages=3, reason={"code": "internal", "detail": "away"}, stages=STAGES)


def pages_of(count: int) -> Any:
    """A list of that many documents, in pages as the contract cuts them."""

    def page(asked: Asked) -> Answer:
        first, limit = int(asked.query.get("cursor", 0)), int(asked.query["limit"])
        assert 1 <= limit <= 100
        last = min(first + limit, count)
        items = [document(f"doc_{number}", "ready") for number in range(first, last)]
        return Answer(body={"items": items, "next_cursor": str(last) if last < count else None})

    return page


def test_a_list_takes_as_many_pages_as_it_needs(aegis: Aegis, served: FakeServer) -> None:
    served.on("GET", "/documents", pages_of(230))
    found = aegis("documents", "list", "--limit", "210", "--json").json
    assert [item["document_id"] for item in found["items"]] == [f"doc_{number}" for number in range(210)]
    assert found["next_cursor"] == "210"
    rest = aegis("documents", "list", "--cursor", "210", "--limit", "500", "--json").json
    assert (len(rest["items"]), rest["next_cursor"]) == (20, None)


def test_a_list_is_a_table_that_other_programs_can_read(aegis: Aegis, served: FakeServer) -> None:
    title = "A title that is much longer than any terminal is wide " * 4
    served.on(
        "GET", "/documents", Answer(body={"items": [document("doc_1", "ready", title=title)], "next_cursor": "x"})
    )
    ended = aegis("documents", "list", "--limit", "1")
    head, row = ended.out.splitlines()
    assert head.startswith("document_id  status  title")
    assert row.startswith(f"doc_1        ready   {title.strip()}")
    assert "there are more" in ended.err


def test_an_empty_list_says_so(aegis: Aegis, served: FakeServer) -> None:
    served.on("GET", "/documents", pages_of(0))
    ended = aegis("documents", "list")
    assert (ended.exit, ended.out, ended.err) == (0, "", "no documents\n")


def test_a_title_cannot_forge_a_row_or_steer_the_terminal(aegis: Aegis, served: FakeServer) -> None:
    wild = document("doc_1", "ready", title="a\n\x1b[1mdoc_2\tready\u2028")
    served.on("GET", "/documents", Answer(body={"items": [wild], "next_cursor": None}))
    ended = aegis("documents", "list")
    assert len(ended.out.splitlines()) == 2
    assert r"a\x0a\x1b[1mdoc_2\x09ready\u2028" in ended.out


def test_a_document_is_shown_with_its_stages(aegis: Aegis, served: FakeServer) -> None:
    served.on("GET", "/documents/doc_1", Answer(body=WHOLE))
    ended = aegis("documents", "show", "doc_1")
    assert ended.exit == 0
    assert "internal: away" in ended.out
    assert ended.out.splitlines()[-1].split()[:5] == ["chunk", "failed", "5", "-", "0.000012"]
    assert aegis("documents", "show", "doc_1", "--json").json == WHOLE


@pytest.mark.parametrize(("status", "code"), [("ready", 0), ("rejected", 1), ("failed", 1)])
def test_a_watch_ends_with_the_documents_end(aegis: Aegis, served: FakeServer, status: str, code: int) -> None:
    final = document("doc_1", status)
    steps = [("stage", {"stage": "parse", "status": "done"}), ("waiting", {"waiting_for": "budget"})]
    served.on("GET", "/documents/doc_1/events", stream(*steps, ("done", final)))
    served.on("GET", "/documents/doc_1", Answer(body=final))
    ended = aegis("documents", "watch", "doc_1", "--json")
    assert (ended.exit, ended.json) == (code, final)
    assert ended.err.splitlines() == ["parse done", "waiting for budget"]


def test_content_goes_into_a_file_as_it_is_and_onto_a_terminal_made_visible(aegis: Aegis, served: FakeServer) -> None:
    text = "# Title\r\n\tcode \x1b[31mred\n"
    served.on("GET", "/documents/doc_1/content", Answer(body=text.encode(), headers={"Content-Type": "text/markdown"}))
    assert aegis("documents", "content", "doc_1", "--json").json == {"document_id": "doc_1", "content": text}
    command = [sys.executable, "-c", RUN, "documents", "content", "doc_1"]
    assert subprocess.run(command, capture_output=True).stdout == text.encode()
    ours, theirs = os.openpty()
    subprocess.run(command, stdout=theirs, check=True)
    os.close(theirs)
    printed = os.read(ours, 4096)
    os.close(ours)
    assert b"\\x1b[31mred" in printed
    assert b"\x1b" not in printed


def test_a_retry_waits_for_the_new_end(aegis: Aegis, served: FakeServer) -> None:
    final = document("doc_1", "ready")
    served.on("POST", "/documents/doc_1/retry", Answer(202, document("doc_1", "stored")))
    served.on("GET", "/documents/doc_1/events", stream(("done", final)))
    served.on("GET", "/documents/doc_1", Answer(body=final))
    ended = aegis("documents", "retry", "doc_1", "--from", "embed", "--max-cost-usd", "0.5", "--json")
    assert (ended.exit, ended.json) == (0, final)
    assert served.requests("POST", "/documents/doc_1/retry")[0].json == {"from": "embed", "max_cost_usd": 0.5}
    ended = aegis("documents", "retry", "doc_1", "--no-wait", "--json")
    assert (ended.exit, ended.json["status"]) == (0, "stored")


def test_a_deletion_says_whether_it_is_done(aegis: Aegis, served: FakeServer) -> None:
    served.on("DELETE", "/documents/doc_1", Answer(204), Answer(202, {"status": "deleting"}))
    assert aegis("documents", "delete", "doc_1", "--json").json == {"document_id": "doc_1", "status": "deleted"}
    assert aegis("documents", "delete", "doc_1", "--json").json == {"document_id": "doc_1", "status": "deleting"}
    assert aegis("documents", "delete", "doc_1").out == "doc_1 is being deleted\n"


def test_an_unknown_document_is_not_found(aegis: Aegis, served: FakeServer) -> None:
    ended = aegis("documents", "show", "doc_2")
    assert (ended.exit, ended.out) == (1, "")
    assert "There is nothing here" in ended.err


def test_what_a_document_lost_is_said_where_it_is_shown_and_uploaded(
    aegis: Aegis, served: FakeServer, tmp_path: Path
) -> None:
    lossy = document("doc_1", "ready", text_share=0.972, hidden_words=12, parser="paged")
    whole = document("doc_2", "ready", text_share=0.99, hidden_words=0, parser="paged")
    old = document("doc_3", "ready")
    for found in (lossy, whole, old):
        served.on("GET", f"/documents/{found['document_id']}", Answer(body=found))
    ended = aegis("documents", "show", "doc_1")
    note = "only 97.2 % of its words are in its content; 12 hidden words were left out"
    assert ended.err == f"note: {note}\n"
    assert "text share" in ended.out and "0.972" in ended.out and "paged" in ended.out
    assert aegis("documents", "show", "doc_2").err == aegis("documents", "show", "doc_3").err == ""
    (tmp_path / "a.md").write_text("# A")
    served.on("POST", "/upload", Answer(200, lossy))
    assert f"a.md: {note}" in aegis("ingest", tmp_path / "a.md").err
