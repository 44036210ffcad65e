"""Which of the cloud's figures say what a day cost."""

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.proxy.config.proxy_config import OllamaCloudConfig
from shared.proxy.config.values import CloudUrl, Secret
from shared.proxy.provider import bills, settled_days
from shared.upstreams.ollama_cloud import AccountUsage, UsageBucket
from tests.ollama import Account, FakeOllama

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def bucket(start: datetime | None, length: timedelta = DAY, cost: int | None = 100) -> UsageBucket:
    return UsageBucket(start, start + length if start else None, cost)


def day(number: int) -> datetime:
    return datetime(2026, 11, number, tzinfo=UTC)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (bucket(day(20)), {date(2026, 11, 20): 100}),
        (bucket(day(21)), {}),  # its use may still appear
        (bucket(day(22)), {}),  # it is not over
        (bucket(day(20), timedelta(hours=1)), {}),
        (bucket(day(20) + timedelta(hours=7)), {}),  # a day of another zone
        (bucket(day(20), cost=None), {}),
        (bucket(None), {}),
        (bucket(day(20), cost=0), {date(2026, 11, 20): 0}),
    ],
)
def test_only_whole_days_that_are_settled_count(found: UsageBucket, expected: dict[date, int]) -> None:
    assert settled_days(AccountUsage(found, (found,)), NOW) == expected


def test_a_day_in_several_buckets_is_added_up() -> None:
    one = bucket(day(19), cost=5)
    assert settled_days(AccountUsage(one, (one, one)), NOW) == {date(2026, 11, 19): 10}


async def test_an_account_that_tells_only_hours_tells_no_day() -> None:
    async with FakeOllama(account=Account()) as cloud:
        config = OllamaCloudConfig(api_key=Secret("cloud-key"), base_url=CloudUrl(cloud.url))
        assert await bills(config, NOW) == {}
