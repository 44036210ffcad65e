"""Runs a program with limits and, where the kernel allows it, without a network, and exits as it does."""

import ctypes
import os
import resource
import sys

from shared.parsing.confinement import NICENESS, leave_network, lower
from shared.parsing.office.conversion import LARGEST_RESULT, OUT_OF_TIME
from shared.processes.parent import die_with

OPEN_FILES = 512
MOST_MEMORY = 4 * 1024 * 1024 * 1024
"""Bytes of address space; an office of today reserves more than one."""

_CLOSE_TO = 0.75
"""Share of its processor time that a program has used which ended because of it; the kernel counts whole seconds, and
on a busy machine it ends a program by ticks, which come early."""


def main() -> int:
    """Arguments: the process without which this one must not live, seconds of processor time, the command."""
    parent, seconds, *command = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    die_with(int(parent))
    leave_network(libc)
    for what, most in (
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_FSIZE, LARGEST_RESULT),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        lower(what, most)
    os.nice(NICENESS)
    os.environ.pop("PYTHONPATH", None)
    if (program := os.fork()) == 0:
        lower(resource.RLIMIT_CPU, int(seconds))
        os.execv(command[0], command)  # noqa: S606  # nosec B606
    _, status, _ = os.wait4(program, 0)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status and used.ru_utime + used.ru_stime > _CLOSE_TO * int(seconds):
        return OUT_OF_TIME
    return min(abs(os.waitstatus_to_exitcode(status)), 1)


if __name__ == "__main__":
    sys.exit(main())
