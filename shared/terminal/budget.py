"""`aegis budget`: caps and spending, and what another strategy would have cost."""

import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import quote

import rich_click as click
from msgspec import Struct

from shared.terminal.client import call, convert_to, list_items
from shared.terminal.connection import Connection, connection_for
from shared.terminal.errors import CommandError, ExitCode
from shared.terminal.options import IdParam, operator_option, server_options
from shared.terminal.output import safe_line, write, write_fields, write_json, write_table
from shared.types.model import StrategyName

if TYPE_CHECKING:
    from shared.usage.records import UsageRecord

_PERIOD = re.compile(r"([1-9]\d{0,2})d")
_MAX_RECORDS = 1_000_000
_dollars = click.FloatRange(min=0)


class _Window(Struct):
    scope: str
    id: str | None
    window: str
    cap_usd: Decimal | None
    spent_usd: Decimal
    reserved_usd: Decimal
    remaining_usd: Decimal | None
    resets_at: str = ""


class _Scopes(Struct):
    scopes: list[_Window]


class _Model(Struct):
    model: str
    enabled: bool
    input_usd: Decimal | None = None
    output_usd: Decimal | None = None
    reason: str | None = None
    since: str | None = None


class _Models(Struct):
    models: list[_Model]


@click.group()
def budget() -> None:
    """Show and set budgets, and price past usage under another strategy."""


@budget.command()
@click.option("--defaults", is_flag=True, help="Print the default proxy configuration.")
@operator_option
@server_options
def show(defaults: bool, operator: bool, data: Path, as_json: bool) -> None:
    """Show caps, spending and what remains."""
    if defaults:
        _write_defaults(as_json)
        return
    connection = connection_for(data, operator=operator)
    _write(connection, call(connection, "GET", "/budget"), as_json)


@budget.command("set")
@click.argument("scope", type=click.Choice(["tenant", "key", "platform"]))
@click.argument("id_", metavar="[ID]", type=IdParam(), required=False)
@click.option("--daily-usd", type=_dollars, help="Cap for a UTC day.")
@click.option("--monthly-usd", type=_dollars, help="Cap for a UTC month.")
@click.option("--no-daily", is_flag=True, help="Remove the daily cap.")
@click.option("--no-monthly", is_flag=True, help="Remove the monthly cap.")
@operator_option
@server_options
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
    """Set the cap of a tenant, a key or the platform, from the next call on."""
    request: dict[str, Any] = {"scope": scope} | ({"id": id_} if id_ else {})
    for name, amount, without in (("daily", daily_usd, no_daily), ("monthly", monthly_usd, no_monthly)):
        if amount is not None and without:
            raise CommandError(ExitCode.USAGE, f"--{name}-usd and --no-{name} exclude each other")
        if amount is not None or without:
            request[f"{name}_usd"] = amount
    connection = connection_for(data, operator=operator or scope == "platform")
    _write(connection, call(connection, "PUT", "/budget", json=request), as_json)


@budget.group(invoke_without_command=True)
@server_options
@click.pass_context
def models(context: click.Context, data: Path, as_json: bool) -> None:
    """List the models that cost money, with the operator's key: prices per million tokens, switched off or not."""
    if context.invoked_subcommand:
        return
    connection = connection_for(data, operator=True)
    _write_models(connection, call(connection, "GET", "/budget/models"), as_json)


@models.command()
@click.argument("model")
@server_options
def enable(model: str, data: Path, as_json: bool) -> None:
    """Switch a model on again, such as one that cost more than its worst case."""
    _switch(model, data, as_json, enabled=True)


@models.command()
@click.argument("model")
@server_options
def disable(model: str, data: Path, as_json: bool) -> None:
    """Switch a model off: no call of it is paid for, from the next one on."""
    _switch(model, data, as_json, enabled=False)


