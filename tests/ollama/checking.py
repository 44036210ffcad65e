"""What a real server refuses before it runs a model, and in whose words."""

import ipaddress
import json
import re
from contextlib import suppress
from typing import Any

from tests.ollama.exchange import Request
from tests.ollama.models import Model
from tests.ollama.native import Body, Refused

_THINKS = (None, True, False, "high", "medium", "low", "max")


def check(body: Body, model: Model, prompt: int, window: int, *, constrains: bool) -> None:
    """`constrains` is false at the cloud, which does not look at a format. Raises `Refused`."""
    _check_abilities(body, model)
    _check_lease(body.get("keep_alive"))
    if not isinstance(body.options.get("num_predict", 0), int):
        raise Refused(500, 'option "num_predict" must be of type integer')
    if constrains:
        _check_format(body.get("format"), late=body.streams)
    if body.get("truncate", True) is False and prompt > window:
        raise Refused(400, "the input length exceeds the context length", late=body.streams)


def _check_abilities(body: Body, model: Model) -> None:
    think = body.get("think")
    if think not in _THINKS:
        raise Refused(400, f'invalid think value: "{think}" (must be "high", "medium", "low", "max", true, or false)')
    if think and "thinking" not in model.capabilities:
        raise Refused(400, f'"{model.name}" does not support thinking')
    if body.get("tools") and "tools" not in model.capabilities:
        raise Refused(400, f"registry.ollama.ai/library/{model.full_name} does not support tools")


def _check_format(wanted: Any, *, late: bool) -> None:
    if wanted and wanted != "json" and not isinstance(wanted, dict):
        quoted = json.dumps(json.dumps(wanted))
        raise Refused(500, f'invalid format: {quoted}; expected "json" or a valid JSON Schema object', late=late)
    if isinstance(wanted, dict) and wanted.get("type") == "nonsense":
        raise Refused(500, "invalid JSON schema in format", late=late)


def _check_lease(keep: Any) -> None:
    if isinstance(keep, str) and not re.fullmatch(r"-?(\d+(\.\d+)?(ns|us|ms|s|m|h))+", keep):
        unitless = re.fullmatch(r"-?\d+", keep)
        raise Refused(400, f'time: {"missing unit in" if unitless else "invalid"} duration "{keep}"')


def welcome(request: Request) -> bool:
    """A page elsewhere, and a name that is not this machine's, are turned away without a word."""
    scheme, _, origin = request.headers.get("origin", "app://").rpartition("://")
    host = re.sub(r":\d+$", "", request.headers.get("host", "localhost"))
    return (scheme == "app" or _ours(re.sub(r":\d+$", "", origin))) and _ours(host)


def _ours(host: str) -> bool:
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host.strip("[]")))
    return False
