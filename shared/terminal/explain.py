"""`aegis explain`: what became of a request, from the records that the book keeps of it."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import rich_click as click
from msgspec import Struct

from shared.terminal.client import listed, shaped
from shared.terminal.failure import Exit, Failure
from shared.terminal.options import Moment, TextParam, speaks
from shared.terminal.place import locate
from shared.terminal.render import dollars, line, say, say_json, say_table

_MOST = 1000


class _Line(Struct):
    unit: str
    quantity: Decimal | int
    cost_usd: Decimal


class _Passage(Struct):
    passage_id: str
    score: Decimal


class _Record(Struct):
    usage_id: str
    at: str
    function: str = ""
    location: str | None = None
    model: str = ""
    reason: str = ""
    document_id: str = ""
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


class _Told(Struct):
    records: list[_Record]
    outbound: list[_Call]


@click.command()
@click.argument("request_id", type=TextParam())
@click.option("--from", "since", type=Moment(), help="How far to look back; else two months.")
@speaks
def explain(request_id: str, since: str | None, data: Path, as_json: bool) -> None:
    """Tell what became of a request: decisions, passages, reservations, costs."""
    place = locate(data)
    params = {"request_id": request_id} | ({"from": since} if since else {})
    records = listed(place, "/usage/ledger", _MOST, params=params)["items"]
    outbound = listed(place, "/audit", _MOST, params=params)["items"]
    if not records and not outbound:
        raise Failure(
            Exit.FAILED,
            f"nothing is known of the request {line(request_id)}",
            "what to do: give the request's id or your own label of it, as the X-Request-ID of its answer shows it",
        )
    # In the order in which it happened.
    told = {"request_id": request_id, "records": records[::-1], "outbound": outbound[::-1]}
    if as_json:
        say_json(told)
        return
    shown = shaped(place, told, _Told)
    for call in shown.outbound:
        say(f"{call.at}  left for the cloud: {line(call.model)}, class {call.classification}")
        say(f"  reserved {dollars(call.reserved_usd)}, prompt sha256 {line(call.prompt_hash)}")
    for record in shown.records:
        _say(record)
    say(f"total {dollars(sum((record.cost_usd for record in shown.records), Decimal(0)))}")


def _say(record: _Record) -> None:
    say(f"{record.at}  {line(record.function or 'model call')}{_where(record)}")
    say_table(
        ("  unit", "quantity", "cost USD"), [(f"  {one.unit}", one.quantity, one.cost_usd) for one in record.lines]
    )
    if record.reserved_usd:
        flag = ", estimated" if record.estimated else ""
        say(f"  reserved {dollars(record.reserved_usd)}, settled {dollars(record.cost_usd)}{flag}")
    for name, value in (record.decision or {}).items():
        say(f"  {line(name)}: {line(_plain(value))}")
    for passage in record.passages:
        say(f"  passage {line(passage.passage_id)}  {passage.score}")


def _where(record: _Record) -> str:
    if not record.location:
        return f" of {line(record.document_id)}" if record.document_id else ""
    return f": {line(record.model)}, {record.location}, because of {line(record.reason or 'default')}"


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items() if one not in (None, "", [], {}))
    if isinstance(value, list):
        return "; ".join(_plain(one) for one in value) or "none"
    return str(value)
