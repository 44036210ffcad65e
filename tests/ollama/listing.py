"""The fake's own routes that say what there is, as Ollama 0.24 answers them."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from tests.ollama.exchange import Exchange
from tests.ollama.models import Model
from tests.ollama.native import JSON, Body, Handle, encoded, now

if TYPE_CHECKING:
    from tests.ollama.server import FakeOllama

VERSION = "0.24.0"


async def version(fake: "FakeOllama", exchange: Exchange) -> None:
    await exchange.whole(200, JSON, encoded({"version": VERSION}))


async def root(fake: "FakeOllama", exchange: Exchange) -> None:
    await exchange.whole(200, "text/plain; charset=utf-8", b"Ollama is running")


async def tags(fake: "FakeOllama", exchange: Exchange) -> None:
    await exchange.whole(200, JSON, encoded({"models": [_listed(model) for model in fake.models.values()]}))


async def ps(fake: "FakeOllama", exchange: Exchange) -> None:
    until = (datetime.now(UTC) + timedelta(minutes=5)).isoformat().replace("+00:00", "789Z")
    loaded = [
        _listed(fake.models[name], dated=False) | {"expires_at": until, "size_vram": 0, "context_length": window}
        for name, window in fake.loaded.items()
    ]
    await exchange.whole(200, JSON, encoded({"models": loaded}))


async def show(fake: "FakeOllama", exchange: Exchange) -> None:
    model = fake.model(Body.read(exchange.request.body).get("model", ""))
    family = _details(model)["family"]
    answer = {
        "modelfile": f"FROM {model.full_name}\n",
        "parameters": "",
        "template": "{{ .Prompt }}",
        "details": _details(model),
        "model_info": {
            "general.architecture": family,
            f"{family}.context_length": model.context_tokens,
            f"{family}.embedding_length": model.width,
        },
        "tensors": [],
        "capabilities": list(model.capabilities),
        "modified_at": now(),
    }
    await exchange.whole(200, JSON, encoded(answer | _remote(model)))


def _details(model: Model) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": "134.52M",
        "quantization_level": "Q4_1",
    }


def _remote(model: Model) -> dict[str, Any]:
    return {"remote_model": model.name, "remote_host": model.remote_host} if model.remote_host else {}


def _listed(model: Model, *, dated: bool = True) -> dict[str, Any]:
    named = {"name": model.full_name, "model": model.full_name} | _remote(model)
    named |= {"modified_at": now()} if dated else {}
    return named | {"size": model.size, "digest": sha256(model.name.encode()).hexdigest(), "details": _details(model)}


ROUTES: dict[str, tuple[str, Handle]] = {
    "/": ("GET", root),
    "/api/version": ("GET", version),
    "/api/tags": ("GET", tags),
    "/api/ps": ("GET", ps),
    "/api/show": ("POST", show),
}
