"""The end of a process that is asked to stop."""

import os
import sys
import threading
import time


def exit_within(seconds: float) -> None:
    """Ends the process after so many seconds, whatever its threads still do. What it has stored survives that, as it
    survives a crash; nothing happens where the process ends by itself before."""

    def end() -> None:
        time.sleep(seconds)
        print(f"warning: stopped after {seconds:.0f} s with work in progress", file=sys.stderr, flush=True)  # noqa: T201
        os._exit(0)

    threading.Thread(target=end, name="exit", daemon=True).start()
