"""What our adapter uses of Qdrant's REST interface, on Qdrant's own engine.

No real server can be installed where these tests run. This one decodes bodies with the models that the client library
generates from Qdrant's schema, runs them on the engine that the server is built of, and is held to recordings of a
real 1.19.0 by `test_qdrant_wire.py`. On purpose stricter: an unknown field is refused, where a real one ignores it.

    python -m tests.cluster.qdrant_wire VERSION FOLDER PORT [API_KEY [READ_ONLY_KEY]]
"""

import asyncio
import json
import re
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from pydantic import TypeAdapter, ValidationError
from qdrant_client.http import models

from tests.cluster.qdrant_held import Held, Refused, flat

_MOST_BYTES = 32 * 1024 * 1024
_OPEN = ("/", "/readyz", "/livez")
"""Routes that need no key."""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Request:
    """`path` is the match of the route; `body` is not decoded yet."""

    def __init__(self, method: str, path: str, query: str, body: bytes) -> None:
        self.method = method
        self.path = path
        self.wait = parse_qs(query).get("wait") == ["true"]
        self.name = ""
        self._body = body

    def body(self, model: Any) -> Any:
        try:
            return TypeAdapter(model).validate_json(self._body)
        except ValidationError as error:
            raise Refused(400, f"Format error in JSON body: {_reason(model, error)}") from error


class Server:
    """Collections and aliases in a folder; they are there again when it is started again."""

    def __init__(self, folder: Path, version: str) -> None:
        self._folder = folder
        self._version = version
        folder.mkdir(parents=True, exist_ok=True)
        self._collections = {path.name: Held(path) for path in folder.iterdir() if path.is_dir()}
        aliases_file = folder / "aliases.json"
        self._aliases: dict[str, str] = json.loads(aliases_file.read_text()) if aliases_file.exists() else {}

    def close(self) -> None:
        for held in self._collections.values():
            held.close()

    def answer(self, request: Request) -> tuple[int, Any]:
        """The status and the JSON body; a string is sent as text."""
        for method, pattern, handle in _ROUTES:
            found = re.fullmatch(pattern, request.path)
            if found and method == request.method:
                request.name = found.groupdict().get("name", "")
                return handle(self, request)
        return 404, ""

    def root(self, request: Request) -> tuple[int, Any]:
        return 200, {"title": "qdrant - vector search engine", "version": self._version}

    def ready(self, request: Request) -> tuple[int, Any]:
        return 200, "all shards are ready" if request.path == "/readyz" else "healthz check passed"

    def collections(self, request: Request) -> tuple[int, Any]:
        return _ok({"collections": [{"name": name} for name in sorted(self._collections)]})

    def create(self, request: Request) -> tuple[int, Any]:
        config = request.body(models.CreateCollection)
        name = request.name
        if name in self._collections:
            raise Refused(409, f"Wrong input: Collection `{name}` already exists!")
        if name in self._aliases:
            detail = f"Can't create collection with name {name}. Alias with the same name already exists"
            raise Refused(400, f"Wrong input: {detail}")
        (self._folder / name).mkdir()
        try:
            self._collections[name] = Held.create(self._folder / name, config)
        except Refused:
            (self._folder / name).rmdir()
            raise
        return _ok(True)

    def drop(self, request: Request) -> tuple[int, Any]:
        held = self._collections.pop(request.name, None)
        if held is not None:
            held.close()
            shutil.rmtree(self._folder / request.name)
            self._aliases = {alias: name for alias, name in self._aliases.items() if name != request.name}
            self._keep()
        return _ok(held is not None)

    def exists(self, request: Request) -> tuple[int, Any]:
        return _ok({"exists": request.name in self._collections or request.name in self._aliases})

    def info(self, request: Request) -> tuple[int, Any]:
        return _ok(self._held(request).info())

    def change(self, request: Request) -> tuple[int, Any]:
        return _ok(self._held(request).change(request.body(models.UpdateCollection)))

    def index(self, request: Request) -> tuple[int, Any]:
        return _ok(self._held(request).index(request.body(models.CreateFieldIndex)))

    def upsert(self, request: Request) -> tuple[int, Any]:
        points = request.body(models.PointsList)
        return _ok(self._held(request).upsert(points, request.wait))

    def retrieve(self, request: Request) -> tuple[int, Any]:
        return _ok(self._held(request).retrieve(request.body(models.PointRequest)))

    def delete(self, request: Request) -> tuple[int, Any]:
        return _ok(self._held(request).delete(request.body(models.PointsSelector), request.wait))

    def count(self, request: Request) -> tuple[int, Any]:
        return _ok(self._held(request).count(request.body(models.CountRequest)))

    def query(self, request: Request) -> tuple[int, Any]:
        return _ok(self._held(request).query(request.body(models.QueryRequest)))

    def query_batch(self, request: Request) -> tuple[int, Any]:
        held = self._held(request)
        return _ok([held.query(one) for one in request.body(models.QueryRequestBatch).searches])

    def aliases(self, request: Request) -> tuple[int, Any]:
        return _ok({"aliases": list(flat(self._aliases))})

    def change_aliases(self, request: Request) -> tuple[int, Any]:
        for action in request.body(models.ChangeAliasesOperation).actions:
            if isinstance(action, models.CreateAliasOperation):
                name = action.create_alias.collection_name
                if name not in self._collections:
                    raise _missing(name)
                self._aliases[action.create_alias.alias_name] = name
            elif isinstance(action, models.DeleteAliasOperation):
                self._aliases.pop(action.delete_alias.alias_name, None)
        self._keep()
        return _ok(True)

    def _keep(self) -> None:
        (self._folder / "aliases.json").write_text(json.dumps(self._aliases))

    def _held(self, request: Request) -> Held:
        name = self._aliases.get(request.name, request.name)
        if name not in self._collections:
            raise _missing(request.name)
        return self._collections[name]


