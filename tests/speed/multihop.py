"""How well the passages that a question needs together are found: on a folder in BEIR's form, through our own stages.

    python -m tests.speed.multihop path/to/multihop-musique-train [--split train] [--modes hybrid graph]
        [--cache FOLDER] [--sample QUESTIONS] [--misses]

R@k is the share of a question's relevant passages among the first k, all@k the share of questions with all of them
there; each document is one passage.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import msgspec
from msgspec import Struct

from shared.embedding.minilm import MiniLM
from shared.embedding.sparse import SparseEncoder
from shared.evaluation.rankings import ndcg, recall
from shared.evaluation.sets import RetrievalSet, read_retrieval, sampled
from shared.extraction.entities import find_entities, passage_graphs
from shared.graph.port import Graph
from shared.graph.sqlite import SqliteIndex
from shared.retrieval.retrieve import Mode, retrieve
from shared.retrieval.sentences import passage_spans
from shared.retrieval.texts import embedded_text, indexed_words
from shared.types.passage import Passage
from shared.vectors.edge import EdgeIndex
from shared.vectors.port import Point, Vectors
from tests.speed.retrieval import passages_of

_BATCH = 64


class _Read(Struct, frozen=True, array_like=True):
    """The vectors of a passage and of its sentences."""

    dense: tuple[float, ...]
    sentences: tuple[bytes, ...]


async def read(passages: Sequence[Passage], cache: Path | None) -> list[_Read]:
    """The vectors of passages, kept in a file between runs where one is given."""
    if cache and cache.exists():
        return msgspec.msgpack.decode(cache.read_bytes(), type=list[_Read])
    model, made = MiniLM(), list[_Read]()
    for first in range(0, len(passages), _BATCH):
        some = passages[first : first + _BATCH]
        embedded = await model.embed_parts([embedded_text(one) for one in some], [passage_spans(one) for one in some])
        made += map(_Read, embedded.whole.vectors, embedded.parts)
    if cache:
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_bytes(msgspec.msgpack.encode(made))
    return made


async def fill(passages: Sequence[Passage], made: Sequence[_Read], vectors: Vectors, graph: Graph) -> None:
    encoder = SparseEncoder()
    for first in range(0, len(passages), _BATCH):
        some, its = passages[first : first + _BATCH], made[first : first + _BATCH]
        await vectors.add(
            [
                Point(one, read.dense, encoder.passage(indexed_words(one), one.language))
                for one, read in zip(some, its, strict=True)
            ]
        )
        found = {one.passage_id: find_entities(one) for one in some}
        sentences = {one.passage_id: read.sentences for one, read in zip(some, its, strict=True)}
        await graph.put(passage_graphs(some, found, sentences, "2026-01-01T00:00:00Z"))


async def measure(arguments: argparse.Namespace) -> None:
    whole = read_retrieval(arguments.folder, arguments.split)
    if arguments.sample:
        whole = sampled(whole, arguments.sample)
    passages = passages_of(whole)
    cache = arguments.cache / f"{arguments.folder.name}-{len(passages)}" if arguments.cache else None
    made = await read(passages, cache)
    with tempfile.TemporaryDirectory() as folder:
        model = MiniLM()
        index, graphs = EdgeIndex(Path(folder, "vectors"), model.dimensions, model.name), SqliteIndex(Path(folder, "g"))
        await graphs.prepare()
        vectors, graph = index.of("measured"), graphs.of("measured")
        await fill(passages, made, vectors, graph)
        print(f"{len(passages)} passages, {len(whole.queries)} questions, {await graph.size()}", flush=True)
        await _measure_mode("hybrid", whole, model, vectors, graph, use_graph=False)
        for mode in arguments.modes:
            await _measure_mode(mode, whole, model, vectors, graph, misses=arguments.misses)
        await index.close()
        await graphs.close()


async def _measure_mode(
    mode: Mode,
    whole: RetrievalSet,
    model: MiniLM,
    vectors: Vectors,
    graph: Graph,
    *,
    misses: bool = False,
    use_graph: bool = True,
) -> None:
    encoder, seconds, rows = SparseEncoder(), list[float](), list[dict[str, float]]()
    for number, question in whole.queries.items():
        started = time.perf_counter()
        answer = await retrieve(question, mode, 10, None, model, encoder, vectors, graph if use_graph else None)
        ranked = [one.passage.document_id for one in answer.found]
        seconds.append(time.perf_counter() - started)
        rows.append(_scores(ranked, whole.grades[number]))
        if misses and rows[-1]["all@10"] < 1:
            print(f"  {question}: {sorted(set(whole.grades[number]) - set(ranked))}")
    means = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
    seconds.sort()
    figures = " ".join(f"{name} {value:.3f}" for name, value in means.items())
    title = mode if use_graph else "no graph"
    print(f"{title:8} {figures} p50 {seconds[len(seconds) // 2] * 1000:.0f} ms", flush=True)


def _scores(ranked: Sequence[str], grades: Mapping[str, int]) -> dict[str, float]:
    return {
        **{f"R@{depth}": recall(ranked[:depth], grades) for depth in (2, 5, 10)},
        **{f"all@{depth}": float(set(grades) <= set(ranked[:depth])) for depth in (5, 10)},
        "nDCG@10": ndcg(ranked[:10], grades),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="with corpus.jsonl, queries.jsonl and qrels/")
    parser.add_argument("--split", default="train")
    parser.add_argument("--modes", nargs="+", choices=get_args(Mode), default=("hybrid", "graph"))
    parser.add_argument("--sample", type=int, metavar="QUESTIONS", help="only so many questions")
    parser.add_argument("--cache", type=Path, help="folder in which the vectors are kept")
    parser.add_argument("--misses", action="store_true", help="list what was not found")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
