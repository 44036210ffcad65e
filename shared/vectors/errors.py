"""What a vector index refuses."""

from shared.runtime.errors import AegisError


class WrongModel(AegisError):
    """The index was made with another embedding model: no retry helps, an operator has to choose."""
