"""The open connections of a server: how many each address has, and the clock by which slow ones are closed."""

import asyncio
import ipaddress
from typing import Protocol

_SWEEPS_PER_LIMIT = 10
_LONGEST_SWEEP_S = 1.0
_IPV6_CLIENT_BITS = 64
"""One client has a whole network of IPv6."""


class ServedConnection(Protocol):
    @property
    def is_waiting(self) -> bool:
        """Whether no request is in work on it."""
        ...

    @property
    def is_in_head(self) -> bool:
        """Whether the client has not sent the whole head of its request."""
        ...

    def elapse(self, seconds: float) -> None:
        """Closes the connection where the client was too slow."""
        ...

    def close_for_another(self) -> None: ...


class OpenConnections:
    """A connection more than an address may have takes the place of the oldest one without a request in work, first of
    those whose request has begun and not come."""

    def __init__(self, per_address: int, shortest_limit_s: float) -> None:
        self._per_address = per_address
        self._sweep_s = min(_LONGEST_SWEEP_S, shortest_limit_s / _SWEEPS_PER_LIMIT)
        self._by_address: dict[str, dict[ServedConnection, None]] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def add(self, connection: ServedConnection, address: str, *, is_limited: bool) -> bool:
        """Whether it may stay."""
        here = self._by_address.setdefault(address, {})
        here[connection] = None
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(self._sweep_s, self._sweep)
        if not is_limited or len(here) <= self._per_address:
            return True
        waiting = [other for other in here if other.is_waiting and other is not connection]
        if not waiting:
            self.remove(connection, address)
            return False
        closed = next((other for other in waiting if other.is_in_head), waiting[0])
        self.remove(closed, address)
        closed.close_for_another()
        return True

    def remove(self, connection: ServedConnection, address: str) -> None:
        here = self._by_address.get(address, {})
        here.pop(connection, None)
        if not here:
            self._by_address.pop(address, None)

    def _sweep(self) -> None:
        """A sweep counts as one interval however late it comes: while the process stood still, no client was slow."""
        self._sweeping = None
        for connections in list(self._by_address.values()):
            for connection in list(connections):
                connection.elapse(self._sweep_s)
        if self._by_address:
            self._sweeping = asyncio.get_running_loop().call_later(self._sweep_s, self._sweep)


def client_network(address: str) -> str:
    """What counts as one client: an address of IPv4, or a /64 network of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _IPV6_CLIENT_BITS), strict=False))
