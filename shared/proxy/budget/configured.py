"""What the proxy's file says of budgets, as the budget takes it."""

from shared.proxy.budget.allowances import Allowance, Allowances
from shared.proxy.config import Caps, ProxyConfig


def allowances(config: ProxyConfig) -> Allowances:
    return Allowances(
        platform=_allowance(config.platform_caps),
        tiers={tier: _allowance(config.tier_caps(tier)) for tier in ("free", "pro", "enterprise")},
        thresholds_pct=tuple(config.ollama_cloud.cost_limits.alert_thresholds_pct),
    )


def _allowance(caps: Caps) -> Allowance:
    return Allowance(caps.daily_microusd, caps.monthly_microusd)
