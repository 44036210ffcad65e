"""`aegis reconcile`: holds Redis, the book and the provider's bill against each other."""

import asyncio
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from shared.terminal.failure import Exit, Failure, Unreachable
from shared.terminal.options import data_option, json_option
from shared.terminal.place import running
from shared.terminal.render import line, note, say_json, say_table

if TYPE_CHECKING:
    from shared.proxy.reconciling import Reconciled


@click.command()
@click.option(
    "--billed",
    "bills",
    multiple=True,
    metavar="DAY=USD",
    help="What the provider billed for a UTC day, such as 2026-03-01=1.25; without it the cloud itself is asked.",
)
@data_option("Folder whose accounts are reconciled.")
@json_option
def reconcile(bills: tuple[str, ...], data: Path, as_json: bool) -> None:
    """Hold Redis, the book and the provider's bill against each other.

    Redis is mended to the book, and what was only estimated is lowered to the bill.
    """
    from shared.runtime.upkeep import reconcile as run
    from shared.runtime.wiring.data_folder import FolderTaken
    from shared.types.errors import AegisError, StoreUnavailable

    billed = dict(_bill(text) for text in bills)
    try:
        found = asyncio.run(run(data, billed, is_served=running(data) is not None))
    except (StoreUnavailable, FolderTaken) as error:
        raise Unreachable(line(error), "what to do: bring it back, or stop who holds it, and run this again") from error
    except (AegisError, ValueError) as error:
        raise Failure(Exit.USAGE, line(error)) from error
    if as_json:
        say_json(_as_json(found))
    else:
        _say(found)


def _bill(text: str) -> tuple[date, int]:
    day, _, amount = text.partition("=")
    try:
        microusd = Decimal(amount) * 1_000_000
        if microusd < 0 or not microusd.is_finite() or microusd != int(microusd):
            raise ValueError(amount)
        return date.fromisoformat(day), int(microusd)
    except (ValueError, InvalidOperation):
        raise Failure(Exit.USAGE, f"{line(text)!r} is not DAY=USD such as 2026-03-01=1.25") from None


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


def _say(found: "Reconciled") -> None:
    for one in found.days:
        said, booked, lowered = map(_usd, (one.provider_microusd, one.book_microusd, one.lowered_microusd))
        note(f"{one.day}: billed {said} USD, booked {booked} USD, estimates lowered by {lowered} USD")
    if not found.windows:
        note("Redis counts what the book says")
        return
    say_table(
        ("scope", "id", "window", "Redis USD", "book USD", "mended"),
        [
            (w.window.scope, w.window.id, w.window.start, _usd(w.redis_microusd), _usd(w.book_microusd), w.mended)
            for w in found.windows
        ],
    )
