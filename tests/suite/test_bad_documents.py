"""Documents that are damaged, disguised or made to harm: each ends with a reason, and nobody else notices."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from msgspec import Struct

from tests.documents.bad import ANYTHING, PARSED, Bad, corpus
from tests.suite.health_probe import HealthProbe
from tests.suite.running import FINAL, Caller, Running

AT_ONCE = {400, 413, 415, 422}
CODES = {
    "encrypted", "corrupt", "empty", "too-many-pages", "too-large-expanded", "too-deep", "time-limit", "memory-limit",
    "ocr-unavailable", "needs-libreoffice", "unsupported-format",
}  # fmt: skip
WITHIN_S = 600


class Ended(Struct, frozen=True):
    """Of every file that was sent: the answer, and the document where there is one. And how long /health took."""

    answers: dict[str, httpx.Response]
    documents: dict[str, dict[str, Any]]
    health_ms: list[float]


def sample() -> list[Bad]:
    """Every third of those that must come to a certain end, and some of the rest; none that only takes long to read."""
    files = [bad for bad in corpus(pages=True) if not (PARSED in bad.ends and len(bad.content) > 100_000)]
    certain = [bad for bad in files if bad.ends != ANYTHING]
    return certain[::3] + [bad for bad in files if bad.ends == ANYTHING][::12]


@pytest.fixture(scope="module")
def caller(server: Running) -> Iterator[Caller]:
    _, caller = server.create_tenant("bad documents")
    yield caller
    caller.close()


@pytest.fixture(scope="module")
def ended(server: Running, caller: Caller) -> Ended:
    """All sent one after the other, and waited for together."""
    probe = HealthProbe(server.url, server.pid)
    try:
        answers = {bad.name: caller.upload(bad.content, bad.name) for bad in sample()}
        taken = {name: answer.json()["document_id"] for name, answer in answers.items() if answer.is_success}
        until = time.monotonic() + WITHIN_S
        documents = {name: caller.final(each, until - time.monotonic()) for name, each in taken.items()}
    finally:
        health_ms = probe.end()
    return Ended(answers, documents, health_ms)


def test_each_is_refused_at_once_or_becomes_a_document_that_ends(ended: Ended) -> None:
    statuses = {name: answer.status_code for name, answer in ended.answers.items()}
    assert {name: status for name, status in statuses.items() if status not in {200, 202, *AT_ONCE}} == {}
    assert {document["status"] for document in ended.documents.values()} <= set(FINAL) - {"failed"}
    assert len(ended.documents) > 40


def test_a_rejection_tells_a_reason_of_the_contract(ended: Ended) -> None:
    rejected = [document for document in ended.documents.values() if document["status"] == "rejected"]
    assert len(rejected) > 20
    assert {document["reason"]["code"] for document in rejected} <= CODES
    assert all(document["reason"]["detail"] for document in rejected)


def test_each_comes_to_the_end_that_it_must(ended: Ended) -> None:
    expected = {bad.name: bad.ends for bad in sample()}
    ends = {name: _end(document) for name, document in ended.documents.items()}
    assert {name: end for name, end in ends.items() if end not in expected[name]} == {}


def _end(document: dict[str, Any]) -> str:
    return PARSED if document["status"] == "ready" else str(document["reason"]["code"])


def test_health_answers_quickly_meanwhile(ended: Ended) -> None:
    assert len(ended.health_ms) > 40
    assert ended.health_ms[int(len(ended.health_ms) * 0.99)] < 250


def test_a_good_document_is_read_right_after(ended: Ended, caller: Caller) -> None:
    assert caller.ingest(b"# Fine\n\nThe lock keeper counts barges.", "fine.md")["status"] == "ready"
    assert "barges" in caller.search("what does the lock keeper count")[0]["text"]
