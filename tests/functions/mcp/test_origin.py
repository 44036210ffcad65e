"""A web page of another site reaches no tool, whatever name it gives this machine."""

import pytest

from functions.mcp.origin import check_origin
from shared.runtime.wiring.settings import Settings
from shared.types.errors import Forbidden

HERE = Settings()
BEHIND = Settings(trusted_proxies=("10.0.0.0/8",))
EVERYWHERE = Settings(host="0.0.0.0", cors_origins=("https://chat.example.com",))


@pytest.mark.parametrize(
    ("settings", "host", "origin"),
    [
        (HERE, "127.0.0.1:8000", None),
        (HERE, "localhost:8000", "http://localhost:8000"),
        (HERE, "[::1]:8000", "http://127.0.0.1:3000"),
        (BEHIND, "aegis.example.com", None),
        (EVERYWHERE, "aegis.example.com", None),
        (EVERYWHERE, "aegis.example.com", "https://chat.example.com"),
    ],
)
def test_programs_and_pages_that_were_named_may_call(settings: Settings, host: str, origin: str | None) -> None:
    check_origin({"host": host} | ({"origin": origin} if origin else {}), settings)


@pytest.mark.parametrize(
    ("settings", "host", "origin"),
    [
        (HERE, "evil.example", None),
        (HERE, "evil.example:8000", "http://evil.example:8000"),
        (HERE, "127.0.0.1:8000", "http://evil.example"),
        (HERE, "127.0.0.1:8000", "null"),
        (HERE, "localhost.evil.example", "http://localhost.evil.example"),
        (HERE, "", None),
        (HERE, "[", None),
        (BEHIND, "aegis.example.com", "https://aegis.example.com"),
        (EVERYWHERE, "aegis.example.com", "http://localhost:3000"),
        (EVERYWHERE, "evil.example", "http://evil.example"),
    ],
)
def test_foreign_hosts_and_origins_are_refused(settings: Settings, host: str, origin: str | None) -> None:
    with pytest.raises(Forbidden):
        check_origin({"host": host} | ({"origin": origin} if origin else {}), settings)
