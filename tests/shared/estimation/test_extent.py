"""How much a document is, estimated before it is split and embedded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.chunk.handler import ChunkSettings
from functions.chunk.splitter import split
from functions.chunk.tokens import TokenCounter
from shared.estimation.extent import PASSAGE_TOKENS, Range, extent_of_document
from shared.estimation.forecast import forecasts, of_embedding
from shared.estimation.token_estimator import TokenEstimator
from shared.language.detect import detect
from shared.parsing.document import Block, ParsedDocument
from shared.parsing.paged.glyph_count import SIDE, count_glyphs
from shared.parsing.tables import table_markdown
from shared.table.table import load
from shared.types.passage import Passage
from tests.shared.parsing import drawn

COUNT = TokenCounter()
SENTENCES = {
    "english": "The harbour master keeps a record of every crane and of every vessel that it has served. ",
    "german": "Der Hafenmeister führt Buch über jeden Kran und über jedes Schiff, das er abgefertigt hat. ",
    "russian": "Портовый кран поднимает сорок тонн древесины каждый день без остановки. ",
    "japanese": "港の起重機は四十トンの木材を毎日持ち上げる。",
    "chinese": "港口的起重机每天吊起四十吨木材。",
    "korean": "항구의 크레인은 매일 사십 톤의 목재를 들어 올린다. ",
    "arabic": "يرفع رافع الميناء أربعين طنا من الأخشاب كل يوم. ",
    "greek": "Ο γερανός του λιμανιού σηκώνει σαράντα τόνους ξυλείας κάθε μέρα. ",
    "code": "def parse_all(self, items: list[str]) -> dict[str, int]:\n    return {k: v for k, v in items}\n",
}


def document(text: str, table_rows: int = 0) -> ParsedDocument:
    rows = (("Vessel", "Cargo"), *((f"Aurora {number}", "grain and timber") for number in range(table_rows)))
    blocks = [Block("heading", "Arrivals", 1), Block("paragraph", text)]
    return ParsedDocument((*blocks, *([Block("table", table_markdown(rows), rows=rows)] if table_rows else [])))


def read_of(parsed: ParsedDocument) -> int:
    """Tokens that the built-in model reads of its passages."""
    pieces = split(parsed, title="A title", count_tokens=COUNT, detect_language=detect)
    return sum(min(count + 2, 256) for count in COUNT([f"{piece.context}\n{piece.text}" for piece in pieces]))


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize(("times", "table_rows"), [(1, 0), (20, 0), (20, 60), (400, 0)])
def test_the_tokens_of_a_text_are_within_its_range(language: str, times: int, table_rows: int) -> None:
    parsed = document(times * SENTENCES[language], table_rows)
    forecast = extent_of_document(parsed, "A title").read
    assert forecast.low <= read_of(parsed) <= forecast.high <= 3 * forecast.low


@given(st.floats(0, 1e9), st.floats(0.1, 1), st.floats(1, 10))
def test_a_range_is_never_wider_than_three_times(middle: float, below: float, above: float) -> None:
    forecast = Range.around(middle, below, above)
    assert 1 <= forecast.low <= forecast.high <= 3 * forecast.low


@given(st.text(max_size=400))
def test_any_text_has_a_length(text: str) -> None:
    assert TokenEstimator(text).tokens(text) >= 0 and TokenEstimator(text, many_languages=True).of_letters(10) >= 0


def test_what_a_passage_may_be_long_is_what_the_table_says() -> None:
    (operation,) = load().function("chunk").operations
    assert operation.settings["max_tokens"] == ChunkSettings().max_tokens == PASSAGE_TOKENS


def test_at_most_as_much_is_embedded_as_its_passages_were_told_to_be() -> None:
    pieces = split(document(60 * SENTENCES["english"]), title="A title", count_tokens=COUNT, detect_language=detect)
    passages = [Passage("p", "d", 1, 0, piece.text, piece.context, tokens=piece.tokens) for piece in pieces]
    forecast = of_embedding(passages, many_languages=False).work["embedded_1k_tokens"]
    assert forecast.low <= read_of(document(60 * SENTENCES["english"])) <= forecast.high


def test_every_stage_of_the_table_is_told() -> None:
    stages = load().stages()
    forecast = forecasts(stages, extent_of_document(document("A text."), ""), 10)
    assert tuple(one.stage for one in forecast) == stages
    assert all((one.work.get("function_second") or one.work["gpu_second"]).low >= 1 for one in forecast)


def test_letters_of_a_picture_are_counted_without_reading_it() -> None:
    texts = ("The crane lifts forty tonnes", "of timber from the quay", "into the hold of the Aurora")
    image = drawn.picture(*texts)
    image = image.resize((SIDE, SIDE * image.height // image.width))
    seen, there = count_glyphs(image), sum(len(text.replace(" ", "")) for text in texts)
    assert 0.5 * there <= seen <= 2 * there
    assert count_glyphs(drawn.picture()) == 0
