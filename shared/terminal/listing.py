"""Prints the lists of a server."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from shared.terminal.client import items_of, list_items
from shared.terminal.connection import Connection
from shared.terminal.output import write_items, write_json


def write_list(
    connection: Connection,
    path: str,
    limit: int,
    kind: type[Struct],
    columns: Mapping[str, str],
    *,
    as_json: bool,
    params: dict[str, Any] | None = None,
    empty: str = "",
) -> None:
    """Prints the first `limit` items as JSON or as a table; `columns` are attributes of `kind` by heading."""
    found = list_items(connection, path, limit, params=params)
    if as_json:
        write_json(found)
    else:
        write_items(items_of(connection, found, kind), columns, empty=empty)
