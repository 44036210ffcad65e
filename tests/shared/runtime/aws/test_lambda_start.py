"""A Lambda that lacks something says what; one that starts brings in no more than its events need."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.runtime.lambda_binding import binding_of, check_lambda, function_of
from shared.runtime.wiring.cluster import MissingStore
from shared.table.table import TableError, load

pytestmark = pytest.mark.xdist_group("lambda")

SECRET = "first:sixteen-characters-or-more"
WHOLE = {
    "AWS_LAMBDA_FUNCTION_NAME": "aegis-prod-parse",
    "AEGIS_FUNCTION": "parse",
    "AEGIS_S3_BUCKET": "aegis",
    "AEGIS_REDIS_URL": "redis://127.0.0.1:1/0",
    "AEGIS_EVENT_SECRET": SECRET,
    "K_SINK": "arn:aws:events:eu-central-1:123456789012:event-bus/aegis",
}


def without(*names: str) -> Mapping[str, str]:
    return {name: value for name, value in WHOLE.items() if name not in names}


def test_the_variable_says_which_function_it_is() -> None:
    assert function_of(load(), WHOLE).name == "parse"


def test_a_lambda_may_be_named_like_its_function() -> None:
    assert function_of(load(), {"AWS_LAMBDA_FUNCTION_NAME": "chunk"}).name == "chunk"


def test_a_lambda_of_another_name_has_to_say_which_function_it_is() -> None:
    with pytest.raises(MissingStore, match="AEGIS_FUNCTION"):
        function_of(load(), without("AEGIS_FUNCTION"))


def test_a_function_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(TableError, match="no function 'parser'"):
        function_of(load(), {"AEGIS_FUNCTION": "parser"})


def test_the_embedded_stores_are_refused() -> None:
    with pytest.raises(MissingStore, match="AEGIS_EMBEDDED=1 is refused where AWS_LAMBDA_FUNCTION_NAME is set"):
        binding_of({**WHOLE, "AEGIS_EMBEDDED": "1"})


@pytest.mark.parametrize("name", ["AEGIS_S3_BUCKET", "AEGIS_REDIS_URL", "AEGIS_EVENT_SECRET", "K_SINK"])
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(MissingStore, match=f"{name} is not set"):
        binding_of(without(name))


def test_a_function_that_says_nothing_needs_no_bus() -> None:
    check_lambda(load().function("formats"), {})


def test_dead_letters_go_to_a_queue_and_nowhere_else() -> None:
    with pytest.raises(MissingStore, match="AEGIS_DEAD_LETTER_SINK"):
        binding_of({**WHOLE, "AEGIS_DEAD_LETTER_SINK": WHOLE["K_SINK"]})


def test_a_start_opens_no_connection() -> None:
    binding_of(WHOLE)  # nothing listens at these addresses


def test_the_refusal_shows_before_the_first_event() -> None:
    environ = {**os.environ, **without("K_SINK")}
    done = _python("import shared.runtime.lambda_binding", environ)
    assert done.returncode != 0
    assert "K_SINK is not set" in done.stderr


# The stores are made by hand here: `aegis serve`'s installation would bring in its HTTP server.
_EVENTS = """
import asyncio, json, sys
from pathlib import Path

from events.envelope import Secrets
from shared.access.accounts import Accounts
from shared.blobs.folder import FolderBlobs
from shared.bus.streams import StreamBus
from shared.redis.valkey import ValkeyServer
from shared.records.structs import TenantRecord
from shared.runtime.lambda_binding import Binding
from shared.runtime.wiring.settings import Settings
from shared.table.table import load
from shared.runtime.wiring.services import Services
from shared.types.clock import now
from tests.shared.runtime.aws.messages import batch, message, object_created

data = Path(sys.argv[1])
loop, table, keys = asyncio.new_event_loop(), load(), Secrets.parse("first:sixteen-characters-or-more")
server = ValkeyServer(data / "counters")
loop.run_until_complete(server.start())
redis = server.redis(answer_s=10)
bus = StreamBus(redis, server.redis(answer_s=10), table, keys, consumer="c")
services = Services(
    table, Settings(spool=data / "spool"), blobs=lambda: FolderBlobs(data / "blobs"), redis=lambda: redis,
    transport=lambda: bus, vectors=None,
)

def invoke(name, event):
    return Binding(table.function(name), services, keys, loop).handle(event, None)

async def prepare():
    await services.accounts.keep_tenant(TenantRecord("ten_default", "default", "enterprise", now()))
    await services.blobs.write("t/ten_default/inbox/note.md", b"# A note\\n\\nIt rains.\\n")
    await bus.open("parse")
    await bus.open("chunk")

loop.run_until_complete(prepare())
answers = [invoke("intake", object_created("t/ten_default/inbox/note.md"))]
[received] = loop.run_until_complete(bus.receive("parse", 1, 10))
from events.envelope import encode
answers.append(invoke("parse", batch(message(encode(received.event)))))
[received] = loop.run_until_complete(bus.receive("chunk", 1, 10))
answers.append(invoke("chunk", batch(message(encode(received.event)))))
loop.run_until_complete(services.close())
loop.run_until_complete(server.close())
heavy = ("litestar", "uvicorn", "mangum", "boto3", "botocore.session", "httpx", "qdrant_client", "onnxruntime")
print(json.dumps({"answers": answers, "heavy": [name for name in heavy if name in sys.modules]}), file=sys.__stderr__)
"""


def test_events_bring_in_neither_a_web_framework_nor_a_client_that_they_do_not_need(tmp_path: Path) -> None:
    done = _python(_EVENTS, os.environ, str(tmp_path))
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])
    assert report["answers"] == [{"statuses": [204]}, {"batchItemFailures": []}, {"batchItemFailures": []}]
    assert report["heavy"] == []


def _python(script: str, environ: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", textwrap.dedent(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=dict(environ), cwd=root)
