"""Lists in pages: newest first, stable under inserts."""

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from msgspec import Meta, Struct

from shared.types.errors import InvalidRequest

PageLimit = Annotated[int, Meta(ge=1, le=100)]
_Item = TypeVar("_Item")


class PageRequest(Struct, frozen=True):
    limit: PageLimit = 50
    cursor: str | None = None


def cut(
    items: Sequence[_Item], request: PageRequest, place: Callable[[_Item], tuple[datetime, str]]
) -> tuple[list[_Item], str | None]:
    """The page of `items`, which are newest first by `place`, and where the next one begins."""
    after = read_cursor(request.cursor) if request.cursor else None
    rest = [item for item in items if after is None or _number(place(item)) < after]
    page = rest[: request.limit]
    more = len(rest) > request.limit
    return list(page), write_cursor(*_number(place(page[-1]))) if more else None


def write_cursor(microseconds: int, name: str) -> str:
    return base64.urlsafe_b64encode(f"{microseconds} {name}".encode()).rstrip(b"=").decode()


def read_cursor(cursor: str) -> tuple[int, str]:
    """Raises `InvalidRequest` for what no list of ours gave."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        microseconds, name = text.split(" ")
        if (at := int(microseconds)) < 0:
            raise ValueError("before the first moment")
        datetime.fromtimestamp(at / 1_000_000, UTC)
        return at, name
    except (ValueError, OverflowError, OSError):
        raise InvalidRequest.at("/cursor", "`cursor` is not one that this list gave") from None


def microseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)


def _number(place: tuple[datetime, str]) -> tuple[int, str]:
    return microseconds(place[0]), place[1]
