"""`aegis reconcile`: compares Redis, the usage ledger and the provider's bill."""

import asyncio
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from shared.terminal.connection import running_server
from shared.terminal.errors import CommandError, ExitCode, store_errors
from shared.terminal.options import data_option, json_option
from shared.terminal.output import note, safe_line, write_json, write_table

if TYPE_CHECKING:
    from shared.proxy.reconciling import Reconciled


@click.command()
@click.option(
    "--billed",
    "bills",
    multiple=True,
    metavar="DAY=USD",
    help="What the provider billed for a UTC day, such as 2026-03-01=1.25; without it the provider is asked.",
)
@data_option("Folder whose accounts are reconciled.")
@json_option
def reconcile(bills: tuple[str, ...], data: Path, as_json: bool) -> None:
    """Compare Redis, the usage ledger and the provider's bill, and correct the differences.

    Redis is set to the ledger, and costs that were only estimated are lowered to the bill.
    """
    billed = dict(_bill(text) for text in bills)
    with store_errors("restore it, or stop the process that uses it, and run this again"):
        from shared.runtime.upkeep import reconcile as run

        found = asyncio.run(run(data, billed, is_served=running_server(data) is not None))
    if as_json:
        write_json(_as_json(found))
    else:
        _write(found)


def _bill(text: str) -> tuple[date, int]:
    day, _, amount = text.partition("=")
    try:
        microusd = Decimal(amount) * 1_000_000
        if microusd < 0 or not microusd.is_finite() or microusd != int(microusd):
            raise ValueError(amount)
        return date.fromisoformat(day), int(microusd)
    except (ValueError, InvalidOperation):
        raise CommandError(ExitCode.USAGE, f"{safe_line(text)!r} is not DAY=USD such as 2026-03-01=1.25") from None


def _usd(microusd: int) -> Decimal:
    return Decimal(microusd) / 1_000_000


def _as_json(found: "Reconciled") -> dict[str, object]:
    return {
        "windows": [
            {
                "scope": one.window.scope,
                "id": one.window.id,
                "window": one.window.name,
                "start": one.window.start,
                "redis_usd": _usd(one.redis_microusd),
                "book_usd": _usd(one.book_microusd),
                "mended": one.mended,
            }
            for one in found.windows
        ],
        "days": [
            {
                "day": one.day.isoformat(),
                "provider_usd": _usd(one.provider_microusd),
                "book_usd": _usd(one.book_microusd),
                "lowered_usd": _usd(one.lowered_microusd),
            }
            for one in found.days
        ],
    }


def _write(found: "Reconciled") -> None:
    for one in found.days:
        billed, booked, lowered = map(_usd, (one.provider_microusd, one.book_microusd, one.lowered_microusd))
        note(f"{one.day}: billed {billed} USD, booked {booked} USD, estimates lowered by {lowered} USD")
    if not found.windows:
        note("Redis agrees with the usage ledger")
        return
    write_table(
        ("scope", "id", "window", "Redis USD", "ledger USD", "corrected"),
        [
            (w.window.scope, w.window.id, w.window.start, _usd(w.redis_microusd), _usd(w.book_microusd), w.mended)
            for w in found.windows
        ],
    )
