"""`aegis tenants`: who has a place on this server; for operators."""

import sys
from pathlib import Path

import rich_click as click
from msgspec import Struct

from shared.terminal.client import call, listed, shaped
from shared.terminal.keys import CreatedKey
from shared.terminal.options import Identifier, TextParam, limit_option, present, speaks
from shared.terminal.place import Place, locate
from shared.terminal.render import line, note, say, say_fields, say_json, say_table

TIERS = ("free", "pro", "enterprise")


class _Tenant(Struct):
    tenant_id: str
    name: str = ""
    tier: str = ""
    created_at: str | None = None

    def fields(self) -> list[tuple[str, object]]:
        return [("tenant", self.tenant_id), ("name", self.name), ("tier", self.tier), ("created", self.created_at)]


class _Tenants(Struct):
    items: list[_Tenant]


@click.group()
def tenants() -> None:
    """Make, list, change and delete tenants (operator)."""


@tenants.command()
@click.argument("name", type=TextParam())
@click.option("--tier", type=click.Choice(TIERS), default="free", show_default=True, help="Its limits and budget.")
@speaks
def create(name: str, tier: str, data: Path, as_json: bool) -> None:
    """Make a tenant and print its first key, once."""
    place = locate(data, "operator")
    made = call(place, "POST", "/tenants", json={"name": name, "tier": tier})
    if as_json:
        say_json(made)
        return
    tenant_id = shaped(place, made, _Tenant).tenant_id
    say(line(shaped(place, made, CreatedKey).api_key))
    note(f"{line(tenant_id)}: this is the only time that its key is shown")


@tenants.command("list")
@limit_option(50, None, "How many.")
@speaks
def list_tenants(limit: int, data: Path, as_json: bool) -> None:
    """List the tenants, newest first."""
    place = locate(data, "operator")
    found = listed(place, "/tenants", limit)
    if as_json:
        say_json(found)
        return
    say_table(
        ("tenant", "name", "tier", "created"),
        [[value for _, value in tenant.fields()] for tenant in shaped(place, found, _Tenants).items],
    )


@tenants.command()
@click.argument("tenant_id", type=Identifier())
@speaks
def show(tenant_id: str, data: Path, as_json: bool) -> None:
    """Show one tenant."""
    place = locate(data, "operator")
    _say(place, call(place, "GET", f"/tenants/{tenant_id}"), as_json)


@tenants.command()
@click.argument("tenant_id", type=Identifier())
@click.option("--name", type=TextParam(), help="Its new name.")
@click.option("--tier", type=click.Choice(TIERS), help="Its new tier.")
@speaks
def update(tenant_id: str, name: str | None, tier: str | None, data: Path, as_json: bool) -> None:
    """Change a tenant's name or tier."""
    if not (changes := present(name=name, tier=tier)):
        raise click.UsageError("Nothing to change: give --name or --tier.")
    place = locate(data, "operator")
    _say(place, call(place, "PATCH", f"/tenants/{tenant_id}", json=changes), as_json)


@tenants.command()
@click.argument("tenant_id", type=Identifier())
@click.option("--yes", is_flag=True, help="Do not ask.")
@speaks
def delete(tenant_id: str, yes: bool, data: Path, as_json: bool) -> None:
    """Delete a tenant with all its documents."""
    place = locate(data, "operator")
    if not yes and sys.stdin.isatty():
        click.confirm(f"Delete {tenant_id} and all its documents?", abort=True, err=True)
    answer = call(place, "DELETE", f"/tenants/{tenant_id}")
    if as_json:
        say_json(answer or {"tenant_id": tenant_id, "status": "deleted"})
    else:
        say(f"{tenant_id} {'is being deleted' if answer else 'deleted'}")


def _say(place: Place, tenant: object, as_json: bool) -> None:
    shown = shaped(place, tenant, _Tenant)
    if as_json:
        say_json(tenant)
    else:
        say_fields(shown.fields())
