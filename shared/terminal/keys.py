"""`aegis keys`: the API keys of the tenant."""

from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import rich_click as click
from msgspec import Struct

from shared.terminal.client import call, convert_to
from shared.terminal.connection import Connection, connection_for
from shared.terminal.listing import write_list
from shared.terminal.options import IdParam, TextParam, TimeParam, given, limit_option, server_options
from shared.terminal.output import note, safe_line, write, write_json
from shared.types.principal import Scope

_COLUMNS = {
    "key": "key_id",
    "name": "name",
    "role": "role",
    "scopes": "scopes",
    "prefix": "prefix",
    "last 4": "last4",
    "last used": "last_used_at",
    "cost USD": "cost_usd",
}


class _Key(Struct):
    key_id: str
    name: str = ""
    role: str | None = None
    scopes: list[str] | None = None
    prefix: str = ""
    last4: str = ""
    last_used_at: str | None = None
    cost_usd: Decimal = Decimal(0)


class _CreatedKey(Struct):
    """A key in the only answer that contains it."""

    api_key: str


class _RotatedKey(Struct):
    replaced_expires_at: str


@click.group()
def keys() -> None:
    """Create, list, rotate and revoke API keys."""


@keys.command()
@click.argument("name", type=TextParam())
@click.option(
    "--scope", "scopes", type=click.Choice(get_args(Scope)), multiple=True, help="A permission (may be repeated)."
)
@click.option("--role", type=click.Choice(["reader", "member", "admin"]), help="The role of the key.")
@click.option("--user", type=IdParam(), help="The user that owns the key.")
@click.option("--expires-at", type=TimeParam(takes_days=False), help="Time of expiry, such as 2027-01-31.")
@server_options
def create(
    name: str,
    scopes: tuple[str, ...],
    role: str | None,
    user: str | None,
    expires_at: str | None,
    data: Path,
    as_json: bool,
) -> None:
    """Create a key and print it, once."""
    connection = connection_for(data)
    request = {"name": name, **given(scopes=scopes, role=role, user_id=user, expires_at=expires_at)}
    created = call(connection, "POST", "/keys", json=request)
    write_created_key(connection, created, convert_to(connection, created, _Key).key_id, as_json)


def write_created_key(connection: Connection, created: Any, owner_id: str, as_json: bool) -> None:
    """Prints only the key on stdout, so that a script can store it."""
    if as_json:
        write_json(created)
        return
    write(safe_line(convert_to(connection, created, _CreatedKey).api_key))
    note(f"{safe_line(owner_id)}: this is the only time that the key is shown")


@keys.command("list")
@limit_option(50, None, "Maximum number of keys.")
@server_options
def list_keys(limit: int, data: Path, as_json: bool) -> None:
    """List the keys, newest first."""
    write_list(connection_for(data), "/keys", limit, _Key, _COLUMNS, as_json=as_json)


@keys.command()
@click.argument("key_id", type=IdParam())
@click.option("--overlap", type=click.IntRange(0), help="Seconds that the old key goes on; default: a day.")
@server_options
def rotate(key_id: str, overlap: int | None, data: Path, as_json: bool) -> None:
    """Replace a key by a new one and print that, once."""
    connection = connection_for(data)
    request = {} if overlap is None else {"overlap_seconds": overlap}
    created = call(connection, "POST", f"/keys/{key_id}/rotate", json=request)
    write_created_key(connection, created, convert_to(connection, created, _Key).key_id, as_json)
    if not as_json:
        note(f"{key_id} ends at {safe_line(convert_to(connection, created, _RotatedKey).replaced_expires_at)}")


@keys.command()
@click.argument("key_id", type=IdParam())
@server_options
def revoke(key_id: str, data: Path, as_json: bool) -> None:
    """Revoke a key, from the next request on."""
    call(connection_for(data), "DELETE", f"/keys/{key_id}")
    if as_json:
        write_json({"key_id": key_id, "status": "revoked"})
    else:
        write(f"{key_id} revoked")


@keys.command("rotate-signing")
@server_options
def rotate_signing(data: Path, as_json: bool) -> None:
    """Make a new key that signs access tokens (operator)."""
    made = call(connection_for(data, operator=True), "POST", "/auth/signing-keys")
    if as_json:
        write_json(made)
        return
    write(safe_line(made["kid"]))
    note("access tokens of the key before are valid until they expire")
