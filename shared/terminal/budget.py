"""`aegis budget`: what may be spent, and what another strategy would have spent."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click
from msgspec import Struct

from shared.terminal.client import call, listed, shaped
from shared.terminal.failure import Exit, Failure
from shared.terminal.options import Identifier, speaks
from shared.terminal.place import Place, locate
from shared.terminal.render import line, say, say_fields, say_json, say_table

if TYPE_CHECKING:
    from shared.usage.records import UsageRecord

STRATEGIES = ("cost_optimized", "quality_optimized", "latency_optimized", "hybrid")
_LAST = re.compile(r"([1-9]\d{0,2})d")
_MOST = 1_000_000
_dollars = click.FloatRange(min=0)


class _Window(Struct):
    scope: str
    id: str
    window: str
    cap_usd: Decimal | None
    spent_usd: Decimal
    reserved_usd: Decimal
    remaining_usd: Decimal | None
    resets_at: str = ""


class _Scopes(Struct):
    scopes: list[_Window]


def _with_operator(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--operator", is_flag=True, help="With the operator's key.")(speaks(command))


@click.group()
def budget() -> None:
    """Show and set what may be spent, and try another strategy on past usage."""


@budget.command()
@click.option("--defaults", is_flag=True, help="Print the proxy's file as it is without one.")
@_with_operator
def show(defaults: bool, operator: bool, data: Path, as_json: bool) -> None:
    """Show caps, what was spent and what is left."""
    if defaults:
        _say_defaults(as_json)
        return
    place = _place(data, operator)
    _say(place, call(place, "GET", "/budget"), as_json)


@budget.command("set")
@click.argument("scope", type=click.Choice(["tenant", "key", "platform"]))
@click.argument("id_", metavar="[ID]", type=Identifier(), required=False)
@click.option("--daily-usd", type=_dollars, help="The most a UTC day.")
@click.option("--monthly-usd", type=_dollars, help="The most a UTC month.")
@click.option("--no-daily", is_flag=True, help="No cap of a day.")
@click.option("--no-monthly", is_flag=True, help="No cap of a month.")
@_with_operator
def set_budget(
    scope: str,
    id_: str | None,
    daily_usd: float | None,
    monthly_usd: float | None,
    no_daily: bool,
    no_monthly: bool,
    operator: bool,
    data: Path,
    as_json: bool,
) -> None:
    """Set what a tenant, a key or the platform may spend, from the next call on."""
    request: dict[str, Any] = {"scope": scope} | ({"id": id_} if id_ else {})
    for name, amount, without in (("daily", daily_usd, no_daily), ("monthly", monthly_usd, no_monthly)):
        if amount is not None and without:
            raise Failure(Exit.USAGE, f"--{name}-usd and --no-{name} exclude each other")
        if amount is not None or without:
            request[f"{name}_usd"] = amount
    place = _place(data, operator)
    _say(place, call(place, "PUT", "/budget", json=request), as_json)


@budget.command()
@click.option("--strategy", type=click.Choice(STRATEGIES), required=True, help="How calls would have been placed.")
@click.option("--last", default="30d", show_default=True, help="How many days to look back.")
@speaks
def simulate(strategy: str, last: str, data: Path, as_json: bool) -> None:
    """Price past usage again under another strategy, with the prices of AEGIS_PROXY_CONFIG; nothing is run."""
    import os
    from datetime import UTC, datetime, timedelta

    from msgspec.structs import asdict

    from shared.proxy.config.proxy_config import ProxyConfig
    from shared.proxy.simulate import simulate as price_again

    days = _LAST.fullmatch(last)
    if not days:
        raise Failure(Exit.USAGE, f"--last is {line(last)!r}; it takes days such as 30d")
    try:
        config = ProxyConfig.from_environ(os.environ)
    except ValueError as error:
        raise Failure(Exit.USAGE, line(error)) from error
    place = locate(data)
    since = (datetime.now(UTC) - timedelta(days=int(days[1]))).isoformat()
    found = listed(place, "/usage/ledger", _MOST, params={"from": since})["items"]
    records = [_usage(place, item) for item in found]
    result = price_again(records, strategy, config.price_table, config.platform_caps)  # type: ignore[arg-type]
    shown = {
        name.replace("microusd", "usd"): Decimal(value) / 1_000_000 if name.endswith("_microusd") else value
        for name, value in asdict(result).items()
    }
    if as_json:
        say_json(shown)
        return
    reasons = ", ".join(f"{name} {count}" for name, count in result.reasons.items())
    say_fields([(name.replace("_", " "), reasons if name == "reasons" else value) for name, value in shown.items()])


def _usage(place: Place, item: Any) -> "UsageRecord":
    """The record that a ledger's item shows."""
    from msgspec import ValidationError, convert

    from shared.terminal.client import stranger
    from shared.usage.records import PER_UNIT, UsageRecord

    plain = _plain(item)
    try:
        lines = [
            {
                "unit": one["unit"],
                "quantity": round(one["quantity"] * PER_UNIT.get(one["unit"], 1)),
                "cost_microusd": round(one["cost_usd"] * 1_000_000),
            }
            for one in plain["lines"]
        ]
        kept = {
            name: plain[name] for name in ("usage_id", "at", "location", "model", "reason", "decision", "estimated")
        }
        return convert({**kept, "tenant_id": "", "lines": lines}, UsageRecord)
    except (KeyError, TypeError, ValidationError) as error:
        raise stranger(place) from error


def _plain(value: Any) -> Any:
    """Amounts were read as `Decimal`."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return float(value) if isinstance(value, Decimal) else value


def _say_defaults(as_json: bool) -> None:
    from shared.proxy.config.proxy_config import ProxyConfig
    from shared.proxy.config.view import as_yaml

    text = as_yaml(ProxyConfig.load(None, {}))
    if as_json:
        import yaml

        say_json(yaml.safe_load(text))
    else:
        say(text, whole_line=False)


def _say(place: Place, found: Any, as_json: bool) -> None:
    if as_json:
        say_json(found)
        return
    say_table(
        ("scope", "id", "window", "cap USD", "spent USD", "reserved USD", "left USD", "ends"),
        [
            (w.scope, w.id, w.window, w.cap_usd, w.spent_usd, w.reserved_usd, w.remaining_usd, w.resets_at)
            for w in shaped(place, found, _Scopes).scopes
        ],
    )


def _place(data: Path, operator: bool) -> Place:
    return locate(data, "operator" if operator else "admin")
