"""Counts tokens as the built-in embedding model reads them."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING

from shared.processes.cpu_threads import stop_if_left
from shared.types.text import replace_surrogates

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BATCH_CHARACTERS = 256 * 1024
"""A batch's encodings are in memory together, at some hundred bytes a token."""


class TokenCounter:
    """The tokenizer, loaded at the first count. No text is truncated; the special tokens around it are not counted."""

    def __call__(self, texts: Sequence[str]) -> list[int]:
        counts: list[int] = []
        for batch in _batches(texts):
            stop_if_left()
            encodings = self._tokenizer.encode_batch_fast(batch, add_special_tokens=False)
            counts += (len(encoding.ids) for encoding in encodings)
        return counts

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        from tokenizers import Tokenizer

        packaged = files("shared.embedding").joinpath("weights/tokenizer.json").read_text("utf-8")
        tokenizer = Tokenizer.from_str(packaged)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(replace_surrogates(text))
        size += len(text)
        if size >= BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
