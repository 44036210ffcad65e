"""`aegis explain`: the decisions and costs of a request, from its records in the usage ledger."""

from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import rich_click as click
from msgspec import Struct

from shared.terminal.client import ServerClient, call, convert_to, json_body, list_items, with_server
from shared.terminal.connection import Connection, connection_for
from shared.terminal.errors import CommandError, ExitCode, RequestRefused
from shared.terminal.options import TextParam, TimeParam, server_options
from shared.terminal.output import format_usd, safe_line, write, write_json, write_table

_MAX_RECORDS = 1000
_MAX_NAMES = 100


class _Entity(Struct):
    name: str


class _Line(Struct):
    unit: str
    quantity: Decimal | int
    cost_usd: Decimal


class _Passage(Struct):
    passage_id: str
    score: Decimal
    entity_ids: list[str] = []


class _Record(Struct):
    usage_id: str
    at: str
    function: str = ""
    location: str | None = None
    model: str = ""
    reason: str = ""
    document_id: str | None = None
    lines: list[_Line] = []
    cost_usd: Decimal = Decimal(0)
    reserved_usd: Decimal = Decimal(0)
    estimated: bool = False
    decision: dict[str, Any] | None = None
    passages: list[_Passage] = []


class _Call(Struct):
    operation_id: str
    at: str
    model: str = ""
    classification: str = ""
    reserved_usd: Decimal = Decimal(0)
    prompt_hash: str = ""


class _Feedback(Struct):
    at: str
    key_id: str
    rating: str
    comment: str | None = None


class _Explanation(Struct):
    records: list[_Record]
    outbound: list[_Call]
    feedback: list[_Feedback]


@click.command()
@click.argument("request_id", type=TextParam())
@click.option("--from", "since", type=TimeParam(), help="Start of the search; default: two months ago.")
@server_options
def explain(request_id: str, since: str | None, data: Path, as_json: bool) -> None:
    """Show the decisions, passages, reservations, costs and ratings of a request."""
    connection = connection_for(data)
    params = {"request_id": request_id} | ({"from": since} if since else {})
    records = list_items(connection, "/usage/ledger", _MAX_RECORDS, params=params)["items"]
    outbound = list_items(connection, "/audit", _MAX_RECORDS, params=params)["items"]
    if not records and not outbound:
        raise CommandError(
            ExitCode.FAILED,
            f"there are no records of the request {safe_line(request_id)}",
            "what to do: give the request's id or your own label, the X-Request-ID of its response",
        )
    # In the order of time.
    feedback = call(connection, "GET", "/usage/ledger", params={**params, "limit": 1}).get("feedback", [])
    raw = {
        "request_id": request_id,
        "records": records[::-1],
        "outbound": outbound[::-1],
        "feedback": feedback[::-1],
    }
    if as_json:
        write_json(raw)
        return
    explanation = convert_to(connection, raw, _Explanation)
    for one in explanation.outbound:
        write(f"{one.at}  left for the cloud: {safe_line(one.model)}, class {one.classification}")
        write(f"  reserved {format_usd(one.reserved_usd)}, prompt sha256 {safe_line(one.prompt_hash)}")
    passages = [one for record in explanation.records for one in record.passages]
    names = _entity_names(connection, {identity for one in passages for identity in one.entity_ids})
    for record in explanation.records:
        _write(record, names)
    for rating in explanation.feedback:
        comment = f": {safe_line(rating.comment)}" if rating.comment else ""
        write(f"{rating.at}  rated {rating.rating} by {safe_line(rating.key_id)}{comment}")
    write(f"total {format_usd(sum((record.cost_usd for record in explanation.records), Decimal(0)))}")


def _entity_names(connection: Connection, ids: set[str]) -> dict[str, str]:
    """The names of entities by their ids, of those that are still in the graph."""

    async def read(server: ServerClient) -> dict[str, str]:
        names = {}
        for identity in sorted(ids)[:_MAX_NAMES]:
            with suppress(RequestRefused):
                response = await server.send("GET", f"/graph/entities/{identity}")
                names[identity] = convert_to(connection, json_body(connection, response), _Entity).name
        return names

    return with_server(connection, read) if ids else {}


def _write(record: _Record, names: dict[str, str]) -> None:
    source = f" of {safe_line(record.document_id)}" if record.document_id else ""
    if record.location:
        source = f": {safe_line(record.model)}, {record.location}, reason {safe_line(record.reason or 'default')}"
    write(f"{record.at}  {safe_line(record.function or 'model call')}{source}")
    write_table(
        ("  unit", "quantity", "cost USD"), [(f"  {one.unit}", one.quantity, one.cost_usd) for one in record.lines]
    )
    if record.reserved_usd:
        flag = ", estimated" if record.estimated else ""
        write(f"  reserved {format_usd(record.reserved_usd)}, settled {format_usd(record.cost_usd)}{flag}")
    for name, value in (record.decision or {}).items():
        write(f"  {safe_line(name)}: {safe_line(_plain(value))}")
    for passage in record.passages:
        path = " → ".join(safe_line(names.get(one, one)) for one in passage.entity_ids)
        write(f"  passage {safe_line(passage.passage_id)}  {passage.score}{f'  over {path}' if path else ''}")


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items() if one not in (None, "", [], {}))
    if isinstance(value, list):
        return "; ".join(_plain(one) for one in value) or "none"
    return str(value)
