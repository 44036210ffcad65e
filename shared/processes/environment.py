"""The environment of a child process: what programs need to run, and nothing of ours."""

import os

_INHERITED = ("PATH", "LANG", "LD_LIBRARY_PATH", "PYTHONPATH")


def child_environment() -> dict[str, str]:
    """A child has no business with our secrets: keys of the cloud, passwords, what signs events."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}
