"""Exchanges with a real server, as they went over the wire."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "recordings" / "exchanges.jsonl"


@dataclass(frozen=True)
class Recorded:
    """`chunks` is None where the body came in one piece with its length; `status` is 0 where no answer came before
    the caller left. `left` says that the caller closed first."""

    name: str
    method: str
    path: str
    asked: bytes
    asked_headers: dict[str, str]
    status: int
    headers: dict[str, str]
    body: bytes
    chunks: tuple[bytes, ...] | None
    terminated: bool
    left: bool

    @property
    def question(self) -> Any:
        """The request's body; None where it is no JSON."""
        try:
            return json.loads(self.asked)
        except ValueError:
            return None

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.body.splitlines() if line]

    @property
    def text(self) -> str:
        """What the model said, natively."""
        return "".join(line.get("response", "") + line.get("message", {}).get("content", "") for line in self.lines)


@cache
def recordings() -> dict[str, Recorded]:
    return {one.name: one for one in _all()}


def _all() -> Iterator[Recorded]:
    for line in _FILE.read_text("utf-8").splitlines():
        yield _recorded(json.loads(line))


def _recorded(raw: dict[str, Any]) -> Recorded:
    request, response = raw["request"], raw["response"] or {}
    method, path, _ = request["line"].split(" ")
    chunks = tuple(chunk.encode() for chunk in response["chunks"]) if "chunks" in response else None
    return Recorded(
        name=raw["name"],
        method=method,
        path=path,
        asked=request["body"].encode(),
        asked_headers={name.lower(): value for name, value in request["headers"]},
        status=int(response["line"].split(" ")[1]) if response else 0,
        headers={name.lower(): value for name, value in response.get("headers", [])},
        body=b"".join(chunks) if chunks is not None else response.get("body", "").encode(),
        chunks=chunks,
        terminated=response.get("terminated", True),
        left=bool(raw["socket_error"]),
    )
