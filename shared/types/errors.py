"""The errors of the suite, grouped by what happens next.

AegisError
├── InvalidRequest and the other `Problem`s   answered to the caller, with their status
├── StoreUnavailable                          503 with Retry-After; an event is delivered again
│   └── StoreFull                             507; reads and deletions go on
└── Rejected                                  the document is at fault: its stage ends it

The one mapping to statuses is `shared.runtime.http.problems`; the one mapping to retry or dead letter is
`shared.runtime.events.delivery`.
"""

import errno
from collections.abc import Sequence
from typing import ClassVar, Self, TypeGuard

from msgspec import Struct


class AegisError(Exception):
    """Base of every error that we raise on purpose."""


class FieldError(Struct, frozen=True):
    """Where in a request something is wrong: a JSON pointer (`/limit`, `/filter/0`), or a parameter's name."""

    pointer: str
    detail: str


class Problem(AegisError):
    """An answer to the caller. `detail` says what is wrong with this request and what to do."""

    slug: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(self, detail: str, *, errors: Sequence[FieldError] = (), retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after = retry_after


class InvalidRequest(Problem):
    slug, status, title = "invalid-request", 400, "The request is not valid"

    @classmethod
    def at(cls, pointer: str, detail: str) -> Self:
        """One field is wrong. `detail` is a phrase without a full stop; it becomes the problem's sentence too."""
        return cls(f"{detail[:1].upper()}{detail[1:]}.", errors=[FieldError(pointer, detail)])


class ContextLengthExceeded(InvalidRequest):
    """The prompt does not fit the model that the caller named."""


class Unauthenticated(Problem):
    slug, status, title = "unauthenticated", 401, "No valid credential"


class BudgetExceeded(Problem):
    slug, status, title = "budget-exceeded", 402, "The budget does not allow this call"


class Forbidden(Problem):
    slug, status, title = "forbidden", 403, "The credential does not allow this"


class NotFound(Problem):
    slug, status, title = "not-found", 404, "There is nothing here"


class ModelNotFound(NotFound):
    """The caller named a model that no server has."""

    title = "There is no such model"


class MethodNotAllowed(Problem):
    slug, status, title = "method-not-allowed", 405, "The route does not know this method"


class Conflict(Problem):
    slug, status, title = "conflict", 409, "The request conflicts with one that is running or with what is there"


class TooLarge(Problem):
    slug, status, title = "too-large", 413, "The body is too large"


class UnsupportedMediaType(Problem):
    slug, status, title = "unsupported-media-type", 415, "The body has a media type that the route does not take"


class UnsupportedFormat(Problem):
    slug, status, title = "unsupported-format", 415, "The document's format is not supported"


class EmptyFile(Problem):
    slug, status, title = "empty-file", 422, "The file is empty"


class IdempotencyMismatch(Problem):
    slug, status, title = "idempotency-mismatch", 422, "The idempotency key was used with another body"


class RateLimited(Problem):
    slug, status, title = "rate-limited", 429, "Too many requests"


class Internal(Problem):
    slug, status, title = "internal", 500, "Something went wrong on our side"


class Unavailable(Problem):
    slug, status, title = "store-unavailable", 503, "A store does not answer"


class Deadline(Problem):
    slug, status, title = "deadline", 504, "The call took longer than it may"


class DiskFull(Problem):
    slug, status, title = "disk-full", 507, "There is no room left to store this"


PROBLEMS: tuple[type[Problem], ...] = (
    InvalidRequest,
    Unauthenticated,
    BudgetExceeded,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    TooLarge,
    UnsupportedMediaType,
    UnsupportedFormat,
    EmptyFile,
    IdempotencyMismatch,
    RateLimited,
    Internal,
    Unavailable,
    Deadline,
    DiskFull,
)


class StoreUnavailable(AegisError):
    """A store is away, frozen or refuses. Nothing is lost: a call may be repeated, an event comes again."""

    def __init__(self, store: str, detail: str, retry_after: int = 2) -> None:
        super().__init__(f"{store}: {detail}")
        self.store = store
        self.detail = detail
        self.retry_after = retry_after


_MACHINE_RETRY_S = 10


class StoreFull(StoreUnavailable):
    """A store has no room left on its disk: it reads, and refuses what would be stored."""

    def __init__(self, store: str, detail: str) -> None:
        super().__init__(store, detail, retry_after=_MACHINE_RETRY_S)


_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_TOO_MANY_FILES = frozenset({errno.EMFILE, errno.ENFILE})


def named_os_error(error: OSError, store: str) -> "DiskFull | StoreUnavailable":
    """What an error of the operating system means for a caller: no room left, or something that passes by itself."""
    if error.errno in _NO_ROOM:
        return DiskFull("The disk is full. Free some room and try again; nothing was stored.")
    return StoreUnavailable(store, error.strerror or str(error))


def is_of_the_machine(error: BaseException) -> TypeGuard[OSError]:
    """Whether the machine lacks room or file descriptors: no fault of the call, wherever it comes up."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM | _TOO_MANY_FILES


def retry_seconds(error: BaseException) -> int | None:
    """After how long an event that failed so may be delivered again; None where nothing says that it then works."""
    if isinstance(error, StoreUnavailable):
        return error.retry_after
    return _MACHINE_RETRY_S if isinstance(error, DiskFull) or is_of_the_machine(error) else None


class Rejected(AegisError):
    """The document is at fault. `code` is one of the contract's rejection codes."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class SettingError(ValueError):
    """A variable has a value that it cannot have; the message names it."""
