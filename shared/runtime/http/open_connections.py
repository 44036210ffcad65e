"""The open connections of a server: how many each address has, and the clock by which slow ones are closed."""

import asyncio
import ipaddress
from typing import Protocol

_SWEEPS_PER_LIMIT = 10
_LONGEST_SWEEP_S = 1.0
_MOST_REFUSED = 16
"""Connections beyond the limits that stay open at a time until their clients have read why."""
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
    those whose request has begun and not come. One more than all may have takes the place of such a one of any
    address."""

    def __init__(self, per_address: int, total: int, shortest_limit_s: float) -> None:
        self._per_address = per_address
        self._total = total
        self._count = 0
        self._refused: set[ServedConnection] = set()
        self._sweep_s = min(_LONGEST_SWEEP_S, shortest_limit_s / _SWEEPS_PER_LIMIT)
        self._by_address: dict[str, dict[ServedConnection, None]] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def add(self, connection: ServedConnection, address: str, *, is_limited: bool) -> bool:
        """Whether it may stay."""
        here = self._by_address.setdefault(address, {})
        here[connection] = None
        self._count += 1
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(self._sweep_s, self._sweep)
        if is_limited and len(here) > self._per_address:
            among = {address: here}
        elif self._count > self._total:
            among = self._by_address
        else:
            return True
        return self._makes_room(among, connection, address)

    def _makes_room(
        self, among: dict[str, dict[ServedConnection, None]], connection: ServedConnection, address: str
    ) -> bool:
        waiting = [
            (other, its_address)
            for its_address, connections in among.items()
            for other in connections
            if other.is_waiting and other is not connection
        ]
        if not waiting:
            self.remove(connection, address)
            return False
        closed, its_address = next((found for found in waiting if found[0].is_in_head), waiting[0])
        self.remove(closed, its_address)
        closed.close_for_another()
        return True

    def may_read_why(self, connection: ServedConnection) -> bool:
        """Whether a connection that may not stay is left open until its client has read the refusal."""
        if len(self._refused) >= _MOST_REFUSED:
            return False
        self._refused.add(connection)
        return True

    def remove(self, connection: ServedConnection, address: str) -> None:
        self._refused.discard(connection)
        here = self._by_address.get(address, {})
        if connection in here:
            del here[connection]
            self._count -= 1
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
