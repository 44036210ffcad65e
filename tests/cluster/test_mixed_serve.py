"""`aegis serve` with a bucket and a vector server, and a Redis of its own."""

import os
from pathlib import Path

import pytest

from tests.cluster.qdrant_running import WireServer
from tests.cluster.seaweed import client
from tests.suite.running import Running


@pytest.fixture
def qdrant(tmp_path: Path) -> WireServer:
    return WireServer(tmp_path / "qdrant")


def test_documents_stand_in_the_bucket_and_vectors_at_the_server(
    cluster_s3: str, qdrant: WireServer, tmp_path: Path
) -> None:
    s3 = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    qdrant.start()
    server = Running(tmp_path / "data").start()
    key = server.api_key
    assert server.stop() == 0
    server = Running(tmp_path / "data", AEGIS_S3_BUCKET=cluster_s3, AEGIS_QDRANT_URL=qdrant.url, **s3).start()
    try:
        with server.caller(key) as admin:
            backends = admin.get("/health/ready").json()["backends"]
            stores = {"blobs": "s3", "counters": "valkey", "bus": "streams", "vectors": "qdrant", "graph": "sqlite"}
            assert backends == stores
            document_id = admin.ingest(b"# Tides\n\nThe tide at Molde is two metres high.\n")["document_id"]
            assert admin.search("How high is the tide?")
    finally:
        assert server.stop() == 0
        qdrant.kill()
    names = [one["Key"] for one in client().list_objects_v2(Bucket=cluster_s3)["Contents"]]
    assert any(document_id in name for name in names)
    assert not any(document_id in str(path) for path in (tmp_path / "data" / "blobs").rglob("*"))
