"""`aegis keys`: the API keys of the tenant."""

from decimal import Decimal
from pathlib import Path

import rich_click as click
from msgspec import Struct

from shared.terminal.client import call, listed, shaped
from shared.terminal.options import Identifier, Moment, TextParam, limit_option, present, speaks
from shared.terminal.place import locate
from shared.terminal.render import line, note, say, say_json, say_table

SCOPES = ("read", "write", "ask", "admin", "models")


class _Key(Struct):
    key_id: str
    name: str = ""
    role: str | None = None
    scopes: list[str] | None = None
    prefix: str = ""
    last4: str = ""
    last_used_at: str | None = None
    cost_usd: Decimal = Decimal(0)


class _Keys(Struct):
    items: list[_Key]


class CreatedKey(Struct):
    """A key as it is shown once."""

    api_key: str


@click.group()
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command()
@click.argument("name", type=TextParam())
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, help="What it may do (may be repeated).")
@click.option("--role", type=click.Choice(["reader", "member", "admin"]), help="As whom it acts.")
@click.option("--user", type=Identifier(), help="The user whose key it is.")
@click.option("--expires-at", type=Moment(), help="When it ends, such as 2027-01-31.")
@speaks
def create(
    name: str,
    scopes: tuple[str, ...],
    role: str | None,
    user: str | None,
    expires_at: str | None,
    data: Path,
    as_json: bool,
) -> None:
    """Make a key and print it, once."""
    place = locate(data)
    request = {"name": name, **present(scopes=scopes, role=role, user_id=user, expires_at=expires_at)}
    made = call(place, "POST", "/keys", json=request)
    if as_json:
        say_json(made)
        return
    key_id = shaped(place, made, _Key).key_id
    say(line(shaped(place, made, CreatedKey).api_key))
    note(f"{line(key_id)}: this is the only time that the key is shown")


@keys.command("list")
@limit_option(50, None, "How many.")
@speaks
def list_keys(limit: int, data: Path, as_json: bool) -> None:
    """List the keys, newest first."""
    place = locate(data)
    found = listed(place, "/keys", limit)
    if as_json:
        say_json(found)
        return
    say_table(
        ("key", "name", "role", "scopes", "begins", "ends", "last used", "cost USD"),
        [
            (key.key_id, key.name, key.role, key.scopes, key.prefix, key.last4, key.last_used_at, key.cost_usd)
            for key in shaped(place, found, _Keys).items
        ],
    )


@keys.command()
@click.argument("key_id", type=Identifier())
@speaks
def revoke(key_id: str, data: Path, as_json: bool) -> None:
    """Revoke a key, from the next request on."""
    call(locate(data), "DELETE", f"/keys/{key_id}")
    if as_json:
        say_json({"key_id": key_id, "status": "revoked"})
    else:
        say(f"{key_id} revoked")