@budget.command()
@click.option(
    "--strategy", type=click.Choice(get_args(StrategyName)), required=True, help="The strategy that routes the calls."
)
@click.option("--last", default="30d", show_default=True, help="Number of days to read, such as 30d.")
@server_options
def simulate(strategy: str, last: str, data: Path, as_json: bool) -> None:
    """Price past usage under another strategy, with the prices of AEGIS_PROXY_CONFIG, without running anything."""
    import os
    from datetime import UTC, datetime, timedelta

    from msgspec.structs import asdict

    from shared.proxy.config.proxy_config import ProxyConfig
    from shared.proxy.simulate import simulate as price_again

    days = _PERIOD.fullmatch(last)
    if not days:
        raise CommandError(ExitCode.USAGE, f"--last is {safe_line(last)!r}; it takes days such as 30d")
    try:
        config = ProxyConfig.from_environ(os.environ)
    except ValueError as error:
        raise CommandError(ExitCode.USAGE, safe_line(error)) from error
    connection = connection_for(data)
    since = (datetime.now(UTC) - timedelta(days=int(days[1]))).isoformat()
    found = list_items(connection, "/usage/ledger", _MAX_RECORDS, params={"from": since})["items"]
    records = [_usage(connection, item) for item in found]
    result = price_again(records, strategy, config.price_table, config.platform_caps)  # type: ignore[arg-type]
    summary = {
        name.replace("microusd", "usd"): Decimal(value) / 1_000_000 if name.endswith("_microusd") else value
        for name, value in asdict(result).items()
    }
    if as_json:
        write_json(summary)
        return
    reasons = ", ".join(f"{name} {count}" for name, count in result.reasons.items())
    write_fields([(name.replace("_", " "), reasons if name == "reasons" else value) for name, value in summary.items()])


def _usage(connection: Connection, item: Any) -> "UsageRecord":
    """Converts an item of the server's list back to a usage record."""
    from msgspec import ValidationError, convert

    from shared.terminal.client import foreign_answer
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
        fields = {
            name: plain[name] for name in ("usage_id", "at", "location", "model", "reason", "decision", "estimated")
        }
        return convert({**fields, "tenant_id": "", "lines": lines}, UsageRecord)
    except (KeyError, TypeError, ValidationError) as error:
        raise foreign_answer(connection) from error


def _plain(value: Any) -> Any:
    """Converts amounts, which were decoded as `Decimal`, to floats."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return float(value) if isinstance(value, Decimal) else value


def _write_defaults(as_json: bool) -> None:
    from shared.proxy.config.proxy_config import ProxyConfig
    from shared.proxy.config.view import as_yaml

    text = as_yaml(ProxyConfig.load(None, {}))
    if as_json:
        import yaml

        write_json(yaml.safe_load(text))
    else:
        write(text, newline=False)


def _switch(model: str, data: Path, as_json: bool, *, enabled: bool) -> None:
    connection = connection_for(data, operator=True)
    found = call(connection, "PUT", f"/budget/models/{quote(model, safe='')}", json={"enabled": enabled})
    _write_models(connection, found if as_json else {"models": [found]}, as_json)


def _write_models(connection: Connection, found: Any, as_json: bool) -> None:
    if as_json:
        write_json(found)
        return
    write_table(
        ("model", "state", "input USD", "output USD", "reason", "since"),
        [
            (one.model, "on" if one.enabled else "off", one.input_usd, one.output_usd, one.reason, one.since)
            for one in convert_to(connection, found, _Models).models
        ],
    )


def _write(connection: Connection, found: Any, as_json: bool) -> None:
    if as_json:
        write_json(found)
        return
    write_table(
        ("scope", "id", "window", "cap USD", "spent USD", "reserved USD", "remaining USD", "resets"),
        [
            (w.scope, w.id, w.window, w.cap_usd, w.spent_usd, w.reserved_usd, w.remaining_usd, w.resets_at)
            for w in convert_to(connection, found, _Scopes).scopes
        ],
    )
