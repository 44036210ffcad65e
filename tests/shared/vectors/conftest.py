"""The worlds that the promises are tried on, by name."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from shared.vectors.edge import EdgeIndex
from shared.vectors.port import VectorIndex

DIMENSIONS = 8
Open = Callable[[], VectorIndex]


def _embedded(folder: Path) -> VectorIndex:
    return EdgeIndex(folder / "vectors", DIMENSIONS, "model-a")


WORLDS: dict[str, Callable[[Path], VectorIndex]] = {"embedded": _embedded}


@pytest.fixture(params=sorted(WORLDS))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the index; called again after a close it opens the same one."""
    return lambda: WORLDS[request.param](tmp_path)


@pytest.fixture
async def index(world: Open) -> AsyncIterator[VectorIndex]:
    opened = world()
    await opened.prepare()
    yield opened
    await opened.close()
