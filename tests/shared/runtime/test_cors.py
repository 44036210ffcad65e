"""A page of another origin may call and read the API where `AEGIS_CORS_ORIGINS` names its origin, and nowhere else."""

from typing import Any

import httpx
import pytest

from shared.runtime.http.exchange import Exchange, Exchanges
from shared.runtime.wiring.settings import Settings
from shared.types.errors import SettingError

CHAT, ELSEWHERE = "https://chat.example.com", "https://elsewhere.example"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-stainless-lang",
}


def client(*origins: str) -> httpx.AsyncClient:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"etag", b"one")]})
        await send({"type": "http.response.body", "body": b"{}"})

    async def limit(exchange: Exchange) -> None:
        pass

    application = Exchanges(app, (), limit, origins)
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test")


@pytest.mark.parametrize("origins", [(CHAT,), (ELSEWHERE, CHAT), ("*",)])
async def test_a_page_of_a_named_origin_may_call_and_read(origins: tuple[str, ...]) -> None:
    asked = await client(*origins).options("/v1/chat/completions", headers={"Origin": CHAT, **PREFLIGHT})
    assert asked.status_code == 204 and asked.headers["access-control-allow-origin"] == CHAT
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert asked.headers["access-control-allow-headers"] == PREFLIGHT["Access-Control-Request-Headers"]
    answer = await client(*origins).get("/v1/models", headers={"Origin": CHAT})
    assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == CHAT
    assert "X-Budget-Remaining" in answer.headers["access-control-expose-headers"]
    assert "Origin" in answer.headers["vary"] and "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origins", [(), (ELSEWHERE,), ("https://chat.example.com.evil.example",)])
async def test_any_other_page_is_allowed_nothing(origins: tuple[str, ...]) -> None:
    for answer in (
        await client(*origins).options("/v1/models", headers={"Origin": CHAT, **PREFLIGHT}),
        await client(*origins).get("/v1/models", headers={"Origin": CHAT}),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_the_origins_are_those_of_the_variable() -> None:
    settings = Settings.from_environ({"AEGIS_CORS_ORIGINS": f"{CHAT}, http://localhost:3000"})
    assert settings.cors_origins == (CHAT, "http://localhost:3000")
    assert Settings.from_environ({}).cors_origins == ()
    for wrong in ("chat.example.com", "https://chat.example.com/", "https://a b"):
        with pytest.raises(SettingError, match="AEGIS_CORS_ORIGINS"):
            Settings.from_environ({"AEGIS_CORS_ORIGINS": wrong})
