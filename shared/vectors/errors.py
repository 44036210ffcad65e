"""Errors of a vector index."""

from shared.types.errors import AegisError


class WrongModel(AegisError):
    """The index was made with another embedding model: no retry helps, an operator has to choose."""


class UnsuitableServer(AegisError):
    """The server is too old for what every search relies on: no retry helps, an operator has to replace it."""
