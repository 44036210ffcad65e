"""What a client may send before its request is understood, and how slowly it may send and read."""

from typing import Self

import msgspec
from msgspec import Struct

_RESERVED_FILES = 64
"""File descriptors of stores, logs and children."""
_FILES_PER_CONNECTION = 2
"""Its own, and one for its spool or its call of a store."""
_LEAST_TOTAL = 8


class ConnectionLimits(Struct, frozen=True):
    """Limits of each connection; times are in seconds.

    `header_bytes` counts the request line too. A body has to bring `body_rate` bytes a second on average over each
    `body_window_s`, and to end within `body_s`. `idle_s` is how long a connection is kept open between two requests,
    `reader_s` how long a client may read nothing of its answer. `per_address` is the most connections of one address;
    addresses in the networks `trusted` have any number, for many clients are behind each. `total` is the most
    connections of all addresses together.
    """

    header_bytes: int = 32 * 1024
    header_count: int = 100
    header_s: float = 10
    body_rate: int = 512
    body_window_s: float = 20
    body_s: float = 1800
    idle_s: int = 15
    reader_s: float = 30
    per_address: int = 256
    trusted: tuple[str, ...] = ()
    total: int = 100_000

    def fitted(self, open_files: int) -> Self:
        """The limits for a process that may have so many files open: no address alone takes all connections."""
        total = min(self.total, max(_LEAST_TOTAL, (open_files - _RESERVED_FILES) // _FILES_PER_CONNECTION))
        return msgspec.structs.replace(self, total=total, per_address=min(self.per_address, total * 3 // 4))


DEFAULT_LIMITS = ConnectionLimits()
