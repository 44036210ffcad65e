"""`aegis serve` as a process of its own, and callers that speak to it."""

import os
import secrets
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

FINAL = ("ready", "rejected", "failed")
_FOREIGN = ("AEGIS_", "AWS_", "OLLAMA_", "K_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "PORT", "HOST")
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # made once: each client would read all certificates for its own


_COMES_AGAIN_S = 30.0
_LONGEST_PAUSE_S = 1.0


class Caller(httpx.Client):
    """A client that sends one key with every call, or none. Where a store did not answer in time, which happens on a
    busy machine, it comes again, as every client is asked to; with `comes_again` false it takes the first answer."""

    def __init__(self, url: str, key: str | None = None, *, comes_again: bool = True) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        super().__init__(base_url=url, headers=headers, timeout=120, trust_env=False, verify=_NO_TLS)
        self.key = key
        self.comes_again = comes_again

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        until = time.monotonic() + _COMES_AGAIN_S
        while True:
            answer = super().send(request, **options)
            if not (self.comes_again and answer.status_code == 503 and time.monotonic() < until):
                return answer
            if "The store `" not in answer.read().decode():
                return answer
            time.sleep(min(float(answer.headers["retry-after"]), _LONGEST_PAUSE_S))

    def upload(self, content: bytes, filename: str = "note.md", **fields: str) -> httpx.Response:
        return self.post("/upload", files={"file": (filename, content)}, data=fields)

    def final(self, document_id: str, within_s: float = 120) -> dict[str, Any]:
        """The document once it is ready, rejected or failed."""
        until = time.monotonic() + within_s
        while True:
            answer = self.get(f"/documents/{document_id}")
            if answer.status_code != 503:
                document: dict[str, Any] = answer.raise_for_status().json()
                if document["status"] in FINAL:
                    return document
            assert time.monotonic() < until, f"not final after {within_s} s: {answer.text}"
            time.sleep(0.03)

    def ingest(self, content: bytes, filename: str = "note.md", **fields: str) -> dict[str, Any]:
        """Uploads, and waits until the document is final."""
        uploaded = self.upload(content, filename, **fields)
        assert uploaded.status_code in (200, 202), uploaded.text
        return self.final(uploaded.json()["document_id"])

    def search(self, query: str, **fields: Any) -> list[dict[str, Any]]:
        answer = self.post("/search", json={"query": query, **fields}).raise_for_status()
        passages: list[dict[str, Any]] = answer.json()["passages"]
        return passages

    def create_key(self, **fields: Any) -> dict[str, Any]:
        """`key_id` and `api_key` of a new key of this caller's tenant."""
        made = self.post("/keys", json={"name": "a key", **fields})
        assert made.status_code == 201, made.text
        key: dict[str, Any] = made.json()
        return key


class Running:
    """A server on a data folder. What it says on stderr stands in `log`."""

    def __init__(self, data: Path, **environ: str) -> None:
        self.data = data
        self.url = ""
        self.program: tuple[str, ...] = (sys.executable, "-m", "tests.suite.serve", "serve")
        self._environ = {name: value for name, value in os.environ.items() if not name.upper().startswith(_FOREIGN)}
        self._environ |= environ
        self._out = data.with_name(data.name + ".stdout")
        self._err = data.with_name(data.name + ".stderr")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, within_s: float = 120) -> "Running":
        """Returns when the server has said that it is ready."""
        self._out.write_bytes(b"")
        with self._out.open("wb") as out, self._err.open("ab") as err:
            command = [*self.program, "--data", str(self.data), "--port", "0"]
            self._process = subprocess.Popen(command, stdout=out, stderr=err, env=self._environ)
        until = time.monotonic() + within_s
        while not (line := self._ready_line()):
            assert self._process.poll() is None, f"ended at its start:\n{self.log[-4000:]}"
            assert time.monotonic() < until, f"not ready after {within_s} s:\n{self.log[-4000:]}"
            time.sleep(0.02)
        self.url = line.split()[1]
        return self

    def stop(self, within_s: float = 60) -> int:
        """Ends the server as a platform does, by SIGTERM; returns its exit code."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def kill(self) -> None:
        """Ends the server as a power cut does."""
        assert self._process
        self._process.kill()
        self._process.wait()
        self._process = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    @property
    def log(self) -> str:
        return self._err.read_text(errors="replace") if self._err.exists() else ""

    def log_after_a_call(self, within_s: float = 60) -> str:
        """The log once it holds the line of a call made now: a line is written when its answer is on its way."""
        trace = secrets.token_hex(16)
        with self.caller(self.api_key) as caller:
            caller.get("/documents", params={"limit": 1}, headers={"traceparent": f"00-{trace}-{trace[:16]}-01"})
        until = time.monotonic() + within_s
        while trace not in (log := self.log):
            assert time.monotonic() < until, "the log does not hold the call"
            time.sleep(0.02)
        return log

    @property
    def api_key(self) -> str:
        """An admin's, of the tenant `default`."""
        return (self.data / "initial-api-key").read_text().strip()

    @property
    def operator_key(self) -> str:
        return (self.data / "initial-operator-key").read_text().strip()

    def caller(self, key: str | None, *, comes_again: bool = True) -> Caller:
        return Caller(self.url, key, comes_again=comes_again)

    def create_tenant(self, name: str, tier: str = "enterprise") -> tuple[str, Caller]:
        """The new tenant's id, and a caller with its admin's key."""
        with self.caller(self.operator_key) as operator:
            made = operator.post("/tenants", json={"name": name, "tier": tier})
        assert made.status_code == 201, made.text
        return made.json()["tenant_id"], self.caller(made.json()["api_key"])

    def _ready_line(self) -> str:
        lines = self._out.read_text().splitlines()
        return lines[-1] if lines and lines[-1].startswith("ready ") else ""
