"""A stand-in for Ollama and Ollama Cloud, held to recordings of a real server."""

from tests.ollama.cloud import Account
from tests.ollama.exchange import Request
from tests.ollama.models import Asked, Model, plainly
from tests.ollama.recorded import Recorded, recordings
from tests.ollama.server import FakeOllama
from tests.ollama.trouble import REFUSALS, Refusal, Trouble, refusal

__all__ = [
    "REFUSALS",
    "Account",
    "Asked",
    "FakeOllama",
    "Model",
    "Recorded",
    "Refusal",
    "Request",
    "Trouble",
    "plainly",
    "recordings",
    "refusal",
]
