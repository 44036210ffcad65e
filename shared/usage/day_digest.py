"""What is stored of a tenant's day beside its records, so that a bill or a request is found without reading them.

Five blobs: the head (what it covers, the sums by key), the sums by document, the ids, where the records of a request
or a document are, and the activity. All can be made again from the ledger.
"""

import hashlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct

from shared.types.paging import microseconds
from shared.usage.activity import ActivitySums, decode_activity
from shared.usage.codec import decode_records
from shared.usage.paths import day_of
from shared.usage.records import (
    ActionRecord,
    AlertRecord,
    FeedbackRecord,
    OutboundRecord,
    Record,
    Unit,
    UsageRecord,
    record_id,
)

_HASH = "Q"
_NUMBER = "I"
_MOMENT = "q"
_KINDS: dict[type[Record], int] = {
    UsageRecord: 1,
    OutboundRecord: 2,
    AlertRecord: 4,
    ActionRecord: 8,
    FeedbackRecord: 16,
}


class DailyTotal(Struct, frozen=True):
    """One sum of a day, by key or by document, and by unit. `quantity` as in a record's line: see `PER_UNIT`."""

    day: str
    key_id: str
    document_id: str
    unit: Unit
    quantity: int
    cost_microusd: int


class DigestHead(Struct, frozen=True):
    """`blobs` are the names of the covered blobs in their folder; `oldest` and `newest` hold the times of each one's
    first and last record, `kinds` what kinds of records it has. `duplicates` are the ids of records, by the number of
    their blob, that another blob has too. A digest of an earlier revision has no activity."""

    blobs: list[str]
    oldest: bytes
    newest: bytes
    duplicates: list[tuple[int, str]]
    totals: list[DailyTotal]
    kinds: bytes = b""
    has_activity: bool = False

    def has_kind(self, number: int, kinds: tuple[type[Record], ...]) -> bool:
        """Whether a blob may have records of these kinds."""
        return number >= len(self.kinds) or bool(self.kinds[number] & sum(_KINDS[kind] for kind in kinds))

    def spans(self) -> list[tuple[int, int]]:
        """The first and last moment of each blob, in microseconds."""
        return list(zip(array(_MOMENT, self.oldest), array(_MOMENT, self.newest), strict=True))

    def dropped(self, number: int) -> set[str]:
        """The ids of the records of a blob that do not count."""
        return {name for blob, name in self.duplicates if blob == number}


class DigestKeys(Struct, frozen=True):
    """Hashes of request ids, labels and document ids, in order, and the number of the blob of each."""

    hashes: bytes
    blobs: bytes

    def find(self, text: str) -> set[int]:
        """The numbers of the blobs that may have records of a request or document."""
        hashes, blobs, wanted = array(_HASH, self.hashes), array(_NUMBER, self.blobs), hash_of(text)
        return set(blobs[bisect_left(hashes, wanted) : bisect_right(hashes, wanted)])


class Digest(Struct, frozen=True):
    """All of a day, as it is stored. `ids` are the hashes of its records' ids, in order."""

    head: bytes
    documents: bytes
    keys: bytes
    ids: bytes
    activity: bytes


EMPTY = DigestHead([], b"", b"", [], [])


