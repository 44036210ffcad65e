"""Converts documents with LibreOffice, where it is installed."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL
from pathlib import Path
from tempfile import TemporaryDirectory

from shared.parsing.limits import ParsingLimits
from shared.parsing.office.targets import Target
from shared.parsing.process import ParserHung
from shared.parsing.time_limits import wall_seconds
from shared.types.errors import Rejected

PROGRAM = "soffice"
MOST_SECONDS = 120.0
"""Of processor time."""

OUT_OF_TIME = 89
"""The launcher's exit status after a program that has used up its processor time."""

LARGEST_RESULT = 256 * 1024 * 1024
"""Bytes; no file that it writes can grow larger."""

_ROOT = Path(__file__).resolve().parents[3]
_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="MacroSecurityLevel" oor:op="fuse">
<value>3</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableMacrosExecution" oor:op="fuse">
<value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="BlockUntrustedRefererLinks"
oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Writer/Content/Update"><prop oor:name="Link" oor:op="fuse">
<value>0</value></prop></item>
<item oor:path="/org.openoffice.Office.Calc/Content/Update"><prop oor:name="Link" oor:op="fuse">
<value>1</value></prop></item>
</oor:items>
"""
"""Of its profile: no macro runs, no link is followed (0 and 1 both mean never, each in its own program)."""


def has_office() -> bool:
    return shutil.which(PROGRAM) is not None


async def converted(target: Target, content: bytes, limits: ParsingLimits) -> bytes:
    """Raises Rejected("needs-libreoffice") where there is none, ("time-limit") and ("corrupt"), and `ParserHung`."""
    program = shutil.which(PROGRAM)
    if program is None:
        detail = f"only LibreOffice reads .{target.extension}: install it here, or save the document as .{target.to}"
        raise Rejected("needs-libreoffice", detail)
    with TemporaryDirectory(prefix="aegis-office-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        await asyncio.to_thread(_prepare, folder, target, content)
        await _run(program, folder, target, limits)
        return await asyncio.to_thread(_result, folder, target)


def _prepare(folder: Path, target: Target, content: bytes) -> None:
    """A profile of its own: it shares nothing with another conversion or a user's office."""
    (folder / "profile" / "user").mkdir(parents=True)
    (folder / "profile" / "user" / "registrymodifications.xcu").write_text(_SETTINGS)
    (folder / f"document.{target.extension}").write_bytes(content)
    (folder / "out").mkdir()


async def _run(program: str, folder: Path, target: Target, limits: ParsingLimits) -> None:
    seconds = max(int(min(MOST_SECONDS, limits.seconds)), 1)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "shared.parsing.office.launcher", str(os.getpid()), str(seconds)),
        *_command(program, folder, target),
        cwd=folder,
        env=_environ(folder),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(wall_seconds(seconds)):
            status = await process.wait()
    except TimeoutError:
        raise ParserHung(f"LibreOffice did not finish within {wall_seconds(seconds):g} s") from None
    finally:
        # The whole group: the process itself is only the launcher of the program that converts.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.shield(process.wait())
    if status == OUT_OF_TIME:
        raise Rejected("time-limit", f"converting it takes more than {seconds} s of processor time")


def _command(program: str, folder: Path, target: Target) -> list[str]:
    return [
        program,
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        *("--headless", "--norestore", "--nologo", "--nolockcheck", "--nodefault", "--nofirststartwizard"),
        *("--convert-to", target.to + target.options, "--outdir", str(folder / "out")),
        str(folder / f"document.{target.extension}"),
    ]


def _environ(folder: Path) -> dict[str, str]:
    """Nothing of ours but where programs and our launcher are."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PYTHONPATH": str(_ROOT),
    }


def _result(folder: Path, target: Target) -> bytes:
    path = folder / "out" / f"document.{target.to}"
    content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
    if not content:
        raise Rejected("corrupt", "LibreOffice cannot read it")
    return content
