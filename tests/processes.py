"""Reads memory, processor time and children of processes from the kernel."""

import os
import resource
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Bytes of memory in use; 0 once it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * resource.getpagesize()
    except (FileNotFoundError, ProcessLookupError):
        return 0


def proportional(pid: int) -> int:
    """Bytes of memory in use, pages that several processes share divided among them; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def processor_seconds(pid: int) -> float:
    """Of the process and of its children that have ended; 0 once it has ended itself."""
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) / _TICKS if fields else 0.0


def family(pid: int) -> set[int]:
    """The process and all that it started, and so on down, as far as they live."""
    parents = {int(path.name): int(fields[1]) for path in Path("/proc").glob("[0-9]*") if (fields := _stat(path.name))}
    found, grown = {pid}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found


def _stat(pid: int | str) -> list[str]:
    """What follows the name: the state, the parent and so on; nothing of a process that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [] if fields[0] == "Z" else fields


def calls_outside(pid: int) -> int | None:
    """How often anything tried to send from the network that the process is in, since that was made; None where it is
    ours, which others use as well, or once the process has ended."""
    try:
        if Path(f"/proc/{pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
            return None
        counted = _redis(pid)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return counted["Ip", "OutRequests"] + counted["Ip", "OutNoRoutes"] + counted["Tcp", "ActiveOpens"]


def _redis(pid: int) -> dict[tuple[str, str], int]:
    lines = [line.split() for line in Path(f"/proc/{pid}/net/snmp").read_text().splitlines()]
    return {
        (names[0].rstrip(":"), name): int(count)
        for names, counts in zip(lines[::2], lines[1::2], strict=True)
        for name, count in zip(names[1:], counts[1:], strict=True)
    }
