"""One suite of Lambdas for all tests of a process, and AWS beside it."""

import asyncio
from collections.abc import Iterator

import pytest

from shared.bus import aws as aws_bus
from shared.bus.aws import AwsSink
from tests.shared.runtime.aws.fake_aws import FakeAws
from tests.shared.runtime.aws.invocations import Lambdas
from tests.shared.runtime.aws.messages import queue_arn


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def running_aws() -> Iterator[FakeAws]:
    with pytest.MonkeyPatch.context() as patch:
        running = FakeAws()
        patch.setenv("AWS_ENDPOINT_URL", running.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        patch.setenv("AWS_CONFIG_FILE", "/dev/null")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        aws_bus.client.cache_clear()
        aws_bus.queue_url.cache_clear()
        yield running
        running.close()
        aws_bus.client.cache_clear()
        aws_bus.queue_url.cache_clear()


@pytest.fixture(autouse=True)
def aws(running_aws: FakeAws) -> FakeAws:
    """Whatever a test does, no call leaves this machine."""
    running_aws.forget()
    return running_aws


@pytest.fixture(scope="session")
def lambdas(
    loop: asyncio.AbstractEventLoop, running_aws: FakeAws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lambdas]:
    """With a queue for dead letters."""
    running = Lambdas(tmp_path_factory.mktemp("lambdas") / "data", loop, AwsSink(queue_arn("failed")))
    yield running
    running.close()
