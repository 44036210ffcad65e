"""Stores that freeze, fall or come back empty: what callers are told meanwhile, and that nothing is lost by it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import httpx
import pytest

from tests.cluster.library import final_statuses, send, until_ok
from tests.cluster.suite import Suite
from tests.suite.running import Caller

pytestmark = pytest.mark.xdist_group("cluster")

SOON_S = 1.0
RECOVERED_S = 5.0
_TRIES = 3
"""The quickest of so many counts: this machine may be busy with something else."""
_ENDS_S = 90.0

Call = Callable[[], httpx.Response]


@dataclass
class Tenant:
    """A tenant of one test, with a document that is ready and how to ask for it."""

    admin: Caller
    document_id: str = ""

    @property
    def reads(self) -> dict[str, Call]:
        """From the catalogue."""
        return {
            "documents": partial(self.admin.get, "/documents"),
            "document": partial(self.admin.get, f"/documents/{self.document_id}"),
        }

    @property
    def searches(self) -> dict[str, Call]:
        return {
            "search": partial(self.admin.post, "/search", json={"query": "buoys of Varde"}),
            "ask": partial(self.admin.post, "/ask", json={"question": "How many buoys has Varde?"}),
        }

    @property
    def blobs(self) -> dict[str, Call]:
        return {
            "upload": partial(self.admin.upload, b"# Tide\n\nThe tide of Varde is low.\n", "tide.md"),
            "original": partial(self.admin.get, f"/documents/{self.document_id}/original"),
            "keys": partial(self.admin.get, "/keys"),
            "failed": partial(self.admin.get, "/failed"),
        }

    @property
    def all(self) -> dict[str, Call]:
        return self.reads | self.searches | self.blobs


@pytest.fixture
def tenant(suite: Suite) -> Iterator[Tenant]:
    with suite.caller(suite.keys["operator_key"]) as operator:
        made = until_ok(partial(operator.post, "/tenants", json={"name": "a test's own", "tier": "enterprise"})).json()
    with suite.caller(made["api_key"]) as admin:
        tenant = Tenant(admin, send(admin, "buoys.md", "# Buoys\n\nVarde has 14 buoys, three of them green.\n"))
        assert final_statuses(admin, [tenant.document_id], _ENDS_S) == {tenant.document_id: "ready"}
        for call in tenant.all.values():
            until_ok(call)
        yield tenant


def test_a_frozen_redis(suite: Suite, tenant: Tenant) -> None:
    in_progress = _some_documents(tenant)
    suite.stores.redis.freeze()
    try:
        _assert_unavailable(tenant.all)
        _assert_open(suite)
        _assert_ready_without(suite, "counters")
    finally:
        suite.stores.redis.thaw()
    _assert_recovers(tenant.all)
    assert set(final_statuses(tenant.admin, in_progress, _ENDS_S).values()) == {"ready"}


def test_a_redis_that_is_down_and_comes_back_empty(suite: Suite, tenant: Tenant) -> None:
    in_progress = _some_documents(tenant)
    suite.stores.redis.kill()
    try:
        _assert_unavailable(tenant.all)
        _assert_open(suite)
        _assert_ready_without(suite, "counters")
    finally:
        suite.stores.redis.start()
    statuses = _assert_recovers(tenant.all)
    assert statuses <= {200, 202, 503}, "nobody is locked out, nobody sees less"
    known = [one["document_id"] for one in tenant.admin.get("/documents").json()["items"]]
    assert {tenant.document_id, *in_progress} <= set(known)
    assert set(final_statuses(tenant.admin, in_progress, _ENDS_S).values()) == {"ready"}


def test_a_redis_that_is_emptied(suite: Suite, tenant: Tenant) -> None:
    in_progress = _some_documents(tenant)
    suite.stores.redis.flush()
    _assert_well(tenant.all)
    known = [one["document_id"] for one in tenant.admin.get("/documents").json()["items"]]
    assert {tenant.document_id, *in_progress} <= set(known)
    assert set(final_statuses(tenant.admin, in_progress, _ENDS_S).values()) == {"ready"}
    suite.stores.redis.flush()
    with suite.caller(suite.keys["operator_key"]) as operator:
        assert operator.get("/tenants").status_code == 200


def test_an_s3_that_is_down(suite: Suite, tenant: Tenant) -> None:
    in_progress = _some_documents(tenant)
    suite.call(suite.stores.s3_line.cut())
    try:
        _assert_unavailable(tenant.blobs)
        _assert_open(suite)
        _assert_ready_without(suite, "blobs")
        _assert_well(tenant.reads)
    finally:
        suite.call(suite.stores.s3_line.restore())
    _assert_recovers(tenant.all)
    assert set(final_statuses(tenant.admin, in_progress, _ENDS_S).values()) == {"ready"}


def test_an_s3_that_answers_nothing(suite: Suite, tenant: Tenant) -> None:
    suite.call(suite.stores.s3_line.drop_data())
    try:
        _assert_unavailable(tenant.blobs)
        _assert_open(suite)
        _assert_ready_without(suite, "blobs")
    finally:
        suite.call(suite.stores.s3_line.restore())
    _assert_recovers(tenant.all)


def test_an_s3_that_is_slow_makes_slow_and_breaks_nothing(suite: Suite, tenant: Tenant) -> None:
    suite.stores.s3_line.delay_s = 0.15
    try:
        document_id = send(tenant.admin, "slow.md", "# Slow\n\nThe slow boat of Varde is called Snail.\n")
        assert final_statuses(tenant.admin, [document_id], _ENDS_S) == {document_id: "ready"}
        _assert_well(tenant.all)
    finally:
        suite.stores.s3_line.delay_s = 0.0


def test_a_qdrant_that_is_down(suite: Suite, tenant: Tenant) -> None:
    suite.call(suite.stores.qdrant_line.cut())
    try:
        _assert_unavailable(tenant.searches)
        _assert_open(suite)
        _assert_ready_without(suite, "vectors")
        _assert_well(tenant.reads | tenant.blobs)
        document_id = send(tenant.admin, "wreck.md", "# Wreck\n\nThe wreck off Varde lies at 31 metres.\n")
        _assert_waits(tenant.admin, document_id)
    finally:
        suite.call(suite.stores.qdrant_line.restore())
    _assert_recovers(tenant.all)
    assert final_statuses(tenant.admin, [document_id], _ENDS_S) == {document_id: "ready"}
    assert tenant.admin.search("wreck")[0]["document_id"] == document_id


def _some_documents(tenant: Tenant) -> list[str]:
    """Taken in just now, and still on their way."""
    texts = {f"note-{number}.md": f"# Note {number}\n\nNote {number} of {tenant.document_id}.\n" for number in range(3)}
    return [send(tenant.admin, filename, text) for filename, text in texts.items()]


def _assert_unavailable(calls: dict[str, Call]) -> None:
    for name, call in calls.items():
        answer, seconds = _quickest(call)
        assert answer.status_code == 503, (name, answer.text)
        assert answer.headers["content-type"] == "application/problem+json", name
        assert answer.json()["type"] == "/problems/store-unavailable", name
        assert int(answer.headers["retry-after"]) >= 1, name
        assert seconds < SOON_S, (name, seconds)


def _assert_open(suite: Suite) -> None:
    """What needs no store goes on."""
    with suite.caller(None) as nobody:
        assert nobody.get("/formats").status_code == 200
        assert nobody.get("/openapi.json").status_code == 200
    for name in suite.functions:
        with suite.direct(name) as caller:
            answer, seconds = _quickest(partial(caller.get, "/health"))
            assert (answer.status_code, seconds < SOON_S) == (200, True), name


def _assert_ready_without(suite: Suite, store: str) -> None:
    """Functions that need the store are not ready, and say which store it is; the others are."""
    for item in suite.items:
        with suite.direct(item["name"]) as caller:
            answer, seconds = _quickest(partial(caller.get, "/health/ready"))
        needs = store in item["needs"]
        assert answer.status_code == (503 if needs else 200), (item["name"], answer.text)
        assert answer.json()["status"] == ("unready" if needs else "ready")
        away = [name for name, state in answer.json()["stores"].items() if state["status"] != "ok"]
        assert away == ([store] if needs else []), item["name"]
        assert seconds < SOON_S, (item["name"], seconds)


def _assert_well(calls: dict[str, Call]) -> None:
    for call in calls.values():
        until_ok(call, RECOVERED_S)


def _assert_recovers(calls: dict[str, Call]) -> set[int]:
    """All statuses that were seen until every call was well."""
    until = time.monotonic() + RECOVERED_S
    seen: set[int] = set()
    for name, call in calls.items():
        while (answer := call()).status_code >= 300:
            seen.add(answer.status_code)
            assert time.monotonic() < until, (name, answer.status_code, answer.text)
            time.sleep(0.1)
        seen.add(answer.status_code)
    return seen


def _assert_waits(caller: Caller, document_id: str) -> None:
    until = time.monotonic() + 30
    while (document := caller.get(f"/documents/{document_id}").json())["status"] != "waiting":
        assert time.monotonic() < until, document
        time.sleep(0.1)
    assert document["reason"]["code"] == "store-unavailable"


def _quickest(call: Call) -> tuple[httpx.Response, float]:
    """The last answer, and the seconds of the quickest."""
    seconds: list[float] = []
    while len(seconds) < _TRIES and (not seconds or min(seconds) >= SOON_S):
        started = time.monotonic()
        answer = call()
        seconds.append(time.monotonic() - started)
    return answer, min(seconds)
