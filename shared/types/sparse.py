"""A bag of words as the search engine takes it."""

from msgspec import Struct


class Sparse(Struct, frozen=True):
    """Token ids (unsigned 32 bit, unique) and their weights, of equal length."""

    indices: tuple[int, ...]
    values: tuple[float, ...]