_COLLECTION = r"/collections/(?P<name>[^/]+)"
_ROUTES: tuple[tuple[str, str, Callable[[Server, Request], tuple[int, Any]]], ...] = (
    ("GET", "/", Server.root),
    ("GET", "/readyz|/livez", Server.ready),
    ("GET", "/aliases", Server.aliases),
    ("GET", "/collections", Server.collections),
    ("POST", "/collections/aliases", Server.change_aliases),
    ("PUT", _COLLECTION, Server.create),
    ("GET", _COLLECTION, Server.info),
    ("PATCH", _COLLECTION, Server.change),
    ("DELETE", _COLLECTION, Server.drop),
    ("GET", _COLLECTION + "/exists", Server.exists),
    ("PUT", _COLLECTION + "/index", Server.index),
    ("PUT", _COLLECTION + "/points", Server.upsert),
    ("POST", _COLLECTION + "/points", Server.retrieve),
    ("POST", _COLLECTION + "/points/delete", Server.delete),
    ("POST", _COLLECTION + "/points/count", Server.count),
    ("POST", _COLLECTION + "/points/query", Server.query),
    ("POST", _COLLECTION + "/points/query/batch", Server.query_batch),
)


class App:
    """The ASGI side: keys, sizes, and an answer's outer shape."""

    def __init__(self, server: Server, api_key: str, read_only_key: str) -> None:
        self._server = server
        self._api_key = api_key
        self._read_only_key = read_only_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole(receive)
        start = time.monotonic()
        try:
            self._admit(scope)
            if len(body) > _MOST_BYTES:
                detail = f"JSON payload ({len(body)} bytes) is larger than allowed (limit: {_MOST_BYTES} bytes)."
                raise Refused(400, detail)
            request = Request(scope["method"], scope["path"], scope["query_string"].decode(), body)
            status, answer = self._server.answer(request)
        except Refused as refused:
            text = refused.status == 401
            status, answer = refused.status, refused.error if text else {"status": {"error": refused.error}}
        if isinstance(answer, dict) and "status" in answer:
            answer["time"] = time.monotonic() - start
        await _send(send, status, answer)

    def _admit(self, scope: Scope) -> None:
        if not self._api_key or scope["path"] in _OPEN:
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        given = headers.get("api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if not given:
            raise Refused(401, "Must provide an API key or an Authorization bearer token")
        if given not in (self._api_key, self._read_only_key):
            raise Refused(401, "Invalid API key or JWT")
        if given != self._api_key and scope["method"] in ("PUT", "PATCH", "DELETE"):
            raise Refused(403, "Forbidden: Global manage access is required")


async def _whole(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(send: Send, status: int, answer: Any) -> None:
    text = isinstance(answer, str)
    body = answer.encode() if text else json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
    kind = [] if not body else [(b"content-type", b"text/plain; charset=utf-8" if text else b"application/json")]
    await send(
        {"type": "http.response.start", "status": status, "headers": [*kind, (b"content-length", b"%d" % len(body))]}
    )
    await send({"type": "http.response.body", "body": body})


def _ok(result: Any) -> tuple[int, Any]:
    return 200, {"result": result, "status": "ok"}


def _missing(name: str) -> Refused:
    return Refused(404, f"Not found: Collection `{name}` doesn't exist!")


def _reason(model: Any, error: ValidationError) -> str:
    if model is models.PointsSelector:
        return "data did not match any variant of untagged enum PointsSelector"
    first = error.errors()[0]
    return f"{first['msg']} at {'.'.join(map(str, first['loc']))}"


async def serve(version: str, folder: Path, port: int, api_key: str = "", read_only_key: str = "") -> None:
    server = Server(folder, version)
    app = App(server, api_key, read_only_key)
    config = uvicorn.Config(app, "127.0.0.1", port, lifespan="off", log_level="error", access_log=False)
    try:
        await uvicorn.Server(config).serve()
    finally:
        server.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]))
