"""Documents for the tests of the processes, and all that a tenant can read about them afterwards."""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import httpx

from tests.suite.running import FINAL, Caller

CALM = {
    "ferry.md": "# The ferry\n\nThe ferry crosses every 20 minutes and takes 30 cars.\n\n## Winter\n\nFrom December to "
    "February it crosses every hour. Its captain is Maren Holst.\n\n| month | crossings |\n|---|---|\n| May | 2100 |\n",
    "harbour.html": "<html><head><title>The harbour</title></head><body><h1>The harbour</h1><p>The harbour of Varde "
    "takes ships of 90 metres. It was dredged in 1911.</p><ul><li>Pilots: four</li><li>Cranes: two</li></ul></body>"
    "</html>",
    "lighthouse.txt": "The lighthouse was lit in 1858 and stands 46 metres above the sea.\n\nIts lamp turns once in "
    "ten seconds. The keeper's house is a museum today.\n",
    "ships.csv": "ship,length,cargo\nHulda,88,timber\nFreja,61,fish\nOdin,90,grain\n",
}
STORMY = {
    f"voyage-{number}.md": f"# Voyage {number}\n\n"
    + "".join(
        f"## Day {day}\n\nOn day {day} of voyage {number} the Hulda made {number * 7 + day * 3} miles and the wind "
        f"blew from the {wind}. The cook served {dish}, and {number + day} of the crew asked for more.\n\n"
        for day, (wind, dish) in enumerate((("north", "cod"), ("west", "pea soup"), ("south", "herring")), 1)
    )
    for number in range(1, 9)
}
QUESTIONS = (
    "How many cars does the ferry take?",
    "Who is the captain of the ferry?",
    "When was the lighthouse lit?",
    "Which ship carries timber?",
    "ships of 90 metres",
    "What did the cook serve on day 2 of voyage 3?",
    "When was the airport opened?",
)
_MODES = ("hybrid", "vector")


def send(caller: Caller, filename: str, text: str) -> str:
    """Uploads with retries; returns the document's id."""
    document_id: str = until_ok(lambda: caller.upload(text.encode(), filename), 60).json()["document_id"]
    return document_id


def retry_connection(call: Callable[[], httpx.Response], until: float) -> httpx.Response:
    """Repeats the call where the connection breaks."""
    while True:
        try:
            return call()
        except httpx.TransportError:
            assert time.monotonic() < until
            time.sleep(0.1)


def until_ok(call: Callable[[], httpx.Response], within_s: float = 30) -> httpx.Response:
    """Repeats the call until its answer is a success; allows only 502 and 503 until then."""
    until = time.monotonic() + within_s
    while True:
        answer = retry_connection(call, until)
        if answer.status_code < 300:
            return answer
        assert answer.status_code in (502, 503) and time.monotonic() < until, answer.text
        time.sleep(0.2)


def final_statuses(caller: Caller, document_ids: Iterable[str], within_s: float) -> dict[str, str]:
    """The status of each document, once all are final."""
    until = time.monotonic() + within_s
    waiting, found = set(document_ids), dict[str, str]()
    while waiting:
        for document_id in sorted(waiting):
            answer = retry_connection(partial(caller.get, f"/documents/{document_id}"), until)
            if answer.status_code == 200 and answer.json()["status"] in FINAL:
                found[document_id] = answer.json()["status"]
        waiting -= found.keys()
        assert not waiting or time.monotonic() < until, f"not final after {within_s} s: {_stages(caller, waiting)}"
        time.sleep(0.1)
    return found


def observable(caller: Caller) -> dict[str, Any]:
    """All that a tenant can read and that does not depend on time: whole answers, scores included."""
    observed: dict[str, Any] = {}
    for question in QUESTIONS:
        for mode in _MODES:
            search = partial(caller.post, "/search", json={"query": question, "mode": mode, "limit": 50})
            observed[f"search {mode} {question}"] = until_ok(search).content
        answer = until_ok(partial(caller.post, "/ask", json={"question": question})).json()
        observed[f"ask {question}"] = answer | {"request_id": "", "conversation_id": ""}
    for document in until_ok(partial(caller.get, "/documents", params={"limit": 100})).json()["items"]:
        name = document["document_id"]
        observed[f"document {name}"] = _lasting(document)
        for what in ("content", "original"):
            observed[f"{what} {name}"] = until_ok(partial(caller.get, f"/documents/{name}/{what}")).content
    return observed


def _lasting(document: dict[str, Any]) -> dict[str, Any]:
    stages = [(stage["stage"], stage["status"], stage["cost_usd"], stage["reason"]) for stage in document["stages"]]
    return {**document, "created_at": "", "updated_at": "", "stages": stages}


def _stages(caller: Caller, document_ids: Iterable[str]) -> list[Any]:
    documents = [caller.get(f"/documents/{one}").json() for one in sorted(document_ids)]
    return [(one.get("filename"), one.get("status"), one.get("stages")) for one in documents]
