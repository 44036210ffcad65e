"""The cost of days as the cloud provider states it, to compare the usage ledger with."""

from datetime import UTC, date, datetime, time, timedelta

from shared.proxy.config.proxy_config import OllamaCloudConfig
from shared.upstreams.ollama_cloud import AccountUsage, OllamaCloudClient

SETTLED_AFTER = timedelta(days=1)
"""How long after a day's end its use may still appear in the account."""


async def bills(config: OllamaCloudConfig, at: datetime) -> dict[date, int]:
    """Micro-dollars of the last month's whole UTC days that are settled. Raises `UpstreamError`."""
    cloud = OllamaCloudClient(str(config.api_key), base_url=config.base_url)
    try:
        return settled_days(await cloud.usage("30d"), at)
    finally:
        await cloud.close()


def settled_days(usage: AccountUsage, at: datetime) -> dict[date, int]:
    """Buckets that are exactly one UTC day; hours, months and days without an amount say nothing of a day."""
    found: dict[date, int] = {}
    for bucket in usage.buckets:
        if bucket.start is None or bucket.until is None or bucket.cost_microusd is None:
            continue
        start = bucket.start.astimezone(UTC)
        is_day = start.time() == time() and bucket.until - bucket.start == timedelta(days=1)
        if is_day and bucket.until + SETTLED_AFTER <= at:
            found[start.date()] = found.get(start.date(), 0) + bucket.cost_microusd
    return found
