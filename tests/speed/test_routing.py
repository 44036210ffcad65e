"""The measurement of local against cloud counts what there is to count."""

import pytest

from shared.extraction.port import ENTITY_TYPES, Entity, Extraction
from shared.proxy.config.proxy_config import PRICES
from shared.proxy.prices import PriceTable
from shared.types.clock import now
from shared.types.model import TokenCounts
from tests.speed.labelled import ExtractionScore, LabelledPassage, Matches, labelled_passages
from tests.speed.routing import PAGE, Side, measure, table_of, with_table
from tests.speed.scripted_pair import LOCAL_MISTAKES, scripted_pair


def test_there_are_fifty_passages_half_of_them_german_and_every_label_stands_in_its_passage() -> None:
    passages = labelled_passages()
    german = [one for one in passages if set(one.text.lower().split()) & {"die", "das", "der", "den", "für", "preis"}]
    german += [one for one in passages if {"Abteilung", "Fahrpreis", "Ort"} & set(one.text.replace("|", " ").split())]
    assert (len({one.text for one in passages}), len(passages)) == (50, 50)
    assert 20 <= len({one.text for one in german}) <= 30
    for passage in passages:
        names = {entity.name for entity in passage.entities}
        assert all(entity.name in passage.text and entity.type in ENTITY_TYPES for entity in passage.entities)
        assert all({source, target} <= names for source, target in passage.relations)


def test_an_entity_of_the_wrong_type_is_wrong_and_a_passage_that_failed_lacks_all() -> None:
    ada, farrow = Entity("Ada", "person"), Entity("Farrow", "place")
    passage = LabelledPassage("Ada in Farrow", frozenset({ada, farrow}), frozenset({("Ada", "Farrow")}))
    score = ExtractionScore(Matches(), Matches())
    score.add(passage, Extraction((ada, Entity("Farrow", "person"))))
    score.add(passage, None)
    assert (score.entities.precision, score.entities.recall) == (0.5, 0.25)
    assert (score.passages, score.failed, score.relations.recall) == (2, 1, 0.0)


async def test_both_sides_get_every_request_and_only_the_clouds_cost_something() -> None:
    async with scripted_pair(0, 0) as config:
        measured = await measure(config, 3, {"local": "", "cloud": ""}, callers=2)
    local, cloud = measured.sides
    for side in (local, cloud):
        assert (len(side.first), len(side.whole), side.failed) == (3, 3, 0)
        assert (side.score.passages, side.score.failed) == (50, 0)
        assert all(0 < first <= whole for first, whole in zip(side.first, side.whole, strict=True))
    assert (local.question_usd, local.passage_usd) == (0, 0)
    most = PriceTable(PRICES).cost(cloud.question_model, TokenCounts(cloud.prompt_tokens // 3, 25), now())
    assert most is not None
    assert 0 < cloud.question_usd <= most / 1000
    assert cloud.score.entities.precision == 1.0
    missed = sum(len(one.entities) // LOCAL_MISTAKES.missed_entity for one in labelled_passages())
    assert local.score.entities.found == local.score.entities.labelled - missed
    assert local.score.entities.f1 < cloud.score.entities.f1 < 1
    assert measured.charged_microusd >= cloud.question_microusd + cloud.passage_microusd > 0
    assert "gpt-oss:120b" in measured.table


async def test_a_model_that_nobody_has_is_an_error_and_not_an_empty_column() -> None:
    async with scripted_pair(0, 0) as config:
        with pytest.raises(Exception, match="nobody:7b"):
            await measure(config, 1, {"local": "nobody:7b", "cloud": ""})


def test_the_page_says_that_its_table_is_scripted_and_has_the_rows_of_today() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page, page.split("--write` -->\n\n")[1].split("\n\n<!-- routing: end")[0])
    rows = [line.split(" | ")[0] for line in table_of([Side("local", "a", "b"), Side("cloud", "c", "d")]).split("\n")]
    assert all(f"\n{row} | " in page for row in rows)
    assert "routing scripted" in page
    assert "says nothing about Ollama" in page
