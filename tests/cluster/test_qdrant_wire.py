"""The wire server answers as a real Qdrant 1.19.0 was recorded to answer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cluster.qdrant_running import WireServer

RECORDINGS = Path(__file__).parent / "recordings" / "qdrant.jsonl"
KEYS = {
    "auth-wrong": {"api-key": "neither"},
    "auth-ok": {"api-key": "key"},
    "auth-bearer": {"Authorization": "Bearer key"},
    "auth-reader-writes": {"api-key": "reader"},
}
BY_THE_SERVER_ALONE = {"version", "operation_id", "indexed_vectors_count", "segments_count", "time", "update_queue"}
"""Numbers that count what happened inside a server."""

OF_ITS_OWN = {"optimizer_config", "wal_config", "quantization_config"}
"""Settings that no test depends on and the engine does not tell."""


CUT_AMONG_EQUALS = {"query-batch", "alias-query"}
"""Of two points with the same score one is shown, now this, now that."""


def recorded() -> list[dict[str, Any]]:
    _, *exchanges = map(json.loads, RECORDINGS.read_text().splitlines())
    return exchanges


CLIENT = httpx.Client(timeout=30, limits=httpx.Limits(max_keepalive_connections=0))
EXCHANGES = recorded()
OPEN = [exchange for exchange in EXCHANGES if not exchange["name"].startswith("auth-")]
WITH_KEY = [exchange for exchange in EXCHANGES if exchange["name"].startswith("auth-")]


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[WireServer]:
    server = WireServer(tmp_path / "open")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def with_key(tmp_path: Path) -> Iterator[WireServer]:
    server = WireServer(tmp_path / "locked", "key", "reader")
    server.start()
    yield server
    server.kill()


def test_every_recorded_exchange_is_answered_alike(wire: WireServer) -> None:
    different = []
    for exchange in OPEN:
        if exchange["name"] == "after-kill-9":
            wire.kill()
            wire.start()
        if (mismatch := difference(exchange, sent(wire.url, exchange))) is not None:
            different.append(mismatch)
    assert not different, "\n".join(different)
    assert len(OPEN) > 60


def test_keys_are_asked_for_as_recorded(with_key: WireServer) -> None:
    create = next(exchange for exchange in EXCHANGES if exchange["name"] == "create")
    for name in ("passages", "bad2"):
        made = sent(with_key.url, {**create, "path": f"/collections/{name}"}, KEYS["auth-ok"])
        assert made.status_code == 200
    answers = [(one, sent(with_key.url, one, KEYS.get(one["name"], {}))) for one in WITH_KEY]
    assert [mismatch for one, answer in answers if (mismatch := difference(one, answer)) is not None] == []


def test_what_is_not_known_is_refused_where_a_real_server_ignores_it(wire: WireServer) -> None:
    body = {"vectors": {"dense": {"size": 4, "distance": "Cosine"}}, "colour": 1}
    answer = httpx.put(f"{wire.url}/collections/passages", json=body)
    assert answer.status_code == 400
    assert "colour" in answer.text


def sent(url: str, exchange: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
    body = exchange["body"]
    if exchange["name"] == "too-big":
        content = b" " * 40_000_168
    elif isinstance(body, str):
        content = body.encode()
    else:
        content = b"" if body is None else json.dumps(body).encode()
    kind = {"content-type": "application/json"} if content and exchange["name"] != "upsert-no-content-type" else {}
    path = url + exchange["path"]
    return CLIENT.request(exchange["method"], path, content=content, headers=kind | (headers or {}))


def difference(exchange: dict[str, Any], answer: httpx.Response) -> str | None:
    """What differs from the recording, or None."""
    ours = answer.json() if answer.headers.get("content-type") == "application/json" else answer.text
    expected, got = comparable(exchange["answer"]), comparable(ours)
    if exchange["name"] in CUT_AMONG_EQUALS:
        expected, got = scores(expected), scores(got)
    if answer.status_code == exchange["status"] and got == expected:
        return None
    return f"{exchange['name']}: {exchange['status']} {expected}, but {answer.status_code} {got}"


def comparable(value: Any) -> Any:
    """Without what a server counts for itself; scores to 6 digits; equal scores in one order."""
    if isinstance(value, dict):
        comparable_fields = {
            key: comparable(inner) for key, inner in value.items() if key not in BY_THE_SERVER_ALONE | OF_ITS_OWN
        }
        return {key: inner for key, inner in comparable_fields.items() if inner is not None}
    if isinstance(value, list):
        inner = [comparable(one) for one in value]
        return sorted(inner, key=by_score) if inner and isinstance(inner[0], dict) and "score" in inner[0] else inner
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, str) and value.startswith("Format error in JSON body"):
        return first_words(value)
    return value


def scores(value: Any) -> Any:
    if isinstance(value, list):
        return [scores(one) for one in value]
    if isinstance(value, dict):
        return {key: scores(inner) for key, inner in value.items() if key != "id"}
    return value


def by_score(point: dict[str, Any]) -> tuple[float, str]:
    return (-point["score"], str(point["id"]))


def first_words(error: str) -> str:
    """How JSON is wrong is told by the parser, in its own words."""
    return error.split(":", maxsplit=1)[0]
