"""The results of one evaluation, as they are stored and compared."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

RUN_FILE = "run.json"

Kind = Literal["answers", "retrieval"]


class RunItem(Struct, frozen=True):
    """One question: its `outcome`, its measures by name, and what was answered or found."""

    id: str
    question: str
    outcome: str = ""
    scores: dict[str, float] = {}
    tags: dict[str, str] = {}
    gold: tuple[str, ...] = ()
    answer: str = ""
    quotes: tuple[str, ...] = ()
    found: tuple[str, ...] = ()


def scores_of(items: Sequence[RunItem], name: str) -> list[float]:
    return [item.scores[name] for item in items if name in item.scores]


class Measure(Struct, frozen=True):
    """A figure; where it is a share of `count` cases, `low` and `high` are its 95 % interval."""

    value: float
    count: int | None = None
    low: float | None = None
    high: float | None = None


class Run(Struct, frozen=True):
    """One evaluation of a set."""

    kind: Kind
    set: str
    at: str
    measures: dict[str, Measure]
    items: tuple[RunItem, ...]


def share(hits: int, count: int) -> Measure | None:
    """The share with its Wilson interval; None of nothing."""
    if not count:
        return None
    z, rate = 1.96, hits / count
    middle = (rate + z * z / (2 * count)) / (1 + z * z / count)
    half = z * ((rate * (1 - rate) + z * z / (4 * count)) / count) ** 0.5 / (1 + z * z / count)
    return Measure(rate, count, max(0.0, middle - half), min(1.0, middle + half))


def mean(values: list[float]) -> Measure | None:
    """The mean of values from 0 to 1; None of nothing. Its interval is Wilson's where each value is 0 or 1, else the
    normal approximation's part within 0 and 1."""
    if not values:
        return None
    if all(value in (0, 1) for value in values):
        return share(round(sum(values)), len(values))
    average = sum(values) / len(values)
    if len(values) < 2:
        return Measure(average, len(values))
    spread = (sum((value - average) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    half = 1.96 * spread / len(values) ** 0.5
    return Measure(average, len(values), max(0.0, average - half), min(1.0, average + half))


def percentile(values: list[float], part: float) -> Measure | None:
    """The smallest value that at least this part of the values does not exceed."""
    ordered = sorted(values)
    return Measure(ordered[max(0, -int(-part * len(ordered) // 1) - 1)], len(ordered)) if ordered else None


def write_run(run: Run, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RUN_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n")


def read_run(path: Path) -> Run:
    """Reads a report's folder, or the file in it. Raises `ValueError` where it holds no run."""
    file = path / RUN_FILE if path.is_dir() else path
    try:
        return msgspec.json.decode(file.read_bytes(), type=Run)
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise ValueError(f"{file} is no run: {error}") from error
