"""A form is what was sent, however the network cut it; a refused one leaves nothing behind."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.intake.spool import HEAD
from shared.runtime.http.forms import Form, receive
from shared.types.errors import InvalidRequest, TooLarge, UnsupportedMediaType

BOUNDARY = "Xy-9"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"
TRICKY = st.sampled_from(
    [b"\r\n", b"--", b"\r\n--", f"--{BOUNDARY}".encode(), f"\r\n--{BOUNDARY}x".encode(), b"\r", b"\n", b"\x00"]
)
CONTENT = st.lists(st.binary(max_size=50) | TRICKY, max_size=12).map(b"".join)


def encoded(content: bytes, fields: dict[str, str], filename: str = "a.md") -> bytes:
    parts = [f'Content-Disposition: form-data; name="{k}"\r\n\r\n'.encode() + v.encode() for k, v in fields.items()]
    head = f'Content-Disposition: form-data; name="file"; filename="{filename}"\r\nContent-Type: text/markdown\r\n\r\n'
    parts.insert(len(parts) // 2, head.encode() + content)
    return b"".join(b"--Xy-9\r\n" + part + b"\r\n" for part in parts) + b"--Xy-9--\r\n"


async def arriving(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def take(chunks: Iterable[bytes], folder: Path, largest: int = 1 << 20, content_type: str = TYPE) -> Form:
    return asyncio.run(receive(content_type, arriving(chunks), folder, largest, "file"))


def left(folder: Path) -> list[Path]:
    return list(folder.rglob("*")) if folder.exists() else []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=CONTENT.filter(lambda content: b"\r\n--Xy-9" not in b"\r\n" + content),
    fields=st.dictionaries(st.sampled_from(["title", "classification", "c"]), st.text(max_size=40), max_size=3),
    places=st.lists(st.floats(0, 1), max_size=12),
)
def test_a_form_is_the_same_however_it_is_cut(
    content: bytes, fields: dict[str, str], places: list[float], tmp_path: Path
) -> None:
    body = encoded(content, fields)
    cuts = [0, *sorted(round(place * len(body)) for place in places), len(body)]
    form = take([body[start:end] for start, end in pairwise(cuts)], tmp_path)
    assert form.fields == fields
    assert form.file
    assert form.file.path.read_bytes() == content
    assert (form.file.size, form.file.content_hash) == (len(content), hashlib.sha256(content).hexdigest())
    assert (form.file.filename, form.file.media_type) == ("a.md", "text/markdown")
    assert form.file.head == content[:HEAD]
    form.file.path.unlink()


def test_a_form_may_come_byte_by_byte(tmp_path: Path) -> None:
    body = encoded(b"one\r\n--Xy-\r\ntwo", {"title": "Grüße"})
    form = take([body[at : at + 1] for at in range(len(body))], tmp_path)
    assert form.file and form.file.path.read_bytes() == b"one\r\n--Xy-\r\ntwo"
    assert form.fields == {"title": "Grüße"}


def test_the_head_of_a_long_file_is_its_first_64_kib(tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    body = encoded(content, {})
    form = take([body[at : at + 7777] for at in range(0, len(body), 7777)], tmp_path)
    assert form.file and form.file.head == content[:HEAD]


def test_a_file_may_be_as_large_as_the_limit_and_not_a_byte_larger(tmp_path: Path) -> None:
    assert take([encoded(b"x" * 1000, {})], tmp_path / "a", largest=1000).file
    with pytest.raises(TooLarge):
        take([encoded(b"x" * 1001, {})], tmp_path / "b", largest=1000)
    assert left(tmp_path / "b") == []


BROKEN = {
    "cut off": encoded(b"x" * 100, {})[:-30],
    "no form": b"hello",
    "empty": b"",
    "two files": encoded(b"x", {}).replace(b"--Xy-9--\r\n", b"") + encoded(b"y", {}),
    "a field that is not UTF-8": encoded(b"x", {"title": "@"}).replace(b"@", b"\xff"),
    "a file without a name": encoded(b"x", {}).replace(b'; filename="a.md"', b""),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_form_is_refused_and_leaves_nothing_behind(body: bytes, tmp_path: Path) -> None:
    for size in (1, 10, 10_000):
        with pytest.raises(InvalidRequest):
            take([body[at : at + size] for at in range(0, len(body), size)], tmp_path)
        assert left(tmp_path) == []


def test_what_is_no_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedMediaType):
        take([encoded(b"x", {})], tmp_path, content_type="application/json")
    with pytest.raises(InvalidRequest):
        take([encoded(b"x", {})], tmp_path, content_type="multipart/form-data")


def test_a_client_that_goes_away_leaves_nothing_behind(tmp_path: Path) -> None:
    async def breaking_off() -> AsyncIterator[bytes]:
        yield encoded(b"x" * 5000, {})[:3000]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        asyncio.run(receive(TYPE, breaking_off(), tmp_path, 1 << 20, "file"))
    assert left(tmp_path) == []


async def test_a_call_that_is_cancelled_leaves_nothing_behind(tmp_path: Path) -> None:
    waiting = asyncio.Event()

    async def standing_still() -> AsyncIterator[bytes]:
        yield encoded(b"x" * 5000, {})[:3000]
        waiting.set()
        await asyncio.sleep(60)

    call = asyncio.create_task(receive(TYPE, standing_still(), tmp_path, 1 << 20, "file"))
    await waiting.wait()
    assert left(tmp_path)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert left(tmp_path) == []


def named(disposition: str, tmp_path: Path) -> str:
    body = f"--Xy-9\r\nContent-Disposition: form-data; {disposition}\r\n\r\nx\r\n--Xy-9--\r\n".encode()
    form = take([body], tmp_path)
    assert form.file
    return form.file.filename


NAMES = {
    "name=file; filename=\"=?utf-8?B?R3LDtsOfZS5jc3Y=?=\"; filename*=utf-8''Gr%C3%B6%C3%9Fe.csv": "Größe.csv",
    "name=\"file\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.csv": "Größe.csv",
    'name="file"; filename*=UTF-8\'de\'Gr%C3%B6%C3%9Fe.csv; filename="G.csv"': "Größe.csv",
    'name="file"; FILENAME*="iso-8859-1\'\'Gr%F6%DFe.csv"': "Größe.csv",
    'name="file"; filename="=?utf-8?B?R3LDtsOfZS5jc3Y=?="': "Größe.csv",
    'name="file"; filename="=?iso-8859-1?Q?Gr=F6=DFe?= =?utf-8?Q?.csv?="': "Größe.csv",
    'name="file"; filename="Größe.csv"': "Größe.csv",
    'name="file"; filename="a; filename*=utf-8\'\'b.csv"': "a; filename*=utf-8''b.csv",
    'name="file"; filename="a.csv"; filename*=utf-8\'\'%FF.csv': "a.csv",
    'name="file"; filename="a.csv"; filename*=klingon\'\'b.csv': "a.csv",
    'name="file"; filename="a.csv"; filename*=': "a.csv",
    'name="file"; filename="=?nonsense?="': "=?nonsense?=",
    'name="file"; filename="=?klingon?Q?x?="': "=?klingon?Q?x?=",
}


@pytest.mark.parametrize("disposition", NAMES)
def test_a_files_name_is_read_in_every_encoding_that_clients_use(disposition: str, tmp_path: Path) -> None:
    assert named(disposition, tmp_path) == NAMES[disposition]


def test_an_extended_name_that_cannot_be_decoded_is_no_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest):
        named("name=\"file\"; filename*=klingon''b.csv", tmp_path)
