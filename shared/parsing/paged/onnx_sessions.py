"""Options of ONNX sessions that rapidocr and rapid_layout have no setting for."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from onnxruntime import SessionOptions


@contextmanager
def without_spinning(library: str) -> Iterator[None]:
    """Sessions that the library opens inside do not spin: a thread that does so while it waits takes the core from
    other work, and is charged for it."""
    module: Any = import_module(f"{library}.inference_engine.onnxruntime.main")
    original, module.SessionOptions = module.SessionOptions, _options
    try:
        yield
    finally:
        module.SessionOptions = original


def _options() -> SessionOptions:
    options = SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
