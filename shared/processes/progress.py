"""Whether a child process still works, so that one that is frozen is told from one on a busy machine."""

from pathlib import Path

_AT_REST = frozenset("STt")


def activity(pid: int) -> tuple[str, int]:
    """The process's state and the processor time that it has used, in ticks; ("", 0) where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "", 0
    return fields[0], int(fields[11]) + int(fields[12])


def is_frozen(before: tuple[str, int], after: tuple[str, int]) -> bool:
    """Whether the process neither ran nor waited for the processor or a disk, at both times."""
    return before[0] in _AT_REST and after[0] in _AT_REST and before[1] == after[1]
