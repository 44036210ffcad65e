"""Where units have a price, a question's bill has them, caps bind them, and no kill loses them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.suite.running import Caller, Running

DOLLARS_PER_1K = 1.0


@pytest.fixture
def priced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("priced")
    (folder / "proxy.yaml").write_text(f"units: {{embedded_1k_tokens: {DOLLARS_PER_1K}}}\n")
    running = Running(folder / "data", AEGIS_PROXY_CONFIG=str(folder / "proxy.yaml")).start()
    yield running
    assert running.stop() == 0


def search(caller: Caller, number: int) -> dict[str, Any]:
    answer: dict[str, Any] = caller.post("/search", json={"query": f"lighthouse {number}"}).raise_for_status().json()
    return answer


def test_priced_questions_are_billed_bound_and_survive_a_kill(priced: Running) -> None:
    with priced.caller(priced.api_key) as caller:
        usage = [search(caller, number)["usage"] for number in range(4)]
        asked = caller.post("/ask", json={"question": "Who keeps the lighthouse?"}).raise_for_status().json()
        usage.append(asked["usage"])
    assert all(one["cost_usd"] == one["embedded_tokens"] / 1000 * DOLLARS_PER_1K > 0 for one in usage)
    priced.kill()
    priced.start()
    with priced.caller(priced.api_key) as caller:
        total = round(sum(one["cost_usd"] for one in usage), 6)
        assert caller.get("/usage").json()["total_usd"] == total
        tenant = caller.get("/budget").json()["scopes"][0]
        assert (tenant["scope"], tenant["spent_usd"]) == ("tenant", total)

        caller.put("/budget", json={"scope": "tenant", "daily_usd": total + 0.000001}).raise_for_status()
        refused = caller.post("/search", json={"query": "one too many"})
        assert (refused.status_code, refused.json()["type"]) == (402, "/problems/budget-exceeded")
        assert caller.post("/ask", json={"question": "And this one?"}).status_code == 402
        embedded = caller.post("/v1/embeddings", json={"model": "aegis", "input": "text"})
        assert (embedded.status_code, embedded.json()["error"]["code"]) == (429, "insufficient_quota")
        assert caller.get("/usage").json()["total_usd"] == total, "what is refused costs nothing"
