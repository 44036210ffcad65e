"""`aegis doctor`: what is in the way, and what to do about it."""

import sys
from pathlib import Path

import rich_click as click

from shared.terminal.failure import Exit
from shared.terminal.options import speaks
from shared.terminal.render import line, note, say, say_json

_MARKS = {"ok": "ok  ", "note": "note", "failed": "FAIL"}


@click.command()
@speaks
def doctor(data: Path, as_json: bool) -> None:
    """Check this machine, the data folder, the server and the stores.

    Exits 1 when something that is needed fails.
    """
    from shared.terminal.checks import everything

    checks = everything(data)
    failed = sum(check.status == "failed" for check in checks)
    if as_json:
        say_json({"status": "failed" if failed else "ok", "checks": checks})
    else:
        for check in checks:
            say(f"{_MARKS[check.status]}  {line(check.name)}: {line(check.detail)}")
            if check.fix:
                say(f"      what to do: {line(check.fix)}")
        note(f"{failed} of {len(checks)} checks failed")
    if failed:
        sys.exit(Exit.FAILED)
