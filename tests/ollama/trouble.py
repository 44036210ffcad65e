"""What can go wrong at the fake, by name, so that a test or another process can ask for it."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

Failing = Literal["hang", "reset", "stall", "cut", "abort", "error_line", "lost_usage", "wrong_json"]
"""`hang` sends no header, `reset` closes before one; the others happen after half of the answer: `stall` says no more,
`cut` closes without ending the body, `abort` ends it cleanly without `done`, as a repeating model does. `lost_usage`
ends with `done` and no counts."""


class Refusal(NamedTuple):
    """`body` is sent as it stands."""

    status: int
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})


Trouble = Failing | Refusal


def refusal(status: int, text: str, **headers: str) -> Refusal:
    """Headers with underscores for dashes."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return Refusal(status, json.dumps({"error": text}).encode(), named)


_REF = "(ref: 6e8d6f1a-0000-4000-8000-3f1c2a7b9d10)"

REFUSALS: dict[str, Refusal] = {
    "unauthorized": refusal(401, "unauthorized"),
    "payment": refusal(402, "payment required"),
    "forbidden": refusal(
        403, f"this model requires a subscription, upgrade for access: https://ollama.com/upgrade {_REF}"
    ),
    "not_there": Refusal(404, b"404 page not found"),
    "rate": refusal(429, "too many requests", retry_after="2"),
    "slots": refusal(429, "timed out waiting for a concurrent request slot"),
    "session_quota": refusal(429, "you (someone) have reached your session usage limit, upgrade for higher limits"),
    "weekly_quota": refusal(429, f"you (someone) have reached your weekly usage limit, add extra usage {_REF}"),
    "hourly_quota": refusal(429, "you've reached your hourly usage limit, please upgrade to continue"),
    "failed": refusal(500, "internal server error"),
    "bad_gateway": refusal(502, "upstream is away"),
    "overloaded": refusal(503, f"Server overloaded, please retry shortly {_REF}"),
    "busy": refusal(503, "server busy, please try again.  maximum pending requests exceeded"),
    "redirect": Refusal(307, b"", {"Location": "http://127.0.0.1:9/api/chat"}),
    "gibberish": Refusal(502, b"<html><body>Bad Gateway</body></html>"),
}

_FAILINGS: tuple[Failing, ...] = ("hang", "reset", "stall", "cut", "abort", "error_line", "lost_usage", "wrong_json")


def named(name: str | Trouble) -> Trouble:
    """Raises `KeyError`."""
    if isinstance(name, Refusal):
        return name
    for failing in _FAILINGS:
        if failing == name:
            return failing
    return REFUSALS[name]
