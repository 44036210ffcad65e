"""The default caps of the proxy's file."""

from collections.abc import Mapping

from msgspec import Struct, field

from shared.types.principal import Tier
from shared.usage.records import USED_UP_PCT


class DefaultCap(Struct, frozen=True):
    """Micro-dollars for a UTC day and a UTC month; None is no limit, 0 allows nothing."""

    day: int | None = None
    month: int | None = None


class DefaultCaps(Struct, frozen=True):
    """The default caps of the installation and of each tier's tenants. A tier that is not here may spend nothing.
    `thresholds_pct` are the shares of a cap at which an alert is due; one more is due when a window is used up."""

    platform: DefaultCap = DefaultCap(5_000_000, 100_000_000)
    tiers: Mapping[Tier, DefaultCap] = field(
        default_factory=lambda: {
            "free": DefaultCap(0, 0),
            "pro": DefaultCap(month=20_000_000),
            "enterprise": DefaultCap(),
        }
    )
    thresholds_pct: tuple[int, ...] = (80, 90, 100)

    def of(self, tier: Tier) -> DefaultCap:
        return self.tiers.get(tier, DefaultCap(0, 0))

    def terms(self, ahead_s: int = 0, deleted_tenants: tuple[str, ...] = ()) -> str:
        """Formats the caps as the argument of the scripts, words with a blank after each. `ahead_s` is added to Redis'
        clock; a deleted tenant may spend nothing."""
        percents = sorted({*map(int, self.thresholds_pct), USED_UP_PCT})
        words = [f"ahead={ahead_s}", f"thresholds={','.join(map(str, percents))}"]
        words += [f"platform={_words_of(self.platform)}"]
        words += [f"{tier}={_words_of(allowance)}" for tier, allowance in self.tiers.items()]
        words += [f"deleted={tenant_id}" for tenant_id in deleted_tenants]
        return "".join(f"{word} " for word in words)


def _words_of(allowance: DefaultCap) -> str:
    return ",".join("" if amount is None else str(int(amount)) for amount in (allowance.day, allowance.month))
