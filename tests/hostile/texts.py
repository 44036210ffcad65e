"""Hostile texts, and a check that work on them grows no faster than they do."""

import time
from collections.abc import Callable

SMALL, LARGE = 1_000, 4_000
_MOST = 9
"""Four times the text may take this many times the time: quadratic work takes sixteen times."""
_WORDS = r"""
! . … ?! 0 9 1, 1. 1: 12 a A aB a. a- a_ a' ä ß a: [ ] [] [1] [1 ( ) () { } {} < > <> </ <a <a> <!-- <?xml & &a &# &amp;
' " "" \ \" "\ * ** *a _ ` ``` ~ # - -- | |- = : :: ; , / // @ a@ $ % ^ + http:// https://a. www. data: ![ ![]( [a](
]( 2020- 日 。 ！ 」 “ ” « <| |> [INST] <s> </s> {\ \begin{ %PDF- +- {{ [[ ]] .pdf =?utf-8?q? a@b.
""".split()  # noqa: SIM905 - a list of two hundred quoted strings cannot be read
_PHRASES = (
    *(" ", "\n", " \n", "\n\n", "\t", "\r", "\r\n", "\u00a0", "1 ", "a ", "Z ", "Ab. ", "a\n", "a: ", "A: b\n", "[1 "),
    *("<a ", "* ", "# ", "- ", "| ", "|a|\n", "1. a\n", "---\n", "```\n", "=a\n", ":a:\n", ", ", '"a",', "und ", " ["),
    *("in the ", "of the ", "van der ", "3 days ", "1 million ", "January ", "if ", "'s ", "How much ", "because of "),
    *("\u200b", "\u202e", "\ud800", "\x00", "<!DOCTYPE ", "<!ENTITY ", "x" * 30 + " ", "Xy" * 20 + " "),
)
UNITS = (*_WORDS, *_PHRASES)


def hostile_text(unit: str, size: int) -> str:
    """Repetitions of about `size` characters, and a letter that ends a match."""
    return unit * (size // len(unit) + 1) + "x"


def growth(work: Callable[[str], object], unit: str, quick_s: float = 0.004) -> str:
    """What is wrong with how the work's processor time grows; empty where it is linear. A time of up to `quick_s` for
    the larger text is too short to compare."""
    small, large = hostile_text(unit, SMALL), hostile_text(unit, LARGE)
    slow = _seconds(work, large)
    if slow <= quick_s:
        return ""
    fast = min(_seconds(work, small) for _ in range(4))
    most = max(quick_s, _MOST * fast)
    for _ in range(3):
        slow = min(slow, _seconds(work, large)) if slow > most else slow
    if slow <= most:
        return ""
    return f"{unit!r}: {fast * 1000:.1f} ms for {len(small)} characters, {slow * 1000:.1f} ms for {len(large)}"


def _seconds(work: Callable[[str], object], text: str) -> float:
    started = time.thread_time()
    work(text)
    return time.thread_time() - started
