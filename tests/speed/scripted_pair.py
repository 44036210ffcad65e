"""A local server and a cloud that are both scripted: what they answer, what they miss and how fast they are.

The local one writes a token in 2 ms, the cloud in 1 ms. Both give the same answer to every question. Of the labelled
passages the local one leaves out each one's fourth entity and takes its third for a `concept`; the cloud leaves out the
fifth. Relations of entities that were left out are missing too, and of the others each third (in the cloud, fourth).
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec import Struct

from shared.proxy.config.proxy_config import (
    CloudModels,
    CostLimits,
    LocalModels,
    OllamaCloudConfig,
    OllamaConfig,
    ProxyConfig,
)
from shared.proxy.config.values import CloudUrl, Secret, Url
from tests.ollama import Account, Asked, FakeOllama, Model
from tests.speed.labelled import LabelledPassage, labelled_passages

_ANSWER = "The ferry was seen at the harbour [1], and the crane was repaired before the winter [3]."
_KEY = "cloud-key"


class Mistakes(Struct, frozen=True):
    """Of each passage, every how many-th entity or relation it is; 0: none."""

    missed_entity: int = 0
    mistyped_entity: int = 0
    missed_relation: int = 0


LOCAL_MISTAKES, CLOUD_MISTAKES = Mistakes(4, 3, 3), Mistakes(5, 0, 4)


@asynccontextmanager
async def scripted_pair(local_token_s: float = 0.002, cloud_token_s: float = 0.001) -> AsyncIterator[ProxyConfig]:
    local, cloud = LocalModels(), CloudModels()
    local_models = [Model(name, answers_with(LOCAL_MISTAKES)) for name in (local.generation, local.extraction)]
    cloud_models = [Model(name, answers_with(CLOUD_MISTAKES)) for name in (cloud.generation, cloud.extraction)]
    async with (
        FakeOllama(*local_models, seconds_per_token=local_token_s) as here,
        FakeOllama(*cloud_models, account=Account(_KEY), parallel=3, seconds_per_token=cloud_token_s) as there,
    ):
        yield ProxyConfig(
            ollama=OllamaConfig(base_url=Url(here.url), models=local),
            ollama_cloud=OllamaCloudConfig(
                api_key=Secret(_KEY),
                base_url=CloudUrl(there.url),
                models=cloud,
                cost_limits=CostLimits(1_000_000, None),
            ),
        )


def answers_with(mistakes: Mistakes) -> Callable[[Asked], str]:
    passages = labelled_passages()

    def answer(asked: Asked) -> str:
        return next((_extracted(one, mistakes) for one in passages if one.text in asked.whole), _ANSWER)

    return answer


def _extracted(passage: LabelledPassage, mistakes: Mistakes) -> str:
    place = passage.text.find
    entities = []
    for number, one in enumerate(sorted(passage.entities, key=lambda one: (place(one.name), one.name)), 1):
        if not _is_nth(number, mistakes.missed_entity):
            kind = "concept" if _is_nth(number, mistakes.mistyped_entity) else one.type
            entities.append({"name": one.name, "type": kind})
    named = {one["name"] for one in entities}
    ends = sorted((source, target) for source, target in passage.relations if {source, target} <= named)
    relations = [
        {"source": source, "target": target, "type": "concerns"}
        for number, (source, target) in enumerate(ends, 1)
        if not _is_nth(number, mistakes.missed_relation)
    ]
    return json.dumps({"entities": entities, "relations": relations}, ensure_ascii=False)


def _is_nth(number: int, every: int) -> bool:
    return every > 0 and number % every == 0
