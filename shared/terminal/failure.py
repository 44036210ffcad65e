"""How a command ends when it does not end well, and the exit code that scripts can rely on."""

from enum import IntEnum


class Exit(IntEnum):
    OK = 0
    FAILED = 1
    USAGE = 2
    NO_ANSWER = 3
    NOT_ALLOWED = 4
    LIMIT = 5
    UNAVAILABLE = 6
    INTERRUPTED = 130


_BY_STATUS = {
    401: Exit.NOT_ALLOWED,
    403: Exit.NOT_ALLOWED,
    402: Exit.LIMIT,
    429: Exit.LIMIT,
    502: Exit.UNAVAILABLE,
    503: Exit.UNAVAILABLE,
    504: Exit.UNAVAILABLE,
}


def exit_of(status: int) -> Exit:
    """The exit code of an HTTP answer that is no success."""
    return _BY_STATUS.get(status, Exit.FAILED)


class Failure(Exception):
    """Ends the command with `exit`; `lines` go to stderr, the first behind `error: `."""

    def __init__(self, exit_code: Exit, *lines: str) -> None:
        super().__init__(lines[0] if lines else "")
        self.exit = exit_code
        self.lines = lines


class Interrupted(Failure):
    """Ctrl-C. Its lines say how to go on."""

    def __init__(self, *lines: str) -> None:
        super().__init__(Exit.INTERRUPTED, *(lines or ("interrupted",)))


class Unreachable(Failure):
    """No whole answer came: nobody listens, the connection broke, or it took too long."""

    def __init__(self, *lines: str) -> None:
        super().__init__(Exit.UNAVAILABLE, *lines)


class Unsendable(Failure):
    """The request is not what it said it would be, as when a file grows while it is sent."""

    def __init__(self, *lines: str) -> None:
        super().__init__(Exit.FAILED, *lines)


class Refused(Failure):
    """An answer of 400 or more. `retry_after` in seconds, where the server named it."""

    def __init__(self, status: int, slug: str, detail: str, *lines: str, retry_after: float | None = None) -> None:
        super().__init__(exit_of(status), *lines)
        self.status = status
        self.slug = slug
        self.detail = detail
        self.retry_after = retry_after
