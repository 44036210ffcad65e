"""A limit counts what a process computes, not what the clock says; the clock only frees a process that hangs."""

import subprocess
import sys

import pytest

from shared.parsing.time_limits import HUNG, OUT_OF_TIME

PROGRAM = """
import time
from shared.parsing import time_limits
from shared.parsing.time_limits import processor_seconds, time_limit, uncounted

def busy(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

time_limits.LEAST_WALL_S = {}
{}
"""


def status(script: str, ends: int) -> int:
    command = (sys.executable, "-c", PROGRAM.format(0.5 if ends == -HUNG else 30, script))
    return subprocess.run(command, timeout=60, check=False).returncode


@pytest.mark.parametrize(
    ("script", "ends"),
    [
        ("with time_limit(0.2): busy(30)", -OUT_OF_TIME),
        ("with time_limit(0.2): time.sleep(0.5)", 0),
        ("with time_limit(0.1): time.sleep(30)", -HUNG),
        ("with time_limit(0.2): pass\nbusy(0.4)", 0),
        ("with time_limit(0.2):\n with uncounted(): busy(0.4)\nassert processor_seconds() < 0.3", 0),
        ("with time_limit(0.2):\n with uncounted(): busy(0.3)\n busy(30)", -OUT_OF_TIME),
        ("with time_limit(0.3):\n with time_limit(20): busy(10)", -OUT_OF_TIME),
        ("with time_limit(0.3):\n for _ in range(9):\n  with time_limit(0.2): busy(0.1)", -OUT_OF_TIME),
        ("with time_limit(20):\n with time_limit(0.1): pass\n busy(0.3)", 0),
    ],
)
def test_what_a_limit_ends(script: str, ends: int) -> None:
    assert status(script, ends) == ends
