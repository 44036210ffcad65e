"""`aegis doctor`: checks the installation and advises what to do."""

import sys
from pathlib import Path

import rich_click as click

from shared.terminal.errors import ExitCode
from shared.terminal.options import server_options
from shared.terminal.output import note, safe_line, write, write_json

_MARKS = {"ok": "ok  ", "note": "note", "failed": "FAIL"}


@click.command()
@server_options
def doctor(data: Path, as_json: bool) -> None:
    """Check this machine, the data folder, the server and the stores.

    Exits with 1 when a required check fails.
    """
    from shared.terminal.checks import run_checks

    checks = run_checks(data)
    failed = sum(check.status == "failed" for check in checks)
    if as_json:
        write_json({"status": "failed" if failed else "ok", "checks": checks})
    else:
        for check in checks:
            write(f"{_MARKS[check.status]}  {safe_line(check.name)}: {safe_line(check.detail)}")
            if check.fix:
                write(f"      what to do: {safe_line(check.fix)}")
        note(f"{failed} of {len(checks)} checks failed")
    if failed:
        sys.exit(ExitCode.FAILED)
