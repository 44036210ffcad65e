"""The terms of a document: status and classification."""

from typing import Literal

Classification = Literal["public", "internal", "confidential"]
CLASSIFICATIONS: tuple[Classification, ...] = ("public", "internal", "confidential")

Status = Literal[
    "stored", "parsed", "chunked", "embedded", "extracted", "linked", "ready", "waiting", "rejected", "failed",
    "deleting",
]  # fmt: skip

REACHED: dict[str, Status] = {
    "parse": "parsed",
    "parse_gpu": "parsed",
    "chunk": "chunked",
    "embed": "embedded",
    "extract": "extracted",
    "link": "linked",
    "finish": "ready",
}
"""The status of a document whose furthest finished stage is this one."""


def higher(one: Classification, other: Classification) -> Classification:
    return max(one, other, key=CLASSIFICATIONS.index)
