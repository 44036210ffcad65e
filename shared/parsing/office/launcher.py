"""Replaces itself by a program, with limits and, where the kernel allows it, without a network."""

import ctypes
import os
import resource
import sys

from shared.parsing.confinement import NICENESS, leave_network, lower
from shared.parsing.office.conversion import LARGEST_RESULT
from shared.processes.parent import die_with

OPEN_FILES = 512
MOST_MEMORY = 4 * 1024 * 1024 * 1024
"""Bytes of address space; an office of today reserves more than one."""


def main() -> None:
    """Arguments: the process without which this one must not live, seconds of processor time, the command."""
    parent, seconds, *command = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    die_with(int(parent))
    leave_network(libc)
    for what, most in (
        (resource.RLIMIT_CPU, int(seconds)),
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_FSIZE, LARGEST_RESULT),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        lower(what, most)
    os.nice(NICENESS)
    os.environ.pop("PYTHONPATH", None)
    os.execv(command[0], command)  # noqa: S606  # nosec B606


if __name__ == "__main__":
    main()
