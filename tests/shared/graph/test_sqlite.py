"""The embedded graph: its files, and what happens when they cannot be used."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from shared.graph.sqlite import SqliteIndex
from shared.types.errors import StoreUnavailable
from tests.shared.graph.samples import ids, passage


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "graph"


async def test_a_tenant_has_a_file_of_its_own_from_its_first_passage_to_its_deletion(folder: Path) -> None:
    index = SqliteIndex(folder)
    await index.prepare()
    assert await index.of("ten_a").find(["Ada"]) == {}
    assert list(folder.iterdir()) == []
    for tenant in ("ten_a", "ten_b"):
        await index.of(tenant).put([passage("doc_a", 0, ["Ada"])])
    await index.forget_tenant("ten_a")
    await index.forget_tenant("ten_never")
    assert {path.name.partition(".")[0] for path in folder.iterdir()} == {"ten_b"}
    assert await index.of("ten_b").find(["Ada"])
    await index.of("ten_a").put([passage("doc_a", 0, ["Ada"])])
    assert (await index.of("ten_a").size()).entities == 1
    await index.close()
    with pytest.raises(StoreUnavailable):
        await index.of("ten_a").size()


@pytest.mark.parametrize("tenant", ["", "..", "../ten_a", "ten/a", ".hidden", "ten\0a"])
def test_a_tenants_id_is_no_path(folder: Path, tenant: str) -> None:
    with pytest.raises(ValueError, match="tenant"):
        SqliteIndex(folder).of(tenant)


async def test_what_was_written_is_there_after_another_start_and_more_tenants_than_open_files(folder: Path) -> None:
    index = SqliteIndex(folder)
    for number in range(70):
        await index.of(f"ten_{number}").put([passage("doc_a", 0, ["Ada", "Turin"])])
    await asyncio.gather(*(index.of(f"ten_{number}").put([passage("doc_b", 0, ["Ada"])]) for number in range(70)))
    await index.close()
    again = SqliteIndex(folder)
    for number in (0, 69):
        (ada,) = await again.of(f"ten_{number}").entities(await ids(again.of(f"ten_{number}"), "Ada"))
        assert (ada.documents, ada.mentions) == (2, 2)
    await again.close()


async def test_a_damaged_file_and_one_of_another_layout_are_stores_that_are_away(folder: Path) -> None:
    folder.mkdir()
    (folder / "ten_a.sqlite").write_bytes(b"no database " * 500)
    with sqlite3.connect(folder / "ten_b.sqlite") as other:
        other.execute("PRAGMA user_version = 99")
    index = SqliteIndex(folder)
    for tenant in ("ten_a", "ten_b"):
        with pytest.raises(StoreUnavailable, match="rebuild --only graph"):
            await index.of(tenant).size()
    await index.of("ten_c").put([passage("doc_a", 0, ["Ada"])])
    await index.close()


async def test_a_writer_that_fails_leaves_nothing_half_written(folder: Path) -> None:
    index = SqliteIndex(folder)
    graph = index.of("ten_a")
    await graph.put([passage("doc_a", 0, ["Ada"])])
    with pytest.raises(ValueError, match="a name"):
        await graph.put([passage("doc_a", 1, ["Grace"]), passage("doc_a", 2, [""])])
    assert (await graph.size()).passages == 1 and await graph.find(["Grace"]) == {}
    await graph.put([passage("doc_a", 1, ["Grace"])])
    assert (await graph.size()).entities == 2
    await index.close()
