"""`aegis audit`: what left for the cloud, and whether the book is as it was sealed."""

import asyncio
from decimal import Decimal
from pathlib import Path

import rich_click as click
from msgspec import Struct, to_builtins

from shared.terminal.client import call, listed, shaped
from shared.terminal.failure import Exit, Failure, Unreachable
from shared.terminal.options import CLASSES, Moment, data_option, json_option, limit_option, present, speaks
from shared.terminal.place import locate
from shared.terminal.render import line, note, say_fields, say_json, say_table


class _Item(Struct):
    kind: str
    at: str
    tenant_id: str = ""
    model: str = ""
    classification: str = ""
    request_id: str = ""
    reserved_usd: Decimal | None = None
    scope: str = ""
    threshold_pct: int | None = None


class _Items(Struct):
    items: list[_Item]


operator_option = click.option("--operator", is_flag=True, help="With the operator's key, over all tenants.")


@click.group()
def audit() -> None:
    """Tell what left for the cloud, and verify the book."""


@audit.command("list")
@click.option("--from", "since", type=Moment(), help="How far to look back; else two months.")
@click.option("--to", "until", type=Moment(), help="Up to here; else now.")
@click.option("--classification", type=click.Choice(CLASSES), help="Only calls of this class.")
@limit_option(50, None, "How many.")
@operator_option
@speaks
def list_audit(
    since: str | None,
    until: str | None,
    classification: str | None,
    limit: int,
    operator: bool,
    data: Path,
    as_json: bool,
) -> None:
    """List calls that left and thresholds that were reached, newest first."""
    place = locate(data, "operator" if operator else "admin")
    params = present(**{"from": since, "to": until, "classification": classification})
    found = listed(place, "/audit", limit, params=params)
    if as_json:
        say_json(found)
        return
    items = shaped(place, found, _Items).items
    if not items:
        note("nothing left")
        return
    say_table(
        ("at", "tenant", "what", "model", "class", "request", "reserved USD"),
        [
            (item.at, item.tenant_id, _what(item), item.model, item.classification, item.request_id, item.reserved_usd)
            for item in items
        ],
    )


@audit.command()
@click.option("--from", "since", type=Moment(), help="Its first moment; else this month's.")
@click.option("--to", "until", type=Moment(), help="Its end; else now.")
@operator_option
@speaks
def report(since: str | None, until: str | None, operator: bool, data: Path, as_json: bool) -> None:
    """Count what left in a period, by class and model."""
    place = locate(data, "operator" if operator else "admin")
    found = call(place, "GET", "/audit/report", params=present(**{"from": since, "to": until}))
    if as_json or not isinstance(found, dict):
        say_json(found)
        return
    say_fields([(name.replace("_", " "), _flat(value)) for name, value in found.items()])


@audit.command()
@data_option("Folder whose book is verified.")
@json_option
def verify(data: Path, as_json: bool) -> None:
    """Read the whole book and hold every record against its seal."""
    from shared.runtime.upkeep import verify as run
    from shared.types.errors import AegisError, StoreUnavailable

    try:
        verdict = asyncio.run(run(data))
    except StoreUnavailable as error:
        raise Unreachable(line(error), "what to do: bring the store back and run this again") from error
    except (AegisError, ValueError) as error:
        raise Failure(Exit.USAGE, line(error)) from error
    if as_json:
        say_json({"ok": not verdict.fault, **to_builtins(verdict)})
    else:
        say_fields([(name, getattr(verdict, name)) for name in ("seals", "blobs", "records", "head")])
    if verdict.fault:
        raise Failure(
            Exit.FAILED,
            f"the book was changed: {line(verdict.fault)}",
            "what to do: bring this blob back from a backup, and find out who may write to the store",
        )


def _what(item: _Item) -> str:
    return f"{item.scope} reached {item.threshold_pct} %" if item.kind == "threshold" else "call"


def _flat(value: object) -> object:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_flat(one)}" for name, one in value.items())
    return value
