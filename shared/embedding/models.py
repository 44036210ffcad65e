"""Embedding models that Ollama can serve: what has to be known of them before the first vector."""

from msgspec import Struct

MULTILINGUAL = frozenset(
    "ar cs da de el en es fi fr he hi hu hy it ja ko nl no pl pt ro ru sv ta th tr uk zh".split()  # noqa: SIM905
)
ENGLISH = frozenset({"en"})


class KnownModel(Struct, frozen=True):
    """`dimensions` is the width of its vectors; a completion model that is asked for vectors gives its own, under 200.
    Languages as in `Embedding.languages`. A text of `window_bytes` is read to its end: no token is less than a byte,
    and Ollama reads 4,096 tokens unless it is set up for more."""

    dimensions: int
    languages: frozenset[str] = ENGLISH
    window_bytes: int = 2000


MODELS = {
    "bge-m3": KnownModel(1024, MULTILINGUAL, 4000),
    "nomic-embed-text": KnownModel(768),
    "mxbai-embed-large": KnownModel(1024, window_bytes=500),
    "snowflake-arctic-embed2": KnownModel(1024, MULTILINGUAL, 4000),
    "all-minilm": KnownModel(384, window_bytes=250),
}
"""By name without tag: an index has to know its width before the first vector."""


def known(model: str) -> KnownModel | None:
    return MODELS.get(model.partition(":")[0])
