"""Keys, tenants and dead letters at a prompt."""

import os
import subprocess
import sys
from typing import Any

import pytest

from tests.shared.terminal.conftest import Aegis
from tests.shared.terminal.fake_server import Answer, FakeServer

RUN = "import sys; from shared.terminal.program import main; sys.exit(main())"

KEY = {
    "key_id": "key_1",
    "name": "ci",
    "role": "member",
    "scopes": ["read", "ask"],
    "prefix": "aeg_live_ab",
    "last4": "wxyz",
    "last_used_at": None,
    "cost_usd": 0.000123,
}
TENANT = {"tenant_id": "ten_1", "name": "Acme", "tier": "pro", "created_at": "2026-11-22T10:00:00Z"}
LETTER: dict[str, Any] = {
    "dead_letter_id": "dlq_1",
    "type": "aegis.document.stored.v1",
    "document_id": "doc_1",
    "attempts": 5,
    "reason": {"code": "internal", "detail": "away"},
    "created_at": "2026-11-22T10:00:00Z",
}


def test_a_new_key_is_printed_alone_so_that_a_script_can_keep_it(aegis: Aegis, served: FakeServer) -> None:
    served.on("POST", "/keys", Answer(201, {**KEY, "api_key": "aeg_live_secret"}))
    ended = aegis(
        "keys", "create", "ci", "--scope", "read", "--scope", "ask", "--role", "member", "--user", "usr_1",
        "--expires-at", "2027-01-31T02:00:00+02:00",
    )  # fmt: skip
    assert (ended.exit, ended.out) == (0, "aeg_live_secret\n")
    assert "only time" in ended.err
    assert served.asked[-1].json == {
        "name": "ci",
        "scopes": ["read", "ask"],
        "role": "member",
        "user_id": "usr_1",
        "expires_at": "2027-01-31T00:00:00Z",
    }
    assert aegis("keys", "create", "ci", "--json").json["api_key"] == "aeg_live_secret"
    assert served.asked[-1].json == {"name": "ci"}


def test_keys_are_listed_without_their_secret(aegis: Aegis, served: FakeServer) -> None:
    listed = {"items": [KEY], "next_cursor": None}
    served.on("GET", "/keys", Answer(body=listed))
    assert aegis("keys", "list", "--json").json == listed
    row = aegis("keys", "list").out.splitlines()[1]
    assert row.split() == ["key_1", "ci", "member", "read", "ask", "aeg_live_ab", "wxyz", "-", "0.000123"]


def test_a_revoked_key_is_said_to_be(aegis: Aegis, served: FakeServer) -> None:
    served.on("DELETE", "/keys/key_1", Answer(204))
    assert aegis("keys", "revoke", "key_1").out == "key_1 revoked\n"
    assert aegis("keys", "revoke", "key_1", "--json").json == {"key_id": "key_1", "status": "revoked"}


def test_a_tenant_is_made_shown_and_changed_by_the_operator(aegis: Aegis, served: FakeServer) -> None:
    served.on("POST", "/tenants", Answer(201, {**TENANT, "api_key": "aeg_live_first"}))
    served.on("GET", "/tenants", Answer(body={"items": [TENANT], "next_cursor": None}))
    served.on("GET", "/tenants/ten_1", Answer(body=TENANT))
    served.on("PATCH", "/tenants/ten_1", Answer(body={**TENANT, "tier": "free"}))
    assert aegis("tenants", "create", "Acme", "--tier", "pro").out == "aeg_live_first\n"
    assert served.asked[-1].json == {"name": "Acme", "tier": "pro"}
    assert aegis("tenants", "list").out.splitlines()[1].split()[:3] == ["ten_1", "Acme", "pro"]
    assert aegis("tenants", "show", "ten_1", "--json").json == TENANT
    assert aegis("tenants", "update", "ten_1", "--tier", "free", "--json").json["tier"] == "free"
    assert served.asked[-1].json == {"tier": "free"}
    assert {asked.headers["authorization"] for asked in served.asked} == {"Bearer aeg_live_operator"}


def test_a_script_deletes_a_tenant_without_being_asked(aegis: Aegis, served: FakeServer) -> None:
    served.on("DELETE", "/tenants/ten_1", Answer(204))
    command = [sys.executable, "-c", RUN, "tenants", "delete", "ten_1", "--json"]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, '{"tenant_id":"ten_1","status":"deleted"}\n')


@pytest.mark.parametrize(("reply", "deletions"), [(b"n\n", 0), (b"y\n", 1)])
def test_a_person_is_asked_before_a_tenant_is_deleted(served: FakeServer, reply: bytes, deletions: int) -> None:
    served.on("DELETE", "/tenants/ten_1", Answer(204))
    ours, theirs = os.openpty()
    os.write(ours, reply)
    command = [sys.executable, "-c", RUN, "tenants", "delete", "ten_1"]
    ended = subprocess.run(command, stdin=theirs, capture_output=True, timeout=20)
    os.close(theirs)
    os.close(ours)
    assert len(served.requests("DELETE", "/tenants/ten_1")) == deletions
    assert ended.returncode == 1 - deletions


def test_dead_letters_are_listed_shown_replayed_and_deleted(aegis: Aegis, served: FakeServer) -> None:
    listed = {"items": [LETTER], "next_cursor": None}
    served.on("GET", "/failed", Answer(body=listed))
    served.on("GET", "/failed/dlq_1", Answer(body=LETTER))
    served.on("POST", "/failed/dlq_1/replay", Answer(202, {"status": "replayed"}))
    served.on("DELETE", "/failed/dlq_1", Answer(204))
    assert aegis("failed", "list", "--json").json == listed
    row = aegis("failed", "list").out.splitlines()[1]
    assert row.split()[:4] == ["dlq_1", "aegis.document.stored.v1", "doc_1", "5"]
    assert "code: internal, detail: away" in row
    assert aegis("failed", "show", "dlq_1", "--json").json == LETTER
    assert "code: internal, detail: away" in aegis("failed", "show", "dlq_1").out
    assert aegis("failed", "replay", "dlq_1").out == "dlq_1 replayed\n"
    assert aegis("failed", "delete", "dlq_1", "--json").json == {"dead_letter_id": "dlq_1", "status": "deleted"}


def test_a_letter_that_cannot_be_replayed_says_why(aegis: Aegis, served: FakeServer) -> None:
    ended = aegis("failed", "replay", "dlq_2")
    assert (ended.exit, ended.out) == (1, "")
