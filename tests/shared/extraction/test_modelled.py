"""What extraction by a model promises: only what stands in the passage, and only where its class may be read."""

import json

import pytest

from shared.extraction.modelled import SCHEMA, ModelExtractor
from shared.extraction.port import About, Entity, Relation
from shared.proxy.execution.schema import check
from shared.proxy.routing.fallbacks import NoModel
from shared.types.document import Classification
from shared.types.passage import Passage
from shared.types.payer import Payer
from tests.ollama import Asked, Model
from tests.shared.proxy.execution.environment import CLOUD, LOCAL, TENANT, ProxyEnvironment

PASSAGE = Passage("psg_1", "doc_1", 1, 0, "Ada Moreno founded Lindgren Ferries in Farrow in 1996.")
SMALL, LARGE = "gemma3:4b", "gpt-oss:20b"


def about(classification: Classification = "internal", pages: int = 0) -> About:
    return About(classification, Payer(TENANT, "key_1", "req_1", document_id="doc_1"), pages)


def extracted(*entities: tuple[str, str], relations: tuple[tuple[str, str, str], ...] = ()) -> str:
    return json.dumps(
        {
            "entities": [{"name": name, "type": kind} for name, kind in entities],
            "relations": [{"source": s, "target": t, "type": kind} for s, t, kind in relations],
        }
    )


def speak(env: ProxyEnvironment, text: str) -> None:
    """Both models say this."""

    def answer(asked: Asked) -> str:
        return text

    for fake, name, like in ((env.local, SMALL, LOCAL), (env.cloud, LARGE, CLOUD)):
        fake.models.pop(like, None)
        fake.models[name] = Model(name, answer=answer, context_tokens=32_768)


async def test_what_the_passage_names_is_found_and_related(env: ProxyEnvironment) -> None:
    founded = ("Ada Moreno", "Lindgren Ferries", "founded")
    speak(env, extracted(("Ada Moreno", "person"), ("Lindgren Ferries", "organization"), relations=(founded,)))
    found = await ModelExtractor(env.proxy).extract(PASSAGE, about())
    assert found.entities == (Entity("Ada Moreno", "person"), Entity("Lindgren Ferries", "organization"))
    assert found.relations == (Relation(*founded),)
    assert found.cost_microusd == 0


async def test_what_a_model_invents_is_left_out(env: ProxyEnvironment) -> None:
    bought = ("Ada Moreno", "Acme", "bought")
    speak(env, extracted(("Ada Moreno", "person"), ("Acme", "organization"), relations=(bought, bought)))
    found = await ModelExtractor(env.proxy).extract(PASSAGE, about())
    assert (found.entities, found.relations) == ((Entity("Ada Moreno", "person"),), ())


async def test_long_documents_are_read_in_the_cloud_and_paid_for(env: ProxyEnvironment) -> None:
    speak(env, extracted(("Farrow", "place")))
    found = await ModelExtractor(env.proxy).extract(PASSAGE, about(pages=11))
    assert found.cost_microusd > 0
    (usage,) = [one for one in await env.booked() if one.cost_microusd]
    assert (usage.reason, usage.model, usage.document_id) == ("batch", LARGE, "doc_1")


async def test_a_confidential_passage_is_read_here_however_long_its_document(env: ProxyEnvironment) -> None:
    speak(env, extracted(("Farrow", "place")))
    await ModelExtractor(env.proxy).extract(PASSAGE, about("confidential", pages=500))
    assert env.cloud.seen == []


async def test_where_no_model_keeps_to_the_form_there_is_none(env: ProxyEnvironment) -> None:
    speak(env, '["no"]')
    with pytest.raises(NoModel):
        await ModelExtractor(env.proxy).extract(PASSAGE, about())


def test_the_form_bounds_every_list_and_word() -> None:
    many = {"name": "x", "type": "person"}
    assert check({"entities": [many] * 25, "relations": []}, SCHEMA)
    assert check({"entities": [{"name": "x" * 121, "type": "person"}], "relations": []}, SCHEMA)
    assert check({"entities": [{"name": "x", "type": "DETACH DELETE"}], "relations": []}, SCHEMA)
    assert not check({"entities": [many], "relations": []}, SCHEMA)
