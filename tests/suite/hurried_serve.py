"""Runs `aegis serve` with a clock that ticks every five seconds, for a sweep that regards ten seconds as long ago."""

import os
import sys
from importlib import import_module

from functions.sweep import documents
from shared.runtime.events import runner
from shared.terminal.program import main

_TICK_S, _RECENT_S = 5.0, 10

if __name__ == "__main__":
    os.fsync = lambda fd: None
    runner._TICK_S = _TICK_S
    for module in ("bus.recent", "bus.streams", "bus.sink", "stages.stages"):
        import_module(f"shared.{module}").RECENT_S = _RECENT_S  # type: ignore[attr-defined]
    documents.RECENT_S = _RECENT_S  # type: ignore[attr-defined]
    sys.exit(main())
