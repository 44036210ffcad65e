"""Errors that end a command, and the exit codes that scripts rely on."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from shared.terminal.output import safe_line


class ExitCode(IntEnum):
    OK = 0
    FAILED = 1
    USAGE = 2
    NO_ANSWER = 3
    NOT_ALLOWED = 4
    LIMIT = 5
    UNAVAILABLE = 6
    INTERRUPTED = 130


_BY_STATUS = {
    401: ExitCode.NOT_ALLOWED,
    403: ExitCode.NOT_ALLOWED,
    402: ExitCode.LIMIT,
    429: ExitCode.LIMIT,
    502: ExitCode.UNAVAILABLE,
    503: ExitCode.UNAVAILABLE,
    504: ExitCode.UNAVAILABLE,
}


class CommandError(Exception):
    """Ends the command with `exit`; `lines` go to stderr, the first after `error: `."""

    def __init__(self, exit_code: ExitCode, *lines: str) -> None:
        super().__init__(lines[0] if lines else "")
        self.exit = exit_code
        self.lines = lines


class Interrupted(CommandError):
    """Ctrl-C. Its lines say how to continue."""

    def __init__(self, *lines: str) -> None:
        super().__init__(ExitCode.INTERRUPTED, *(lines or ("interrupted",)))


class Unreachable(CommandError):
    """No complete response: no server listens, the connection broke, or it took too long."""

    def __init__(self, *lines: str) -> None:
        super().__init__(ExitCode.UNAVAILABLE, *lines)


class RequestNotSent(CommandError):
    """The request did not have the announced length, as when a file grows while it is sent."""

    def __init__(self, *lines: str) -> None:
        super().__init__(ExitCode.FAILED, *lines)


class RequestRefused(CommandError):
    """A response with status 400 or more. `retry_after` in seconds, where the server named it."""

    def __init__(self, status: int, slug: str, detail: str, *lines: str, retry_after: float | None = None) -> None:
        super().__init__(_BY_STATUS.get(status, ExitCode.FAILED), *lines)
        self.status = status
        self.slug = slug
        self.detail = detail
        self.retry_after = retry_after


@contextmanager
def store_errors(advice: str) -> Iterator[None]:
    """Translates the errors of a command that works on the stores without a server."""
    from shared.runtime.wiring.data_folder import FolderTaken
    from shared.types.errors import AegisError, StoreUnavailable

    try:
        yield
    except (StoreUnavailable, FolderTaken) as error:
        raise Unreachable(safe_line(error), f"what to do: {advice}") from error
    except (AegisError, ValueError) as error:
        raise CommandError(ExitCode.USAGE, safe_line(error)) from error
