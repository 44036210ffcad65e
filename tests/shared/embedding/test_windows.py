"""A text of any length is divided into windows that the model reads to their ends, and nothing of it is lost."""

import pytest

from shared.embedding.minilm import LONGEST, MiniLM
from shared.embedding.ollama import OllamaEmbedding

TEXTS = ["short", "The pump has a pressure limit. " * 200, "x" * 3000, "Straße und Übermaß 😀 " * 300, " " * 2000]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:10])
async def test_windows_hold_the_whole_text(text: str) -> None:
    model, ollama = MiniLM(), OllamaEmbedding("http://127.0.0.1:9", "mxbai-embed-large")
    (windows,) = await model.windows([text])
    assert "".join(windows) == text
    for reading in model.read(windows):
        assert len(reading.tokens) <= LONGEST - 2
    (windows,) = await ollama.windows([text])
    assert "".join(windows) == text and all(len(window.encode()) <= 500 for window in windows)
    await ollama.close()
