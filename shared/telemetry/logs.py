"""Logs as JSON, one object a line on stderr, by powertools' Logger with the same keys in every backend.

Never a document's text, a question, a key or a query string.
"""

import logging
import sys
from functools import cache
from typing import Any

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

_ORDER = ("time", "level", "function", "request_id", "trace_id", "tenant", "message")
_DROPPED = frozenset({"service", "location", "stack_trace"})


class _Line(LambdaPowertoolsFormatter):
    def serialize(self, log: Any) -> str:
        fields: dict[str, Any] = {**log, "time": log.get("timestamp")}
        rest = [name for name in fields if name not in _ORDER and name not in _DROPPED and name != "timestamp"]
        line = {name: fields[name] for name in (*_ORDER, *rest) if fields.get(name) not in (None, "")}
        return msgspec.json.encode(line, enc_hook=str).decode()


@cache
def log() -> Logger:
    """The one logger of the process; give `function`, `request_id`, `trace_id` and `tenant` with `extra`."""
    formatter = _Line(datefmt="%Y-%m-%dT%H:%M:%S.%FZ", utc=True)
    return Logger(
        service="aegis", logger_handler=logging.StreamHandler(sys.stderr), logger_formatter=formatter, level="INFO"
    )
