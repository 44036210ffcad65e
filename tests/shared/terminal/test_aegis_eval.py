"""Measuring answers and search results at a prompt."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.shared.terminal.conftest import Aegis
from tests.shared.terminal.fake_server import Answer, Asked, FakeServer, problem, stream
from tests.shared.terminal.test_aegis_ask import ANSWER, CITATION
from tests.shared.terminal.test_aegis_ingest import accepts

QUESTIONS = (
    {"id": "1", "question": "How many valves?", "gold": ["two valves"], "document": "a.md"},
    {"id": "2", "question": "How many pistons?"},
)


@pytest.fixture
def a_set(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    (folder / "documents").mkdir(parents=True)
    (folder / "documents" / "a.md").write_text("It has two valves.")
    (folder / "questions.jsonl").write_text("\n".join(json.dumps(line) for line in QUESTIONS))
    return folder


def suite(server: FakeServer, *, refuses_pistons: bool = True) -> None:
    """A server that takes files and answers whatever is asked, or not what is asked of pistons."""
    accepts(server)

    def ask(asked: Asked) -> Answer:
        (document_id,) = asked.json["document_ids"]
        refused = refuses_pistons and "pistons" in asked.json["question"]
        citation = {**CITATION, "document_id": document_id}
        done = {**ANSWER, "citations": [citation], "answer": "Two valves [1]."}
        if refused:
            done |= {"answered": False, "answer": "", "citations": []}
        passages = [{"document_id": document_id, "text": "It has two valves."}]
        return stream(("retrieved", {"passages": passages}), ("done", done))

    server.on("POST", "/ask", ask)


def test_answers_are_measured_and_reported(aegis: Aegis, served: FakeServer, a_set: Path, tmp_path: Path) -> None:
    suite(served)
    ended = aegis("eval", "answers", a_set, "--report", tmp_path / "one", "--at-least", "recall=1")
    assert ended.exit == 0
    rows = {line.split()[0]: line.split()[1] for line in ended.out.splitlines()[1:]}
    assert {rows[name] for name in ("precision", "recall", "refusal_recall", "found")} == {"1.0000"}
    assert (tmp_path / "one" / "outcomes.svg").exists()
    suite(served, refuses_pistons=False)
    ended = aegis("eval", "answers", a_set, "--report", tmp_path / "two", "--at-least", "refusal_recall=0.5", "--json")
    assert ended.exit == 1
    assert ended.json["items"][1]["outcome"] == "invented"
    assert "refusal_recall is 0.0000, less than 0.5" in ended.err
    compared = aegis("eval", "answers", "--compare", tmp_path / "one", tmp_path / "two", "--json").json
    assert [item["id"] for item in compared["worse"]] == ["2"]
    text = aegis("eval", "answers", "--compare", tmp_path / "one", tmp_path / "two").out
    assert "Of 2 questions 0 went better and 1 worse" in text


def test_a_model_judges_through_the_proxy_and_its_cost_is_told(aegis: Aegis, served: FakeServer, a_set: Path) -> None:
    suite(served)

    def judge(asked: Asked) -> Answer:
        assert asked.json["model"] == "a-judge"
        name = asked.json["response_format"]["json_schema"]["name"]
        if name == "faithfulness":
            assert "[1] It has two valves." in asked.json["messages"][1]["content"]
            reply: Any = {"statements": [{"statement": "Two valves.", "supported": True}]}
        else:
            reply = {"questions": ["How many valves has it?", "What has two valves?"]}
        message = {"role": "assistant", "content": json.dumps(reply)}
        return Answer(body={"choices": [{"message": message}], "usage": {"cost_usd": 0.00002}})

    def embed(asked: Asked) -> Answer:
        vectors = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
        return Answer(body={"data": [{"embedding": vector} for vector in vectors[: len(asked.json["input"])]]})

    served.on("POST", "/v1/chat/completions", judge)
    served.on("POST", "/v1/embeddings", embed)
    ended = aegis("eval", "answers", a_set, "--judge", "a-judge", "--json")
    assert ended.exit == 0
    assert {name: ended.json["measures"][name]["value"] for name in ("faithfulness", "relevance")} == {
        "faithfulness": 1.0,
        "relevance": 0.5,
    }
    assert len(served.requests("POST", "/v1/chat/completions")) == 2  # the refusal is not judged
    assert "the judge a-judge cost $0.00004" in ended.err
    ended = aegis("eval", "answers", a_set, "--judge", "a-judge", "--max-cost-usd", "0", "--json")
    assert "1 answers were not judged" in ended.err
    assert "faithfulness" not in ended.json["measures"]
    served.on("POST", "/v1/chat/completions", Answer(402, problem(402, "budget-exceeded", "Over budget")))
    assert aegis("eval", "answers", a_set, "--judge", "a-judge").exit == 5


def test_search_is_measured_by_the_documents_of_the_set(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    """Two texts that are one document to the suite stand at one rank after the other."""
    accepts(served)
    (tmp_path / "qrels").mkdir()
    corpus = [{"_id": name, "title": f"Title {name}", "text": text} for name, text in zip("abc", "xxy", strict=True)]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    (tmp_path / "queries.jsonl").write_text('{"_id": "1", "text": "why?"}')
    (tmp_path / "qrels" / "test.tsv").write_text("q\td\tg\n1\tb\t1\n")

    def search(asked: Asked) -> Answer:
        ids = asked.json["document_ids"]
        for one in ids:
            served.on("DELETE", f"/documents/{one}", Answer(204))
        return Answer(body={"passages": [{"document_id": one, "text": "t"} for one in (ids[0], ids[0], ids[1])]})

    served.on("POST", "/search", search)
    ended = aegis("eval", "retrieval", tmp_path, "--json", "--delete")
    assert ended.json["items"][0]["found"] == ["a", "b", "c"]
    assert ended.json["measures"]["mrr@10"]["value"] == 0.5
    titles = {asked.parts()["title"][1] for asked in served.requests("POST", "/upload")}
    assert titles == {b"Title a", b"Title b", b"Title c"}
    assert [asked.method for asked in served.asked].count("DELETE") == 2


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (("answers",), 2, "Missing argument 'SET'"),
        (("answers", "."), 2, "questions.jsonl cannot be read"),
        (("retrieval", "."), 2, "test.tsv cannot be read"),
        (("answers", ".", "--at-least", "recall"), 2, "no measure and number"),
        (("answers", ".", "--at-least", "recall=nan"), 2, "no measure and number"),
        (("answers", ".", "--at-least", "foo=2"), 2, "there is no measure foo; there are precision, recall"),
        (("answers", ".", "--at-least", "relevance=0.5"), 2, "there is no measure relevance"),
        (("answers", ".", "--judge", "m", "--at-least", "relevance=0.5"), 2, "questions.jsonl cannot be read"),
        (("retrieval", ".", "--at-least", "ndcg=0.5"), 2, "there is no measure ndcg; there are ndcg@10"),
        (("answers", "--compare", ".", "."), 2, "run.json cannot be read"),
    ],
)
def test_what_cannot_be_measured_is_named(
    aegis: Aegis, served: FakeServer, arguments: tuple[str, ...], exit_code: int, message: str
) -> None:
    ended = aegis("eval", *arguments)
    assert ended.exit == exit_code
    assert message in ended.err
    assert not served.asked


def test_a_document_that_the_suite_rejects_ends_the_evaluation(aegis: Aegis, served: FakeServer, a_set: Path) -> None:
    reason = {"code": "corrupt", "detail": "no"}
    accepts(served, lambda name, content: {"status": "rejected", "reason": reason})
    ended = aegis("eval", "answers", a_set)
    assert ended.exit == 1
    assert "1 of 1 documents could not be ingested" in ended.err
