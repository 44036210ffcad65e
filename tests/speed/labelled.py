"""Fifty passages of our own with hand-made entities and relations, half of them German, and how well they were found.

In `labelled.txt` an entity is `[name](type)`, and a line `> A > B` is a relation between two of them.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from shared.extraction.port import Entity, Extraction

_ENTITY = re.compile(r"\[([^]]+)\]\((\w+)\)")
_FILE = Path(__file__).with_name("labelled.txt")


class LabelledPassage(Struct, frozen=True):
    """`relations` are the ends of each, in order: a verb has too many right words to compare."""

    text: str
    entities: frozenset[Entity]
    relations: frozenset[tuple[str, str]]


class Matches(Struct):
    """Counts of what was found and of what there was to find, over passages."""

    correct: int = 0
    found: int = 0
    labelled: int = 0

    def add(self, found: Iterable[object], labelled: Iterable[object]) -> None:
        ours, true = set(found), set(labelled)
        self.correct += len(ours & true)
        self.found += len(ours)
        self.labelled += len(true)

    @property
    def precision(self) -> float:
        return self.correct / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.correct / self.labelled if self.labelled else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.correct / (self.found + self.labelled) if self.found + self.labelled else 0.0


class ExtractionScore(Struct):
    """An entity counts when name and type agree, a relation when both ends do. `failed` passages found nothing."""

    entities: Matches
    relations: Matches
    passages: int = 0
    failed: int = 0

    def add(self, passage: LabelledPassage, extraction: Extraction | None) -> None:
        found = extraction or Extraction()
        self.passages += 1
        self.failed += extraction is None
        self.entities.add(found.entities, passage.entities)
        self.relations.add(((one.source, one.target) for one in found.relations), passage.relations)


def labelled_passages() -> list[LabelledPassage]:
    return [_passage(block) for block in _FILE.read_text(encoding="utf-8").strip().split("\n\n")]


def _passage(block: str) -> LabelledPassage:
    lines = block.split("\n")
    marked = "\n".join(line for line in lines if not line.startswith("> "))
    relations = (line.removeprefix("> ").split(" > ") for line in lines if line.startswith("> "))
    return LabelledPassage(
        text=_ENTITY.sub(r"\1", marked),
        entities=frozenset(Entity(name, kind) for name, kind in _ENTITY.findall(marked)),
        relations=frozenset((source, target) for source, target in relations),
    )