def hash_of(text: str) -> int:
    """64 bits: among the 2 million records of two months two collide with a probability of 10^-7."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def ids_of(stored: bytes) -> "array[int]":
    return array(_HASH, stored)


def has_id(ids: "array[int]", wanted: int) -> bool:
    place = bisect_left(ids, wanted)
    return place < len(ids) and ids[place] == wanted


class DigestBuilder:
    """Adds blobs to a day's digest. Runs in a thread: nothing here waits."""

    def __init__(self, day: str, head: DigestHead, documents: bytes, keys: bytes, ids: bytes, activity: bytes) -> None:
        self._day = day
        self._blobs = list(head.blobs)
        self._oldest, self._newest = array(_MOMENT, head.oldest), array(_MOMENT, head.newest)
        self._kinds = bytearray(head.kinds)
        self._duplicates = list(head.duplicates)
        self._ids = set(array(_HASH, ids))
        found = msgspec.msgpack.decode(keys, type=DigestKeys) if keys else DigestKeys(b"", b"")
        self._keys = set(zip(array(_HASH, found.hashes), array(_NUMBER, found.blobs), strict=True))
        self._by_key = _sums(head.totals)
        self._by_document = _sums(decode_totals(documents))
        self._activity = ActivitySums(decode_activity(activity))

    def covers(self, name: str) -> bool:
        return name in self._blobs

    def add(self, name: str, data: bytes, is_known: Callable[[int], bool]) -> None:
        """`is_known` says whether a record of another day has this id: the one that was sealed first counts."""
        number = len(self._blobs)
        records = decode_records(data)
        moments = [microseconds(one.at) for one in records] or [0]
        self._blobs.append(name)
        self._oldest.append(min(moments))
        self._newest.append(max(moments))
        self._kinds.append(sum({_KINDS[type(one)] for one in records}))
        in_blob = set[int]()
        for record in records:
            identity = hash_of(record_id(record))
            if identity in in_blob:
                continue
            in_blob.add(identity)
            if identity in self._ids or is_known(identity):
                self._duplicates.append((number, record_id(record)))
                continue
            self._ids.add(identity)
            self._add_record(record, number)

    def _add_record(self, record: Record, number: int) -> None:
        for text in keys_of(record):
            self._keys.add((hash_of(text), number))
        self._activity.add(record)
        if isinstance(record, UsageRecord):
            _add(self._by_key, [record], lambda one: (self._day, one.key_id, ""))
            _add(self._by_document, [record], lambda one: (self._day, "", one.document_id))

    def build(self) -> Digest:
        keys = sorted(self._keys)
        head = DigestHead(
            blobs=self._blobs,
            oldest=self._oldest.tobytes(),
            newest=self._newest.tobytes(),
            duplicates=self._duplicates,
            totals=_totals(self._by_key),
            kinds=bytes(self._kinds),
            has_activity=True,
        )
        index = DigestKeys(
            array(_HASH, [one[0] for one in keys]).tobytes(), array(_NUMBER, [one[1] for one in keys]).tobytes()
        )
        encode = msgspec.msgpack.encode
        ids = array(_HASH, sorted(self._ids)).tobytes()
        activity = encode(self._activity.days())
        return Digest(encode(head), encode(_totals(self._by_document)), encode(index), ids, activity)

    @property
    def covered(self) -> int:
        return len(self._blobs)


def decode_totals(stored: bytes) -> list[DailyTotal]:
    return msgspec.msgpack.decode(stored, type=list[DailyTotal]) if stored else []


def keys_of(record: Record) -> set[str]:
    """By what a record is found: its request's id and label, and its document."""
    names = ("request_id", "label", "document_id")
    return {text for name in names if (text := getattr(record, name, ""))}


def sum_usage(usage: Iterable[UsageRecord], *, by_document: bool = False) -> list[DailyTotal]:
    sums: dict[tuple[str, str, str, Unit], tuple[int, int]] = {}

    def group(record: UsageRecord) -> tuple[str, str, str]:
        day = day_of(record.at)
        return (day, "", record.document_id) if by_document else (day, record.key_id, "")

    _add(sums, usage, group)
    return _totals(sums)


_Sums = dict[tuple[str, str, str, Unit], tuple[int, int]]


def _add(sums: _Sums, usage: Iterable[UsageRecord], group: Callable[[UsageRecord], tuple[str, str, str]]) -> None:
    for record in usage:
        for line in record.lines:
            name = (*group(record), line.unit)
            quantity, cost = sums.get(name, (0, 0))
            sums[name] = (quantity + line.quantity, cost + line.cost_microusd)


def _sums(totals: Iterable[DailyTotal]) -> _Sums:
    return {(one.day, one.key_id, one.document_id, one.unit): (one.quantity, one.cost_microusd) for one in totals}


def _totals(sums: _Sums) -> list[DailyTotal]:
    return [DailyTotal(*group, *total) for group, total in sorted(sums.items())]
