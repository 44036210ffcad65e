"""Blobs in an S3 bucket, by boto3: AWS, SeaweedFS, MinIO and others that honour conditional writes.

Address and credentials come from the usual AWS variables (`AWS_ENDPOINT_URL_S3`, `AWS_ACCESS_KEY_ID`, …). Names are
keys as they stand.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from shared.blobs.names import checked_name, checked_prefix
from shared.blobs.port import BlobMissing
from shared.blobs.s3_client import PAUSE_S, S3Clients, S3Lane, client_errors, error_code, error_status, response_of
from shared.types.errors import AegisError, DiskFull, StoreUnavailable

MIB = 1024 * 1024
_ANSWER_S = 0.8
_CONNECT_S = 0.3
_SMALL = 1 * MIB  # what a short call may carry
_PART = 8 * MIB
_PAGE = 1000  # names in a list and in an erasure; S3 takes no more
_PIECE = 256 * 1024
_PIECE_S = 30.0  # a stall ends long before, by the socket's time-out
_BATCH_S = 30.0
_SLOWEST = 1 * MIB  # bytes a second below which a transfer is given up
_FULL = {"XMinioStorageFull", "InsufficientStorage", "InsufficientCapacity", "QuotaExceeded"}
_REFUSED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "403"}


_FIRST_WRITES = 8
"""How often the first write to a new bucket is tried."""


class UnfitBucket(AegisError):
    """The bucket cannot be used as it is configured; the message names what to change."""


class S3Blobs:
    """Blobs in `bucket`. `answer_s` bounds the wait for every call that carries at most 1 MiB."""

    def __init__(self, bucket: str, *, endpoint: str | None = None, answer_s: float = _ANSWER_S) -> None:
        self._bucket = bucket
        self._answer_s = answer_s
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        clients = S3Clients(endpoint)
        self._short = S3Lane(clients, threads=32, connect_s=_CONNECT_S, read_s=answer_s, attempts=1)
        self._long = S3Lane(clients, threads=8, connect_s=3, read_s=20, attempts=3)

    async def read(self, name: str) -> bytes:
        until = time.monotonic() + self._answer_s
        body, length = await self._open(name)
        with contextlib.closing(body), self._explained(name):
            data: bytes = await self._short.run(
                lambda _: body.read(), until - time.monotonic() + length / _SLOWEST, repeatable=False
            )
        return data

    async def write(self, name: str, data: bytes) -> None:
        await self._put(checked_name(name), data)

    async def create(self, name: str, data: bytes) -> bool:
        """Not repeated after an answer that leaves open whether it was done."""
        until = time.monotonic() + self._answer_s
        async with self._turn(checked_name(name)):
            while True:
                try:
                    await self._put(name, data, until - time.monotonic(), IfNoneMatch="*")
                    return True
                except _Occupied:
                    return False
                except _Contested:  # another process writes the same name right now: wait for how that ends
                    if time.monotonic() > until:
                        raise
                    await asyncio.sleep(PAUSE_S)

    async def adopt(self, name: str, file: Path) -> None:
        checked_name(name)
        with self._explained(name):
            size = (await asyncio.to_thread(file.stat)).st_size
            if size <= _SMALL:
                await self._put(name, await asyncio.to_thread(file.read_bytes))
            else:
                await self.ping()  # a store that is away is noticed soon, however much there is to send
                await self._long.run(lambda s3: _upload(s3, self._bucket, name, file), _BATCH_S + size / _SLOWEST)
            await asyncio.to_thread(file.unlink)

    async def stream(self, name: str) -> AsyncIterator[bytes]:
        body, _ = await self._open(name)
        with contextlib.closing(body):
            while True:
                with self._explained(name):
                    piece = await self._short.run(lambda _: body.read(_PIECE), _PIECE_S, repeatable=False)
                if not piece:
                    return
                yield piece

    async def names(self, prefix: str) -> list[str]:
        found: list[str] = []
        async for page in self._pages(prefix):
            found += [entry["Key"] for entry in page.get("Contents", ())]
        return sorted(found)

    async def folders(self, prefix: str) -> list[str]:
        found: list[str] = []
        async for page in self._pages(prefix, Delimiter="/"):
            folders = [entry["Prefix"] for entry in page.get("CommonPrefixes", ())]
            server = page["ResponseMetadata"]["HTTPHeaders"].get("server", "")
            if server.startswith("SeaweedFS"):  # it lists a folder for a while after its last blob is erased
                folders = await self._filled(folders)
            found += [folder[len(prefix) : -1] for folder in folders]
        return sorted(found)

    async def erase(self, name: str) -> None:
        checked_name(name)
        with self._explained(name):
            await self._short.run(lambda s3: s3.delete_object(Bucket=self._bucket, Key=name), self._answer_s)

    async def erase_all(self, prefix: str) -> None:
        async for page in self._pages(prefix):
            if keys := [{"Key": entry["Key"]} for entry in page.get("Contents", ())]:
                await self._erase_batch(keys)

    async def make_room(self) -> bool:
        return False

    async def ping(self) -> None:
        with self._explained(""):
            await self._short.run(lambda s3: s3.head_bucket(Bucket=self._bucket), self._answer_s)

    async def prepare(self) -> None:
        """Makes the bucket where it is missing; safe to repeat. Raises `UnfitBucket`."""
        with self._explained(""):
            await self._long.run(self._make_bucket, _BATCH_S)
        probe = await self._written_probe()
        taken = await self.create(probe, b"2")
        await self.erase(probe)
        if taken:
            raise UnfitBucket(
                f"The S3 that holds the bucket {self._bucket} does not honour conditional writes (If-None-Match: *). "
                "Use AWS, SeaweedFS 4, MinIO or another that does."
            )

    async def _written_probe(self) -> str:
        """Writes a probe and returns its name. A new store may take seconds for its first blob."""
        for tries_left in reversed(range(_FIRST_WRITES)):
            probe = f"probe/{secrets.token_hex(8)}"
            try:
                await self.create(probe, b"1")
                break
            except StoreUnavailable:
                if not tries_left:
                    raise
                await asyncio.sleep(1)
        return probe

    async def close(self) -> None:
        for lane in (self._short, self._long):
            lane.close()

    async def _open(self, name: str) -> tuple[Any, int]:
        """The body, still to be read, and its length in bytes."""
        checked_name(name)
        with self._explained(name):
            answer = await self._short.run(lambda s3: s3.get_object(Bucket=self._bucket, Key=name), self._answer_s)
        return answer["Body"], answer["ContentLength"]

    @contextlib.asynccontextmanager
    async def _turn(self, name: str) -> AsyncIterator[None]:
        """One call at a time per name: stores answer late, or not at all, to many concurrent ones."""
        turn = self._turns.setdefault(name, asyncio.Lock())
        try:
            await asyncio.wait_for(turn.acquire(), self._answer_s)
        except TimeoutError:
            raise StoreUnavailable("blobs", "S3 does not answer in time") from None
        try:
            yield
        finally:
            turn.release()

    async def _put(self, name: str, data: bytes, within_s: float | None = None, **condition: str) -> None:
        lane, within_s = self._short, self._answer_s if within_s is None else within_s
        if len(data) > _SMALL:
            await self.ping()
            lane, within_s = self._long, _BATCH_S + len(data) / _SLOWEST
        with self._explained(name):
            await lane.run(
                lambda s3: s3.put_object(Bucket=self._bucket, Key=name, Body=data, **condition),
                within_s,
                repeatable=not condition,
            )

    async def _pages(self, prefix: str, **how: str) -> AsyncIterator[dict[str, Any]]:
        arguments = {"Bucket": self._bucket, "Prefix": checked_prefix(prefix), "MaxKeys": _PAGE, **how}
        while True:
            with self._explained(prefix):
                page = await self._short.run(lambda s3: s3.list_objects_v2(**arguments), self._answer_s)
            yield page
            if not page.get("IsTruncated"):
                return
            arguments["ContinuationToken"] = page["NextContinuationToken"]

    async def _erase_batch(self, keys: list[dict[str, str]]) -> None:
        batch = {"Objects": keys, "Quiet": True}
        with self._explained(""):
            answer = await self._long.run(lambda s3: s3.delete_objects(Bucket=self._bucket, Delete=batch), _BATCH_S)
        for error in answer.get("Errors", ()):
            raise StoreUnavailable("blobs", f"S3 does not erase {error.get('Key')}: {error.get('Code')}")

    async def _filled(self, folders: list[str]) -> list[str]:
        """Returns the folders that are not empty."""

        def holds_something(s3: Any, folder: str) -> bool:
            return bool(s3.list_objects_v2(Bucket=self._bucket, Prefix=folder, MaxKeys=1).get("Contents"))

        with self._explained(""):
            return await self._long.run(lambda s3: [f for f in folders if holds_something(s3, f)], _BATCH_S)

    def _make_bucket(self, s3: Any) -> None:
        from botocore.exceptions import ClientError

        try:
            s3.head_bucket(Bucket=self._bucket)
            return
        except ClientError as error:
            if error_status(error) != 404:
                raise
        try:
            s3.create_bucket(Bucket=self._bucket, **_place(s3))
        except ClientError as error:
            if error_code(error) == "BucketAlreadyExists":
                raise UnfitBucket(f"The bucket {self._bucket} belongs to another. Choose another name.") from error
            if error_code(error) != "BucketAlreadyOwnedByYou":
                raise

    @contextlib.contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        """An error of the client becomes what the port promises."""
        try:
            yield
        except OSError as error:
            raise StoreUnavailable("blobs", f"{error.strerror or error}") from error
        except client_errors() as error:
            raise self._meaning(error, name) from error

    def _meaning(self, error: Exception, name: str) -> Exception:
        if not response_of(error):
            kind = type(error).__name__
            if "Credential" in kind:
                detail = (
                    "no AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give a role"
                )
                return StoreUnavailable("blobs", detail)
            return StoreUnavailable("blobs", f"S3 does not answer ({kind})")
        code, status = error_code(error), error_status(error)
        if code == "NoSuchKey":
            return BlobMissing(name)
        if code in ("NoSuchBucket", "404"):
            return StoreUnavailable("blobs", f"there is no bucket {self._bucket}; `aegis init` makes it")
        if code in _FULL or status == 507:
            return DiskFull("The object store is full. Free some room and try again; nothing was stored.")
        if code == "PreconditionFailed" or status == 412:
            return _Occupied()
        if status == 409:
            return _Contested()
        if code in _REFUSED:
            return StoreUnavailable("blobs", f"S3 refuses access to the bucket {self._bucket} ({code})")
        return StoreUnavailable("blobs", f"S3 answers {status} {code}")


class _Occupied(AegisError):
    """There is a blob of that name already."""


class _Contested(StoreUnavailable):
    """Two calls write at the same time, and the store accepts neither."""

    def __init__(self) -> None:
        super().__init__("blobs", "another call changes the same blob")


def _upload(s3: Any, bucket: str, name: str, file: Path) -> None:
    """Uploads a file, in parts where it is large; no part stays when one fails."""
    place = {"Bucket": bucket, "Key": name}
    if file.stat().st_size <= _PART:
        s3.put_object(**place, Body=file.read_bytes())
        return
    upload = {**place, "UploadId": s3.create_multipart_upload(**place)["UploadId"]}
    try:
        with file.open("rb") as handle:
            parts = [
                {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=part)["ETag"]}
                for number, part in enumerate(iter(partial(handle.read, _PART), b""), start=1)
            ]
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    except BaseException:
        with contextlib.suppress(*client_errors()):
            s3.abort_multipart_upload(**upload)
        raise


def _place(s3: Any) -> dict[str, Any]:
    """AWS takes the region of a new bucket, but for its first region; others take none."""
    region = s3.meta.region_name
    if ".amazonaws.com" not in s3.meta.endpoint_url or region in (None, "us-east-1", "aws-global"):
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": region}}
