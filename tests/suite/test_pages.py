"""Documents with pages: where their passages stand, how a page looks, and what an estimate says before."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.shared.parsing import drawn
from tests.suite.running import Caller


@pytest.fixture(scope="module")
def report(admin: Caller) -> dict[str, Any]:
    content = drawn.pdf(*(drawn.text_page(number) for number in range(1, 6)))
    return admin.ingest(content, "report.pdf")


def test_a_passage_of_a_pdf_names_its_page_and_the_place_on_it(admin: Caller, report: dict[str, Any]) -> None:
    assert (report["status"], report["pages"], report["media_type"]) == ("ready", 5, "application/pdf")
    found = admin.search("paragraph 4 of quay", document_ids=[report["document_id"]], limit=20)
    passage = next(passage for passage in found if "Paragraph 4" in passage["text"])
    left, top, right, bottom = passage["box"]
    assert passage["page"] == 4 and 0 < left < right < 1 and 0 < top < 0.27 < bottom < 1


def test_a_page_is_shown_with_a_box(admin: Caller, report: dict[str, Any]) -> None:
    path = f"/documents/{report['document_id']}/pages"
    plain, marked = admin.get(f"{path}/2.png"), admin.get(f"{path}/2.png?box=0.1,0.2,0.6,0.3")
    assert plain.status_code == marked.status_code == 200 and plain.headers["content-type"] == "image/png"
    pictures = [Image.open(BytesIO(answer.content)) for answer in (plain, marked)]
    assert all(picture.width == 1200 for picture in pictures) and plain.content != marked.content


@pytest.mark.parametrize(
    ("page", "status"),
    [
        ("6.png", 404),
        ("0.png", 404),
        ("2.jpg", 404),
        ("x", 404),
        ("2.png?box=1,2,3", 400),
        ("2.png?box=0.5,0,0.4,1", 400),
    ],
)
def test_what_is_no_page_of_it_is_refused(admin: Caller, report: dict[str, Any], page: str, status: int) -> None:
    assert admin.get(f"/documents/{report['document_id']}/pages/{page}").status_code == status


def test_a_document_without_pages_shows_none(admin: Caller) -> None:
    note = admin.ingest(b"# A note without pages", "note.md")
    answer = admin.get(f"/documents/{note['document_id']}/pages/1.png")
    assert answer.status_code == 404 and "no pages" in answer.json()["detail"]


def estimate(caller: Caller, content: bytes, filename: str) -> dict[str, Any]:
    answer = caller.post("/estimate", files={"file": (filename, content)})
    assert answer.status_code == 200, answer.text
    estimated: dict[str, Any] = answer.json()
    return estimated


def test_an_estimate_tells_pages_and_tokens_and_keeps_nothing(admin: Caller) -> None:
    before = admin.get("/documents").json()["items"]
    seen = estimate(admin, drawn.pdf(*(drawn.text_page(number) for number in range(100, 112))), "long.pdf")
    assert (seen["would"], seen["reason"], seen["route"], seen["pages"]) == ("accept", None, "cpu", 12)
    assert 12 * 40 < seen["tokens"] < 12 * 100 and seen["cost_usd"] == {"low": 0, "high": 0}
    assert [stage["stage"] for stage in seen["stages"]] == [
        "parse",
        "chunk",
        "embed",
        "extract",
        "link",
        "finish",
    ]
    assert admin.get("/documents").json()["items"] == before


def test_an_estimate_says_what_would_be_rejected(admin: Caller) -> None:
    locked = estimate(admin, drawn.pdf(drawn.text_page(), password="secret"), "locked.pdf")
    assert (locked["would"], locked["reason"]["code"], locked["stages"]) == ("reject", "encrypted", [])
    assert estimate(admin, b"MZ\x90\x00\x03\x00", "tool.exe")["reason"]["code"] == "unsupported-format"
    assert estimate(admin, b"", "nothing.txt")["reason"]["code"] == "empty"
