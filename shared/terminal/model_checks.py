"""The checks of language models: the proxy's file, the local Ollama, the cloud."""

import os
from collections.abc import Callable, Iterable
from typing import Literal

import httpx

from shared.proxy.config.proxy_config import ProxyConfig
from shared.terminal.check import Check
from shared.types.errors import SettingError
from shared.types.model import KINDS

Get = Callable[..., httpx.Response]

_WITHOUT_OLLAMA = "start Ollama, or set AEGIS_OLLAMA_URL; without a model, answers are put together from the sources"


def models(get: Get) -> list[Check]:
    """Checks with `get`, which requests a URL with headers."""
    try:
        config = ProxyConfig.from_environ(os.environ)
    except SettingError as error:
        return [Check("proxy file", "failed", str(error), "correct it; docs/reference/proxy.md has every key")]
    return [_local(config, get), *_cloud(config, get)]


def _local(config: ProxyConfig, get: Get) -> Check:
    """Required only where vectors come from Ollama; answers work without it."""
    kind, _, embedding = os.environ.get("AEGIS_EMBEDDING", "").partition(":")
    needed: Literal["note", "failed"] = "failed" if kind == "ollama" else "note"
    try:
        there = _names(get(f"{config.ollama.base_url}/api/tags"))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Check("ollama", needed, f"does not answer: {error}", _WITHOUT_OLLAMA)
    except (ValueError, KeyError, TypeError):
        return Check("ollama", needed, "something else answers there", _WITHOUT_OLLAMA)
    if kind == "ollama" and _missing([embedding], there):
        return Check("ollama", "failed", f"has no model {embedding}", f"ollama pull {embedding}")
    missing = _missing((config.ollama.model_for(kind) for kind in KINDS), there)
    detail = ", ".join(sorted(there)) or "no model yet"
    if missing:
        return Check("ollama", "note", f"{detail}; not there: {', '.join(missing)}", f"ollama pull {missing[0]}")
    return Check("ollama", "ok", detail)


def _cloud(config: ProxyConfig, get: Get) -> list[Check]:
    """Requests only the names of models, which costs nothing."""
    cloud = config.ollama_cloud
    if not cloud.is_usable:
        return []
    try:
        there = _names(get(f"{cloud.base_url}/api/tags", Authorization=f"Bearer {cloud.api_key!s}"))
    except httpx.HTTPStatusError as error:
        return [Check("ollama cloud", "failed", f"answers {error.response.status_code}", "check OLLAMA_CLOUD_API_KEY")]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        return [Check("ollama cloud", "note", f"does not answer as it should: {error}", "tasks run locally meanwhile")]
    named = [cloud.model_for(kind) for kind in KINDS]
    missing = _missing(named, there)
    unpriced = [model for model in dict.fromkeys(named) if config.price_table.price(model) is None]
    if missing:
        fix = "name another in `ollama_cloud.models` of the proxy's file; models retire"
        return [Check("ollama cloud", "failed", f"has no model {', '.join(missing)}", fix)]
    if unpriced:
        fix = "add it to `prices` in the proxy's file"
        return [Check("ollama cloud", "failed", f"no price for {', '.join(unpriced)}: it is never used", fix)]
    return [Check("ollama cloud", "ok", f"has {', '.join(dict.fromkeys(named))}")]


def _names(answer: httpx.Response) -> set[str]:
    return {str(model["name"]) for model in answer.raise_for_status().json()["models"]}


def _missing(wanted: Iterable[str], there: set[str]) -> list[str]:
    """A name without a tag means `latest`."""
    known = there | {name.removesuffix(":latest") for name in there}
    return [name for name in dict.fromkeys(wanted) if name not in known]
