"""Every answer to a caller that may spend names the remaining budget."""

import pytest

from tests.suite.running import Running

HEADER = "X-Budget-Remaining"
QUESTION = {"question": "Who keeps the lighthouse?"}


@pytest.mark.parametrize(("tier", "left"), [("enterprise", "unlimited"), ("pro", "20.000000"), ("free", "0.000000")])
def test_an_answer_tells_what_is_left(server: Running, tier: str, left: str) -> None:
    _, caller = server.create_tenant("a tenant", tier)
    assert caller.post("/ask", json=QUESTION).headers[HEADER] == left
    assert caller.post("/ask", json={}).headers[HEADER] == left, "a refusal tells it too"
    assert caller.post("/search", json={"query": "lighthouse"}).headers[HEADER] == left, "embedding may have a price"


def test_what_cannot_spend_does_not_tell(server: Running) -> None:
    _, caller = server.create_tenant("a tenant", "enterprise")
    assert HEADER not in caller.get("/documents").headers
    assert HEADER not in server.caller(None).post("/ask", json=QUESTION).headers


def test_a_cap_that_was_set_shows_in_the_next_answer(server: Running) -> None:
    _, caller = server.create_tenant("a tenant", "enterprise")
    caller.put("/budget", json={"scope": "tenant", "daily_usd": 0.25}).raise_for_status()
    assert caller.post("/ask", json=QUESTION).headers[HEADER] == "0.250000"
