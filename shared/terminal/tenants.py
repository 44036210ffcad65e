"""`aegis tenants`: the tenants of the installation; for operators."""

import sys
from pathlib import Path
from typing import get_args

import rich_click as click
from msgspec import Struct

from shared.terminal.client import call, convert_to
from shared.terminal.connection import Connection, connection_for
from shared.terminal.keys import write_created_key
from shared.terminal.listing import write_list
from shared.terminal.options import IdParam, TextParam, given, limit_option, server_options
from shared.terminal.output import write, write_fields, write_json
from shared.types.principal import Tier

_COLUMNS = {"tenant": "tenant_id", "name": "name", "tier": "tier", "suspended": "suspended", "created": "created_at"}


class _Tenant(Struct):
    tenant_id: str
    name: str = ""
    tier: str = ""
    suspended: bool = False
    created_at: str | None = None


@click.group()
def tenants() -> None:
    """Create, list, change and delete tenants (operator)."""


@tenants.command()
@click.argument("name", type=TextParam())
@click.option(
    "--tier", type=click.Choice(get_args(Tier)), default="free", show_default=True, help="Its limits and budget."
)
@server_options
def create(name: str, tier: str, data: Path, as_json: bool) -> None:
    """Create a tenant and print its first key, once."""
    connection = connection_for(data, operator=True)
    created = call(connection, "POST", "/tenants", json={"name": name, "tier": tier})
    write_created_key(connection, created, convert_to(connection, created, _Tenant).tenant_id, as_json)


@tenants.command("list")
@limit_option(50, None, "Maximum number of tenants.")
@server_options
def list_tenants(limit: int, data: Path, as_json: bool) -> None:
    """List the tenants, newest first."""
    write_list(connection_for(data, operator=True), "/tenants", limit, _Tenant, _COLUMNS, as_json=as_json)


@tenants.command()
@click.argument("tenant_id", type=IdParam())
@server_options
def show(tenant_id: str, data: Path, as_json: bool) -> None:
    """Show one tenant."""
    connection = connection_for(data, operator=True)
    _write(connection, call(connection, "GET", f"/tenants/{tenant_id}"), as_json)


@tenants.command()
@click.argument("tenant_id", type=IdParam())
@click.option("--name", type=TextParam(), help="Its new name.")
@click.option("--tier", type=click.Choice(get_args(Tier)), help="Its new tier.")
@click.option("--suspend/--resume", "suspended", default=None, help="Refuse all its calls; let them in again.")
@server_options
def update(
    tenant_id: str, name: str | None, tier: str | None, suspended: bool | None, data: Path, as_json: bool
) -> None:
    """Change a tenant's name or tier, suspend or resume it."""
    changes = given(name=name, tier=tier) | ({} if suspended is None else {"suspended": suspended})
    if not changes:
        raise click.UsageError("Nothing to change: give --name, --tier, --suspend or --resume.")
    connection = connection_for(data, operator=True)
    _write(connection, call(connection, "PATCH", f"/tenants/{tenant_id}", json=changes), as_json)


@tenants.command()
@click.argument("tenant_id", type=IdParam())
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@server_options
def delete(tenant_id: str, yes: bool, data: Path, as_json: bool) -> None:
    """Delete a tenant with all its documents."""
    connection = connection_for(data, operator=True)
    if not yes and sys.stdin.isatty():
        click.confirm(f"Delete {tenant_id} and all its documents?", abort=True, err=True)
    answer = call(connection, "DELETE", f"/tenants/{tenant_id}")
    if as_json:
        write_json(answer or {"tenant_id": tenant_id, "status": "deleted"})
    else:
        write(f"{tenant_id} {'is being deleted' if answer else 'deleted'}")


def _write(connection: Connection, raw: object, as_json: bool) -> None:
    tenant = convert_to(connection, raw, _Tenant)
    if as_json:
        write_json(raw)
    else:
        write_fields([(title, getattr(tenant, name)) for title, name in _COLUMNS.items()])
