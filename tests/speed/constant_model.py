"""A server of language models that gives one constant answer at once, with Ollama's API and OpenAI's: what is left of a
call's time is what stands between it and its caller.

`python -m tests.speed.constant_model PORT`; prints `ready` when it listens.
"""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import uvloop

MODEL = "smol"
WORDS = ("All ", "quiet ", "here", ", ", "as ", "it ", "was ", "all ", "day ", "long", ".")
_PROMPT = 11
_USAGE = {"prompt_tokens": _PROMPT, "completion_tokens": len(WORDS), "total_tokens": _PROMPT + len(WORDS)}


def _line(text: str, **more: object) -> bytes:
    about = {"model": MODEL, "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": text}}
    return json.dumps({**about, "done": False, **more}).encode() + b"\n"


_END = {"done": True, "done_reason": "stop", "prompt_eval_count": _PROMPT, "eval_count": len(WORDS)}
_MODEL = {"name": f"{MODEL}:latest", "model": f"{MODEL}:latest", "size": 1000, "digest": "0" * 64}
_DETAILS = {"capabilities": ["completion"], "model_info": {"llama.context_length": 8192}, "details": {}}
_CHOICE = {"index": 0, "message": {"role": "assistant", "content": "".join(WORDS)}, "finish_reason": "stop"}
_COMPLETION = {"id": "c", "object": "chat.completion", "created": 0, "model": MODEL, "choices": [_CHOICE]}


def _answer(status: bytes, media_type: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (status, media_type, len(body))
    return head + body


def _json(value: object) -> bytes:
    return _answer(b"200 OK", b"application/json", json.dumps(value).encode())


_STREAMED = b"".join(_line(word) for word in WORDS) + _line("", **_END)
_CHAT = _answer(b"200 OK", b"application/x-ndjson", _STREAMED)
_WHOLE_CHAT = _answer(b"200 OK", b"application/json", _line("".join(WORDS), **_END))
_ANSWERS = {
    b"/v1/chat/completions": _json({**_COMPLETION, "usage": _USAGE}),
    b"/v1/models": _json({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "us"}]}),
    b"/api/tags": _json({"models": [_MODEL]}),
    b"/api/show": _json(_DETAILS),
    b"/api/ps": _json({"models": [_MODEL]}),
    b"/api/version": _json({"version": "0.24.0"}),
}
_NOTHING = _answer(b"404 Not Found", b"text/plain", b"404 page not found")


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._read = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._read) < end + 4 + length:
                return
            body, self._read = self._read[end + 4 : end + 4 + length], self._read[end + 4 + length :]
            assert self._transport
            self._transport.write(_answer_of(head.split(b" ", 2)[1], body))


def _answer_of(path: bytes, body: bytes) -> bytes:
    if path == b"/api/chat":
        return _WHOLE_CHAT if b'"stream":false' in body.replace(b" ", b"") else _CHAT
    return _ANSWERS.get(path, _NOTHING)


@contextmanager
def running() -> Iterator[int]:
    """As a process of its own; the port where it listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.speed.constant_model", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout and process.stdout.readline() == b"ready\n"
        yield port
    finally:
        process.kill()
        process.wait()


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
