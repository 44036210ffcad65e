"""What a file would cost is told before it is sent for good."""

import json
from pathlib import Path

from tests.shared.terminal.conftest import Aegis
from tests.shared.terminal.fake_server import Answer, FakeServer

COST = {"low": 0.001, "high": 0.0025}
ESTIMATE = {
    "would": "accept",
    "reason": None,
    "route": "cpu",
    "pages": 3,
    "tokens": 812,
    "cost_usd": COST,
    "stages": [{"stage": "parse", "location": "cloud", "cost_usd": COST}],
}
REFUSED = ESTIMATE | {"would": "reject", "reason": {"code": "encrypted", "detail": "it has a password"}, "stages": []}


def test_a_file_is_sent_with_its_class_and_its_costs_are_told(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    served.on("POST", "/estimate", Answer(body=ESTIMATE))
    (tmp_path / "a.pdf").write_bytes(b"%PDF-")
    ended = aegis("estimate", tmp_path / "a.pdf", "--classification", "public")
    assert ended.exit == 0
    assert "3 pages, about 812 tokens, $0.001 to $0.0025" in ended.out and "parse  cloud" in ended.out
    (asked,) = served.requests("POST", "/estimate")
    assert asked.parts()["file"] == ("a.pdf", b"%PDF-") and asked.parts()["classification"] == (None, b"public")
    assert json.loads(aegis("estimate", tmp_path / "a.pdf", "--json").out)["tokens"] == 812


def test_a_file_that_would_be_rejected_fails(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    served.on("POST", "/estimate", Answer(body=REFUSED))
    (tmp_path / "a.pdf").write_bytes(b"%PDF-")
    ended = aegis("estimate", tmp_path / "a.pdf")
    assert ended.exit == 1 and "encrypted: it has a password" in ended.err
