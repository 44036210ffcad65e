import pytest

from shared.answers.extractive import ExtractiveAnswerer
from shared.embedding.minilm import MiniLM


@pytest.fixture(scope="session")
def answerer() -> ExtractiveAnswerer:
    return ExtractiveAnswerer(MiniLM(threads=1))
