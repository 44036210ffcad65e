"""A key gives no more than its maker has."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.suite.running import Caller, Running


@pytest.fixture(scope="module")
def admin(server: Running) -> Caller:
    return server.create_tenant("keys of keys")[1]


def limited(server: Running, admin: Caller, **fields: object) -> Caller:
    return server.caller(admin.create_key(role="admin", **fields)["api_key"])


def create(caller: Caller, **fields: object) -> tuple[int, dict[str, object]]:
    answer = caller.post("/keys", json={"name": "another", **fields})
    return answer.status_code, answer.json()


def test_a_key_gives_no_scope_that_it_lacks(server: Running, admin: Caller) -> None:
    maker = limited(server, admin, scopes=["admin", "read"])
    assert create(maker, scopes=["read", "models"])[0] == 403
    assert create(maker, scopes=["write"])[0] == 403
    assert create(maker, scopes=["read"])[0] == 201


def test_a_key_made_without_scopes_has_those_of_its_maker(server: Running, admin: Caller) -> None:
    status, made = create(limited(server, admin, scopes=["admin", "read"]))
    assert (status, made["scopes"]) == (201, ["admin", "read"])


def test_a_key_lives_no_longer_than_its_maker(server: Running, admin: Caller) -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    maker = limited(server, admin, expires_at=end.isoformat())
    assert create(maker, expires_at=(end + timedelta(seconds=1)).isoformat())[0] == 403
    status, made = create(maker)
    assert (status, made["expires_at"]) == (201, end.isoformat().replace("+00:00", "Z"))
    assert create(maker, expires_at=(end - timedelta(minutes=1)).isoformat())[0] == 201


def test_a_key_without_limits_gives_what_is_asked(admin: Caller) -> None:
    assert create(admin, scopes=["models"], expires_at="2999-01-01T00:00:00Z")[0] == 201
