"""Sparse vectors for keyword search."""

from msgspec import Struct


class Sparse(Struct, frozen=True):
    """Token ids (unsigned 32 bit, unique) and their weights, of equal length."""

    indices: tuple[int, ...]
    values: tuple[float, ...]
