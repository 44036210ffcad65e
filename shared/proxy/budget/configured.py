"""Converts the budgets of the proxy's file to the budget's defaults."""

from shared.proxy.budget.allowances import DefaultCap, DefaultCaps
from shared.proxy.config.proxy_config import ConfiguredCaps, ProxyConfig


def allowances(config: ProxyConfig) -> DefaultCaps:
    return DefaultCaps(
        platform=_allowance(config.platform_caps),
        tiers={tier: _allowance(config.tier_caps(tier)) for tier in ("free", "pro", "enterprise")},
        thresholds_pct=tuple(config.ollama_cloud.cost_limits.alert_thresholds_pct),
    )


def _allowance(caps: ConfiguredCaps) -> DefaultCap:
    return DefaultCap(caps.daily_microusd, caps.monthly_microusd)
