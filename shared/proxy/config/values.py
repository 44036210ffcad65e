"""The kinds of values in the proxy's file: how each is read from its text, shown, and described."""

import ipaddress
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from msgspec import Meta, Struct, inspect

_NUMBER = re.compile(r"[0-9][0-9_]*(\.[0-9]+)?|\.[0-9]+")
_MOST_USD = 1_000_000_000


class ValueKind(Struct, frozen=True):
    """A plain value with a text of its own kind. `read` raises ValueError for what is not `allowed`."""

    allowed: str
    read: Callable[[str], int | str]
    show: Callable[[Any], str] = str


def is_safe(url: str) -> bool:
    """Nobody on the way can read what is sent there."""
    parts = urlsplit(url)
    return parts.scheme == "https" or _is_loopback(parts.hostname or "")


def dollars(text: str) -> int:
    """Micro-dollars, exactly."""
    return _scaled(text, 6, least=0, most=_MOST_USD)


def in_dollars(microusd: int) -> str:
    return _unscaled(microusd, 6)


def _address(text: str) -> str:
    """Without a slash at its end."""
    parts = urlsplit(text)
    bare = not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in ("http", "https") or not parts.hostname or not bare or re.search(r"\s", text):
        raise ValueError("not an address")
    _ = parts.port  # raises where it is no number
    return text.rstrip("/")


def _safe_address(text: str) -> str:
    found = _address(text)
    if not is_safe(found):
        raise ValueError("not a safe address")
    return found


USD = ValueKind(f"an amount in USD from 0 to {_MOST_USD:,} with at most 6 decimals", dollars, in_dollars)
FACTOR = ValueKind(
    "a factor from 1 to 100 with at most 3 decimals",
    lambda text: _scaled(text, 3, least=1, most=100),
    lambda thousandths: _unscaled(thousandths, 3),
)
ADDRESS = ValueKind("an address like http://127.0.0.1:11434", _address)
SAFE_ADDRESS = ValueKind("an address that begins with https:// (http:// only on this machine)", _safe_address)

MicroUsd = Annotated[int, Meta(extra={"kind": USD})]
Thousandths = Annotated[int, Meta(extra={"kind": FACTOR})]
Url = Annotated[str, Meta(extra={"kind": ADDRESS})]
CloudUrl = Annotated[str, Meta(extra={"kind": SAFE_ADDRESS})]


class Secret(str):
    """A key. Its `repr` does not tell it and nothing encodes it; who sends it asks for `str(…)`."""

    __slots__ = ()
    allowed: ClassVar[str] = "text, best written as ${VARIABLE}"

    @classmethod
    def of(cls, text: object) -> "Secret":
        if not isinstance(text, str):
            raise ValueError(cls.allowed)
        return cls(text.strip())

    def __repr__(self) -> str:
        return f"Secret({'***' if self else ''!r})"


def prepared(value: object, kind: inspect.Type) -> object:
    """The file's texts as the values of their kinds, for msgspec; what is not of its kind, as something it refuses."""
    if own := kind_of(kind):
        return _read(value, own)
    match bare(kind), value:
        case inspect.StructType(fields=fields), dict():
            types = {field.encode_name: field.type for field in fields}
            return {key: prepared(item, types[key]) if key in types else item for key, item in value.items()}
        case inspect.VarTupleType(item_type=item_type), list():
            return [prepared(item, item_type) for item in value]
    return value


def kind_of(kind: inspect.Type) -> ValueKind | None:
    match kind:
        case inspect.Metadata(extra={"kind": ValueKind() as own}):
            return own
        case inspect.Metadata():
            return kind_of(kind.type)
        case inspect.UnionType():
            return next((found for one in kind.types if (found := kind_of(one))), None)
    return None


def bare(kind: inspect.Type) -> inspect.Type:
    """Without what is said about it, and without null."""
    match kind:
        case inspect.Metadata():
            return bare(kind.type)
        case inspect.UnionType():
            return bare(next(one for one in kind.types if not isinstance(one, inspect.NoneType)))
    return kind


def _read(value: object, own: ValueKind) -> object:
    if value is None:
        return None
    try:
        return own.read(value) if isinstance(value, str) else _REFUSED
    except ValueError:
        return _REFUSED


_REFUSED = object()


def allowed(kind: inspect.Type) -> str:
    """What a value of the type may be, for people."""
    if isinstance(kind, inspect.Metadata):
        own = kind_of(kind)
        return own.allowed if own else allowed(kind.type)
    match kind:
        case inspect.CustomType():
            return Secret.allowed
        case inspect.StructType():
            return f"a mapping with {', '.join(field.encode_name for field in kind.fields)}"
        case inspect.UnionType():
            return " or ".join(allowed(one) for one in kind.types)
        case inspect.LiteralType():
            return " or ".join(str(value) for value in kind.values)
        case inspect.IntType():
            return f"a whole number from {kind.ge} to {kind.le}"
        case inspect.VarTupleType():
            return f"a list, each item {allowed(kind.item_type)}"
        case inspect.TupleType():
            return f"a list of {len(kind.item_types)}, each {allowed(kind.item_types[0])}"
        case inspect.BoolType():
            return "true or false"
        case inspect.NoneType():
            return "null"
        case inspect.DateType():
            return "a date like 2026-09-15"
        case inspect.DictType():
            return "a mapping"
    return "text"


def type_at(kind: inspect.Type, path: list[str | int]) -> inspect.Type:
    """The type of what stands at the path; the last one on the way where the path leads out of it."""
    for step in path:
        kind = _step(kind, step)
    return kind


def _step(kind: inspect.Type, step: str | int) -> inspect.Type:
    match bare(kind):
        case inspect.StructType(fields=fields):
            return next((field.type for field in fields if field.encode_name == step), kind)
        case inspect.VarTupleType(item_type=item_type):
            return item_type
        case inspect.TupleType(item_types=item_types):
            return item_types[0]
    return kind


def _scaled(text: str, places: int, least: int, most: int) -> int:
    """The number as an integer, so many places shifted; exact or refused."""
    if not _NUMBER.fullmatch(text) or len(text) > 40:
        raise ValueError("not a number")
    amount = Decimal(text).scaleb(places)
    if amount != int(amount) or not least * 10**places <= amount <= most * 10**places:
        raise ValueError("out of range, or too many decimals")
    return int(amount)


def _unscaled(value: int, places: int) -> str:
    whole, rest = divmod(value, 10**places)
    return f"{whole}.{rest:0{places}}".rstrip("0").rstrip(".")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def described(kind: inspect.Type) -> str:
    """The description that stands with the type, if one does."""
    if isinstance(kind, inspect.Metadata) and kind.extra_json_schema:
        return str(kind.extra_json_schema.get("description", ""))
    return ""
