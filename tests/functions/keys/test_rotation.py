"""A key is replaced without a moment in which neither the old nor the new one opens."""

import time
from typing import Any

import pytest

from tests.suite.running import Caller, Running


@pytest.fixture(scope="module")
def admin(server: Running) -> Caller:
    return server.create_tenant("keys that rotate")[1]


def rotate(caller: Caller, key_id: str, expected: int = 201, **fields: object) -> dict[str, Any]:
    answer = caller.post(f"/keys/{key_id}/rotate", json=fields)
    assert answer.status_code == expected, answer.text
    found: dict[str, Any] = answer.json()
    return found


def status(server: Running, key: str) -> int:
    with server.caller(key) as caller:
        return caller.get("/documents").status_code


def listed(admin: Caller, key_id: str) -> dict[str, Any]:
    items: list[dict[str, Any]] = admin.get("/keys").raise_for_status().json()["items"]
    return next(one for one in items if one["key_id"] == key_id)


def test_the_new_key_is_like_the_old_one_which_goes_on_until_the_overlap_ends(server: Running, admin: Caller) -> None:
    old = admin.create_key(name="nightly", role="reader", scopes=["read"], groups=["hr"])
    cap = {"scope": "key", "id": old["key_id"], "daily_usd": 0.25}
    admin.put("/budget", json=cap).raise_for_status()
    assert status(server, old["api_key"]) == 200
    new = rotate(admin, old["key_id"], overlap_seconds=2)
    assert new["replaces"] == old["key_id"] != new["key_id"]
    assert {name: new[name] for name in ("name", "role", "scopes", "groups", "expires_at")} == {
        name: old[name] for name in ("name", "role", "scopes", "groups", "expires_at")
    }
    assert listed(admin, old["key_id"])["rotated_to"] == new["key_id"]
    assert listed(admin, old["key_id"])["expires_at"] == new["replaced_expires_at"]
    scopes = admin.put("/budget", json={**cap, "id": new["key_id"], "monthly_usd": 1}).json()["scopes"]
    assert [one["cap_usd"] for one in scopes] == [0.25, 1]
    assert status(server, new["api_key"]) == 200
    until = time.monotonic() + 60
    while status(server, old["api_key"]) != 401:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert status(server, new["api_key"]) == 200


def test_without_an_overlap_the_old_key_ends_at_once(server: Running, admin: Caller) -> None:
    old = admin.create_key()
    assert status(server, old["api_key"]) == 200
    new = rotate(admin, old["key_id"], overlap_seconds=0)
    assert status(server, old["api_key"]) == 401
    assert status(server, new["api_key"]) == 200
    assert new["key_id"] in (rotate(admin, old["key_id"], 409)["detail"])


def test_a_rotation_gives_no_more_than_its_maker_has(server: Running, admin: Caller) -> None:
    with server.caller(admin.create_key(role="admin", scopes=["admin", "read"])["api_key"]) as limited:
        assert rotate(limited, admin.create_key(scopes=["read"])["key_id"])["scopes"] == ["read"]
        rotate(limited, admin.create_key(scopes=["write"])["key_id"], 403)
    rotate(admin, "key_" + "0" * 16, 404)
    for overlap in (-1, 2_592_001, "soon"):
        rotate(admin, admin.create_key()["key_id"], 400, overlap_seconds=overlap)


def test_the_audit_names_the_old_and_the_new_key(admin: Caller) -> None:
    old = admin.create_key()["key_id"]
    new = rotate(admin, old)["key_id"]
    [act] = [one for one in admin.get("/audit?kind=change").json()["items"] if "rotate" in one["action"]][:1]
    assert act["targets"] == {"key_id": old, "new_key_id": new}
