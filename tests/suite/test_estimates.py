"""What an estimate says a document will cost, and what it may cost at most, where units have a price."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.documents.make import EXTENSIONS, make
from tests.shared.parsing import drawn
from tests.suite.running import Caller, Running

UNITS = "units: {page_parsed: 0.001, embedded_1k_tokens: 0.02, function_second: 0.0001}\n"
LANGUAGES = {
    "german": "Der Hafenkran hebt vierzig Tonnen Bauholz, und die Geschwindigkeitsbegrenzung gilt auch nachts. ",
    "russian": "Портовый кран поднимает сорок тонн древесины каждый день без остановки. ",
    "japanese": "港の起重機は四十トンの木材を毎日持ち上げる。",
    "korean": "항구의 크레인은 매일 사십 톤의 목재를 들어 올린다. ",
}


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("priced")
    (folder / "proxy.yaml").write_text(UNITS)
    running = Running(folder / "data", AEGIS_PROXY_CONFIG=str(folder / "proxy.yaml")).start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def caller(priced: Running) -> Iterator[Caller]:
    with priced.caller(priced.api_key) as caller:
        yield caller


def estimate(caller: Caller, content: bytes, filename: str, **fields: str) -> dict[str, Any]:
    answer = caller.post("/estimate", files={"file": (filename, content)}, data=fields)
    estimated: dict[str, Any] = answer.raise_for_status().json()
    return estimated


def waiting(caller: Caller, document_id: str) -> dict[str, Any]:
    """The document once it waits; how it stands is streamed until then."""
    with caller.stream("GET", f"/documents/{document_id}/events") as events:
        assert any(line == "event: waiting" for line in events.iter_lines())
    document: dict[str, Any] = caller.get(f"/documents/{document_id}").json()
    return document


def test_nine_of_ten_documents_cost_what_was_estimated(caller: Caller) -> None:
    files = {f"sample.{extension}": make(extension) for extension in EXTENSIONS}
    files |= {f"{name}.md": f"# {name}\n\n{40 * sentence}".encode() for name, sentence in LANGUAGES.items()}
    files["long.pdf"] = drawn.pdf(*(drawn.text_page(number) for number in range(1, 31)))
    estimates = {name: estimate(caller, content, name) for name, content in files.items()}
    ids = {name: caller.upload(content, name).json()["document_id"] for name, content in files.items()}
    held = []
    for name, estimated in estimates.items():
        low, high = estimated["cost_usd"]["low"], estimated["cost_usd"]["high"]
        cost = caller.final(ids[name])["cost_usd"]
        assert 0 < low <= high <= 3 * low, name
        held.append(low <= cost <= high)
    assert sum(held) >= 0.9 * len(held), [name for name, holds in zip(estimates, held, strict=True) if not holds]


def test_the_stages_of_an_estimate_make_up_its_whole(caller: Caller) -> None:
    estimated = estimate(caller, make("docx"), "sample.docx")
    stages = {stage["stage"]: stage for stage in estimated["stages"]}
    assert {stage["location"] for stage in stages.values()} == {"local"}
    assert (
        list(stages) == ["parse", "chunk", "embed", "extract", "link", "finish"]
        and stages["parse"]["cost_usd"]["low"] >= 0.001
    )
    for end in ("low", "high"):
        assert sum(stage["cost_usd"][end] for stage in stages.values()) == pytest.approx(estimated["cost_usd"][end])


def test_an_estimate_says_that_a_document_would_wait_for_its_bound(caller: Caller) -> None:
    seen = estimate(caller, make("md"), "sample.md", max_cost_usd="0.0005")
    assert (seen["would"], seen["reason"]["code"]) == ("accept", "budget")


@pytest.mark.parametrize("filename", ["bounded.pdf", "bounded.md"])
def test_a_document_waits_below_its_bound_and_goes_on_when_that_is_raised(caller: Caller, filename: str) -> None:
    content = drawn.pdf(*(drawn.text_page(number) for number in range(40, 43)))
    if filename.endswith("md"):
        content = b"A bounded note about quays and cranes."
    uploaded = caller.upload(content, filename, max_cost_usd="0.0005").json()
    document = waiting(caller, uploaded["document_id"])
    assert (document["status"], document["waiting_for"], document["cost_usd"]) == ("waiting", "budget", 0)
    assert document["reason"]["code"] == "budget" and "max_cost_usd" in document["reason"]["detail"]
    retried = caller.post(f"/documents/{document['document_id']}/retry", json={"max_cost_usd": 1.0})
    assert retried.status_code == 202
    ready = caller.final(document["document_id"])
    assert (ready["status"], ready["waiting_for"]) == ("ready", None) and 0 < ready["cost_usd"] <= 1


def test_a_stage_in_the_middle_waits_before_it_goes_beyond_the_bound(caller: Caller) -> None:
    """Parsing is cheap for its pages, embedding is not: what is not begun costs nothing."""
    text = "\n\n".join(f"Paragraph {number} of the quay tells of cranes and timber." for number in range(400))
    low = estimate(caller, text.encode(), "middle.md")["cost_usd"]["low"]
    uploaded = caller.upload(text.encode(), "middle.md", max_cost_usd=f"{low * 1.02:.6f}").json()
    document = waiting(caller, uploaded["document_id"])
    stages = {stage["stage"]: stage for stage in document["stages"]}
    assert stages["embed"]["status"] == "waiting" and stages["chunk"]["status"] == "done"
    assert document["cost_usd"] <= low
    caller.post(f"/documents/{document['document_id']}/retry", json={"max_cost_usd": 2 * low}).raise_for_status()
    assert caller.final(document["document_id"])["cost_usd"] <= 2 * low
