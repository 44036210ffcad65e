"""Shuts the process that it is called in away from the network and holds it to its limits. Linux, for good."""

import contextlib
import ctypes
import os
import resource
import sys
from typing import Any

from shared.parsing.limits import MIB, ParsingLimits
from shared.processes.parent import die_with

OPEN_FILES = 64
MODEL_FILES = 512
"""A graphics card's driver opens some for each card, torch for each of its libraries."""

LARGEST_FILE = MIB
"""Enough for a compiled module; a parser writes nothing."""

NICENESS = 5
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000


def confine(limits: ParsingLimits, parent: int, *, has_bounded_addresses: bool = True) -> None:
    """`parent` is the process without which this one must not live. Without bounded addresses the caller bounds the
    memory that is resident."""
    libc = ctypes.CDLL(None, use_errno=True)
    die_with(parent)
    leave_network(libc)
    sys.addaudithook(refuse_outside)
    if has_bounded_addresses:
        lower(resource.RLIMIT_AS, limits.memory_bytes)
    for what, most in (
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_NOFILE, OPEN_FILES if has_bounded_addresses else MODEL_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        lower(what, most)
    with contextlib.suppress(OSError):
        os.nice(NICENESS)


def leave_network(libc: ctypes.CDLL) -> bool:
    """Into a network of our own without any interface, where the kernel lets us; the audit hook holds everywhere."""
    return any(libc.unshare(flags) == 0 for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET))


def refuse_outside(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuses, as an audit hook that cannot be taken off, every socket and every other program."""
    if event.startswith(("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system")):
        raise PermissionError(f"a parser may not use {event}")


def lower(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))
