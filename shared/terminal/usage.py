"""`aegis usage`: what was used and what it cost."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import rich_click as click
from msgspec import Struct

from shared.terminal.client import call, listed, shaped
from shared.terminal.options import Identifier, Moment, limit_option, speaks
from shared.terminal.place import locate
from shared.terminal.render import dollars, note, say, say_json, say_table


class _Item(Struct):
    unit: str
    quantity: Decimal | int
    cost_usd: Decimal
    day: str | None = None
    key_id: str | None = None
    document_id: str | None = None


class _Usage(Struct):
    items: list[_Item]
    total_usd: Decimal


class _Record(Struct):
    usage_id: str
    at: str
    cost_usd: Decimal
    function: str = ""
    model: str = ""
    document_id: str = ""
    request_id: str = ""
    estimated: bool = False


class _Records(Struct):
    items: list[_Record]


@click.command()
@click.option("--from", "since", type=Moment(), help="Its first moment, such as 2026-03-01; else this month's.")
@click.option("--to", "until", type=Moment(), help="Its end; else now.")
@click.option("--by", "group_by", type=click.Choice(["day", "key", "document", "unit"]), default="day", help="Sums by.")
@click.option("--records", is_flag=True, help="List the single records, newest first.")
@click.option("--request", "request_id", type=Identifier(), help="Only the records of this request.")
@limit_option(50, None, "How many records.")
@speaks
def usage(
    since: str | None,
    until: str | None,
    group_by: str,
    records: bool,
    request_id: str | None,
    limit: int,
    data: Path,
    as_json: bool,
) -> None:
    """Tell what was used and what it cost."""
    period = {name: value for name, value in (("from", since), ("to", until)) if value}
    if records or request_id:
        _list(data, limit, period | ({"request_id": request_id} if request_id else {}), as_json)
        return
    place = locate(data)
    found = call(place, "GET", "/usage", params={**period, "group_by": group_by})
    if as_json:
        say_json(found)
        return
    told = shaped(place, found, _Usage)
    if told.items:
        groups = () if group_by == "unit" else (group_by,)
        say_table((*groups, "unit", "quantity", "cost USD"), [_row(item, group_by) for item in told.items])
    say(f"total {dollars(told.total_usd)}")


def _row(item: _Item, group_by: str) -> tuple[object, ...]:
    group: dict[str, tuple[object, ...]] = {
        "day": (item.day,),
        "key": (item.key_id,),
        "document": (item.document_id,),
        "unit": (),
    }
    return (*group[group_by], item.unit, item.quantity, item.cost_usd)


def _list(data: Path, limit: int, params: dict[str, Any], as_json: bool) -> None:
    place = locate(data)
    found = listed(place, "/usage/ledger", limit, params=params)
    if as_json:
        say_json(found)
        return
    rows = shaped(place, found, _Records).items
    if not rows:
        note("nothing was used")
        return
    say_table(
        ("at", "function", "model", "document", "request", "cost USD", "estimated"),
        [(r.at, r.function, r.model, r.document_id, r.request_id, r.cost_usd, r.estimated) for r in rows],
    )
