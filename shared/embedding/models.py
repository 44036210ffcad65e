"""Embedding models that Ollama can serve: what has to be known of them before the first vector."""

from msgspec import Struct

_EVERYWHERE = frozenset(
    "ar cs da de el en es fi fr he hi hu hy it ja ko nl no pl pt ro ru sv ta th tr uk zh".split()  # noqa: SIM905
)
_ENGLISH = frozenset({"en"})


class KnownModel(Struct, frozen=True):
    """`dimensions` is the width of its vectors; a completion model that is asked for vectors gives its own, under 200.
    Languages as in `Embedding.languages`."""

    dimensions: int
    languages: frozenset[str] = _ENGLISH


MODELS = {
    "bge-m3": KnownModel(1024, _EVERYWHERE),
    "nomic-embed-text": KnownModel(768),
    "mxbai-embed-large": KnownModel(1024),
    "snowflake-arctic-embed2": KnownModel(1024, _EVERYWHERE),
    "all-minilm": KnownModel(384),
}
"""By name without tag: an index has to know its width before the first vector."""


def known(model: str) -> KnownModel | None:
    return MODELS.get(model.partition(":")[0])
