"""`aegis audit`: what left for the cloud, who did what, and the verification of the usage ledger."""

import asyncio
from decimal import Decimal
from pathlib import Path

import rich_click as click
from msgspec import Struct, to_builtins

from shared.terminal.client import call
from shared.terminal.connection import connection_for
from shared.terminal.errors import CommandError, ExitCode, store_errors
from shared.terminal.listing import write_list
from shared.terminal.options import (
    CLASSES,
    TimeParam,
    data_option,
    given,
    json_option,
    limit_option,
    operator_option,
    server_options,
)
from shared.terminal.output import safe_line, write_fields, write_json

KINDS = ("outbound", "threshold", "login", "access", "change", "erasure")
_COLUMNS = {
    "at": "at",
    "tenant": "tenant_id",
    "what": "what",
    "who": "actor_id",
    "model": "model",
    "class": "classification",
    "request": "request_id",
    "reserved USD": "reserved_usd",
}


class _Item(Struct):
    kind: str
    at: str
    tenant_id: str | None = None
    model: str = ""
    classification: str = ""
    request_id: str = ""
    reserved_usd: Decimal | None = None
    scope: str = ""
    threshold_pct: int | None = None
    used_up: bool = False
    action: str = ""
    actor_id: str | None = None
    done: bool = True

    @property
    def what(self) -> str:
        """The call, the act, or the threshold."""
        if self.kind == "outbound":
            return "call"
        if self.kind != "threshold":
            return self.action if self.done else f"{self.action} refused"
        return f"{self.scope} used up" if self.used_up else f"{self.scope} reached {self.threshold_pct} %"


@click.group()
def audit() -> None:
    """List what left for the cloud and who did what, and verify the usage ledger."""


@audit.command("list")
@click.option("--from", "since", type=TimeParam(), help="Start of the period; default: two months before its end.")
@click.option("--to", "until", type=TimeParam(), help="End of the period; default: now.")
@click.option("--classification", type=click.Choice(CLASSES), help="Only calls with this classification.")
@click.option("--kind", type=click.Choice(KINDS), help="Only entries of this kind.")
@limit_option(50, None, "Maximum number of entries.")
@operator_option
@server_options
def list_audit(
    since: str | None,
    until: str | None,
    classification: str | None,
    kind: str | None,
    limit: int,
    operator: bool,
    data: Path,
    as_json: bool,
) -> None:
    """List calls that left, thresholds, logins, accesses, changes and erasures, newest first."""
    connection = connection_for(data, operator=operator)
    params = given(**{"from": since, "to": until, "classification": classification, "kind": kind})
    write_list(connection, "/audit", limit, _Item, _COLUMNS, as_json=as_json, params=params, empty="nothing is listed")


@audit.command()
@click.option("--from", "since", type=TimeParam(), help="Start of the period; default: this month.")
@click.option("--to", "until", type=TimeParam(), help="End of the period; default: now.")
@operator_option
@server_options
def report(since: str | None, until: str | None, operator: bool, data: Path, as_json: bool) -> None:
    """Count the calls that left in a period, by classification and model."""
    connection = connection_for(data, operator=operator)
    found = call(connection, "GET", "/audit/report", params=given(**{"from": since, "to": until}))
    if as_json or not isinstance(found, dict):
        write_json(found)
        return
    write_fields([(name.replace("_", " "), _flat(value)) for name, value in found.items()])


@audit.command()
@data_option("Folder whose usage ledger is verified.")
@json_option
def verify(data: Path, as_json: bool) -> None:
    """Read the whole usage ledger and check every record against its seal."""
    with store_errors("restore the store and run this again"):
        from shared.runtime.upkeep import verify as run

        result = asyncio.run(run(data))
    if as_json:
        write_json({"ok": not result.fault, **to_builtins(result)})
    else:
        write_fields([(name, getattr(result, name)) for name in ("seals", "blobs", "records", "head")])
    if result.fault:
        raise CommandError(
            ExitCode.FAILED,
            f"the usage ledger was changed: {safe_line(result.fault)}",
            "what to do: restore this blob from a backup, and find out who may write to the store",
        )


def _flat(value: object) -> object:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_flat(one)}" for name, one in value.items())
    return value
