"""`aegis usage`: usage and its cost."""

import io
import sys
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

import rich_click as click
from msgspec import Struct

from shared.terminal.client import ServerClient, call, convert_to, with_server
from shared.terminal.connection import connection_for
from shared.terminal.listing import write_list
from shared.terminal.options import IdParam, TimeParam, given, limit_option, server_options
from shared.terminal.output import format_usd, write, write_json, write_table

_COLUMNS = {
    "at": "at",
    "function": "function",
    "model": "model",
    "document": "document_id",
    "request": "request_id",
    "cost USD": "cost_usd",
    "estimated": "estimated",
}


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
    document_id: str | None = None
    request_id: str | None = None
    estimated: bool = False


@click.group(invoke_without_command=True)
@click.option("--from", "since", type=TimeParam(), help="Start of the period, such as 2026-03-01; default: this month.")
@click.option("--to", "until", type=TimeParam(), help="End of the period; default: now.")
@click.option(
    "--by", "group_by", type=click.Choice(["day", "key", "document", "unit"]), default="day", help="How to group."
)
@click.option("--records", is_flag=True, help="List single records, newest first.")
@click.option("--request", "request_id", type=IdParam(), help="Only the records of this request.")
@limit_option(50, None, "Maximum number of records.")
@server_options
@click.pass_context
def usage(
    context: click.Context,
    since: str | None,
    until: str | None,
    group_by: str,
    records: bool,
    request_id: str | None,
    limit: int,
    data: Path,
    as_json: bool,
) -> None:
    """Show usage and its cost."""
    if context.invoked_subcommand:
        return
    connection = connection_for(data)
    params = given(**{"from": since, "to": until, "request_id": request_id})
    if records or request_id:
        write_list(
            connection,
            "/usage/ledger",
            limit,
            _Record,
            _COLUMNS,
            as_json=as_json,
            params=params,
            empty="nothing was used",
        )
        return
    found = call(connection, "GET", "/usage", params={**params, "group_by": group_by})
    if as_json:
        write_json(found)
        return
    totals = convert_to(connection, found, _Usage)
    if totals.items:
        groups = () if group_by == "unit" else (group_by,)
        write_table((*groups, "unit", "quantity", "cost USD"), [_row(item, group_by) for item in totals.items])
    write(f"total {format_usd(totals.total_usd)}")


@usage.command()
@click.option("--format", "kind", type=click.Choice(["csv", "focus"]), default="csv", help="Our columns, or FOCUS 1.2.")
@click.option("--from", "since", type=TimeParam(), help="Start of the period, such as 2026-03-01; default: this month.")
@click.option("--to", "until", type=TimeParam(), help="End of the period; default: now.")
@server_options
def export(kind: str, since: str | None, until: str | None, data: Path, as_json: bool) -> None:
    """Write every line of usage as CSV to stdout; the sum of its costs is the bill."""
    connection = connection_for(data)
    params = given(**{"format": kind, "from": since, "to": until})
    out: BinaryIO = io.BytesIO() if as_json else sys.stdout.buffer

    async def copy(server: ServerClient) -> None:
        async with server.download("/usage/export", params) as pieces:
            async for piece in pieces:
                out.write(piece)

    with_server(connection, copy)
    if isinstance(out, io.BytesIO):
        write_json({"format": kind, "content": out.getvalue().decode()})


def _row(item: _Item, group_by: str) -> tuple[object, ...]:
    group: dict[str, tuple[object, ...]] = {
        "day": (item.day,),
        "key": (item.key_id,),
        "document": (item.document_id,),
        "unit": (),
    }
    return (*group[group_by], item.unit, item.quantity, item.cost_usd)
