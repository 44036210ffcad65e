"""Options and providers of ONNX sessions that rapidocr and rapid_layout have no setting for."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import onnxruntime
from onnxruntime import SessionOptions

from shared.parsing.engine import Device

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


@contextmanager
def configured(library: str, device: Device, opened: list[str]) -> Iterator[None]:
    """Sessions that the library opens inside run on the device, or on the processor where its provider cannot be
    loaded; `opened` gets the provider that each of them uses.

    They do not spin: a thread that does so while it waits takes the core from other work, and is charged for it.
    """
    module: Any = import_module(f"{library}.inference_engine.onnxruntime.main")
    options, session = module.SessionOptions, module.InferenceSession
    providers = [CUDA, CPU] if device == "cuda" else [CPU]

    def open_session(*args: Any, **named: Any) -> Any:
        made = session(*args, **(named | {"providers": providers}))
        opened.append(made.get_providers()[0])
        return made

    if device == "cuda":
        onnxruntime.preload_dlls()  # the ones that come with torch or in wheels of their own
    module.SessionOptions, module.InferenceSession = _options, open_session
    try:
        yield
    finally:
        module.SessionOptions, module.InferenceSession = options, session


def _options() -> SessionOptions:
    options = SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
