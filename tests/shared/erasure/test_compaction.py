"""What was deleted leaves the files of the stores, not only their answers."""

import asyncio
import contextlib
import os
from pathlib import Path

from shared.erasure.compaction import Compaction
from shared.graph.port import Mention, Merge, PassageGraph
from shared.graph.sqlite import SqliteIndex
from shared.redis.valkey import ValkeyServer
from shared.vectors.edge import EdgeIndex

CANARY = "Quetzalcoatlus"


def files_with(folder: Path, text: str) -> list[str]:
    found = []
    for root, _, names in os.walk(folder):
        for path in (Path(root) / name for name in names):
            with contextlib.suppress(OSError):  # a socket, or a file that was replaced meanwhile
                if text.encode() in path.read_bytes():
                    found.append(str(path))
    return found


async def test_the_text_of_a_deleted_document_leaves_every_file(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path / "counters")
    await server.start()
    redis = server.redis(answer_s=10)
    index = EdgeIndex(tmp_path / "vectors", 4, "of-these-tests")
    graphs = SqliteIndex(tmp_path / "graph")
    try:
        await redis.call("SET", "a-key", CANARY)
        await redis.call("DEL", "a-key")
        graph = graphs.of("ten_a")
        await graph.put([PassageGraph("psg_a", "doc_a", 1, 0, (Mention(CANARY), Mention("Oslo")))])
        await graph.merge([Merge(CANARY, "Oslo", document_id="doc_a", generation=1)])
        await graph.forget("doc_a", 1)
        assert files_with(tmp_path, CANARY)
        await redis.call("SET", "compaction:due", "a token")
        compaction = Compaction(redis, index, graphs)
        async with asyncio.timeout(60):
            while files_with(tmp_path, CANARY):
                await compaction.run()
                await asyncio.sleep(0.05)
        assert await redis.call("GET", "compaction:due") is None
    finally:
        await index.close()
        await graphs.close()
        await redis.close()
        await server.close()
