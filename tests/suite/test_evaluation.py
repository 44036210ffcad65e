"""The examples of the guide to evaluation, over the running suite."""

from pathlib import Path

import pytest

from shared.terminal.program import main
from tests.suite.running import Running

EXAMPLES = Path(__file__).parents[2] / "docs/examples"


@pytest.fixture
def suite_named(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEGIS_URL", server.url)
    monkeypatch.setenv("AEGIS_API_KEY", server.api_key)


@pytest.mark.usefixtures("suite_named")
def test_the_example_of_answers_is_answered_and_leaves_nothing(server: Running, tmp_path: Path) -> None:
    limits = ("precision=0.6", "recall=1", "found=1", "citation_precision=1", "quote_overlap=0.9")
    least = [word for limit in limits for word in ("--at-least", limit)]
    assert main(["eval", "answers", str(EXAMPLES / "evaluation"), "--delete", "--report", str(tmp_path), *least]) == 0
    assert "| recall | 1.000 |" in (tmp_path / "report.md").read_text()
    with server.caller(server.api_key) as caller:
        names = {one["filename"] for one in caller.get("/documents").json()["items"] if one["status"] != "deleting"}
    assert not names & {"boat-hire.md", "bootsverleih.txt"}


@pytest.mark.usefixtures("suite_named")
def test_the_example_of_search_finds_what_is_relevant() -> None:
    arguments = ["--delete", "--at-least", "recall@10=1", "--at-least", "ndcg@10=0.8"]
    assert main(["eval", "retrieval", str(EXAMPLES / "retrieval"), *arguments]) == 0
