"""The pipeline as AWS runs it: each function started as a Lambda, over real servers, its events on an event bus."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.table.table import Function, load
from tests.cluster.qdrant_running import WireServer
from tests.cluster.redis_server import RedisServer
from tests.cluster.seaweed import SeaweedServer, client
from tests.cluster.server import die_with_parent
from tests.cluster.suite import AEGIS, clean_environ
from tests.shared.runtime.aws.fake_aws import FakeAws
from tests.shared.runtime.aws.messages import batch, message, object_created, request

BUCKET = "aegis"
INBOX = "t/ten_default/inbox/"
TEXT = b"# Otters\n\nSea otters sleep holding hands so that they do not drift apart.\n"

_RUNTIME = """
import importlib, json, sys
out, sys.stdout = sys.stdout, sys.stderr
handler = importlib.import_module("shared.runtime.lambda_binding").handler
for line in sys.stdin:
    try:
        answer = handler(json.loads(line), None)
    except Exception as error:
        answer = {"errorMessage": repr(error)}
    print(json.dumps(answer), file=out, flush=True)
"""

_DELIVERIES = 10
"""How often an event is delivered whose function fails: on a busy machine a store may answer too late."""


class Lambda:
    """The environment of one function in Lambda's runtime: started once, invoked often."""

    def __init__(self, name: str, folder: Path, environ: dict[str, str]) -> None:
        self._log = (folder / f"lambda-{name}.stderr").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-c", _RUNTIME],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**environ, "AWS_LAMBDA_FUNCTION_NAME": f"aegis-{name}", "AEGIS_FUNCTION": name},
            cwd=Path(__file__).parents[2],
            preexec_fn=die_with_parent,  # noqa: PLW1509 - two system calls, no lock
        )

    def invoke(self, event: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(event).encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()


class Account:
    """Lambdas, started when they are first invoked, and the rules that deliver the bus' events to them."""

    def __init__(self, folder: Path, environ: dict[str, str], aws: FakeAws) -> None:
        self._folder = folder
        self._environ = environ
        self._aws = aws
        self._lambdas: dict[str, Lambda] = {}

    def invoke(self, name: str, event: Any) -> Any:
        if name not in self._lambdas:
            self._lambdas[name] = Lambda(name, self._folder, self._environ)
        return self._lambdas[name].invoke(event)

    def deliver(self, name: str, event: Any, done: Any) -> None:
        """Invokes a function with an event, again where it fails, as the platform does."""
        for _ in range(_DELIVERIES):
            if (answer := self.invoke(name, event)) == done:
                return
            time.sleep(1)
        assert answer == done

    def deliver_all(self) -> list[str]:
        """Delivers what is on the bus to its listeners until it is empty; returns the types of the events."""
        published = []
        while calls := self._aws.of("PutEvents"):
            self._aws.forget()
            for entry in (entry for call in calls for entry in call["Entries"]):
                published.append(entry["DetailType"])
                for function in _listeners(json.loads(entry["Detail"])):
                    self.deliver(function.name, batch(message(entry["Detail"])), {"batchItemFailures": []})
        return published

    def end(self) -> None:
        for one in self._lambdas.values():
            one.end()


def _listeners(event: dict[str, Any]) -> list[Function]:
    return [
        function
        for function, operation in load().listeners(event["type"])
        if all(event.get(name) == value for name, value in operation.filter.items())
    ]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("lambda-stores")
    redis, s3, qdrant = RedisServer(folder / "redis"), SeaweedServer(folder / "s3"), WireServer(folder / "qdrant")
    try:
        for server in (redis, s3, qdrant):
            server.start()
        yield {**s3.environ, "AEGIS_S3_BUCKET": BUCKET, "AEGIS_REDIS_URL": redis.url, "AEGIS_QDRANT_URL": qdrant.url}
    finally:
        for server in (redis, s3, qdrant):
            server.kill()


@pytest.fixture(scope="module")
def environ(stores: dict[str, str]) -> dict[str, str]:
    return {
        **clean_environ(),
        **stores,
        "AEGIS_EVENT_SECRET": "first:sixteen-characters-or-more",
        "K_SINK": "arn:aws:events:us-east-1:123456789012:event-bus/aegis",
    }


@pytest.fixture(scope="module")
def api_key(environ: dict[str, str]) -> str:
    completed = subprocess.run([AEGIS, "init", "--json"], capture_output=True, env=environ)
    assert completed.returncode == 0, completed.stderr
    key: str = json.loads(completed.stdout)["api_key"]
    return key


@pytest.fixture(scope="module")
def account(environ: dict[str, str], api_key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    aws = FakeAws()
    running = Account(tmp_path_factory.mktemp("lambdas"), {**environ, "AWS_ENDPOINT_URL": aws.url}, aws)
    yield running
    running.end()
    aws.close()


@pytest.fixture(scope="module")
def published(account: Account, environ: dict[str, str]) -> list[str]:
    """The types of the events about a document from the inbox."""
    client(environ["AWS_ENDPOINT_URL_S3"]).put_object(Bucket=BUCKET, Key=f"{INBOX}otters.md", Body=TEXT)
    account.deliver("intake", object_created(f"{INBOX}otters.md"), {"statuses": [204]})
    return account.deliver_all()


def test_an_object_in_the_inbox_travels_to_the_end(published: list[str]) -> None:
    # A stage that waits for two branches may end twice, with the same event.
    assert list(dict.fromkeys(event_type.split(".")[2] for event_type in published)) == [
        "stored",
        "parsed",
        "chunked",
        "embedded",
        "extracted",
        "linked",
        "ready",
    ]


def test_what_the_inbox_held_can_be_found(account: Account, published: list[str], api_key: str) -> None:
    answer = account.invoke("search", request("POST", "/search", '{"query": "how do otters sleep"}', api_key))
    assert answer["statusCode"] == 200, answer
    assert "holding hands" in json.loads(answer["body"])["passages"][0]["text"]


def test_what_the_inbox_held_is_listed(account: Account, published: list[str], api_key: str) -> None:
    answer = account.invoke("documents", request("GET", "/documents", key=api_key))
    assert [(one["filename"], one["status"]) for one in json.loads(answer["body"])["items"]] == [("otters.md", "ready")]
