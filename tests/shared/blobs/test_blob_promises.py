"""What every world of blobs promises."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.blobs.folder import FolderBlobs
from shared.blobs.port import BlobMissing, Blobs

Place = tuple[str, str]


def start(place: Place, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.shared.blobs.at_work", *place, *arguments]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    return child


def let_go(*children: "subprocess.Popen[str]") -> None:
    for child in children:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()


async def test_what_is_written_is_read(blobs: Blobs) -> None:
    await blobs.write("t/a/b", b"first")
    await blobs.write("t/a/b", b"second")
    assert await blobs.read("t/a/b") == b"second"
    assert [piece async for piece in blobs.stream("t/a/b")] == [b"second"]


async def test_a_large_blob_streams_in_pieces(blobs: Blobs) -> None:
    content = bytes(range(256)) * 4096
    await blobs.write("t/large", content)
    pieces = [piece async for piece in blobs.stream("t/large")]
    assert len(pieces) > 1
    assert b"".join(pieces) == content


async def test_a_blob_and_every_folder_above_it_are_on_the_disk_when_the_write_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def note(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()).removeprefix(f"{tmp_path}/"))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    blobs = FolderBlobs(tmp_path / "blobs")
    await blobs.prepare()
    for call in (blobs.write("t/a/1/x", b"x"), blobs.create("u/b/y", b"y")):
        await call
    assert {"blobs", "blobs/t", "blobs/t/a", "blobs/t/a/1", "blobs/u", "blobs/u/b"} <= set(synced)
    assert len([path for path in synced if path.startswith("blobs/.part/")]) == 2


async def test_an_empty_blob_is_a_blob(blobs: Blobs) -> None:
    await blobs.write("t/empty", b"")
    assert await blobs.read("t/empty") == b""
    assert await blobs.names("t/") == ["t/empty"]


async def test_a_missing_blob_is_missing_however_it_is_asked_for(blobs: Blobs) -> None:
    await blobs.write("t/a/b", b"x")
    for name in ("t/a/c", "t/a", "t/a/b/c", "u"):
        with pytest.raises(BlobMissing):
            await blobs.read(name)
    with pytest.raises(BlobMissing):
        await anext(blobs.stream("t/a/c"))


async def test_only_the_first_creates(blobs: Blobs) -> None:
    assert await blobs.create("t/one", b"first")
    assert not await blobs.create("t/one", b"second")
    assert await blobs.read("t/one") == b"first"


async def test_of_many_that_create_at_once_one_does(blobs: Blobs) -> None:
    contents = [bytes([number]) * 1000 for number in range(40)]
    created = await asyncio.gather(*(blobs.create("t/one", content) for content in contents))
    assert created.count(True) == 1
    assert await blobs.read("t/one") == contents[created.index(True)]


async def test_of_two_processes_that_create_at_once_one_does(blobs_place: Place, blobs: Blobs) -> None:
    count = 60
    children = [start(blobs_place, "create", who, str(count)) for who in ("a", "b")]
    let_go(*children)
    won = [{int(line) for line in child.communicate(timeout=30)[0].split()} for child in children]
    assert not won[0] & won[1], "both think that they were first"
    assert won[0] | won[1] == set(range(count))
    for number in range(count):
        who = b"a" if number in won[0] else b"b"
        assert await blobs.read(f"t/race/{number}") == who * 1000


async def test_a_killed_process_leaves_no_half_blob_and_loses_none_that_it_had_told_of(
    blobs_place: Place, blobs: Blobs
) -> None:
    size = 300_000
    for _ in range(3):
        child = start(blobs_place, "write", str(size))
        let_go(child)
        time.sleep(0.1)
        child.kill()
        assert child.stdout
        printed = [int(line) for line in child.stdout.read().split()]
        child.wait()
        created = {int(name.rpartition("/")[2]) for name in await blobs.names("t/created/")}
        assert created >= set(printed)
        for name in [*await blobs.names("t/created/"), *await blobs.names("t/written/")]:
            content = await blobs.read(name)
            assert len(content) == size, name
            assert len(set(content)) == 1, f"{name} is of two writes"
        await blobs.erase_all("t/")


async def test_what_a_killed_process_had_begun_is_swept_at_the_next_start(tmp_path: Path) -> None:
    place = ("embedded", str(tmp_path / "blobs"))
    child = start(place, "write", "3000000")
    let_go(child)
    time.sleep(0.1)
    child.kill()
    child.communicate()
    blobs = FolderBlobs(tmp_path / "blobs")
    await blobs.erase_all("t/")
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


async def test_a_full_disk_says_so_keeps_nothing_half_and_works_again(blobs_place: Place, blobs: Blobs) -> None:
    if blobs_place[0] != "embedded":
        pytest.skip("no other store can be filled from here")
    await blobs.write("t/large", b"as before")
    child = start(blobs_place, "overflow")
    printed, _ = child.communicate("go\n", timeout=30)
    assert printed.splitlines() == ["full 507", "full 507", "fits"]
    assert await blobs.names("t/") == ["t/large", "t/small"]
    assert await blobs.read("t/large") == b"as before"
    await blobs.write("t/large", b"y" * 300_000)


async def test_a_full_disk_leaves_nothing_behind_in_the_folder(tmp_path: Path) -> None:
    child = start(("embedded", str(tmp_path)), "overflow")
    child.communicate("go\n", timeout=30)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["small"]


@pytest.mark.parametrize(
    "name",
    ["", "/", "/etc/passwd", "..", "../x", "t/../../x", "t/..", "t//x", "t/./x", "t/.hidden", ".part/x", "t/", "t/x/",
     "t\\x", "t/x\0y", "t/a b", "t/ä", "t/x\n", "t/\u2044", "t/%2e%2e/x"],
)  # fmt: skip
async def test_names_that_could_lead_outside_are_refused(blobs: Blobs, tmp_path: Path, name: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    for call in (blobs.write(name, b"x"), blobs.create(name, b"x"), blobs.adopt(name, file), blobs.read(name)):
        with pytest.raises(ValueError, match="not the name"):
            await call
    with pytest.raises(ValueError, match="not the name"):
        await blobs.erase(name)
    assert file.exists()


@pytest.mark.parametrize("prefix", ["", "/", "t", "../", "t/../", "/etc/", "./", "t//"])
async def test_prefixes_that_could_lead_outside_are_refused(blobs: Blobs, prefix: str) -> None:
    for call in (blobs.names(prefix), blobs.folders(prefix), blobs.erase_all(prefix)):
        with pytest.raises(ValueError, match="not"):
            await call


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.text(max_size=30))
async def test_whatever_the_name_nothing_appears_outside(blobs: Blobs, tmp_path: Path, name: str) -> None:
    try:
        await blobs.write(f"t/{name}", b"x")
    except ValueError:
        assert await blobs.names("t/") == []
    else:
        assert await blobs.names("t/") == [f"t/{name}"]
        await blobs.erase_all("t/")
    assert {path.name for path in tmp_path.iterdir()} <= {"blobs"}


async def test_long_names_are_taken(blobs: Blobs) -> None:
    part = "p" * 200
    name = "/".join(["t", *[part] * 4, "doc_" + "0" * 32])
    await blobs.write(name, b"far down")
    assert await blobs.read(name) == b"far down"
    assert await blobs.names(f"t/{part}/") == [name]
    assert await blobs.folders("t/") == [part]


async def test_a_name_that_no_file_system_takes_is_unavailable_not_a_crash(tmp_path: Path) -> None:
    from shared.types.errors import StoreUnavailable

    blobs = FolderBlobs(tmp_path)
    with pytest.raises(StoreUnavailable):
        await blobs.write("t/" + "p" * 300, b"x")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_names_come_in_order_and_only_below_the_prefix(blobs: Blobs) -> None:
    for name in ("t/b/2", "t/a/1/z", "t/b/1", "t/a", "tt/x", "t/b/10"):
        if name != "t/a":
            await blobs.write(name, b"x")
    assert await blobs.names("t/") == ["t/a/1/z", "t/b/1", "t/b/10", "t/b/2"]
    assert await blobs.names("t/b/") == ["t/b/1", "t/b/10", "t/b/2"]
    assert await blobs.names("nothing/") == []


async def test_folders_are_the_next_parts_only(blobs: Blobs) -> None:
    for name in ("t/b/x/y", "t/a/z", "t/file"):
        await blobs.write(name, b"x")
    assert await blobs.folders("t/") == ["a", "b"]
    assert await blobs.folders("nothing/") == []


async def test_an_erased_blob_is_gone_and_erasing_it_again_is_no_error(blobs: Blobs) -> None:
    await blobs.write("t/a/b", b"x")
    await blobs.write("t/a/c", b"y")
    await blobs.erase("t/a/b")
    await blobs.erase("t/a/b")
    assert await blobs.names("t/") == ["t/a/c"]
    await blobs.erase("t/a/c")
    assert await blobs.folders("t/") == []


async def test_erase_all_takes_the_prefix_and_nothing_beside_it(blobs: Blobs) -> None:
    for name in ("t/a/1", "t/a/b/2", "t/ab/3", "u/a/4"):
        await blobs.write(name, b"x")
    await blobs.erase_all("t/a/")
    await blobs.erase_all("t/a/")
    await blobs.erase_all("nothing/")
    assert await blobs.names("t/") == ["t/ab/3"]
    assert await blobs.names("u/") == ["u/a/4"]


async def test_two_that_erase_the_same_leave_nothing(blobs: Blobs) -> None:
    for _ in range(5):
        await asyncio.gather(*(blobs.write(f"t/a/{number}", b"x") for number in range(30)))
        await asyncio.gather(*(blobs.erase_all("t/a/") for _ in range(4)))
        assert await blobs.names("t/") == []


async def test_a_write_beside_an_erasure_of_its_neighbours_succeeds(blobs: Blobs) -> None:
    async def come_and_go(number: int) -> None:
        for _ in range(20):
            await blobs.write(f"t/a/{number}", b"x")
            await blobs.erase(f"t/a/{number}")

    await asyncio.gather(*(come_and_go(number) for number in range(6)))
    assert await blobs.names("t/") == []


async def test_an_adopted_file_is_the_blob_and_gone_where_it_was(blobs: Blobs, tmp_path: Path) -> None:
    file = tmp_path / "spooled"
    file.write_bytes(b"content")
    await blobs.adopt("t/doc/original", file)
    assert not file.exists()
    assert await blobs.read("t/doc/original") == b"content"


async def test_blobs_that_answer_a_ping_can_be_written(blobs: Blobs) -> None:
    await blobs.ping()
