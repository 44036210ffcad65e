"""The graph at a prompt."""

from pathlib import Path

from tests.shared.terminal.conftest import Aegis
from tests.shared.terminal.fake_server import Answer, FakeServer, problem

LINES = b'{"kind":"merge","name":"Ada","other":"Ada Lovelace"}\n{"kind":"merge","name":"Po","other":"Padus"}\n'
MERGED = {"passages": 3, "merges": 2, "skipped": 0}


def test_a_graph_is_exported_as_the_server_sends_it(aegis: Aegis, served: FakeServer) -> None:
    served.on("GET", "/graph/export", Answer(headers={"Content-Type": "application/x-ndjson"}, pieces=[LINES]))
    assert aegis("graph", "export").out.encode() == LINES
    assert aegis("graph", "export", "--json").json == {"content": LINES.decode()}


def test_an_export_that_breaks_off_is_no_success(aegis: Aegis, served: FakeServer) -> None:
    served.on("GET", "/graph/export", Answer(pieces=[LINES], drop=True))
    assert aegis("graph", "export").exit == 6


def test_a_file_is_merged_and_counted(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "graph.jsonl").write_bytes(LINES)
    served.on("POST", "/graph/import", Answer(body=MERGED))
    assert aegis("graph", "import", "graph.jsonl", "--json").json == MERGED
    assert served.asked[-1].body == LINES
    assert served.asked[-1].headers["content-type"] == "application/x-ndjson"
    ended = aegis("graph", "import", "graph.jsonl")
    assert ended.exit == 0 and "passages" in ended.out and "3" in ended.out


def test_a_refused_file_names_its_line(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "graph.jsonl").write_bytes(b"{")
    errors = [{"pointer": "/1", "detail": "line 1 is no JSON"}]
    body = problem(400, "invalid-request", "The request is not valid", "Line 1 is no JSON.", errors=errors)
    served.on("POST", "/graph/import", Answer(400, body))
    ended = aegis("graph", "import", "graph.jsonl")
    assert ended.exit == 1 and "/1" in ended.err
    assert aegis("graph", "import", "missing.jsonl").exit == 2
