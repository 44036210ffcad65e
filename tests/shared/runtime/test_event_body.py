"""The document in an event goes to disk while the event arrives; the rest of the event stays as it was."""

import base64
import json
import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from shared.runtime.http.event_body import LARGEST_EVENT, EventBody
from shared.types.errors import InvalidRequest, TooLarge

CONTENT = random.Random(7).randbytes(10_001)
EVENT = {
    "id": "e-1",
    "data": {"filename": 'a "content_base64": "x.txt', "content_base64": base64.b64encode(CONTENT).decode()},
}


def taken(body: bytes, folder: Path, piece: int, largest: int = 1 << 20) -> EventBody:
    event = EventBody(folder, largest)
    try:
        for first in range(0, len(body), piece):
            event.take(body[first : first + piece])
    except BaseException:
        event.discard()
        raise
    return event


def without_content(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "data": {**event["data"], "content_base64": ""}}


@pytest.mark.parametrize("piece", [1, 3, 64, 1000, 1 << 20])
def test_the_document_is_on_disk_and_the_rest_unchanged(piece: int, tmp_path: Path) -> None:
    event = taken(json.dumps(EVENT).encode(), tmp_path, piece)
    assert json.loads(event.json) == without_content(EVENT)
    file = event.content()
    assert file
    assert file.path.read_bytes() == CONTENT
    assert (file.size, file.head) == (len(CONTENT), CONTENT)


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_base64_may_have_the_escapes_of_json(piece: int, tmp_path: Path) -> None:
    body = json.dumps(EVENT).replace("+", "\\u002B").replace("/", "\\/").encode()
    file = taken(body, tmp_path, piece).content()
    assert file
    assert file.path.read_bytes() == CONTENT


@pytest.mark.parametrize("piece", [1, 5, 1 << 20])
def test_a_document_in_data_that_is_in_base64_itself_is_found(piece: int, tmp_path: Path) -> None:
    body = json.dumps({"id": "e-1", "data_base64": base64.b64encode(json.dumps(EVENT["data"]).encode()).decode()})
    event = taken(body.encode(), tmp_path, piece)
    data = json.loads(base64.b64decode(json.loads(event.json)["data_base64"]))
    assert data == without_content(EVENT)["data"]
    file = event.content()
    assert file
    assert file.path.read_bytes() == CONTENT


@pytest.mark.parametrize("text", ["a", "abc", "ab==cd==", "a=bc", "ab c", "ä", "\\n", "ab\\"])
def test_what_is_not_base64_is_refused_and_leaves_no_file(text: str, tmp_path: Path) -> None:
    for piece in (1, 100):
        with pytest.raises(InvalidRequest):
            taken(f'{{"data": {{"content_base64": "{text}"}}}}'.encode(), tmp_path, piece)
    assert list(tmp_path.iterdir()) == []


def test_two_documents_in_one_event_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="twice"):
        taken(b'{"data": {"content_base64": "YQ==", "content_base64": "Yg=="}}', tmp_path, 10)
    assert list(tmp_path.iterdir()) == []


def test_a_document_or_an_event_that_is_too_large_is_refused_when_it_becomes_so(tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        taken(json.dumps(EVENT).encode(), tmp_path, 100, largest=10_000)
    with pytest.raises(TooLarge):
        taken(b'{"data": [' + b"[]," * LARGEST_EVENT, tmp_path, 1 << 16)
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_document(tmp_path: Path) -> None:
    event = EventBody(tmp_path, 1 << 30)
    piece = base64.b64encode(bytes(48 * 1024))
    tracemalloc.start()
    event.take(b'{"data": {"content_base64": "')
    for _ in range(500):
        event.take(piece)
    event.take(b'"}}')
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20
    file = event.content()
    assert file
    assert file.size == 500 * 48 * 1024
