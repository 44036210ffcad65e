"""Local against cloud: latency, cost and extraction, of the same requests sent to both in turn.

    python -m tests.speed routing FILE [--requests 100] [--callers 1] [--local MODEL] [--cloud MODEL] [--write]

FILE is the proxy's file (`AEGIS_PROXY_CONFIG`) with the servers, and with caps that hold for this run: it has stores of
its own, so what the installation has spent already is not counted. `scripted` instead of FILE measures two stand-ins
whose answers and speeds are written down in `tests/speed/scripted_pair.py`. Each model answers the questions and reads
the 50 passages of `tests/speed/labelled.txt`; without `--local` and `--cloud` they are the file's models for either
task. The costs of 1,000 are those of requests that were answered. `scripted --write` puts its table into the proof of
concept.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from asyncio import gather
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from statistics import quantiles
from typing import cast

from msgspec import Struct, field
from msgspec.structs import replace

from shared.access.accounts import Accounts
from shared.answers.prompting import prompt
from shared.blobs.folder import FolderBlobs
from shared.extraction.modelled import ModelExtractor
from shared.extraction.port import About
from shared.proxy.budget.budget import Budget
from shared.proxy.budget.configured import allowances
from shared.proxy.budget.operations import ScopeOf
from shared.proxy.config.file import ConfigError
from shared.proxy.config.proxy_config import ProxyConfig
from shared.proxy.execution.call_accounting import CallAccounting
from shared.proxy.execution.proxy import ExecutionProxy
from shared.proxy.routing.conditions import Conditions
from shared.proxy.routing.gpu import Gpu
from shared.proxy.routing.servers import ModelServers
from shared.proxy.task import LLMResult, LLMTask, Token
from shared.redis.valkey import ValkeyServer
from shared.retrieval.sources import RetrievedSource
from shared.types.errors import AegisError
from shared.types.model import Location
from shared.types.passage import Found, Passage
from shared.types.payer import Payer
from shared.usage.balance import BudgetBalances
from shared.usage.journal import Journal
from tests.documents.reports import report
from tests.speed.labelled import ExtractionScore, LabelledPassage, Matches, labelled_passages
from tests.speed.scripted_pair import scripted_pair

PAGE = Path(__file__).resolve().parents[2] / "docs/architecture/OLLAMA_CLOUD_POC.md"
_BEGIN, _END = "<!-- routing: written by `python -m tests.speed routing scripted --write` -->", "<!-- routing: end -->"
_SOURCES = 8
_SENTENCES = 10
_PROMPT_TOKENS = 3000


class Side(Struct):
    """What one location did. Times are in seconds: until the first piece of an answer, and until its end."""

    location: Location
    question_model: str
    passage_model: str
    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    prompt_tokens: int = 0
    question_microusd: int = 0
    passage_microusd: int = 0
    failed: int = 0
    score: ExtractionScore = field(default_factory=lambda: ExtractionScore(Matches(), Matches()))

    @property
    def question_usd(self) -> float:
        """Of 1,000 questions."""
        return self.question_microusd / 1000 / max(1, len(self.whole))

    @property
    def passage_usd(self) -> float:
        """Of 1,000 passages."""
        return self.passage_microusd / 1000 / max(1, self.score.passages - self.score.failed)


class Measured(Struct, frozen=True):
    """`charged_microusd` is all that the run cost, with its failed and its first calls."""

    sides: list[Side]
    charged_microusd: int

    @property
    def table(self) -> str:
        charged = f"Charged in all, with failed and first calls: ${self.charged_microusd / 1_000_000:.4f}."
        return f"{table_of(self.sides)}\n\n{charged}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="the proxy's file, or `scripted`")
    parser.add_argument("--requests", type=int, default=100, help="questions to each side")
    parser.add_argument("--callers", type=int, default=1, help="questions at a time")
    parser.add_argument("--local", default="", metavar="MODEL")
    parser.add_argument("--cloud", default="", metavar="MODEL")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if arguments.write and arguments.file != "scripted":
        parser.error("the page shows the scripted pair")
    models: dict[Location, str] = {"local": arguments.local, "cloud": arguments.cloud}
    try:
        table = asyncio.run(_run(arguments.file, arguments.requests, models, arguments.callers)).table
    except (AegisError, ConfigError) as error:
        sys.exit(f"not measured: {error}")
    print(table)
    if arguments.write:
        PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), table), encoding="utf-8")


async def _run(file: str, requests: int, models: dict[Location, str], callers: int) -> Measured:
    if file != "scripted":
        return await measure(ProxyConfig.load(file, os.environ), requests, models, callers)
    async with scripted_pair() as config:
        return await measure(config, requests, models, callers)


async def measure(config: ProxyConfig, requests: int, models: dict[Location, str], callers: int = 1) -> Measured:
    """The sides take turns, one request of each caller at a time, so that both see the same hour of the same network
    and machine."""
    local, cloud = config.ollama.models, config.ollama_cloud.models
    sides = [
        Side("local", models["local"] or local.generation, models["local"] or local.extraction),
        Side("cloud", models["cloud"] or cloud.generation, models["cloud"] or cloud.extraction),
    ]
    async with _proxy(config) as (proxy, payer, budget):
        for side in sides:
            await _warmed(proxy, payer, side)
        for begin in range(0, requests, callers):
            for side in sides:
                tasks = [question(number, payer) for number in range(begin, min(begin + callers, requests))]
                await gather(*(_ask(proxy, replace(task, model=side.question_model), side) for task in tasks))
        for passage in labelled_passages():
            for side in sides:
                await _extract(proxy, passage, payer, side)
        day = (await budget.windows([ScopeOf("tenant", payer.tenant_id)]))[0]
        return Measured(sides, day.spent_microusd)


async def _extract(proxy: ExecutionProxy, passage: LabelledPassage, payer: Payer, side: Side) -> None:
    extractor = ModelExtractor(cast(ExecutionProxy, _OneModel(proxy, side.passage_model)))
    try:
        found = await extractor.extract(Passage("psg_1", "doc_1", 1, 0, passage.text), About("internal", payer))
    except AegisError:
        found = None
    side.passage_microusd += found.cost_microusd if found else 0
    side.score.add(passage, found)


class _OneModel:
    """Names the model of each task, so that it runs there or fails."""

    def __init__(self, proxy: ExecutionProxy, model: str) -> None:
        self._proxy = proxy
        self._model = model

    async def execute(self, task: LLMTask) -> LLMResult:
        return await self._proxy.execute(replace(task, model=self._model))


async def _warmed(proxy: ExecutionProxy, payer: Payer, side: Side) -> None:
    """Loads the models; raises what a side that cannot be measured says."""
    for model in {side.question_model, side.passage_model}:
        await proxy.execute(replace(question(-1, payer), model=model, max_output_tokens=1))


async def _ask(proxy: ExecutionProxy, task: LLMTask, side: Side) -> None:
    started, first = time.perf_counter(), 0.0
    try:
        async with aclosing(proxy.stream(task)) as events:
            async for event in events:
                if isinstance(event, Token):
                    first = first or time.perf_counter() - started
                else:
                    side.first.append(first or time.perf_counter() - started)
                    side.whole.append(time.perf_counter() - started)
                    side.prompt_tokens += event.counts.prompt
                    side.question_microusd += event.cost_microusd
    except AegisError:
        side.failed += 1


def question(number: int, payer: Payer) -> LLMTask:
    """One as `POST /ask` sends it, with eight passages of a report of its own."""
    sources = []
    for place in range(_SOURCES):
        passage = Passage(f"psg_{place}", "doc_1", 1, place, report(number * _SOURCES + place, _SENTENCES))
        sources.append(RetrievedSource(Found(passage, 0.5), f"Report {number}", "internal"))
    packed = prompt("What was seen at the harbour, and what was repaired?", "internal", sources, (), _PROMPT_TOKENS)
    return LLMTask(kind="generation", payer=payer, messages=packed.messages, max_output_tokens=600)


@asynccontextmanager
async def _proxy(config: ProxyConfig) -> AsyncIterator[tuple[ExecutionProxy, Payer, Budget]]:
    with tempfile.TemporaryDirectory() as folder:
        store = ValkeyServer(Path(folder) / "valkey")
        await store.start()
        redis, blobs = store.redis(), FolderBlobs(Path(folder) / "blobs")
        await blobs.prepare()
        accounts, journal = Accounts(blobs, redis), Journal(blobs)
        tenant = await accounts.create_tenant("measured", "enterprise")
        key, _ = await accounts.create_key(tenant.tenant_id, "measured", "admin")
        budget = Budget(redis, blobs, accounts, _no_balances, allowances(config))
        servers, prices = ModelServers(config, lambda: redis), config.price_table
        accounting = CallAccounting(lambda: budget, lambda: journal, prices, lambda: accounts)
        conditions = Conditions(servers, prices, Gpu("none"))
        proxy = ExecutionProxy(servers, conditions, accounting, "hybrid", config.ollama.context_steps)
        try:
            payer = Payer(tenant.tenant_id, key.key_id, "req_000000000000000000000000", function="ask")
            yield proxy, payer, budget
        finally:
            await proxy.close()
            await journal.close()
            await redis.close()
            await store.close()


async def _no_balances() -> BudgetBalances:
    return BudgetBalances()


def table_of(sides: list[Side]) -> str:
    head = ("measured", *(side.location for side in sides))
    rows = zip(_LABELS, *(_column(side) for side in sides), strict=True)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


_LABELS = (
    "model of the questions",
    "questions answered, failed",
    "tokens of a prompt",
    "first piece, p50, p95",
    "whole answer, p50, p95",
    "cost of 1,000 questions",
    "model of the extraction",
    "passages read, failed",
    "entities: precision, recall, F1",
    "relations: precision, recall, F1",
    "cost of 1,000 passages",
)


def _column(side: Side) -> Iterator[str]:
    score = side.score
    yield side.question_model
    yield f"{len(side.whole)}, {side.failed}"
    yield f"{side.prompt_tokens // max(1, len(side.whole)):,}"
    yield _times(side.first)
    yield _times(side.whole)
    yield f"${side.question_usd:.4f}" if side.whole else "—"
    yield side.passage_model
    yield f"{score.passages - score.failed}, {score.failed}"
    yield _rates(score.entities)
    yield _rates(score.relations)
    yield f"${side.passage_usd:.4f}" if score.passages > score.failed else "—"


def _times(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return "—"
    found = quantiles(seconds, n=20, method="inclusive")
    return f"{found[9] * 1000:.0f} ms, {found[18] * 1000:.0f} ms"


def _rates(matches: Matches) -> str:
    return f"{matches.precision:.2f}, {matches.recall:.2f}, {matches.f1:.2f}"


def with_table(page: str, table: str) -> str:
    before, _, rest = page.partition(_BEGIN)
    return f"{before}{_BEGIN}\n\n{table}\n\n{_END}{rest.partition(_END)[2]}"


if __name__ == "__main__":
    main()
